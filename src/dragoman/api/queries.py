"""The SQL that the doors share."""

CLAIM_KEY = """
insert into idempotency_keys (organisation_id, scope, key, body_hash, created_at)
values (%(organisation_id)s, %(scope)s, %(key)s, %(body_hash)s, %(now)s)
on conflict (organisation_id, scope, key) do update
    set body_hash = excluded.body_hash, status = null, response = null, created_at = excluded.created_at
    where idempotency_keys.created_at < %(expired)s
returning true as claimed
"""

CLAIMED_KEY = """
select body_hash, status, response, created_at from idempotency_keys
where organisation_id = %(organisation_id)s and scope = %(scope)s and key = %(key)s
"""

FINISH_KEY = """
update idempotency_keys set status = %(status)s, response = %(response)s
where organisation_id = %(organisation_id)s and scope = %(scope)s and key = %(key)s
"""

RELEASE_KEY = """
delete from idempotency_keys
where organisation_id = %(organisation_id)s and scope = %(scope)s and key = %(key)s and status is null
"""

"""The SQL of callbacks."""

# The look-up counts itself, in one statement, so that a flood is seen by every process.
TURN = """
with t as (
    select organisation_id, id, conversation_id, epoch, callback_until, callback_revoked from turns where callback_hash = %(hash)s
),
counted as (
    insert into rate_windows (scope, minute, count) select %(scope)s, date_trunc('minute', %(now)s::timestamptz), 1 from t
    on conflict (scope, minute) do update set count = rate_windows.count + 1
    returning count
)
select t.*, counted.count from t cross join counted
"""

# The key is taken in the transaction that says the messages: both happen, or neither.
TAKE_KEY = """
insert into idempotency_keys (organisation_id, scope, key, body_hash, status, response, created_at)
values (%(organisation_id)s, %(scope)s, %(key)s, %(body_hash)s, %(status)s, %(response)s, %(now)s)
on conflict (organisation_id, scope, key) do nothing
returning key
"""

KEY = """
select body_hash, response from idempotency_keys where organisation_id = %(organisation_id)s and scope = %(scope)s and key = %(key)s
"""

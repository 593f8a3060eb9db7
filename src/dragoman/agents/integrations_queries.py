"""The SQL of integrations."""

_INTEGRATION = "organisation_id, id, number, kind, name, config, secrets, created_at, updated_at"

CREATE = f"""
insert into integrations (organisation_id, id, kind, name, config, secrets, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(kind)s, %(name)s, %(config)s, %(secrets)s, %(now)s, %(now)s)
returning {_INTEGRATION}
"""

LISTING = f"""
select {_INTEGRATION} from integrations where organisation_id = %(organisation_id)s order by number
"""

GET = f"select {_INTEGRATION} from integrations where organisation_id = %(organisation_id)s and id = %(id)s"

OF_KIND = f"""
select {_INTEGRATION} from integrations
where organisation_id = %(organisation_id)s and kind = %(kind)s and (%(id)s::uuid is null or id = %(id)s)
order by number limit 1
"""

RENEW = """
update integrations set secrets = %(secrets)s, config = jsonb_set(config, '{refresh_token}', to_jsonb(%(mask)s::text)), updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s
"""

DELETE = "delete from integrations where organisation_id = %(organisation_id)s and id = %(id)s returning id"

"""The SQL of `configured`."""

OF_AGENTS = """
select id, agent_id, kind, position, config, secrets from capabilities
where organisation_id = %(organisation_id)s and agent_id = any(%(agents)s) and kind = any(%(kinds)s)
order by agent_id, kind, position
"""

OF_AGENT_FOR_UPDATE = """
select id, config, secrets from capabilities
where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and kind = %(kind)s
order by position for update
"""

DELETE_OTHERS = """
delete from capabilities
where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and kind = %(kind)s and not id = any(%(ids)s)
"""

PUT = """
insert into capabilities (organisation_id, id, agent_id, kind, position, config, secrets, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(agent_id)s, %(kind)s, %(position)s, %(config)s, %(secrets)s, %(now)s, %(now)s)
on conflict (organisation_id, id) do update
set position = excluded.position, config = excluded.config, secrets = excluded.secrets, updated_at = excluded.updated_at
"""

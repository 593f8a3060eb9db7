"""The SQL of actions."""

_ACTION = "a.organisation_id, a.id, a.name, a.description, a.type, a.timing, a.is_active, a.config, a.secrets, a.created_at, a.updated_at"

PUT = f"""
insert into actions as a (organisation_id, id, name, description, type, timing, is_active, config, secrets, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(name)s, %(description)s, %(type)s, %(timing)s, %(is_active)s, %(config)s, %(secrets)s, %(now)s, %(now)s)
on conflict (organisation_id, id) do update
    set name = excluded.name, description = excluded.description, type = excluded.type, timing = excluded.timing,
        is_active = excluded.is_active, config = excluded.config, secrets = excluded.secrets, updated_at = excluded.updated_at
returning {_ACTION}
"""

GET = f"select {_ACTION} from actions a where a.organisation_id = %(organisation_id)s and a.id = %(id)s"

LISTING = f"""
select {_ACTION}, count(*) over () as total from actions a where a.organisation_id = %(organisation_id)s
order by a.created_at desc, a.id desc limit %(limit)s offset %(offset)s
"""

COUNT = "select count(*) as total from actions a where a.organisation_id = %(organisation_id)s"

DELETE = "delete from actions where organisation_id = %(organisation_id)s and id = %(id)s"

OF_AGENT = f"""
select {_ACTION} from agent_actions l join actions a on a.organisation_id = l.organisation_id and a.id = l.action_id
where l.organisation_id = %(organisation_id)s and l.agent_id = %(agent_id)s and a.is_active order by l.position
"""

IDS_OF_AGENTS = """
select l.agent_id, l.action_id from agent_actions l
where l.organisation_id = %(organisation_id)s and l.agent_id = any(%(agents)s) order by l.agent_id, l.position
"""

KNOWN = "select id from actions where organisation_id = %(organisation_id)s and id = any(%(actions)s)"

UNLINK = "delete from agent_actions where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s"

LINK = """
insert into agent_actions (organisation_id, agent_id, action_id, position)
select %(organisation_id)s, %(agent_id)s, action_id, position from unnest(%(actions)s::uuid[]) with ordinality as l(action_id, position)
"""

HAS_AFTER = """
select true as yes from agent_actions l join actions a on a.organisation_id = l.organisation_id and a.id = l.action_id
where l.organisation_id = %(organisation_id)s and l.agent_id = %(agent_id)s and a.is_active and a.timing = 'AFTER' limit 1
"""

# What BEFORE actions have brought into this session, which may have been some turns ago.
BROUGHT = """
select id, turn_id, position, call_id, state, result, error, outside, effects, acts from tool_calls
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and agent_id = %(agent_id)s
  and started_at >= %(opened_at)s and call_id = any(%(calls)s)
"""

# A customer's own columns; name and e-mail are columns of ours. Two contacts may have turned out to be one person.
_WHO = """organisation_id = %(organisation_id)s and id = (
    select coalesce(w.merged_into, w.id) from contacts w where w.organisation_id = %(organisation_id)s and w.id = %(contact_id)s)"""

WRITE_COLUMN = f"""
update contacts set columns = columns || jsonb_build_object(%(column)s::text, %(value)s::jsonb), updated_at = %(now)s where {_WHO} returning id
"""

WRITE_NAME = f"update contacts set given_name = %(value)s, updated_at = %(now)s where {_WHO} returning id"

WRITE_EMAIL = f"update contacts set email = %(value)s, updated_at = %(now)s where {_WHO} returning id"

CUSTOMER_EMAIL = f"select email from contacts where {_WHO}"

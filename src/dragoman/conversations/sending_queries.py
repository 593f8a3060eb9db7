"""SQL of `sending`."""

# The update that changes nothing makes the row of an existing conversation come back.
OPEN = """
insert into conversations as c (organisation_id, id, number_id, contact_id, agent_id, owner, created_at, updated_at)
select %(organisation_id)s, %(id)s, n.id, %(contact_id)s, n.agent_id,
    case when n.routing = 'agent' and n.agent_id is not null then 'agent' when n.routing = 'webhook' then 'webhook' else 'nobody' end,
    %(now)s, %(now)s
from numbers n where n.organisation_id = %(organisation_id)s and n.id = %(number_id)s
on conflict (organisation_id, number_id, contact_id) do update set updated_at = c.updated_at
returning c.id, c.agent_id
"""

REMEMBER_FORM = """
update messages set type = %(form)s
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and id = any(%(ids)s)
"""

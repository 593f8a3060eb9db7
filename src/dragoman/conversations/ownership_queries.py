"""The SQL of who speaks next. See `queries` for the order in which conversations are locked."""

ROUTE_NUMBER = """
update numbers set agent_id = %(agent_id)s, routing = case when %(agent_id)s::uuid is null then null else 'agent' end
where organisation_id = %(organisation_id)s and id = %(number_id)s
returning id
"""

RETIRE_AGENT = """
update agents set deleted_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(from_agent)s and deleted_at is null
returning id
"""

RELEASE_NUMBERS = """
update numbers set agent_id = null, routing = null where organisation_id = %(organisation_id)s and agent_id = %(from_agent)s
"""

# The new agent starts afresh: what the old one had not answered counts as answered, and its open turn is closed.
ROUTE_CONVERSATIONS = """
with wanted as (
    select case when %(agent_id)s::uuid is null then 'nobody' else 'agent' end as owner
),
old as (
    select c.organisation_id, c.id, c.turn_id, wanted.owner
    from conversations c, wanted
    where c.organisation_id = %(organisation_id)s and (c.number_id = %(number_id)s or c.agent_id = %(from_agent)s)
      and (c.agent_id is distinct from %(agent_id)s or c.owner <> wanted.owner or c.routing_override)
    order by c.organisation_id, c.contact_id, c.number_id for update of c
),
closed as (
    update turns t set state = 'discarded', cause = %(cause)s, closed_at = %(now)s
    from old where t.organisation_id = old.organisation_id and t.id = old.turn_id and t.state = 'open'
),
moved as (
    update conversations c
    set agent_id = %(agent_id)s, routing = null, routing_override = false, owner = old.owner, epoch = c.epoch + 1, turn_id = null,
        think_at = null, handback_at = null, answered_seq = greatest(c.answered_seq, c.wanted_seq), updated_at = %(now)s
    from old where c.organisation_id = old.organisation_id and c.id = old.id
    returning c.organisation_id, c.id, c.owner, c.epoch
)
insert into transfers (organisation_id, id, conversation_id, owner, epoch, reason, at)
select organisation_id, gen_random_uuid(), id, owner, epoch, %(cause)s, %(now)s from moved
"""

"""The SQL of planned follow-ups. The conversation's row is its schedule, so each statement moves `wake_at` along."""

# The same call plans once. Who has as many as he may gets none more.
PLAN = """
with c as (
    select organisation_id, id from conversations where organisation_id = %(organisation_id)s and id = %(conversation_id)s for update
),
before as (
    select w.id from wakeups w where w.organisation_id = %(organisation_id)s and w.key = %(key)s
),
planned as (
    insert into wakeups (organisation_id, id, conversation_id, agent_id, capability_id, source, key, at, instruction, forced, created_at)
    select c.organisation_id, %(id)s, c.id, %(agent_id)s, %(capability_id)s, 'agent', %(key)s, %(at)s, %(instruction)s, %(forced)s, %(now)s
    from c
    where not exists (select from before)
      and (select count(*) from wakeups w where w.organisation_id = c.organisation_id and w.conversation_id = c.id and w.state = 'pending'
           and w.source = 'agent') < %(most)s
    on conflict do nothing
    returning id
),
due as (
    update conversations x set wake_at = least(x.wake_at, %(at)s) from c
    where exists (select from planned) and x.organisation_id = c.organisation_id and x.id = c.id
)
select exists (select from planned) or exists (select from before) as planned
"""

CANCEL = """
update wakeups set state = 'cancelled', cause = 'the agent cancelled it', ended_at = %(now)s
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and agent_id = %(agent_id)s
  and state = 'pending' and source = 'agent'
"""

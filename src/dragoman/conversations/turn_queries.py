"""The SQL of turns outside the main job: asking again, what is quoted, and noting a test."""

REPLAY = """
with old as (
    select d.organisation_id, d.conversation_id, d.agent_id, t.id, t.from_seq, t.through_seq
    from deliveries d join turns t on t.organisation_id = d.organisation_id and t.id = d.turn_id
    where d.organisation_id = %(organisation_id)s and d.agent_id = %(agent_id)s and d.id = %(delivery_id)s
),
c as (
    select c.*, c.owner = 'agent' and c.agent_id = old.agent_id as with_agent
    from conversations c join old on c.organisation_id = old.organisation_id and c.id = old.conversation_id for update of c
),
opened as (
    insert into turns (organisation_id, id, conversation_id, agent_id, epoch, from_seq, through_seq, callback_hash, callback_until,
                       replay_of, opened_at)
    select old.organisation_id, %(turn_id)s, c.id, old.agent_id, c.epoch, old.from_seq, old.through_seq, %(callback_hash)s,
           %(callback_until)s, old.id, %(now)s
    from old join c on c.id = old.conversation_id
    where c.with_agent and c.turn_id is null
    returning conversation_id
),
due as (
    update conversations x set turn_id = %(turn_id)s, think_at = %(now)s, updated_at = %(now)s
    from opened where x.organisation_id = %(organisation_id)s and x.id = opened.conversation_id
    returning pg_notify('dragoman_due', '')
)
select c.with_agent, (select count(*) from due) > 0 as opened from old join c on c.id = old.conversation_id
"""

QUOTED = """
select id, wamid, direction, author, content from messages
where organisation_id = %(organisation_id)s and number_id = %(number_id)s and wamid = any(%(wamids)s)
  and conversation_id = %(conversation_id)s
"""

NOTE_TEST = """
insert into deliveries (organisation_id, id, turn_id, agent_id, attempt, url, started_at, duration_ms, outcome, status, response_head, cause)
values (%(organisation_id)s, %(id)s, %(turn_id)s, %(agent_id)s, 1, %(url)s, %(started_at)s, %(duration_ms)s, %(outcome)s, %(status)s,
        %(response_head)s, %(cause)s)
"""

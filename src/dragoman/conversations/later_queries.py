"""The SQL of `later`."""

POSTPONE_TRANSFER = """
update conversations set transfer_at = %(until)s where organisation_id = %(organisation_id)s and id = %(conversation_id)s
"""

POSTPONE_WAKE = """
update conversations set wake_at = %(until)s where organisation_id = %(organisation_id)s and id = %(conversation_id)s
"""

# A transfer is cleared by the change of hands itself; one that cannot be is cleared here.
NOTE_HAND_OVER = """
with failed as (
    update conversations set transfer = null, transfer_at = null
    where organisation_id = %(organisation_id)s and id = %(conversation_id)s and %(kind)s = 'hand_over_failed'
)
insert into happenings (organisation_id, id, conversation_id, kind, details, at)
select c.organisation_id, gen_random_uuid(), c.id, %(kind)s, jsonb_build_object('reason', %(reason)s::text, 'summary', %(summary)s::text), %(now)s
from conversations c where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
"""

PLAN = """
with planned as (
    insert into wakeups (organisation_id, id, conversation_id, agent_id, source, key, at, instruction, forced, created_at)
    select c.organisation_id, %(id)s, c.id, %(agent_id)s, %(source)s, %(key)s, %(at)s, %(instruction)s, %(forced)s, %(now)s
    from conversations c where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
    on conflict do nothing
    returning id, conversation_id
),
due as (
    update conversations c set wake_at = least(c.wake_at, %(at)s) from planned p
    where c.organisation_id = %(organisation_id)s and c.id = p.conversation_id
    returning pg_notify('dragoman_due', '')
)
select p.id, (select count(*) from due) as told from planned p
"""

# Follow-ups whose time has come after the 24 hours, and whose rule has a template for that.
TEMPLATES_DUE = """
select w.id, a.config from wakeups w
join conversations c on c.organisation_id = w.organisation_id and c.id = w.conversation_id
join contacts x on x.organisation_id = c.organisation_id and x.id = c.contact_id
join contacts k on k.organisation_id = x.organisation_id and k.id = coalesce(x.merged_into, x.id)
join capabilities a on a.organisation_id = w.organisation_id and a.id = w.capability_id and a.config ->> 'templateName' <> ''
where w.organisation_id = %(organisation_id)s and w.conversation_id = %(conversation_id)s and w.state = 'pending' and w.at <= %(now)s
  and w.agent_id = c.agent_id and c.owner = 'agent' and k.opted_out_at is null
order by w.at
"""

TEMPLATE_SENT = """
update wakeups set state = 'said', ended_at = %(now)s, cause = 'the 24-hour window had closed, so its template was sent'
where organisation_id = %(organisation_id)s and id = %(id)s and state = 'pending'
returning id
"""

WAKEUPS = """
select id, at, source, instruction, forced as force_message, state, cause, created_at, ended_at, count(*) over () as total from wakeups
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s
order by created_at desc, id desc limit %(limit)s offset %(offset)s
"""

WAKEUP = """
select id, at, source, instruction, forced as force_message, state, cause, created_at, ended_at from wakeups
where organisation_id = %(organisation_id)s and id = %(id)s
"""

CANCEL = """
update wakeups set state = 'cancelled', cause = 'it was cancelled through the API', ended_at = %(now)s
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and id = %(id)s and state in ('pending', 'held')
returning id
"""

ASKABLE = """
select c.owner, c.window_until, c.agent_id, a.kind, k.opted_out_at from conversations c
left join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id and a.deleted_at is null
join contacts x on x.organisation_id = c.organisation_id and x.id = c.contact_id
join contacts k on k.organisation_id = x.organisation_id and k.id = coalesce(x.merged_into, x.id)
where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
"""

# What is due of this conversation: the first becomes a turn, and what can have no turn any more ends with its cause. The row's
# wake_at is the earliest that is left.
WAKE = """
with c as (
    select * from conversations where organisation_id = %(organisation_id)s and id = %(conversation_id)s for update
),
found as (
    select w.id, w.at, w.agent_id = c.agent_id and c.owner = 'agent' and (k.opted_out_at is null or w.source = 'handoff') as theirs,
           k.opted_out_at is not null as unwilling, w.source, w.instruction, w.forced, c.turn_id is null as free
    from wakeups w join c on w.organisation_id = c.organisation_id and w.conversation_id = c.id
    join contacts x on x.organisation_id = c.organisation_id and x.id = c.contact_id
    join contacts k on k.organisation_id = x.organisation_id and k.id = coalesce(x.merged_into, x.id)
    where w.state = 'pending' and w.at <= %(now)s
),
next as (
    select * from found where theirs and free and %(open)s order by at, id limit 1
),
opened as (
    insert into turns (organisation_id, id, conversation_id, agent_id, epoch, from_seq, through_seq, callback_hash, callback_until,
                       instruction, forced, wakeup_id, opened_at)
    select c.organisation_id, %(turn_id)s, c.id, c.agent_id, c.epoch, c.last_seq + 1, c.answered_seq, %(callback_hash)s, %(callback_until)s,
           n.instruction, n.forced, n.id, %(now)s
    from c cross join next n
    returning wakeup_id
),
ended as (
    update wakeups w
    set state = case when w.id = (select id from next) then 'thinking' when not f.theirs then 'cancelled' else 'held' end,
        turn_id = case when w.id = (select id from next) then %(turn_id)s::uuid end,
        cause = case when w.id = (select id from next) then null
                     when f.unwilling and not f.theirs then 'the customer asked not to be written to (STOP)'
                     when not f.theirs then 'the conversation was not with this agent any more'
                     else 'WhatsApp''s 24-hour window had closed: only a template can be sent now' end,
        ended_at = case when w.id = (select id from next) then null else %(now)s end
    from found f
    where w.organisation_id = %(organisation_id)s and w.id = f.id and (not f.theirs or not %(open)s or w.id = (select id from next))
    returning w.id, w.state, w.cause
),
noted as (
    insert into happenings (organisation_id, id, conversation_id, kind, details, at)
    select %(organisation_id)s, gen_random_uuid(), %(conversation_id)s, 'wakeup_' || state, jsonb_build_object('wakeup_id', id, 'cause', cause), %(now)s
    from ended where state <> 'thinking'
)
update conversations x
set turn_id = case when exists (select from opened) then %(turn_id)s::uuid else x.turn_id end,
    think_at = case when exists (select from opened) then %(now)s else x.think_at end,
    wake_at = (
        select min(greatest(w.at, case when w.at <= %(now)s then %(now)s + interval '2 seconds' else w.at end)) from wakeups w
        where w.organisation_id = x.organisation_id and w.conversation_id = x.id and w.state = 'pending' and w.id not in (select id from ended))
from c where x.organisation_id = c.organisation_id and x.id = c.id
"""

CLOSE_IDLE = """
with c as (
    select * from conversations where organisation_id = %(organisation_id)s and id = %(conversation_id)s for update
),
ended as (
    update sessions s set closed_at = %(now)s, closed_reason = 'idle'
    from c where s.organisation_id = c.organisation_id and s.conversation_id = c.id and s.closed_at is null
      and coalesce(c.last_message_at, c.created_at) <= %(before)s
    returning s.id, s.agent_id
),
noted as (
    insert into happenings (organisation_id, id, conversation_id, kind, details, at)
    select %(organisation_id)s, gen_random_uuid(), %(conversation_id)s, 'session_closed',
           jsonb_build_object('session_id', id, 'agent_id', agent_id, 'reason', 'idle'), %(now)s
    from ended
)
update conversations x
set close_at = case when coalesce(x.last_message_at, x.created_at) > %(before)s then coalesce(x.last_message_at, x.created_at) + %(idle)s end
from c left join ended e on true where x.organisation_id = c.organisation_id and x.id = c.id
returning e.id as session_id, e.agent_id
"""

"""The SQL of one batch: who is next, and the words put into their conversations."""

# Campaigns that write from the same number take turns.
NUMBER_LOCK = "select pg_advisory_xact_lock(hashtextextended('campaigns of ' || %(number_id)s::text, 0))"

TURN = """
select c.*, s.sent_at, n.per_second, n.paused_reason, n.paused_until, n.id is not null as has_number, a.deleted_at is null as has_agent
from campaigns c
join campaign_senders s on s.organisation_id = c.organisation_id and s.campaign_id = c.id
left join numbers n on n.organisation_id = s.organisation_id and n.id = s.number_id
join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id
where c.organisation_id = %(organisation_id)s and c.id = %(campaign_id)s and s.number_id = %(number_id)s and s.round = %(round)s
  and c.state in ('scheduled', 'running')
for update of c, s
"""

# How long ago any campaign took a batch for this number, how many of the last ones' messages wait in the outbox still, and whether one of
# them is only waiting for its place. The others were refused for now and have their own time for another attempt. `pressed`: so much is
# said in the number's conversations that it waits for the rate.
PACE = """
with last as (
    select s.batch, s.batch_at from campaign_senders s
    where s.organisation_id = %(organisation_id)s and s.number_id = %(number_id)s and s.batch_at > now() - interval '1 day'
),
waiting as (
    select m.not_before from last cross join lateral unnest(last.batch) as b(id)
    join messages m on m.organisation_id = %(organisation_id)s and m.id = b.id
    where m.state in ('queued', 'sending')
)
select extract(epoch from clock_timestamp() - (select max(batch_at) from last))::float8 as idle, count(*) as waiting,
       coalesce(bool_or(not_before is null or not_before <= %(now)s), false) as busy,
       coalesce((select max(cardinality(batch)) from last), 0) as size,
       (select count(*) from (
           select from conversations c
           where c.due_at <= %(now)s + interval '1 second' and c.send_at <= %(now)s + interval '1 second'
             and c.organisation_id = %(organisation_id)s and c.number_id = %(number_id)s limit 100) w) >= greatest(2, %(pressing)s) as pressed
from waiting
"""

NEXT = """
select r.position, r.variables, k.id as contact_id, k.name, k.phone, k.email, k.tags, k.columns,
       k.opted_out_at is not null as opted_out, k.deleted_at is not null as forgotten,
       x.reason as suppressed,
       k.id <> r.contact_id and exists (
           select from campaign_recipients o where o.organisation_id = r.organisation_id and o.campaign_id = r.campaign_id
             and o.contact_id = k.id) as again
from (
    select * from campaign_recipients
    where organisation_id = %(organisation_id)s and campaign_id = %(campaign_id)s and number_id = %(number_id)s and state = 'waiting'
    order by position limit %(limit)s for update
) r
join contacts w on w.organisation_id = r.organisation_id and w.id = r.contact_id
join contacts k on k.organisation_id = w.organisation_id and k.id = coalesce(w.merged_into, w.id)
left join suppressions x on x.organisation_id = k.organisation_id and x.phone = k.phone
order by r.position
"""

LEAVE_OUT = """
update campaign_recipients r set state = p.state, cause = p.cause
from unnest(%(positions)s::int[], %(states)s::text[], %(causes)s::text[]) as p(position, state, cause)
where r.organisation_id = %(organisation_id)s and r.campaign_id = %(campaign_id)s and r.position = p.position and r.state = 'waiting'
"""

OPEN = """
insert into conversations (organisation_id, id, number_id, contact_id, agent_id, routing, routing_override, owner, created_at, updated_at)
select n.organisation_id, w.id, n.id, w.contact_id, %(agent_id)s,
       case when bound.other then 'agent' end, bound.other, 'agent', %(now)s, %(now)s
from unnest(%(conversation_ids)s::uuid[], %(contact_ids)s::uuid[]) as w(id, contact_id)
join numbers n on n.organisation_id = %(organisation_id)s and n.id = %(number_id)s
cross join lateral (select n.routing is distinct from 'agent' or n.agent_id is distinct from %(agent_id)s as other) bound
order by w.contact_id
on conflict (organisation_id, number_id, contact_id) do nothing
"""

# Whoever has a thread in his hands is told by its name. A thread that another answers goes to the campaign's agent, with a question that waits there; what was being thought about it
# ends. One that a person holds stays with the person: only who is behind changes. One that the agent has is not touched.
SAY = """
with w as (
    select * from unnest(%(positions)s::int[], %(contact_ids)s::uuid[], %(message_ids)s::uuid[], %(contents)s::text[], %(after)s::float8[])
        as w(position, contact_id, message_id, content, after)
),
c as (
    select c.organisation_id, c.id, c.contact_id, c.number_id, c.last_seq, c.epoch, w.position, w.message_id, w.content, w.after,
           c.lease_until is not null as held, c.owner not in ('person', 'phone_app') and (c.owner <> 'agent' or c.agent_id is distinct from %(agent_id)s) as taken,
           c.agent_id is distinct from %(agent_id)s
               or coalesce(case when c.routing_override then c.routing else n.routing end, 'none') <> 'agent' as other
    from w join conversations c on c.organisation_id = %(organisation_id)s and c.number_id = %(number_id)s and c.contact_id = w.contact_id
    join numbers n on n.organisation_id = c.organisation_id and n.id = c.number_id
    order by c.organisation_id, c.contact_id, c.number_id for update of c
),
moved as (
    update conversations x
    set last_seq = x.last_seq + 1, queued_seq = x.last_seq + 1, send_at = coalesce(x.send_at, %(now)s + make_interval(secs => c.after)), last_message_at = %(now)s,
        updated_at = %(now)s, agent_id = %(agent_id)s,
        routing = case when c.other then 'agent' else x.routing end, routing_override = x.routing_override or c.other,
        owner = case when c.taken then 'agent' else x.owner end, epoch = x.epoch + c.taken::int,
        turn_id = case when c.taken then null else x.turn_id end,
        think_at = case when not c.taken then x.think_at when x.wanted_seq > x.answered_seq then %(now)s end,
        transfer = case when c.taken then null else x.transfer end, transfer_at = case when c.taken then null else x.transfer_at end
    from c where x.organisation_id = c.organisation_id and x.id = c.id
),
ended as (
    update turns t set state = 'discarded', cause = %(reason)s, closed_at = %(now)s
    from c where c.taken and t.organisation_id = c.organisation_id and t.conversation_id = c.id and t.state = 'open'
),
noted as (
    insert into transfers (organisation_id, id, conversation_id, owner, epoch, reason, at)
    select organisation_id, gen_random_uuid(), id, 'agent', epoch + 1, %(reason)s, %(now)s from c where taken
),
queued as (
    insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, state, said_at, created_at)
    select organisation_id, message_id, id, last_seq + 1, 'out', 'api', 'template', content::jsonb, number_id, 'queued', %(now)s, %(now)s from c
),
marked as (
    update campaign_recipients r
    set state = 'queued', message_id = c.message_id, conversation_id = c.id, queued_at = %(now)s
    from c where r.organisation_id = c.organisation_id and r.campaign_id = %(campaign_id)s and r.position = c.position
)
select count(*) as queued, pg_notify('dragoman_due', ''), (select count(pg_notify('dragoman_due', id::text)) from c where held) from c
"""

# `batch_at` is when the batch was taken: the transaction's beginning would be earlier, because it waited for its turn.
TAKEN = """
update campaign_senders set round = round + 1, batch = coalesce(%(batch)s::uuid[], batch),
    batch_at = case when %(batch)s::uuid[] is null then batch_at else clock_timestamp() end,
    sent_at = case when %(batch)s::uuid[] is null then sent_at else %(now)s end
where organisation_id = %(organisation_id)s and campaign_id = %(campaign_id)s and number_id = %(number_id)s
"""

LEFT = """
select count(*) filter (where number_id = %(number_id)s) as here, count(*) as anywhere from (
    (select number_id from campaign_recipients
     where organisation_id = %(organisation_id)s and campaign_id = %(campaign_id)s and number_id = %(number_id)s and state = 'waiting' limit 1)
    union all
    (select number_id from campaign_recipients
     where organisation_id = %(organisation_id)s and campaign_id = %(campaign_id)s and state = 'waiting' limit 1)
) w
"""

NUMBER_GONE = """
update campaign_recipients set state = 'failed', cause = %(cause)s
where organisation_id = %(organisation_id)s and campaign_id = %(campaign_id)s and number_id = %(number_id)s and state = 'waiting'
"""

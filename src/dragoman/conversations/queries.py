"""The SQL of the main job. Rows travel as one JSON parameter, so that a statement serves one conversation or hundreds.

Wherever several conversations are locked, they are locked in the order (organisation, contact, number), so that two
statements never wait for each other in a circle. `claim` skips what is locked instead.

Leases run on the database's own clock (`now()`), the only one that all workers share: a worker's clock that is wrong, or a
sandbox's that is moved, neither frees nor prolongs anybody's lease. Everything else runs on the program's clock (`%(now)s`).

A conversation whose worker is gone when its lease has run out was lost, and `lost` counts how often in a row: something in it may
be what ends the process. `record` and the last `settle` set it to 0. See `policy.SUSPECT_AFTER`.
"""

from dragoman.conversations.policy import SUSPECT_AFTER, SUSPECTS_TOGETHER

# What waits in the outbox. Only what nobody could tell the fate of once may go out a second time, and no agent's reply
# after the thread has changed hands.
_WAITING = """
            select m.id, m.seq, m.state, m.content, m.reply_to_wamid, m.attempts, m.not_before, m.attempt_id, m.author,
                   case when m.state = 'unknown' then (
                       select count(*) < 2 from send_attempts a
                       where a.organisation_id = m.organisation_id and a.message_id = m.id and a.outcome = 'unknown'
                   ) and not exists (
                       select from turns t
                       where m.author = 'agent' and t.organisation_id = m.organisation_id and t.id = m.turn_id and t.epoch <> c.epoch
                   ) end as once_more
            from messages m
            where m.organisation_id = c.organisation_id and m.conversation_id = c.id
              and (m.state in ('queued', 'sending') or (m.state = 'unknown' and m.not_before is not null))
            order by m.seq limit %(outbox)s"""

# How often a conversation was lost in a row; a lease that has run out counts, whatever became of its worker.
_LOST = "lost + (lease_until is not null)::int"

_FREE = f"(lease_until is null or lease_until <= now()) and (%(suspects)s or {_LOST} < {SUSPECT_AFTER})"
_TAKEN = f"organisation_id, id, owner, epoch, agent_id, think_at, turn_id, answered_seq, {_LOST} as lost"

# Oldest first, whose it may be.
_OLDEST = f"""
with due as materialized (
    select {_TAKEN} from conversations
    where due_at <= %(now)s and {_FREE}
    order by due_at limit %(limit)s for update skip locked
),"""

# In turns: who holds least goes first, until each holds `few`. Compared as rows, there is one index that can give them in this order, and
# the planner cannot take the crowd's for shorter; `limit 1` keeps it from reading all conversations.
_TURNS = f"""
with next as materialized (
    select w.organisation_id, w.id
    from organisations o
    left join unnest(%(holders)s::uuid[], %(holding)s::int[]) h(id, held) on h.id = o.id
    cross join lateral (
        select organisation_id, id, due_at, coalesce(h.held, 0) + row_number() over (order by organisation_id, due_at) as place
        from conversations
        where (organisation_id, due_at) >= (o.id, '-infinity') and (organisation_id, due_at) <= (o.id, %(now)s) and due_at <= %(now)s and {_FREE}
        order by organisation_id, due_at limit least(%(limit)s::int, %(few)s::int - coalesce(h.held, 0))
    ) w
    where coalesce(h.held, 0) < %(few)s::int
    order by w.place, w.due_at limit %(limit)s
),
due as materialized (
    select d.* from next cross join lateral (
        select {_TAKEN} from conversations
        where organisation_id = next.organisation_id and id = next.id and due_at <= %(now)s and {_FREE}
        limit 1 for update skip locked
    ) d
),"""

_CLAIM = f"""
-- Suspects a few at a time, and who was lost even so all alone. The array is made only when there is one.
slots as (
    select *, row_number() over () as slot from due
    where lost < {SUSPECT_AFTER} or id = any(array(
        select id from due where lost >= {SUSPECT_AFTER} order by lost desc
        limit case when (select max(lost) from due) > {SUSPECT_AFTER} then 1 else {SUSPECTS_TOGETHER} end))
),
-- A turn covers the first question that waits, or all of them when the agent takes bursts as one.
question as (
    select s.organisation_id, s.id, s.slot, s.agent_id, s.epoch, q.from_seq, q.through_seq
    from slots s
    join agents a on a.organisation_id = s.organisation_id and a.id = s.agent_id and a.deleted_at is null
    cross join lateral (
        select min(m.seq) as from_seq, case when a.burst = 'merge' or a.kind = 'llm' then max(m.seq) else min(m.seq) end as through_seq
        from messages m
        where m.organisation_id = s.organisation_id and m.conversation_id = s.id and m.wants_answer and m.seq > s.answered_seq
    ) q
    where s.think_at <= %(now)s and s.owner = 'agent' and s.turn_id is null and q.from_seq is not null
),
opened as (
    insert into turns (organisation_id, id, conversation_id, agent_id, epoch, from_seq, through_seq,
                       callback_hash, callback_until, opened_at)
    select organisation_id, (%(turn_ids)s::uuid[])[slot], id, agent_id, epoch, from_seq, through_seq,
           decode((%(callback_hashes)s::text[])[slot], 'hex'), %(callback_until)s, %(now)s
    from question
    returning *
),
claimed as (
    update conversations c
    set lease_until = now() + make_interval(secs => %(lease)s), worker_id = %(worker_id)s, fence = c.fence + 1, turn_id = coalesce(c.turn_id, o.id),
        -- A worker that is still seen (it beats three times in a lease) has only failed at it, as all do while the database is away.
        lost = c.lost + (c.lease_until is not null and coalesce((
            select w.seen_at <= now() - make_interval(secs => %(lease)s / 2) from workers w where w.id = c.worker_id), true))::int
    from slots s left join opened o on o.organisation_id = s.organisation_id and o.conversation_id = s.id
    where c.organisation_id = s.organisation_id and c.id = s.id
    returning c.*
)
select c.organisation_id, c.id, c.number_id, c.contact_id, c.owner, c.epoch, c.fence, c.turn_id, c.think_at, c.send_at, c.media_at,
       c.handback_at, c.window_until, c.wanted_seq, c.wake_at, c.close_at, c.transfer, c.transfer_at,
       coalesce((select m.seq from messages m where m.organisation_id = c.organisation_id and m.conversation_id = c.id
                 order by m.seq desc limit 1), 0) as known_seq, -- newer ones are not in the outbox below
       c.last_inbound_wamid, c.pair_tokens, c.pair_at, c.lost, c.echoes,
       n.phone_number_id, n.display_number, n.access_token, n.per_second, n.paused_until, n.paused_reason,
       k.name as contact_name, k.phone, k.bsuid, k.username,
       a.id as agent_id, a.kind as agent_kind, a.webhook_url, a.webhook_secret, a.previous_secret, a.previous_secret_until,
       a.timeout_seconds, a.retry_delays, a.fallback_message, a.resend, a.disabled_at, a.disabled_cause, a.failing_since,
       coalesce(a.automatic_turns, (a.native ->> 'automaticTurns')::int, case when n.is_sandbox then 0 else %(automatic)s end) as automatic_turns,
       t.attempts as turn_attempts, t.from_seq, t.through_seq, t.callback_until, t.instruction, t.forced, t.wakeup_id,
       (select jsonb_agg(jsonb_build_object('id', m.id, 'seq', m.seq, 'wamid', m.wamid, 'said_at', m.said_at, 'content', m.content)
                         order by m.seq)
        from messages m
        where m.organisation_id = c.organisation_id and m.conversation_id = c.id and m.wants_answer
          and m.seq between t.from_seq and t.through_seq) as questions,
       case when c.send_at is not null then (
        select jsonb_agg(o order by o.seq) from ({_WAITING}) o) end as outbox
from claimed c
join numbers n on n.organisation_id = c.organisation_id and n.id = c.number_id
cross join lateral ( -- the limit keeps the planner from reading all contacts of an organisation
    select k.* from contacts w join contacts k on k.organisation_id = w.organisation_id and k.id = coalesce(w.merged_into, w.id)
    where w.organisation_id = c.organisation_id and w.id = c.contact_id limit 1
) k
left join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id
left join lateral (
    select attempts, from_seq, through_seq, callback_until, instruction, forced, wakeup_id from opened o
    where o.organisation_id = c.organisation_id and o.id = c.turn_id
    union all
    select attempts, from_seq, through_seq, callback_until, instruction, forced, wakeup_id from turns x
    where x.organisation_id = c.organisation_id and x.id = c.turn_id
) t on true
"""

CLAIM = _OLDEST + _CLAIM
CLAIM_FAIRLY = _TURNS + _CLAIM  # see `shares`

OUTBOX = f"""
select o.* from conversations c cross join lateral ({_WAITING}) o
where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
order by o.seq
"""

RECORD = """
with r as (
    select * from jsonb_to_recordset(%(rows)s::jsonb) as r(
        organisation_id uuid, conversation_id uuid, fence bigint, epoch int, turn_id uuid, agent_id uuid, delivery_id uuid, attempt int,
        url text, started_at timestamptz, duration_ms real, outcome text, status int, response_head text, cause text,
        turn_state text, through_seq bigint, known_seq bigint, retry_at timestamptz, replies jsonb, first_attempt uuid,
        pair_tokens real, pair_at timestamptz, release boolean, transfer jsonb, session_id uuid, close_at timestamptz, citations jsonb,
        wakeup_id uuid, n int)
),
-- What was recorded before, when the answer to that was lost with its connection, changes nothing more.
again as (
    select r.n, c.fence = r.fence as held, c.epoch = r.epoch as current, m.state = 'sending' and m.attempt_id = r.first_attempt as goes, m.seq
    from r join deliveries d on d.organisation_id = r.organisation_id and d.id = r.delivery_id
    join conversations c on c.organisation_id = r.organisation_id and c.id = r.conversation_id
    left join messages m on m.organisation_id = r.organisation_id and m.id = (r.replies -> 0 ->> 'id')::uuid
),
locked as (
    select r.n, c.last_seq, c.fence = r.fence as held, c.epoch = r.epoch as current, c.lease_until,
           r.first_attempt is not null and c.queued_seq <= r.known_seq as first, -- nothing else was queued meanwhile
           jsonb_array_length(r.replies) as replies
    from conversations c join r on r.organisation_id = c.organisation_id and r.conversation_id = c.id
    where not exists (select from again a where a.n = r.n)
    order by c.organisation_id, c.contact_id, c.number_id for update of c
),
-- Whoever waited for a lock until the lease was over may not call WhatsApp any more: what is said waits for the next one.
found as materialized (select l.*, l.first and coalesce(l.lease_until > clock_timestamp(), false) as goes from locked l),
noted as (
    insert into deliveries (organisation_id, id, turn_id, agent_id, conversation_id, attempt, url, started_at, duration_ms,
                            outcome, status, response_head, cause, retry_at)
    select organisation_id, delivery_id, turn_id, agent_id, conversation_id, attempt, url, started_at, duration_ms,
           outcome, status, response_head, cause, retry_at
    from r where n in (select l.n from locked l) -- not again, and not of a conversation that was erased meanwhile
),
turn as (
    update turns t
    set attempts = r.attempt, cause = coalesce(case when l.current then r.cause else 'the thread changed hands while the agent was thinking' end, t.cause),
        state = case when r.turn_state = 'open' then t.state when l.current then r.turn_state else 'discarded' end,
        closed_at = case when r.turn_state <> 'open' then %(now)s end, session_id = r.session_id, citations = r.citations
    from r join found l using (n)
    where t.organisation_id = r.organisation_id and t.id = r.turn_id and l.held and t.state = 'open'
),
-- How a planned thought ended, by how its turn did. A change of hands has ended it already.
thought as (
    update wakeups w
    set state = case when jsonb_array_length(r.replies) > 0 then 'said' when r.turn_state = 'silent' then 'silent' else 'failed' end,
        cause = r.cause, ended_at = %(now)s
    from r join found l using (n)
    where r.wakeup_id is not null and r.turn_state <> 'open' and l.held and l.current
      and w.organisation_id = r.organisation_id and w.id = r.wakeup_id and w.state = 'thinking'
),
advanced as (
    update conversations c
    set last_seq = c.last_seq + l.replies,
        answered_seq = case when l.current and r.turn_state <> 'open' then greatest(c.answered_seq, r.through_seq) else c.answered_seq end,
        turn_id = case when l.current and r.turn_state <> 'open' then null else c.turn_id end,
        think_at = case when not l.current then c.think_at
                        when r.turn_state = 'open' then r.retry_at
                        when c.wanted_seq > greatest(c.answered_seq, r.through_seq) then %(now)s end,
        queued_seq = case when l.current and l.replies > 0 then c.last_seq + l.replies else c.queued_seq end,
        send_at = case when l.current and l.replies > 0 then coalesce(c.send_at, %(now)s) else c.send_at end,
        last_message_at = case when l.current and l.replies > 0 then %(now)s else c.last_message_at end,
        pair_tokens = coalesce(r.pair_tokens, c.pair_tokens), pair_at = coalesce(r.pair_at, c.pair_at),
        close_at = coalesce(r.close_at, c.close_at),
        transfer = case when l.current and r.transfer is not null then r.transfer else c.transfer end,
        transfer_at = case when l.current and r.transfer is not null then %(now)s else c.transfer_at end,
        lost = 0,
        lease_until = case when r.release or not l.current then null else c.lease_until end,
        worker_id = case when r.release or not l.current then null else c.worker_id end
    from r join found l using (n)
    where c.organisation_id = r.organisation_id and c.id = r.conversation_id and l.held
    returning r.n, c.due_at <= %(now)s and c.lease_until is null as free
),
queued as (
    insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, state, cause,
                          reply_to_wamid, turn_id, attempt_id, attempts, said_at, created_at)
    select r.organisation_id, p.id, r.conversation_id,
           l.last_seq + p.position,
           'out', p.author, p.type, p.content, c.number_id,
           case when not l.current then 'discarded' when p.position = 1 and l.goes then 'sending' else 'queued' end,
           case when not l.current then 'the thread changed hands while the agent was thinking' end,
           p.reply_to_wamid, r.turn_id,
           case when p.position = 1 and l.current and l.goes then r.first_attempt end,
           case when p.position = 1 and l.current and l.goes then 1 else 0 end,
           %(now)s, %(now)s
    from r join found l using (n)
    join conversations c on c.organisation_id = r.organisation_id and c.id = r.conversation_id
    cross join lateral rows from (
        jsonb_to_recordset(r.replies) as (id uuid, type text, content jsonb, author text, reply_to_wamid text)
    ) with ordinality as p(id, type, content, author, reply_to_wamid, position)
    where l.held
),
attempted as (
    insert into send_attempts (organisation_id, id, message_id, conversation_id, started_at)
    select r.organisation_id, r.first_attempt, (r.replies -> 0 ->> 'id')::uuid, r.conversation_id, %(now)s
    from r join found l using (n)
    where l.held and l.current and l.goes
)
select coalesce(l.held, d.held, false) as held, coalesce(l.current, d.current, false) as current, coalesce(l.goes, d.goes, false) as goes,
       coalesce(l.last_seq + 1, d.seq, 1) as first_seq, coalesce(a.free, false) as free
from r left join found l using (n) left join advanced a using (n) left join again d using (n)
order by n
"""

SETTLE = """
with r as (
    select * from jsonb_to_recordset(%(rows)s::jsonb) as r(
        organisation_id uuid, conversation_id uuid, fence bigint, through_seq bigint, message_id uuid, attempt_id uuid, state text,
        wamid text, outcome text, http_status int, error_code int, cause text, response_head text, not_before timestamptz,
        next_message uuid, next_attempt uuid, pair_tokens real, pair_at timestamptz, send_at timestamptz, rest boolean, release boolean, n int)
),
locked as (
    select r.n, c.fence = r.fence as held, c.epoch, c.lease_until
    from conversations c join r on r.organisation_id = c.organisation_id and r.conversation_id = c.id
    order by c.organisation_id, c.contact_id, c.number_id for update of c
),
ended as (
    update send_attempts a
    set ended_at = %(now)s, outcome = case a.outcome when 'accepted' then a.outcome else r.outcome end, -- a status has proved it
        http_status = r.http_status, error_code = r.error_code, response_head = r.response_head
    from r where a.organisation_id = r.organisation_id and a.id = r.attempt_id and r.outcome is not null
      and (a.outcome is null or a.outcome in ('unknown', 'accepted'))
),
-- Statuses that overtook the answer to our own call and did not carry our attempt id.
early as (
    update statuses s set message_id = r.message_id
    from r join conversations c on c.organisation_id = r.organisation_id and c.id = r.conversation_id
    where r.wamid is not null and s.organisation_id = r.organisation_id and s.number_id = c.number_id and s.wamid = r.wamid
      and s.message_id is null
    returning s.organisation_id, s.message_id, s.status, s.cause, s.error_code, s.pricing
),
ahead as (
    select distinct on (organisation_id, message_id) organisation_id, message_id, status, cause, error_code,
           (array_agg(pricing) filter (where pricing is not null) over (partition by organisation_id, message_id))[1] as pricing
    from early where array_position(%(states)s::text[], status) is not null
    order by organisation_id, message_id, array_position(%(states)s::text[], status) desc
),
-- What is to be tried again goes no further when it is an agent's reply and the thread has changed hands meanwhile.
ours as materialized (
    select r.n, m.organisation_id, m.id, m.state in ('queued', 'sending', 'unknown') as waits, t.epoch <> l.epoch as late
    from messages m join r on r.organisation_id = m.organisation_id and r.message_id = m.id join locked l using (n)
    left join turns t on r.state = 'queued' and m.author = 'agent' and t.organisation_id = m.organisation_id and t.id = m.turn_id
    where r.state is not null order by m.organisation_id, m.id for update of m
),
-- The result of an attempt counts when the message still waits for it: a status may have said more already. That nobody
-- can tell only counts until somebody could; and what a successor has found unknown does not begin to wait anew.
said as (
    update messages m
    set state = case when o.late then 'discarded' else coalesce(h.status, r.state) end,
        wamid = coalesce(m.wamid, r.wamid),
        cause = case when o.late then 'the thread changed hands before this could be sent again' when h.status is null then r.cause else h.cause end,
        error_code = case when h.status is null then r.error_code else h.error_code end,
        pricing = coalesce(h.pricing, m.pricing),
        not_before = case when o.late then null else r.not_before end,
        status_at = %(now)s
    from r join ours o using (n) join locked l using (n)
    left join ahead h on h.organisation_id = r.organisation_id and h.message_id = r.message_id
    where m.organisation_id = r.organisation_id and m.id = r.message_id and m.attempt_id is not distinct from r.attempt_id
      and (m.state = 'sending' or (m.state = 'queued' and r.state <> 'unknown')
           or (m.state = 'unknown' and (l.held or r.state not in ('queued', 'unknown'))))
),
next as (
    update messages m
    set state = 'sending', attempt_id = r.next_attempt, attempts = m.attempts + 1, not_before = null
    from r join locked l using (n)
    where m.organisation_id = r.organisation_id and m.id = r.next_message and l.held and m.state in ('queued', 'unknown')
      and l.lease_until > clock_timestamp() -- who waited for a lock longer than that may not call WhatsApp any more
    returning m.organisation_id, m.id, m.conversation_id, m.attempt_id
),
attempted as (
    insert into send_attempts (organisation_id, id, message_id, conversation_id, started_at)
    select organisation_id, attempt_id, id, conversation_id, %(now)s from next
),
moved as (
    update conversations c
    set send_at = case when r.send_at is not null then case when o.late or not o.waits then %(now)s else r.send_at end
                       when r.through_seq is null then c.send_at
                       when c.queued_seq > r.through_seq then %(now)s end,
        think_at = case when c.think_at <= %(now)s and c.turn_id is null and (r.rest or c.wanted_seq <= c.answered_seq) then null
                        else c.think_at end,
        pair_tokens = coalesce(r.pair_tokens, c.pair_tokens), pair_at = coalesce(r.pair_at, c.pair_at),
        lost = case when r.release then 0 else c.lost end,
        lease_until = case when r.release then null else c.lease_until end,
        worker_id = case when r.release then null else c.worker_id end
    from r join locked l using (n) left join ours o using (n)
    where c.organisation_id = r.organisation_id and c.id = r.conversation_id and l.held
    returning r.n, c.due_at <= %(now)s and c.lease_until is null as free
)
-- `again`: the same row was settled before, and the answer to that was lost with its connection.
select coalesce(l.held, false) as held, coalesce(m.free, false) as free,
       x.id is not null or coalesce(l.held and again.state = 'sending' and again.attempt_id = r.next_attempt, false) as proceed
from r left join locked l using (n) left join moved m using (n)
left join next x on x.organisation_id = r.organisation_id and x.id = r.next_message
left join messages again on again.organisation_id = r.organisation_id and again.id = r.next_message
order by n
"""

# A row that somebody has locked is left for the next beat: waiting for it would cost all the others their leases.
RENEW = """
with mine as (
    select organisation_id, id from conversations
    where (organisation_id, id) in (select * from unnest(%(organisations)s::uuid[], %(conversations)s::uuid[]))
      and worker_id = %(worker_id)s and lease_until > now()
    for update skip locked
)
update conversations c set lease_until = now() + make_interval(secs => %(lease)s)
from mine where c.organisation_id = mine.organisation_id and c.id = mine.id
returning c.organisation_id, c.id, c.fence, c.send_at
"""

NEXT_DUE = f"""
select due_at from conversations
where due_at is not null and (lease_until is null or lease_until <= now()) and (%(suspects)s or {_LOST} < {SUSPECT_AFTER})
order by due_at limit 1
"""

BEAT = """
insert into workers (id, seen_at) values (%(worker_id)s, now()) on conflict (id) do update set seen_at = excluded.seen_at
"""

ALIVE = "select count(*) as alive from workers where seen_at > now() - make_interval(secs => %(seconds)s)"

# What nobody asks for any more.
TIDY = """
with a as (delete from rate_windows where minute < %(now)s - interval '10 minutes'),
     b as (delete from idempotency_keys where created_at < %(now)s - interval '48 hours'),
     c as (delete from erased_references where until < %(now)s)
delete from workers where seen_at < now() - interval '1 day'
"""

FORGET_WORKER = """
with gone as (delete from workers where id = %(worker_id)s)
update conversations set lease_until = null, worker_id = null
where (organisation_id, id) in (select * from unnest(%(organisations)s::uuid[], %(conversations)s::uuid[])) and worker_id = %(worker_id)s
"""

"""SQL of `timeline`: everything that is known about a stretch of a conversation, in one statement and one order."""

from dragoman.conversations.policy import LATE_SECONDS


def _iso(column: str) -> str:
    return f"""to_char({column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


# The stretch is cut by messages: the last %(limit)s before %(before)s, all that happened to them, the turns that end
# inside it, and the changes of owner meanwhile. `place` orders what happened at one instant.
TIMELINE = f"""
with said as materialized (
    select * from messages
    where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s
      and (%(before)s::bigint is null or seq < %(before)s)
    order by seq desc limit %(limit)s
), stretch as materialized (
    select coalesce(min(seq), 0) as first, min(created_at) as since, exists (
        select 1 from messages m
        where m.organisation_id = %(organisation_id)s and m.conversation_id = %(conversation_id)s and m.seq < (select min(seq) from said)
    ) as has_earlier, (
        select min(m.created_at) from messages m
        where m.organisation_id = %(organisation_id)s and m.conversation_id = %(conversation_id)s and m.seq = %(before)s
    ) as until
    from said
), asked as materialized (
    select t.*, a.name as agent_name, extract(epoch from t.opened_at - w.at) as late
    from turns t
    cross join stretch
    left join agents a on a.organisation_id = t.organisation_id and a.id = t.agent_id
    left join wakeups w on w.organisation_id = t.organisation_id and w.id = t.wakeup_id
    where t.organisation_id = %(organisation_id)s and t.conversation_id = %(conversation_id)s
      and t.through_seq >= stretch.first and (%(before)s::bigint is null or t.through_seq < %(before)s)
), entries as (
    select created_at as at, case direction when 'in' then 0 else 6 end as place, 'message' as kind, id,
        jsonb_build_object('seq', seq, 'direction', direction, 'author', author, 'type', type, 'content', content, 'state', state,
            'cause', cause, 'error_code', error_code, 'wamid', wamid, 'turn_id', turn_id, 'attempts', attempts,
            'said_at', {_iso("said_at")}, 'not_before', {_iso("not_before")}) as data
    from said
    union all
    select f.created_at, 1, 'media', f.id,
        jsonb_build_object('message_id', f.message_id, 'kind', f.kind, 'state', f.state, 'cause', f.cause, 'mime_type', f.mime_type,
            'size', f.size, 'attempts', f.attempts)
    from said join media f on f.organisation_id = %(organisation_id)s and f.message_id = said.id
    union all
    select opened_at, 3, 'turn_opened', id,
        jsonb_build_object('agent', agent_name, 'agent_id', agent_id, 'epoch', epoch, 'from_seq', from_seq, 'through_seq', through_seq,
            'replay_of', replay_of, 'seconds_late', case when late > {LATE_SECONDS} then late::bigint end)
    from asked
    union all
    select closed_at, 5, 'turn_closed', id,
        jsonb_build_object('agent', agent_name, 'agent_id', agent_id, 'state', state, 'attempts', attempts, 'cause', cause)
    from asked where closed_at is not null
    union all
    select d.started_at, 4, 'delivery', d.id,
        jsonb_build_object('agent', asked.agent_name, 'agent_id', d.agent_id, 'turn_id', d.turn_id, 'attempt', d.attempt, 'url', d.url,
            'duration_ms', d.duration_ms, 'outcome', d.outcome, 'status', d.status, 'response_head', d.response_head, 'cause', d.cause,
            'retry_at', {_iso("d.retry_at")})
    from asked join deliveries d on d.organisation_id = %(organisation_id)s and d.turn_id = asked.id
    union all
    select g.created_at, 4, 'generation', g.id,
        jsonb_build_object('agent', asked.agent_name, 'turn_id', g.turn_id, 'purpose', g.purpose, 'model', g.model, 'prompt_tokens', g.prompt_tokens,
            'response_tokens', g.response_tokens, 'cost', g.cost, 'paid_by', g.paid_by, 'duration_ms', g.duration_ms)
    from asked join generations g on g.organisation_id = %(organisation_id)s and g.turn_id = asked.id
    union all
    select t.started_at, 4, 'tool_call', t.id,
        jsonb_build_object('agent', asked.agent_name, 'turn_id', t.turn_id, 'tool', t.tool, 'type', t.type, 'args', t.args, 'state', t.state,
            'result', left(t.result, 2048), 'cause', nullif(t.error, ''), 'asked', t.asked, 'duration_ms', t.duration_ms)
    from asked join tool_calls t on t.organisation_id = %(organisation_id)s and t.turn_id = asked.id
    union all
    select s.started_at, 7, 'attempt', s.id,
        jsonb_build_object('message_id', said.id, 'outcome', s.outcome, 'status', s.http_status, 'error_code', s.error_code,
            'response_head', s.response_head, 'duration_ms', extract(epoch from s.ended_at - s.started_at) * 1000,
            'cause', case when said.attempt_id = s.id then said.cause end, 'state', said.state,
            'retry_at', case when said.attempt_id = s.id then {_iso("said.not_before")} end)
    from said join send_attempts s on s.organisation_id = %(organisation_id)s and s.message_id = said.id
    union all
    select s.received_at, 8, 'status', s.id,
        jsonb_build_object('message_id', s.message_id, 'status', s.status, 'error_code', s.error_code, 'cause', s.cause,
            'said_at', {_iso("s.said_at")}, 'pricing', s.pricing)
    from said join statuses s on s.organisation_id = %(organisation_id)s and s.message_id = said.id
    union all
    select t.at, 2, 'transfer', t.id, jsonb_build_object('owner', t.owner, 'epoch', t.epoch, 'reason', t.reason)
    from transfers t cross join stretch
    where t.organisation_id = %(organisation_id)s and t.conversation_id = %(conversation_id)s
      and (not stretch.has_earlier or t.at >= stretch.since) and (stretch.until is null or t.at < stretch.until)
    union all
    select h.at, 2, 'happening', h.id, jsonb_build_object('what', h.kind) || h.details from happenings h cross join stretch
    where h.organisation_id = %(organisation_id)s and h.conversation_id = %(conversation_id)s
      and (not stretch.has_earlier or h.at >= stretch.since) and (stretch.until is null or h.at < stretch.until)
)
select e.*, stretch.first, stretch.has_earlier
from entries e cross join stretch
order by at, place, (data ->> 'seq')::bigint, array_position('{{sent,delivered,read}}'::text[], data ->> 'status'), id
"""

PEOPLE = """
select k.name, k.username, k.phone, a.name as agent
from conversations c
join contacts w on w.organisation_id = c.organisation_id and w.id = c.contact_id
join contacts k on k.organisation_id = c.organisation_id and k.id = coalesce(w.merged_into, w.id)
left join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id
where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
"""

"""The SQL of native agents' turns: providers, the journal, what was used."""

PROVIDER = "select name, kind, base_url, api_key from model_providers where organisation_id = %(organisation_id)s and name = %(name)s"

PROVIDERS = "select name, kind, base_url, api_key from model_providers where organisation_id = %(organisation_id)s order by name"

PUT_PROVIDER = """
insert into model_providers as p (organisation_id, name, kind, base_url, api_key, created_at, updated_at)
values (%(organisation_id)s, %(name)s, %(kind)s, %(base_url)s, %(api_key)s, %(now)s, %(now)s)
on conflict (organisation_id, name) do update
set kind = excluded.kind, base_url = excluded.base_url, updated_at = excluded.updated_at,
    api_key = case when excluded.api_key is not null then excluded.api_key
                   when p.base_url is not distinct from excluded.base_url and p.kind = excluded.kind then p.api_key end
returning name, kind, base_url, api_key
"""

DELETE_PROVIDER = "delete from model_providers where organisation_id = %(organisation_id)s and name = %(name)s"

GENERATIONS = """
select position, response from generations
where organisation_id = %(organisation_id)s and turn_id = %(turn_id)s and purpose = 'answer' order by position
"""

CALLS = """
select id, position, call_id, tool, args, acts, state, result, error, outside, effects from tool_calls
where organisation_id = %(organisation_id)s and turn_id = %(turn_id)s order by position, started_at
"""

# The counters of the day are kept for the contact and for the agent (contact 0) in the same statement as the row they count. An answer
# that was thought of under an older fence was paid for and is no step of the turn: the turn may have grown since. Of somebody who was
# erased meanwhile (not `there`), what it has cost is all that is written.
GENERATED = """
with r as (
    select r.*, r.conversation_id is null or c.id is not null as there
    from jsonb_to_recordset(%(rows)s::jsonb) as r(
        organisation_id uuid, id uuid, turn_id uuid, agent_id uuid, conversation_id uuid, contact_id uuid, position int, purpose text,
        model text, prompt_tokens int, response_tokens int, cost numeric, paid_by text, response jsonb, duration_ms real, fence bigint)
    left join conversations c on c.organisation_id = r.organisation_id and c.id = r.conversation_id
),
ours as materialized (
    select c.organisation_id, c.id, c.fence from conversations c
    where (c.organisation_id, c.id, c.fence) in (select organisation_id, conversation_id, fence from r)
    order by c.organisation_id, c.contact_id, c.number_id for share
),
known as (
    select r.*, r.fence is not null and (r.organisation_id, r.conversation_id, r.fence) not in (select * from ours) as late from r
),
kept as (
    insert into generations (organisation_id, id, turn_id, agent_id, conversation_id, contact_id, position, purpose, model, prompt_tokens,
                             response_tokens, cost, paid_by, response, duration_ms, created_at)
    select organisation_id, id, case when there then turn_id end, agent_id, case when there then conversation_id end,
           case when there then contact_id end, position, case when late then 'superseded' else purpose end, model, prompt_tokens,
           response_tokens, cost, paid_by, case when there and not late then response end, duration_ms, %(now)s
    from known
    on conflict do nothing
    returning id, organisation_id, agent_id, contact_id, prompt_tokens + response_tokens as tokens, cost, purpose
),
sums as (
    select organisation_id, agent_id, who as contact_id, count(*) as generations, sum(tokens) as tokens, coalesce(sum(cost), 0) as cost
    from kept cross join lateral unnest(array[contact_id, '00000000-0000-0000-0000-000000000000'::uuid]) as who
    where who is not null
    group by 1, 2, 3 order by 1, 2, 3
),
counted as (
    insert into usage_days as d (organisation_id, agent_id, contact_id, day, generations, tokens, cost)
    select organisation_id, agent_id, contact_id, %(now)s::date, generations, tokens, cost from sums
    on conflict (organisation_id, agent_id, contact_id, day) do update
    set generations = d.generations + excluded.generations, tokens = d.tokens + excluded.tokens, cost = d.cost + excluded.cost
)
select id from kept where purpose <> 'superseded'
"""

SPENT = """
select contact_id, tokens, cost from usage_days
where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and day = %(now)s::date
  and contact_id in (%(contact_id)s, '00000000-0000-0000-0000-000000000000')
"""

# Written before the call leaves. One that is there already is a call of a turn that began twice. Nothing is written for a worker that
# has lost the conversation: another thinks about the turn by now, and would make the same call.
START_CALL = """
with c as materialized (
    select 1 from conversations
    where organisation_id = %(organisation_id)s and id = %(conversation_id)s::uuid and (%(fence)s::bigint is null or fence = %(fence)s::bigint)
    for share
)
insert into tool_calls (organisation_id, id, turn_id, conversation_id, agent_id, contact_id, position, call_id, tool, type, capability_id,
                        args, acts, state, asked, started_at)
select %(organisation_id)s, %(id)s, %(turn_id)s, %(conversation_id)s::uuid, %(agent_id)s, %(contact_id)s::uuid, %(position)s, %(call_id)s,
       %(tool)s, %(type)s, %(capability_id)s::uuid, %(args)s, %(acts)s, %(state)s, %(asked)s::text, %(now)s
where (%(fence)s::bigint is null and %(conversation_id)s::uuid is null) or exists (select from c)
on conflict do nothing
returning id
"""

END_CALL = """
update tool_calls set state = %(state)s, result = %(result)s, error = %(error)s, outside = %(outside)s, effects = %(effects)s, ended_at = %(now)s,
    duration_ms = %(duration_ms)s
where organisation_id = %(organisation_id)s and id = %(id)s
"""

# A held call is taken by the one who confirms it: once, and only of this conversation and agent.
TAKE_HELD = """
update tool_calls set state = %(state)s, started_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and conversation_id = %(conversation_id)s and agent_id = %(agent_id)s
  and state = 'held' and started_at > %(since)s and asked = %(asked)s
returning id, turn_id, tool, args, call_id, position
"""

# A question that was asked in an earlier turn, for a turn that begins again after it took the answer.
HELD_CALL = """
select id, turn_id, tool, args, call_id, position, state, result, error, outside, effects from tool_calls
where organisation_id = %(organisation_id)s and id = %(id)s and conversation_id = %(conversation_id)s and agent_id = %(agent_id)s
"""

SUMMARISED = """
update sessions set summary = %(summary)s, summary_through = %(through)s where organisation_id = %(organisation_id)s and id = %(id)s
"""

USAGE = """
select created_at::date as day, agent_id, model, purpose, paid_by, count(*) as generations, sum(prompt_tokens) as prompt_tokens,
       sum(response_tokens) as response_tokens, sum(cost)::float8 as cost
from generations
where organisation_id = %(organisation_id)s and (%(agent_id)s::uuid is null or agent_id = %(agent_id)s) and created_at >= %(since)s
group by 1, 2, 3, 4, 5 order by 1 desc, generations desc limit 1000
"""

_ACTIVITY = """from generations g join agents a on a.organisation_id = g.organisation_id and a.id = g.agent_id
where g.organisation_id = %(organisation_id)s and (%(agent_id)s::uuid is null or g.agent_id = %(agent_id)s) and g.created_at >= %(since)s"""

ACTIVITY = f"""
select g.id, a.number as agent_number, g.purpose, g.model, g.prompt_tokens, g.response_tokens, g.cost::float8 as cost, g.paid_by,
       g.conversation_id, g.created_at
{_ACTIVITY} order by g.id desc limit %(limit)s offset %(offset)s
"""

TOTALS = f"""
select count(*) as generations, coalesce(sum(g.prompt_tokens), 0)::bigint as prompt_tokens,
       coalesce(sum(g.response_tokens), 0)::bigint as response_tokens, coalesce(sum(g.cost), 0)::float8 as cost
{_ACTIVITY}
"""

HELD = """
select id, agent_id, tool, args, asked, started_at, turn_id from tool_calls
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and state = 'held' and started_at > %(since)s
order by started_at
"""

READ_OUTSIDE = "update sessions set outside = true where organisation_id = %(organisation_id)s and id = %(id)s and not outside"

KEEP_TEXT = "update media set transcript = %(transcript)s where organisation_id = %(organisation_id)s and id = %(id)s"

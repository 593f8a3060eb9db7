"""The SQL of changes of hands: a statement for each that gives the threads (`taken`) a new owner and notes it, then END."""

# Whom a thread goes back to when no person holds it: what its routing says.
_RESTING = """case coalesce(case when c.routing_override then c.routing else n.routing end, 'none')
           when 'agent' then case when c.agent_id is null then 'nobody' else 'agent' end when 'webhook' then 'webhook' else 'nobody' end"""

_NOTED = """noted as (
    insert into transfers (organisation_id, id, conversation_id, owner, epoch, reason, at)
    select organisation_id, gen_random_uuid(), id, owner, epoch, %(reason)s, %(now)s from taken
)"""

# A hand-over that was still to come is overtaken by this one; and what workers died of (`lost`) is not asked about any more.
_CLEAR = """epoch = c.epoch + 1, turn_id = null, think_at = null, answered_seq = c.last_seq, transfer = null, transfer_at = null,
           lost = 0, echoes = 0, updated_at = %(now)s"""

_TAKEN = "c.organisation_id, c.id, c.owner, c.epoch"

# Everything that an agent had begun under the old epoch: its turn and the plan behind it, its callbacks, its replies not yet handed
# over. A statement of its own, since one that has waited for a row does not see what was said there while it waited.
END = """
with ended as (
    update turns t set state = 'discarded', cause = %(reason)s, closed_at = %(now)s
    where t.organisation_id = %(organisation_id)s and t.conversation_id = any(%(taken)s) and t.state = 'open'
    returning t.organisation_id, t.wakeup_id
),
unthought as (
    update wakeups w set state = 'cancelled', cause = %(reason)s, ended_at = %(now)s
    from ended e where w.organisation_id = e.organisation_id and w.id = e.wakeup_id and w.state = 'thinking'
)
update messages m set state = 'discarded', cause = %(reason)s, status_at = %(now)s
where m.organisation_id = %(organisation_id)s and m.conversation_id = any(%(taken)s) and m.state = 'queued' and m.author = 'agent'
"""

TAKE_OVER = f"""
with taken as (
    update conversations c set owner = 'person', handback_at = %(until)s, {_CLEAR}
    where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
    returning {_TAKEN}
), {_NOTED}
select array[id] as taken from taken
"""

# Speaking again from the same phone prolongs the pause; it is no new change of hands. A person's take-over stands.
PHONE_SPOKE = f"""
with prolonged as (
    update conversations c set handback_at = greatest(c.handback_at, %(until)s)
    where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s and c.owner = 'phone_app'
),
taken as (
    update conversations c set owner = 'phone_app', handback_at = %(until)s, {_CLEAR}
    where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s and c.owner not in ('phone_app', 'person')
    returning {_TAKEN}
), {_NOTED}
select array[id] as taken from taken
"""

# The agent was quieted for a while: nobody has the thread, and there is a time at which that ends.
_MUTED = "(c.owner = 'nobody' and c.handback_at is not null)"

# The lease is asked for: a worker that was overtaken quiets nobody. Each time within a day lasts twice as long as the one before.
MUTE = f"""
with before as (
    select least(power(2, count(*)), %(longest)s / %(shortest)s) as times from transfers
    where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and reason = %(reason)s
      and at > %(now)s - interval '1 day'
),
taken as (
    update conversations c set owner = 'nobody', handback_at = %(now)s + make_interval(secs => before.times * %(shortest)s), {_CLEAR}
    from before
    where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s and c.owner = 'agent' and c.fence = %(fence)s
    returning {_TAKEN}, c.handback_at
), {_NOTED}
select array[id] as taken, handback_at from taken
"""

# What was said while the agent was away wants no answer, by how it was stored; what came since the take-over ran out does.
HAND_BACK = f"""
with c as (
    select c.organisation_id, c.id, (c.owner in ('person', 'phone_app') or {_MUTED}) and (not %(if_due)s or c.handback_at <= %(now)s) as away, {_RESTING} as resting
    from conversations c join numbers n on n.organisation_id = c.organisation_id and n.id = c.number_id
    where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s for update of c
),
taken as (
    update conversations x set owner = c.resting, handback_at = null, epoch = x.epoch + 1, turn_id = null, updated_at = %(now)s
    from c where c.away and x.organisation_id = c.organisation_id and x.id = c.id
    returning x.organisation_id, x.id, x.owner, x.epoch
), {_NOTED}
select array(select id from taken) as taken from c
"""

ROUTE = f"""
with taken as (
    update conversations c
    set agent_id = %(agent_id)s, routing = %(mode)s, routing_override = true, handback_at = null,
        owner = case %(mode)s::text when 'agent' then 'agent' when 'webhook' then 'webhook' else 'nobody' end, {_CLEAR}
    where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
    returning {_TAKEN}
), {_NOTED}
select array[id] as taken from taken
"""

# What a person holds stays with the person; it is the agent behind him that changes.
_FOLLOW = f"""
taken as (
    update conversations c
    set agent_id = %(agent_id)s, routing = null, routing_override = false,
        handback_at = case when c.owner in ('person', 'phone_app') then c.handback_at end,
        owner = case when c.owner in ('person', 'phone_app') then c.owner when %(agent_id)s::uuid is null then 'nobody' else 'agent' end,
        {_CLEAR}
    from affected a where c.organisation_id = a.organisation_id and c.id = a.id
    returning {_TAKEN}
), {_NOTED}"""

# A conversation that the agent already answers in is left as it is.
ROUTE_NUMBER = f"""
with number as (
    update numbers set routing = case when %(agent_id)s::uuid is null then null else 'agent' end, agent_id = %(agent_id)s
    where organisation_id = %(organisation_id)s and id = %(number_id)s returning organisation_id, id
),
affected as (
    select c.organisation_id, c.id from conversations c join number n on c.organisation_id = n.organisation_id and c.number_id = n.id
    where %(apply)s and (c.agent_id is distinct from %(agent_id)s or c.routing_override)
    order by c.organisation_id, c.contact_id, c.number_id for update of c
), {_FOLLOW}
select array(select id from taken) as taken from number
"""

RETIRE_AGENT = f"""
with agent as (
    update agents set deleted_at = %(now)s
    where organisation_id = %(organisation_id)s and id = %(retired_id)s and deleted_at is null returning organisation_id, id
),
number as (
    update numbers n set routing = null, agent_id = null from agent a where n.organisation_id = a.organisation_id and n.agent_id = a.id
),
affected as (
    select c.organisation_id, c.id from conversations c join agent a on c.organisation_id = a.organisation_id and c.agent_id = a.id
    order by c.organisation_id, c.contact_id, c.number_id for update of c
), {_FOLLOW}
select array(select id from taken) as taken from agent
"""

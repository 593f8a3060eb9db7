"""The SQL around a native agent's turn: its session, the past it is told, more messages of a burst, thoughts at a set time."""


def _history(from_seq: str, after: str, more: str = "") -> str:
    return f"""
select m.seq, m.direction, m.author, m.content, m.said_at,
       (select jsonb_agg(coalesce(f.transcript, '') order by f.id) from media f
        where m.direction = 'in' and f.organisation_id = m.organisation_id and f.message_id = m.id and f.transcript is not null) as transcripts
from messages m
where m.organisation_id = %(organisation_id)s and m.conversation_id = %(conversation_id)s
  and m.seq >= {from_seq} and m.seq > {after} and not (m.seq between %(turn_from)s and %(turn_through)s and m.direction = 'in')
  and m.state not in ('discarded', 'rejected', 'expired_window') and m.type not in ('system', 'errors'){more}
order by m.seq desc limit 300
"""


# What the customer has said since the turn began is no past: it joins the turn, or has one of its own.
_NOT_YET = """
  and not (m.wants_answer and m.seq >= %(turn_from)s and m.seq > %(turn_through)s and m.seq > (
      select c.answered_seq from conversations c where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s))"""

# The newest that were said before this turn, within the session and after what its summary covers.
HISTORY = _history("%(from_seq)s", "%(after)s")

# The open session of this agent, opened now if the conversation has none, with its answers so far and its history. Nothing comes back
# while another agent's is open. It begins with the templates that the customer answers, if there are any right before.
SESSION = f"""
with before as (
    select coalesce(min(t.seq), %(from_seq)s) as seq from messages t
    where t.organisation_id = %(organisation_id)s and t.conversation_id = %(conversation_id)s and t.seq < %(from_seq)s
      and t.seq > coalesce((
          select m.seq from messages m
          where m.organisation_id = %(organisation_id)s and m.conversation_id = %(conversation_id)s and m.seq < %(from_seq)s
            and (m.direction = 'in' or m.type <> 'template') order by m.seq desc limit 1), 0)
),
made as (
    insert into sessions (organisation_id, id, conversation_id, agent_id, contact_id, from_seq, opened_at)
    select %(organisation_id)s, %(id)s, %(conversation_id)s, %(agent_id)s, %(contact_id)s, before.seq, %(now)s from before
    where not exists (
        select from sessions s where s.organisation_id = %(organisation_id)s and s.conversation_id = %(conversation_id)s and s.closed_at is null)
      and exists (select from conversations c where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s)
    returning *
),
noted as (
    insert into happenings (organisation_id, id, conversation_id, kind, details, at)
    select organisation_id, gen_random_uuid(), conversation_id, 'session_opened', jsonb_build_object('session_id', id, 'agent_id', agent_id), %(now)s
    from made
)
select s.id, s.from_seq, s.opened_at, s.summary, s.summary_through, s.outside,
       (select count(distinct turn_id) from messages m
        where m.organisation_id = %(organisation_id)s and m.conversation_id = %(conversation_id)s and m.seq >= s.from_seq
          and m.direction = 'out' and m.author = 'agent' and m.state <> 'discarded') as answers,
       (select jsonb_agg(h order by h.seq) from ({_history("s.from_seq", "s.summary_through", _NOT_YET)}) h) as history
from (
    select * from made
    union all
    select * from sessions
    where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and closed_at is null and agent_id = %(agent_id)s
) s
"""

END_OTHERS = """
update sessions set closed_at = %(now)s, closed_reason = 'handed_over'
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and closed_at is null and agent_id <> %(agent_id)s
returning id, agent_id
"""

# Once for each session, however often it is thought about.
NOTE_ONCE = """
insert into happenings (organisation_id, id, conversation_id, kind, details, at)
select c.organisation_id, gen_random_uuid(), c.id, %(kind)s, jsonb_build_object('session_id', %(session_id)s::uuid), %(now)s
from conversations c
where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s and not exists (
    select from happenings h where h.organisation_id = %(organisation_id)s and h.conversation_id = %(conversation_id)s and h.kind = %(kind)s
      and h.details ->> 'session_id' = %(session_id)s::text)
"""

# Whose words an instruction is made of: the business's own (a prompt, a confirmation), or a model's (a plan, a hand-over).
SOURCE = "select source from wakeups where organisation_id = %(organisation_id)s and id = %(wakeup_id)s"

WILLING = "select opted_out_at from contacts where organisation_id = %(organisation_id)s and id = %(contact_id)s"

SESSION_BY_ID = """
select s.id, s.conversation_id, s.agent_id, s.contact_id, s.opened_at, s.closed_at, s.closed_reason from sessions s
where s.organisation_id = %(organisation_id)s and s.id = %(id)s
"""

# What the customer has said since the turn began joins it, while the thread is still in the same hands. Not when the model has
# spoken already: a turn that begins again hears the same answer, which is one to what it had been asked.
EXTEND = """
with c as (
    select organisation_id, id, answered_seq from conversations
    where organisation_id = %(organisation_id)s and id = %(conversation_id)s and fence = %(fence)s and epoch = %(epoch)s and turn_id = %(turn_id)s
      and not exists (select from generations g where g.organisation_id = %(organisation_id)s and g.turn_id = %(turn_id)s and g.purpose = 'answer')
    for update
),
latest as (
    select max(m.seq) as seq from messages m join c on m.organisation_id = c.organisation_id and m.conversation_id = c.id
    where m.wants_answer and m.seq > c.answered_seq
),
grown as (
    update turns t set through_seq = greatest(t.through_seq, l.seq), from_seq = least(t.from_seq, l.seq)
    from latest l join c on true
    where t.organisation_id = %(organisation_id)s and t.id = %(turn_id)s and l.seq > t.through_seq
    returning t.from_seq, t.through_seq
)
select g.from_seq, g.through_seq,
       (select jsonb_agg(jsonb_build_object('id', m.id, 'seq', m.seq, 'wamid', m.wamid, 'said_at', m.said_at, 'content', m.content) order by m.seq)
        from messages m where m.organisation_id = %(organisation_id)s and m.conversation_id = %(conversation_id)s and m.wants_answer
          and m.seq between g.from_seq and g.through_seq) as questions
from grown g
"""

# A draft that is thrown away was paid for, and leaves nothing behind that the next one could take for its own. Only of a turn that is
# still in our hands: nothing comes back when it is not.
FORGET_DRAFT = """
with c as materialized (
    select id from conversations where organisation_id = %(organisation_id)s and id = %(conversation_id)s and fence = %(fence)s for share
),
answers as (
    update generations set purpose = 'superseded', response = null
    where organisation_id = %(organisation_id)s and turn_id = %(turn_id)s and purpose = 'answer' and exists (select from c)
),
calls as (
    update tool_calls set call_id = call_id || ' ' || id
    where organisation_id = %(organisation_id)s and turn_id = %(turn_id)s and position(' ' in call_id) = 0 and exists (select from c)
)
select id from c
"""

NEWS = """
select c.organisation_id, c.id from unnest(%(organisations)s::uuid[], %(conversations)s::uuid[], %(seqs)s::bigint[]) as x(organisation_id, id, seq)
join conversations c on c.organisation_id = x.organisation_id and c.id = x.id
where c.wanted_seq > x.seq
"""

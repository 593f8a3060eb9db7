"""Work that is left open as by a crash: five open rows in every conversation, four replies in its outbox and a question put to its agent.

In every other conversation the first reply was being sent; every fourth is held still by a worker that is no more.
"""

OPEN = """
create temporary table opened as
select c.organisation_id, c.id, c.number_id, c.last_seq as base, n.agent_id, row_number() over (order by c.id) as n,
       gen_random_uuid() as answered_id, gen_random_uuid() as turn_id, gen_random_uuid() as attempt_id
from conversations c join numbers n on n.organisation_id = c.organisation_id and n.id = c.number_id;
insert into turns (organisation_id, id, conversation_id, agent_id, epoch, from_seq, through_seq, state, attempts, callback_hash, callback_until, opened_at, closed_at)
select o.organisation_id, o.answered_id, o.id, o.agent_id, c.epoch, o.base, o.base, 'answered', 1, uuid_send(gen_random_uuid()), now(), now(), now()
from opened o join conversations c using (organisation_id, id)
union all
select o.organisation_id, o.turn_id, o.id, o.agent_id, c.epoch, o.base + 5, o.base + 5, 'open', 0, uuid_send(gen_random_uuid()), now() + interval '1 day', now(), null
from opened o join conversations c using (organisation_id, id);
insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, state, turn_id, attempt_id, attempts, said_at, created_at)
select organisation_id, gen_random_uuid(), id, base + s, 'out', 'agent', 'text', jsonb_build_object('type', 'text', 'body', 'Open ' || n || ', ' || s), number_id,
       case when s = 1 and n % 2 = 0 then 'sending' else 'queued' end, answered_id, case when s = 1 and n % 2 = 0 then attempt_id end,
       case when s = 1 and n % 2 = 0 then 1 else 0 end, now(), now()
from opened, generate_series(1, 4) s;
insert into send_attempts (organisation_id, id, message_id, conversation_id, started_at)
select organisation_id, attempt_id, id, conversation_id, now() from messages where state = 'sending';
insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, wamid, state, wants_answer, said_at, created_at)
select organisation_id, gen_random_uuid(), id, base + 5, 'in', 'customer', 'text', jsonb_build_object('type', 'text', 'text', 'Question ' || n), number_id,
       'wamid.open.' || n, 'received', true, now(), now()
from opened;
update conversations c
set owner = 'agent', agent_id = o.agent_id, last_seq = o.base + 5, wanted_seq = o.base + 5, answered_seq = o.base, queued_seq = o.base + 4,
    turn_id = o.turn_id, think_at = now(), send_at = now(), window_until = now() + interval '20 hours', last_inbound_at = now(),
    last_inbound_wamid = 'wamid.open.' || n, fence = 1, lease_until = case when n % 4 = 0 then now() + interval '2 seconds' end,
    worker_id = case when n % 4 = 0 then gen_random_uuid() end
from opened o where c.organisation_id = o.organisation_id and c.id = o.id;
analyze
"""

LEFT = """
select (select count(*) from messages where state in ('queued', 'sending') or (state = 'unknown' and not_before is not null))
       + (select count(*) from turns where state = 'open')
"""


def leave_open(connection):
    """How many rows are open now. `connection` is psycopg's, in autocommit."""
    for statement in OPEN.split(";\n"):
        connection.execute(statement)
    return still_open(connection)


def still_open(connection):
    return connection.execute(LEFT).fetchone()[0]

"""The SQL of `erasing_rest`."""

REST = """
select contact_id, contacts, conversations, turns, names, objects, asked_at from erasures
where organisation_id = %(organisation_id)s and id = %(id)s
"""

KNOWN = "select id, organisation_id, contact_id, contacts, asked_at from erasures order by organisation_id, id"

# Written by somebody who did not see yet that the conversation was gone.
LATE = """
with answers as (
    update generations set response = null, turn_id = null, conversation_id = null, contact_id = null
    where organisation_id = %(organisation_id)s and turn_id = any(%(turns)s)
),
others as (
    update generations set response = null, conversation_id = null, contact_id = null
    where organisation_id = %(organisation_id)s and turn_id is null and conversation_id = any(%(conversations)s)
),
calls as (delete from tool_calls where organisation_id = %(organisation_id)s and conversation_id = any(%(conversations)s)),
deliveries as (delete from deliveries where organisation_id = %(organisation_id)s and turn_id = any(%(turns)s)),
happenings as (delete from happenings where organisation_id = %(organisation_id)s and conversation_id = any(%(conversations)s)),
memories as (
    delete from memory_changes x using capabilities k
    where k.organisation_id = %(organisation_id)s and k.kind = 'memory_keys'
      and x.organisation_id = k.organisation_id and x.key_id = k.id and x.contact_id = any(%(contacts)s)
),
spent as (
    delete from usage_days x using agents a
    where a.organisation_id = %(organisation_id)s and x.organisation_id = a.organisation_id and x.agent_id = a.id and x.contact_id = any(%(contacts)s)
),
walled as (
    delete from paywall_reached x using agents a
    where a.organisation_id = %(organisation_id)s and x.organisation_id = a.organisation_id and x.agent_id = a.id and x.contact_id = any(%(contacts)s)
),
accounts as (
    delete from credit_accounts x using agents a
    where a.organisation_id = %(organisation_id)s and x.organisation_id = a.organisation_id and x.agent_id = a.id and x.contact_id = any(%(contacts)s)
)
update credit_entries x
set contact_id = '00000000-0000-0000-0000-000000000000', reason = '', key = 'erased ' || x.id, turn_id = null
from agents a
where a.organisation_id = %(organisation_id)s and x.organisation_id = a.organisation_id and x.agent_id = a.id and x.contact_id = any(%(contacts)s)
returning 1
"""

NUMBERS = "select phone_number_id from numbers where organisation_id = %(organisation_id)s"

_ON = """(%(first)s::timestamptz is null or (received_at, id) > (%(first)s::timestamptz, %(second)s::uuid))
  and received_at >= coalesce(%(first)s::timestamptz, '-infinity')
order by received_at, id limit %(limit)s"""

EVENTS = f"select id, raw, received_at from kept_events where organisation_id = %(organisation_id)s and {_ON}"

# Those about one of the organisation's numbers that came by a way on which nobody could say whose they are.
EVENTS_OF_NOBODY = (
    f"select id, raw, received_at from kept_events where organisation_id is null and phone_number_id = any(%(numbers)s) and {_ON}"
)

FORGET_EVENTS = "delete from kept_events where id = any(%(ids)s::uuid[])"

# Those of callbacks and errands hold ids alone, and are not sealed.
ANSWERS = """
select scope, key, response from idempotency_keys
where organisation_id = %(organisation_id)s and (scope, key) > (coalesce(%(first)s::text, ''), coalesce(%(second)s::text, ''))
  and response is not null and scope not like 'callback %%' and scope <> 'errand' and scope not like 'trigger%%'
order by scope, key limit %(limit)s
"""

FORGET_ANSWER = """
delete from idempotency_keys where organisation_id = %(organisation_id)s and scope = %(scope)s and key = %(key)s
"""

FINISHED = """
update erasures set finished_at = coalesce(finished_at, %(now)s), objects = case when %(last)s then '{}' else objects end,
    turns = case when %(last)s then '{}' else turns end
where organisation_id = %(organisation_id)s and id = %(id)s
"""

# None of this keeps anybody from reading or writing; a table that somebody else vacuums already is left out.
VACUUM = """
vacuum (skip_locked true, truncate false) messages, media, conversations, turns, deliveries, send_attempts, statuses, transfers, happenings, wakeups,
    sessions, generations, tool_calls, memories, memory_changes, contacts, contact_identities, contact_merges, campaign_recipients, kept_events,
    idempotency_keys, suppressions, appointments, credit_accounts, credit_entries, paywall_passes, paywall_reached, usage_days
"""

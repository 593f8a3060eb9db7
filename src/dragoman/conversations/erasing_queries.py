"""The SQL of an erasure. Everything of a person that is in the database goes in one statement, ERASE; the others find out what that is."""

from dragoman.agents.merged import FAMILY as _FAMILY

# A person who has said a hundred thousand things is a matter of a quarter of a minute, and holds nobody up but himself.
PATIENTLY = "set local statement_timeout = '10min'"

# Everybody who turned out to be the person, whichever of them was named.
FAMILY = f"""{_FAMILY}
select id from family
"""

# Locked in the order in which a campaign's batch does: recipients, contacts, conversations. Whoever opens a conversation with one of the
# contacts from now on waits, and finds that there is nobody.
HOLD_RECIPIENTS = """
select r.campaign_id, r.position from campaigns c
join campaign_recipients r on r.organisation_id = c.organisation_id and r.campaign_id = c.id and r.contact_id = any(%(contacts)s)
where c.organisation_id = %(organisation_id)s
order by r.campaign_id, r.position for update of r
"""

HOLD_CONTACTS = """
select id, phone, bsuid, opted_out_at from contacts
where organisation_id = %(organisation_id)s and id = any(%(contacts)s) order by id for update
"""

HOLD_CONVERSATIONS = """
select c.id from numbers n
join conversations c on c.organisation_id = n.organisation_id and c.number_id = n.id and c.contact_id = any(%(contacts)s)
where n.organisation_id = %(organisation_id)s
order by c.organisation_id, c.contact_id, c.number_id for update of c
"""

IDENTITIES = """
select kind, value from contact_identities where organisation_id = %(organisation_id)s and contact_id = any(%(contacts)s)
"""

SUPPRESSED = "select max(at) as at from suppressions where organisation_id = %(organisation_id)s and phone = any(%(phones)s)"

# What WhatsApp calls them, or may call them by our attempt when it has not said yet.
MESSAGES = """
select m.id, m.direction, m.wamid, a.id as attempt_id,
       case when m.content::text like '%%/media/made/%%' then m.content::text end as links
from messages m left join send_attempts a on a.organisation_id = m.organisation_id and a.message_id = m.id and m.wamid is null
where m.organisation_id = %(organisation_id)s and m.conversation_id = any(%(conversations)s)
"""

FILES = "select id from media where organisation_id = %(organisation_id)s and message_id = any(%(messages)s)"

TURNS = "select id, state from turns where organisation_id = %(organisation_id)s and conversation_id = any(%(conversations)s)"

CALLS = """
select id, type from tool_calls where organisation_id = %(organisation_id)s and conversation_id = any(%(conversations)s)
"""

SESSIONS = "select id from sessions where organisation_id = %(organisation_id)s and conversation_id = any(%(conversations)s)"

_OURS = "organisation_id = %(organisation_id)s and"
_OF_AGENTS = """from agents a
    where a.organisation_id = %(organisation_id)s and x.organisation_id = a.organisation_id and x.agent_id = a.id and x.contact_id = any(%(contacts)s)"""
_GONE_CALLS = "(args ->> 'session_id' = any(%(sessions)s::text[]) or args ->> 'key' = any(%(calls)s::text[]))"

# What becomes of each table. All of these see the tables as they were before.
PARTS = {
    "media": f"delete from media where {_OURS} message_id = any(%(messages)s)",
    "send_attempts": f"delete from send_attempts where {_OURS} message_id = any(%(messages)s)",
    "statuses": f"delete from statuses where {_OURS} message_id = any(%(messages)s)",
    "early_statuses": f"""delete from statuses
    where {_OURS} number_id = any(%(numbers)s) and wamid = any(%(wamids)s) and (message_id is null or not message_id = any(%(messages)s))""",
    "deliveries": f"delete from deliveries where {_OURS} turn_id = any(%(turns)s)",
    "tool_calls": f"delete from tool_calls where {_OURS} conversation_id = any(%(conversations)s)",
    # What models cost is in the books: the amounts stay, without the words and without whose they were.
    "generations": f"""update generations set response = null, turn_id = null, conversation_id = null, contact_id = null
    where {_OURS} turn_id = any(%(turns)s)""",
    "other_generations": f"""update generations set response = null, conversation_id = null, contact_id = null
    where {_OURS} turn_id is null and conversation_id = any(%(conversations)s)""",
    "turns": f"delete from turns where {_OURS} conversation_id = any(%(conversations)s)",
    "transfers": f"delete from transfers where {_OURS} conversation_id = any(%(conversations)s)",
    "happenings": f"delete from happenings where {_OURS} conversation_id = any(%(conversations)s)",
    "wakeups": f"delete from wakeups where {_OURS} conversation_id = any(%(conversations)s)",
    "sessions": f"delete from sessions where {_OURS} conversation_id = any(%(conversations)s)",
    # A campaign's numbers stay as they are.
    "campaign_recipients": """update campaign_recipients r
    set given = '', variables = null, contact_id = null, conversation_id = null, message_id = null,
        fate = case f.state when 'queued' then 'discarded' when 'sending' then 'unknown' else f.state end, replied = f.replied,
        state = case when r.state = 'waiting' then 'cancelled' else r.state end,
        cause = case when r.state = 'waiting' then 'the person was erased' end
    from (
        select o.organisation_id, o.campaign_id, o.position, m.state, m.id is not null and exists (
            select from messages x where x.organisation_id = m.organisation_id and x.conversation_id = m.conversation_id and x.seq > m.seq
              and x.direction = 'in' and x.type <> all(%(silent)s)) as replied
        from campaigns c
        join campaign_recipients o on o.organisation_id = c.organisation_id and o.campaign_id = c.id and o.contact_id = any(%(contacts)s)
        left join messages m on m.organisation_id = o.organisation_id and m.id = o.message_id
        where c.organisation_id = %(organisation_id)s
    ) f where r.organisation_id = f.organisation_id and r.campaign_id = f.campaign_id and r.position = f.position""",
    "messages": f"delete from messages where {_OURS} conversation_id = any(%(conversations)s)",
    "conversations": f"delete from conversations where {_OURS} id = any(%(conversations)s)",
    "memories": f"delete from memories where {_OURS} contact_id = any(%(contacts)s)",
    "memory_changes": """delete from memory_changes x using capabilities k
    where k.organisation_id = %(organisation_id)s and k.kind = 'memory_keys'
      and x.organisation_id = k.organisation_id and x.key_id = k.id and x.contact_id = any(%(contacts)s)""",
    "usage_days": f"delete from usage_days x using {_OF_AGENTS.removeprefix('from ')}",
    "paywall_passes": f"delete from paywall_passes x using {_OF_AGENTS.removeprefix('from ')}",
    "paywall_reached": f"delete from paywall_reached x using {_OF_AGENTS.removeprefix('from ')}",
    "credit_accounts": f"delete from credit_accounts x using {_OF_AGENTS.removeprefix('from ')}",
    # Of credits, too, the amounts stay, and belong to nobody.
    "credit_entries": f"""update credit_entries x
    set contact_id = '00000000-0000-0000-0000-000000000000', reason = '', key = 'erased ' || x.id, turn_id = null {_OF_AGENTS}""",
    "appointments": f"delete from appointments where {_OURS} contact_id = any(%(contacts)s)",
    "contact_identities": f"delete from contact_identities where {_OURS} contact_id = any(%(contacts)s)",
    "contact_merges": f"delete from contact_merges where {_OURS} (kept_id = any(%(contacts)s) or merged_id = any(%(contacts)s))",
    "contacts": f"delete from contacts where {_OURS} id = any(%(contacts)s)",
    "suppressions": f"delete from suppressions where {_OURS} phone = any(%(phones)s)",
    "callbacks": f"delete from idempotency_keys where {_OURS} scope = any(%(scopes)s)",
    # What was to be done for the person later. One that is being done finds nobody.
    "jobs": f"delete from procrastinate_jobs where status <> 'doing' and args ->> 'organisation_id' = %(organisation_id)s::text and {_GONE_CALLS}",
}


def erase(parts: dict[str, str]) -> str:
    """One statement of all parts, with how many rows each has touched."""
    steps = ",\n".join(f"erased_{name} as (\n    {part}\n    returning 1\n)" for name, part in parts.items())
    counts = ",\n       ".join(f"(select count(*) from erased_{name}) as {name}" for name in parts)
    return f"with {steps}\nselect {counts}"


ERASE = erase(PARTS)

NUMBERS = "select id from numbers where organisation_id = %(organisation_id)s"

KEEP_REFERENCES = """
insert into erased_references (organisation_id, reference, until)
select %(organisation_id)s, reference, until from unnest(%(references)s::uuid[], %(untils)s::timestamptz[]) as r(reference, until)
on conflict (organisation_id, reference) do update set until = greatest(erased_references.until, excluded.until)
"""

KEEP_STOP = """
with old as (
    delete from erased_stops
    where organisation_id = %(organisation_id)s and reference = any(%(names)s) and %(opted_out_at)s::timestamptz is null and %(suppressed_at)s::timestamptz is null
)
insert into erased_stops (organisation_id, reference, opted_out_at, suppressed_at)
select %(organisation_id)s, reference, %(opted_out_at)s::timestamptz, %(suppressed_at)s::timestamptz from unnest(%(names)s::uuid[]) as r(reference)
where %(opted_out_at)s::timestamptz is not null or %(suppressed_at)s::timestamptz is not null
on conflict (organisation_id, reference) do update set opted_out_at = excluded.opted_out_at, suppressed_at = excluded.suppressed_at
"""

# Two that became one after a backup was made are two again in it.
NOTE = """
insert into erasures (organisation_id, id, contact_id, contacts, conversations, turns, names, objects, counts, asked_at)
values (%(organisation_id)s, %(id)s, %(contact_id)s, %(contacts)s, %(conversations)s, %(open_turns)s, %(names)s, %(objects)s, %(counts)s, %(now)s)
on conflict (organisation_id, id) do update
set contacts = erasures.contacts || excluded.contacts, conversations = erasures.conversations || excluded.conversations,
    turns = erasures.turns || excluded.turns, names = erasures.names || excluded.names, objects = erasures.objects || excluded.objects,
    counts = (select jsonb_object_agg(key, value::int + coalesce((excluded.counts ->> key)::int, 0)) from jsonb_each_text(erasures.counts)),
    finished_at = null
"""

_COLUMNS = "select id, contact_id, counts, asked_at, finished_at from erasures"

OF_CONTACT = f"{_COLUMNS} where organisation_id = %(organisation_id)s and contact_id = %(contact_id)s"

READ = f"{_COLUMNS} where organisation_id = %(organisation_id)s and id = %(id)s"

LIST = f"{_COLUMNS} where organisation_id = %(organisation_id)s order by id desc limit %(limit)s offset %(offset)s"

COUNT = "select count(*) as total from erasures where organisation_id = %(organisation_id)s"

BY_PHONE = """
select contact_id from contact_identities where organisation_id = %(organisation_id)s and kind = 'phone' and value = %(phone)s
"""

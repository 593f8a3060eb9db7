"""The SQL of what comes in: messages, statuses, names. See `queries` for the order in which rows are locked."""

from dragoman.conversations.erased_queries import OPTED_OUT as _OPTED_OUT
from dragoman.conversations.erased_queries import recalled
from dragoman.conversations.policy import AUTOMATIC_SECONDS, QUICK_SECONDS

# Known senders only: a row whose sender is new comes back as 'unknown' and is received again once it has a contact.
# A message that another process stores at the same moment is a unique violation: the conversations were counted on without it.
# How many messages in a row came within a moment of an answer (see `policy.QUICK_SECONDS`). One for each answer, however many followed it;
# none for what WhatsApp hands over late; and a tap (no `echoes_since`) or a pause begins anew.
_PAUSE = f"(excluded.echoes_since is null or c.pair_at is null or c.pair_at < %(now)s - interval '{QUICK_SECONDS} seconds')"
_ECHO = "c.queued_seq > c.echoed_seq and excluded.last_message_at >= c.pair_at - interval '10 seconds'"
_IN_A_ROW = f"c.echoes > 0 and c.echoes_since >= %(now)s - interval '{AUTOMATIC_SECONDS} seconds'"
_ECHOES = f"""
        echoes = case when excluded.wanted_seq = 0 or c.owner <> 'agent' then c.echoes when {_PAUSE} then 0
                      when {_ECHO} then case when {_IN_A_ROW} then c.echoes + 1 else 1 end else c.echoes end,
        echoes_since = case when not {_PAUSE} and {_ECHO} and not ({_IN_A_ROW}) then %(now)s else c.echoes_since end,
        echoed_seq = case when excluded.wanted_seq > 0 and {_ECHO} then c.queued_seq else c.echoed_seq end,"""

RECEIVE = f"""
with r as (
    select * from jsonb_to_recordset(%(rows)s::jsonb) as r(
        organisation_id uuid, number_id uuid, phone text, bsuid text, username text, name text, id uuid, conversation_id uuid,
        wamid text, reference uuid, author text, type text, content jsonb, raw jsonb, said_at timestamptz, wants boolean, opens_window boolean,
        media jsonb, reply_to_wamid text, referral jsonb, stops boolean, n int)
),
known as (
    select r.*, k.id as contact_id,
           exists (select from messages m where m.organisation_id = r.organisation_id and m.number_id = r.number_id and m.wamid = r.wamid)
           or exists (select from erased_references e where e.organisation_id = r.organisation_id and e.reference = r.reference) as seen,
           (r.name is not null and k.profile_name is distinct from r.name) or (r.username is not null and k.username is distinct from r.username)
           or (r.bsuid is not null and ib.contact_id is null) or (r.phone is not null and ip.contact_id is distinct from k.id)
           or k.deleted_at is not null as stale
    from r
    left join contact_identities ib on ib.organisation_id = r.organisation_id and ib.kind = 'bsuid' and ib.value = r.bsuid
    left join contact_identities ip on ip.organisation_id = r.organisation_id and ip.kind = 'phone' and ip.value = r.phone
    left join contacts kp on kp.organisation_id = r.organisation_id and kp.id = ip.contact_id
    left join contacts k on k.organisation_id = r.organisation_id
        and k.id = coalesce(ib.contact_id, case when r.bsuid is null or coalesce(kp.bsuid, r.bsuid) = r.bsuid then ip.contact_id end)
),
fresh as (
    select distinct on (organisation_id, number_id, wamid) *
    from known
    where contact_id is not null and not seen
    order by organisation_id, number_id, wamid, n
),
placed as (
    select *, row_number() over (partition by organisation_id, contact_id, number_id order by n) as position,
           count(*) over (partition by organisation_id, contact_id, number_id) as total
    from fresh
),
grouped as (
    select organisation_id, contact_id, number_id, (array_agg(conversation_id order by n))[1] as conversation_id, count(*) as total,
           count(*) filter (where author = 'customer') as unread,
           coalesce(max(position) filter (where wants), 0) as wanted,
           max(said_at) filter (where opens_window) as opened_at, max(said_at) as said_at,
           (array_agg(wamid order by n desc) filter (where opens_window))[1] as last_wamid,
           bool_or(media is not null) as media, bool_or(type in ('interactive', 'button')) as taps,
           (array_agg(referral order by n desc) filter (where referral is not null))[1] as referral
    from placed group by 1, 2, 3
),
touched as (
    insert into conversations as c (
        organisation_id, id, number_id, contact_id, agent_id, owner, last_seq, wanted_seq, think_at, media_at, window_until,
        last_inbound_at, last_inbound_wamid, last_message_at, unread, referral, echoes_since, created_at, updated_at)
    select g.organisation_id, g.conversation_id, g.number_id, g.contact_id, n.agent_id,
           case when n.routing = 'agent' and n.agent_id is not null then 'agent' when n.routing = 'webhook' then 'webhook' else 'nobody' end,
           g.total, g.wanted,
           case when n.routing = 'agent' and n.agent_id is not null and g.wanted > 0 then %(now)s end,
           case when g.media then %(now)s end,
           g.opened_at + interval '24 hours', g.opened_at, g.last_wamid, g.said_at, g.unread, g.referral, case when not g.taps then %(now)s::timestamptz end, %(now)s, %(now)s
    from grouped g join numbers n on n.organisation_id = g.organisation_id and n.id = g.number_id
    order by g.organisation_id, g.contact_id, g.number_id
    on conflict (organisation_id, number_id, contact_id) do update
    set last_seq = c.last_seq + excluded.last_seq,
        wanted_seq = case when (c.owner = 'agent' or c.handback_at <= %(now)s) and excluded.wanted_seq > 0 then c.last_seq + excluded.wanted_seq else c.wanted_seq end,
        think_at = case when (c.owner = 'agent' or c.handback_at <= %(now)s) and excluded.wanted_seq > 0 then coalesce(c.think_at, %(now)s) else c.think_at end,
        media_at = coalesce(excluded.media_at, c.media_at),
        window_until = greatest(c.window_until, excluded.window_until),
        last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
        last_inbound_wamid = coalesce(excluded.last_inbound_wamid, c.last_inbound_wamid),
        last_message_at = greatest(c.last_message_at, excluded.last_message_at),
        unread = c.unread + excluded.unread,
        referral = coalesce(excluded.referral, c.referral),
        {_ECHOES.strip()}
        updated_at = %(now)s
    returning c.organisation_id, c.id, c.number_id, c.contact_id, c.last_seq,
              c.owner = 'agent' or c.handback_at <= %(now)s as answers -- a take-over that has run out is over, also when no worker has seen it yet
),
stored as (
    insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, wamid, state,
                          reply_to_wamid, wants_answer, said_at, created_at, raw)
    select p.organisation_id, p.id, t.id, t.last_seq - p.total + p.position, case p.author when 'phone_app' then 'out' else 'in' end, p.author, p.type, p.content,
           p.number_id, p.wamid, case p.author when 'phone_app' then 'sent' else 'received' end, p.reply_to_wamid, p.wants and coalesce(t.answers, false), p.said_at, %(now)s, p.raw
    from placed p join touched t using (organisation_id, number_id, contact_id)
    returning organisation_id, id, conversation_id
),
files as (
    insert into media (organisation_id, id, message_id, conversation_id, graph_id, kind, mime_type, sha256, filename, created_at)
    select s.organisation_id, f.id, s.id, s.conversation_id, f.graph_id, f.kind, f.mime_type, f.sha256, f.filename, %(now)s
    from stored s join placed p on p.organisation_id = s.organisation_id and p.id = s.id
    cross join lateral jsonb_to_recordset(p.media) as f(id uuid, graph_id text, kind text, mime_type text, sha256 text, filename text)
    where p.media is not null
),
-- The last word of a person about whether he wants to be written to.
willing as (
    update contacts k set opted_out_at = case when w.stops then %(now)s::timestamptz end
    from (select distinct on (p.organisation_id, p.contact_id) p.organisation_id, p.contact_id, p.stops, s.conversation_id
          from placed p join stored s on s.organisation_id = p.organisation_id and s.id = p.id
          where p.stops is not null order by p.organisation_id, p.contact_id, p.n desc) w
    where k.organisation_id = w.organisation_id and k.id = w.contact_id and (k.opted_out_at is not null) <> w.stops
    returning k.organisation_id, w.conversation_id, w.stops
),
noted as (
    insert into happenings (organisation_id, id, conversation_id, kind, at)
    select organisation_id, gen_random_uuid(), conversation_id, case when stops then 'opted_out' else 'opted_in' end, %(now)s from willing
),
told as (select pg_notify('dragoman_due', '') from touched limit 1)
select k.n, k.contact_id, k.seen, k.stale, s.conversation_id, s.id is not null as stored, (select count(*) from told) as told
from known k left join stored s on s.organisation_id = k.organisation_id and s.id = k.id
order by k.n
"""

STATUSES = """
with r as (
    select * from jsonb_to_recordset(%(rows)s::jsonb) as r(
        organisation_id uuid, number_id uuid, id uuid, wamid text, status text, said_at timestamptz, recipient text, attempt_id uuid,
        error_code int, cause text, pricing jsonb, reference uuid, by_attempt uuid)
),
found as (
    select r.*, coalesce(a.message_id, m.id) as message_id
    from r
    left join send_attempts a on a.organisation_id = r.organisation_id and a.id = r.attempt_id
    left join messages m on m.organisation_id = r.organisation_id and m.number_id = r.number_id and m.wamid = r.wamid
    -- What WhatsApp still says about messages that were erased is forgotten.
    where not exists (select from erased_references e where e.organisation_id = r.organisation_id and e.reference = r.reference)
      and not exists (select from erased_references e where e.organisation_id = r.organisation_id and e.reference = r.by_attempt)
),
noted as (
    insert into statuses (organisation_id, id, number_id, message_id, wamid, status, said_at, received_at, recipient, error_code, cause, pricing)
    select organisation_id, id, number_id, message_id, wamid, status, said_at, %(now)s, recipient, error_code, cause, pricing from found
    on conflict do nothing
),
best as (
    select distinct on (organisation_id, message_id) organisation_id, message_id, wamid, status, said_at, cause, error_code,
           (array_agg(pricing) filter (where pricing is not null) over (partition by organisation_id, message_id))[1] as pricing
    from found where message_id is not null
    order by organisation_id, message_id, array_position(%(states)s::text[], status) desc nulls last
),
before as (
    select m.organisation_id, m.id, m.conversation_id, m.state,
           coalesce(array_position(%(states)s::text[], b.status) > array_position(%(states)s::text[], m.state), false) as up
    from messages m join best b on b.organisation_id = m.organisation_id and b.message_id = m.id
    order by m.organisation_id, m.id for update of m
),
moved as (
    update messages m
    set state = case when o.up then b.status else m.state end, wamid = coalesce(m.wamid, b.wamid),
        status_at = case when o.up then b.said_at else m.status_at end, not_before = case when not o.up then m.not_before end,
        cause = case when o.up then b.cause else m.cause end, error_code = case when o.up then b.error_code else m.error_code end,
        pricing = coalesce(b.pricing, m.pricing)
    from best b join before o on o.organisation_id = b.organisation_id and o.id = b.message_id
    where m.organisation_id = b.organisation_id and m.id = b.message_id
      and (o.up or (b.pricing is not null and b.pricing is distinct from m.pricing))
),
-- A status that carries our attempt id proves that WhatsApp took the message, whatever became of the call.
proven as (
    update send_attempts a set outcome = 'accepted', ended_at = coalesce(a.ended_at, %(now)s)
    from found f where a.organisation_id = f.organisation_id and a.id = f.attempt_id and coalesce(a.outcome, 'unknown') = 'unknown'
)
select distinct o.organisation_id, o.conversation_id from before o where o.up and o.state in ('queued', 'unknown')
"""

RESUME = """
with freed as (
    update conversations c set send_at = %(now)s
    where (c.organisation_id, c.id) in (select * from unnest(%(organisations)s::uuid[], %(conversations)s::uuid[]))
    returning 1
)
select pg_notify('dragoman_due', '') from freed limit 1
"""

KEEP = """
insert into kept_events (id, organisation_id, app_id, phone_number_id, field, reason, raw, received_at)
select id, organisation_id, app_id, phone_number_id, field, reason, raw, %(now)s
from jsonb_to_recordset(%(rows)s::jsonb) as r(id uuid, organisation_id uuid, app_id text, phone_number_id text, field text, reason text, raw text)
"""

SEEN = """
select 1 from messages where organisation_id = %(organisation_id)s and number_id = %(number_id)s and wamid = %(wamid)s
union all
select 1 from erased_references where organisation_id = %(organisation_id)s and reference = %(reference)s
"""

# What somebody of the business said by phone, when the thread has not changed hands since.
UNHEARD = """
select m.conversation_id, m.said_at from messages m
where m.organisation_id = %(organisation_id)s and m.number_id = %(number_id)s and m.wamid = %(wamid)s and m.author = 'phone_app'
  and m.said_at > %(since)s
  and not exists (select from transfers t where t.organisation_id = m.organisation_id and t.conversation_id = m.conversation_id
                  and t.at >= m.created_at)
"""

NUMBERS = """
select organisation_id, id, app_id, phone_number_id, display_number, is_sandbox from numbers where phone_number_id = any(%(ids)s)
"""

# --- the identity graph ---

ADMISSION = "select pg_advisory_xact_lock(hashtextextended('admission ' || %(organisation_id)s::text, 0))"

WHO = """
select i.kind, i.value, k.id, k.name, k.phone, k.bsuid, k.username
from contact_identities i join contacts k on k.organisation_id = i.organisation_id and k.id = i.contact_id
where i.organisation_id = %(organisation_id)s
  and (i.kind, i.value) in (select * from unnest(%(kinds)s::text[], %(values)s::text[]))
"""

NEW_CONTACTS = f"""
with r as (
    select * from jsonb_to_recordset(%(rows)s::jsonb) as r(
        id uuid, name text, phone text, bsuid text, parent_bsuid text, username text, hashes uuid[])
),
taken as (
    update contacts c set username = null, updated_at = %(now)s
    from r join contact_identities i on i.organisation_id = %(organisation_id)s and i.kind = 'username' and i.value = r.username
    where c.organisation_id = i.organisation_id and c.id = i.contact_id and c.username = i.value
),
{recalled("r w where true").strip()},
made as (
    insert into contacts (organisation_id, id, profile_name, phone, bsuid, username, created_at, updated_at, opted_out_at)
    select %(organisation_id)s, id, name, phone, bsuid, username, %(now)s, %(now)s, {_OPTED_OUT} from r w
)
insert into contact_identities (organisation_id, kind, value, contact_id, first_seen_at)
select %(organisation_id)s, kind, value, id, %(now)s
from r cross join lateral (values ('phone', phone), ('bsuid', bsuid), ('parent_bsuid', parent_bsuid), ('username', username)) as v(kind, value)
where value is not null
on conflict (organisation_id, kind, value) do update set contact_id = excluded.contact_id
"""

RENAME = """
update contacts
set profile_name = coalesce(%(name)s, profile_name), phone = coalesce(%(phone)s, phone), bsuid = coalesce(%(bsuid)s, bsuid),
    username = coalesce(%(username)s, username), deleted_at = null, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(contact_id)s
"""

_GIVE_UP = """phone = case when %(kind)s = 'phone' then nullif(c.phone, %(value)s) else c.phone end,
        bsuid = case when %(kind)s = 'bsuid' then nullif(c.bsuid, %(value)s) else c.bsuid end,
        username = case when %(kind)s = 'username' then nullif(c.username, %(value)s) else c.username end, updated_at = %(now)s"""

# A name that another contact had is taken from it first: nothing may be sent to a person by a name that is no longer his.
CALL = f"""
with before as (
    update contacts c
    set {_GIVE_UP}
    from contact_identities i
    where i.organisation_id = %(organisation_id)s and i.kind = %(kind)s and i.value = %(value)s and i.contact_id <> %(contact_id)s
      and c.organisation_id = i.organisation_id and c.id = i.contact_id
)
insert into contact_identities (organisation_id, kind, value, contact_id, first_seen_at)
values (%(organisation_id)s, %(kind)s, %(value)s, %(contact_id)s, %(now)s)
on conflict (organisation_id, kind, value) do update set contact_id = excluded.contact_id
"""

UNCALL = f"""
with gone as (
    delete from contact_identities
    where organisation_id = %(organisation_id)s and kind = %(kind)s and value = %(value)s and contact_id = %(contact_id)s
    returning contact_id
)
update contacts c
set {_GIVE_UP}
from gone where c.organisation_id = %(organisation_id)s and c.id = gone.contact_id
"""

NAMES = """
select jsonb_object_agg(kind || ':' || value, first_seen_at) as names
from contact_identities where organisation_id = %(organisation_id)s and contact_id = %(contact_id)s
"""

# Where both have a conversation at the same number, the merged one stays with its contact, as the record of what was said in
# it. Whatever it still has to say goes to the kept contact: `merged_into` names that one also after several merges.
MERGE = """
with moved_names as (
    update contact_identities set contact_id = %(kept_id)s where organisation_id = %(organisation_id)s and contact_id = %(merged_id)s
),
moved_talks as (
    update conversations c set contact_id = %(kept_id)s, updated_at = %(now)s
    where c.organisation_id = %(organisation_id)s and c.contact_id = %(merged_id)s and not exists (
        select from conversations k
        where k.organisation_id = c.organisation_id and k.number_id = c.number_id and k.contact_id = %(kept_id)s)
),
closed as (
    update contacts set merged_into = %(kept_id)s, phone = null, bsuid = null, username = null, updated_at = %(now)s
    where organisation_id = %(organisation_id)s and (id = %(merged_id)s or merged_into = %(merged_id)s)
    returning id, given_name, profile_name
),
-- Who is merged spoke last: under the new names, which somebody told us of only now.
named as (
    update contacts k set given_name = coalesce(k.given_name, m.given_name), profile_name = coalesce(m.profile_name, k.profile_name)
    from closed m where k.organisation_id = %(organisation_id)s and k.id = %(kept_id)s and m.id = %(merged_id)s
)
insert into contact_merges (organisation_id, id, kept_id, merged_id, reason, identities, merged_at)
values (%(organisation_id)s, %(id)s, %(kept_id)s, %(merged_id)s, %(reason)s, %(identities)s, %(now)s)
"""

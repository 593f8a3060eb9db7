"""The SQL of campaigns as they are made, looked at, and stopped. See `batches_queries` for the sending."""

CREATE = """
insert into campaigns (organisation_id, id, name, state, agent_id, template, start_at, delay, days, start_hour, end_hour, time_zone,
                       ignore_suppression, details, duplicates, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(name)s, %(state)s, %(agent_id)s, %(template)s, %(start_at)s, %(delay)s, %(days)s, %(start_hour)s,
        %(end_hour)s, %(time_zone)s, %(ignore_suppression)s, %(details)s, %(duplicates)s, %(now)s, %(now)s)
"""

ADD_SENDERS = """
insert into campaign_senders (organisation_id, campaign_id, number_id, position)
select %(organisation_id)s, %(id)s, number_id, position from unnest(%(numbers)s::uuid[]) with ordinality as n(number_id, position)
"""

ADD_RECIPIENTS = """
insert into campaign_recipients (organisation_id, campaign_id, position, given, number_id, contact_id, variables, state, cause)
select %(organisation_id)s, %(id)s, r.position, r.given, r.number_id, r.contact_id, r.variables::jsonb,
       case when r.contact_id is null then 'failed' else 'waiting' end, r.cause
from unnest(%(positions)s::int[], %(given)s::text[], %(number_ids)s::uuid[], %(contact_ids)s::uuid[], %(variables)s::text[], %(causes)s::text[])
    as r(position, given, number_id, contact_id, variables, cause)
"""

# By an id of ours; somebody who was merged into another is that one.
CONTACTS = """
select w.id::text as given, k.id from contacts w
join contacts k on k.organisation_id = w.organisation_id and k.id = coalesce(w.merged_into, w.id)
where w.organisation_id = %(organisation_id)s and w.id = any(%(ids)s::uuid[]) and k.deleted_at is null
"""

_COLUMNS = """
select c.*, a.number as agent_number, (select count(*) from campaign_recipients r
                                       where r.organisation_id = c.organisation_id and r.campaign_id = c.id) as total,
       (select array_agg(coalesce(n.phone_number_id, s.number_id::text) order by s.position)
        from campaign_senders s left join numbers n on n.organisation_id = s.organisation_id and n.id = s.number_id
        where s.organisation_id = c.organisation_id and s.campaign_id = c.id) as from_numbers
from campaigns c join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id
"""

READ = f"{_COLUMNS} where c.organisation_id = %(organisation_id)s and c.id = %(campaign_id)s"

LIST = f"{_COLUMNS} where c.organisation_id = %(organisation_id)s order by c.id desc limit %(limit)s offset %(offset)s"

COUNT = "select count(*) as total from campaigns where organisation_id = %(organisation_id)s"

# Which word a recipient's row and its message make together; of somebody who was erased, the row has kept what his message said.
_STATE = """
case when r.state = 'waiting' then 'pending'
     when r.state <> 'queued' then r.state
     when coalesce(m.state, r.fate) in ('queued', 'sending') then 'queued'
     when coalesce(m.state, r.fate) in ('accepted', 'sent') then 'sent'
     when coalesce(m.state, r.fate) = 'delivered' then 'delivered'
     when coalesce(m.state, r.fate) in ('read', 'played') then 'read'
     when coalesce(m.state, r.fate) = 'discarded' then 'cancelled'
     when coalesce(m.state, r.fate) = 'unknown' then 'unknown'
     else 'failed' end"""

# The customer wrote after it. `last_seq` keeps the index from being asked about those who did not.
_REPLIED = """
coalesce(r.replied, c.last_seq > m.seq and exists (
    select from messages x where x.organisation_id = m.organisation_id and x.conversation_id = m.conversation_id and x.seq > m.seq
      and x.direction = 'in' and x.type <> all(%(silent)s)), false)"""

_FATE = """
campaign_recipients r
left join messages m on m.organisation_id = r.organisation_id and m.id = r.message_id
left join conversations c on c.organisation_id = m.organisation_id and c.id = m.conversation_id
"""

STATISTICS = f"""
with fates as (
    select {_STATE} as state, coalesce(m.cause, r.cause) as cause, {_REPLIED} as replied
    from {_FATE} where r.organisation_id = %(organisation_id)s and r.campaign_id = %(campaign_id)s
)
select state, case when state in ('failed', 'skipped') then coalesce(cause, '') end as cause, count(*) as total,
       count(*) filter (where replied) as replied
from fates group by 1, 2
"""

RECIPIENTS = f"""
select r.given, r.contact_id, k.name, k.phone, {_STATE} as state, coalesce(m.cause, r.cause) as reason, {_REPLIED} as replied,
       r.conversation_id, r.message_id, r.queued_at
from {_FATE}
left join contacts k on k.organisation_id = r.organisation_id and k.id = r.contact_id
where r.organisation_id = %(organisation_id)s and r.campaign_id = %(campaign_id)s
  and (%(state)s::text is null or {_STATE} = %(state)s)
order by r.position limit %(limit)s offset %(offset)s
"""

COUNT_RECIPIENTS = f"""
select count(*) as total from {_FATE}
where r.organisation_id = %(organisation_id)s and r.campaign_id = %(campaign_id)s and (%(state)s::text is null or {_STATE} = %(state)s)
"""

# Whoever holds this row stops or sends; never both at once.
HOLD = "select state, start_at, agent_id from campaigns where organisation_id = %(organisation_id)s and id = %(campaign_id)s for update"

MOVE = """
update campaigns set state = %(state)s, cause = %(cause)s, updated_at = %(now)s,
    ended_at = case when %(state)s in ('completed', 'cancelled') then %(now)s::timestamptz end
where organisation_id = %(organisation_id)s and id = %(campaign_id)s
"""

NEXT_ROUND = """
update campaign_senders set round = round + 1 where organisation_id = %(organisation_id)s and campaign_id = %(campaign_id)s
returning number_id, round
"""

CANCEL_WAITING = """
with stopped as (
    update campaign_recipients r set state = 'cancelled', cause = %(cause)s
    where r.organisation_id = %(organisation_id)s and r.campaign_id = %(campaign_id)s and r.state = 'waiting'
)
update messages m set state = 'discarded', cause = %(cause)s, status_at = %(now)s
from campaign_recipients r
where r.organisation_id = %(organisation_id)s and r.campaign_id = %(campaign_id)s and r.state = 'queued'
  and m.organisation_id = r.organisation_id and m.id = r.message_id and m.state = 'queued'
"""

DELETE = "delete from campaigns where organisation_id = %(organisation_id)s and id = %(campaign_id)s"

SUPPRESS = """
insert into suppressions (organisation_id, phone, reason, at)
select %(organisation_id)s, phone, %(reason)s, %(now)s from unnest(%(phones)s::text[]) as p(phone)
on conflict (organisation_id, phone) do update set reason = excluded.reason
"""

UNSUPPRESS = "delete from suppressions where organisation_id = %(organisation_id)s and phone = any(%(phones)s::text[])"

SUPPRESSED = """
select phone, reason, at, count(*) over () as total from suppressions
where organisation_id = %(organisation_id)s order by at desc, phone limit %(limit)s offset %(offset)s
"""

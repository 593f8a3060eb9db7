"""The SQL of paywall and credits. A customer is the contact that was kept when two turned out to be one person."""

# Messages that wanted an answer of this agent, over all of the customer's conversations with it. Who has paid is let through.
WALL = """
with said as (
    select count(*) as messages from messages m join turns t on t.organisation_id = m.organisation_id and t.conversation_id = m.conversation_id
        and m.seq between t.from_seq and t.through_seq
    join conversations c on c.organisation_id = m.organisation_id and c.id = m.conversation_id
    where m.organisation_id = %(organisation_id)s and t.agent_id = %(agent_id)s and m.wants_answer
      and c.contact_id in (select id from contacts k where k.organisation_id = %(organisation_id)s
                           and (k.id = %(contact_id)s or k.merged_into = %(contact_id)s))
),
paid as (
    select from paywall_passes p
    where p.organisation_id = %(organisation_id)s and p.agent_id = %(agent_id)s and p.contact_id = %(contact_id)s
      and p.paid and (p.until is null or p.until > %(now)s)
),
wall as (select messages > %(limit)s and not exists (select from paid) as reached from said),
noted as (
    insert into paywall_reached (organisation_id, agent_id, contact_id, turn_id, at)
    select %(organisation_id)s, %(agent_id)s, %(contact_id)s, %(turn_id)s, %(now)s from wall where reached
    on conflict (organisation_id, agent_id, contact_id) do update set at = paywall_reached.at
    returning turn_id
)
select reached, coalesce((select turn_id = %(turn_id)s from noted), false) as first from wall
"""

LET_THROUGH = """
with forgotten as (
    delete from paywall_reached where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and contact_id = %(contact_id)s and %(paid)s
)
insert into paywall_passes as p (organisation_id, agent_id, contact_id, paid, until, at)
select organisation_id, %(agent_id)s, id, %(paid)s, %(until)s, %(now)s from contacts
where organisation_id = %(organisation_id)s and id = %(contact_id)s
on conflict (organisation_id, agent_id, contact_id) do update set paid = excluded.paid, until = excluded.until, at = excluded.at
"""

CONTACT = "select id from contacts where organisation_id = %(organisation_id)s and id = %(contact_id)s"

OPEN_ACCOUNT = """
with opened as (
    insert into credit_accounts (organisation_id, agent_id, contact_id, balance)
    values (%(organisation_id)s, %(agent_id)s, %(contact_id)s, %(initial)s)
    on conflict do nothing returning balance
),
noted as (
    insert into credit_entries (organisation_id, id, agent_id, contact_id, delta, reason, key, at)
    select %(organisation_id)s, %(id)s, %(agent_id)s, %(contact_id)s, %(initial)s, 'initial', 'initial ' || %(contact_id)s, %(now)s
    from opened where balance > 0
    on conflict do nothing
)
select balance from opened
union all
select balance from credit_accounts
where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and contact_id = %(contact_id)s
"""

MOVE = """
with noted as (
    insert into credit_entries (organisation_id, id, agent_id, contact_id, delta, reason, key, turn_id, at)
    values (%(organisation_id)s, %(id)s, %(agent_id)s, %(contact_id)s, %(delta)s, %(reason)s, %(key)s, %(turn_id)s, %(now)s)
    on conflict do nothing returning delta
)
update credit_accounts a set balance = a.balance + noted.delta from noted
where a.organisation_id = %(organisation_id)s and a.agent_id = %(agent_id)s and a.contact_id = %(contact_id)s
returning a.balance
"""

LEDGER = """
select id, delta, reason, turn_id, at from credit_entries
where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and contact_id = %(contact_id)s
order by at desc, id desc limit 100
"""

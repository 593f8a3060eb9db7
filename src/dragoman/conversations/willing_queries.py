"""The SQL of who wants to be written to. A change is noted in each of the person's conversations."""

_NOTE = """
noted as (
    insert into happenings (organisation_id, id, conversation_id, kind, at)
    select c.organisation_id, gen_random_uuid(), c.id, case when %(stops)s then 'opted_out' else 'opted_in' end, %(now)s
    from changed k join conversations c on c.organisation_id = k.organisation_id and c.contact_id = k.id
)
select id from changed
"""

PREFER = f"""
with known as (
    select coalesce(k.merged_into, k.id) as id from contact_identities i
    join contacts k on k.organisation_id = i.organisation_id and k.id = i.contact_id
    where i.organisation_id = %(organisation_id)s
      and ((i.kind = 'bsuid' and i.value = %(bsuid)s) or (i.kind = 'phone' and i.value = %(phone)s))
),
changed as (
    update contacts k set opted_out_at = case when %(stops)s then %(now)s::timestamptz end
    where k.organisation_id = %(organisation_id)s and k.id in (select id from known) and (k.opted_out_at is not null) <> %(stops)s
    returning k.organisation_id, k.id
), {_NOTE}
"""

ALLOW = f"""
with changed as (
    update contacts k set opted_out_at = case when %(stops)s then %(now)s::timestamptz end
    where k.organisation_id = %(organisation_id)s and k.id = %(contact_id)s and (k.opted_out_at is not null) <> %(stops)s
    returning k.organisation_id, k.id
), {_NOTE}
"""

"""The SQL by which somebody who was erased, and is met again, has said STOP still: parts of the statements that make contacts.

The hashes have done their work then: what they stood for is with the contact and on the list again. `recalled` is made by those statements,
of (contact_id, phone, opted_out_at, suppressed_at).
"""

_LISTED = """
listed as (
    insert into suppressions (organisation_id, phone, reason, at)
    select %(organisation_id)s, phone, 'on the list since before the person was erased', max(suppressed_at) from recalled
    where suppressed_at is not null and phone is not null group by phone order by phone
    on conflict do nothing
)"""


def recalled(people: str) -> str:
    """`people` is a table of (id, phone, hashes), with its conditions."""
    return f"""
recalled as (
    delete from erased_stops s using {people} and s.organisation_id = %(organisation_id)s and s.reference = any(w.hashes)
    returning w.id as contact_id, w.phone, s.opted_out_at, s.suppressed_at
),{_LISTED}"""


# Of the contact `w`.
OPTED_OUT = "(select min(x.opted_out_at) from recalled x where x.contact_id = w.id)"

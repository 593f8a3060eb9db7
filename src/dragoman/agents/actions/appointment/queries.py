"""The SQL of appointments."""

# One booking of an organisation at a time, for the length of a few statements: no calendar is asked meanwhile.
ALONE = "select pg_advisory_xact_lock(hashtextextended('appointments ' || %(organisation_id)s::text, 0))"

OF_CALL = (
    "select id, calendar, start_at, event_id from appointments where organisation_id = %(organisation_id)s and call_key = %(call_key)s"
)

# What was taken so lately that a calendar may not show it yet.
TAKEN = """
select calendar, start_at, end_at from appointments
where organisation_id = %(organisation_id)s and calendar = any(%(calendars)s) and created_at > %(since)s
"""

TURNS = """
select calendar, count(*) as booked from appointments
where organisation_id = %(organisation_id)s and action_id = %(action_id)s and created_at > %(since)s
group by calendar
"""

COMING = """
select count(*) as coming from appointments
where organisation_id = %(organisation_id)s and contact_id = %(contact_id)s and action_id = %(action_id)s and start_at > %(now)s
"""

TAKE = """
insert into appointments (organisation_id, id, action_id, calendar, start_at, end_at, contact_id, call_key, created_at)
values (%(organisation_id)s, %(id)s, %(action_id)s, %(calendar)s, %(start_at)s, %(end_at)s, %(contact_id)s, %(call_key)s, %(now)s)
"""

BOOKED = "update appointments set event_id = %(event_id)s where organisation_id = %(organisation_id)s and id = %(id)s"

GIVE_BACK = "delete from appointments where organisation_id = %(organisation_id)s and id = %(id)s and event_id is null"

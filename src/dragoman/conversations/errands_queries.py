"""The SQL of `errands`."""

ENDED_SESSION = """
select s.organisation_id, s.id, s.conversation_id, s.agent_id, s.contact_id, s.from_seq, s.opened_at, s.closed_at, s.summary,
       s.summary_through, s.outside, c.window_until, n.phone_number_id, n.display_number, k.name, k.phone, k.bsuid, k.username
from sessions s
join conversations c on c.organisation_id = s.organisation_id and c.id = s.conversation_id
join numbers n on n.organisation_id = c.organisation_id and n.id = c.number_id
join contacts x on x.organisation_id = c.organisation_id and x.id = c.contact_id
join contacts k on k.organisation_id = x.organisation_id and k.id = coalesce(x.merged_into, x.id)
where s.organisation_id = %(organisation_id)s and s.id = %(session_id)s and s.closed_at is not null
"""

NOTE_REFUSED = """
insert into happenings (organisation_id, id, conversation_id, kind, details, at)
select c.organisation_id, gen_random_uuid(), c.id, 'template_refused', jsonb_build_object('reason', %(cause)s::text), %(now)s
from conversations c where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
"""

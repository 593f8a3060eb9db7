"""The SQL of the outbox outside the main job: saying something, and pausing a number. See `queries` for the main job."""

# An epoch that has passed, a closed window, or a template for somebody who said STOP, writes nothing; the row says which.
SAY = """
with c as (
    select c.*, coalesce(c.epoch = %(epoch)s::int, true) as current, %(templates_only)s or coalesce(c.window_until > %(window)s, false) as open,
           not %(templates_only)s or exists (
               select from contacts w join contacts k on k.organisation_id = w.organisation_id and k.id = coalesce(w.merged_into, w.id)
               where w.organisation_id = c.organisation_id and w.id = c.contact_id and k.opted_out_at is null) as willing
    from conversations c where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s for update
),
r as (
    select p.*, c.last_seq, c.number_id
    from c cross join lateral rows from (
        jsonb_to_recordset(%(rows)s::jsonb) as (id uuid, type text, content jsonb, author text, reply_to_wamid text)
    ) with ordinality as p(id, type, content, author, reply_to_wamid, position)
    where c.current and c.open and c.willing
),
moved as (
    update conversations x
    set last_seq = x.last_seq + n.total, queued_seq = x.last_seq + n.total, send_at = coalesce(x.send_at, %(now)s), last_message_at = %(now)s,
        updated_at = %(now)s
    from (select count(*) as total from r) n
    where x.organisation_id = %(organisation_id)s and x.id = %(conversation_id)s and n.total > 0
    returning pg_notify('dragoman_due', x.id::text)
),
queued as (
    insert into messages (organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, state, reply_to_wamid,
                          turn_id, said_at, created_at)
    select %(organisation_id)s, id, %(conversation_id)s, last_seq + position, 'out', author, type, content, number_id, 'queued', reply_to_wamid,
           %(turn_id)s, %(now)s, %(now)s
    from r
)
select current, open, willing, (select count(*) from moved) as moved from c
"""

PAUSE = """
update numbers set paused_reason = %(reason)s, paused_until = %(until)s where organisation_id = %(organisation_id)s and id = %(number_id)s
"""

# Whoever moves paused_until on is the one who tries.
PROBE = """
update numbers set paused_until = %(until)s
where organisation_id = %(organisation_id)s and id = %(number_id)s and paused_reason is not null and paused_until <= %(now)s
returning id
"""

PAUSED_UNTIL = "select paused_reason, paused_until from numbers where organisation_id = %(organisation_id)s and id = %(number_id)s"

RESUME_NUMBER = """
update numbers set paused_reason = null, paused_until = null where organisation_id = %(organisation_id)s and id = %(number_id)s
"""

"""SQL of `reading`. Every statement takes the organisation first; orderings and filters are picked from fixed lists."""

# Rows are chosen before anything is joined to them, so that a page of 20 costs 20 look-ups however long the list is.
CONVERSATIONS = """
with page as materialized (
    select c.organisation_id, c.id from conversations c
    where c.organisation_id = %(organisation_id)s {where}
    order by {order}
    limit %(limit)s offset %(offset)s
)
select c.id, c.owner, c.epoch, c.handback_at, c.window_until, c.unread, c.referral, c.routing, c.routing_override,
    c.last_message_at, c.created_at, c.updated_at,
    k.id as contact_id, k.name as contact_name, k.phone as contact_phone, k.username as contact_username, k.bsuid as contact_bsuid, k.opted_out_at as contact_opted_out,
    n.id as number_id, n.display_number, n.is_sandbox, n.routing as number_routing,
    a.id as agent_id, a.name as agent_name,
    m.id as message_id, m.direction, m.author, m.type, m.content, m.created_at as message_created_at
from page
join conversations c on c.organisation_id = page.organisation_id and c.id = page.id
join contacts w on w.organisation_id = c.organisation_id and w.id = c.contact_id
join contacts k on k.organisation_id = c.organisation_id and k.id = coalesce(w.merged_into, w.id)
join numbers n on n.organisation_id = c.organisation_id and n.id = c.number_id
left join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id and a.deleted_at is null
left join lateral (
    select * from messages m
    where m.organisation_id = c.organisation_id and m.conversation_id = c.id and m.state <> 'discarded'
    order by m.seq desc limit 1
) m on true
order by {order}
"""

COUNT_CONVERSATIONS = """
select count(*) as total from conversations c
where c.organisation_id = %(organisation_id)s {where}
"""

WHERE = {
    "conversation": "and c.id = %(conversation)s",
    "agent": "and c.agent_id = %(agent)s",
    "contact": "and c.contact_id = %(contact)s",
    "numbers": "and c.number_id = any(%(numbers)s)",
    "active": "and (c.window_until is not null and c.window_until > %(now)s) = %(active)s",
    "unread": "and (c.unread > 0) = %(unread)s",
    "after": "and c.last_message_at >= %(after)s",
    "before": "and c.last_message_at <= %(before)s",
}

ORDER = {
    "last_message_time": "c.last_message_at, c.id",
    "-last_message_time": "c.last_message_at desc, c.id desc",
    "created_at": "c.id",  # ids are made in order of time, and have an index
    "-created_at": "c.id desc",
    "updated_at": "c.updated_at, c.id",
    "-updated_at": "c.updated_at desc, c.id desc",
}

NUMBERS = """
select id from numbers where organisation_id = %(organisation_id)s and position(%(part)s in display_number) > 0
"""

CONVERSATION_EXISTS = """
select 1 from conversations where organisation_id = %(organisation_id)s and id = %(conversation_id)s
"""

MESSAGES = """
select m.id, m.seq, m.direction, m.author, m.type, m.content, m.wamid, m.state, m.cause, m.error_code, m.attempts,
    m.said_at, m.created_at, q.id as reply_to, coalesce(f.files, '[]') as files
from messages m
left join messages q on q.organisation_id = m.organisation_id and q.number_id = m.number_id
    and q.wamid = coalesce(m.reply_to_wamid, m.content -> 'quoted' ->> 'wamid')
left join lateral (
    select jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'mime_type', mime_type, 'filename', filename, 'size', size,
        'state', state, 'cause', cause, 'transcript', transcript) order by id) as files
    from media where media.organisation_id = m.organisation_id and media.message_id = m.id
) f on true
where m.organisation_id = %(organisation_id)s {where}
"""

MESSAGES_OF_CONVERSATION = MESSAGES.format(
    where="""and m.conversation_id = %(conversation_id)s and m.state <> 'discarded'
order by m.seq desc
limit %(limit)s offset %(offset)s"""
)

MESSAGES_BY_ID = MESSAGES.format(where="and m.conversation_id = %(conversation_id)s and m.id = any(%(ids)s)\norder by m.seq")

DELIVERIES = """
select d.id, d.turn_id, d.conversation_id, d.attempt, d.url, d.started_at, d.duration_ms, d.outcome, d.status, d.response_head,
    d.cause, d.retry_at, t.state as turn_state, t.replay_of
from deliveries d
left join turns t on t.organisation_id = d.organisation_id and t.id = d.turn_id
where d.organisation_id = %(organisation_id)s and d.agent_id = %(agent_id)s {where}
order by d.started_at desc, d.id desc
limit %(limit)s offset %(offset)s
"""

COUNT_DELIVERIES = """
select count(*) as total from deliveries d
where d.organisation_id = %(organisation_id)s and d.agent_id = %(agent_id)s {where}
"""

WHERE_DELIVERIES = {
    "conversation": "and d.conversation_id = %(conversation)s",
    "outcome": "and d.outcome = %(outcome)s",
}

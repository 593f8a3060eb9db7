"""The SQL of customers' files."""

PENDING = """
select id, graph_id, sha256, attempts from media
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and state = 'pending'
order by created_at limit 50
"""

NEW = """
select id, graph_id, sha256, attempts from media
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and state = 'pending' and attempts = 0
order by created_at limit 50
"""

SETTLE = """
update media set state = %(state)s, object_key = %(object_key)s, size = coalesce(%(size)s, size), cause = %(cause)s, attempts = attempts + 1
where organisation_id = %(organisation_id)s and id = %(id)s
returning id
"""

# A file that came in meanwhile has moved media_at on, and stays due.
FETCHED = """
update conversations set media_at = %(next)s
where organisation_id = %(organisation_id)s and id = %(conversation_id)s and media_at = %(claimed)s
"""

OF_MESSAGES = """
select f.id, f.message_id, f.kind, f.mime_type, f.state, f.size, f.sha256, f.filename, f.object_key,
       f.transcript,
       coalesce((m.content #>> '{media,0,voice}')::boolean, false) as voice
from media f join messages m on m.organisation_id = f.organisation_id and m.id = f.message_id
where f.organisation_id = %(organisation_id)s and f.message_id = any(%(messages)s)
order by f.created_at, f.id
"""

ONE = """
select id, kind, mime_type, filename, size, state, object_key from media where organisation_id = %(organisation_id)s and id = %(id)s
"""

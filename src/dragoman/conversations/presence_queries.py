"""The SQL of reading along."""

READ = """
update conversations c set unread = 0
from numbers n
where c.organisation_id = %(organisation_id)s and c.id = %(conversation_id)s
  and n.organisation_id = c.organisation_id and n.id = c.number_id
returning c.last_inbound_wamid, n.phone_number_id, n.access_token
"""

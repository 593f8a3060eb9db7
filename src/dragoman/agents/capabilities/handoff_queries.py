"""The SQL of handing over."""

HANDED_OVER = """
select count(*) as times from happenings
where organisation_id = %(organisation_id)s and conversation_id = %(conversation_id)s and kind = 'handed_to_agent' and at > %(since)s
"""

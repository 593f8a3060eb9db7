"""Contacts that turned out to be one person, as parts of statements about the contact %(contact_id)s of an organisation."""

# The way from the contact to the one that was kept, which is the last: it was merged into none.
LINE = """
with recursive line as (
    select id, merged_into from contacts where organisation_id = %(organisation_id)s and id = %(contact_id)s
    union
    select k.id, k.merged_into from contacts k join line on k.id = line.merged_into
    where k.organisation_id = %(organisation_id)s
)"""

# All of them, whichever was named.
FAMILY = f"""{LINE},
family as (
    select id from line where merged_into is null
    union
    select k.id from contacts k join family on k.merged_into = family.id
    where k.organisation_id = %(organisation_id)s
)"""

"""The SQL of what agents remember. A contact's memories are those of everybody who was merged into it, the latest of each key."""

from dragoman.agents.merged import FAMILY as _FAMILY
from dragoman.agents.merged import LINE as _LINE

# The contact that was kept, held: changes of one person's memories come one after the other.
HOLD = f"""
{_LINE}
select k.id from contacts k
where k.organisation_id = %(organisation_id)s and k.id = (select id from line where merged_into is null)
for no key update
"""

KEPT = f"""
{_LINE}
select id from line where merged_into is null
"""

# Held too, so that a key that is being taken away gets no new values.
KEY = """
select c.id, c.agent_id, c.config from capabilities c
join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id and a.deleted_at is null
where c.organisation_id = %(organisation_id)s and c.id = %(key_id)s and c.kind = 'memory_keys'
for key share of c
"""

KNOWN = f"""
{_FAMILY}
select distinct on (m.key_id) m.key_id, m.value, m.author, m.updated_at
from memories m join family on family.id = m.contact_id
where m.organisation_id = %(organisation_id)s and m.key_id = any(%(keys)s)
order by m.key_id, m.updated_at desc
"""

KEYS = """
select c.id, c.agent_id, c.config from capabilities c
join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id and a.deleted_at is null
where c.organisation_id = %(organisation_id)s and c.kind = 'memory_keys'
  and (%(agent)s::uuid is null or c.agent_id = %(agent)s)
order by a.created_at, a.id, c.position
limit %(limit)s offset %(offset)s
"""

COUNT_KEYS = """
select count(*) as total from capabilities c
join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id and a.deleted_at is null
where c.organisation_id = %(organisation_id)s and c.kind = 'memory_keys'
  and (%(agent)s::uuid is null or c.agent_id = %(agent)s)
"""

# A call that is made again has its change already. Its key alone does not tell: a turn that thinks anew may use it for another value.
DONE = """
select from memory_changes
where organisation_id = %(organisation_id)s and call_key = %(call_key)s and key_id = %(key_id)s and new = %(new)s
"""

# What was merged into the contact gives way to the new value.
WRITE = f"""
{_FAMILY},
older as (
    delete from memories m using family
    where m.organisation_id = %(organisation_id)s and m.key_id = %(key_id)s and m.contact_id = family.id
      and m.contact_id <> %(kept)s
)
insert into memories (organisation_id, contact_id, key_id, value, author, updated_at)
values (%(organisation_id)s, %(kept)s, %(key_id)s, %(new)s, %(author)s, %(now)s)
on conflict (organisation_id, contact_id, key_id) do update
set value = excluded.value, author = excluded.author, updated_at = excluded.updated_at
"""

FORGET = f"""
{_FAMILY}
delete from memories m using family
where m.organisation_id = %(organisation_id)s and m.key_id = %(key_id)s and m.contact_id = family.id
"""

NOTE = """
insert into memory_changes (organisation_id, id, contact_id, key_id, old, new, author, call_key, turn_id, message_id, at)
values (%(organisation_id)s, %(id)s, %(kept)s, %(key_id)s, %(old)s, %(new)s, %(author)s, %(call_key)s, %(turn_id)s, %(message_id)s, %(now)s)
"""

HISTORY = f"""
{_FAMILY}
select c.id, c.old, c.new, c.author, c.turn_id, c.message_id, c.at
from memory_changes c join family on family.id = c.contact_id
where c.organisation_id = %(organisation_id)s and c.key_id = %(key_id)s
order by c.at desc, c.id desc
limit %(limit)s offset %(offset)s
"""

COUNT_HISTORY = f"""
{_FAMILY}
select count(*) as total from memory_changes c join family on family.id = c.contact_id
where c.organisation_id = %(organisation_id)s and c.key_id = %(key_id)s
"""

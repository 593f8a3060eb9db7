"""SQL of `contacts`."""

COLUMNS = "k.id, k.name, k.phone, k.username, k.bsuid, k.opted_out_at, k.created_at, k.updated_at"

# The identity is claimed first: whoever inserts it owns the contact, and everyone else finds it.
CREATE = """
with wanted as (
    select * from unnest(%(ids)s::uuid[], %(phones)s::text[], %(names)s::text[]) as w (id, phone, name)
), claimed as (
    insert into contact_identities (organisation_id, kind, value, contact_id, first_seen_at)
    select %(organisation_id)s, 'phone', phone, id, %(now)s from wanted
    order by phone -- so that two bulk requests wait for each other instead of locking each other out
    on conflict (organisation_id, kind, value) do nothing
    returning contact_id
)
insert into contacts (organisation_id, id, given_name, phone, created_at, updated_at)
select %(organisation_id)s, w.id, w.name, w.phone, %(now)s, %(now)s
from wanted w join claimed on claimed.contact_id = w.id
returning id
"""

BY_PHONES = f"""
select i.value, {COLUMNS}
from contact_identities i
join contacts k on k.organisation_id = i.organisation_id and k.id = i.contact_id
where i.organisation_id = %(organisation_id)s and i.kind = 'phone' and i.value = any(%(phones)s)
"""

LIST = f"""
select {COLUMNS} from contacts k
where k.organisation_id = %(organisation_id)s and k.merged_into is null
order by k.id desc -- ids are made in order of time
limit %(limit)s offset %(offset)s
"""

COUNT = """
select count(*) as total from contacts k
where k.organisation_id = %(organisation_id)s and k.merged_into is null
"""

# Follows merges to the contact that was kept.
KEPT = """
with recursive line as (
    select id, merged_into from contacts where organisation_id = %(organisation_id)s and id = %(contact_id)s
    union
    select k.id, k.merged_into from contacts k join line on k.id = line.merged_into
    where k.organisation_id = %(organisation_id)s
)
"""

READ = f"""
{KEPT}
select {COLUMNS} from contacts k
where k.organisation_id = %(organisation_id)s and k.id = (select id from line where merged_into is null)
"""

RENAME = f"""
{KEPT}
update contacts k set given_name = %(name)s, updated_at = %(now)s
where k.organisation_id = %(organisation_id)s and k.id = (select id from line where merged_into is null)
returning {COLUMNS}
"""

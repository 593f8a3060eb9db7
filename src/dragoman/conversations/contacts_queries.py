"""SQL of `contacts`."""

from dragoman.agents.merged import LINE as _LINE
from dragoman.conversations.erased_queries import OPTED_OUT as _OPTED_OUT
from dragoman.conversations.erased_queries import recalled

COLUMNS = "k.id, k.name, k.phone, k.username, k.bsuid, k.email, k.tags, k.columns, k.opted_out_at, k.created_at, k.updated_at"

# The identity is claimed first: whoever inserts it owns the contact, and everyone else finds it.
CREATE = f"""
with wanted as (
    select w.id, w.phone, w.name, array[w.hash] as hashes
    from unnest(%(ids)s::uuid[], %(phones)s::text[], %(names)s::text[], %(hashes)s::uuid[]) as w (id, phone, name, hash)
), met_again as (
    update contacts k set given_name = w.name, deleted_at = null, updated_at = %(now)s
    from wanted w join contact_identities i on i.organisation_id = %(organisation_id)s and i.kind = 'phone' and i.value = w.phone
    where k.organisation_id = i.organisation_id and k.id = i.contact_id and k.deleted_at is not null
    returning k.id
), claimed as (
    insert into contact_identities (organisation_id, kind, value, contact_id, first_seen_at)
    select %(organisation_id)s, 'phone', phone, id, %(now)s from wanted
    order by phone -- so that two bulk requests wait for each other instead of locking each other out
    on conflict (organisation_id, kind, value) do nothing
    returning contact_id
), {recalled("wanted w join claimed on claimed.contact_id = w.id where true").strip()}, made as (
    insert into contacts (organisation_id, id, given_name, phone, created_at, updated_at, opted_out_at)
    select %(organisation_id)s, w.id, w.name, w.phone, %(now)s, %(now)s, {_OPTED_OUT}
    from wanted w join claimed on claimed.contact_id = w.id
    returning id
)
select id from made union all select id from met_again
"""

BY_PHONES = f"""
select i.value, {COLUMNS}
from contact_identities i
join contacts k on k.organisation_id = i.organisation_id and k.id = i.contact_id
where i.organisation_id = %(organisation_id)s and i.kind = 'phone' and i.value = any(%(phones)s)
"""

LIST = f"""
select {COLUMNS} from contacts k
where k.organisation_id = %(organisation_id)s and k.merged_into is null and k.deleted_at is null
  and (%(phone)s::text is null or k.phone = %(phone)s) and (%(tag)s::text is null or %(tag)s = any(k.tags))
order by k.id desc -- ids are made in order of time
limit %(limit)s offset %(offset)s
"""

COUNT = """
select count(*) as total from contacts k
where k.organisation_id = %(organisation_id)s and k.merged_into is null and k.deleted_at is null
  and (%(phone)s::text is null or k.phone = %(phone)s) and (%(tag)s::text is null or %(tag)s = any(k.tags))
"""

READ = f"""
{_LINE}
select {COLUMNS} from contacts k
where k.organisation_id = %(organisation_id)s and k.id = (select id from line where merged_into is null) and k.deleted_at is null
"""

# {assignments} is made of `contacts.CHANGES`.
CHANGE = f"""
{_LINE}
update contacts k set {{assignments}}, updated_at = %(now)s
where k.organisation_id = %(organisation_id)s and k.id = (select id from line where merged_into is null) and k.deleted_at is null
returning {COLUMNS}
"""

HAS_PHONE = "select contact_id from contact_identities where organisation_id = %(organisation_id)s and kind = 'phone' and value = %(phone)s"

# What the business knows of the person goes. Who it is stays, so that a STOP is kept and a new message finds its conversation.
FORGET = f"""
{_LINE}, forgotten as (
    update contacts k
    set given_name = null, profile_name = null, email = null, tags = '{{}}', columns = '{{}}', deleted_at = %(now)s, updated_at = %(now)s
    where k.organisation_id = %(organisation_id)s and k.id = (select id from line where merged_into is null) and k.deleted_at is null
    returning k.organisation_id, k.id
), memories_gone as (
    delete from memories m using forgotten f where m.organisation_id = f.organisation_id and m.contact_id = f.id
), changes_gone as (
    delete from memory_changes m using forgotten f where m.organisation_id = f.organisation_id and m.contact_id = f.id
)
select id from forgotten
"""

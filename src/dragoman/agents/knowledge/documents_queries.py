"""The SQL of knowledge bases and of the documents in them."""

# Knowledge bases.

_BASE = """b.id, b.name, b.description, b.agent_id, b.passages, b.created_at, b.updated_at,
    (select count(*) from documents d where d.organisation_id = b.organisation_id and d.knowledge_base_id = b.id) as documents"""

CREATE_BASE = """
insert into knowledge_bases (organisation_id, id, name, description, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(name)s, %(description)s, %(now)s, %(now)s)
"""

CREATE_OWN_BASE = """
insert into knowledge_bases (organisation_id, id, name, agent_id, created_at, updated_at)
select organisation_id, %(id)s, name, id, %(now)s, %(now)s from agents
where organisation_id = %(organisation_id)s and id = %(agent_id)s and deleted_at is null
on conflict (organisation_id, agent_id) where agent_id is not null do nothing
"""

OWN_BASE = "select id from knowledge_bases where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s"

BASES_OF_AGENT = """
select id from knowledge_bases where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s
union
select knowledge_base_id from agent_knowledge_bases where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s
order by 1
"""

KNOWN_BASES = "select id from knowledge_bases where organisation_id = %(organisation_id)s and id = any(%(bases)s)"

UNSHARE_OTHERS = """
delete from agent_knowledge_bases
where organisation_id = %(organisation_id)s and agent_id = %(agent_id)s and not knowledge_base_id = any(%(bases)s)
"""

SHARE = """
insert into agent_knowledge_bases (organisation_id, agent_id, knowledge_base_id)
select %(organisation_id)s, %(agent_id)s, unnest(%(bases)s::uuid[])
on conflict do nothing
"""

STATES = """
select distinct knowledge_base_id, state from documents where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s)
"""

SHARED_WITH = """
select agent_id, knowledge_base_id from agent_knowledge_bases
where organisation_id = %(organisation_id)s and agent_id = any(%(agents)s) order by agent_id, knowledge_base_id
"""

GET_BASE = f"select {_BASE} from knowledge_bases b where organisation_id = %(organisation_id)s and id = %(id)s"

ALL_BASES = f"select {_BASE} from knowledge_bases b where organisation_id = %(organisation_id)s order by created_at, id"

RENAME_BASE = """
update knowledge_bases set name = %(name)s, updated_at = %(now)s where organisation_id = %(organisation_id)s and id = %(id)s
"""

UNSHARE_BASE = """
delete from agent_knowledge_bases where organisation_id = %(organisation_id)s and knowledge_base_id = %(knowledge_base_id)s
"""

DELETE_BASE = "delete from knowledge_bases where organisation_id = %(organisation_id)s and id = %(id)s"

# Documents.

_DOCUMENT = """id, knowledge_base_id, name, kind, state, cause, url, object_key, mime_type, size, sha256, settings, wanted, version,
    passages, model, created_at, updated_at, indexed_at"""

CREATE = f"""
insert into documents (organisation_id, id, knowledge_base_id, name, kind, url, object_key, mime_type, size, sha256, settings,
    created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(knowledge_base_id)s, %(name)s, %(kind)s, %(url)s, %(object_key)s, %(mime_type)s, %(size)s,
    %(sha256)s, %(settings)s, %(now)s, %(now)s)
returning {_DOCUMENT}
"""

# How full an organisation is, and how much of its work waits.
FULLNESS = """
select count(*) as documents, count(*) filter (where state in ('pending', 'processing')) as waiting,
    (select coalesce(sum(passages), 0) from knowledge_bases where organisation_id = %(organisation_id)s)::integer as passages
from documents where organisation_id = %(organisation_id)s
"""

GET = f"select {_DOCUMENT} from documents where organisation_id = %(organisation_id)s and id = %(id)s"

LISTING = f"""
select {_DOCUMENT} from documents where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s)
order by created_at, id limit %(limit)s offset %(offset)s
"""

COUNT = "select count(*) as count from documents where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s)"

RENAME = f"""
update documents set name = %(name)s, settings = case when name = %(name)s then settings else settings - 'named' end, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s
returning {_DOCUMENT}
"""

CHANGE_FAQ = """
update documents set name = %(name)s, settings = %(settings)s
where organisation_id = %(organisation_id)s and id = %(id)s and kind = 'faq'
"""

WANT_AGAIN = f"""
update documents set wanted = wanted + 1, state = 'pending', cause = null, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s
returning {_DOCUMENT}
"""

IN_BASE_FOR_UPDATE = """
select id from documents where organisation_id = %(organisation_id)s and knowledge_base_id = %(knowledge_base_id)s
order by created_at, id for update
"""

FOR_UPDATE = """
select id, knowledge_base_id, object_key, passages from documents
where organisation_id = %(organisation_id)s and id = %(id)s for update
"""

DELETE = "delete from documents where organisation_id = %(organisation_id)s and id = %(id)s"

OF_AGENTS = """
select b.agent_id, d.* from knowledge_bases b
join documents d on d.organisation_id = b.organisation_id and d.knowledge_base_id = b.id
where b.organisation_id = %(organisation_id)s and b.agent_id = any(%(agents)s) order by d.created_at, d.id
"""

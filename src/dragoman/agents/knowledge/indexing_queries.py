"""The SQL of indexing: passages that come and go, and the counts of their words."""

BEGIN = """
update documents set state = 'processing', updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and wanted = %(version)s and state in ('pending', 'processing')
returning id, knowledge_base_id, name, kind, url, object_key, settings, size, passages
"""

TRYING = """
update documents set cause = %(cause)s
where organisation_id = %(organisation_id)s and id = %(id)s and wanted = %(version)s and state = 'processing'
"""

FAIL = """
update documents set state = 'error', cause = %(cause)s, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and wanted = %(version)s and state in ('pending', 'processing')
"""

# Locks the document: nobody else indexes or deletes it now. No row when another version is wanted meanwhile, or it is gone.
STILL_WANTED = """
select version, passages from documents
where organisation_id = %(organisation_id)s and id = %(id)s and wanted = %(version)s and state = 'processing' for update
"""

INSERT = """
insert into passages (organisation_id, document_id, version, position, knowledge_base_id, heading, text, url, tokens, tsv)
select %(organisation_id)s, %(id)s, %(version)s, %(start)s + n - 1, %(knowledge_base_id)s, heading, text, url, tokens, tsv
from unnest(%(headings)s::text[], %(texts)s::text[], %(urls)s::text[], %(tokens)s::integer[], %(tsvs)s::tsvector[])
    with ordinality as p(heading, text, url, tokens, tsv, n)
"""

INSERT_VECTORS = """
insert into passage_vectors (organisation_id, document_id, version, position, knowledge_base_id, model, dims, embedding)
select %(organisation_id)s, %(id)s, %(version)s, %(start)s + n - 1, %(knowledge_base_id)s, %(model)s, %(dims)s, embedding
from unnest(%(embeddings)s::text[]::halfvec[]) with ordinality as v(embedding, n)
"""

# Whoever changes what is in a base holds its row until the end, so the counts of words are changed by one at a time.
LOCK_BASE = """
select passages from knowledge_bases where organisation_id = %(organisation_id)s and id = %(knowledge_base_id)s for update
"""

COUNT_WORDS = """
insert into passage_words as w (organisation_id, knowledge_base_id, word, stem, passages)
select %(organisation_id)s, %(knowledge_base_id)s, word, stem, passages
from unnest(%(words)s::text[], %(stems)s::text[], %(counts)s::integer[]) as u(word, stem, passages)
on conflict (organisation_id, knowledge_base_id, word) do update set passages = w.passages + excluded.passages
"""

# %(mark)s is how many characters of a lexeme are the mark of its base.
WORDS_OF = """
select substr(lexeme, %(mark)s + 1) as word, count(*)::integer as count
from passages, unnest(tsvector_to_array(tsv)) as lexeme
where organisation_id = %(organisation_id)s and document_id = %(id)s and version <> %(version)s
group by 1
"""

DISCOUNT_WORDS = """
update passage_words w set passages = w.passages - u.passages
from unnest(%(words)s::text[], %(counts)s::integer[]) as u(word, passages)
where w.organisation_id = %(organisation_id)s and w.knowledge_base_id = %(knowledge_base_id)s and w.word = u.word
"""

FORGET_WORDS = """
delete from passage_words
where organisation_id = %(organisation_id)s and knowledge_base_id = %(knowledge_base_id)s and word = any(%(words)s) and passages <= 0
"""

DELETE_OTHERS = "delete from passages where organisation_id = %(organisation_id)s and document_id = %(id)s and version <> %(version)s"

DELETE_OTHER_VECTORS = """
delete from passage_vectors where organisation_id = %(organisation_id)s and document_id = %(id)s and version <> %(version)s
"""

GROW_BASE = """
update knowledge_bases set passages = passages + %(more)s, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(knowledge_base_id)s
"""

READY = """
update documents set state = 'ready', cause = %(cause)s, version = %(version)s, passages = %(passages)s, model = %(model)s,
    mime_type = coalesce(%(mime_type)s, mime_type), size = %(size)s, sha256 = coalesce(%(sha256)s, sha256), name = coalesce(%(name)s, name),
    updated_at = %(now)s, indexed_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s
"""

PASSAGES_LEFT = """
select coalesce(sum(passages), 0)::integer as passages from knowledge_bases where organisation_id = %(organisation_id)s
"""

# Vectors of the present version by the text they are of: what did not change is not asked for again.
KNOWN_VECTORS = """
select p.heading, p.text, v.embedding::text as embedding
from passages p join passage_vectors v using (organisation_id, document_id, version, position)
where p.organisation_id = %(organisation_id)s and p.document_id = %(id)s and v.model = %(model)s
"""

"""The SQL of searching. What stores and changes documents is in `documents_queries` and `indexing_queries`."""

# Which words of these bases could be meant by each asked word: with the same stem, beginning with it, or the beginning of it.
FORMS = """
with bases as (
    select id, passages from knowledge_bases where organisation_id = %(organisation_id)s and id = any(%(bases)s)
), found as (
    select a.word as asked, k.word, k.passages
    from unnest(%(words)s::text[], %(stems)s::text[]) as a(word, stem)
    join lateral (
        select word, passages from passage_words
        where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s) and stem = a.stem
        limit 40
    ) k on true
    union
    select a.word, k.word, k.passages
    from unnest(%(words)s::text[]) as a(word)
    join lateral (
        select word, passages from passage_words
        where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s)
            and word > a.word and word < a.word || chr(1114111) and length(word) <= length(a.word) + 8
        order by passages desc limit 8
    ) k on length(a.word) >= 4
    union
    select h.word, k.word, k.passages
    from unnest(%(owners)s::text[], %(heads)s::text[]) as h(word, head)
    join passage_words k on k.organisation_id = %(organisation_id)s and k.knowledge_base_id = any(%(bases)s) and k.word = h.head
)
select asked, word, sum(passages)::integer as passages, (select coalesce(sum(passages), 0)::integer from bases) as total
from found group by asked, word
"""

# Words that are spelled nearly like one that no passage has; the difference is counted by the caller.
LIKE = """
select a.word as asked, k.word, sum(k.passages)::integer as passages
from unnest(%(words)s::text[], %(begins)s::text[]) as a(word, begin)
join lateral (
    select word, passages from passage_words
    where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s)
        and word >= a.begin and word < a.begin || chr(1114111) and length(word) between length(a.word) - 2 and length(a.word) + 4
    limit 2000
) k on true
group by a.word, k.word
"""


def candidates(groups: int) -> str:
    """The passages with the most of the question. Of `groups` tsqueries q0, q1, … each that fits adds its value v0, v1, …; values are
    written one by one because a join for each row costs five times as much."""
    return f"""
select document_id, version, position, strength, ts_rank('{{0.1,0.2,0.4,1}}', tsv, %(any)s::tsquery, 1) as rank
from (
    select document_id, version, position, tsv, {_strength(groups)} as strength
    from (
        select document_id, version, position, tsv from passages
        where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s) and tsv @@ %(wanted)s::tsquery
        limit %(most)s
    ) found
    order by strength desc limit %(ranked)s
) best
"""


def passages(groups: int) -> str:
    return f"""
select p.document_id, p.version, p.position, p.heading, p.text, p.url, d.name, d.kind, {_strength(groups)} as strength
from unnest(%(documents)s::uuid[], %(versions)s::integer[], %(positions)s::integer[]) as w(document_id, version, position)
join passages p on p.organisation_id = %(organisation_id)s and p.document_id = w.document_id and p.version = w.version
    and p.position = w.position
join documents d on d.organisation_id = %(organisation_id)s and d.id = p.document_id
where p.knowledge_base_id = any(%(bases)s)
"""


def _strength(groups: int) -> str:
    return " + ".join(f"(tsv @@ %(q{n})s::tsquery)::integer * %(v{n})s::real" for n in range(groups)) or "0::real"


# The order by must be written like the index; without one, or in a small base, all vectors of the bases are compared.
def nearest(dims: int, *, by_index: bool) -> str:
    distance = f"embedding::halfvec({dims}) <=> %(embedding)s::halfvec({dims})"
    return f"""
select document_id, version, position from passage_vectors
where organisation_id = %(organisation_id)s and knowledge_base_id = any(%(bases)s) and dims = {dims}
    and (%(model)s::text is null or model = %(model)s)
order by {distance if by_index else f"({distance}) + 0"} limit %(most)s
"""


SIZE = """
select coalesce(sum(passages), 0)::integer as passages from knowledge_bases
where organisation_id = %(organisation_id)s and id = any(%(bases)s)
"""

# The index knows nothing of bases: it goes on until enough of what it finds belongs to them (pgvector 0.8 or later).
LOOK_FURTHER = """
select set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '80', true)
from pg_extension where extname = 'vector' and string_to_array(extversion, '.')::integer[] >= array[0, 8]
"""

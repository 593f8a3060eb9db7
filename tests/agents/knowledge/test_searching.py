"""What is found: by words in any form and any language, by meaning where there are vectors, and never anybody else's."""

import itertools
import math

import psycopg
import pytest
from bench.knowledge.hashing import Hashing

from dragoman.accounts import organisations
from dragoman.agents.knowledge import bases, documents, searching, vectors
from dragoman.agents.knowledge.searching import search
from dragoman.agents.knowledge.shelves import NotEmbedded
from dragoman.ids import new_id

SHELF = """
# Croissants

They come out of the oven at 6:30 and cost 2.10.

# Deliveries

We bring orders to offices in town, from Tuesday to Friday.

# Öffnungszeiten

Wir haben von Dienstag bis Samstag geöffnet.

# Réservations

Réservez une table par téléphone.

# 営業時間

火曜日から土曜日まで営業しています。

# Часы работы

Мы работаем со вторника по субботу.
"""


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("croissant?", "Croissants"),
        ("CROISSANTS", "Croissants"),
        ("croisant price", "Croissants"),
        ("do you deliver", "Deliveries"),
        ("can it be delivered to my office", "Deliveries"),
        ("Offnungszeit", "Öffnungszeiten"),
        ("habt ihr am Samstag geöffnet", "Öffnungszeiten"),
        ("je voudrais réserver", "Réservations"),
        ("reservation", "Réservations"),
        ("営業時間は？", "営業時間"),
        ("土曜日", "営業時間"),
        ("работаете в субботу?", "Часы работы"),
    ],
)
async def test_a_question_finds_its_section_in_any_form_and_language(library, question, heading):
    await library.add(SHELF)
    assert (await library.best(question)).heading == heading


async def test_strength_is_the_share_of_the_question_that_is_there(library):
    await library.add(SHELF)
    strengths = [
        (await library.best(question)).strength
        for question in (
            "When do croissants come out of the oven?",
            "Do croissants have butter and almonds?",
            "croissant motorcycle licence",
        )
    ]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 0.8 > strengths[1] > strengths[2]
    assert await library.best("motorcycle licence") is None


@pytest.mark.parametrize("question", ["", "?!", "' or 1=1; --", "a" * 10_000, "croissant " * 5000, "\x00", "&|!<->():*", "🥐"])
async def test_no_question_breaks_the_search(library, question):
    await library.add(SHELF)
    for passage in await library.find(question):
        assert 0 <= passage.strength <= 1


@pytest.mark.parametrize("embedding", [[math.nan] * 256, [1e300] * 256, [], [0.0] * 256, [1.0] * 5000])
async def test_no_vector_breaks_the_search(library, embedding):
    library.embedder = Hashing()
    await library.add(SHELF)
    found = await search(library.db, library.organisation_id, [library.base_id], "croissant", embedding=embedding)
    assert found[0].heading == "Croissants"


async def test_nothing_is_found_where_there_is_nothing(library):
    assert await library.find("croissant") == []
    assert await search(library.db, library.organisation_id, [], "croissant", embedding=None) == []
    assert await search(library.db, library.organisation_id, [new_id()], "croissant", embedding=[1.0] * 256) == []


@pytest.fixture
async def rival(library):
    """Another business on the same server, with Mallory in it."""
    organisation_id = await organisations.create(library.db, library.clock, "Rival")
    base = await bases.create(library.db, library.clock, organisation_id, "Rival's")
    return library.other(organisation_id, base.id)


async def test_nobody_finds_what_others_know(library, rival):
    library.embedder = Hashing()
    await library.add("# Recipe\n\nThe secret canary of Lumen: a pinch of cardamom.")
    await rival.add("# Recipe\n\nThe secret canary of Rival: a pinch of salt.")
    questions = ["secret canary recipe cardamom", "Lumen", "pinch", "canary"]
    for question, embedding in itertools.product(questions, (None, library.embedder.vector("secret canary cardamom"))):
        mine = await search(rival.db, rival.organisation_id, [rival.base_id], question, embedding=embedding)
        stolen = await search(rival.db, rival.organisation_id, [library.base_id], question, embedding=embedding)
        both = await search(rival.db, rival.organisation_id, [library.base_id, rival.base_id], question, embedding=embedding)
        assert stolen == []
        assert all("Lumen" not in passage.text for passage in [*mine, *both])
    assert "cardamom" in (await library.best("canary")).text


async def test_two_bases_under_one_mark_are_still_apart(library, rival, monkeypatch):
    """The mark in the index only saves work; the rows themselves are filtered."""
    monkeypatch.setattr("dragoman.agents.knowledge.words.mark", lambda base_id: "000000")
    monkeypatch.setattr("dragoman.agents.knowledge.asking.mark", lambda base_id: "000000")
    await library.add("# Recipe\n\nA pinch of cardamom.")
    await rival.add("# Recipe\n\nA pinch of salt.")
    assert [passage.text for passage in await rival.find("recipe pinch")] == ["A pinch of salt."]


async def test_an_agent_reads_its_own_base_and_those_it_shares(library):
    shared = await bases.create(library.db, library.clock, library.organisation_id, "House rules")
    other = library.other(library.organisation_id, shared.id)
    await library.add("# Bread\n\nRye and spelt.")
    await other.add("# Dogs\n\nDogs wait outside.")
    found = await search(library.db, library.organisation_id, [library.base_id, shared.id], "bread dogs", embedding=None)
    assert {passage.heading for passage in found} == {"Bread", "Dogs"}


async def test_vectors_find_what_words_do_not_and_both_are_fused(library):
    class Knowing(Hashing):
        """As if it knew that a gym is a room with machines."""

        def vector(self, text):
            return super().vector(text.replace("gym", "machines"))

    library.embedder = Knowing()
    document = await library.add("# Fitness room\n\nThe room with the machines.\n\n# Pool\n\nOpen from seven.")
    assert document.model == "hashing"
    best = await library.best("gym")
    assert (best.heading, best.strength) == ("Fitness room", 0.0)
    assert {passage.heading for passage in await library.find("gym pool")} == {"Fitness room", "Pool"}


async def test_vectors_of_another_size_or_model_are_not_compared(library):
    library.embedder = Hashing(dims=256, model="first")
    await library.add("# Pool\n\nOpen from seven.")
    library.embedder = Hashing(dims=384, model="second")
    await library.add("# Sauna\n\nOpen from three.")
    ask = (library.db, library.organisation_id, [library.base_id])
    by_second = await search(*ask, "xyzzy", embedding=Hashing(384).vector("pool sauna"))
    assert [passage.heading for passage in by_second] == ["Sauna"]
    library.embedder = Hashing(dims=256, model="third")
    await library.add("# Garden\n\nAlways open.")
    by_third = await search(*ask, "xyzzy", embedding=Hashing(256).vector("pool garden"), model="third")
    assert [passage.heading for passage in by_third] == ["Garden"]


async def test_what_did_not_change_is_not_embedded_again(library):
    library.embedder = Hashing()
    document = await library.add("# Pool\n\nOpen from seven.\n\n# Sauna\n\nOpen from three.")
    assert len(library.embedder.asked) == 2
    await library.objects.put(document.object_key, b"# Pool\n\nOpen from seven.\n\n# Sauna\n\nClosed for repair.")
    await library.reindex(document)
    assert library.embedder.asked[2:] == ["Sauna\n\nClosed for repair."]
    rows = await library.rows("select count(*) as n from passage_vectors where organisation_id = %(organisation_id)s")
    assert rows[0]["n"] == 2


async def test_a_model_that_makes_other_vectors_than_before_is_asked_for_all(library):
    library.embedder = Hashing(dims=256)
    document = await library.add("# Pool\n\nOpen from seven.\n\n# Sauna\n\nOpen from three.")
    library.embedder = Hashing(dims=384)
    await library.objects.put(document.object_key, b"# Pool\n\nOpen from seven.\n\n# Sauna\n\nClosed for repair.")
    document = await library.reindex(document)
    assert (document.cause, len(library.embedder.asked)) == (None, 3)
    rows = await library.rows("select distinct dims from passage_vectors where organisation_id = %(organisation_id)s")
    assert rows == [{"dims": 384}]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (NotEmbedded("the provider answered with status 503."), "the provider answered with status 503."),
        (RuntimeError("sk-secret"), "the provider failed (RuntimeError)."),
        ([[1.0]], "another number of vectors"),
        ([[1.0] * 8, [1.0] * 9], "makes vectors of several sizes"),
        ([[1.0] * 5000] * 2, "made vectors that cannot be kept"),
        ([[], []], "made vectors that cannot be kept"),
        ([[math.nan] * 8] * 2, "made vectors that cannot be kept"),
        (None, None),
    ],
)
async def test_without_vectors_a_document_is_ready_and_says_what_is_missing(library, answer, cause):
    class Failing:
        model = "failing"

        async def embed(self, texts):
            if isinstance(answer, Exception):
                raise answer
            return answer

    library.embedder = Failing()
    document = await library.add("# Pool\n\nOpen from seven.\n\n# Sauna\n\nOpen from three.")
    assert (document.state, document.model) == ("ready", None)
    assert (cause is None and document.cause is None) or cause in document.cause
    assert "sk-secret" not in (document.cause or "")
    library.embedder = None
    assert (await library.best("pool")).heading == "Pool"


async def test_a_database_without_pgvector_works_by_words_alone(library):
    async with library.db.transaction() as connection:
        await connection.execute("drop table passage_vectors")
    vectors._KNOWN.pop(library.db, None)
    library.embedder = Hashing()
    document = await library.add("# Pool\n\nOpen from seven.")
    assert (document.state, document.model, document.cause) == ("ready", None, None)
    assert (await library.best("when does the pool open")).heading == "Pool"
    await documents.delete(library.db, library.clock, library.organisation_id, document.id)
    assert await library.find("pool") == []


def test_a_server_that_has_no_pgvector_can_be_migrated(database_uri):
    """As on a server without the extension: making it fails, and the rest goes on. Later it can be made up for."""
    with psycopg.connect(database_uri, autocommit=True) as connection:
        connection.execute("drop extension vector cascade")
        connection.execute("drop table passage_vectors")
        source = connection.execute("select pg_get_functiondef('add_passage_vectors'::regproc)").fetchone()[0]
        connection.execute(source.replace("if not exists vector", "if not exists no_such_extension"))
        assert connection.execute("select add_passage_vectors()").fetchone()[0] is False
        connection.execute(source)
        assert connection.execute("select add_passage_vectors()").fetchone()[0] is True
        assert connection.execute("select to_regclass('passage_vectors')").fetchone()[0] == "passage_vectors"


async def test_the_index_of_vectors_is_used_for_a_large_base_and_finds_the_same(library, monkeypatch):
    library.embedder = Hashing()
    sections = "\n\n".join(f"# Part {n}\n\nBread number {n} of {n * 7 % 100} with seed {n * 13 % 50}." for n in range(300))
    await library.add(sections)
    ask = (library.db, library.organisation_id, [library.base_id], "xyzzy")
    embedding = library.embedder.vector("Bread number 17 with seed 21")
    exact = await search(*ask, embedding=embedding, limit=5)
    monkeypatch.setattr(searching, "EXACT", 10)
    indexed = await search(*ask, embedding=embedding, limit=5)
    assert indexed[0] == exact[0]
    assert len({passage.position for passage in indexed} & {passage.position for passage in exact}) >= 4

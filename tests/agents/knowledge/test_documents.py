"""What is put on the shelves is read, found, renamed, read again and taken away."""

import asyncio
import random

import pytest
from tests.agents.knowledge import papers

from dragoman.agents.knowledge import bases, documents, indexing
from dragoman.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from dragoman.ids import new_id
from dragoman.store.jobs import Attempt

HANDBOOK = "# Opening hours\n\nWe are open from 7:30 to 18:00.\n\n# Parking\n\nThere are four spaces behind the house."


async def words_of(library):
    rows = await library.rows(
        "select word, passages from passage_words where organisation_id = %(organisation_id)s and knowledge_base_id = %(base)s order by word"
    )
    return {row["word"]: row["passages"] for row in rows}


async def counted(library):
    """What the counts of words should be, counted anew."""
    rows = await library.rows(
        "select substr(lexeme, 7) as word, count(*)::integer as passages from passages, unnest(tsvector_to_array(tsv)) lexeme"
        " where organisation_id = %(organisation_id)s and knowledge_base_id = %(base)s group by 1 order by 1"
    )
    return {row["word"]: row["passages"] for row in rows}


async def test_a_handbook_is_read_and_answers(library):
    document = await library.add(HANDBOOK, "Handbook.md")
    assert (document.state, document.cause, document.passages, document.mime_type) == ("ready", None, 2, "text/plain")
    best = await library.best("When do you open?")
    assert (best.name, best.heading, best.text) == ("Handbook.md", "Opening hours", "We are open from 7:30 to 18:00.")
    assert best.strength > 0.8
    assert best.citation()["documentId"] == str(document.id)


@pytest.mark.parametrize(
    ("make", "question", "where"),
    [
        (papers.docx, "When are you open?", "Handbook › Opening hours"),
        (papers.xlsx, "What does the rye loaf cost?", "Prices"),
        (papers.pptx, "Do you bring orders?", "Slide 1: Delivery"),
        (lambda: papers.pdf(["We are open from seven."], title="Guide"), "When are you open?", "Guide › page 1"),
    ],
)
async def test_every_kind_of_file_can_be_asked(library, make, question, where):
    document = await library.add(make(), "file")
    assert document.state == "ready", document.cause
    assert (await library.best(question)).heading == where


async def test_a_question_with_its_answer_is_one_passage(library):
    document = await library.add_faq("Do you deliver on Sundays?", "No, from Tuesday to Friday only.")
    assert (document.name, document.kind, document.passages) == ("Do you deliver on Sundays?", "faq", 1)
    best = await library.best("delivery on a sunday?")
    assert (best.heading, best.answer) == ("Do you deliver on Sundays?", "No, from Tuesday to Friday only.")
    changed = await documents.change_faq(
        library.db, library.clock, library.organisation_id, document.id, "Do you deliver on Sundays?", "Yes, since May."
    )
    await library.read(changed)
    assert (await library.best("delivery on a sunday?")).answer == "Yes, since May."


async def test_a_page_can_be_written_here(library):
    made = await documents.add_page(
        library.db, library.clock, library.objects, library.organisation_id, library.base_id, "Holidays", "We are away in August."
    )
    assert (await library.read(made)).state == "ready"
    assert (await library.best("Are you there in August?")).name == "Holidays"


async def test_what_cannot_be_read_says_why_and_leaves_the_rest_alone(library):
    await library.add(HANDBOOK)
    document = await library.add(papers.scanned_pdf(), "scan.pdf")
    assert (document.state, document.passages) == ("error", 0)
    assert document.cause.startswith("There is no text in it; it is probably scanned.")
    assert (await library.best("When do you open?")).name == "Handbook"


async def test_what_is_plainly_no_document_is_refused_before_it_is_kept(library):
    with pytest.raises(Invalid, match="file: It is an image") as caught:
        await library.add(b"\x89PNG\r\n\x1a\n", "picture.pdf")
    assert caught.value.field == "file"
    with pytest.raises(TooLarge, match="at most 20971520 are taken"):
        await library.add(b"x" * (20 * 1024 * 1024 + 1))
    with pytest.raises(Invalid, match="The file is empty"):
        await library.add(b"  ")
    assert await library.rows("select 1 from documents where organisation_id = %(organisation_id)s") == []


NASTY = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/shadow",
    "a\0b.pdf",
    "con.txt",
    "x" * 5000,
    "\u202efdp.exe",
    "<script>.md",
    "a/../../b",
]


@pytest.mark.parametrize("name", [*NASTY, *(f"{name}%2f{n}" for n, name in enumerate(NASTY))])
async def test_a_name_is_only_a_label(library, name):
    document = await library.add(HANDBOOK, name, wait=False)
    assert document.object_key == f"knowledge/{library.organisation_id}/{document.id}"
    assert len(document.name) <= 255
    assert document.name.isprintable()


async def test_documents_are_listed_renamed_and_deleted_as_a_list(library):
    first, second, third = [await library.add(f"{HANDBOOK}\n\nNumber {n}.", f"{n}.md") for n in range(3)]
    async with library.db.transaction() as connection:
        sent = [(third.id, "Third"), (first.id, first.name)]
        await documents.replace(connection, library.db, library.clock, library.organisation_id, library.base_id, sent, "documents")
    listed = await documents.listing(library.db, library.organisation_id, [library.base_id])
    assert [(document.id, document.name) for document in listed] == [(first.id, "0.md"), (third.id, "Third")]
    assert await documents.count(library.db, library.organisation_id, [library.base_id]) == 2
    with pytest.raises(Invalid) as caught:
        async with library.db.transaction() as connection:
            await documents.replace(
                connection, library.db, library.clock, library.organisation_id, library.base_id, [(second.id, "x")], "documents"
            )
    assert caught.value.field == "documents[0].id"
    assert await documents.count(library.db, library.organisation_id, [library.base_id]) == 2


async def test_a_deleted_document_leaves_nothing(library):
    document = await library.add(HANDBOOK)
    await documents.delete(library.db, library.clock, library.organisation_id, document.id)
    assert await library.find("When do you open?") == []
    assert await words_of(library) == {}
    assert await library.rows("select 1 from passages where organisation_id = %(organisation_id)s") == []
    base = await bases.get(library.db, library.organisation_id, library.base_id)
    assert (base.documents, base.passages) == (0, 0)
    with pytest.raises(NotFound):
        await documents.get(library.db, library.organisation_id, document.id)
    for _ in range(500):
        if await gone(library.objects, document.object_key):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("its file is still kept")


async def gone(objects, key):
    try:
        await objects.get(key)
    except NotFound:
        return True
    return False


async def test_reading_again_leaves_no_gap(library):
    document = await library.add(HANDBOOK)
    await library.objects.put(document.object_key, b"# Opening hours\n\nWe are open from 9:00 to 12:00.")
    found, stop = set(), asyncio.Event()

    async def ask_on():
        while not stop.is_set():
            passages = await library.find("opening hours", 10)
            found.add(tuple(passage.text for passage in passages if passage.heading == "Opening hours"))

    asking = asyncio.create_task(ask_on())
    for _ in range(5):
        document = await library.reindex(document)
    stop.set()
    await asking
    assert found <= {("We are open from 7:30 to 18:00.",), ("We are open from 9:00 to 12:00.",)}
    assert (document.version, document.wanted, document.passages) == (6, 6, 1)
    assert await words_of(library) == await counted(library)


async def test_when_reading_again_fails_the_old_answers_stay(library):
    document = await library.add(HANDBOOK)
    await library.objects.put(document.object_key, papers.scanned_pdf())
    document = await library.reindex(document)
    assert (document.state, document.version, document.passages) == ("error", 1, 2)
    assert (await library.best("When do you open?")).text == "We are open from 7:30 to 18:00."


async def test_words_are_counted_right_whatever_happens(library):
    rnd = random.Random(5)
    shelf = []
    for n in range(25):
        match rnd.randrange(3) if shelf else 0:
            case 0:
                shelf.append(await library.add(f"# Part {n}\n\n{HANDBOOK}\n\n# Bread {n}\n\nLoaf {n}."))
            case 1:
                await documents.delete(library.db, library.clock, library.organisation_id, shelf.pop(rnd.randrange(len(shelf))).id)
            case 2:
                await library.reindex(rnd.choice(shelf))
    assert await words_of(library) == await counted(library) != {}
    base = await bases.get(library.db, library.organisation_id, library.base_id)
    rows = await library.rows("select count(*) as n from passages where organisation_id = %(organisation_id)s")
    assert base.passages == rows[0]["n"]


async def test_a_job_that_runs_twice_changes_nothing_more(library):
    document = await library.add(HANDBOOK)
    before = await words_of(library)
    ids = {"organisation_id": str(library.organisation_id), "document_id": str(document.id)}
    await indexing.index(library.shelves, Attempt(2, False), **ids, version=1)
    await indexing.index(
        library.shelves, Attempt(1, False), organisation_id=str(library.organisation_id), document_id=str(new_id()), version=1
    )
    assert await words_of(library) == before
    assert await documents.get(library.db, library.organisation_id, document.id) == document


async def test_a_document_that_is_deleted_while_it_is_read_does_not_come_back(library, monkeypatch):
    read, go_on = asyncio.Event(), asyncio.Event()
    really = indexing.gather

    async def slowly(*arguments):
        gathered = await really(*arguments)
        read.set()
        await go_on.wait()
        return gathered

    monkeypatch.setattr(indexing, "gather", slowly)
    document = await library.add(HANDBOOK, wait=False)
    await asyncio.wait_for(read.wait(), 10)
    await documents.delete(library.db, library.clock, library.organisation_id, document.id)
    go_on.set()
    monkeypatch.undo()
    other = await library.add("# Cakes\n\nTo order.")
    assert (await library.find("opening hours")) == []
    rows = await library.rows("select distinct document_id as id from passages where organisation_id = %(organisation_id)s")
    assert [row["id"] for row in rows] == [other.id]
    assert await words_of(library) == await counted(library)


async def test_a_store_that_is_down_is_asked_again_and_then_named(library, monkeypatch):
    document = await library.add(HANDBOOK)

    async def down(key):
        raise Unavailable("The media store does not work: it is on fire")
        yield b""

    monkeypatch.setattr(library.objects, "stream", down)
    ids = {"organisation_id": str(library.organisation_id), "document_id": str(document.id)}
    async with library.db.transaction() as connection:
        await connection.execute("update documents set wanted = 2, state = 'pending'")
    with pytest.raises(Unavailable):
        await indexing.index(library.shelves, Attempt(1, False), **ids, version=2)
    trying = await documents.get(library.db, library.organisation_id, document.id)
    assert (trying.state, trying.cause) == ("processing", "The media store does not work: it is on fire It is tried again.")
    await indexing.index(library.shelves, Attempt(5, True), **ids, version=2)
    failed = await documents.get(library.db, library.organisation_id, document.id)
    assert (failed.state, failed.cause) == ("error", "The media store does not work: it is on fire")


async def test_a_document_that_ends_its_reader_again_and_again_is_given_up(library):
    document = await library.add(HANDBOOK)
    async with library.db.transaction() as connection:
        await connection.execute("update documents set wanted = 2, state = 'processing'")
    ids = {"organisation_id": str(library.organisation_id), "document_id": str(document.id)}
    await indexing.index(library.shelves, Attempt(9, True), **ids, version=2)
    assert (await documents.get(library.db, library.organisation_id, document.id)).cause == "Reading it was interrupted again and again."


async def test_an_organisation_has_an_end_of_room(library, monkeypatch):
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    await library.add_faq("One?", "Yes.")
    await library.add_faq("Two?", "Yes.")
    with pytest.raises(Conflict, match="has 2 documents, which is the most"):
        await library.add_faq("Three?", "No.")
    with pytest.raises(Conflict, match="has 2 documents"):
        await library.add(HANDBOOK)
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 10)
    monkeypatch.setattr(indexing, "MOST_PASSAGES", 3)
    document = await library.add(HANDBOOK)
    assert document.cause == "With it, this organisation would have more than 3 passages, which is the most. Delete documents first."
    await library.add_faq("Three?", "Yes.")
    with pytest.raises(Conflict, match="have 3 passages, which is the most"):
        await library.add_faq("Four?", "No.")

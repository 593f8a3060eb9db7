"""Knowledge bases: an agent has one of its own, and may read others."""

import asyncio

import pytest

from dragoman.accounts import organisations
from dragoman.accounts.secrets import Vault
from dragoman.agents import records
from dragoman.agents.knowledge import bases, documents
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id


@pytest.fixture
async def agent(library):
    vault = Vault("a secret key for tests, of more than 32 characters")
    made, _ = await records.create(library.db, vault, library.clock, library.organisation_id, "Shop assistant")
    return made.id


async def test_an_agent_gets_one_base_of_its_own_however_often_it_is_asked_for(library, agent):
    made = await asyncio.gather(*(bases.own(library.db, library.clock, library.organisation_id, agent) for _ in range(5)))
    assert len(set(made)) == 1
    base = await bases.get(library.db, library.organisation_id, made[0])
    assert (base.name, base.agent_id, base.documents, base.passages) == ("Shop assistant", agent, 0, 0)
    assert await bases.of_agent(library.db, library.organisation_id, agent) == [made[0]]


async def test_there_is_no_base_for_an_agent_that_is_not_there(library):
    with pytest.raises(NotFound):
        await bases.own(library.db, library.clock, library.organisation_id, new_id())


async def test_an_agent_reads_the_bases_that_are_shared_with_it_and_no_others(library, agent):
    own = await bases.own(library.db, library.clock, library.organisation_id, agent)
    async with library.db.transaction() as connection:
        await bases.share(connection, library.organisation_id, agent, [library.base_id], "knowledgeBases")
    assert set(await bases.of_agent(library.db, library.organisation_id, agent)) == {own, library.base_id}
    async with library.db.transaction() as connection:
        await bases.share(connection, library.organisation_id, agent, [], "knowledgeBases")
    assert await bases.of_agent(library.db, library.organisation_id, agent) == [own]


async def test_a_base_of_another_business_cannot_be_shared_or_seen(library, agent):
    rival = await organisations.create(library.db, library.clock, "Rival")
    theirs = await bases.create(library.db, library.clock, rival, "Rival's")
    with pytest.raises(Invalid) as caught:
        async with library.db.transaction() as connection:
            await bases.share(connection, library.organisation_id, agent, [theirs.id], "knowledgeBases")
    assert caught.value.field == "knowledgeBases"
    for look in (bases.get(library.db, library.organisation_id, theirs.id), bases.own(library.db, library.clock, rival, agent)):
        with pytest.raises(NotFound):
            await look
    with pytest.raises(NotFound):
        await documents.add_faq(library.db, library.clock, library.organisation_id, theirs.id, "Whose?", "Theirs.")
    assert [base.name for base in await bases.listing(library.db, rival)] == ["Rival's"]


async def test_documents_of_another_business_are_not_there(library):
    rival = await organisations.create(library.db, library.clock, "Rival")
    mine = await library.add_faq("Whose?", "Ours.")
    for act in (
        lambda: documents.get(library.db, rival, mine.id),
        lambda: documents.delete(library.db, library.clock, rival, mine.id),
        lambda: documents.reindex(library.db, library.clock, rival, mine.id),
        lambda: documents.rename(library.db, library.clock, rival, mine.id, "Stolen"),
        lambda: documents.change_faq(library.db, library.clock, rival, mine.id, "Whose?", "Mine."),
    ):
        with pytest.raises(NotFound):
            await act()
    assert await documents.listing(library.db, rival, [library.base_id]) == []
    assert await documents.get(library.db, library.organisation_id, mine.id) == mine


async def test_a_base_is_renamed_and_deleted_with_all_that_is_in_it(library, agent):
    await library.add("# Bread\n\nRye and spelt.")
    await library.add_faq("Open on Monday?", "No.")
    async with library.db.transaction() as connection:
        await bases.share(connection, library.organisation_id, agent, [library.base_id], "knowledgeBases")
    renamed = await bases.rename(library.db, library.clock, library.organisation_id, library.base_id, " House \n rules ")
    assert (renamed.name, renamed.documents, renamed.passages) == ("House rules", 2, 2)
    async with library.db.transaction() as connection:
        await bases.delete(connection, library.db, library.clock, library.organisation_id, library.base_id)
    for table in ("knowledge_bases", "agent_knowledge_bases", "documents", "passages", "passage_words", "passage_vectors"):
        assert await library.rows(f"select 1 from {table} where organisation_id = %(organisation_id)s") == []
    with pytest.raises(NotFound):
        async with library.db.transaction() as connection:
            await bases.delete(connection, library.db, library.clock, library.organisation_id, library.base_id)


async def test_a_whole_base_is_read_again(library):
    first, second = await library.add("# Bread\n\nRye."), await library.add_faq("Open?", "Yes.")
    assert await documents.reindex_all(library.db, library.clock, library.organisation_id, library.base_id) == 2
    for document in (first, second):
        assert (await library.read(document)).version == 2

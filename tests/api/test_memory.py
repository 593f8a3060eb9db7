"""What agents remember about a contact, seen and put right through the API."""

from datetime import timedelta

import pytest


@pytest.fixture
async def bread(story, bakery):
    return await story.memory_key(bakery.echo, initialValue="white", whenToUpdate="when Dana names a bread")


async def test_each_key_of_each_agent_is_listed_with_its_value(lumen, story, bakery, bread, clock):
    other = await story.agent("Cook")
    visits = await story.memory_key(other, "visits", type="number", initialValue="0")
    await lumen.put(f"/contacts/{bakery.dana}/memory/{visits}/", {"value": 3})

    page = await lumen.get(f"/contacts/{bakery.dana}/memory/")

    assert page["count"] == 2
    first, second = page["results"]
    assert first == {
        "id": str(bread),
        "agentId": str(bakery.echo),
        "key": "bread",
        "type": "string",
        "value": "white",
        "initialValue": "white",
        "by": None,
        "updatedAt": None,
    }
    assert (second["key"], second["value"], second["initialValue"], second["by"]) == ("visits", 3, "0", "api")
    assert second["updatedAt"] is not None
    of_one = await lumen.get(f"/contacts/{bakery.dana}/memory/?agent={other}")
    assert [memory["key"] for memory in of_one["results"]] == ["visits"]
    assert (await lumen.get(f"/contacts/{bakery.dana}/memory/?limit=1&offset=1"))["results"] == [second]


async def test_a_value_is_written_and_forgotten_and_the_history_tells(lumen, bakery, bread, clock):
    address = f"/contacts/{bakery.dana}/memory/{bread}/"

    written = await lumen.put(address, {"value": "rye"})
    clock.advance(timedelta(minutes=1))
    forgotten = await lumen.delete(address)

    assert (written.status, written["value"], written["by"]) == (200, "rye", "api")
    assert forgotten.status == 204
    assert (await lumen.get(f"/contacts/{bakery.dana}/memory/"))["results"][0]["value"] == "white"
    history = await lumen.get(f"{address}history/")
    assert history["count"] == 2
    assert [(change["old"], change["new"], change["by"]) for change in history["results"]] == [("rye", None, "api"), (None, "rye", "api")]
    assert history["results"][0].keys() == {"id", "old", "new", "by", "turnId", "messageId", "at"}


@pytest.mark.parametrize("value", [5, None, True, ["rye"], "rye " * 2000])
async def test_a_value_that_does_not_fit_the_key_is_refused(lumen, bakery, bread, value):
    refused = await lumen.put(f"/contacts/{bakery.dana}/memory/{bread}/", {"value": value})

    assert (refused.status, refused["field"]) == (400, "value")
    assert refused["error"].startswith("value is ")


async def test_a_value_must_be_sent(lumen, bakery, bread):
    refused = await lumen.put(f"/contacts/{bakery.dana}/memory/{bread}/", {})

    assert (refused.status, refused["field"]) == (400, "value")


async def test_json_is_kept_as_it_is(lumen, story, bakery):
    cake = await story.memory_key(bakery.echo, "cake", type="json")
    value = {"layers": 3, "with": ["cherries", None], "for": {"whom": "Zoë"}, "text": "[1]"}

    written = await lumen.put(f"/contacts/{bakery.dana}/memory/{cake}/", {"value": value})

    assert written["value"] == value
    assert (await lumen.put(f"/contacts/{bakery.dana}/memory/{cake}/", {"value": "[1]"}))["value"] == "[1]"


async def test_a_contact_that_was_merged_answers_with_what_is_known_about_the_person(lumen, story, bakery, bread):
    zoe = await story.contact("Zoë", phone=None, bsuid="US.2")
    await lumen.put(f"/contacts/{zoe}/memory/{bread}/", {"value": "rye"})

    await lumen.services.db.execute("update contacts set merged_into = %s where id = %s", [bakery.dana, zoe])

    for contact in (bakery.dana, zoe):
        assert (await lumen.get(f"/contacts/{contact}/memory/"))["results"][0]["value"] == "rye"
        assert (await lumen.get(f"/contacts/{contact}/memory/{bread}/history/"))["count"] == 1


async def test_what_is_not_there_is_not_found(lumen, bakery, bread):
    nothing = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"

    for contact, key in ((nothing, bread), (bakery.dana, nothing), (bakery.dana, bakery.echo)):
        assert (await lumen.put(f"/contacts/{contact}/memory/{key}/", {"value": "rye"})).status == 404
        assert (await lumen.delete(f"/contacts/{contact}/memory/{key}/")).status == 404
        assert (await lumen.get(f"/contacts/{contact}/memory/{key}/history/")).status == 404
    assert (await lumen.get(f"/contacts/{nothing}/memory/")).status == 404


async def test_an_agent_that_was_deleted_remembers_nothing(lumen, bakery, bread):
    assert (await lumen.delete(f"/agents/{bakery.echo}/")).status == 204

    assert (await lumen.get(f"/contacts/{bakery.dana}/memory/"))["results"] == []
    assert (await lumen.put(f"/contacts/{bakery.dana}/memory/{bread}/", {"value": "rye"})).status == 404

"""What a native agent knows: given through the API, read by a job, found for a question, cited on the turn."""

import aiohttp
from cast import until
from native import change, hire
from world import website

FAQS = [
    {"question": "Are you open on Sundays?", "answer": "Yes, from 8 to 13."},
    {"question": "Do you deliver bread to my home?", "answer": "We deliver within 5 km, for 3 euros."},
]


async def ready(lumen, agent, count=1):
    """Wait until so many documents of the agent have been read; all of them."""

    async def read():
        found = (await lumen.get(f"/agents/{agent['id']}/documents/"))["results"]
        assert [d["cause"] for d in found if d["status"] == "error"] == []
        return found if len(found) >= count and all(d["status"] == "ready" for d in found) else None

    return await until(read, "the documents are read")


async def builtin(lumen, **options):
    agent = await lumen.post("/agents/", {"name": "Lumi", **options})
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": agent["id"]})
    return agent


async def test_the_builtin_agent_answers_what_it_knows_and_asks_again_otherwise(lumen, dana):
    agent = await builtin(lumen)
    await lumen.post(f"/agents/{agent['id']}/documents/", {"faqs": FAQS})
    await ready(lumen, agent, 2)
    await dana.says("Are you open on Sunday?")
    assert await dana.hears_text() == ["Yes, from 8 to 13."]
    await dana.says("Can my parrot sing?")
    assert (await dana.hears_text(2))[1] == "I am not sure I understood. Could you say it in other words?"
    rows = await lumen.rows("select citations from turns where citations is not null order by opened_at")
    assert rows[0]["citations"][0]["heading"] == "Are you open on Sundays?"


async def test_the_builtin_agent_calls_a_person_after_a_second_riddle(lumen, dana):
    await builtin(lumen, native={"faq": {"handOver": True}})
    await dana.says("Can my parrot sing?")
    await dana.hears(1)
    await dana.says("My parrot, can it?")
    assert (await dana.hears_text(2))[1] == "I do not know that. A colleague will answer you here."

    async def taken():
        return (await lumen.conversation())["isHumanTakeover"]

    await until(taken, "a person has the conversation")


async def test_a_model_is_given_the_passages_as_data(lumen, model, dana):
    agent = await hire(lumen, model, native={"embeddingModel": "lab/embed"})
    text = "# Delivery\n\nWe deliver bread within 5 km of the bakery.\n\n# Rye\n\nOur rye bread is baked on Tuesdays."
    await lumen.post(f"/agents/{agent['id']}/documents/", {"name": "Handbook", "text": text})
    await ready(lumen, agent)
    await dana.says("When is the rye bread baked?")
    await dana.hears(1)
    assert "baked on Tuesdays" in model.prompt()
    assert '<data name="passages from the knowledge base">' in model.prompt()
    assert [what for what, _ in model.others].count("embeddings") >= 2


async def test_a_file_is_read_and_a_broken_one_says_why(lumen, dana):
    agent = await builtin(lumen)

    async def upload(name, data):
        form = aiohttp.FormData()
        form.add_field("file", data, filename=name)
        headers = {"X-API-Key": lumen.key}
        async with lumen.session.post(f"{lumen.url}/api/v1/agents/{agent['id']}/files/", data=form, headers=headers) as answer:
            return answer.status, await answer.json()

    status, [made] = await upload("prices.csv", b"bread,price\nrye,4.20 euros\nspelt,4.80 euros\n")
    assert (status, made["status"], made["name"]) == (201, "pending", "prices.csv")
    await ready(lumen, agent)
    await dana.says("What is the price of rye?")
    assert "4.20 euros" in (await dana.hears_text())[0]
    status, [broken] = await upload("broken.pdf", b"%PDF-1.7 and then nothing")

    async def failed():
        shown = await lumen.get(f"/agents/{agent['id']}/documents/{broken['id']}/")
        return shown if shown["status"] == "error" else None

    assert (await until(failed, "the broken file is an error"))["cause"]


async def test_a_website_is_read_with_the_pages_it_leads_to(lumen, dana):
    agent = await builtin(lumen)
    async with website() as site:
        await lumen.post(f"/agents/{agent['id']}/documents/", {"url": f"{site.url}/", "depth": 1})
        await ready(lumen, agent)
        assert "/menu" in site.fetched
        assert not any(path.startswith("/secret") for path in site.fetched)
    [document] = (await lumen.get(f"/agents/{agent['id']}/"))["documents"]
    assert (document["status"], document["kind"]) == ("ready", "url")


async def test_the_list_on_the_agent_renames_and_deletes(lumen, dana):
    agent = await builtin(lumen)
    await lumen.post(f"/agents/{agent['id']}/documents/", {"faqs": FAQS})
    first, second = await ready(lumen, agent, 2)
    changed = await change(lumen, agent, documents=[{"id": second["id"], "name": "Delivery"}])
    assert [(d["id"], d["name"]) for d in changed["documents"]] == [(second["id"], "Delivery")]
    status, body = await lumen.call("PATCH", f"/agents/{agent['id']}/", {"documents": [{"id": first["id"], "name": "x"}]})
    assert (status, body["field"]) == (400, "documents[0].id")
    copy = await lumen.post(f"/agents/{agent['id']}/duplicate/")
    shared = (await lumen.get(f"/agents/{copy['id']}/documents/?shared=true"))["results"]
    assert [d["id"] for d in shared] == [second["id"]]


async def test_a_document_that_says_nothing_or_several_things_is_refused(lumen):
    agent = await builtin(lumen)
    for sent in ({}, {"text": "a", "url": "https://lumen.example/"}):
        status, _ = await lumen.call("POST", f"/agents/{agent['id']}/documents/", sent)
        assert status == 400
    status, body = await lumen.call("POST", f"/agents/{agent['id']}/documents/", {"url": "http://169.254.169.254/"})
    assert (status, body["field"]) == (400, "url")

"""Knowledge bases: made, filled by a form in every spelling that the reference shows, read, deleted."""

import aiohttp
import pytest
from tests.api.conftest import Answer


@pytest.fixture
async def menu(lumen):
    return (await lumen.made("/_knowledge_base", {"name": "Menu", "description": "What we bake"}))["id"]


async def put(lumen, path, *parts):
    """A form with these parts: (name, text), or (name, bytes, file name)."""
    form = aiohttp.MultipartWriter("form-data")
    for name, value, *filename in parts:
        part = form.append(value)
        part.set_content_disposition("form-data", name=name, **({"filename": filename[0]} if filename else {}))
    return await lumen.call("PUT", path, data=form)


async def test_a_base_is_made_with_pages_in_one_text_or_a_list(lumen, settings):
    one = await lumen.made(
        "/_knowledge_base",
        {"name": "One", "urls": "https://lumen.example/a, https://lumen.example/b", "files": "https://lumen.example/c.pdf"},
    )
    two = await lumen.made("/_knowledge_base", {"name": "Two", "urls": ["https://lumen.example/a"], "files": []})
    counts = {base["id"]: base["document_count"] for base in (await lumen.got("/_knowledge_base"))["data"]}
    assert counts == {one["id"]: 3, two["id"]: 1}
    private = await lumen.post("/_knowledge_base", {"name": "Three", "urls": ["https://lumen.example/a", "http://127.0.0.1/x"]})
    assert (private.status, private["errors"][0]["field"]) == (400, "urls[1]")


@pytest.mark.parametrize("spelling", ["plain", "brackets", "indexed", "quoted"])
async def test_the_form_is_read_in_every_spelling(lumen, menu, spelling):
    names = {
        "plain": ("urls", "faqs"),
        "brackets": ("urls[]", "faqs[]"),
        "indexed": ("urls[0]", "faqs[0]"),
        "quoted": ("urls[]", "faqs[]"),
    }[spelling]
    quote = '"%s"' if spelling == "quoted" else "%s"
    answer = await put(
        lumen,
        f"/_knowledgebase/{menu}",
        ("name", "New menu"),
        (names[0], quote % "https://lumen.example/menu"),
        (names[1], quote % "Q: Do you sell rye?|A: Yes, every day | until six."),
        ("files", b"We open at seven.", "hours.txt"),
        ("uploaded_files", b"We close at six.", "more.txt"),
    )
    assert answer.status == 200, answer
    assert answer["data"] == {"id": menu, "name": "New menu", "document_count": 4}
    shown = await lumen.got(f"/_knowledgebase/{menu}")
    found = {(one["type"], one["name"]) for one in shown["documents"]}
    assert found == {("url", "lumen.example/menu"), ("faq", "Do you sell rye?"), ("file", "hours.txt"), ("file", "more.txt")}
    assert shown["status"] == "processing"


async def test_what_is_sent_is_added_and_can_be_taken_out(lumen, menu):
    first = await lumen.got(f"/_knowledgebase/{menu}", "PUT", {"faqs": ["Q: One?|A: 1"]})
    second = await lumen.got(f"/_knowledgebase/{menu}", "PUT", {"faqs": ["Q: Two?|A: 2"], "urls": []})
    assert (first["document_count"], second["document_count"]) == (1, 2)
    [one, _] = (await lumen.got(f"/_knowledge_base/{menu}/documents"))["data"]
    await lumen.got(f"/_knowledge_base/{menu}/documents/{one['id']}", "DELETE")
    assert (await lumen.got(f"/_knowledge_base/{menu}"))["document_count"] == 1


async def test_a_base_is_deleted_for_everybody_who_reads_it(lumen, menu):
    await lumen.add_number()
    made = await lumen.assistant(kb_id=menu)
    await lumen.got(f"/_knowledge_base/{menu}", "DELETE")
    assert (await lumen.get(f"/_knowledge_base/{menu}")).status == 404
    assert (await lumen.got(f"/_new_assistants/{made}"))["kb_id"] is None


async def test_what_an_agent_knows_for_itself_is_not_shown(lumen):
    agent = (await lumen.first.post("/agents/", {"name": "Cook"})).body
    await lumen.first.post(f"/agents/{agent['id']}/documents/", {"text": "Secret recipe.", "name": "Recipe"})
    assert (await lumen.got("/_knowledge_base"))["data"] == []


async def test_what_cannot_be_read_is_refused_and_says_where(lumen, menu):
    path = f"/_knowledgebase/{menu}"
    wrong = [
        (("faqs[]", "What is this?"), "faqs[0]"),
        (("urls", "ftp://lumen.example"), "urls[0]"),
        (("pages", "x"), "pages"),
        (("files", "hours.txt"), "files"),
        (("name", b"x", "name.txt"), "name"),
        (("files", b"MZ" + b"\0" * 100, "menu.exe"), "files[0]"),
    ]
    for part, field in wrong:
        answer = await put(lumen, path, part)
        assert isinstance(answer, Answer)
        assert (answer.status, answer["errors"][0]["field"]) == (400, field), (part, answer)
    assert (await lumen.call("PUT", path, data=b"x", headers={"Content-Type": "text/plain"})).status == 400
    assert (await lumen.call("PUT", path, data=b"x", headers={"Content-Type": "multipart/form-data; boundary=y"})).status == 400
    assert (await lumen.call("PUT", path, {"colour": "red"})).status == 400
    assert (await lumen.got(path))["document_count"] == 0

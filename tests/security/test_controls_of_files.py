"""Files of strangers, read without what stands between them and us."""

import io
import sys
from types import SimpleNamespace

import pytest
from PIL import Image
from tests.agents.knowledge import test_documents as of_documents
from tests.agents.knowledge import test_hostile_files as hostile
from tests.agents.knowledge.conftest import guarded, library, web
from tests.agents.test_images import picture
from tests.security.switched import fails
from tests.store import test_objects as of_objects
from tests.whatsapp import test_graph_client as of_graph
from tests.whatsapp.test_graph_client import graph, meta, trusted

from dragoman.agents.capabilities import images
from dragoman.agents.knowledge import documents, reading, sniffing
from dragoman.agents.llm import media
from dragoman.http import exchange
from dragoman.http import trusted as trusted_door
from dragoman.store import objects
from dragoman.store.objects import Objects

GUARD = "sniffing.guard = lambda entries: None"
# Two walls: the parser of a DOCX resolves no entity, and the process that reads can open no file any more.
ENTITIES = """
from lxml import etree
import docx.oxml.parser as parser
parser.oxml_parser = etree.XMLParser(remove_blank_text=True, resolve_entities=True)
parser.oxml_parser.set_element_class_lookup(parser.element_class_lookup)
parse.lock = lambda: None
"""
SECRET = "the key of the shop"


@pytest.fixture
def reader(monkeypatch):
    """`reader(source)`: the process that reads files, with a line that switches a defence of it off."""

    def switched(source):
        program = f"from dragoman.agents.knowledge import parse, sniffing\n{source}\nparse.main()"
        monkeypatch.setattr(reading, "_COMMAND", (*reading._COMMAND[: reading._COMMAND.index("-m")], "-c", program))

    return switched


@pytest.mark.parametrize("bomb", ["a part that is packed a thousandfold", "an archive that unpacks to 80 MB"])
async def test_without_a_guard_a_bomb_is_unpacked(reader, bomb):
    """It comes as far as the library that unpacks it, which then has to make something of 30 or 80 MB of nothing."""
    reader(GUARD)
    await fails(hostile.test_a_hostile_file_ends_in_time_with_a_plain_cause, bomb, because="damaged or not what it seems to be")


async def test_entities_that_are_resolved_read_out_other_files(reader, tmp_path):
    reader(ENTITIES)
    await fails(hostile.test_a_file_cannot_have_other_files_read_out, tmp_path, because=SECRET)
    outcome = await hostile.verdict(
        hostile.entity_docx(f'<!DOCTYPE d [<!ENTITY e SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>', "before &e; after")
    )
    assert outcome.blocks[0].text == f"before {SECRET} after"


def many_pixels():
    """5 KB that are 41 million pixels."""
    made = io.BytesIO()
    Image.new("1", (6400, 6400)).save(made, "PNG")
    return made.getvalue()


def test_without_a_count_a_bomb_of_pixels_is_unpacked(monkeypatch):
    bomb = many_pixels()
    assert len(bomb) < 10_000
    monkeypatch.setattr(images, "MOST_PIXELS", 10**12)
    assert Image.open(io.BytesIO(images.sendable(bomb))).size == (2048, 2048)


@pytest.mark.parametrize(("module", "made"), [(images, images.sendable), (media, media._shrunk)], ids=["drawn", "sent by a customer"])
def test_what_is_not_cleared_travels_with_the_picture(monkeypatch, module, made):
    on_white = module.on_white

    class Kept(dict):
        def clear(self):
            """Nothing is cleared."""

    def careless(opened):
        painted = on_white(opened)
        painted.info = Kept(opened.info)
        return painted

    monkeypatch.setattr(module, "on_white", careless)
    assert b"canary" in made(picture("JPEG", comment=b"the canary"))


@pytest.mark.parametrize(("first", "second"), [("gif", "html"), ("gif", "pdf")])
async def test_without_the_first_bytes_a_file_with_two_faces_is_read(monkeypatch, first, second):
    monkeypatch.setattr(sniffing, "refuse_early", lambda head: None)
    await fails(hostile.test_the_first_bytes_decide_what_a_file_with_two_faces_is, first, second, because="assert 'text' in")


async def test_without_a_limit_a_file_is_taken_to_its_end(monkeypatch, meta, graph):
    monkeypatch.setattr(trusted_door, "streamed", lambda ask, host, body, largest: exchange.streamed(ask, host, body, 2**40))
    await fails(of_graph.test_a_file_larger_than_allowed_is_not_taken, meta, graph, because="MediaFailure")
    meta.answers = [(200, b"x" * 5_000_000)]
    assert len(await graph.download(f"{meta.url}/lookaside/1", of_graph.TOKEN, largest=100)) == 5_000_000


@pytest.mark.parametrize("key", [".hidden", "%2e%2e/x", "a\\b"])
async def test_a_key_that_nobody_looks_at_is_taken(monkeypatch, tmp_path, key):
    monkeypatch.setattr(objects, "_check", lambda key: None)
    await fails(
        of_objects.test_a_key_cannot_lead_out_of_the_store, Objects(f"file://{tmp_path}/media"), key, because="DID NOT RAISE ValueError"
    )


async def test_without_either_wall_a_key_leads_out_of_the_store(monkeypatch, tmp_path):
    """The library behind it takes no `..` either, so a plain folder stands in its place."""
    secret = tmp_path / "secret.key"
    secret.write_text(SECRET)

    async def plainly(_, key, data):
        (tmp_path / "media" / key).write_bytes(data)

    monkeypatch.setattr(objects, "obstore", SimpleNamespace(put_async=plainly))
    store = Objects(f"file://{tmp_path}/media")
    with pytest.raises(ValueError, match="cannot be the key"):
        await store.put("../secret.key", b"Mallory's")
    assert secret.read_text() == SECRET
    monkeypatch.setattr(objects, "_check", lambda key: None)
    await store.put("../secret.key", b"Mallory's")
    assert secret.read_text() == "Mallory's"


async def test_a_name_that_is_taken_as_it_comes_lies_about_the_file(monkeypatch, library):
    monkeypatch.setattr(documents, "label", lambda name, at: name)
    await fails(of_documents.test_a_name_is_only_a_label, library, "\u202efdp.exe", because="isprintable")

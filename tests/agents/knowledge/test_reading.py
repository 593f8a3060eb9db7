"""Files of every kind become text, by what they are and not by what they are called."""

import asyncio

import pytest
from tests.agents.knowledge import papers
from tests.agents.knowledge.library import page

from dragoman.agents.knowledge import reading
from dragoman.agents.knowledge.text import Told, Unfit


async def parts(data):
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]


async def read(data, name="document", **told):
    data = data.encode() if isinstance(data, str) else data
    return await reading.read(asyncio.Semaphore(2), parts(data), Told(name=name, **told))


async def texts(data, *args):
    return [block.text for block in (await read(data, *args)).blocks]


async def refusal(data, *args):
    with pytest.raises(Unfit) as caught:
        await read(data, *args)
    return str(caught.value)


async def test_a_pdf_is_read_page_by_page_with_its_headings():
    lines = [
        "Opening hours",
        "From Tuesday to Friday we open at half past seven in the morning",
        "and close at six.",
        "",
        "Closed on Mondays.",
    ]
    text = await read(papers.pdf(lines, ["Parking", "There are four spaces in the yard behind the house."], title="Handbook"))
    assert (text.kind, text.title, text.mime_type) == ("pdf", "Handbook", "application/pdf")
    assert [(block.text, block.level, block.page) for block in text.blocks] == [
        ("Opening hours", 2, 1),
        ("From Tuesday to Friday we open at half past seven in the morning and close at six.", 0, 1),
        ("Closed on Mondays.", 0, 1),
        ("Parking", 2, 2),
        ("There are four spaces in the yard behind the house.", 0, 2),
    ]


async def test_a_docx_is_read_with_headings_and_tables():
    text = await read(papers.docx())
    assert (text.kind, text.title) == ("docx", "Handbook")
    assert [(block.text, block.level) for block in text.blocks] == [
        ("Opening hours", 1),
        ("We are open from 7:30 to 18:00.", 0),
        ("Prices", 1),
        ("Croissant | 2.10", 0),
        ("Rye loaf | 6.10", 0),
    ]


async def test_rows_of_an_xlsx_name_their_columns():
    text = await read(papers.xlsx())
    assert text.kind == "xlsx"
    assert [block.text for block in text.blocks] == [
        "Prices",
        "Article: Croissant; Price: 2.1; Vegan: no",
        "Article: Rye loaf; Price: 6; Vegan: yes",
    ]


async def test_a_pptx_is_read_slide_by_slide_with_notes():
    text = await read(papers.pptx())
    assert text.kind == "pptx"
    assert [block.text for block in text.blocks] == [
        "Slide 1: Delivery",
        "We bring orders of 25.00 and more.",
        "Mention the standing orders of offices.",
    ]


async def test_of_a_page_only_the_main_text_and_the_links_are_taken():
    html = page(
        "Our breads",
        "The sourdough loaf rests for a day and a night before it goes into the oven, and weighs 750 grams when it comes out.",
        "The rye loaf is made of whole grain from the mill at the river and keeps fresh for a week in a linen bag.",
        links=["/cakes", "https://elsewhere.example/", "mailto:us@lumen.example", "#top"],
    )
    text = await read(html, "page", address="https://lumen.example/breads/")
    told = "\n".join(block.text for block in text.blocks)
    assert (text.kind, text.title) == ("html", "Our breads")
    assert "rests for a day" in told
    assert "keeps fresh" in told
    assert "Imprint" not in told
    assert text.links == ["https://lumen.example/cakes", "https://elsewhere.example/", "https://lumen.example/breads/"]


async def test_markdown_and_text_keep_their_paragraphs():
    assert await texts("# Bread\n\nSourdough,\n750 g.\n\nRye.\n\n```\n# not a heading\n```\n") == [
        "Bread",
        "Sourdough,\n750 g.",
        "Rye.",
        "```\n# not a heading\n```",
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
async def test_a_table_in_text_is_told_by_its_structure(separator):
    table = "\n".join(separator.join(row) for row in (["Article", "Price"], ["Croissant", "2.10"], ["Rye loaf", "6.10"]))
    text = await read(table, "list.txt")
    assert (text.kind, [block.text for block in text.blocks]) == (
        "csv",
        ["Article: Croissant; Price: 2.10", "Article: Rye loaf; Price: 6.10"],
    )


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        ("Öffnungszeiten für Dich".encode("cp1252"), None),
        ("Öffnungszeiten für Dich".encode("utf-16"), None),
        ("Öffnungszeiten für Dich".encode("utf-8-sig"), None),
        ("Öffnungszeiten für Dich".encode("iso8859-15"), "iso-8859-15"),
    ],
)
async def test_text_of_any_usual_encoding_is_read(data, charset):
    text = await read(data, "t", charset=charset)
    assert [block.text for block in text.blocks] == ["Öffnungszeiten für Dich"]


async def test_what_a_file_is_called_does_not_count():
    assert (await read(papers.docx(), "invoice.pdf")).kind == "docx"
    assert (await read(papers.pdf(["Hello, this is a PDF."]), "notes.txt")).kind == "pdf"
    assert (await read("<!doctype html><html><body><p>Hello</p></body></html>", "a.pdf")).kind == "html"


async def test_a_scanned_pdf_says_what_to_do():
    assert await refusal(papers.scanned_pdf()) == (
        "There is no text in it; it is probably scanned. Run text recognition (OCR) over it and add the result."
    )


async def test_an_empty_file_is_named_as_such():
    assert await refusal(b"") == "The file is empty."
    assert await refusal(b"  \n ") == "The file is empty."


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "image"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "image"),
        (b"MZ" + bytes(100), "program"),
        (b"\x7fELF" + bytes(100), "program"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "old Office file, or one with a password"),
        (b"{\\rtf1 hello}", "RTF"),
        (b"Rar!\x1a\x07", "archive"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "XML"),
        (b'<?xml version="1.0"?><note/>', "XML"),
        (bytes(range(256)) * 4, "cannot be read|not a kind"),
        (papers.archive({"readme.txt": "hello"}), "archive and not a document"),
        (papers.archive({"word/document.xml": "<a/>", "xl/workbook.xml": "<a/>"}), "archive and not a document"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (b"%PDF-1.7 and then nothing", "damaged"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_reason(data, why):
    with pytest.raises(Unfit, match=why):
        await read(data, "handbook.pdf")


async def test_a_very_long_text_is_cut_and_says_so():
    text = await read("word " * 600_000)
    assert text.cut
    assert text.characters <= 2_000_000

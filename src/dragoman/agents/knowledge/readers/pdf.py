"""PDF: the text of each page. Lines are joined into paragraphs, because a PDF knows only where letters stand."""

import io
import re

from pypdf import Configuration, PdfReader, overwrite_configuration
from pypdf.errors import PyPdfError

from dragoman.agents.knowledge.text import MOST_PAGES, Collected, Text, Told, Unfit

_LARGEST = 16 * 1024 * 1024
_LIMITS = dict.fromkeys(
    (
        "maximum_declared_stream_length",
        "array_based_stream_maximum_output_length",
        "lzw_maximum_output_length",
        "run_length_maximum_output_length",
        "zlib_maximum_output_length",
        "brotli_maximum_output_length",
        "image_maximum_buffer_size",
    ),
    _LARGEST,
)
_ENDS = re.compile(r"[.!?:;…。！？]['\")\]»”]?$")
_LIST = re.compile(r"^(?:[-–—•*▪]|\d{1,3}[.)])\s")


def read(data: bytes, told: Told) -> Text:
    overwrite_configuration(
        Configuration().with_overwrites(**_LIMITS, stream_decoding_work_maximum_length=4 * _LARGEST, jbig2dec_binary=None)
    )
    try:
        document = PdfReader(io.BytesIO(data))
        if document.is_encrypted and not document.decrypt(""):
            raise Unfit("The PDF is protected by a password. Save it without one.")
        pages = len(document.pages)
        found = Collected()
        for number in range(min(pages, MOST_PAGES)):
            _paragraphs(found, document.pages[number].extract_text(), number + 1)
            if found.full:
                break
        title = str((document.metadata and document.metadata.title) or "")
    except PyPdfError as error:
        raise Unfit("The PDF is damaged or larger inside than is allowed.") from error
    if not found.blocks:
        raise Unfit("There is no text in it; it is probably scanned. Run text recognition (OCR) over it and add the result.")
    return Text(kind="pdf", title=title, blocks=found.blocks, cut=found.full or pages > MOST_PAGES)


def _paragraphs(found: Collected, text: str, page: int) -> None:
    lines = [line.strip() for line in text.splitlines()]
    usual = sorted(map(len, lines))[len(lines) * 3 // 4] if lines else 0
    paragraph: list[str] = []
    for n, line in enumerate(lines):
        following = lines[n + 1] if n + 1 < len(lines) else ""
        if _heading(line, following) and (not paragraph or _ended(paragraph[-1], usual)):
            found.add(_joined(paragraph), 0, page)
            found.add(line, 2, page)
            paragraph = []
            continue
        if paragraph and (not line or _LIST.match(line) or _ended(paragraph[-1], usual)):
            found.add(_joined(paragraph), 0, page)
            paragraph = []
        paragraph += [line] if line else []
    found.add(_joined(paragraph), 0, page)


def _heading(line: str, following: str) -> bool:
    """A short line that begins like a title, does not end like a sentence, and stands over a longer one."""
    words = line.split()
    titled = line[:1].isupper() or line[:1].isdigit()
    return 0 < len(words) <= 8 and len(line) <= 60 and titled and not _ENDS.search(line) and "," not in line and len(following) > len(line)


def _ended(line: str, usual: int) -> bool:
    return bool(_ENDS.search(line)) and len(line) < 0.9 * usual


def _joined(lines: list[str]) -> str:
    """One text; a word that was divided at the end of a line is whole again."""
    return re.sub(r"(?<=\w)-\n(?=[a-zß-ÿ])", "", "\n".join(lines)).replace("\n", " ")

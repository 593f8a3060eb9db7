"""What a file is, by its bytes. What it is called, and what somebody declared it to be, does not count."""

import io
import re
import zipfile

from dragoman.agents.knowledge.text import Kind, Unfit

# The part that makes a ZIP archive a document of this kind.
_OFFICE: dict[str, Kind] = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx", "ppt/presentation.xml": "pptx"}

_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "It is an old Office file, or one with a password. Save it as DOCX, XLSX or PPTX without a password."),
    (b"{\\rtf", "It is an RTF file. Save it as DOCX or PDF."),
    (b"\x89PNG", "It is an image, and images are not read. Run text recognition over it first."),
    (b"\xff\xd8\xff", "It is an image, and images are not read. Run text recognition over it first."),
    (b"GIF8", "It is an image, and images are not read. Run text recognition over it first."),
    (b"\x1f\x8b", "It is a packed archive. Unpack it and add the files in it."),
    (b"7z\xbc\xaf", "It is a packed archive. Unpack it and add the files in it."),
    (b"Rar!", "It is a packed archive. Unpack it and add the files in it."),
    (b"MZ", "It is a program, not a document."),
    (b"\x7fELF", "It is a program, not a document."),
)
DAMAGED = "The file is damaged: it cannot be unpacked."
SUPPORTED = "Readable are PDF, DOCX, XLSX, PPTX, HTML, Markdown, text and CSV."

_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_MARKUP = re.compile(rb"\s*<(?:\?xml|!doctype|svg)\b", re.IGNORECASE)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

MOST_ENTRIES = 2000
MOST_UNPACKED = 64 * 1024 * 1024
MOST_RATIO = 100
SMALL = 1024 * 1024  # below that, an entry may be packed as tightly as it likes


def refuse_early(head: bytes) -> None:
    """Raises Unfit for what can be told from the first bytes: for the one who sends a file, before it is stored."""
    if not head.strip():
        raise Unfit("The file is empty.")
    for magic, why in _REFUSED:
        if head.startswith(magic):
            raise Unfit(f"{why} {SUPPORTED}")


def sniff(data: bytes) -> Kind:
    """The kind of a document. Raises Unfit."""
    refuse_early(data[:64])
    if data.startswith(b"PK\x03\x04"):
        return _office(data)
    if data.lstrip()[:5] == b"%PDF-":
        return "pdf"
    if data.startswith(_BOMS[1:]):
        return "text"
    if _HTML.match(data.removeprefix(_BOMS[0])[:8192]):
        return "html"
    if _MARKUP.match(data):
        raise Unfit(f"It is an XML file, and those are not read. {SUPPORTED}")
    if b"\0" in data[:65536] or not _mostly_text(data[:65536]):
        raise Unfit(f"It is not a kind of file that can be read. {SUPPORTED}")
    return "text"


def _mostly_text(data: bytes) -> bool:
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data)
    return control <= len(data) // 200


def _office(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise Unfit(DAMAGED) from error
    guard(entries)
    kinds = {kind for name, kind in _OFFICE.items() if any(entry.filename == name for entry in entries)}
    if len(kinds) != 1:
        raise Unfit(f"It is an archive and not a document. {SUPPORTED}")
    return kinds.pop()


def guard(entries: list[zipfile.ZipInfo]) -> None:
    """Raises Unfit for an archive that unpacks to far more than a document does. Nothing is unpacked here, and later never more
    than the sizes say that are checked here."""
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    swollen = any(entry.file_size > SMALL and entry.file_size > MOST_RATIO * entry.compress_size for entry in entries)
    if len(entries) > MOST_ENTRIES:
        raise Unfit(f"The file is an archive of more than {MOST_ENTRIES} parts, which no document has.")
    if unpacked > MOST_UNPACKED or swollen or (unpacked > SMALL and unpacked > MOST_RATIO * max(packed, 1)):
        raise Unfit("The file unpacks to far more than a document of its size does, so it is not read.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unfit("The file is protected by a password. Save it without one.")

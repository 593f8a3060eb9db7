"""Documents as people send them, made when a test asks for them; and some that nobody should have made."""

import io
import struct
import zipfile
import zlib

from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches


def pdf(*pages, title=""):
    """A PDF with these pages, each a list of lines; a line that begins with "# " is set larger."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects += [f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for n, lines in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * n} 0 R >>"
        )
        drawn = "".join(f"BT /F1 11 Tf 60 {780 - 16 * row} Td ({_escaped(line)}) Tj ET\n" for row, line in enumerate(lines))
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
    objects.append(f"<< /Title ({_escaped(title)}) >>")
    return raw_pdf(objects, info=len(objects))


def raw_pdf(objects, info=None, root=1):
    """A PDF of these objects, as text or bytes, numbered from 1."""
    out, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        body = content.encode("latin-1") if isinstance(content, str) else content
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    more = f" /Info {info} 0 R" if info else ""
    end = f"trailer\n<< /Size {len(objects) + 1} /Root {root} 0 R{more} >>\nstartxref\n{len(out)}\n%%EOF"
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + end.encode()


def packed_pdf(content, filters="/FlateDecode"):
    """One page whose content stream is these bytes as they are."""
    head = f"<< /Length {len(content)} /Filter {filters} >>\nstream\n".encode()
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>"
    return raw_pdf(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, head + content + b"\nendstream"]
    )


def scanned_pdf():
    picture = zlib.compress(bytes(64 * 64))
    image = b"<< /Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    image += b" /Length %d >>\nstream\n%s\nendstream" % (len(picture), picture)
    drawn = "<< /Length 30 >>\nstream\nq 595 0 0 842 0 0 cm /I Do Q\nendstream"
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /I 5 0 R >> >> /Contents 4 0 R >>"
    return raw_pdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, drawn, image])


def docx():
    document = Document()
    document.core_properties.title = "Handbook"
    document.add_heading("Opening hours", 1)
    document.add_paragraph("We are open from 7:30 to 18:00.")
    document.add_heading("Prices", 1)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ["Croissant", "2.10", "Rye loaf", "6.10"], strict=True):
        cell.text = text
    return _saved(document)


def xlsx():
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "Prices"
    for row in (["Article", "Price", "Vegan"], ["Croissant", 2.1, "no"], ["Rye loaf", 6.0, "yes"]):
        sheet.append(row)
    return _saved(workbook)


def pptx():
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Delivery"
    box = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(5), Inches(1))
    box.text_frame.text = "We bring orders of 25.00 and more."
    slide.notes_slide.notes_text_frame.text = "Mention the standing orders of offices."
    return _saved(presentation)


def archive(entries, packing=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return file.getvalue()


def with_part(document, name, content):
    """The document, with one of its parts replaced or added."""
    with zipfile.ZipFile(io.BytesIO(document)) as original:
        entries = {entry: original.read(entry) for entry in original.namelist()}
    return archive(entries | {name: content})


def lying_archive(document):
    """An archive whose list says of a part that it is small, and it is not."""
    data = bytearray(with_part(document, "word/document.xml", b" " * (80 * 1024 * 1024)))
    for place in _entries(data, b"word/document.xml"):
        struct.pack_into("<I", data, place, 1000)
    return bytes(data)


def _entries(data, name):
    """Where the unpacked size of this part stands, in the list at the end and before the part itself."""
    start = data.find(b"PK\x01\x02")
    while start >= 0:
        if data[start + 46 : start + 46 + len(name)] == name:
            yield start + 24
            yield struct.unpack_from("<I", data, start + 42)[0] + 22
        start = data.find(b"PK\x01\x02", start + 4)


def _escaped(text):
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _saved(document):
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()

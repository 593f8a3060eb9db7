"""Small files that tests make for themselves: a picture, and a voice note as WhatsApp carries it."""

import io
import struct

from PIL import Image

# One packet of Opus: 20 ms of silence, mono, full band.
SILENCE = b"\xf8\xff\xfe"
PACKETS_PER_SECOND, SAMPLES_PER_PACKET, PRE_SKIP = 50, 960, 312
FIRST, MIDDLE, LAST = 2, 0, 4


def png(colour=(200, 120, 40), size=(8, 8)):
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


def opus(seconds=1):
    """`seconds` of silence: Opus (RFC 7845) in Ogg (RFC 3533), one page for each second."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, PRE_SKIP, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 6) + b"Lumen " + struct.pack("<I", 0)
    pages = [_page(FIRST, 0, 0, [head]), _page(MIDDLE, 0, 1, [tags])]
    for second in range(1, seconds + 1):
        samples = second * PACKETS_PER_SECOND * SAMPLES_PER_PACKET
        pages.append(_page(LAST if second == seconds else MIDDLE, samples, second + 1, [SILENCE] * PACKETS_PER_SECOND))
    return b"".join(pages)


def packets(data):
    """The packets of an Ogg file whose packets all end on their page; raises AssertionError when a page is broken."""
    found = []
    while data:
        count = data[26]
        sizes, end = data[27 : 27 + count], 27 + count + sum(data[27 : 27 + count])
        blank = data[:22] + bytes(4) + data[26:end]
        assert (data[:4], struct.unpack("<I", data[22:26])[0]) == (b"OggS", checksum(blank))
        at = 27 + count
        for size in sizes:
            found.append(data[at : at + size])
            at += size
        data = data[end:]
    return found


def _page(kind, samples, number, contents):
    table = bytes(len(packet) for packet in contents)  # every packet here is shorter than 255 bytes
    head = b"OggS" + struct.pack("<BBqII", 0, kind, samples, 0x4C554D4E, number)
    rest = bytes([len(contents)]) + table + b"".join(contents)
    return head + struct.pack("<I", checksum(head + bytes(4) + rest)) + rest


def checksum(data):
    """Ogg's CRC-32: not reflected, from nought, polynomial 04c11db7."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc

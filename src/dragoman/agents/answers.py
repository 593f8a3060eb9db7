"""What an agent's answer means: the body of its webhook's response, or of a post to the reply callback. The same rules for both.

The first line that fits decides.

    The body                                                        becomes
     1  empty, only white space, or null                            silence
     2  more than 256 KB, or than 12,000 signs of markup            refused
        and line breaks
     3  JSON: declared so, or text that parses as an object,        its value, by the lines below
        a string, or an array of objects and strings
     4  declared as JSON and begun like it ({, [ or "), but broken   refused; so is text that begins with { and declares nothing
     5  an HTML page, declared as one or begun like one             refused: error pages are not for customers
     6  another declared type, such as a picture                    refused
     7  any other text                                              that text

    The JSON value
     8  a string                                                    that text
     9  an array of at most 10 objects and strings                  each of them, sent in order; one wrong item refuses all
    10  a number, true or false; an array in an array               refused
    11  {"unified": {text, footer, media, buttons}}                 one message with buttons, see below
    12  {…, "buttons" | "footer" | "media": …}                      the same, when they stand beside the text
    13  {"content": "…"}                                            that text; else the first of message, text, reply,
                                                                    response, output, answer, caption that holds any
    14  {"image" | "video" | "audio" | "document": …}               that file: an address, or {url, caption, filename}
    15  {"contact": {name, phone_number}}                           a contact card
    16  {"location": {latitude, longitude, name, address}}          a place
    17  {"type": "image", "url": …} and the like                    as {"image": {"url": …}}
    18  an object with none of these keys, or with "error" set      refused
        and no "content"

    Text
    19  "No CUSTOMER message reply"                                 silence (so is n8n's "Workflow was started")
    20  anything else                                               Markdown becomes WhatsApp markup; long text is split

    Together in one object
    21  text and an image, a video or a document                    the text is the caption, or follows if it has over 1024 characters
    22  text and anything else                                      the text first, then files, contact, location

    unified
    23  1 to 3 buttons                                              reply buttons under the text; media above them
    24  4 to 10 buttons                                             a list; media before it
    25  one button with a url                                       a link button
    26  no buttons                                                  the media with the text as caption, or the text

"Refused" is `Unrecognised`: nothing of it is sent to anybody; the reason, the field and the first 2 KB are kept.
Of a key that stands twice in an object the last one counts. Half a surrogate pair and U+0000 are replaced or dropped.
"""

import json
import re
from typing import NoReturn

import msgspec

from dragoman.agents.shapes import contents_of
from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import Outgoing

HEAD = 2048  # characters kept of an answer that was not understood


class Replies(msgspec.Struct, frozen=True):
    contents: list[Outgoing]


class Silence(msgspec.Struct, frozen=True):
    """The agent has nothing to say to the customer."""


class Unrecognised(msgspec.Struct, frozen=True):
    """`field` is a path into the answer, such as `unified.buttons[0].text`, when one part of it is to blame."""

    reason: str
    head: str
    field: str | None = None


Answer = Replies | Silence | Unrecognised

_HTML = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_UNFIT = re.compile("[\0\ud800-\udfff]")
_OPENINGS = ("{", "[", '"')
_SILENCE = Silence()


def read(body: bytes, content_type: str | None) -> Answer:
    """`body` of a 2xx response or a callback post. Never raises, whatever the bytes."""
    try:
        value = _value(body, (content_type or "").partition(";")[0].strip().lower(), content_type or "")
        contents = contents_of(value)
    except Invalid as wrong:
        return Unrecognised(wrong.message, head(body), wrong.field)
    return Replies(contents) if contents else _SILENCE


def head(body: bytes) -> str:
    """The beginning of an answer as text that can be stored and shown."""
    return _UNFIT.sub("", body[: 4 * HEAD].decode("utf-8", "replace"))[:HEAD]


def _value(body: bytes, kind: str, content_type: str) -> object:
    """The JSON value of an answer, or its text as a string; None for nothing."""
    if len(body) > limits.ANSWER_BYTES:
        _refuse(f"the answer has {len(body):,} bytes; at most {limits.ANSWER_BYTES:,} are read")
    is_json = kind == "application/json" or kind.endswith(("/json", "+json"))
    if is_json and (found := _fast(body)) is not None:
        return found
    text = _text(body, kind, content_type)
    if text in ("", "null"):
        return None
    if is_json or text.startswith(_OPENINGS):
        found = _parse(text)
        if is_json and not isinstance(found, _Broken):
            return found
        if _is_json_by_itself(found):
            return found
        if isinstance(found, _Broken) and ((is_json and text.startswith(_OPENINGS)) or (kind in _UNDECLARED and text[0] == "{")):
            _refuse(f"the answer looks like JSON but cannot be read: {found.why}")
    if _HTML.match(text) or "html" in kind:
        _refuse("the answer is an HTML page, which is never sent to a customer; answer with JSON or with text/plain")
    if not (is_json or kind in _UNDECLARED or kind.startswith("text/")):
        _refuse(f"the answer has the content type {kind[:100]}; answer with JSON or with text/plain")
    return text


_UNDECLARED = ("", "application/octet-stream")
_decode = msgspec.json.Decoder().decode


def _fast(body: bytes) -> object:
    """An object or a text in well-formed JSON, which is nearly every answer; None for all that needs a closer look."""
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        return None


def _text(body: bytes, kind: str, content_type: str) -> str:
    try:
        return body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        if kind in _UNDECLARED:
            _refuse("the answer is not text; answer with JSON or with text/plain in UTF-8")
        western = re.search(r"iso-8859-1|latin-?1|windows-1252|cp1252", content_type, re.IGNORECASE)
        return body.decode("cp1252" if western else "utf-8", "replace").strip()


class _Broken(msgspec.Struct, frozen=True):
    why: str


def _parse(text: str) -> object:
    """The JSON value, or why there is none. The standard parser is asked about halves of surrogate pairs, which
    JavaScript programs write when they cut a text inside an emoji, and which msgspec does not take."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    if "\\ud" in text or "\\uD" in text:
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            pass
    return _Broken(why)


def _is_json_by_itself(value: object) -> bool:
    """Undeclared text is JSON when nobody would say it like this to a customer; "[1]" or "5" he might."""
    if isinstance(value, list):
        return not value or any(isinstance(item, dict | str) for item in value)
    return isinstance(value, dict | str)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(reason: str) -> NoReturn:
    raise Invalid(reason)

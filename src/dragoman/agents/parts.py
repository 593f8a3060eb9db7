"""The parts an answer is made of, each read from JSON, cleaned and checked: text, file, contact, place.

Every function takes `at`, the path of its value in the answer ("[2].image"), and raises Invalid that names it.
"""

import re
from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import msgspec

from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import ContactCard, Location, Media, MediaKind, Outgoing, Text
from dragoman.whatsapp.markup import from_markdown
from dragoman.whatsapp.messages import check, kind_of, split

Json = dict[str, object]

TEXTS = ("content", "message", "text", "reply", "response", "output", "answer", "caption")
SILENT = ("no customer message reply", "workflow was started")
LONGEST = limits.ANSWER_ITEMS * limits.TEXT_BODY

_UNFIT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef]")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_ODD = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef]")


def refuse(field: str, problem: str) -> NoReturn:
    raise Invalid(f"{field} {problem}" if field else problem, field=field or None)


def checked(content: Outgoing, names: Mapping[str, str]) -> list[Outgoing]:
    """`content` as messages that fit, each of them checked. `names` says what the answer calls the parts of `content`."""
    parts = split(content)
    for part in parts:
        check(part, names)
    return parts


def clean(text: str) -> str:
    """Without control characters, halves of surrogate pairs and white space around; line breaks as \\n."""
    if _ODD.search(text):
        text = _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        text = _HALF_PAIR.sub("\ufffd", text)
    return text.strip()


def words(text: str, at: str) -> str:
    """An agent's text as WhatsApp shows it; "" when it only says that there is nothing to say."""
    text = clean(text)
    if len(text) < 40 and text.rstrip(".!").casefold() in SILENT:
        return ""
    if len(text) > LONGEST:
        refuse(at or "the text", f"is {len(text)} characters; at most {LONGEST} can be sent, as {limits.ANSWER_ITEMS} messages")
    return from_markdown(text).strip()


def say(text: str, at: str) -> list[Outgoing]:
    """`text` (as made by `words`) as one or more messages."""
    if not text:
        return []
    return checked(Text(body=text, preview_url="://" in text and ("http://" in text or "https://" in text)), {"text.body": at or "text"})


def words_of(value: Json, keys: tuple[str, ...], at: str) -> str:
    """The first text among `keys`, as `words`."""
    for key in keys:
        found = value.get(key)
        if isinstance(found, dict):
            found = found.get("body") or found.get("text") or found.get("content")
        if found is None or found == "":
            continue
        if not isinstance(found, str):
            refuse(f"{at}{key}", f"is {named(found)}; it must be text")
        return words(found, f"{at}{key}")
    return ""


def file(kind: MediaKind, value: object, at: str) -> tuple[Media, dict[str, str]]:
    """A file, and what the answer calls its parts. `value` is an address or {url | link, caption, filename, voice}."""
    if isinstance(value, str):
        return _file(kind, value, {}, at), {f"{kind}.{part}": at for part in ("url", "filename")}
    if not isinstance(value, dict):
        refuse(at, f"is {named(value)}; it must be an address or an object with url")
    key = "link" if value.get("link") and not value.get("url") else "url"
    url = value.get(key)
    if not isinstance(url, str):
        refuse(f"{at}.url", "is missing; give the public address of the file")
    return _file(kind, url, value, at), {f"{kind}.{part}": f"{at}.{part.replace('url', key)}" for part in ("url", "caption", "filename")}


def captioned(media: Media, text: str) -> Media:
    return msgspec.structs.replace(media, caption=text) if text else media


def _file(kind: MediaKind, url: str, value: Json, at: str) -> Media:
    caption, filename = value.get("caption"), value.get("filename")
    url = clean(url)
    if kind == "document" and not filename:
        filename = _name_in(url)
    return Media(
        kind=kind,
        url=url,
        caption=words(caption, f"{at}.caption") or None if isinstance(caption, str) else None,
        filename=clean(filename) or None if isinstance(filename, str) else None,
        voice=value.get("voice") is True and kind == "audio",
    )


def _name_in(url: str) -> str | None:
    """A document without a name of its own shows the one in its address."""
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return None
    return name if kind_of(url) and len(name) <= limits.FILENAME else None


def contact(value: object, at: str) -> list[Outgoing]:
    if not isinstance(value, dict):
        refuse(at, f"is {named(value)}; it must be an object with name and phone_number")
    name = value.get("name")
    phone = next((value[key] for key in ("phone_number", "phone", "phoneNumber") if value.get(key)), None)
    if isinstance(phone, int) and not isinstance(phone, bool) and 0 < phone < 10**20:
        phone = str(phone)
    if not isinstance(name, str) or not isinstance(phone, str):
        refuse(f"{at}.{'phone_number' if isinstance(name, str) else 'name'}", "is missing; a contact needs name and phone_number")
    card = ContactCard(name=clean(name), phone_number=clean(phone))
    return checked(card, {"contact.name": f"{at}.name", "contact.phone_number": f"{at}.phone_number"})


def location(value: object, at: str) -> list[Outgoing]:
    if not isinstance(value, dict):
        refuse(at, f"is {named(value)}; it must be an object with latitude and longitude")
    name, address = value.get("name"), value.get("address")
    place = Location(
        latitude=_degrees(value, ("latitude", "lat"), at),
        longitude=_degrees(value, ("longitude", "lng", "lon"), at),
        name=clean(name) or None if isinstance(name, str) else None,
        address=clean(address) or None if isinstance(address, str) else None,
    )
    return checked(place, {f"location.{part}": f"{at}.{part}" for part in ("latitude", "longitude", "name", "address")})


def _degrees(value: Json, keys: tuple[str, ...], at: str) -> float:
    found = next((value[key] for key in keys if value.get(key) is not None), None)
    if isinstance(found, int | float | str) and not isinstance(found, bool):
        try:
            return float(found)
        except (ValueError, OverflowError):
            pass
    refuse(f"{at}.{keys[0]}", "is missing or not a number; give degrees such as 48.8566")


def named(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a number"

"""From an answer's JSON value to what is said; `agents.answers` has the table of all forms."""

from collections.abc import Iterator

from dragoman.agents import parts
from dragoman.agents.parts import TEXTS, Json, named, refuse, say, words, words_of
from dragoman.agents.unified import compose, unified
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import MediaKind, Outgoing
from dragoman.whatsapp.markup import MOST_SIGNS, signs

_FILES: tuple[MediaKind, ...] = ("image", "video", "audio", "document")
_COMPOSED = ("buttons", "footer", "media")
_PARTS = (*_FILES, "contact", "location")
_KNOWN = frozenset((*TEXTS, *_PARTS, *_COMPOSED, "unified"))


def contents_of(value: object) -> list[Outgoing]:
    """What is to be sent, in order; nothing for silence. Raises Invalid with the reason, and the field when one is to blame."""
    if sum(map(signs, _texts(value))) > MOST_SIGNS:
        refuse("", f"the answer holds more than {MOST_SIGNS:,} signs of markup and line breaks; shorten it")
    if not isinstance(value, list):
        return _item(value, "")
    if len(value) > limits.ANSWER_ITEMS:
        refuse("", f"the answer has {len(value)} items; at most {limits.ANSWER_ITEMS} are sent")
    contents: list[Outgoing] = []
    for index, item in enumerate(value):
        contents += _item(item, f"[{index}]")
        if len(contents) > limits.ANSWER_MESSAGES:
            refuse("", f"the answer makes more than {limits.ANSWER_MESSAGES} messages; shorten it")
    return contents


def _texts(value: object) -> Iterator[str]:
    """Every text in `value`, at any depth."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            left.extend(one.values() if isinstance(one, dict) else one)


def _item(value: object, at: str) -> list[Outgoing]:
    if isinstance(value, dict):
        return _object(value, at)
    if isinstance(value, str):
        return say(words(value, at), at)
    if value is not None:
        refuse(at, f'{"is" if at else "the answer is"} {named(value)}; it must be text or an object such as {{"content": "…"}}')
    return []


def _object(value: Json, at: str) -> list[Outgoing]:
    path = f"{at}." if at else ""
    value = _unfold(value)
    if _KNOWN.isdisjoint(value):
        _refuse_unknown(value, at)
    if value.get("unified") is not None:
        return unified(value["unified"], f"{path}unified")
    if value.get("error") and not value.get("content"):
        refuse(f"{path}error", "is set, so the answer was taken as an error report; put what the customer should read into content")
    text = words_of(value, TEXTS, path)
    if any(value.get(key) for key in _COMPOSED):
        return compose(value, text, at) + _places(value, path)
    return _files(value, text, path) + _places(value, path)


def _unfold(value: Json) -> Json:
    """{"type": "image", "url": …} as {"image": {"url": …}}."""
    kind = value.get("type")
    if isinstance(kind, str) and kind not in value and (kind in _PARTS or (kind == "text" and "body" in value)):
        outside = {key: part for key, part in value.items() if key != "caption"}
        return {**outside, kind: value}
    return value


def _refuse_unknown(value: Json, at: str) -> None:
    if "template" in value:
        refuse(f"{at}.template" if at else "template", "cannot be an answer; templates are sent through the API")
    said = "is an object" if at else "the answer is an object"
    refuse(at, f"{said} with none of the keys content, unified, image, video, audio, document, contact or location")


def _files(value: Json, text: str, path: str) -> list[Outgoing]:
    """The text is the caption of the first file that can have one; else it comes before them."""
    found = [parts.file(kind, value[kind], f"{path}{kind}") for kind in _FILES if value.get(kind)]
    contents: list[Outgoing] = []
    carrier = next((media for media, _ in found if media.kind != "audio" and not media.caption), None)
    if carrier is None:
        contents += say(text, f"{path}content")
    for media, names in found:
        contents += parts.checked(parts.captioned(media, text) if media is carrier else media, names)
    return contents


def _places(value: Json, path: str) -> list[Outgoing]:
    contents: list[Outgoing] = []
    if value.get("contact"):
        contents += parts.contact(value["contact"], f"{path}contact")
    if value.get("location"):
        contents += parts.location(value["location"], f"{path}location")
    return contents

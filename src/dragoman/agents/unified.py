"""The `unified` form of a message: text, footer, media and buttons in one."""

import msgspec

from dragoman.agents.parts import Json, captioned, checked, clean, file, named, refuse, say, words_of
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import Button, Buttons, Choices, LinkButton, Media, MediaKind, Outgoing, Row
from dragoman.whatsapp.messages import kind_of

LIST_BUTTON = "Choose"  # what opens a list, when the answer does not say (`listButton`)

_KINDS: tuple[MediaKind, ...] = ("image", "video", "document", "audio")
_TITLES = ("text", "title", "label")
_IDS = ("quickReplyId", "id", "payload")


class _Choice(msgspec.Struct, frozen=True):
    title: str
    id: str = ""
    url: str = ""
    description: str | None = None


def unified(value: object, at: str = "unified") -> list[Outgoing]:
    """The messages for `{text, footer, media: {url}, buttons: [{type: quick_reply | url, text, url, quickReplyId}]}`.

    Up to three replies are buttons; up to ten are a list; one `url` is a link button. Raises Invalid naming the field.
    """
    if not isinstance(value, dict):
        refuse(at, f"is {named(value)}; it must be an object with text, footer, media and buttons")
    return compose(value, words_of(value, ("text", "body", "content", "message"), f"{at}." if at else ""), at)


def compose(value: Json, text: str, at: str) -> list[Outgoing]:
    """The same with a text that was found already."""
    path = f"{at}." if at else ""
    footer = _footer(value, path)
    media = _media(value, path)
    choices = _choices(value, path)
    if not choices:
        return _without_buttons(text, footer, media, path)
    if any(choice.url for choice in choices):
        return _link(text, footer, media, choices, path)
    names = {"body": f"{path}text", "footer": f"{path}footer", "button": f"{path}listButton"}
    for part, called in (("title", "text"), ("id", "quickReplyId"), ("description", "description")):
        names[f"buttons[].{part}"] = names[f"rows[].{part}"] = f"{path}buttons[].{called}"
    if len(choices) <= limits.BUTTONS:
        first, header = _header(media, names)
        buttons = tuple(Button(choice.title, choice.id) for choice in choices)
        return first + checked(Buttons(body=text, buttons=buttons, footer=footer, header=header), names)
    first = checked(*media) if media else []
    button = value.get("listButton") or value.get("buttonText")
    label = clean(button) if isinstance(button, str) else LIST_BUTTON
    rows = tuple(Row(choice.title, choice.id, choice.description) for choice in choices)
    return first + checked(Choices(body=text, button=label, rows=rows, footer=footer), names)


Found = tuple[Media, dict[str, str]]  # a file, and what the answer calls its parts


def _without_buttons(text: str, footer: str | None, media: Found | None, path: str) -> list[Outgoing]:
    """WhatsApp has no footer there, so it becomes the last line of the text."""
    if footer and len(footer) > limits.FOOTER:
        refuse(f"{path}footer", f"is {len(footer)} characters; WhatsApp allows {limits.FOOTER}")
    text = "\n\n".join(part for part in (text, footer) if part)
    if media is None:
        return say(text, f"{path}text")
    found, names = media
    if found.caption or not text:
        return [*checked(found, names), *say(text, f"{path}text")]
    return checked(captioned(found, text), names)


def _link(text: str, footer: str | None, media: Found | None, choices: list[_Choice], path: str) -> list[Outgoing]:
    if len(choices) > 1:
        several = all(choice.url for choice in choices)
        refuse(
            f"{path}buttons", "has several links; WhatsApp allows one" if several else "mixes a link with replies; WhatsApp allows one kind"
        )
    names = {"body": f"{path}text", "footer": f"{path}footer", "title": f"{path}buttons[0].text", "url": f"{path}buttons[0].url"}
    first, header = _header(media, names)
    button = choices[0]
    return first + checked(LinkButton(body=text, title=button.title, url=button.url, footer=footer, header=header), names)


def _header(media: Found | None, names: dict[str, str]) -> tuple[list[Outgoing], Media | None]:
    """A file above buttons; sound cannot stand there, nor can a file with a caption of its own: they go first."""
    if media is None:
        return [], None
    found, called = media
    if found.kind == "audio" or found.caption:
        return checked(found, called), None
    names.update({f"header.{path.partition('.')[2]}": name for path, name in called.items()})
    return [], found


def _footer(value: Json, path: str) -> str | None:
    footer = value.get("footer")
    if footer is None:
        return None
    if not isinstance(footer, str):
        refuse(f"{path}footer", f"is {named(footer)}; it must be text")
    return clean(footer) or None


def _media(value: Json, path: str) -> Found | None:
    """`media` (or `image`, `video`, `document`, `audio`, or a bare `url`); its kind from its type, else from the address."""
    given = [kind for kind in (*_KINDS, "media") if value.get(kind)]
    if len(given) > 1:
        refuse(f"{path}{given[1]}", f"is a second file beside {given[0]}; a message with footer or buttons has one")
    for kind in _KINDS:
        if value.get(kind):
            return file(kind, value[kind], f"{path}{kind}")
    found, at = value.get("media"), f"{path}media"
    if found is None and isinstance(value.get("url"), str):
        found, at = value["url"], f"{path}url"
    if isinstance(found, list):
        if len(found) > 1:
            refuse(at, f"has {len(found)} entries; a message has one")
        found, at = (found[0], f"{at}[0]") if found else (None, at)
    return file(_kind(found), found, at) if found else None


def _kind(media: object) -> MediaKind:
    """A picture, unless something says otherwise."""
    if not isinstance(media, dict):
        return kind_of(media) or "image" if isinstance(media, str) else "image"
    declared = str(media.get("type") or media.get("mimeType") or media.get("mime_type") or "").lower()
    kind = declared.partition("/")[0]
    if kind in _KINDS:
        return kind
    if kind in ("application", "text"):
        return "document"
    url = media.get("url") or media.get("link")
    return kind_of(url) or "image" if isinstance(url, str) else "image"


def _choices(value: Json, path: str) -> list[_Choice]:
    given = value.get("buttons") or []
    if not isinstance(given, list):
        refuse(f"{path}buttons", f"is {named(given)}; it must be an array")
    if len(given) > limits.LIST_ROWS:
        refuse(f"{path}buttons", f"has {len(given)} entries; WhatsApp shows at most {limits.LIST_ROWS} choices")
    return [_choice(button, f"{path}buttons[{index}]") for index, button in enumerate(given)]


def _choice(button: object, at: str) -> _Choice:
    if isinstance(button, str):
        return _Choice(clean(button), clean(button))
    if not isinstance(button, dict):
        refuse(at, f"is {named(button)}; it must be an object with type, text and url or quickReplyId")
    inner = button.get("reply")
    return _read_choice(inner if isinstance(inner, dict) else button, at)


def _read_choice(button: Json, at: str) -> _Choice:
    title = _first(button, _TITLES)
    kind = button.get("type") or ("url" if button.get("url") else "quick_reply")
    if kind == "url":
        return _Choice(title, url=_first(button, ("url",)) or refuse(f"{at}.url", "is missing; a button of type url opens one"))
    if kind not in ("quick_reply", "reply"):
        refuse(f"{at}.type", "is not known; there are quick_reply and url")
    return _Choice(title, _first(button, _IDS) or title, description=_first(button, ("description",)) or None)


def _first(button: Json, keys: tuple[str, ...]) -> str:
    return next((clean(found) for key in keys if isinstance(found := button.get(key), str) and clean(found)), "")

"""The variables of a template, as callers of the API give them, in Meta's `components` (Cloud API, template messages)."""

import re
from collections.abc import Iterator

from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.messages import kind_of

Component = dict[str, object]

_PARTS = ("body", "header", "buttons", "cards")
_HEADER_MEDIA = ("image", "video", "document")
_UNFIT = re.compile(r"[\n\r\t\0]| {5}")


def components(variables: dict[str, object]) -> list[Component]:
    """Meta's components for `{body, header, buttons, cards}`; a part without variables is left out.

        body     list: positional {{1}}, {{2}}, …; object: named
        header   text, or the https address of an image, video or document; a list or object like body;
                 {"image": url} (or video, document) and {"location": {latitude, longitude, name, address}}
        buttons  one entry per button, in order: text is what fills the button's URL, null a button without a variable;
                 {"type": "quick_reply", "payload"} | {"type": "copy_code", "code"} | {"type": "url", "text"} | {"type": "flow", …}
        cards    a list of {body, header, buttons}, the cards of a carousel

    Raises Invalid naming the field, such as `variables.body[1]`.
    """
    return list(_components(variables, "variables", _PARTS))


def _components(variables: object, at: str, parts: tuple[str, ...]) -> Iterator[Component]:
    if not isinstance(variables, dict):
        raise _wrong(at, f"must be an object with {', '.join(parts)}")
    for name in variables:
        if name not in parts:
            raise _wrong(f"{at}.{name}", f"is not known; there are {', '.join(parts)}")
    if header := variables.get("header"):
        yield {"type": "header", "parameters": _header(header, f"{at}.header")}
    if body := variables.get("body"):
        yield {"type": "body", "parameters": _texts(body, f"{at}.body")}
    yield from _buttons(variables.get("buttons") or [], f"{at}.buttons")
    if cards := variables.get("cards"):
        yield _carousel(cards, f"{at}.cards")


def _texts(values: object, at: str) -> list[Component]:
    if isinstance(values, dict):
        return [{"type": "text", "parameter_name": str(name), "text": _text(value, f"{at}.{name}")} for name, value in values.items()]
    if isinstance(values, list):
        return [{"type": "text", "text": _text(value, f"{at}[{index}]")} for index, value in enumerate(values)]
    return [{"type": "text", "text": _text(values, at)}]


def _header(value: object, at: str) -> list[Component]:
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return [_media(_kind_of(value), value, at)]
    if isinstance(value, list) and len(value) == 1:
        return _header(value[0], f"{at}[0]")
    if isinstance(value, dict):
        if place := value.get("location"):
            return [{"type": "location", "location": place}]
        if kind := next((kind for kind in _HEADER_MEDIA if kind in value), None):
            return [_media(kind, value[kind], f"{at}.{kind}")]
        if link := value.get("url") or value.get("link"):
            return [_media(str(value.get("type") or _kind_of(str(link))), link, f"{at}.url")]
    return _texts(value, at)


def _media(kind: str, value: object, at: str) -> Component:
    if kind not in _HEADER_MEDIA:
        raise _wrong(at, f"has the type {kind}; a header takes {', '.join(_HEADER_MEDIA)}")
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            return {"type": kind, kind: value}
        value = value.get("url") or value.get("link")
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise _wrong(at, "must be a public http or https address")
    return {"type": kind, kind: {"link": value}}


def _kind_of(url: str) -> str:
    kind = kind_of(url)
    return kind if kind in _HEADER_MEDIA else "image"


def _buttons(values: object, at: str) -> Iterator[Component]:
    if not isinstance(values, list) or len(values) > limits.TEMPLATE_BUTTONS:
        raise _wrong(at, f"must be a list of at most {limits.TEMPLATE_BUTTONS}")
    for index, value in enumerate(values):
        if value is not None and value != "":
            kind, parameter = _button(value, f"{at}[{index}]")
            yield {"type": "button", "sub_type": kind, "index": str(index), "parameters": [parameter]}


def _button(value: object, at: str) -> tuple[str, Component]:
    if not isinstance(value, dict):
        return "url", {"type": "text", "text": _text(value, at)}
    kind = str(value.get("type") or "url").lower()
    match kind:
        case "url":
            return kind, {"type": "text", "text": _text(value.get("text"), f"{at}.text")}
        case "quick_reply":
            return kind, {"type": "payload", "payload": _text(value.get("payload"), f"{at}.payload")}
        case "copy_code":
            return kind, {"type": "coupon_code", "coupon_code": _text(value.get("code"), f"{at}.code")}
        case "flow":
            given = {"flow_token": value.get("flow_token"), "flow_action_data": value.get("flow_action_data")}
            return kind, {"type": "action", "action": {name: part for name, part in given.items() if part is not None}}
    raise _wrong(f"{at}.type", f"is {kind}; there are url, quick_reply, copy_code and flow")


def _carousel(cards: object, at: str) -> Component:
    if not isinstance(cards, list) or not limits.TEMPLATE_CARDS_LEAST <= len(cards) <= limits.TEMPLATE_CARDS:
        raise _wrong(at, f"must be a list of {limits.TEMPLATE_CARDS_LEAST} to {limits.TEMPLATE_CARDS} cards")
    parts = ("body", "header", "buttons")
    return {
        "type": "carousel",
        "cards": [
            {"card_index": index, "components": list(_components(card, f"{at}[{index}]", parts))} for index, card in enumerate(cards)
        ],
    }


def _text(value: object, at: str) -> str:
    """One parameter. Meta refuses line breaks, tabs and more than four spaces in a row in them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise _wrong(at, "must be a text that is not empty")
    if _UNFIT.search(value):
        raise _wrong(at, "holds a line break, a tab or more than four spaces in a row, which WhatsApp refuses in template variables")
    if len(value) > limits.TEMPLATE_PARAMETER:
        raise _wrong(at, f"is {len(value)} characters; WhatsApp allows {limits.TEMPLATE_PARAMETER}")
    return value


def _wrong(field: str, problem: str) -> Invalid:
    return Invalid(f"{field} {problem}", field=field)

"""One person's template: the campaign's, filled with what is known of the person."""

import re
from collections.abc import Mapping
from typing import Any

from dragoman.campaigns.campaign import Message, Part
from dragoman.errors import Invalid
from dragoman.whatsapp import filling, limits, messages
from dragoman.whatsapp.content import Template

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_WHERE = re.compile(r"customer\.|columns\.|variables\.")
_NAME = re.compile(r"[\w .-]+")


class Lacking(Exception):
    """The person has no value of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the customer has no value for {name}, which the template needs")


def known(row: Mapping[str, Any]) -> dict[str, str]:
    """What can be filled in for a person: own columns, then name, phone, email and tags, then what the campaign says of the person."""
    found: dict[str, Any] = dict(row["columns"] or {})
    found |= {"name": row["name"], "first_name": (row["name"] or "").split(" ")[0], "email": row["email"], "tags": ", ".join(row["tags"])}
    found |= {"phone": f"+{row['phone']}" if row["phone"] else None, "id": str(row["contact_id"])}
    found |= row["variables"] or {}
    return {name.lower(): _text(value) for name, value in found.items() if _text(value)}


def template(message: Message, values: Mapping[str, str]) -> Template:
    """Raises Lacking, and Invalid for what WhatsApp would not take."""
    header = message.header.params[0].file if message.header.params else None
    parts: dict[str, Any] = {"header": header or _filled(message.header, values), "body": _filled(message.body, values)}
    parts["buttons"] = _filled(message.buttons, values)
    shown = {name: part for name, part in parts.items() if part}
    made = filling.fill(message.name, message.language, shown, shown)
    made = Template(
        name=made.name, language=made.language, components=made.components, variables=shown, text=_said(message.text, parts["body"])
    )
    messages.check(made)
    return made


def _filled(part: Part, values: Mapping[str, str]) -> list[str]:
    texts = []
    for param in part.params:
        text: str | None = param.text
        if not part.is_static:
            text = values.get(name_of(param.text).lower()) or param.default
        if not text:
            raise Lacking(name_of(param.text))
        if len(text) > limits.TEMPLATE_PARAMETER:
            raise Invalid(f"{name_of(param.text)} has more than {limits.TEMPLATE_PARAMETER} characters")
        texts.append(text)
    return texts


def name_of(text: str) -> str:
    """`{{customer.name}}`, `columns.city`, `name`: the name alone."""
    # Step by step: one pattern with white space in five places takes minutes for a text of white space.
    name = text.strip().removeprefix("{{").removesuffix("}}").strip()
    where = _WHERE.match(name)
    name = name[where.end() :] if where and where.end() < len(name) else name
    return name if _NAME.fullmatch(name) else text


def _said(text: str, body: list[str]) -> str:
    """{{1}}, {{2}} by number; other names stay as they are."""
    numbered = {str(n): value for n, value in enumerate(body, 1)}
    return _PLACE.sub(lambda place: numbered.get(place[1], place[0]), text)


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return "" if not isinstance(value, bool) else str(value).lower()
    return " ".join(str(value).split())  # WhatsApp takes no line breaks, tabs or runs of spaces in a parameter

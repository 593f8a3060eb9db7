"""Filling in a template: from the values that a caller gives to Meta's `components`, and whether they are as many as it needs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dragoman.whatsapp.content import Template

Component = dict[str, object]
Texts = Sequence[str] | Mapping[str, str]

FILES = ("image", "video", "document")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def fill(name: str, language: str, variables: Mapping[str, Any], shown: dict[str, object]) -> Template:
    """`variables` has body (texts by number or name), header (texts, or one file), buttons (one text a link), cards.

    `shown` is what is kept to show of them.
    """
    components = [*header(variables.get("header")), *body(variables.get("body") or []), *buttons(variables.get("buttons") or [])]
    if cards := variables.get("cards"):
        components.append({"type": "carousel", "cards": [_card(index, card) for index, card in enumerate(cards)]})
    return Template(name=name, language=language, components=components, variables=shown)


def header(value: Any) -> list[Component]:
    if not value:
        return []
    if isinstance(value, Mapping):
        [(kind, file), *others] = value.items()
        if kind in FILES and not others:
            return [{"type": "header", "parameters": [{"type": kind, kind: {"link": file} if isinstance(file, str) else file}]}]
    return [{"type": "header", "parameters": _values([value] if isinstance(value, str) else value)}]


def body(values: Texts) -> list[Component]:
    return [{"type": "body", "parameters": _values(values)}] if values else []


def buttons(values: Iterable[str]) -> list[Component]:
    return [
        {"type": "button", "sub_type": "url", "index": str(index), "parameters": _values([value])} for index, value in enumerate(values)
    ]


def _card(index: int, card: Mapping[str, Any]) -> Component:
    top = header({"image": card["header"]}) if card.get("header") else []
    return {"card_index": index, "components": [*top, *body(card.get("body") or []), *buttons(card.get("buttons") or [])]}


def _values(values: Texts) -> list[Component]:
    if isinstance(values, Mapping):
        return [{"type": "text", "parameter_name": name, "text": value} for name, value in values.items()]
    return [{"type": "text", "text": value} for value in values]


def misfit(components: Iterable[Mapping[str, Any]], variables: Mapping[str, Any]) -> tuple[str, str] | None:
    """How `variables` differ from what a template (its `components` as Meta lists them) needs: the field, and what is wrong."""
    for component in components:
        kind = str(component.get("type", "")).lower()
        if kind in ("body", "header"):
            needed = list(dict.fromkeys(_PLACE.findall(str(component.get("text") or ""))))
            given = variables.get(kind) or []
            count = 1 if isinstance(given, str) else len(given)
            if component.get("format", "TEXT") == "TEXT" and count != len(needed):
                return kind, f"the template's {kind} needs {len(needed)} variables ({', '.join(needed) or 'none'}), and {count} were given"
        elif kind == "buttons":
            links = [button for button in component.get("buttons") or [] if _PLACE.search(str(button.get("url") or ""))]
            if len(variables.get("buttons") or []) != len(links):
                return "buttons", f"the template's links need {len(links)} variables, and {len(variables.get('buttons') or [])} were given"
    return None

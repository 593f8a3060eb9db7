"""Message templates: what a send must match, and how it looks with its parameters filled in."""

import re
from dataclasses import dataclass, field

from dragoman.sandbox.failures import GraphError
from dragoman.sandbox.world import Json, Template, World

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
MEDIA_HEADERS = ("IMAGE", "VIDEO", "DOCUMENT")
LARGEST_BODY = 1024


@dataclass(slots=True)
class LookButton:
    id: str
    title: str
    url: str | None = None


@dataclass(slots=True)
class Look:
    body: str = ""
    header: str | None = None
    footer: str | None = None
    media_kind: str | None = None
    buttons: list[LookButton] = field(default_factory=list)


def match(world: World, waba_id: str, content: Json) -> Template:
    """The approved template a send asks for, its parameters checked against the template's variables."""
    name, language = str(content["name"]), str(_dict(content, "language").get("code", ""))
    template = world.templates.get((waba_id, name, language))
    if template is None or template.status not in ("APPROVED", "PAUSED", "DISABLED"):
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    if template.status == "PAUSED":
        raise GraphError(132015, f"template {name} is paused because of low quality")
    if template.status == "DISABLED":
        raise GraphError(132016, f"template {name} is disabled because of low quality")
    for component in template.components:
        _check_component(template, component, content)
    if len(rendered(template, content).body) > LARGEST_BODY:
        raise GraphError(132005, f"the body of template {name} with its parameters has more than {LARGEST_BODY} characters")
    return template


def rendered(template: Template, content: Json) -> Look:
    look = Look()
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        text = str(component.get("text", ""))
        values = _values(content, kind.lower())
        if kind == "BODY":
            look.body = _fill(text, values)
        elif kind == "HEADER" and component.get("format", "TEXT") == "TEXT":
            look.header = _fill(text, values)
        elif kind == "HEADER" and component.get("format") in MEDIA_HEADERS:
            look.media_kind = str(component["format"]).lower()
        elif kind == "FOOTER":
            look.footer = text or None
        elif kind == "BUTTONS":
            look.buttons = [_button(index, button, content) for index, button in enumerate(_list(component, "buttons"))]
    return look


def variables(text: str) -> list[str]:
    return list(dict.fromkeys(VARIABLE.findall(text)))


def _check_component(template: Template, component: Json, content: Json) -> None:
    kind = str(component.get("type", "")).upper()
    if kind == "HEADER" and component.get("format") in MEDIA_HEADERS:
        want = str(component["format"]).lower()
        parameters = [p for sent in _sent(content, "header") for p in _list(sent, "parameters")]
        if [p.get("type") for p in parameters] != [want]:
            raise GraphError(
                132012,
                f"header: Format mismatch, expected {want.upper()}, received {parameters[0].get('type') if parameters else 'UNKNOWN'}",
            )
    elif kind in ("HEADER", "BODY"):
        _check_text(template, kind.lower(), str(component.get("text", "")), content)
    elif kind == "BUTTONS":
        for index, button in enumerate(_list(component, "buttons")):
            variable = button.get("type") == "OTP" or (button.get("type") == "URL" and variables(str(button.get("url", ""))))
            if variable and len(_button_parameters(content, index)) != 1:
                raise GraphError(131008, f"buttons: Button at index {index} of type Url requires a parameter")


def _check_text(template: Template, part: str, text: str, content: Json) -> None:
    want, values = variables(text), _values(content, part)
    if len(values) != len(want):
        raise GraphError(
            132000, f"{part}: number of localizable_params ({len(values)}) does not match the expected number of params ({len(want)})"
        )
    if template.parameter_format == "NAMED" and set(values) != set(want):
        raise GraphError(132012, f"{part}: parameter_name must be one of {', '.join(want)}")
    for value in values.values():
        if "\n" in value or "\t" in value or "     " in value:
            raise GraphError(132018, f"{part}: Param text cannot have new-line/tab characters or more than 4 consecutive spaces")


def _sent(content: Json, part: str) -> list[Json]:
    return [c for c in _list(content, "components") if str(c.get("type", "")).lower() == part]


def _values(content: Json, part: str) -> dict[str, str]:
    """Parameters of a part by name, or by position counted from 1."""
    parameters = [p for sent in _sent(content, part) for p in _list(sent, "parameters")]
    return {
        str(p.get("parameter_name") or place): _text(p)
        for place, p in enumerate(parameters, 1)
        if p.get("type", "text") in ("text", "currency", "date_time")
    }


def _text(parameter: Json) -> str:
    kind = str(parameter.get("type", "text"))
    return str(parameter.get("text", "")) if kind == "text" else str(_dict(parameter, kind).get("fallback_value", ""))


def _fill(text: str, values: dict[str, str]) -> str:
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def _button_parameters(content: Json, index: int) -> list[Json]:
    return [p for sent in _sent(content, "button") if str(sent.get("index")) == str(index) for p in _list(sent, "parameters")]


def _button(index: int, button: Json, content: Json) -> LookButton:
    kind, title = str(button.get("type", "")), str(button.get("text", ""))
    given = _button_parameters(content, index)
    if kind == "QUICK_REPLY":
        payload = str(given[0].get("payload", title)) if given else title
        return LookButton(payload, title)
    if kind == "URL":
        return LookButton("", title, VARIABLE.sub(str(given[0].get("text", "")) if given else "", str(button.get("url", ""))))
    if kind == "PHONE_NUMBER":
        return LookButton("", title, f"tel:{button.get('phone_number', '')}")
    return LookButton("", title or "Copy code", "")


def _dict(holder: Json, key: str) -> Json:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _list(holder: Json, key: str) -> list[Json]:
    value = holder.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

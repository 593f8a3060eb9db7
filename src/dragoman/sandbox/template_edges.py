"""Templates of an account: made, listed, edited and deleted; a new one is pending, then approved a moment later."""

import re
from functools import partial

from dragoman.sandbox.answers import answer, chosen, paged
from dragoman.sandbox.checking import items, words
from dragoman.sandbox.failures import GraphError, no_such_object
from dragoman.sandbox.graph import Answer, Call
from dragoman.sandbox.starting import keep_template, tell_status
from dragoman.sandbox.world import Json, Template, Waba

REVIEW_SECONDS = 5
NAME = re.compile(r"[a-z0-9_]{1,512}")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
EDGE_VARIABLE = re.compile(r"^\s*\{\{[^}]*\}\}|\{\{[^}]*\}\}\s*$")
SHOWN = ("name", "language", "status", "category", "components", "parameter_format", "quality_score", "rejected_reason")


async def create(call: Call) -> Answer:
    """Approved after five seconds of the clock, with a message_template_status_update webhook."""
    waba, body = call.waba(call.parts[0]), call.json()
    name, language = words(body, "name", "", 512, code=100), words(body, "language", "", 20, code=100)
    if not NAME.fullmatch(name):
        raise GraphError(100, "Param name can have lower-case letters, digits and underscores only.")
    if (waba.id, name, language) in call.box.world.templates:
        raise GraphError(100, f"Content in this language already exists: {name} in {language}.", subcode=2388024)
    components = check_components(body)
    template = Template(call.box.world.decimal_id(), waba.id, name, language, _category(body), components, "PENDING")
    template.parameter_format = "NAMED" if str(body.get("parameter_format")).upper() == "NAMED" else "POSITIONAL"
    keep_template(call.box, template)
    call.box.timers.after(REVIEW_SECONDS, partial(_approve, call, template))
    return answer({"id": template.id, "status": template.status, "category": template.category})


async def listing(call: Call) -> Answer:
    waba = call.waba(call.parts[0])
    nodes = []
    for template in call.box.world.templates.values():
        node = _node(template)
        wanted = all(
            call.query[key].lower() == str(node[key]).lower() for key in ("name", "language", "status", "category") if key in call.query
        )
        if template.waba_id == waba.id and wanted:
            nodes.append(chosen(call, node, SHOWN))
    return paged(call, nodes)


async def show(call: Call) -> Answer:
    return answer(chosen(call, _node(_template(call)), SHOWN))


async def edit(call: Call) -> Answer:
    """Replaces all components (Meta); an edited template is reviewed again."""
    template, body = _template(call), call.json()
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise GraphError(100, f"A template that is {template.status} cannot be edited.")
    if "category" in body and template.status == "APPROVED" and body["category"] != template.category:
        raise GraphError(100, "The category of an approved template cannot be changed.")
    if "components" in body:
        template.components = check_components(body)
    template.status = "PENDING"
    call.box.timers.after(REVIEW_SECONDS, partial(_approve, call, template))
    call.box.saver.touch()
    return Answer()


async def unpause(call: Call) -> Answer:
    template = _template(call)
    if template.status != "PAUSED":
        raise GraphError(100, f"The template is {template.status}, not PAUSED.")
    template.status = "APPROVED"
    tell_status(call.box, template)
    return Answer()


async def delete(call: Call) -> Answer:
    """By name all languages; with hsm_id only that one."""
    waba, name, only = call.waba(call.parts[0]), call.query.get("name"), call.query.get("hsm_id")
    gone = _named(call, waba, name, only)
    if not gone:
        raise GraphError(100, f"There is no template {name or only} in this account.", subcode=2593002)
    for template in gone:
        call.box.world.state.templates.pop(template.id, None)
        call.box.world.templates.pop((waba.id, template.name, template.language), None)
    call.box.saver.touch()
    return Answer()


def check_components(body: Json) -> list[Json]:
    """Meta: BODY needed (authentication: fixed text), header and footer 60, body 1024, ten buttons, no variable at an end."""
    components = items(body, "components", "", most=10)
    kinds = [str(component.get("type", "")).upper() for component in components]
    if "BODY" not in kinds and "CAROUSEL" not in kinds:
        raise GraphError(100, "A template needs a BODY component.")
    for kind, component in zip(kinds, components, strict=True):
        if kind == "BODY" and "add_security_recommendation" not in component:
            text = words(component, "text", "BODY.", 1024, code=100)
            if EDGE_VARIABLE.search(text):
                raise GraphError(100, "Variables can't be at the start or end of the template.", subcode=2388299)
        elif (kind == "HEADER" and component.get("format", "TEXT") == "TEXT") or (kind == "FOOTER" and "text" in component):
            words(component, "text", f"{kind}.", 60, code=100)
        elif kind == "BUTTONS":
            for button in items(component, "buttons", "BUTTONS.", most=10):
                words(button, "text", "BUTTONS.buttons[].", 25, code=100, optional=True)
    return components


def _category(body: Json) -> str:
    category = str(body.get("category") or "").upper()
    if category not in CATEGORIES:
        raise GraphError(100, f"Param category must be one of {{{', '.join(CATEGORIES)}}}.")
    return category


def _approve(call: Call, template: Template) -> None:
    if template.status == "PENDING" and template.id in call.box.world.state.templates:
        template.status = "APPROVED"
        tell_status(call.box, template)


def _template(call: Call) -> Template:
    token = call.token()
    template = call.box.world.state.templates.get(call.parts[0])
    if template is None or template.waba_id not in token.wabas:
        raise no_such_object(call.parts[0])
    return template


def _named(call: Call, waba: Waba, name: str | None, only: str | None) -> list[Template]:
    return [
        template
        for template in list(call.box.world.templates.values())
        if template.waba_id == waba.id
        and (name is None or template.name == name)
        and (only is None or template.id == only)
        and (name or only)
    ]


def _node(template: Template) -> Json:
    return {
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "components": template.components,
        "parameter_format": template.parameter_format,
        "quality_score": {"score": template.quality, "date": 0},
        "rejected_reason": "NONE",
    }

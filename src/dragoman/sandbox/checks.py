"""What Meta checks in a send before it answers: a table of small functions by message type.

Codes as Meta gives them: 100 for a malformed envelope or text, 131008 for something missing, 131009 for a value that
is too long, too many or not one of the allowed, 131051 for a type that does not exist.
"""

from collections.abc import Callable

from dragoman.sandbox.checking import items, media, obj, words
from dragoman.sandbox.failures import GraphError
from dragoman.sandbox.interactive import check_interactive
from dragoman.sandbox.world import Json
from dragoman.whatsapp import limits

MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")


def check_envelope(body: Json) -> str:
    """The message's type, when everything around its content is right."""
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "The parameter messaging_product is required and must be 'whatsapp'.")
    if body.get("recipient_type", "individual") == "group":
        raise GraphError(131041, "The sandbox has no groups.")
    if body.get("recipient_type", "individual") != "individual":
        raise GraphError(100, "Param recipient_type must be one of {INDIVIDUAL, GROUP}.")
    if not body.get("to") and not body.get("recipient"):
        raise GraphError(100, "The parameter to is required.")
    opaque = body.get("biz_opaque_callback_data")
    if opaque is not None and (not isinstance(opaque, str) or len(opaque) > limits.OPAQUE):
        raise GraphError(100, f"Param biz_opaque_callback_data must be a string of at most {limits.OPAQUE} characters.")
    kind = body.get("type", "text")
    if not isinstance(kind, str) or kind not in CONTENT:
        raise GraphError(131051, f"Message type {str(kind)[:40]!r} is not supported; it must be one of {', '.join(sorted(CONTENT))}.")
    if "context" in body and (kind == "reaction" or not isinstance(obj(body, "context").get("message_id"), str)):
        raise GraphError(100, "Param context must have a message_id, and is not allowed with reactions.")
    return kind


def check_content(kind: str, body: Json) -> Json:
    """The checked object under the key named by the type (for contacts the whole body, whose content is a list)."""
    if kind == "contacts":
        _contacts(body)
        return body
    content = obj(body, kind)
    CONTENT[kind](content)
    return content


def _text(content: Json) -> None:
    words(content, "body", "text.", limits.TEXT_BODY, code=100)
    if not isinstance(content.get("preview_url", False), bool):
        raise GraphError(100, "Param text.preview_url must be a boolean.")


def _location(content: Json) -> None:
    for key, largest in (("latitude", 90), ("longitude", 180)):
        try:
            value = float(str(content[key]))
        except KeyError:
            raise GraphError(131008, f"The parameter location.{key} is required.") from None
        except ValueError:
            raise GraphError(131009, f"Param location.{key} must be a number.") from None
        if not -largest <= value <= largest:
            raise GraphError(131009, f"Param location.{key} must be between -{largest} and {largest}.")
    words(content, "name", "location.", 1000, optional=True)
    words(content, "address", "location.", 1000, optional=True)


def _contacts(body: Json) -> None:
    for place, card in enumerate(items(body, "contacts", "", most=limits.CONTACTS)):
        name = obj(card, "name", f"contacts[{place}].")
        words(name, "formatted_name", f"contacts[{place}].name.", 1000)
        if not any(name.get(part) for part in ("first_name", "last_name", "middle_name", "suffix", "prefix")):
            raise GraphError(131009, f"contacts[{place}].name needs formatted_name and at least one other part of the name.")
        for phone in items(card, "phones", f"contacts[{place}].", least=0, most=100) if "phones" in card else []:
            words(phone, "phone", f"contacts[{place}].phones[].", 100, optional=True)


def _reaction(content: Json) -> None:
    words(content, "message_id", "reaction.", 1000)
    if not isinstance(content.get("emoji"), str):
        raise GraphError(131008, 'The parameter reaction.emoji is required; "" takes the reaction back.')


def _template(content: Json) -> None:
    words(content, "name", "template.", limits.TEMPLATE_NAME)
    words(obj(content, "language", "template."), "code", "template.language.", 20)
    if content.get("components") is not None:
        for component in items(content, "components", "template.", least=0, most=20):
            if component.get("parameters") is not None:
                for parameter in items(component, "parameters", "template.components[].", least=0, most=100):
                    _template_file(parameter)


def _template_file(parameter: Json) -> None:
    kind = parameter.get("type")
    if isinstance(kind, str) and kind in MEDIA_KINDS:
        media(obj(parameter, kind, "template.components[].parameters[]."), f"parameters[].{kind}", filename=kind == "document")


CONTENT: dict[str, Callable[[Json], None]] = {
    "text": _text,
    "image": lambda content: media(content, "image", caption=True),
    "video": lambda content: media(content, "video", caption=True),
    "audio": lambda content: media(content, "audio"),
    "document": lambda content: media(content, "document", caption=True, filename=True),
    "sticker": lambda content: media(content, "sticker"),
    "location": _location,
    "contacts": lambda content: None,
    "reaction": _reaction,
    "interactive": check_interactive,
    "template": _template,
}

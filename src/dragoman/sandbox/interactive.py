"""What Meta checks in an interactive message, by its kind."""

from collections.abc import Callable

from dragoman.sandbox.checking import items, media, obj, web_address, words
from dragoman.sandbox.failures import GraphError
from dragoman.sandbox.world import Json
from dragoman.whatsapp import limits

HEADER_MEDIA = ("image", "video", "document")
MOST_PRODUCTS = 30


def check_interactive(content: Json) -> None:
    kind = content.get("type")
    if kind is None:
        raise GraphError(131008, "The parameter interactive.type is required.")
    if not isinstance(kind, str) or kind not in KINDS:
        raise GraphError(131009, f"Param interactive.type must be one of {', '.join(sorted(KINDS))}.")
    if content.get("footer") is not None:
        words(obj(content, "footer", "interactive."), "text", "interactive.footer.", limits.FOOTER)
    KINDS[kind](content)


def _body(content: Json, largest: int = limits.INTERACTIVE_BODY, *, optional: bool = False) -> None:
    if content.get("body") is not None or not optional:
        words(obj(content, "body", "interactive."), "text", "interactive.body.", largest)


def _header(content: Json, *, text_only: bool = False, needed: bool = False) -> None:
    if content.get("header") is None and not needed:
        return
    header = obj(content, "header", "interactive.")
    kind = header.get("type")
    if kind == "text":
        words(header, "text", "interactive.header.", limits.HEADER_TEXT)
    elif kind in HEADER_MEDIA and not text_only:
        media(obj(header, str(kind), "interactive.header."), f"interactive.header.{kind}", filename=kind == "document")
    else:
        raise GraphError(131009, f"Param interactive.header.type must be {'text' if text_only else 'text, image, video or document'}.")


def _buttons(content: Json) -> None:
    _body(content)
    _header(content)
    action = obj(content, "action", "interactive.")
    ids, titles = [], []
    for button in items(action, "buttons", "interactive.action.", most=limits.BUTTONS):
        if button.get("type", "reply") != "reply":
            raise GraphError(131009, "Param interactive.action.buttons[].type must be reply.")
        reply = obj(button, "reply", "interactive.action.buttons[].")
        ids.append(words(reply, "id", "interactive.action.buttons[].reply.", limits.BUTTON_ID))
        titles.append(words(reply, "title", "interactive.action.buttons[].reply.", limits.BUTTON_TITLE))
    if len(set(ids)) < len(ids) or len(set(titles)) < len(titles):
        raise GraphError(131009, "The ids and the titles of interactive.action.buttons must be unique.")
    if any(text != text.strip() for text in ids + titles):
        raise GraphError(131009, "An id or title of interactive.action.buttons begins or ends with a space.")


def _list(content: Json) -> None:
    _body(content, limits.LIST_BODY)
    _header(content, text_only=True)
    action = obj(content, "action", "interactive.")
    words(action, "button", "interactive.action.", limits.LIST_BUTTON)
    sections = items(action, "sections", "interactive.action.", most=limits.LIST_SECTIONS)
    ids = []
    for section in sections:
        words(section, "title", "interactive.action.sections[].", limits.SECTION_TITLE, optional=len(sections) == 1)
        for row in items(section, "rows", "interactive.action.sections[].", most=limits.LIST_ROWS):
            ids.append(words(row, "id", "interactive.action.sections[].rows[].", limits.ROW_ID))
            words(row, "title", "interactive.action.sections[].rows[].", limits.ROW_TITLE)
            words(row, "description", "interactive.action.sections[].rows[].", limits.ROW_DESCRIPTION, optional=True)
    if len(ids) > limits.LIST_ROWS:
        raise GraphError(131009, f"A list can have {limits.LIST_ROWS} rows in total; this one has {len(ids)}.")
    if len(set(ids)) < len(ids):
        raise GraphError(131009, "The row ids of a list must be unique.")


def _parameters(content: Json, name: str) -> Json:
    action = _named(content, name)
    return obj(action, "parameters", "interactive.action.")


def _named(content: Json, name: str) -> Json:
    action = obj(content, "action", "interactive.")
    if action.get("name") != name:
        raise GraphError(131009, f"Param interactive.action.name must be {name}.")
    return action


def _link_button(content: Json) -> None:
    _body(content)
    _header(content)
    parameters = _parameters(content, "cta_url")
    words(parameters, "display_text", "interactive.action.parameters.", limits.LINK_TITLE)
    web_address(parameters, "url", "interactive.action.parameters.")


def _flow(content: Json) -> None:
    _body(content)
    _header(content)
    parameters = _parameters(content, "flow")
    if ("flow_id" in parameters) == ("flow_name" in parameters):
        raise GraphError(131009, "Give exactly one of flow_id and flow_name.")
    words(parameters, "flow_message_version", "interactive.action.parameters.", 5)
    words(parameters, "flow_cta", "interactive.action.parameters.", 30)
    words(parameters, "flow_token", "interactive.action.parameters.", 200, optional=True)
    if parameters.get("flow_action", "navigate") not in ("navigate", "data_exchange"):
        raise GraphError(131009, "Param flow_action must be navigate or data_exchange.")


def _ask_location(content: Json) -> None:
    _body(content)
    _named(content, "send_location")


def _address(content: Json) -> None:
    _body(content)
    words(_parameters(content, "address_message"), "country", "interactive.action.parameters.", 2)


def _product(content: Json) -> None:
    _body(content, optional=True)
    if content.get("header") is not None:
        raise GraphError(131009, "A product message has no header.")
    action = obj(content, "action", "interactive.")
    words(action, "catalog_id", "interactive.action.", 100)
    words(action, "product_retailer_id", "interactive.action.", 100)


def _products(content: Json) -> None:
    _body(content)
    _header(content, text_only=True, needed=True)
    action = obj(content, "action", "interactive.")
    words(action, "catalog_id", "interactive.action.", 100)
    count = 0
    for section in items(action, "sections", "interactive.action.", most=limits.LIST_SECTIONS):
        words(section, "title", "interactive.action.sections[].", limits.SECTION_TITLE)
        count += len(items(section, "product_items", "interactive.action.sections[].", most=MOST_PRODUCTS))
    if count > MOST_PRODUCTS:
        raise GraphError(131009, f"A product list can have {MOST_PRODUCTS} products; this one has {count}.")


def _catalog(content: Json) -> None:
    _body(content)
    _named(content, "catalog_message")


def _carousel(content: Json) -> None:
    _body(content)
    if content.get("header") is not None or content.get("footer") is not None:
        raise GraphError(131009, "A carousel has no header and no footer; its cards have.")
    cards = items(obj(content, "action", "interactive."), "cards", "interactive.action.", least=2, most=10)
    if len({str(card.get("type")) for card in cards}) > 1:
        raise GraphError(131009, "All cards of a carousel must have the same type.")
    for card in cards:
        if card.get("body") is not None:
            words(obj(card, "body", "cards[]."), "text", "cards[].body.", 160)
        obj(card, "action", "cards[].")


def _ask_call(content: Json) -> None:
    _body(content, optional=True)
    _named(content, "call_permission_request")


def _call_button(content: Json) -> None:
    _body(content)
    words(_parameters(content, "voice_call"), "display_text", "interactive.action.parameters.", 20, optional=True)


def _ask_contact(content: Json) -> None:
    _body(content)
    _named(content, "request_contact_info")


KINDS: dict[str, Callable[[Json], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link_button,
    "flow": _flow,
    "location_request_message": _ask_location,
    "address_message": _address,
    "product": _product,
    "product_list": _products,
    "catalog_message": _catalog,
    "carousel": _carousel,
    "call_permission_request": _ask_call,
    "voice_call": _call_button,
    "contact_request": _ask_contact,
    "request_contact_info": _ask_contact,
}

"""What may be sent through this dialect: `type` and one object of the same name."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dragoman.api.v1.models import Input
from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import Button, Buttons, LinkButton, Media, MediaKind, Outgoing, Template, Text

BODY = 1024  # this dialect's own limit, also for plain text
REPLY_ID = limits.BUTTON_ID


def _web_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s\\]+", url, re.IGNORECASE):
        raise ValueError("give a full address that starts with https://")
    return url


Url = Annotated[str, Field(max_length=limits.URL), AfterValidator(_web_address)]
Title = Annotated[str, Field(min_length=1, max_length=limits.BUTTON_TITLE)]
Parameter = Annotated[str, Field(min_length=1, max_length=limits.TEMPLATE_PARAMETER)]


class PublicFile(Input):
    url: Url


class UnifiedButton(Input):
    """A reply button with `quickReplyId`, or a link with `url`."""

    type: Literal["quick_reply", "url"]
    text: Title
    quick_reply_id: Annotated[str | None, Field(min_length=1, max_length=REPLY_ID)] = None
    url: Url | None = None


class UnifiedInput(Input):
    text: Annotated[str | None, Field(max_length=BODY)] = None
    footer: Annotated[str | None, Field(max_length=limits.FOOTER, description="Needs a button: WhatsApp shows footers nowhere else")] = None
    media: PublicFile | None = None
    buttons: Annotated[list[UnifiedButton], Field(max_length=limits.BUTTONS, description="All of one type; one `url` at most")] = Field(
        default_factory=list
    )


class TextInput(Input):
    body: Annotated[str, Field(min_length=1, max_length=BODY)]


class CtaInput(Input):
    body: Annotated[str, Field(min_length=1, max_length=BODY)]
    button_text: Title
    url: Url
    image: PublicFile | None = None


class TemplateCard(Input):
    body: list[Parameter] = Field(default_factory=list)
    header: Annotated[str | None, Field(max_length=limits.URL, description="Address of the card's image")] = None
    buttons: list[Parameter] = Field(default_factory=list)


class TemplateVariables(Input):
    body: Annotated[
        list[Parameter] | dict[str, Parameter], Field(description="A list for numbered parameters, an object for named ones")
    ] = Field(default_factory=list)
    header: Annotated[
        Parameter | list[Parameter] | dict[str, Any] | None,
        Field(description='Text; or a file as Meta writes it: {"image": {"link": "https://…"}}'),
    ] = None
    buttons: Annotated[
        list[Parameter], Field(max_length=limits.TEMPLATE_BUTTONS, description="What completes the address of each link")
    ] = Field(default_factory=list)
    cards: Annotated[list[TemplateCard], Field(max_length=limits.TEMPLATE_CARDS)] = Field(default_factory=list)


class TemplateInput(Input):
    name: Annotated[str, Field(min_length=1, max_length=limits.TEMPLATE_NAME)]
    language: Annotated[str, Field(min_length=2, max_length=limits.TEMPLATE_LANGUAGE, pattern=r"^[A-Za-z_]+$")] = "en_US"
    variables: TemplateVariables = TemplateVariables()


class SendMessageInput(Input):
    """`type`, and the object of that name. `text` and `cta` are older forms of `unified`."""

    type: Literal["unified", "text", "cta", "template"]
    unified: UnifiedInput | None = None
    text: TextInput | None = None
    cta: CtaInput | None = None
    template: TemplateInput | None = None

    def content(self, place: str = "") -> Outgoing:
        """The message in our own words. Raises Invalid; `place` goes before the names of fields ("message.")."""
        for kind in ("unified", "text", "cta", "template"):
            given = getattr(self, kind) is not None
            if given and kind != self.type:
                raise Invalid(f"{place}{kind} does not belong to a message of type {self.type}", field=f"{place}{kind}")
            if not given and kind == self.type:
                raise Invalid(f"{place}{kind} is missing; type {kind} needs it", field=f"{place}{kind}")
        if self.template:
            return _template(self.template, f"{place}template.")
        if self.text:
            return Text(body=self.text.body)
        if self.cta:
            header = _media(self.cta.image.url, kind="image") if self.cta.image else None
            return LinkButton(body=self.cta.body, title=self.cta.button_text, url=self.cta.url, header=header)
        return _unified(self.unified or UnifiedInput(), f"{place}unified.")


def _unified(message: UnifiedInput, place: str) -> Outgoing:
    header = _media(message.media.url) if message.media else None
    if message.buttons:
        return _with_buttons(message, header, place)
    if message.footer:
        raise Invalid(f"{place}footer needs a button; put the words into text instead", field=f"{place}footer")
    if header:
        return Media(kind=header.kind, url=header.url, caption=message.text or None)
    if not message.text:
        raise Invalid(f"{place}text is missing; a message needs a text or media", field=f"{place}text")
    return Text(body=message.text)


def _with_buttons(message: UnifiedInput, header: Media | None, place: str) -> Outgoing:
    if not message.text:
        raise Invalid(f"{place}text is missing; WhatsApp shows buttons only under a text", field=f"{place}text")
    if header and header.kind not in ("image", "video", "document"):
        raise Invalid(f"{place}media of kind {header.kind} cannot stand above buttons; send it on its own", field=f"{place}media.url")
    first = message.buttons[0]
    if any(button.type != first.type for button in message.buttons):
        raise Invalid(f"{place}buttons are of two types; WhatsApp shows one type in a message", field=f"{place}buttons")
    if first.type == "url":
        if len(message.buttons) > 1:
            raise Invalid(f"{place}buttons has {len(message.buttons)} links; WhatsApp shows one link in a message", field=f"{place}buttons")
        url = _target(first, "url", f"{place}buttons.0.")
        return LinkButton(body=message.text, title=first.text, url=url, footer=message.footer or None, header=header)
    buttons = tuple(
        Button(title=button.text, id=_target(button, "quick_reply_id", f"{place}buttons.{index}."))
        for index, button in enumerate(message.buttons)
    )
    return Buttons(body=message.text, buttons=buttons, footer=message.footer or None, header=header)


def _target(button: UnifiedButton, wanted: Literal["url", "quick_reply_id"], place: str) -> str:
    names = {"url": "url", "quick_reply_id": "quickReplyId"}
    for attribute, name in names.items():
        given = getattr(button, attribute)
        if attribute == wanted and not given:
            raise Invalid(f"{place}{name} is missing; a button of type {button.type} needs it", field=place + name)
        if attribute != wanted and given is not None:
            raise Invalid(f"{place}{name} does not belong to a button of type {button.type}", field=place + name)
    return str(getattr(button, wanted))


def _media(url: str, kind: MediaKind | None = None) -> Media:
    ending = re.sub(r"[?#].*$", "", url, flags=re.DOTALL).rpartition(".")[2].lower()
    guessed: MediaKind = limits.MEDIA_EXTENSIONS.get(ending, "image")  # type: ignore[assignment]
    return Media(kind=kind or guessed, url=url)


def _template(template: TemplateInput, place: str) -> Template:
    variables = template.variables
    components = [*_header(variables.header, f"{place}variables.header"), *_body(variables.body), *_buttons(variables.buttons)]
    if variables.cards:
        components.append({"type": "carousel", "cards": [_card(index, card) for index, card in enumerate(variables.cards)]})
    shown = variables.model_dump(exclude_unset=True, by_alias=True)
    return Template(name=template.name, language=template.language, components=components, variables=shown)


Component = dict[str, object]


def _header(header: str | list[str] | dict[str, Any] | None, place: str) -> list[Component]:
    match header:
        case None | [] | {}:
            return []
        case str():
            return [{"type": "header", "parameters": _numbered([header])}]
        case list():
            return [{"type": "header", "parameters": _numbered(header)}]
    [(kind, value), *others] = header.items()
    if kind in ("image", "video", "document", "location") and not others:
        file = {"link": _checked(value, place)} if isinstance(value, str) else value
        return [{"type": "header", "parameters": [{"type": kind, kind: file}]}]
    return [{"type": "header", "parameters": _named(header)}]


def _checked(url: str, place: str) -> str:
    try:
        return _web_address(url)
    except ValueError as error:
        raise Invalid(f"{place}: {error}", field=place) from None


def _body(body: list[str] | dict[str, str]) -> list[Component]:
    if not body:
        return []
    return [{"type": "body", "parameters": _named(body) if isinstance(body, dict) else _numbered(body)}]


def _buttons(values: list[str]) -> list[Component]:
    return [
        {"type": "button", "sub_type": "url", "index": str(index), "parameters": _numbered([value])} for index, value in enumerate(values)
    ]


def _card(index: int, card: TemplateCard) -> Component:
    header: list[Component] = Field(default_factory=list)
    if card.header:
        header = [{"type": "header", "parameters": [{"type": "image", "image": {"link": card.header}}]}]
    return {"card_index": index, "components": [*header, *_body(card.body), *_buttons(card.buttons)]}


def _numbered(values: list[str]) -> list[Component]:
    return [{"type": "text", "text": value} for value in values]


def _named(values: dict[str, Any]) -> list[Component]:
    return [{"type": "text", "parameter_name": name, "text": str(value)} for name, value in values.items()]

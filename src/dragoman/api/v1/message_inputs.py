"""What may be sent through this dialect: `type` and one object of the same name."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from dragoman.api.v1.models import Input
from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import Button, Buttons, LinkButton, Media, Outgoing, Template, Text
from dragoman.whatsapp.filling import fill
from dragoman.whatsapp.messages import check, kind_of

BODY = 1024  # this dialect's own limit, also for plain text


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
    quick_reply_id: Annotated[str | None, Field(min_length=1, max_length=limits.BUTTON_ID)] = None
    url: Url | None = None


class UnifiedInput(Input):
    text: Annotated[str | None, Field(max_length=BODY)] = None
    footer: Annotated[
        str | None, Field(max_length=limits.FOOTER, description="Small print under the buttons; without buttons, the last line")
    ] = None
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
    header: Annotated[Url | None, Field(description="Address of the card's image")] = None
    buttons: list[Parameter] = Field(default_factory=list)


def _parameters(value: Any) -> Any:
    """Checked by hand: the errors of a union would name its members instead of the field."""
    if isinstance(value, list | dict):
        for place, one in value.items() if isinstance(value, dict) else enumerate(value):
            if not isinstance(one, str) or not 1 <= len(one) <= limits.TEMPLATE_PARAMETER:
                raise ValueError(f"parameter {place} must be a text of 1 to {limits.TEMPLATE_PARAMETER} characters")
        return value
    raise ValueError("give a list for numbered parameters, or an object for named ones")


def _header_parameters(value: Any) -> Any:
    match value:
        case {"image": file} | {"video": file} | {"document": file} if len(value) == 1:
            _web_address(file) if isinstance(file, str) else _parameters(file)
        case str():
            _parameters([value])
        case _ if value is not None:
            _parameters(value)
    return value


_TEXT_SCHEMA = {"type": "string", "minLength": 1, "maxLength": limits.TEMPLATE_PARAMETER}
_BODY_SCHEMA = [{"type": "array", "items": _TEXT_SCHEMA}, {"type": "object", "additionalProperties": _TEXT_SCHEMA}]
_HEADER_SCHEMA = [_TEXT_SCHEMA, *_BODY_SCHEMA, {"type": "null"}]


class TemplateVariables(Input):
    body: Annotated[
        Any,
        AfterValidator(_parameters),
        WithJsonSchema({"anyOf": _BODY_SCHEMA, "description": "A list for numbered parameters, an object for named ones"}),
    ] = Field(default_factory=list)
    header: Annotated[
        Any,
        AfterValidator(_header_parameters),
        WithJsonSchema({"anyOf": _HEADER_SCHEMA, "description": 'Text; or a file: {"image": "https://…"}, also video and document'}),
    ] = None
    buttons: Annotated[
        list[Parameter], Field(max_length=limits.TEMPLATE_BUTTONS, description="What completes the address of each link")
    ] = Field(default_factory=list)
    cards: Annotated[list[TemplateCard], Field(max_length=limits.TEMPLATE_CARDS)] = Field(default_factory=list)


class TemplateInput(Input):
    name: Annotated[str, Field(min_length=1, max_length=limits.TEMPLATE_NAME)]
    language: Annotated[str, Field(min_length=2, max_length=limits.TEMPLATE_LANGUAGE, pattern=r"^[A-Za-z_]+$")] = "en_US"
    variables: TemplateVariables = TemplateVariables()


EXAMPLES: list[JsonValue] = [
    {"type": "unified", "unified": {"text": "Good morning!"}},
    {
        "type": "unified",
        "unified": {
            "text": "Shall we keep a loaf for you?",
            "footer": "Bakery Lumen",
            "media": {"url": "https://lumen.example/rye.jpg"},
            "buttons": [{"type": "quick_reply", "text": "Yes, please", "quickReplyId": "keep"}],
        },
    },
    {"type": "unified", "unified": {"text": "Our week", "buttons": [{"type": "url", "text": "Menu", "url": "https://lumen.example/menu"}]}},
    {"type": "text", "text": {"body": "Good morning!"}},
    {"type": "cta", "cta": {"body": "Our week", "buttonText": "Menu", "url": "https://lumen.example/menu"}},
    {"type": "template", "template": {"name": "order_ready", "language": "en_US", "variables": {"body": ["Dana", "4711"]}}},
]


class SendMessageInput(Input):
    """`type`, and the object of that name. `text` and `cta` are older forms of `unified`."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES})

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
        return _checked(self._composed(place), self.type, place)

    def _composed(self, place: str) -> Outgoing:
        if self.template:
            return _template(self.template)
        if self.text:
            return _text(self.text.body)
        if self.cta:
            header = Media(kind="image", url=self.cta.image.url) if self.cta.image else None
            return LinkButton(body=self.cta.body, title=self.cta.button_text, url=self.cta.url, header=header)
        return _unified(self.unified or UnifiedInput(), f"{place}unified.")


# What this dialect calls the parts of a message, for errors about them.
_NAMES = {
    "text": {"text.body": "body"},
    "cta": {"title": "buttonText", "header.url": "image.url"},
    "unified": {
        "text.body": "text",
        "body": "text",
        "title": "buttons[0].text",
        "url": "buttons[0].url",
        "buttons[].title": "buttons[].text",
        "buttons[].id": "buttons[].quickReplyId",
        "header": "media.url",
        "header.url": "media.url",
        **{f"{kind}.url": "media.url" for kind in limits.MEDIA_BYTES},
        **{f"{kind}.caption": "text" for kind in limits.MEDIA_BYTES},
    },
    "template": {"template.name": "name", "template.language": "language"},
}


def _checked(content: Outgoing, kind: str, place: str) -> Outgoing:
    try:
        check(content, _NAMES[kind])
    except Invalid as problem:
        inside = re.sub(r"\[(\d+)\]", r".\1", problem.field or "")
        said = problem.message.removeprefix(problem.field or "")
        raise Invalid(f"{place}{kind}.{inside}{said}", field=f"{place}{kind}.{inside}") from None
    return content


def _text(body: str) -> Text:
    return Text(body=body, preview_url="http://" in body or "https://" in body)


def _unified(message: UnifiedInput, place: str) -> Outgoing:
    media = Media(kind=kind_of(message.media.url) or "image", url=message.media.url) if message.media else None
    if message.buttons:
        return _with_buttons(message, media, place)
    # WhatsApp has no footer there, so it becomes the last line.
    words = "\n\n".join(part for part in (message.text, message.footer) if part)
    if media:
        return Media(kind=media.kind, url=media.url, caption=words or None)
    if not words:
        raise Invalid(f"{place}text is missing; a message needs a text or media", field=f"{place}text")
    return _text(words)


def _with_buttons(message: UnifiedInput, header: Media | None, place: str) -> Outgoing:
    first = message.buttons[0]
    if any(button.type != first.type for button in message.buttons):
        raise Invalid(f"{place}buttons are of two types; WhatsApp shows one type in a message", field=f"{place}buttons")
    if not message.text:
        raise Invalid(f"{place}text is missing; WhatsApp shows buttons only under a text", field=f"{place}text")
    targets = [_target(button, f"{place}buttons.{index}.") for index, button in enumerate(message.buttons)]
    if first.type == "url":
        if len(targets) > 1:
            raise Invalid(f"{place}buttons has {len(targets)} links; WhatsApp shows one link in a message", field=f"{place}buttons")
        return LinkButton(body=message.text, title=first.text, url=targets[0], footer=message.footer or None, header=header)
    buttons = tuple(Button(title=button.text, id=target) for button, target in zip(message.buttons, targets, strict=True))
    return Buttons(body=message.text, buttons=buttons, footer=message.footer or None, header=header)


def _target(button: UnifiedButton, place: str) -> str:
    """Where a button leads: the one of `url` and `quickReplyId` that goes with its type."""
    wanted, other = (button.url, button.quick_reply_id) if button.type == "url" else (button.quick_reply_id, button.url)
    name, other_name = ("url", "quickReplyId") if button.type == "url" else ("quickReplyId", "url")
    if other is not None:
        raise Invalid(f"{place}{other_name} does not belong to a button of type {button.type}", field=place + other_name)
    if wanted is None:
        raise Invalid(f"{place}{name} is missing; a button of type {button.type} needs it", field=place + name)
    return wanted


def _template(template: TemplateInput) -> Template:
    shown = template.variables.model_dump(exclude_unset=True, by_alias=True)
    return fill(template.name, template.language, template.variables.model_dump(), shown)

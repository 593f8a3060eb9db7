"""How this dialect shows a message: its type, and exactly one body of that type."""

import re
from collections.abc import Callable
from datetime import datetime
from mimetypes import guess_type
from pathlib import PurePosixPath
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import Field

from dragoman.api.v1.models import Shape
from dragoman.conversations import reading
from dragoman.conversations.wording import in_words, words
from dragoman.whatsapp.content import Buttons, Choices, LinkButton, Media, Template
from dragoman.whatsapp.received import Received

Type = Literal["text", "image", "cta", "list_selection", "template", "unified", "quick_reply"]
Role = Literal["user", "assistant", "system"]

# The address of a stored file, by its id.
Link = Callable[[UUID], str]

# What a tap on a reply button, a list row or a template button comes back as; other choices have no id to act on.
_TAPS = ("button", "list", "template_button")
_PICTURES = ("image", "sticker")
_USUAL_TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/ogg", "document": "application/pdf", "sticker": "image/webp"}
_STATUS: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "accepted": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "rejected": "failed",
    "failed": "failed",
    "expired_window": "failed",
}


class ImageInfo(Shape):
    name: str
    path: str
    size: int | None
    url: str
    width: int | None = None
    height: int | None = None


class TextBody(Shape):
    id: UUID
    body: str


class ImageBody(Shape):
    id: UUID
    image: ImageInfo | None
    caption: str


class CtaBody(Shape):
    id: UUID
    text: str
    url: str
    button_text: str
    image: ImageInfo | None
    clicks: list[dict[str, Any]] = Field(default_factory=list)


class ListRow(Shape):
    id: str
    title: str
    description: str | None


class ListSection(Shape):
    title: str
    rows: list[ListRow]


class ListBody(Shape):
    id: UUID
    text: str
    button_text: str
    sections: list[ListSection]


class TemplateBody(Shape):
    id: UUID
    template_name: str
    variables: dict[str, Any]
    components: list[dict[str, Any]]


class ReplyButton(Shape):
    type: Literal["quick_reply"] = "quick_reply"
    text: str
    quick_reply_id: str


class UrlButton(Shape):
    type: Literal["url"] = "url"
    text: str
    url: str


class MediaLink(Shape):
    url: str
    mime_type: str
    transcript: str | None = Field(
        None,
        exclude_if=lambda words: words is None,
        description="Our addition, where there is one: the words of a voice note, the text of a document that an agent has read",
    )


class UnifiedBody(Shape):
    body: str
    footer: str | None = None
    buttons: list[ReplyButton | UrlButton] = Field(default_factory=list)
    media: list[MediaLink] = Field(default_factory=list)


class QuickReplyBody(Shape):
    text: str
    quick_reply_id: str


class DeliveryState(Shape):
    """How far a message came, in more detail than `status`."""

    state: str
    cause: str | None = Field(description="What went wrong and what to do, in plain words")
    attempts: int
    error_code: int | None
    wa_id: str | None = Field(description="WhatsApp's id of the message")


class Message(Shape):
    id: UUID
    role: Role
    type: Type
    status: Literal["sent", "delivered", "read", "failed"] | None
    created_at: datetime
    reply_to: UUID | None
    source: str | None = Field(description="Who wrote it: customer, agent, person, api, system or phone_app")
    text: TextBody | None = None
    image: ImageBody | None = None
    cta: CtaBody | None = None
    list_selection: ListBody | None = None
    template: TemplateBody | None = None
    unified: UnifiedBody | None = None
    quick_reply: QuickReplyBody | None = None
    tool_executions: list[dict[str, Any]] = Field(default_factory=list)
    delivery: DeliveryState

    @classmethod
    def of(cls, message: reading.Message, link: Link) -> "Message":
        kind = type_of(message)
        return cls(
            id=message.id,
            role=role_of(message),
            type=kind,
            status=_STATUS.get(message.state),
            created_at=message.created_at,
            reply_to=message.reply_to,
            source=message.author,
            **{kind: _BODIES[kind](message, link)},
            delivery=DeliveryState(
                state=message.state, cause=message.cause, attempts=message.attempts, error_code=message.error_code, wa_id=message.wamid
            ),
        )


def role_of(message: reading.Message | reading.LastMessage) -> Role:
    if message.direction == "out":
        return "system" if message.author == "system" else "assistant"
    return "system" if message.type == "system" else "user"


def type_of(message: reading.Message | reading.LastMessage) -> Type:
    """The type that fits what the message holds; a message sent through this API keeps the type it was sent as."""
    match message.content:
        case Received(reply=reply) if reply and reply.kind in _TAPS:
            return "quick_reply"
        case Received(media=[file, *_]):
            return "image" if file.kind in _PICTURES else "unified"
        case LinkButton():
            return "cta" if message.type == "cta" else "unified"
        case Buttons():
            return "unified"
        case Choices():
            return "list_selection"
        case Template():
            return "template"
        case Media(kind=kind):
            return "image" if kind in _PICTURES and message.type != "unified" else "unified"
        case _:
            return "unified" if message.type == "unified" else "text"


def _text(message: reading.Message, _link: Link) -> TextBody:
    return TextBody(id=message.id, body=in_words(message.content))


def _image(message: reading.Message, link: Link) -> ImageBody:
    content = message.content
    image = _picture(content) if isinstance(content, Media) else _stored_picture(message, link)
    return ImageBody(id=message.id, image=image, caption=words(content))


def _cta(message: reading.Message, _link: Link) -> CtaBody:
    content = cast(LinkButton, message.content)
    image = _picture(content.header) if content.header else None
    return CtaBody(id=message.id, text=content.body, url=content.url, button_text=content.title, image=image)


def _list(message: reading.Message, _link: Link) -> ListBody:
    content = cast(Choices, message.content)
    rows = [ListRow(id=row.id, title=row.title, description=row.description) for row in content.rows]
    return ListBody(id=message.id, text=content.body, button_text=content.button, sections=[ListSection(title="", rows=rows)])


def _template(message: reading.Message, _link: Link) -> TemplateBody:
    content = cast(Template, message.content)
    return TemplateBody(id=message.id, template_name=content.name, variables=content.variables, components=content.components)


def _unified(message: reading.Message, link: Link) -> UnifiedBody:
    match message.content:
        case Received() as content:
            files = [MediaLink(url=link(f.id), mime_type=f.mime_type, transcript=f.transcript) for f in _ready(message)]
            return UnifiedBody(body=words(content), media=files)
        case Buttons() as content:
            buttons: list[ReplyButton | UrlButton] = [ReplyButton(text=one.title, quick_reply_id=one.id) for one in content.buttons]
            return UnifiedBody(body=content.body, footer=content.footer, buttons=buttons, media=_media(content.header))
        case LinkButton() as content:
            button = UrlButton(text=content.title, url=content.url)
            return UnifiedBody(body=content.body, footer=content.footer, buttons=[button], media=_media(content.header))
        case Media() as content:
            return UnifiedBody(body=content.caption or "", media=_media(content))
        case other:
            return UnifiedBody(body=in_words(other))


def _quick_reply(message: reading.Message, _link: Link) -> QuickReplyBody:
    reply = cast(Received, message.content).reply
    return QuickReplyBody(text=reply.title if reply else "", quick_reply_id=reply.id if reply else "")


_BODIES: dict[Type, Callable[[reading.Message, Link], Shape]] = {
    "text": _text,
    "image": _image,
    "cta": _cta,
    "list_selection": _list,
    "template": _template,
    "unified": _unified,
    "quick_reply": _quick_reply,
}


def _ready(message: reading.Message) -> list[reading.File]:
    return [file for file in message.files if file.state == "ready"]


def _stored_picture(message: reading.Message, link: Link) -> ImageInfo | None:
    file = next(iter(_ready(message)), None)
    if file is None:
        return None
    url = link(file.id)
    return ImageInfo(name=file.filename or "", path=_path(url), size=file.size, url=url)


def _picture(media: Media) -> ImageInfo:
    path = _path(media.url)
    return ImageInfo(name=media.filename or path.rpartition("/")[2], path=path, size=None, url=media.url)


def _media(media: Media | None) -> list[MediaLink]:
    if media is None:
        return []
    guessed, _ = guess_type("file" + PurePosixPath(_path(media.url)).suffix)
    return [MediaLink(url=media.url, mime_type=guessed or _USUAL_TYPES[media.kind], transcript=media.transcript)]


def _path(url: str) -> str:
    # By hand: the library's parser raises on what an agent may have written into a link.
    return re.sub(r"^[a-z]+://[^/?#]*|[?#].*$", "", url, flags=re.IGNORECASE | re.DOTALL)

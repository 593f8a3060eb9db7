"""Which endpoint answers a Graph call, and the endpoints of messages and media."""

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message as AsgiMessage
from starlette.types import Receive

from dragoman.sandbox import management, sending
from dragoman.sandbox.failures import GraphError, no_such_object
from dragoman.sandbox.graph import Answer, Call, Route
from dragoman.sandbox.media import Fetched, largest_of
from dragoman.sandbox.world import Media
from dragoman.whatsapp import limits


def find(call: Call) -> Route:
    """The endpoint for this call, with the name faults know it by. Raises GraphError for what does not exist."""
    parts, method = call.parts, call.method
    if len(parts) == 2 and method == "POST" and parts[1] in ("messages", "marketing_messages"):
        return messages, "read" if _is_receipt(call.body) else "send"
    if len(parts) == 2 and method == "POST" and parts[1] == "media":
        return upload, "media_upload"
    if len(parts) == 1 and parts[0] in call.box.world.state.media and method in ("GET", "DELETE"):
        return (resolve, "media_resolve") if method == "GET" else (delete, "media")
    return management.find(call), ""


def whose(call: Call, name: str) -> tuple[str | None, str | None]:
    """(number, person) of a call, for faults that wait for one of them."""
    number = call.parts[0] if call.parts[0] in call.box.world.state.numbers else None
    if name not in ("send", "read"):
        return number or call.query.get("phone_number_id"), None
    try:
        body = call.json()
        if name == "read":
            message = call.box.world.state.messages.get(str(body.get("message_id")))
            return number, message.person_id if message else None
        person = sending.recipient(call.box, call.box.world.number(number), body)[2]
    except (GraphError, KeyError):
        return number, None
    return number, person.id if person else None


async def messages(call: Call) -> Answer:
    number = call.number(call.parts[0])
    if not number.registered:
        raise GraphError(133010, "The phone number is not registered for the Cloud API.")
    body = call.json()
    if body.get("status") is not None:
        if body.get("messaging_product") != "whatsapp" or body["status"] != "read":
            raise GraphError(100, "A receipt has messaging_product 'whatsapp' and status 'read'.")
        sending.mark_read(call.box, number, body)
        return Answer()
    if call.parts[1] == "marketing_messages" and body.get("type") != "template":
        raise GraphError(134100, "Only marketing templates can be sent with marketing_messages.")
    return Answer(sending.accept(call.box, number, body, call.body, fail_code=call.fail_code))


async def upload(call: Call) -> Answer:
    """multipart/form-data with messaging_product, file and optionally type; gives a media id that lives 30 days."""
    number = call.number(call.parts[0])
    async with Request(call.scope, _replay(call.body)).form() as form:
        file = form.get("file")
        if form.get("messaging_product") != "whatsapp":
            raise GraphError(100, "The parameter messaging_product is required and must be 'whatsapp'.")
        if not isinstance(file, UploadFile):
            raise GraphError(100, "The parameter file is required.")
        mime_type = str(form.get("type") or file.content_type or "")
        data, filename = await file.read(), file.filename
    if "/" not in mime_type:
        known = sorted({known for types in limits.MEDIA_TYPES.values() for known in types})
        raise GraphError(100, f"Param file must be a file with one of the following types: {', '.join(known)}. Received '{mime_type}'.")
    if len(data) > (largest := largest_of(mime_type)):
        raise GraphError(100, f"The file has {len(data)} bytes; {mime_type} can have {largest}.")
    media = call.box.shelf.put(Fetched(data, mime_type), number.waba_id, call.box.now, filename=filename)
    call.box.saver.touch()
    return Answer(msgspec.json.encode({"id": media.id}))


async def resolve(call: Call) -> Answer:
    media = _media(call)
    url = call.box.shelf.link(media, call.box.now)
    found = {
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": media.mime_type,
        "sha256": media.sha256,
        "file_size": media.size,
        "id": media.id,
    }
    return Answer(msgspec.json.encode(found))


async def delete(call: Call) -> Answer:
    call.box.shelf.delete(_media(call))
    return Answer()


async def download(call: Call) -> Answer:
    """The bytes behind a link: the link works five minutes, and only with the bearer token."""
    token = call.token()
    query = call.query
    media = call.box.shelf.linked(query.get("mid", ""), query.get("ext", ""), query.get("hash", ""), call.box.now)
    if media is None or media.waba_id not in token.wabas:
        return Answer(b"", 404, b"text/html; charset=utf-8")
    # The name is a person's, who may have put a line break into it.
    name = "".join(c for c in media.filename or f"{media.id}" if c.isprintable() and c != '"').encode("ascii", "replace")
    disposition = (b"content-disposition", b'attachment; filename="%b"' % name)
    return Answer(call.box.shelf.data(media), 200, media.mime_type.encode("latin-1", "replace"), [disposition])


def _is_receipt(body: bytes) -> bool:
    return b'"status"' in body and b'"message_id"' in body and b'"to"' not in body and b'"recipient"' not in body


def _media(call: Call) -> Media:
    token = call.token()
    media = call.box.shelf.get(call.parts[0], call.box.now)
    if media is None or media.waba_id not in token.wabas:
        raise no_such_object(call.parts[0])
    if (only := call.query.get("phone_number_id")) and call.number(only).waba_id != media.waba_id:
        raise no_such_object(call.parts[0])
    return media


def _replay(body: bytes) -> Receive:
    async def receive() -> AsgiMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive

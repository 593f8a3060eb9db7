"""The control API: be the people, see what they got, move the clock, break things. Documented in docs/sandbox.md."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from dragoman.errors import Forbidden, Invalid, Problem
from dragoman.sandbox import people, seeing, starting, statuses, tricks
from dragoman.sandbox.box import Box
from dragoman.sandbox.faults import Fault
from dragoman.sandbox.world import Chat

Act = Callable[[Box, Request], Awaitable[object]]
MOST_SECONDS = 400 * 86400
SHOWN_IN_PAGE = ("image/", "audio/", "video/")


class Tap(msgspec.Struct, forbid_unknown_fields=True):
    message: str
    button_id: str | None = None
    row_id: str | None = None


class Played(msgspec.Struct, forbid_unknown_fields=True):
    message: str


class At(msgspec.Struct, forbid_unknown_fields=True):
    number: str | None = None


class NewPhone(msgspec.Struct, forbid_unknown_fields=True):
    phone: str


class StaffText(msgspec.Struct, forbid_unknown_fields=True):
    person: str
    text: str
    number: str | None = None


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    advance_seconds: float


T = TypeVar("T")


def routes(box: Box) -> list[Route]:
    """Every route of the control API. An act returns what is shown; a pair (status, shown) for anything but 200."""

    def route(path: str, act: Act, *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _answer(box, request, act)

        return Route(path, endpoint, methods=methods)

    return [route(path, act, method) for method, path, act in ACTS] + [
        Route("/people/{id}/events", partial(_events, box), methods=["GET"]),
        Route("/media/{id}", partial(_media, box), methods=["GET"]),
    ]


async def _answer(box: Box, request: Request, act: Act) -> Response:
    try:
        _same_origin(request)
        shown = await act(box, request)
        status, shown = shown if isinstance(shown, tuple) else (200, shown)
        return _json(shown, status)
    except Problem as problem:
        return _json({"error": problem.message, "code": problem.code, "field": problem.field}, problem.status)


def _json(shown: object, status: int = 200) -> Response:
    content = shown if isinstance(shown, bytes) else msgspec.json.encode(shown)
    return Response(content, status, {"Cache-Control": "no-store"}, "application/json")


def _same_origin(request: Request) -> None:
    """A page from elsewhere that is open in the developer's browser has no business here."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden(f"The control API answers its own pages only, not {origin}.")


async def _body(request: Request, shape: type[T]) -> T:
    """The JSON body as `shape`. Raises Invalid, naming what is wrong. A form of a foreign page is refused by its content type."""
    raw = await request.body()
    if raw and not request.headers.get("content-type", "").startswith("application/json"):
        raise Invalid("Send JSON with Content-Type: application/json.")
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not right: {error}") from None


def _chat(box: Box, request: Request) -> Chat:
    person = box.world.person(request.path_params["id"])
    return box.world.chat(box.world.number(request.query_params.get("number")).id, person.id)


def _count(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name)
    if value is None:
        return default
    if not value.isdigit():
        raise Invalid(f"{name} must be a whole number.", field=name)
    return int(value)


async def _state(box: Box, request: Request) -> object:
    return seeing.state(box)


async def _add_number(box: Box, request: Request) -> object:
    return 201, starting.add_number(box, await _body(request, starting.NewNumber))


async def _people(box: Box, request: Request) -> object:
    return [starting.show_person(box, person) for person in box.world.state.people.values()]


async def _add_people(box: Box, request: Request) -> object:
    new = await _body(request, starting.NewPerson | list[starting.NewPerson])  # type: ignore[arg-type]
    if isinstance(new, list):
        return 201, [starting.show_person(box, starting.add_person(box, one)) for one in new]
    return 201, starting.show_person(box, starting.add_person(box, new))


async def _person(box: Box, request: Request) -> object:
    return starting.show_person(box, box.world.person(request.path_params["id"]))


async def _change_person(box: Box, request: Request) -> object:
    person = box.world.person(request.path_params["id"])
    starting.change_person(box, person, await _body(request, starting.PersonChange))
    return starting.show_person(box, person)


async def _say(box: Box, request: Request) -> object:
    person = box.world.person(request.path_params["id"])
    return 201, {"id": people.say(box, person, await _body(request, people.Saying)).id}


async def _tap(box: Box, request: Request) -> object:
    tap = await _body(request, Tap)
    choice = tap.button_id if tap.button_id is not None else tap.row_id
    if choice is None:
        raise Invalid("Give button_id or row_id.", field="button_id")
    return 201, {"id": people.tap(box, box.world.person(request.path_params["id"]), tap.message, choice).id}


async def _read(box: Box, request: Request) -> object:
    person = box.world.person(request.path_params["id"])
    number = box.world.number((await _body(request, At)).number)
    return {"read": statuses.read(box, box.world.chat(number.id, person.id))}


async def _play(box: Box, request: Request) -> object:
    person, message = box.world.person(request.path_params["id"]), box.world.message((await _body(request, Played)).message)
    if message.person_id != person.id or message.type != "audio":
        raise Invalid("That is not a voice message to this person.", field="message")
    statuses.play(box, message)
    return {"id": message.id}


async def _change_number(box: Box, request: Request) -> object:
    person = box.world.person(request.path_params["id"])
    told = people.change_number(box, person, (await _body(request, NewPhone)).phone)
    return starting.show_person(box, person) | {"told": told}


async def _change_user_id(box: Box, request: Request) -> object:
    person = box.world.person(request.path_params["id"])
    told = people.change_user_id(box, person)
    return starting.show_person(box, person) | {"told": told}


async def _staff(box: Box, request: Request) -> object:
    words = await _body(request, StaffText)
    return 201, {"id": people.write_as_staff(box, box.world.number(words.number), box.world.person(words.person), words.text).id}


async def _show_chat(box: Box, request: Request) -> object:
    return seeing.chat(box, _chat(box, request), request.query_params.get("after"), _count(request, "limit", seeing.MOST_SHOWN))


async def _ledger(box: Box, request: Request) -> object:
    query = request.query_params
    return seeing.ledger(box, after=_count(request, "after", 0), person=query.get("person"), number=query.get("number"))


async def _advance(box: Box, request: Request) -> object:
    seconds = (await _body(request, Advance)).advance_seconds
    if not 0 <= seconds <= MOST_SECONDS:
        raise Invalid(f"The clock moves forward by 0 to {MOST_SECONDS} seconds.", field="advance_seconds")
    box.clock.advance(timedelta(seconds=seconds))
    box.world.state.clock_offset = box.clock.offset.total_seconds()
    box.saver.save()
    return {"now": box.now, "offset_seconds": box.clock.offset.total_seconds()}


async def _deliveries(box: Box, request: Request) -> object:
    return tricks.seen_deliveries(box, _count(request, "limit", 200))


async def _repeat(box: Box, request: Request) -> object:
    return 201, await tricks.repeat_delivery(box, request.path_params["id"])


async def _raw(box: Box, request: Request) -> object:
    return 201, await tricks.post_raw_webhook(box, await _body(request, tricks.RawWebhook))


async def _faults(box: Box, request: Request) -> object:
    return box.faults.all()


async def _add_fault(box: Box, request: Request) -> object:
    return 201, box.faults.add(await _body(request, Fault))


async def _clear_faults(box: Box, request: Request) -> object:
    box.faults.clear()
    return []


async def _remove_fault(box: Box, request: Request) -> object:
    box.faults.remove(request.path_params["id"])
    return box.faults.all()


async def _add_template(box: Box, request: Request) -> object:
    return 201, starting.add_template(box, await _body(request, starting.NewTemplate))


async def _expire_token(box: Box, request: Request) -> object:
    number = box.world.number((await _body(request, At)).number)
    return {"expired": starting.expire_tokens(box, number)}


async def _events(box: Box, request: Request) -> Response:
    try:
        chat = _chat(box, request)
    except Problem as problem:
        return _json({"error": problem.message, "code": problem.code}, problem.status)
    return StreamingResponse(seeing.changes(box, chat), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _media(box: Box, request: Request) -> Response:
    """A file for the phone page. It comes from a stranger and is served from our own origin, so it may not run anything."""
    media = box.world.state.media.get(request.path_params["id"])
    if media is None:
        return _json({"error": "There is no such media.", "code": "not_found"}, 404)
    shown = media.mime_type.startswith(SHOWN_IN_PAGE) and "svg" not in media.mime_type
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}
    headers["Content-Disposition"] = "inline" if shown else "attachment"
    return Response(box.shelf.data(media), 200, headers, media.mime_type if shown else "application/octet-stream")


ACTS: list[tuple[str, str, Act]] = [
    ("GET", "/state", _state),
    ("POST", "/numbers", _add_number),
    ("GET", "/people", _people),
    ("POST", "/people", _add_people),
    ("GET", "/people/{id}", _person),
    ("PATCH", "/people/{id}", _change_person),
    ("POST", "/people/{id}/messages", _say),
    ("POST", "/people/{id}/taps", _tap),
    ("POST", "/people/{id}/read", _read),
    ("POST", "/people/{id}/play", _play),
    ("POST", "/people/{id}/change-number", _change_number),
    ("POST", "/people/{id}/change-user-id", _change_user_id),
    ("GET", "/people/{id}/chat", _show_chat),
    ("POST", "/staff/messages", _staff),
    ("GET", "/ledger", _ledger),
    ("POST", "/clock", _advance),
    ("GET", "/deliveries", _deliveries),
    ("POST", "/deliveries/{id}/repeat", _repeat),
    ("POST", "/webhooks/raw", _raw),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _add_fault),
    ("DELETE", "/faults", _clear_faults),
    ("DELETE", "/faults/{id}", _remove_fault),
    ("POST", "/templates", _add_template),
    ("POST", "/tokens/expire", _expire_token),
]

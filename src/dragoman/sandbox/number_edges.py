"""A business number and what hangs on it: registration, settings, profile, links, blocked users."""

import secrets

from dragoman.sandbox.answers import answer, chosen, paged
from dragoman.sandbox.failures import GraphError, no_such_object
from dragoman.sandbox.graph import Answer, Call
from dragoman.sandbox.world import Callback, Json, Number, Person, digits

SHOWN = (
    "verified_name",
    "display_phone_number",
    "quality_rating",
    "code_verification_status",
    "platform_type",
    "throughput",
    "webhook_configuration",
    "last_onboarded_time",
)
PROFILE_LIMITS = {"about": 139, "address": 256, "description": 512, "email": 128, "vertical": 30, "profile_picture_handle": 1000}
BLOCK_SECONDS = 24 * 3600


def node_of(call: Call, number: Number) -> Json:
    """The number as Graph shows it; `throughput` is HIGH from 1000 messages a second."""
    state = call.box.world.state
    waba = state.wabas[number.waba_id]
    hooks = {"phone_number": number.callback, "whatsapp_business_account": waba.callback}
    callback = {level: override.url for level, override in hooks.items() if override}
    app = state.apps.get(waba.apps[0]) if waba.apps else None
    node: Json = {
        "id": number.id,
        "verified_name": number.name,
        "display_phone_number": pretty(number.display),
        "quality_rating": number.quality,
        "quality_score": {"score": number.quality},
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "HIGH" if number.per_second >= 1000 else "STANDARD"},
        "webhook_configuration": ({"application": app.callback_url} if app else {}) | callback,
        "last_onboarded_time": "2026-04-01T00:00:00+0000",
        "status": number.status if number.registered else "DISCONNECTED",
        "name_status": number.name_status,
        "account_mode": "SANDBOX",
        "is_on_biz_app": False,
        "is_official_business_account": False,
        "is_pin_enabled": number.pin is not None,
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "health_status": {"can_send_message": "AVAILABLE", "entities": []},
        "conversational_automation": number.automation | {"id": number.id},
    }
    return chosen(call, node, SHOWN)


def pretty(display: str) -> str:
    """15550001234 → +1 555-000-1234; other lengths with a plus only."""
    if len(display) == 11 and display.startswith("1"):
        return f"+1 {display[1:4]}-{display[4:7]}-{display[7:]}"
    return f"+{display}"


async def show(call: Call) -> Answer:
    return answer(node_of(call, call.number(call.parts[0])))


async def change(call: Call) -> Answer:
    """A two-step PIN, or a webhook override for this number (an empty address clears it)."""
    number, body = call.number(call.parts[0]), call.json()
    if "pin" in body:
        number.pin = _pin(body)
    hook = body.get("webhook_configuration")
    if isinstance(hook, dict):
        url = str(hook.get("override_callback_uri") or "")
        number.callback = Callback(url, str(hook.get("verify_token") or "")) if url else None
    return _saved(call)


async def register(call: Call) -> Answer:
    number, body = call.number(call.parts[0]), call.json()
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "The parameter messaging_product is required and must be 'whatsapp'.")
    pin = _pin(body)
    if number.pin is not None and number.pin != pin:
        raise GraphError(133005, "The two-step verification PIN is not the one this number was given.")
    number.pin, number.registered = pin, True
    return _saved(call)


async def deregister(call: Call) -> Answer:
    call.number(call.parts[0]).registered = False
    return _saved(call)


async def request_code(call: Call) -> Answer:
    call.number(call.parts[0])
    if call.json().get("code_method") not in ("SMS", "VOICE"):
        raise GraphError(100, "Param code_method must be one of {SMS, VOICE}.")
    return Answer()


async def verify_code(call: Call) -> Answer:
    call.number(call.parts[0])
    if len(digits(str(call.json().get("code") or ""))) != 6:
        raise GraphError(100, "Param code must have six digits.")
    return Answer()


async def settings(call: Call) -> Answer:
    number = call.number(call.parts[0])
    if call.method == "GET":
        return answer(number.settings)
    number.settings = number.settings | call.json()
    return _saved(call)


async def profile(call: Call) -> Answer:
    number = call.number(call.parts[0])
    shown = chosen(call, number.profile, tuple(number.profile))
    return answer({"data": [shown | {"messaging_product": "whatsapp"}]})


async def change_profile(call: Call) -> Answer:
    number, body = call.number(call.parts[0]), call.json()
    for name, largest in PROFILE_LIMITS.items():
        if len(str(body.get(name) or "")) > largest:
            raise GraphError(100, f"Param {name} must be at most {largest} characters long.")
    sites = body.get("websites")
    if sites is not None and (not isinstance(sites, list) or len(sites) > 2):
        raise GraphError(100, "Param websites must have at most 2 addresses.")
    number.profile = number.profile | {name: body[name] for name in (*PROFILE_LIMITS, "websites") if name in body}
    return _saved(call)


async def automate(call: Call) -> Answer:
    number, body = call.number(call.parts[0]), call.json()
    prompts, commands = body.get("prompts") or [], body.get("commands") or []
    if not isinstance(prompts, list) or len(prompts) > 4 or any(len(str(prompt)) > 80 for prompt in prompts):
        raise GraphError(100, "Param prompts can have 4 texts of at most 80 characters.")
    if not isinstance(commands, list) or len(commands) > 30:
        raise GraphError(100, "Param commands can have 30 elements.")
    number.automation = number.automation | {key: body[key] for key in ("enable_welcome_message", "prompts", "commands") if key in body}
    return _saved(call)


async def username(call: Call) -> Answer:
    name = call.number(call.parts[0]).username
    return answer({"username": name, "status": "approved"} if name else {})


async def change_username(call: Call) -> Answer:
    call.number(call.parts[0]).username = str(call.json().get("username") or "").lower() or None
    call.box.saver.touch()
    return answer({"status": "approved"})


async def drop_username(call: Call) -> Answer:
    call.number(call.parts[0]).username = None
    return _saved(call)


async def links(call: Call) -> Answer:
    number = call.number(call.parts[0])
    if len(call.parts) > 2:
        return answer({"data": [number.links[call.parts[2]]] if call.parts[2] in number.links else []})
    return paged(call, list(number.links.values()))


async def make_link(call: Call) -> Answer:
    """A wa.me/message link with a prefilled text; the same call with `code` changes one."""
    number, body = call.number(call.parts[0]), call.json()
    text = str(body.get("prefilled_message") or "")
    if not 1 <= len(text) <= 140:
        raise GraphError(100, "Param prefilled_message must have 1 to 140 characters.")
    code = str(body.get("code") or secrets.token_hex(7).upper())
    link: Json = {"code": code, "prefilled_message": text, "deep_link_url": f"https://wa.me/message/{code}"}
    number.links = number.links | {code: link}
    call.box.saver.touch()
    return answer(link)


async def drop_link(call: Call) -> Answer:
    number = call.number(call.parts[0])
    if len(call.parts) < 3 or call.parts[2] not in number.links:
        raise no_such_object("/".join(call.parts))
    number.links = {code: link for code, link in number.links.items() if code != call.parts[2]}
    return _saved(call)


async def blocked(call: Call) -> Answer:
    number, state = call.number(call.parts[0]), call.box.world.state
    people = [state.people[person_id] for person_id in number.blocked]
    return answer({"data": [{"block_users": [_blocked_user(call, number, person) for person in people]}]})


async def block(call: Call) -> Answer:
    """Only people who wrote in the last 24 hours can be blocked (Meta); a mixed result is a 400 that names both groups."""
    number = call.number(call.parts[0])
    added: list[Json] = []
    failed: list[Json] = []
    for given, person in _users(call, number):
        wrote = person and call.box.now - call.box.world.chat(number.id, person.id).last_inbound <= BLOCK_SECONDS
        if person is None or not wrote:
            failed.append({"input": given, "errors": [{"code": 131047, "message": "The user has not written in the last 24 hours."}]})
            continue
        if person.id not in number.blocked:
            number.blocked = [*number.blocked, person.id]
        added.append({"input": given} | _blocked_user(call, number, person))
    return _block_answer(call, {"added_users": added}, failed)


async def unblock(call: Call) -> Answer:
    number = call.number(call.parts[0])
    removed: list[Json] = []
    failed: list[Json] = []
    for given, person in _users(call, number):
        if person and person.id in number.blocked:
            number.blocked = [person_id for person_id in number.blocked if person_id != person.id]
            removed.append({"input": given} | _blocked_user(call, number, person))
        else:
            failed.append({"input": given, "errors": [{"code": 139100, "message": "The user is not blocked."}]})
    return _block_answer(call, {"removed_users": removed}, failed)


def _users(call: Call, number: Number) -> list[tuple[str, Person | None]]:
    asked = call.json().get("block_users")
    if not isinstance(asked, list) or not all(isinstance(user, dict) for user in asked):
        raise GraphError(100, "The parameter block_users is required, as an array of {user} or {user_id}.")
    world = call.box.world
    found = []
    for user in asked:
        bsuid = user.get("user_id")
        person = world.by_bsuid.get(str(bsuid)) if bsuid else world.by_phone.get(digits(str(user.get("user") or "")))
        found.append((str(bsuid or user.get("user")), person))
    return found


def _blocked_user(call: Call, number: Number, person: Person) -> Json:
    user: Json = {"user_id": call.box.world.bsuid(person, call.box.world.business_of(number))}
    return ({"wa_id": person.phone} if person.phone else {}) | user


def _block_answer(call: Call, done: Json, failed: list[Json]) -> Answer:
    call.box.saver.touch()
    shown: Json = {"messaging_product": "whatsapp", "block_users": done | ({"failed_users": failed} if failed else {})}
    if not failed:
        return answer(shown)
    error = {"message": "(#139100) Failed to block/unblock some users", "type": "OAuthException", "code": 139100}
    return answer(shown | {"error": error}, 400)


def _pin(body: Json) -> str:
    pin = str(body.get("pin") or "")
    if len(pin) != 6 or not pin.isdigit():
        raise GraphError(100, "Param pin must have six digits.")
    return pin


def _saved(call: Call) -> Answer:
    call.box.saver.touch()
    return Answer()

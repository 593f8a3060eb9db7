"""Accounts, apps and tokens: who gets the webhooks of a WABA, and where."""

import hmac
import secrets

import aiohttp

from dragoman.sandbox.answers import answer, chosen, paged
from dragoman.sandbox.failures import GraphError, no_such_object
from dragoman.sandbox.graph import Answer, Call
from dragoman.sandbox.number_edges import node_of
from dragoman.sandbox.world import App, Callback, Json

LONGEST_CALLBACK = 200
FIELDS = ["account_update", "message_template_status_update", "messages", "phone_number_quality_update", "smb_message_echoes"]


async def show_waba(call: Call) -> Answer:
    waba = call.waba(call.parts[0])
    node: Json = {
        "id": waba.id,
        "name": waba.name,
        "currency": "USD",
        "timezone_id": "1",
        "country": "US",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "ownership_type": "SELF",
        "owner_business_info": {"id": waba.business_id, "name": waba.name},
        "message_template_namespace": "sandbox",
        "status": "ACTIVE",
    }
    return answer(chosen(call, node, ("id", "name", "currency", "timezone_id", "message_template_namespace")))


async def numbers(call: Call) -> Answer:
    waba = call.waba(call.parts[0])
    return paged(call, [node_of(call, number) for number in call.box.world.state.numbers.values() if number.waba_id == waba.id])


async def subscribed(call: Call) -> Answer:
    waba = call.waba(call.parts[0])
    nodes: list[Json] = []
    for app_id in waba.apps:
        node: Json = {"whatsapp_business_api_data": {"id": app_id, "name": app_id, "link": "https://www.facebook.com/games/"}}
        if waba.callback:
            node["override_callback_uri"] = waba.callback.url
        nodes.append(node)
    return answer({"data": nodes})


async def subscribe(call: Call) -> Answer:
    """Link the token's app to the account; with override_callback_uri (verified first) its message webhooks go there instead."""
    waba, body, app_id = call.waba(call.parts[0]), call.json(), call.token().app_id
    override = body.get("override_callback_uri")
    if override:
        token = str(body.get("verify_token") or "")
        await verify(call, str(override), token)
        waba.callback = Callback(str(override), token)
    else:
        waba.callback = None
    if app_id not in waba.apps:
        waba.apps = [*waba.apps, app_id]
    call.box.saver.touch()
    return Answer()


async def unsubscribe(call: Call) -> Answer:
    waba, app_id = call.waba(call.parts[0]), call.token().app_id
    waba.apps = [known for known in waba.apps if known != app_id]
    call.box.saver.touch()
    return Answer()


async def set_callback(call: Call) -> Answer:
    """The app's own callback: verified by a real GET with hub.challenge before it is kept."""
    app, body = _app(call), call.json()
    if body.get("object") != "whatsapp_business_account":
        raise GraphError(100, "Param object must be whatsapp_business_account.")
    url, token = str(body.get("callback_url") or ""), str(body.get("verify_token") or "")
    await verify(call, url, token)
    app.callback_url, app.verify_token = url, token
    if body.get("fields"):
        app.fields = [name.strip() for name in str(body["fields"]).split(",")]
    call.box.saver.touch()
    return Answer()


async def callbacks(call: Call) -> Answer:
    app = _app(call)
    fields = [{"name": name, "version": "v26.0"} for name in (FIELDS if app.fields is None else app.fields)]
    node = {"object": "whatsapp_business_account", "callback_url": app.callback_url, "active": True, "fields": fields}
    return answer({"data": [node] if app.callback_url else []})


async def verify(call: Call, url: str, token: str) -> None:
    """Meta's handshake: GET with hub.mode, hub.challenge and hub.verify_token must answer 200 with the bare challenge."""
    if not url.startswith(("http://", "https://")) or len(url) > LONGEST_CALLBACK:
        raise GraphError(100, f"The callback URL must be an http or https address of at most {LONGEST_CALLBACK} characters.")
    challenge = str(secrets.randbelow(10**10))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
    try:
        async with call.box.web.session().get(url, params=query, allow_redirects=False) as response:
            status, text = response.status, await response.text()
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        status, text = 0, ""
    if status != 200 or text.strip() != challenge:
        raise GraphError(
            2200, f"Callback verification failed: the callback URL or verify token couldn't be validated (HTTP status {status})."
        )


async def access_token(call: Call) -> Answer:
    """client_credentials only: the app token. Embedded Signup codes are not modelled."""
    given = call.query | {key: str(value) for key, value in call.json().items()}
    app = call.box.world.state.apps.get(given.get("client_id", ""))
    if app is None or not secrets.compare_digest(app.secret.encode(), given.get("client_secret", "").encode()):
        raise GraphError(1, "Error validating client secret.")
    if given.get("grant_type") != "client_credentials":
        raise GraphError(100, "The sandbox knows grant_type=client_credentials only.")
    return answer({"access_token": f"{app.id}|{app.secret}", "token_type": "bearer"})


async def debug_token(call: Call) -> Answer:
    """Asked with the token of the app that `input_token` was made for: of others' tokens Graph tells nothing."""
    viewer = _viewer(call)
    token = call.box.world.state.tokens.get(call.query.get("input_token", ""))
    if token is None:
        return _not_valid(190, "Invalid OAuth access token - Cannot parse access token")
    if token.app_id != viewer:
        return _not_valid(100, "(#100) The App_id in the input_token did not match the Viewing App")
    granular = [{"scope": scope, "target_ids": token.wabas} for scope in token.scopes]
    data: Json = {"app_id": token.app_id, "type": "SYSTEM_USER", "is_valid": True, "expires_at": int(token.expires_at or 0)}
    data |= {"scopes": token.scopes, "granular_scopes": granular}
    if token.expires_at is not None and token.expires_at <= call.box.now:
        expired: Json = {"code": 190, "subcode": 463, "message": "Error validating access token: Session has expired."}
        data |= {"is_valid": False, "error": expired}
    return answer({"data": data})


def _viewer(call: Call) -> str:
    """The app that asks: by its own token `{app_id}|{app_secret}`, or by one that was made for it."""
    app_id, _, secret = call.bearer().partition("|")
    app = call.box.world.state.apps.get(app_id)
    if not secret:
        return call.token().app_id
    if app is None or not hmac.compare_digest(app.secret.encode(), secret.encode()):
        raise GraphError(190, "Invalid OAuth access token signature.", message="Invalid OAuth access token signature.")
    return app.id


def _not_valid(code: int, message: str) -> Answer:
    return answer({"data": {"error": {"code": code, "message": message}, "is_valid": False, "scopes": []}})


def _app(call: Call) -> App:
    """The app of the path, opened by its own app token `{app_id}|{app_secret}` or a token made for it."""
    app = call.box.world.state.apps[call.parts[0]]
    if _viewer(call) != app.id:
        raise no_such_object(app.id)
    return app

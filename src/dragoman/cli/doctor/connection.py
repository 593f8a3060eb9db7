"""A number's way to WhatsApp and back: token, permissions, registration, subscription, webhook, public address."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from dragoman.accounts import numbers
from dragoman.accounts.secrets import Unopenable, Vault
from dragoman.cli.doctor.finding import Finding, doubtful, good, wrong
from dragoman.clock import Clock
from dragoman.http.answers import NoAnswer
from dragoman.http.trusted import Trusted
from dragoman.settings import Settings
from dragoman.store.database import Database
from dragoman.whatsapp.account import Account, Refusal, Token, Webhook

MESSAGING, MANAGEMENT = "whatsapp_business_messaging", "whatsapp_business_management"
OBJECT, FIELD = "whatsapp_business_account", "messages"
SOON = timedelta(days=14)
HANDSHAKE_SECONDS = 15.0
UNREGISTERED = ("PENDING", "DISCONNECTED", "UNVERIFIED")
LOST = ("BANNED", "DELETED", "MIGRATED")
RENAMED = {"DECLINED": "was declined", "EXPIRED": "has expired", "NONE": "was never approved"}


@dataclass(frozen=True)
class Clinic:
    """What the checks work with."""

    settings: Settings
    clock: Clock
    db: Database
    vault: Vault
    trusted: Trusted
    graph: Account = field(init=False)

    def __post_init__(self) -> None:
        url = f"{self.settings.public_url}/sandbox/graph" if self.settings.sandbox else self.settings.graph_url
        object.__setattr__(self, "graph", Account(self.trusted, self.clock, url, self.settings.graph_version))

    def callback(self, app_id: str) -> str:
        return f"{self.settings.public_url}/webhooks/whatsapp/{app_id}"


async def app(clinic: Clinic, app_id: str) -> list[Finding]:
    """The Meta app: its secret, its webhook, our address, the clocks."""
    about = f"app {app_id}"
    try:
        known = await numbers.app_by_id(clinic.db, clinic.vault, app_id)
    except Unopenable as error:
        return [wrong(about, "app secret", str(error), _new_secret(app_id))]
    if known is None:
        return [wrong(about, "app secret", "the app is not known any more", _new_secret(app_id))]
    hooks = await clinic.graph.webhooks(app_id, _app_token(known))
    return [
        _secret(about, app_id, hooks, clinic.settings),
        *([] if isinstance(hooks, Refusal) else [_webhook(about, clinic.callback(app_id), hooks)]),
        await _address(clinic, about, known),
        *_clock(about, clinic),
    ]


def _secret(about: str, app_id: str, hooks: list[Webhook] | Refusal, settings: Settings) -> Finding:
    if not isinstance(hooks, Refusal):
        return good(about, "app secret", "Meta knows it")
    if hooks.code is None:
        if settings.sandbox:
            return wrong(about, "Graph API", f"the sandbox does not answer: {hooks.cause}", _server_there(settings))
        return wrong(
            about, "Graph API", f"no answer: {hooks.cause}", f"let this machine out to {settings.graph_url}, or mend DRAGOMAN_GRAPH_URL"
        )
    return wrong(about, "app secret", f"Meta refuses it: {hooks.cause}", _new_secret(app_id))


def _new_secret(app_id: str) -> str:
    return f"copy the app secret from App settings, Basic: dragoman apps add --app-id {app_id} --app-secret … --verify-token …"


def _webhook(about: str, expected: str, hooks: list[Webhook]) -> Finding:
    enter = f"at developers.facebook.com, WhatsApp, Configuration, enter {expected} with the app's verify token"
    hook = next((hook for hook in hooks if hook.object == OBJECT), None)
    if hook is None or not hook.callback_url:
        return wrong(about, "webhook", "the app has none for WhatsApp", enter)
    if hook.callback_url.rstrip("/") != expected:
        return wrong(about, "webhook", f"it goes to {hook.callback_url}", f"{enter}; or set DRAGOMAN_PUBLIC_URL to where it goes")
    if not hook.active:
        return wrong(about, "webhook", "it is switched off", enter)
    if FIELD not in (subscribed.name for subscribed in hook.fields):
        return wrong(about, "webhook", f"the field {FIELD} is not subscribed, so no message arrives", f"switch {FIELD} on there")
    return good(about, "webhook", f"goes to {expected}, with the field {FIELD}")


async def _address(clinic: Clinic, about: str, known: numbers.App) -> Finding:
    """The handshake as Meta does it, by a real request from here to our public address."""
    url, name = clinic.settings.public_url, "public URL"
    if not url.startswith("https://") and not clinic.settings.sandbox:
        return wrong(
            about, name, f"{url} is not https, and Meta calls nothing else", "put a proxy with TLS in front and set DRAGOMAN_PUBLIC_URL"
        )
    challenge = secrets.token_hex(8)
    query = {"hub.mode": "subscribe", "hub.verify_token": known.verify_token, "hub.challenge": challenge}
    where = f"{clinic.callback(known.app_id)}?{urlencode(query)}"
    try:
        answer = await clinic.trusted.request("GET", where, timeout=HANDSHAKE_SECONDS, largest=64 * 1024)
    except NoAnswer as nothing:
        return wrong(about, name, f"{url} cannot be reached from here: {nothing.reason}", _server_there(clinic.settings))
    if answer.status == 200 and answer.body == challenge.encode():
        return good(about, name, f"{url} answers Meta's handshake")
    if answer.status == 403:
        return wrong(
            about, name, f"a Dragoman answers at {url} that does not know this verify token", "let the proxy lead to this installation"
        )
    return wrong(
        about,
        name,
        f"{url} answers the handshake with status {answer.status}",
        f"let the proxy pass {where.partition('?')[0]} on unchanged",
    )


def _server_there(settings: Settings) -> str:
    return f"start the server, and mend DNS, proxy or DRAGOMAN_PUBLIC_URL until {settings.public_url}/healthz answers"


def _clock(about: str, clinic: Clinic) -> list[Finding]:
    if clinic.graph.ahead is None:
        return []
    off = clinic.graph.ahead.total_seconds()
    found = f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Meta's"
    if abs(off) <= 5:
        return [good(about, "clock", "agrees with Meta's")]
    if abs(off) <= 60:
        return [doubtful(about, "clock", found, "let the system keep its time by NTP")]
    return [wrong(about, "clock", found, "let the system keep its time by NTP: agents refuse what is signed at a wrong time")]


async def number(clinic: Clinic, one: numbers.Number) -> list[Finding]:
    """All about one number."""
    about = f"+{one.display_number}"
    try:
        token = await numbers.token(clinic.db, clinic.vault, one.organisation_id, one.phone_number_id)
        app = await numbers.app_by_id(clinic.db, clinic.vault, one.app_id)
    except Unopenable as error:
        return [wrong(about, "token", str(error), _new_token(one))]
    findings = [_pause(about, one), _statuses(clinic, about, one)]
    told = await clinic.graph.token(_app_token(app), token) if app else Refusal("its app is not known")
    findings += _token(about, one, told, clinic.clock.now())
    if isinstance(told, Token) and not told.is_valid:
        return findings  # everything else would only say so again
    return [*findings, *await _number(clinic, about, one, token), await _account(clinic, about, one, token)]


def _pause(about: str, one: numbers.Number) -> Finding:
    if not one.paused_reason:
        return good(about, "sending", "is not paused")
    return wrong(
        about,
        "sending",
        f"paused: {one.paused_reason}",
        "mend what is named here; a new token ends the pause, else it tries one message each minute",
    )


def _statuses(clinic: Clinic, about: str, one: numbers.Number) -> Finding:
    if one.statuses_missing_since is None:
        return good(about, "statuses", "are not missed")
    return wrong(
        about,
        "statuses",
        f"WhatsApp accepts messages and has sent no status since {one.statuses_missing_since:%Y-%m-%d %H:%M} UTC or longer",
        f"subscribe the app to the account's webhooks: POST /{one.waba_id}/subscribed_apps with this number's token; "
        f"and see that the app's callback URL is {clinic.callback(one.app_id)}",
    )


def _token(about: str, one: numbers.Number, told: Token | Refusal, now: datetime) -> list[Finding]:
    if isinstance(told, Refusal):
        return [wrong(about, "token", f"nobody tells what it is good for: {told.cause}", f"mend what app {one.app_id} has")]
    if not told.is_valid:
        why = told.error.message.rstrip(".") if told.error and told.error.message else "it is not valid"
        return [wrong(about, "token", f"Meta refuses it: {why}", _new_token(one))]
    return [_expiry(about, one, told, now), _permissions(about, one, told)]


def _expiry(about: str, one: numbers.Number, told: Token, now: datetime) -> Finding:
    if not told.expires_at:
        return good(about, "token", "valid, and does not expire")
    until = datetime.fromtimestamp(told.expires_at, UTC)
    found = f"valid until {until:%Y-%m-%d %H:%M} UTC"
    return doubtful(about, "token", found, _new_token(one)) if until - now < SOON else good(about, "token", found)


def _permissions(about: str, one: numbers.Number, told: Token) -> Finding:
    missing = [scope for scope in (MESSAGING, MANAGEMENT) if scope not in told.scopes]
    if missing:
        return wrong(about, "permissions", f"the token lacks {' and '.join(missing)}", _new_token(one))
    for granular in told.granular_scopes:
        if granular.scope in (MESSAGING, MANAGEMENT) and granular.target_ids and one.waba_id not in granular.target_ids:
            found = f"{granular.scope} is not for account {one.waba_id}"
            return wrong(
                about, "permissions", found, f"give the system user account {one.waba_id} in Business settings, then {_new_token(one)}"
            )
    return good(about, "permissions", f"{MESSAGING}, {MANAGEMENT}")


def _new_token(one: numbers.Number) -> str:
    return (
        f"make a token of a system user with {MESSAGING} and {MANAGEMENT} for app {one.app_id}: dragoman numbers add --phone-number-id "
        f"{one.phone_number_id} --waba-id {one.waba_id} --display-number +{one.display_number} --app-id {one.app_id} --access-token …"
    )


async def _number(clinic: Clinic, about: str, one: numbers.Number, token: str) -> list[Finding]:
    told = await clinic.graph.number(one.phone_number_id, token)
    if isinstance(told, Refusal):
        remedy = "compare the phone number ID with WhatsApp Manager, and give the token's system user its account"
        return [wrong(about, "number", f"WhatsApp does not show {one.phone_number_id}: {told.cause}", remedy)]
    manager = "see WhatsApp Manager, Phone numbers, what is asked of you"
    findings = [_registration(about, one, told.status, told.platform_type)]
    if told.display_phone_number and numbers.digits(told.display_phone_number) != one.display_number:
        findings.append(
            doubtful(about, "display number", f"WhatsApp says {told.display_phone_number}", "enter the number again as WhatsApp writes it")
        )
    if told.quality_rating in ("YELLOW", "RED"):
        findings.append(
            doubtful(about, "quality", f"{told.quality_rating}: customers block or report it", f"write less unasked; {manager}")
        )
    else:
        findings.append(good(about, "quality", told.quality_rating or "not rated yet"))
    if told.name_status in RENAMED:
        findings.append(doubtful(about, "name", f"{told.verified_name!r} {RENAMED[told.name_status]}", f"ask for another; {manager}"))
    else:
        findings.append(good(about, "name", f"{told.verified_name} ({told.name_status or 'status unknown'})"))
    override = told.webhook_configuration.phone_number
    if override and override.rstrip("/") != clinic.callback(one.app_id):
        clear = f'POST /{one.phone_number_id} {{"webhook_configuration": {{"override_callback_uri": ""}}}}'
        findings.append(wrong(about, "override", f"this number's messages go to {override}", f"clear it: {clear}"))
    return findings


def _registration(about: str, one: numbers.Number, status: str, platform: str) -> Finding:
    register = f'register it: POST /{one.phone_number_id}/register {{"messaging_product": "whatsapp", "pin": "<six digits>"}}'
    if status in UNREGISTERED or platform in ("NOT_APPLICABLE", "ON_PREMISE"):
        found = status if status in UNREGISTERED else platform
        return wrong(about, "registration", f"not registered for the Cloud API ({found})", register)
    if status in LOST:
        return wrong(
            about,
            "registration",
            f"WhatsApp has taken the number away ({status})",
            "appeal in Business Support Home, or use another number",
        )
    if status not in ("CONNECTED", ""):
        return doubtful(
            about, "registration", f"WhatsApp limits the number ({status})", "see WhatsApp Manager, Phone numbers, what is asked of you"
        )
    return good(about, "registration", f"{status or 'readable'}, on the Cloud API")


async def _account(clinic: Clinic, about: str, one: numbers.Number, token: str) -> Finding:
    """Is the number in the account we think it is in, and does that account's mail come to our app?"""
    inside = await clinic.graph.numbers(one.waba_id, token)
    apps = await clinic.graph.subscribed_apps(one.waba_id, token) if not isinstance(inside, Refusal) else inside
    if isinstance(inside, Refusal) or isinstance(apps, Refusal):
        cause = inside.cause if isinstance(inside, Refusal) else apps.cause if isinstance(apps, Refusal) else ""
        remedy = f"compare the account's ID with WhatsApp Manager, and see that the token has {MANAGEMENT} for it"
        return wrong(about, "subscription", f"WhatsApp does not show account {one.waba_id}: {cause}", remedy)
    subscribe = f"POST /{one.waba_id}/subscribed_apps with this number's token"
    if one.phone_number_id not in inside:
        remedy = f"find its account's ID in WhatsApp Manager: dragoman numbers add --phone-number-id {one.phone_number_id} --waba-id … …"
        return wrong(about, "subscription", f"the number is not in account {one.waba_id}", remedy)
    if one.app_id not in apps:
        return wrong(
            about, "subscription", f"account {one.waba_id} does not send webhooks to app {one.app_id}", f"subscribe it: {subscribe}"
        )
    if (override := apps[one.app_id]) and override.rstrip("/") != clinic.callback(one.app_id):
        return wrong(about, "subscription", f"the account's messages go to {override}", f"clear it: {subscribe} and an empty body")
    return good(about, "subscription", f"account {one.waba_id} sends its webhooks to app {one.app_id}")


def _app_token(app: numbers.App) -> str:
    return f"{app.app_id}|{app.secrets[0].decode()}"

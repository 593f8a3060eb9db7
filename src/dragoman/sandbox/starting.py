"""What exists from the start, and how numbers, people and templates are added through the control API."""

import secrets
from typing import Literal

import msgspec

from dragoman.errors import Conflict, Invalid
from dragoman.sandbox.box import Box
from dragoman.sandbox.webhooks import Update
from dragoman.sandbox.world import (
    DEFAULT_APP,
    DEFAULT_BUSINESS,
    DEFAULT_DISPLAY,
    DEFAULT_NUMBER,
    DEFAULT_WABA,
    App,
    Json,
    Number,
    Person,
    Template,
    Token,
    Waba,
    World,
    digits,
)


class NewNumber(msgspec.Struct, forbid_unknown_fields=True):
    phone_number_id: str | None = None
    display_number: str | None = None
    name: str | None = None
    waba_id: str | None = None
    business_id: str | None = None
    app_id: str | None = None
    app_secret: str | None = None
    callback_url: str | None = None
    verify_token: str | None = None
    access_token: str | None = None
    per_second: float | None = None
    pair_rate: bool | None = None
    messaging_limit: int | None = None
    status: str | None = None
    quality: str | None = None
    name_status: str | None = None
    scopes: list[str] | None = None
    batch: int | None = None
    escape_slashes: bool | None = None


class NewPerson(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    phone: str | None = None
    username: str | None = None
    bsuid: str | None = None
    phone_visible: Literal["auto", "always", "never"] = "auto"
    on_whatsapp: bool = True
    blocks_business: bool = False
    marketing_stopped: bool = False
    auto_read: bool = False


class PersonChange(msgspec.Struct, forbid_unknown_fields=True):
    """What PATCH may set; the phone number and the BSUID change by their own verbs, because businesses are told."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    username: str | msgspec.UnsetType | None = msgspec.UNSET
    phone_visible: Literal["auto", "always", "never"] | msgspec.UnsetType = msgspec.UNSET
    on_whatsapp: bool | msgspec.UnsetType = msgspec.UNSET
    blocks_business: bool | msgspec.UnsetType = msgspec.UNSET
    marketing_stopped: bool | msgspec.UnsetType = msgspec.UNSET
    auto_read: bool | msgspec.UnsetType = msgspec.UNSET


class NewTemplate(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    waba_id: str | None = None
    language: str = "en_US"
    category: Literal["MARKETING", "UTILITY", "AUTHENTICATION"] = "UTILITY"
    body: str = ""
    header: str | None = None
    footer: str | None = None
    buttons: list[Json] = []
    components: list[Json] | None = None
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"
    status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"] = "APPROVED"


def furnish(world: World, app: App, access_token: str) -> None:
    """The default business, account, number and app; the secrets given now win over those of an earlier run."""
    state = world.state
    if kept := state.apps.get(app.id):
        app.batch, app.escape_slashes, app.fields = kept.batch, kept.escape_slashes, kept.fields
    state.apps[app.id] = app
    state.wabas.setdefault(DEFAULT_WABA, Waba(DEFAULT_WABA, DEFAULT_BUSINESS, "Sandbox", [DEFAULT_APP]))
    state.numbers.setdefault(DEFAULT_NUMBER, Number(DEFAULT_NUMBER, DEFAULT_DISPLAY, "Sandbox", DEFAULT_WABA))
    state.tokens[access_token] = Token(app_id=app.id, wabas=[DEFAULT_WABA])


def add_number(box: Box, new: NewNumber) -> Json:
    """Make a number, or change one that exists, with the account, app and token it names; the answer shows its secrets."""
    state = box.world.state
    old = state.numbers.get(new.phone_number_id or "")
    app = _app(box, new, old)
    waba = _waba(box, new, old, app)
    display = digits(new.display_number or "") or (old.display if old else _free_display(box.world))
    if any(number.display == display and number is not old for number in state.numbers.values()):
        raise Conflict(f"+{display} is already a number of the sandbox.", code="number_taken")
    number = old or Number(new.phone_number_id or box.world.decimal_id(), display, new.name or "Sandbox", waba.id)
    number.display, number.name, number.waba_id = display, new.name or number.name, waba.id
    number.per_second = number.per_second if new.per_second is None else new.per_second
    number.pair_rate = number.pair_rate if new.pair_rate is None else new.pair_rate
    number.status, number.quality = new.status or number.status, new.quality or number.quality
    number.name_status = new.name_status or number.name_status
    state.numbers[number.id] = number
    if new.messaging_limit is not None:
        state.messaging_limits[waba.business_id] = new.messaging_limit
    access_token = new.access_token or _token_of(box.world, waba) or f"EAAsandbox{secrets.token_hex(24)}"
    token = state.tokens.setdefault(access_token, Token(app_id=app.id))
    if waba.id not in token.wabas:
        token.wabas.append(waba.id)
    token.scopes = token.scopes if new.scopes is None else tuple(new.scopes)
    box.saver.touch()
    keys: Json = {"app_id": app.id, "app_secret": app.secret, "verify_token": app.verify_token, "callback_url": app.callback_url}
    return show_number(box, number) | keys | {"access_token": access_token}


def show_number(box: Box, number: Number) -> Json:
    return {
        "phone_number_id": number.id,
        "display_number": f"+{number.display}",
        "name": number.name,
        "waba_id": number.waba_id,
        "business_id": box.world.business_of(number),
        "per_second": number.per_second,
        "pair_rate": number.pair_rate,
        "registered": number.registered,
    }


def add_person(box: Box, new: NewPerson) -> Person:
    """Someone new. Without phone and username the person gets a fictitious phone; with a username only, no phone at all."""
    world = box.world
    phone = digits(new.phone or "") or None
    if new.phone and not phone:
        raise Invalid("The phone has no digits; write it such as +15550007890.", field="phone")
    if phone and phone in world.by_phone:
        raise Conflict(f"+{phone} belongs to another person of the sandbox.", code="phone_taken")
    if new.bsuid and new.bsuid in world.by_bsuid:
        raise Conflict(f"{new.bsuid} belongs to another person of the sandbox.", code="bsuid_taken")
    world.state.people_made += 1
    person = Person(id=f"p{world.state.people_made}", **{name: getattr(new, name) for name in PersonChange.__struct_fields__})
    world.state.people[person.id] = person
    world.name_phone(person, phone or (None if new.username else _free_phone(world)))
    if new.bsuid:
        world.name_bsuid(person, DEFAULT_BUSINESS, new.bsuid)
    box.saver.touch()
    return person


def change_person(box: Box, person: Person, change: PersonChange) -> None:
    for name in PersonChange.__struct_fields__:
        if (value := getattr(change, name)) is not msgspec.UNSET:
            setattr(person, name, value)
    box.saver.touch()


def show_person(box: Box, person: Person) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "phone": f"+{person.phone}" if person.phone else None,
        "username": person.username,
        "bsuid": box.world.bsuid(person, DEFAULT_BUSINESS),
        "phone_visible": person.phone_visible,
        "on_whatsapp": person.on_whatsapp,
        "blocks_business": person.blocks_business,
        "marketing_stopped": person.marketing_stopped,
        "auto_read": person.auto_read,
    }


def expire_tokens(box: Box, number: Number) -> int:
    """Every token that may use this number ends now; the next call with it is answered 190."""
    tokens = [token for token in box.world.state.tokens.values() if number.waba_id in token.wabas and token.expires_at is None]
    for token in tokens:
        token.expires_at = box.now
    box.saver.touch()
    return len(tokens)


def add_template(box: Box, new: NewTemplate) -> Template:
    waba_id = new.waba_id or DEFAULT_WABA
    if waba_id not in box.world.state.wabas:
        raise Invalid(f"There is no account {waba_id} in the sandbox.", field="waba_id")
    components = new.components if new.components is not None else _components(new)
    template = Template(box.world.decimal_id(), waba_id, new.name, new.language, new.category, components, new.status, new.parameter_format)
    return keep_template(box, template)


def keep_template(box: Box, template: Template) -> Template:
    old = box.world.templates.get((template.waba_id, template.name, template.language))
    if old:
        template.id = old.id
    box.world.state.templates[template.id] = template
    box.world.templates[template.waba_id, template.name, template.language] = template
    if old and old.status != template.status:
        tell_status(box, template)
    box.saver.touch()
    return template


def tell_status(box: Box, template: Template) -> None:
    """message_template_status_update to the account's apps."""
    item: Json = {
        "event": template.status,
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
        "message_template_category": template.category,
        "reason": "NONE",
    }
    box.postman.post(Update(template.waba_id, None, "value", item, status="template", field="message_template_status_update"))
    box.saver.touch()


def _components(new: NewTemplate) -> list[Json]:
    components: list[Json] = [{"type": "HEADER", "format": "TEXT", "text": new.header}] if new.header else []
    components.append({"type": "BODY", "text": new.body})
    if new.footer:
        components.append({"type": "FOOTER", "text": new.footer})
    if new.buttons:
        components.append({"type": "BUTTONS", "buttons": new.buttons})
    return components


def _app(box: Box, new: NewNumber, old: Number | None) -> App:
    apps = box.world.state.apps
    app_id = new.app_id or (box.world.state.wabas[old.waba_id].apps[0] if old else DEFAULT_APP)
    if not (app := apps.get(app_id)):
        app = apps[app_id] = App(app_id, secrets.token_hex(16), secrets.token_hex(8), "")
    app.secret = new.app_secret or app.secret
    app.verify_token = new.verify_token or app.verify_token
    app.callback_url = app.callback_url if new.callback_url is None else new.callback_url
    app.batch = min(new.batch or app.batch, 1000)
    app.escape_slashes = app.escape_slashes if new.escape_slashes is None else new.escape_slashes
    return app


def _waba(box: Box, new: NewNumber, old: Number | None, app: App) -> Waba:
    """The account named, or the number's own; an app of its own without an account named gets an account of its own."""
    wabas = box.world.state.wabas
    waba_id = new.waba_id or (old.waba_id if old else DEFAULT_WABA if app.id == DEFAULT_APP else None)
    if waba_id is None:
        waba_id = next((waba.id for waba in wabas.values() if app.id in waba.apps), None) or box.world.decimal_id()
    business_id = new.business_id or (DEFAULT_BUSINESS if app.id == DEFAULT_APP else box.world.decimal_id())
    waba = wabas.setdefault(waba_id, Waba(waba_id, business_id, new.name or "Sandbox"))
    if new.business_id:
        waba.business_id = new.business_id
    if app.id not in waba.apps:
        waba.apps = [*waba.apps, app.id] if waba.apps and new.app_id is None else [app.id, *waba.apps]
    return waba


def _token_of(world: World, waba: Waba) -> str | None:
    return next((value for value, token in world.state.tokens.items() if waba.id in token.wabas), None)


def _free_display(world: World) -> str:
    taken = {number.display for number in world.state.numbers.values()}
    return next(display for n in range(1235, 9999) if (display := f"1555000{n}") not in taken)


def _free_phone(world: World) -> str:
    return next(phone for n in range(100, 10**6) if (phone := f"155501{n:05d}") not in world.by_phone)

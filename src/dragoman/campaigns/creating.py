"""Making a campaign: its people found or made, the template checked, everything written down, the first jobs left behind."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from dragoman.accounts import numbers
from dragoman.accounts.numbers import Number
from dragoman.agents import records as agents
from dragoman.campaigns import batches, personal, queries
from dragoman.campaigns.batches import Job
from dragoman.campaigns.campaign import Addressee, Campaign, Message, NewCampaign, Param, Part
from dragoman.campaigns.records import get
from dragoman.conversations import contacts
from dragoman.conversations.contacts import Wanted
from dragoman.conversations.services import Services
from dragoman.errors import Invalid
from dragoman.ids import new_id
from dragoman.store.database import Row
from dragoman.whatsapp import filling

MOST_RECIPIENTS = 100_000
AT_ONCE = 2_000

NOT_A_NUMBER = "is no phone number; give it with its country code, such as +15550001234"
NO_CUSTOMER = "there is no customer with this id, and no to_number was given"

TEMPLATE = "touchpoint.whatsapp_data.template"
FROM_NUMBERS = "touchpoint.additional_settings.from_numbers"


class _Found(NamedTuple):
    """A recipient with the contact it means, or with why there is none."""

    given: str
    contact_id: UUID | None
    variables: dict[str, Any] | None
    cause: str | None


async def create(services: Services, organisation_id: UUID, new: NewCampaign) -> Campaign:
    """Somebody who cannot be reached fails alone; a person who is named twice is written to once.

    Raises Invalid (with the field's path as the caller sent it), NotFound (the agent).
    """
    if not 1 <= len(new.audience) <= MOST_RECIPIENTS:
        raise Invalid(f"touchpoint.customer_details: give 1 to {MOST_RECIPIENTS} customers", field="touchpoint.customer_details")
    agent = await agents.get(services.db, organisation_id, new.agent_id)
    senders = await _senders(services, organisation_id, agent.id, new.from_numbers)
    message = await _checked(services, organisation_id, senders, new.message)
    _check_static(message)
    found = await _people(services, organisation_id, new.audience)
    unique = list({one.contact_id or n: one for n, one in reversed(list(enumerate(found)))}.values())[::-1]
    now, campaign_id = services.clock.now(), new_id()
    scope = {"organisation_id": organisation_id, "id": campaign_id, "campaign_id": campaign_id, "now": now}
    async with services.db.transaction() as connection:
        await connection.execute(queries.CREATE, {**scope, **_columns(new, message), "duplicates": len(found) - len(unique)})
        await connection.execute(queries.ADD_SENDERS, {**scope, "numbers": [sender.id for sender in senders]})
        for part in _parts(unique, senders):
            await connection.execute(queries.ADD_RECIPIENTS, {**scope, **part})
        if not new.paused:
            for sender in senders:
                await batches.begin(connection, Job(organisation_id, campaign_id, sender.id, 0))
    return await get(services, organisation_id, campaign_id)


async def _senders(services: Services, organisation_id: UUID, agent_id: UUID, wanted: Sequence[str]) -> list[Number]:
    """Those that are named, by id or as people write them; else those on which the agent answers; else the only one there is."""
    own = await numbers.listing(services.db, organisation_id)
    found: dict[UUID, Number] = {}
    for n, text in enumerate(wanted):
        digits = "".join(filter(str.isdigit, text))
        number = next((one for one in own if one.phone_number_id == text.strip() or (digits and one.display_number == digits)), None)
        if number is None:
            raise _invalid(f"{FROM_NUMBERS}[{n}]", f"you have no WhatsApp number {text[:40]}; give its id or the number itself")
        found[number.id] = number
    senders = list(found.values()) or [one for one in own if one.agent_id == agent_id] or own
    if not found and len(senders) != 1 and senders[:1] and senders[0].agent_id != agent_id:
        raise _invalid(FROM_NUMBERS, f"the assistant has no number, and you have {len(own)}; say which ones write")
    if not senders:
        raise _invalid(FROM_NUMBERS, "you have no WhatsApp number; connect one first")
    return senders


async def _checked(services: Services, organisation_id: UUID, senders: Sequence[Number], message: Message) -> Message:
    """The message against the template as each account at WhatsApp has it; where WhatsApp does not tell, the sends will."""
    for sender in {sender.waba_id: sender for sender in senders}.values():
        token = await numbers.token(services.db, services.vault, organisation_id, sender.phone_number_id)
        listed = await services.graph.templates(sender.waba_id, token, message.name)
        if listed is None:
            continue
        template = next((one for one in listed if one.get("language") == message.language), None)
        if template is None:
            have = ", ".join(str(one.get("language")) for one in listed)
            hint = f"; there is one in {have}" if have else ""
            raise _invalid(TEMPLATE, f"WhatsApp knows no template {message.name} in {message.language} for {sender.display_number}{hint}")
        components = template.get("components") or []
        message = _completed(message, components)
        if wrong := filling.misfit(components, _given(message)):
            field = {"header": "header_params", "body": "body_params", "buttons": "button_params"}[wrong[0]]
            raise _invalid(f"touchpoint.whatsapp_data.{field}", wrong[1])
    return message


def _completed(message: Message, components: Sequence[Any]) -> Message:
    """With the template's own words to read along, and its header's kind of file."""
    if _file(message) and not any(str(one.get("format", "")).lower() in filling.FILES for one in components):
        raise _invalid("touchpoint.attachment_url", "the template has no image, video or document in its header")
    for component in components:
        kind, form = str(component.get("type", "")).lower(), str(component.get("format", "TEXT")).lower()
        if kind == "body" and not message.text:
            message = msgspec.structs.replace(message, text=str(component.get("text") or ""))
        elif kind == "header" and form in filling.FILES:
            file = _file(message)
            if file is None or form not in file:
                link = next(iter(file.values())) if file else None
                if not isinstance(link, str):
                    raise _invalid("touchpoint.attachment_url", f"the template's header is {form}; give the address of one")
                message = msgspec.structs.replace(message, header=Part(params=[Param(text=link, file={form: link})]))
    return message


def _file(message: Message) -> dict[str, Any] | None:
    return message.header.params[0].file if message.header.params else None


def _given(message: Message) -> dict[str, Any]:
    return {
        "header": _file(message) or [param.text for param in message.header.params],
        "body": [param.text for param in message.body.params],
        "buttons": [param.text for param in message.buttons.params],
    }


def _check_static(message: Message) -> None:
    """What everybody gets is checked once, here."""
    stand_in = {
        personal.name_of(param.text).lower(): "x" for part in (message.header, message.body, message.buttons) for param in part.params
    }
    try:
        personal.template(message, stand_in)
    except personal.Lacking as lacking:
        raise _invalid("touchpoint.whatsapp_data", f"{lacking}: a static parameter is empty") from None
    except Invalid as error:
        raise _invalid("touchpoint.whatsapp_data", error.message) from None


async def _people(services: Services, organisation_id: UUID, audience: Sequence[Addressee]) -> list[_Found]:
    """In their order, a few thousand at a time: whoever makes contacts holds up messages of people who are not known yet."""
    found: list[_Found] = []
    for begin in range(0, len(audience), AT_ONCE):
        found += await _some_people(services, organisation_id, audience[begin : begin + AT_ONCE])
    return found


async def _some_people(services: Services, organisation_id: UUID, some: Sequence[Addressee]) -> list[_Found]:
    phones = [_digits(one.phone) if one.phone else None for one in some]
    made = await contacts.create(
        services.db, services.vault, services.clock, organisation_id, [Wanted(phone) for phone in dict.fromkeys(filter(None, phones))]
    )
    by_phone = {phone: one.contact.id for phone, one in zip(dict.fromkeys(filter(None, phones)), made, strict=True)}
    ids = [one.contact for one in some if not one.phone and one.contact and _is_id(one.contact)]
    rows = await services.db.fetch(queries.CONTACTS, {"organisation_id": organisation_id, "ids": ids}) if ids else []
    by_id = {row["given"]: row["id"] for row in rows}
    found = []
    for one, phone in zip(some, phones, strict=True):
        contact = by_phone[phone] if phone else None if one.phone else by_id.get((one.contact or "").lower())
        cause = None if contact else NOT_A_NUMBER if one.phone else NO_CUSTOMER
        found.append(_Found((one.phone or one.contact or "")[:100], contact, one.variables, cause))
    return found


def _digits(text: str) -> str | None:
    try:
        return contacts.digits(text)
    except Invalid:
        return None


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _columns(new: NewCampaign, message: Message) -> Row:
    window = msgspec.structs.asdict(new.window) | {"days": list(new.window.days)}
    return {
        "name": new.name,
        "state": "paused" if new.paused else "scheduled",
        "agent_id": new.agent_id,
        "template": Jsonb(msgspec.to_builtins(message)),
        "start_at": new.start_at,
        "delay": new.delay,
        "ignore_suppression": new.ignore_suppression,
        "details": Jsonb(new.details),
        **window,
    }


def _parts(found: Sequence[_Found], senders: Sequence[Number]) -> Iterator[Row]:
    """The recipients as columns, spread over the numbers in turn."""
    for begin in range(0, len(found), AT_ONCE):
        some = found[begin : begin + AT_ONCE]
        yield {
            "positions": list(range(begin, begin + len(some))),
            "given": [one.given for one in some],
            "number_ids": [senders[n % len(senders)].id for n in range(begin, begin + len(some))],
            "contact_ids": [one.contact_id for one in some],
            "variables": [msgspec.json.encode(one.variables).decode() if one.variables else None for one in some],
            "causes": [one.cause for one in some],
        }


def _invalid(field: str, problem: str) -> Invalid:
    return Invalid(f"{field}: {problem}", field=field)

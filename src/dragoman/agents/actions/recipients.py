"""To whom an action sends: what the business has written down, in the several forms that it may have."""

import re
from collections.abc import Mapping
from typing import Any

import phonenumbers

from dragoman.agents.actions import queries
from dragoman.agents.capability import Run
from dragoman.errors import Invalid

CUSTOMER = "customer"  # whoever is in the conversation
MOST = 20  # of one message, whatever they are called

# Plain ASCII: other letters need an extension that few servers have.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_PHONE = re.compile(r"\+?[\d\s().-]{7,25}", re.ASCII)


def listed(value: Any) -> Any:
    """A text with commas, a list, or `{"value": …}` of either, as a list; anything else as it is."""
    if isinstance(value, dict) and set(value) == {"value"}:
        value = value["value"]
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,;]", value) if part.strip()]
    return [] if value is None else value


def check_number(lists: Mapping[str, list[str]]) -> None:
    """Raise Invalid when these fields together name too many."""
    if sum(map(len, lists.values())) > MOST:
        first, *others = lists
        raise Invalid(f"{first}: at most {MOST} recipients, together with {' and '.join(others)}", field=first)


def check_emails(addresses: list[str], field: str, *, customer: bool = False) -> None:
    for n, address in enumerate(addresses):
        if not (_EMAIL.fullmatch(address) or (customer and address == CUSTOMER)):
            raise Invalid(f"{field}[{n}]: {address[:80]!r} is no e-mail address", field=f"{field}[{n}]")


def check_phones(numbers: list[str], field: str) -> None:
    for n, number in enumerate(numbers):
        if number != CUSTOMER and e164(number) is None:
            raise Invalid(f"{field}[{n}]: {number[:40]!r} is no phone number; write it like +15550001234", field=f"{field}[{n}]")


def e164(number: str) -> str | None:
    """A number with its country code, as a text message service takes it; None when it is none. Only the length is judged."""
    if not _PHONE.fullmatch(number):
        return None
    try:
        parsed = phonenumbers.parse(f"+{number.lstrip('+')}")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(parsed) else None


async def emails(run: Run, wanted: list[str]) -> list[str]:
    """The addresses, with the customer's own where it is wanted and known."""
    found = []
    for address in wanted:
        if address != CUSTOMER:
            found.append(address)
            continue
        row = await run.kit.db.fetch_one(queries.CUSTOMER_EMAIL, {"organisation_id": run.organisation_id, "contact_id": run.contact_id})
        if row and row["email"] and _EMAIL.fullmatch(row["email"]):
            found.append(row["email"])
    return list(dict.fromkeys(found))


def phones(run: Run, wanted: list[str]) -> list[str]:
    own = run.turn.contact.phone
    numbers = [own and f"+{own}" if number == CUSTOMER else e164(number) for number in wanted]
    return list(dict.fromkeys(number for number in numbers if number))

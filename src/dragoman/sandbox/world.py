"""What exists in the outside world: businesses, numbers, people and what they said to each other.

Times are seconds since 1970 on the sandbox's clock. Everything under `State` survives a restart (see `saving`);
`World` adds the indexes that make look-ups fast and the verbs that keep them right.
"""

import base64
import re
from collections.abc import Iterator

import msgspec

from dragoman.errors import NotFound

DEFAULT_BUSINESS = "500000000000001"
DEFAULT_WABA = "102290000000001"
DEFAULT_NUMBER = "106540000000001"
DEFAULT_DISPLAY = "15550001234"
DEFAULT_APP = "sandbox"
MESSAGING_LIMIT = 2000

Json = dict[str, object]


class App(msgspec.Struct):
    """A Meta app: owns the webhook subscription and the secret that signs it."""

    id: str
    secret: str
    verify_token: str
    callback_url: str
    batch: int = 1
    escape_slashes: bool = False
    fields: list[str] | None = None  # None: every webhook field


class Callback(msgspec.Struct):
    """A webhook address that overrides the app's, for one WABA or one number."""

    url: str
    verify_token: str = ""


class Waba(msgspec.Struct):
    id: str
    business_id: str
    name: str
    apps: list[str] = []
    callback: Callback | None = None


class Number(msgspec.Struct):
    """A business phone number. `display` is digits only."""

    id: str
    display: str
    name: str
    waba_id: str
    per_second: float = 80
    pair_rate: bool = True
    registered: bool = True
    status: str = "CONNECTED"
    quality: str = "GREEN"
    name_status: str = "APPROVED"
    pin: str | None = None
    callback: Callback | None = None
    settings: Json = {}
    profile: Json = {}
    automation: Json = {}
    username: str | None = None
    links: dict[str, Json] = {}
    blocked: list[str] = []


class Token(msgspec.Struct):
    app_id: str
    wabas: list[str] = []
    expires_at: float | None = None
    scopes: tuple[str, ...] = ("whatsapp_business_messaging", "whatsapp_business_management")


class Person(msgspec.Struct):
    """Someone with WhatsApp on a phone. `phone` is digits only, None when this person can only be reached by BSUID."""

    id: str
    name: str
    phone: str | None = None
    username: str | None = None
    bsuids: dict[str, str] = {}
    phone_visible: str = "auto"
    on_whatsapp: bool = True
    blocks_business: bool = False
    marketing_stopped: bool = False
    auto_read: bool = False


class Message(msgspec.Struct):
    """One message between a person and a number; `raw` is Meta's JSON of it, as sent or as put in the webhook."""

    id: str
    number_id: str
    person_id: str | None
    by: str
    at: float
    type: str
    raw: bytes
    to: str = ""
    by_phone: bool = True
    attempt: str | None = None
    status: str = "accepted"
    error: int | None = None
    details: str | None = None
    category: str = "service"
    free_entry: bool = False
    media_id: str | None = None
    emoji: str | None = None
    seen: bool = False


class Chat(msgspec.Struct):
    """The thread of one person with one number."""

    number_id: str
    person_id: str
    messages: list[str] = []
    last_inbound: float = 0.0
    referred_at: float = 0.0
    free_entry_until: float = 0.0
    phone_known_until: float = 0.0
    typing_until: float = 0.0


class Media(msgspec.Struct):
    id: str
    waba_id: str
    mime_type: str
    sha256: str
    size: int
    expires_at: float
    filename: str | None = None


class Template(msgspec.Struct):
    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list[Json]
    status: str = "APPROVED"
    parameter_format: str = "POSITIONAL"
    quality: str = "UNKNOWN"


class Delivery(msgspec.Struct):
    """One webhook on its way: kept in `State.undelivered` until somebody answers 200, retried by the clock."""

    id: str
    app_id: str
    url: str
    body: bytes
    first_at: float
    messages: list[str] = []
    attempts: int = 0
    at: float = 0.0
    status: int | None = None
    error: str | None = None
    next_at: float | None = None
    bad_signature: bool = False


class State(msgspec.Struct):
    serial: int = 0
    clock_offset: float = 0.0  # seconds the clock was moved
    people_made: int = 0
    messaging_limits: dict[str, int] = {}
    apps: dict[str, App] = {}
    wabas: dict[str, Waba] = {}
    numbers: dict[str, Number] = {}
    tokens: dict[str, Token] = {}
    people: dict[str, Person] = {}
    chats: dict[str, Chat] = {}
    messages: dict[str, Message] = {}
    ledger: list[str] = []
    media: dict[str, Media] = {}
    templates: dict[str, Template] = {}
    undelivered: dict[str, Delivery] = {}


def digits(phone: str) -> str:
    return re.sub(r"[^0-9]", "", phone)


class World:
    def __init__(self, state: State, seed: int) -> None:
        self.state = state
        # Ids must not repeat after a restart without a state file: the product's database would take them for duplicates.
        state.serial = max(state.serial, seed)
        self.by_phone = {person.phone: person for person in state.people.values() if person.phone}
        self.by_bsuid = {bsuid: person for person in state.people.values() for bsuid in person.bsuids.values()}
        self.templates = {(t.waba_id, t.name, t.language): t for t in state.templates.values()}

    def serial(self) -> int:
        self.state.serial += 1
        return self.state.serial

    def decimal_id(self) -> str:
        return str(self.serial() % 10**15 + 10**15)

    def wamid(self, user: str, *, from_business: bool) -> str:
        """A message id in the form of Meta's: opaque base64 that starts with the user's number."""
        mixed = (self.serial() * 0x9E3779B97F4A7C15F39D) % 16**20
        who = user.encode()[:64]
        inner = b"\x1c\x18%c%b\x15\x02\x00%c\x18\x14%020X\x00" % (len(who), who, 0x11 if from_business else 0x12, mixed)
        return "wamid." + base64.b64encode(inner).decode()

    def number(self, number_id: str | None) -> Number:
        """The number with this id; the first one when None. Raises NotFound."""
        if number_id is None:
            return next(iter(self.state.numbers.values()))
        if found := self.state.numbers.get(number_id):
            return found
        raise NotFound(f"There is no number {number_id} in the sandbox; GET /control/state lists them.")

    def person(self, person_id: str) -> Person:
        if found := self.state.people.get(person_id):
            return found
        raise NotFound(f"There is no person {person_id} in the sandbox; GET /control/people lists them.")

    def message(self, wamid: str) -> Message:
        if found := self.state.messages.get(wamid):
            return found
        raise NotFound(f"There is no message {wamid} in the sandbox.")

    def business_of(self, number: Number) -> str:
        return self.state.wabas[number.waba_id].business_id

    def bsuid(self, person: Person, business_id: str) -> str:
        """The id this business knows the person by; another business gets another one (Meta: one per portfolio and user)."""
        if not (known := person.bsuids.get(business_id)):
            known = f"US.{self.serial() % 10**13 + 10**13:014d}{int(business_id[-6:] or 0) if business_id[-6:].isdigit() else 0:06d}"
            self.name_bsuid(person, business_id, known)
        return known

    def name_bsuid(self, person: Person, business_id: str, bsuid: str) -> None:
        if old := person.bsuids.get(business_id):
            self.by_bsuid.pop(old, None)
        person.bsuids[business_id] = bsuid
        self.by_bsuid[bsuid] = person

    def name_phone(self, person: Person, phone: str | None) -> None:
        if person.phone:
            self.by_phone.pop(person.phone, None)
        person.phone = phone
        if phone:
            self.by_phone[phone] = person

    def chat(self, number_id: str, person_id: str) -> Chat:
        key = f"{number_id}/{person_id}"
        if not (chat := self.state.chats.get(key)):
            chat = self.state.chats[key] = Chat(number_id=number_id, person_id=person_id)
        return chat

    def chats_of(self, person: Person) -> Iterator[Chat]:
        return (chat for chat in list(self.state.chats.values()) if chat.person_id == person.id)

    def keep(self, message: Message) -> None:
        self.state.messages[message.id] = message
        if message.person_id:
            self.chat(message.number_id, message.person_id).messages.append(message.id)

    def knows_phone(self, chat: Chat, person: Person, now: float) -> bool:
        """Whether the business sees this person's phone number (Meta hides it for username accounts it has not talked with by phone)."""
        if person.phone is None or person.phone_visible == "never":
            return False
        return person.phone_visible == "always" or not person.username or chat.phone_known_until > now

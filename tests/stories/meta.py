"""Meta's side of the webhook door: events as Meta writes them, signed with an app's secret, posted."""

import asyncio
import hashlib
import hmac
import io
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from cast import NUMBER, until

from dragoman.accounts import numbers

WABA = "102290000000001"


class Names(NamedTuple):
    """What a webhook calls a person."""

    phone: str | None = None
    bsuid: str | None = None
    name: str | None = None
    username: str | None = None

    @classmethod
    def of(cls, phone):
        """Everything that WhatsApp knows of somebody in the sandbox."""
        person = phone.person
        return cls(person["phone"] and person["phone"].removeprefix("+"), person["bsuid"], person["name"], person["username"])

    def card(self):
        """The entry of contacts[]."""
        profile = {"name": self.name, "username": self.username}
        return _without_none(wa_id=self.phone, user_id=self.bsuid, profile=_without_none(**profile) or None)

    def sender(self):
        return _without_none(**{"from": self.phone, "from_user_id": self.bsuid})


DANA = Names("15550007890", "US.13491200000000000001", "Dana")
ZOE = Names(None, "US.13491200000000000077", "Zoë", "zoe.k")


@dataclass
class Meta:
    """One app: what it signs with, and the door of the server it posts to."""

    lumen: Any
    secret: str
    app_id: str = "sandbox"

    @classmethod
    def of(cls, lumen):
        """The sandbox's own app, to which Lumen's number belongs."""
        return cls(lumen, lumen.services.vault.derive("sandbox", "app secret").hex())

    @classmethod
    async def app(cls, lumen, organisation_id, app_id, secret):
        """Another app, added as `dragoman apps add` does; again with another secret, it is a rotation."""
        services = lumen.services
        await numbers.add_app(
            services.db, services.vault, services.clock, organisation_id, app_id=app_id, app_secret=secret, verify_token=f"verify {app_id}"
        )
        return cls(lumen, secret, app_id)

    @property
    def door(self):
        return f"{self.lumen.url}/webhooks/whatsapp/{self.app_id}"

    async def number(self, organisation_id, phone_number_id, display_number):
        """A number of this app, as `dragoman numbers add` adds it."""
        services = self.lumen.services
        new = numbers.NewNumber(
            app_id=self.app_id, phone_number_id=phone_number_id, waba_id=WABA, display_number=display_number, access_token="a token"
        )
        return await numbers.add_number(services.db, services.vault, services.clock, organisation_id, new)

    async def posts(self, body, *, signature=None, headers=None):
        """Post a body (bytes, or what JSON is made of) with its signature; the status."""
        data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        headers = {
            "X-Hub-Signature-256": sign(data, self.secret) if signature is None else signature,
            "Content-Type": "application/json",
            **(headers or {}),
        }
        async with self.lumen.session.post(self.door, data=io.BytesIO(data), headers=headers) as answer:
            await answer.read()
            return answer.status

    async def posts_all(self, *bodies):
        """All at the same time."""
        return await asyncio.gather(*(self.posts(body) for body in bodies))


def sign(data, secret):
    return "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def message(lumen, wamid, person, **more):
    """An element of messages[]: a text "Hello" of this moment unless `more` says otherwise."""
    text = {"text": {"body": "Hello"}} if more.get("type", "text") == "text" else {}
    item = {**person.sender(), "id": wamid, "timestamp": str(int(lumen.services.clock.timestamp())), "type": "text", **text, **more}
    return {key: value for key, value in item.items() if value is not None}


def said(lumen, wamid, text, person, **more):
    return message(lumen, wamid, person, text={"body": text}, **more)


def system(lumen, wamid, person, kind, **news):
    """What WhatsApp tells about a person's number or user id."""
    return message(lumen, wamid, person, type="system", system={"type": kind, "body": "…", **news})


def value(*items, people=(), number=NUMBER, key="messages", **more):
    """The value of one change: messages, or statuses, of one number."""
    metadata = {"display_phone_number": "15550001234", "phone_number_id": number}
    rest = {"contacts": [person.card() for person in people]} if people else {}
    return {"messaging_product": "whatsapp", "metadata": metadata, **rest, key: list(items), **more}


def entry(*values, field="messages"):
    return {"id": WABA, "changes": [{"field": field, "value": one} for one in values]}


def webhook(*entries):
    return {"object": "whatsapp_business_account", "entry": list(entries)}


def words(*items, people=(DANA,), number=NUMBER):
    """The plain webhook: one entry, one change, these messages."""
    return webhook(entry(value(*items, people=people, number=number)))


async def counted(lumen, metric, url=None):
    """What /metrics says of one sample, labels included; 0 when it was never counted. `url`: of another process."""
    async with lumen.session.get(f"{url or lumen.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{metric} ", metric + "{")))


async def everything(lumen):
    """How many rows there are of all that a webhook can leave behind."""
    tables = ("messages", "conversations", "contacts", "contact_identities", "statuses", "kept_events", "media", "contact_merges")
    query = " union all ".join(f"select '{table}' as name, count(*) as n from {table}" for table in tables)
    return {row["name"]: row["n"] for row in await lumen.rows(query) if row["n"]}


async def unread(lumen):
    [row] = await lumen.rows("select sum(unread) as total from conversations")
    return row["total"]


async def rested(lumen):
    """Wait until no conversation has anything left to do, now or later."""

    async def idle():
        return not await lumen.rows("select 1 from conversations where due_at is not null or lease_until is not null")

    await until(idle, "every conversation rests")


async def texts(lumen):
    """Every customer message in the store, in the order of its conversation."""
    rows = await lumen.rows("select content ->> 'text' as text from messages where direction = 'in' order by conversation_id, seq")
    return [row["text"] for row in rows]


async def contact(lumen, **names):
    """The contact that the identities name, as `kind="value"`."""
    found = await lumen.rows(
        """select distinct k.* from contact_identities i join contacts k on k.organisation_id = i.organisation_id and k.id = i.contact_id
           where (i.kind, i.value) in (select * from unnest(%(kinds)s::text[], %(values)s::text[]))""",
        kinds=list(names),
        values=list(names.values()),
    )
    assert len(found) == 1, f"{names} name {len(found)} contacts"
    return found[0]


def _without_none(**values):
    return {key: value for key, value in values.items() if value is not None}

"""Rows for tests that read: a business, its numbers, its customers, and what they said, put straight into the tables."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from dragoman.agents.knowledge import bases, documents
from dragoman.ids import new_id

DANA_PHONE = "15550007890"
DANA_BSUID = "US.13491200000000000001"
LUMEN_NUMBER = "15550001234"


class Bakery(NamedTuple):
    """Bakery Lumen on an ordinary day: Echo answers on its number, and Dana has a conversation in which nothing was said yet."""

    echo: UUID
    number: UUID
    dana: UUID
    chat: UUID


class Story:
    """Writes for one organisation. Every verb returns the id of the row it made; `clock` is moved to let time pass."""

    def __init__(self, database, clock, organisation_id):
        self.database, self.clock, self.organisation_id = database, clock, organisation_id

    async def bakery(self):
        echo = await self.agent()
        number = await self.number(agent_id=echo)
        dana = await self.contact(bsuid=DANA_BSUID)
        return Bakery(echo, number, dana, await self.conversation(number, dana, agent_id=echo))

    async def put(self, table, **values):
        row = {"organisation_id": self.organisation_id, "id": new_id(), **values}
        row = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in row.items()}
        columns = ", ".join(row)
        await self.database.execute(f"insert into {table} ({columns}) values ({', '.join(f'%({name})s' for name in row)})", row)
        return row["id"]

    async def agent(self, name="Echo"):
        now = self.clock.now()
        return await self.put("agents", kind="byoa", name=name, webhook_url="https://echo.example/hook", created_at=now, updated_at=now)

    async def number(self, display_number=LUMEN_NUMBER, *, agent_id=None, is_sandbox=False):
        now, app_id = self.clock.now(), f"app-{uuid4()}"
        await self.put("apps", app_id=app_id, app_secret=b"", verify_token=b"", created_at=now)
        return await self.put(
            "numbers",
            app_id=app_id,
            phone_number_id=f"pn-{uuid4()}",
            waba_id="102290000000001",
            display_number=display_number,
            access_token=b"",
            is_sandbox=is_sandbox,
            routing="agent" if agent_id else None,
            agent_id=agent_id,
            created_at=now,
        )

    async def contact(self, name="Dana", *, phone=DANA_PHONE, bsuid=None, username=None):
        now = self.clock.now()
        contact_id = await self.put(
            "contacts", profile_name=name, phone=phone, bsuid=bsuid, username=username, created_at=now, updated_at=now
        )
        for kind, value in (("phone", phone), ("bsuid", bsuid), ("username", username)):
            if value:
                await self.database.execute(
                    "insert into contact_identities (organisation_id, kind, value, contact_id, first_seen_at) values (%s, %s, %s, %s, %s)",
                    [self.organisation_id, kind, value, contact_id, now],
                )
        return contact_id

    async def conversation(self, number_id, contact_id, *, agent_id=None, **values):
        now = self.clock.now()
        owner = "agent" if agent_id else "nobody"
        made = {
            "number_id": number_id,
            "contact_id": contact_id,
            "agent_id": agent_id,
            "owner": owner,
            "created_at": now,
            "updated_at": now,
        }
        return await self.put("conversations", **{**made, **values})

    async def memory_key(self, agent_id, key="bread", **config):
        """What an agent keeps about each customer, as `agents.memory.keys` has it."""
        now, config = self.clock.now(), {"key": key, "type": "string", "initialValue": "", "whenToUpdate": "", **config}
        place = {"agent_id": agent_id, "kind": "memory_keys", "position": 0}
        return await self.put("capabilities", **place, config=config, created_at=now, updated_at=now)

    async def api_tool(self, agent_id, url="https://127.0.0.1/orders/{order}"):
        """An order's status, asked at an address that is never called."""
        now, order = self.clock.now(), {"type": "string", "input": {"type": "description", "description": "Its number"}}
        config = {"name": "Order status", "description": "", "apiSchema": {"url": url, "method": "GET", "path_params": {"order": order}}}
        return await self.put("capabilities", agent_id=agent_id, kind="tools", position=0, config=config, created_at=now, updated_at=now)

    async def hears(self, conversation_id, content, **values):
        """The customer says something: text, or a whole content."""
        content = {"type": "text", "text": content} if isinstance(content, str) else content
        now = self.clock.now()
        window = {"window_until": now + timedelta(hours=24), "last_inbound_at": now}
        made = {"direction": "in", "author": "customer", "type": content["type"], "state": "received", "wamid": f"wamid.{uuid4()}"}
        return await self._message(conversation_id, content, {**made, **values}, unread=1, **window)

    async def hears_file(self, conversation_id, kind, mime_type, *, caption="", voice=False, state="ready", **values):
        file = {"id": "1", "kind": kind, "mime_type": mime_type, "voice": voice}
        message_id = await self.hears(conversation_id, {"type": kind, "text": caption, "media": [file]})
        place = {"message_id": message_id, "conversation_id": conversation_id, "graph_id": "1", "created_at": self.clock.now()}
        return await self.put("media", kind=kind, mime_type=mime_type, state=state, **place, **values)

    async def says(self, conversation_id, content, **values):
        """The business says something."""
        content = {"type": "text", "body": content} if isinstance(content, str) else content
        made = {"direction": "out", "author": "agent", "type": content["type"], "state": "sent", "wamid": f"wamid.{uuid4()}", "attempts": 1}
        return await self._message(conversation_id, content, {**made, **values})

    async def turn(self, bakery, through_seq=1, *, state="answered", closed=True, **values):
        """Echo is asked about the messages up to `through_seq`."""
        now, turn_id = self.clock.now(), new_id()
        made = {"from_seq": through_seq, "epoch": 0, "attempts": 1, "callback_hash": turn_id.bytes, "callback_until": now, "opened_at": now}
        closing = {"state": state, "closed_at": now} if closed else {}
        place = {"conversation_id": bakery.chat, "agent_id": bakery.echo, "through_seq": through_seq}
        return await self.put("turns", **{"id": turn_id, **place, **made, **closing, **values})

    async def calls(self, bakery, turn_id, attempt=1, *, outcome="answered", status=200, **values):
        """Echo's webhook is called."""
        made = {
            "url": "https://echo.example/hook",
            "started_at": self.clock.now(),
            "duration_ms": 312,
            "outcome": outcome,
            "status": status,
        }
        place = {"turn_id": turn_id, "agent_id": bakery.echo, "conversation_id": bakery.chat}
        return await self.put("deliveries", **{"attempt": attempt, **place, **made, **values})

    async def attempts(self, bakery, message_id, outcome="accepted", **values):
        """A message is handed to WhatsApp."""
        now = self.clock.now()
        place = {"message_id": message_id, "conversation_id": bakery.chat}
        return await self.put("send_attempts", **{**place, "started_at": now, "ended_at": now, "outcome": outcome, **values})

    async def hears_status(self, bakery, message_id, status, **values):
        now = self.clock.now()
        place = {"number_id": bakery.number, "message_id": message_id, "wamid": f"wamid.{message_id}"}
        return await self.put("statuses", **{**place, "status": status, "said_at": now, "received_at": now, **values})

    async def hands_over(self, bakery, owner, epoch=1, reason="asked for"):
        return await self.put("transfers", conversation_id=bakery.chat, owner=owner, epoch=epoch, reason=reason, at=self.clock.now())

    async def _message(self, conversation_id, content, values, unread=0, **conversation):
        now = self.clock.now()
        changes = {"last_message_at": now, "updated_at": now, **conversation}
        assignments = ", ".join(f"{name} = %({name})s" for name in changes)
        row = await self.database.fetch_one(
            f"update conversations set last_seq = last_seq + 1, unread = unread + %(unread)s, {assignments} "
            "where organisation_id = %(organisation_id)s and id = %(id)s returning last_seq, number_id",
            {**changes, "unread": unread, "organisation_id": self.organisation_id, "id": conversation_id},
        )
        place = {
            "conversation_id": conversation_id,
            "seq": row["last_seq"],
            "number_id": row["number_id"],
            "said_at": now,
            "created_at": now,
        }
        return await self.put("messages", content=content, **{**place, **values})

    async def connector(self, slug="crm"):
        """One at which somebody would have to sign in, at an address where nobody is."""
        now = self.clock.now()
        where = {"name": "CRM", "description": "", "slug": slug, "url": "https://127.0.0.1/mcp", "auth": "oauth"}
        return await self.put("connectors", **where, status="needs_authorization", created_at=now, updated_at=now)

    async def native(self, agent_id, conversation_id, contact_id, turn_id):
        """What a native agent leaves behind: a provider's name, a follow-up, a session, a call that waits for a person."""
        now, place = self.clock.now(), {"agent_id": agent_id, "conversation_id": conversation_id}
        provider = f"lab-{uuid4().hex[:8]}"
        await self.provider(provider, now)
        wakeup = await self.put("wakeups", **place, source="prompt", at=now + timedelta(hours=1), instruction="Ask.", created_at=now)
        session = await self.put("sessions", **place, contact_id=contact_id, from_seq=1, opened_at=now)
        held = {"turn_id": turn_id, "contact_id": contact_id, "position": 0, "call_id": "c1", "tool": "refund", "type": "api", "args": {}}
        call = await self.put("tool_calls", **place, **held, acts=True, state="held", asked="person", started_at=now)
        return provider, wakeup, session, call

    async def provider(self, name, now):
        values = {"organisation_id": self.organisation_id, "name": name, "now": now}
        await self.database.execute(
            "insert into model_providers values (%(organisation_id)s, %(name)s, 'openai', 'https://127.0.0.1/v1', null, %(now)s, %(now)s)",
            values,
        )

    async def erasure(self):
        """Of somebody of whom there is nothing else."""
        ids = {name: [] for name in ("contacts", "conversations", "turns", "names", "objects")}
        return await self.put("erasures", contact_id=new_id(), **ids, counts={"messages": 3}, asked_at=self.clock.now())

    async def document(self, agent_id):
        """A question and its answer, which no job has read yet."""
        base = await bases.own(self.database, self.clock, self.organisation_id, UUID(str(agent_id)))
        return (await documents.add_faq(self.database, self.clock, self.organisation_id, base, "Open?", "Yes.")).id

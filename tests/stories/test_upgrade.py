"""An upgrade from the release before: its database holds open turns and queued messages, and this program is started on it."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from alembic import command as alembic
from alembic.config import Config
from apart import DISPLAY, META, NUMBER, SECRET_KEY, WABA, said_to, serving_program, settled, whatsapp
from cast import Agent, Lumen, Phone
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from stage import serving

from dragoman.accounts import keys
from dragoman.accounts.secrets import Vault
from dragoman.conversations import callback
from dragoman.ids import new_id
from dragoman.store import migrate

BEFORE = "0005"
VAULT = Vault(SECRET_KEY)


def migrated_to(uri, revision):
    config = Config()
    config.set_main_option("script_location", str(migrate.VERSIONS.parent))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(uri), poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.upgrade(config, revision)


class OldHouse:
    """Lumen's house as the release before left it, put together by plain SQL."""

    def __init__(self, connection):
        self.connection = connection
        self.organisation = new_id()
        self.number, self.agent = new_id(), new_id()

    def add(self, table, **values):
        values = {"organisation_id": self.organisation, **values}
        names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
        self.connection.execute(f"insert into {table} ({names}) values ({marks})", values)

    def sealed(self, text, table, column, row):
        return VAULT.seal(text.encode(), str(self.organisation), table, column, str(row))

    def furnish(self, agent_url, key):
        self.connection.execute("insert into organisations (id, name, created_at) values (%s, 'Lumen', now())", [self.organisation])
        self.add("api_keys", id=new_id(), prefix=key[:17], name="Till", key_hash=VAULT.hash(key, keys.PURPOSE), created_at="now")
        app = {name: self.sealed(META[name], "apps", name, "sandbox") for name in ("app_secret", "verify_token")}
        self.add("apps", id=new_id(), app_id="sandbox", created_at="now", **app)
        secret = self.sealed("whsec_bWFkZSBmb3IgdGhpcyB0ZXN0IG9ubHksIDMyIGJ5dGVz", "agents", "webhook_secret", self.agent)
        made = {"created_at": "now", "updated_at": "now"}
        self.add("agents", id=self.agent, kind="byoa", name="Echo", webhook_url=f"{agent_url}/hook", webhook_secret=secret, **made)
        self.add(
            "numbers",
            id=self.number,
            app_id="sandbox",
            phone_number_id=NUMBER,
            waba_id=WABA,
            display_number=DISPLAY.strip("+"),
            access_token=self.sealed(META["access_token"], "numbers", "access_token", NUMBER),
            routing="agent",
            agent_id=self.agent,
            created_at="now",
        )

    def conversation(self, phone, wamid, text, **more):
        """A customer who has written once; what was to be done next is in `more`."""
        contact, conversation = new_id(), new_id()
        digits = phone.person["phone"].strip("+")
        self.add("contacts", id=contact, profile_name=phone.person["name"], phone=digits, created_at="now", updated_at="now")
        known = {"contact_id": contact, "first_seen_at": "now"}
        self.add("contact_identities", kind="phone", value=digits, **known)
        self.add("contact_identities", kind="bsuid", value=phone.person["bsuid"], **known)
        state = {"last_seq": 1, "wanted_seq": 1, "window_until": "tomorrow", "last_inbound_at": "now", "last_inbound_wamid": wamid}
        about = {"number_id": self.number, "contact_id": contact, "agent_id": self.agent, "routing": "agent"}
        self.add(
            "conversations", id=conversation, **about, **state | {"last_message_at": "now", "created_at": "now", "updated_at": "now"} | more
        )
        content = f'{{"type": "text", "text": "{text}"}}'
        said = {"type": "text", "content": content, "wamid": wamid, "state": "received", "wants_answer": True}
        self.message(conversation, 1, direction="in", author="customer", **said)
        return conversation

    def message(self, conversation, seq, **more):
        message = new_id()
        self.add(
            "messages", id=message, conversation_id=conversation, seq=seq, number_id=self.number, said_at="now", created_at="now", **more
        )
        return message

    def reply(self, conversation, text, state, **more):
        content = f'{{"type": "text", "body": "{text}"}}'
        return self.message(conversation, 2, direction="out", author="api", type="text", content=content, state=state, **more)

    def turn(self, conversation, turn_id):
        times = {"callback_until": "tomorrow", "opened_at": "now"}
        about = {"conversation_id": conversation, "agent_id": self.agent, "epoch": 0, "from_seq": 1, "through_seq": 1, "attempts": 1}
        self.add("turns", id=turn_id, callback_hash=callback.digest(VAULT, turn_id), **about, **times)


@pytest.fixture
async def agent():
    agent = Agent()
    async with serving(agent.handle) as agent.url:
        yield agent


async def test_what_was_under_way_is_brought_to_its_end_by_the_new_release(agent, session, empty_database_uri, tmp_path):
    await asyncio.to_thread(migrated_to, empty_database_uri, BEFORE)
    _, key = keys._fresh()
    async with whatsapp() as outside:
        lumen = Lumen(f"http://127.0.0.1:{outside.port}", key, session, None, None, sandbox_url=outside.url)
        people = [await Phone.of(lumen, name=name) for name in ("Dana", "Zoë", "Emil", "Finn", "Gus")]
        wamids = [await phone.says(f"I am {phone.person['name']}") for phone in people]  # WhatsApp will try all of these again
        turn = furnished(empty_database_uri, agent.url, key, people, wamids)
        async with serving_program(outside.port, outside.settings(empty_database_uri, tmp_path), tmp_path / "server.log") as program:
            await lumen.skip(minutes=5)
            await settled(empty_database_uri, received=5)
            dana, zoe, emil, finn, gus = people
            assert await dana.hears_text() == ["You said: I am Dana"]  # had not been asked
            assert await zoe.hears_text() == ["You said: I am Zoë"]  # had been asked once, in vain
            assert await emil.hears_text() == ["Your order is ready"]  # was queued
            assert await finn.heard() == []  # was being sent as the old process died: nobody can tell, so it is not sent again
            assert (await lumen.messages("Finn"))[-1]["delivery"]["state"] == "unknown"
            assert await gus.hears_text() == ["You said: I am Gus"]  # reached nobody until now
            retried = [
                headers["webhook-id"]
                for headers, told in zip(agent.headers, agent.deliveries, strict=True)
                if told["message"] == "I am Zoë"
            ]
            assert len(retried) == 1
            assert UUID(turn).hex in retried[0].replace("-", "")
            assert program.terminate() == 0
        assert set((await said_to(lumen)).values()) == {1}
    assert await migrate.current(empty_database_uri) == migrate.revisions()[-1]


def furnished(uri, agent_url, key, people, wamids):
    """Four of five customers are known, each at another point of the way; the id of the open turn."""
    with psycopg.connect(uri) as connection:
        house, turn, attempt = OldHouse(connection), new_id(), new_id()
        house.furnish(agent_url, key)
        text = [f"I am {phone.person['name']}" for phone in people]
        house.conversation(people[0], wamids[0], text[0], think_at="now")
        died = {"worker_id": new_id(), "lease_until": "now", "fence": 7}
        house.turn(house.conversation(people[1], wamids[1], text[1], turn_id=turn, think_at="now", **died), turn)
        answered = {"answered_seq": 1, "last_seq": 2, "queued_seq": 2, "send_at": "now"}
        house.reply(house.conversation(people[2], wamids[2], text[2], **answered), "Your order is ready", "queued")
        finn = house.conversation(people[3], wamids[3], text[3], **answered, **died)
        message = house.reply(finn, "Your cake is ready", "sending", attempt_id=attempt, attempts=1)
        house.add("send_attempts", id=attempt, message_id=message, conversation_id=finn, started_at="now")
    return str(turn)

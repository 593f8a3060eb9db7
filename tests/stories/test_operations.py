"""Operating it: web and worker as processes of their own, what stops a start, commands beside a running server."""

import asyncio
import re
from collections import Counter

import pytest
from cast import Lumen, Phone, until
from program import Program, living, own_folder, run
from stage import free_port

from dragoman.accounts import keys, organisations
from dragoman.accounts.secrets import Vault

SECRET_KEY = "a secret key for tests, of more than 32 characters"
NUMBER = {
    "--phone-number-id": "106540352242922",
    "--waba-id": "102290129340398",
    "--display-number": "+15550004321",
    "--access-token": "EAAG-token",
    "--app-id": "4711",
}
GUESTS, EACH = 12, 4


@pytest.fixture
def settings(database_uri, tmp_path):
    """What all processes of an installation share; the web process plays WhatsApp, too."""
    shared = {"database_url": database_uri, "secret_key": SECRET_KEY, "data_dir": tmp_path, "graph_url": "sandbox"}
    return shared | {"public_url": f"http://127.0.0.1:{free_port()}", "allow_private_urls": "127.0.0.0/8", "api_rate_limit": 100_000}


@pytest.fixture
async def lumen(settings, database, clock, session, tmp_path):
    """The web process."""
    port = settings["public_url"].rpartition(":")[2]
    web = Program(port, settings, tmp_path / "web.log", "--role", "web")
    await web.start()
    organisation_id = await organisations.default(database, clock)
    _, key = await keys.create(database, Vault(SECRET_KEY), clock, organisation_id, "Till")
    yield Lumen(web.url, key, session, None, organisation_id)
    assert web.terminate() == 0


@pytest.fixture
def worker(lumen, settings, tmp_path):
    """Makes worker processes."""
    made = []

    def worker():
        made.append(Program(free_port(), settings, tmp_path / f"worker-{len(made)}.log", "--role", "worker"))
        return made[-1]

    yield worker
    for program in made:
        if program.process.poll() is None:
            program.kill()


async def test_what_comes_in_at_one_process_is_answered_by_another(lumen, echo, dana, worker):
    async def received():
        return (await lumen.get("/conversations/"))["count"]

    await dana.says("Good morning")
    await until(received, "the message is taken in")
    assert echo.deliveries == []  # there is no worker yet
    await worker().start()
    assert await dana.hears_text() == ["You said: Good morning"]
    await dana.says("Is there rye bread?")  # and now it is woken up
    assert await dana.hears_text(2) == ["You said: Good morning", "You said: Is there rye bread?"]


async def test_a_worker_that_is_stopped_under_load_hands_over_and_nothing_is_lost_or_doubled(lumen, echo, worker, database):
    async def thoughtful(delivery):
        await asyncio.sleep(0.05)
        return {"content": f"You said: {delivery['message']}"}

    async def writes(guest):
        for n in range(EACH):
            await guest.says(f"{guest.person['name']}, line {n}")

    async def settled():
        rows = await database.fetch("select state, count(*) as n from messages where direction = 'out' group by 1")
        return sum(row["n"] for row in rows) == GUESTS * EACH and not {row["state"] for row in rows} & {"queued", "sending"}

    echo.answer = thoughtful
    guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(GUESTS)]
    first, second = worker(), worker()
    await first.start()
    writing = [asyncio.create_task(writes(guest)) for guest in guests]
    await until(lambda: len(echo.deliveries) > GUESTS, "the worker is at work")
    stopping = asyncio.create_task(asyncio.to_thread(first.terminate))
    await second.start()
    assert await stopping == 0
    await asyncio.gather(*writing)
    await until(settled, "every message is answered")

    said = Counter(entry["body"]["text"]["body"] for entry in await lumen.ledger())
    assert said == Counter(f"You said: Guest {guest}, line {n}" for guest in range(GUESTS) for n in range(EACH))
    asked = Counter(delivery["message"] for delivery in echo.deliveries)
    assert set(asked.values()) == {1}  # what the first had begun it brought to its end
    received = await database.fetch(
        """select k.name, array_agg(m.content ->> 'text' order by m.seq) as texts
           from messages m join conversations c on c.id = m.conversation_id join contacts k on k.id = c.contact_id
           where m.direction = 'in' group by 1"""
    )
    in_order = {row["name"]: [f"You said: {text}" for text in row["texts"]] for row in received}
    assert {guest.person["name"]: await guest.hears_text(EACH) for guest in guests} == in_order


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"databse_url": "x"}, "DRAGOMAN_DATABSE_URL is not a setting of Dragoman. Known: DRAGOMAN_ALLOW_PRIVATE_URLS, "),
        ({"lease_seconds": "long"}, "DRAGOMAN_LEASE_SECONDS: input should be a valid number"),
        ({"allow_private_urls": "10.0.0.0/8,lan"}, "DRAGOMAN_ALLOW_PRIVATE_URLS: 'lan' does not appear to be an IPv4 or IPv6 network"),
        ({"graph_url": "Sandbox"}, "DRAGOMAN_GRAPH_URL: must be an address that starts with http:// or https:// (or the word sandbox)"),
        ({"public_url": "wa.example.com"}, "DRAGOMAN_PUBLIC_URL: must be an address that starts with http:// or https://"),
        ({"media_url": "ftp://files.example"}, "DRAGOMAN_MEDIA_URL: must start with file:/// or s3://"),
        ({"secret_key": ""}, "DRAGOMAN_SECRET_KEY is not set. An external database needs it"),
        ({"secret_key": "short"}, "DRAGOMAN_SECRET_KEY is shorter than 32 characters"),
        ({"database_url": "postgresql://nobody@127.0.0.1:1/none"}, "the database cannot be used: connection failed"),
        ({"database_url": "bakery"}, 'the database cannot be used: missing "="'),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_one_line(settings, wrong, complaint):
    code, out, said = await run("serve", "--port", str(free_port()), **settings | wrong)
    assert (code, out, said.count("\n")) == (1, "", 1)
    assert said.startswith(f"dragoman: {complaint}")
    assert SECRET_KEY not in said


async def test_a_newer_database_stops_every_start_with_one_line(settings, database):
    await database.execute("update alembic_version set version_num = '9999'")
    for words in (("serve", "--port", str(free_port())), ("serve", "--role", "worker", "--port", str(free_port())), ("keys", "list")):
        code, out, said = await run(*words, **settings)
        assert (code, out, said.count("\n")) == (1, "", 1)
        assert said.startswith("dragoman: The database is at schema 9999, this Dragoman knows schemas up to ")
        assert "restore the backup" in said


async def test_a_second_server_on_the_same_port_stops_with_one_line(lumen, settings):
    port = lumen.url.rpartition(":")[2]
    code, out, said = await run("serve", "--port", port, **settings)
    assert (code, out) == (1, "")
    assert said == f"dragoman: cannot listen on 127.0.0.1 port {port}: address already in use. Choose others with --host and --port\n"
    assert await lumen.get("/phone-numbers/")


async def test_commands_work_beside_a_running_server(lumen, settings):
    async def dragoman(line, *more):
        code, out, complaint = await run(*line.split(), *more, **settings)
        assert (code, complaint) == (0, "")
        return out

    key = (await dragoman("keys create --name Oven")).strip()
    assert (await lumen.call("GET", "/agents/", headers={"X-API-Key": key}))[0] == 200
    assert re.search(r"Oven +\d{4}-\d\d-\d\d \d\d:\d\d +(never|\d{4}).+good", await dragoman("keys list"))
    await dragoman("keys revoke", key[:17])
    assert (await lumen.call("GET", "/agents/", headers={"X-API-Key": key}))[0] == 401

    said = await dragoman("apps add --app-id 4711 --app-secret shh --verify-token rye")
    assert f"{lumen.url}/webhooks/whatsapp/4711" in said
    handshake = {"hub.mode": "subscribe", "hub.verify_token": "rye", "hub.challenge": "1158201444"}
    async with lumen.session.get(f"{lumen.url}/webhooks/whatsapp/4711", params=handshake) as answer:
        assert (answer.status, await answer.text()) == (200, "1158201444")
    await dragoman("numbers add", *(word for pair in NUMBER.items() for word in pair))
    assert "+15550004321" in await dragoman("numbers list")
    assert (await lumen.get("/phone-numbers/15550004321/"))["whatsappPhoneNumberId"] == "106540352242922"

    await dragoman("orgs add Rival")
    rivals = (await dragoman("keys create --name Mallory --org Rival")).strip()
    assert (await lumen.call("GET", "/phone-numbers/", headers={"X-API-Key": rivals})) == (200, [])


async def test_a_killed_server_does_not_keep_its_postgresql_running_for_ever():
    with own_folder() as folder:
        program = Program(free_port(), {"data_dir": folder / "data", "graph_url": "sandbox"}, folder / "server.log")
        await program.start()
        program.kill()
        assert living(folder)
        await program.start()
        assert program.terminate() == 0
        await until(lambda: not living(folder), "its PostgreSQL has ended, too")

"""`dragoman doctor`: each thing is broken once, is found, and the remedy is named."""

import json
import re
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from apart import command
from cast import NUMBER
from program import run
from stage import serving
from till import add_number

from dragoman.accounts import numbers
from dragoman.cli.doctor.command import examine
from dragoman.errors import NotFound

WABA, DISPLAY = "102290000000001", "+15550001234"


async def findings(lumen, clock, number=None, org=None, **changes):
    """What the doctor says: {(about, check): finding}."""
    found = await examine(lumen.services.settings.model_copy(update=changes), clock, number, org)
    return {(finding.about, finding.check): finding for finding in found}


async def ill(lumen, clock, **changes):
    """What is not well, in short: {check: line}."""
    return {f.check: f.line for f in (await findings(lumen, clock, **changes)).values() if f.state != "good"}


def proxy(lumen, answer):
    """What stands at the public address: `answer` for the handshake, the sandbox behind it for the rest."""

    async def pass_on(request):
        if not request.path.startswith("/sandbox"):
            return await answer()
        token = {"Authorization": request.headers["Authorization"]}
        async with lumen.session.get(f"{lumen.url}{request.path_qs}", headers=token) as told:
            return web.Response(status=told.status, body=await told.read(), content_type="application/json")

    return pass_on


async def graph(lumen, method, path, body=None):
    """Graph as the business itself may call it."""
    services = lumen.services
    token = await numbers.token(services.db, services.vault, lumen.organisation_id, NUMBER)
    if path.startswith("sandbox/"):
        app = await numbers.app_by_id(services.db, services.vault, "sandbox")
        token = f"sandbox|{app.secrets[0].decode()}"
        body |= {"verify_token": app.verify_token}
    headers = {"Authorization": f"Bearer {token}"}
    async with lumen.session.request(method, f"{lumen.url}/sandbox/graph/v26.0/{path}", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def test_all_is_well(lumen, clock):
    found = await findings(lumen, clock)
    assert {finding.state for finding in found.values()} == {"good"}
    assert {finding.remedy for finding in found.values()} == {""}
    checks = "settings disk database search schema secret key worker app secret webhook public URL clock "
    checks += "sending statuses token permissions registration quality name subscription"
    assert " ".join(check for _, check in found) == checks


async def expired(lumen):
    await lumen.control("POST", "/tokens/expire", {})


async def without_permission(lumen):
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "scopes": ["whatsapp_business_messaging"]})


async def not_registered(lumen):
    await graph(lumen, "POST", f"{NUMBER}/deregister")


async def taken_away(lumen):
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "status": "BANNED"})


async def limited(lumen):
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "status": "RESTRICTED"})


async def disliked(lumen):
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "quality": "RED"})


async def misnamed(lumen):
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "name_status": "DECLINED"})


async def not_subscribed(lumen):
    await graph(lumen, "DELETE", f"{WABA}/subscribed_apps")


async def sent_elsewhere(lumen):
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "callback_url": "https://old.example/hook"})


async def without_the_field(lumen):
    where = f"{lumen.url}/webhooks/whatsapp/sandbox"
    await graph(
        lumen, "POST", "sandbox/subscriptions", {"object": "whatsapp_business_account", "callback_url": where, "fields": "account_update"}
    )


async def overridden(lumen):
    hook = {"override_callback_uri": "https://old.example/hook", "verify_token": "x"}
    await graph(lumen, "POST", NUMBER, {"webhook_configuration": hook})


async def account_overridden(lumen):
    async def old(request):
        return web.Response(text=request.query["hub.challenge"])

    async with serving(old) as url:
        await graph(lumen, "POST", f"{WABA}/subscribed_apps", {"override_callback_uri": url, "verify_token": "x"})


async def wrong_secret(lumen):
    services = lumen.services
    app = await numbers.app_by_id(services.db, services.vault, "sandbox")
    known = {"app_id": "sandbox", "app_secret": "mistyped", "verify_token": app.verify_token}
    await numbers.add_app(services.db, services.vault, services.clock, lumen.organisation_id, **known)


async def wrong_token(lumen):
    await add_number(lumen, access_token="EAAG-mistyped", phone_number_id=NUMBER)


async def wrong_account(lumen):
    token = await numbers.token(lumen.services.db, lumen.services.vault, lumen.organisation_id, NUMBER)
    await add_number(lumen, access_token=token, waba_id="102290000000009", phone_number_id=NUMBER)


async def another_account_of_the_same_owner(lumen):
    token = await numbers.token(lumen.services.db, lumen.services.vault, lumen.organisation_id, NUMBER)
    await lumen.control("POST", "/numbers", {"waba_id": "102290000000009", "access_token": token})
    await add_number(lumen, access_token=token, waba_id="102290000000009", phone_number_id=NUMBER)


async def paused(lumen):
    await lumen.services.db.execute("update numbers set paused_reason = 'WhatsApp refused the access token.'")


async def without_vectors(lumen):
    await lumen.services.db.execute("drop extension vector cascade")


@pytest.mark.parametrize(
    ("broken", "check", "said"),
    [
        (expired, "token", ("✗ token: Meta refuses it: ", "expired", "dragoman numbers add --phone-number-id 106540000000001 ")),
        (
            wrong_token,
            "token",
            ("✗ token: Meta refuses it: Invalid OAuth access token", "a token of a system user with whatsapp_business_"),
        ),
        (without_permission, "permissions", ("✗ permissions: the token lacks whatsapp_business_management", "dragoman numbers add ")),
        (wrong_account, "permissions", ("✗ permissions: ", "not for account 102290000000009", "Business settings")),
        (another_account_of_the_same_owner, "subscription", ("✗ ", "is not in account 102290000000009", "WhatsApp Manager", "--waba-id")),
        (not_registered, "registration", ("✗ registration: not registered", "DISCONNECTED", f"POST /{NUMBER}/register")),
        (taken_away, "registration", ("✗ registration: WhatsApp has taken the number away (BANNED)", "Business Support Home")),
        (limited, "registration", ("! registration: WhatsApp limits the number (RESTRICTED)", "WhatsApp Manager")),
        (disliked, "quality", ("! quality: RED", "write less unasked")),
        (misnamed, "name", ("! name: 'Sandbox' was declined", "ask for another")),
        (not_subscribed, "subscription", ("✗ ", "does not send webhooks to app sandbox", f"POST /{WABA}/subscribed_apps")),
        (account_overridden, "subscription", ("✗ subscription: the account's messages go to http://127.0.0.1", "an empty body")),
        (overridden, "override", ("✗ override: this number's messages go to https://old.example/hook", "clear it: POST ")),
        (sent_elsewhere, "webhook", ("✗ webhook: it goes to https://old.example/hook", "enter http://127.0.0.1", "DRAGOMAN_PUBLIC_URL")),
        (without_the_field, "webhook", ("✗ webhook: the field messages is not subscribed", "switch messages on")),
        (
            wrong_secret,
            "app secret",
            ("✗ app secret: Meta refuses it: Invalid OAuth access token signature", "dragoman apps add --app-id sandbox"),
        ),
        (paused, "sending", ("✗ sending: paused: WhatsApp refused the access token →", "a new token ends the pause")),
        (without_vectors, "search", ("! search: full text alone", "select add_passage_vectors()")),
    ],
)
async def test_what_is_broken_is_found_and_its_remedy_named(lumen, clock, broken, check, said):
    await broken(lumen)
    line = (await ill(lumen, clock))[check]
    assert [words for words in said if words not in line] == [], line
    assert " → " in line


@pytest.mark.parametrize("role", ["web"])
async def test_it_tells_that_no_worker_is_there(lumen, clock):
    assert await ill(lumen, clock) == {
        "worker": "✗ worker: none is alive, so nobody is answered → start one: dragoman serve, or dragoman serve --role worker"
    }


async def test_it_tells_what_is_wrong_with_the_house_itself(lumen, clock, tmp_path, database, monkeypatch):
    said = await ill(lumen, clock, secret_key="another key of more than thirty-two characters")
    assert said["secret key"].startswith("✗ secret key: it does not open what is stored: ")
    assert "put the right key back" in said["secret key"]
    said = await ill(lumen, clock, database_url="postgresql://nobody@127.0.0.1:1/none")
    assert "✗ database: connection failed" in said["database"]
    assert "mend DRAGOMAN_DATABASE_URL" in said["database"]
    said = await ill(lumen, clock, database_url=None, data_dir=tmp_path / "elsewhere")
    assert said["database"].startswith(f"✗ database: there is none in {tmp_path / 'elsewhere'} yet → run this in the server's folder")
    assert not (tmp_path / "elsewhere").exists()  # it looks, and makes nothing
    await database.execute("update alembic_version set version_num = '0005'")
    assert (await ill(lumen, clock))["schema"].startswith("✗ schema: at 0005, this program needs 0")
    await database.execute("update alembic_version set version_num = '9999'")
    assert "use the newer Dragoman" in (await ill(lumen, clock))["schema"]
    full = namedtuple("Usage", "total used free")(100 * 1024**3, 99.9 * 1024**3, 0.1 * 1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: full)
    assert (await ill(lumen, clock))["disk"].startswith("✗ disk: 0.1 GiB of 100.0 GiB are free")


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (502, "no", "answers the handshake with status 502 → let the proxy pass"),
        (403, "", "does not know this verify token → let the proxy lead"),
    ],
)
async def test_it_walks_to_the_public_address_as_meta_does(lumen, clock, status, text, said):
    async def refuse():
        return web.Response(status=status, text=text)

    async with serving(proxy(lumen, refuse)) as url:
        assert said in (await ill(lumen, clock, public_url=url))["public URL"]
    said = await ill(lumen, clock, public_url=url)  # and now nobody is there
    assert "cannot be reached from here" in said["public URL"]
    assert said["Graph API"].startswith("✗ Graph API: the sandbox does not answer: ")


async def test_a_slow_public_address_does_not_make_our_clock_wrong(lumen, clock, monkeypatch):
    taken = timedelta(0)

    async def take_long():
        nonlocal taken
        taken = timedelta(seconds=30)
        return web.Response(status=502)

    monkeypatch.setattr(clock, "real_now", lambda: datetime.now(UTC) + taken)
    async with serving(proxy(lumen, take_long)) as url:
        said = await ill(lumen, clock, public_url=url)
    assert "502" in said["public URL"]
    assert "clock" not in said


async def test_meta_itself_is_asked_in_its_own_shapes(lumen, clock):
    """A server that answers as Meta's documentation shows it, with what the sandbox does not have."""
    soon = int((clock.real_now() + timedelta(days=3)).timestamp())
    token = {
        "app_id": "sandbox",
        "type": "USER",
        "application": "Lumen",
        "data_access_expires_at": soon,
        "expires_at": soon,
        "is_valid": True,
        "issued_at": 1,
        "scopes": ["whatsapp_business_management", "whatsapp_business_messaging", "public_profile"],
        "granular_scopes": [{"scope": "whatsapp_business_management"}, {"scope": "whatsapp_business_messaging", "target_ids": [WABA]}],
        "user_id": "1",
    }
    hook = {
        "object": "whatsapp_business_account",
        "callback_url": "x",
        "active": True,
        "fields": [{"name": "messages", "version": "v26.0"}],
    }
    answers = {
        "debug_token": {"data": token},
        NUMBER: {"id": NUMBER, "display_phone_number": "+1 555-000-9999", "quality_rating": "UNKNOWN", "platform_type": "CLOUD_API"},
        "sandbox/subscriptions": {"data": [{"object": "page", "callback_url": "y", "fields": [{"name": "feed"}]}, hook]},
        f"{WABA}/phone_numbers": {"data": [{"id": NUMBER}], "paging": {"cursors": {"before": "0", "after": "1"}}},
        f"{WABA}/subscribed_apps": {
            "data": [{"whatsapp_business_api_data": {"id": "sandbox", "name": "Lumen", "link": "https://x.example"}}]
        },
    }

    async def meta(request):
        late = format_datetime(clock.real_now() - timedelta(seconds=400), usegmt=True)
        return web.json_response(answers[request.path.removeprefix("/v26.0/")], headers={"Date": late})

    async with serving(meta) as url:
        said = await ill(lumen, clock, graph_url=url)
    assert "valid until " in said.pop("token")
    assert re.match(r"✗ clock: 40\d s ahead of Meta's → let the system keep its time by NTP", said.pop("clock"))
    assert said.pop("display number").startswith("! display number: WhatsApp says +1 555-000-9999")
    assert said.pop("webhook").startswith("✗ webhook: it goes to x")
    assert said.pop("public URL").startswith(f"✗ public URL: {lumen.url} is not https, and Meta calls nothing else → put a proxy with TLS")
    assert said == {}

    async def not_meta(request):
        return web.Response(text="<html>Sign in to the hotel's network</html>")

    async with serving(not_meta) as url:
        said = await ill(lumen, clock, graph_url=url)
    assert "✗ Graph API: no answer: the answer (status 200) is not one of the Graph API → let this machine out to http" in said["Graph API"]


async def test_one_number_or_one_business_can_be_looked_at_alone(lumen, clock, second):
    assert {about for about, _ in await findings(lumen, clock)} == {"installation", "app sandbox", DISPLAY, "+15550005678"}
    for name in ("+1 555 000-5678", "106540000000002"):
        assert {about for about, _ in await findings(lumen, clock, name)} == {"installation", "app sandbox", "+15550005678"}
    with pytest.raises(NotFound, match="dragoman numbers list"):
        await findings(lumen, clock, "+15550000000")


async def test_the_command_prints_one_line_for_each_check_and_says_by_its_exit_code_whether_all_is_well(lumen):
    settings = lumen.services.settings
    same = {name: getattr(settings, name) for name in ("database_url", "secret_key", "data_dir", "public_url", "graph_url")}
    code, out, complaint = await run("doctor", **same)
    assert (code, complaint) == (0, "")
    assert out.splitlines()[:2] == ["installation", "  ✓ settings: understood"]
    assert [line for line in out.splitlines() if line.startswith("  ") and line[2] != "✓"] == []
    await not_subscribed(lumen)
    code, out, complaint = await command("doctor", "--json", "--number", DISPLAY, **same)
    told = json.loads(out)
    assert (code, complaint, told["ok"]) == (1, "", False)
    assert [(f["about"], f["check"]) for f in told["findings"] if f["state"] == "wrong"] == [(DISPLAY, "subscription")]
    token = await numbers.token(lumen.services.db, lumen.services.vault, lumen.organisation_id, NUMBER)
    assert token not in out
    assert await command("doctor", **same | {"databse_url": "x"}) == (
        1,
        "installation\n  ✗ settings: DRAGOMAN_DATABSE_URL is not a setting of Dragoman. Known: "
        + ", ".join(sorted(f"DRAGOMAN_{name.upper()}" for name in type(settings).model_fields))
        + " → correct the variable\n",
        "",
    )

"""Bakery Lumen makes, changes and retires its agents."""

import asyncio
import json
from uuid import uuid4

import pytest

from dragoman.agents import records

URL = "https://echo.lumen.example/hook"


async def test_a_byoa_agent_needs_only_a_webhook(lumen):
    created = await lumen.post("/agents/byoa/", {"webhookUrl": URL})

    assert created.status == 201
    assert created["name"] == "Agent at echo.lumen.example"
    assert created["byoa"] | {"secret": "", "secretHint": ""} == {
        "webhookUrl": URL,
        "timeoutSeconds": 15,
        "retryDelays": [2, 10, 30, 120, 600],
        "burst": "each",
        "automaticTurns": None,
        "fallbackMessage": None,
        "resend": "never_resend",
        "disabledAt": None,
        "disabledCause": None,
        "secret": "",
        "secretHint": "",
    }


async def test_a_byoa_agent_takes_a_name_and_our_options(lumen):
    options = {"timeoutSeconds": 40, "retryDelays": [1, 2.5], "burst": "merge", "fallbackMessage": "One moment", "resend": "resend_once"}
    options["automaticTurns"] = 12
    created = await lumen.post("/agents/byoa/", {"webhookUrl": URL, "name": "Echo", "byoa": options})

    assert created["name"] == "Echo"
    assert {name: created["byoa"][name] for name in options} == options


async def test_the_signing_secret_is_shown_once(lumen):
    created = await lumen.post("/agents/byoa/", {"webhookUrl": URL})

    secret = created["byoa"]["secret"]
    assert secret.startswith("whsec_")
    assert created["byoa"]["secretHint"] == f"whsec_…{secret[-5:]}"
    for again in (
        await lumen.get(f"/agents/{created['id']}/"),
        await lumen.get("/agents/"),
        await lumen.patch(f"/agents/{created['id']}/", {}),
    ):
        assert again.status == 200
        assert secret not in json.dumps(again.body)
        assert '"secret"' not in json.dumps(again.body)


async def test_calling_twice_makes_two_agents(lumen):
    first, second = await lumen.echo(), await lumen.echo()
    assert first["id"] != second["id"]
    assert (await lumen.get("/agents/"))["count"] == 2


NOT_CALLED = [
    "",
    "echo",
    "http://echo.lumen.example/hook",
    "https://127.0.0.1/hook",
    "https://[::1]/hook",
    "https://169.254.169.254/latest/",
    "https://user:pw@echo.lumen.example/",
    "https://localhost/",
    "https://echo.lumen.example/" + "x" * 3000,
]


async def test_a_webhook_that_we_would_not_call_is_refused(lumen):
    echo = await lumen.echo()
    for url in NOT_CALLED:
        refused = await lumen.post("/agents/byoa/", {"webhookUrl": url})
        assert (refused.status, refused["field"]) == (400, "webhookUrl"), url
        refused = await lumen.patch(f"/agents/{echo['id']}/", {"byoa": {"webhookUrl": url}})
        assert (refused.status, refused["field"]) == (400, "byoa.webhookUrl"), url


async def test_a_plain_agent_needs_only_a_name(lumen):
    created = await lumen.post("/agents/", {"name": "Baker"})
    assert created.status == 201
    assert (created["name"], created["systemPrompt"], created["phoneNumbers"]) == ("Baker", "", [])
    assert created["byoa"]["webhookUrl"] is None
    assert "secret" not in created["byoa"]


async def test_a_plain_agent_becomes_byoa_with_its_first_webhook(lumen):
    baker = await lumen.post("/agents/", {"name": "Baker"})
    changed = await lumen.patch(f"/agents/{baker['id']}/", {"byoa": {"webhookUrl": URL}})
    assert changed["byoa"]["webhookUrl"] == URL
    assert changed["byoa"]["secret"].startswith("whsec_")
    moved = await lumen.patch(f"/agents/{baker['id']}/", {"byoa": {"webhookUrl": URL + "/2"}})
    assert "secret" not in moved["byoa"]
    assert moved["byoa"]["secretHint"] == changed["byoa"]["secretHint"]


async def test_an_agent_cannot_lose_its_webhook(lumen):
    echo = await lumen.echo()
    refused = await lumen.patch(f"/agents/{echo['id']}/", {"byoa": {"webhookUrl": None}})
    assert (refused.status, refused["field"]) == (400, "byoa.webhookUrl")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_fields_that_are_left_out_stay(lumen, method):
    echo = await lumen.echo(byoa={"timeoutSeconds": 40, "burst": "merge"})
    path = f"/agents/{echo['id']}/"
    await lumen.call(
        method, path, {"description": "Repeats", "adConfig": {"everyAnswers": 5, "text": "Bread!"}, "icebreakers": ["Hi", "Menu?"]}
    )
    changed = await lumen.call(method, path, {"paywallConfig": {"messageLimit": 3}, "byoa": {"timeoutSeconds": 5}})

    assert changed.status == 200
    assert (changed["name"], changed["description"], changed["icebreakers"]) == ("Echo", "Repeats", ["Hi", "Menu?"])
    assert (changed["byoa"]["timeoutSeconds"], changed["byoa"]["burst"]) == (5, "merge")
    assert json.loads(changed["adConfig"]) == {"everyAnswers": 5, "text": "Bread!"}
    assert json.loads(changed["paywallConfig"]) == {"messageLimit": 3}


@pytest.mark.parametrize("query", ["", "?representation=object"])
async def test_what_was_read_can_be_put_back(lumen, query):
    for agent in (await lumen.echo(), (await lumen.post("/agents/", {"name": "Baker"})).body):
        path = f"/agents/{agent['id']}/"
        await lumen.patch(path, {"creditSettings": {"initialCredits": 5}, "icebreakers": ["Hi"]})
        read = await lumen.get(path + query)
        put = await lumen.put(path + query, read.body)
        assert put.status == 200, put
        assert put.body | {"updatedAt": ""} == read.body | {"updatedAt": ""}


@pytest.mark.parametrize("sent", [{"messageLimit": 3}, '{"messageLimit": 3}'])
async def test_a_configuration_may_be_an_object_or_its_text(lumen, sent):
    echo = await lumen.echo()
    path = f"/agents/{echo['id']}/"
    assert (await lumen.patch(path, {"paywallConfig": sent}))["paywallConfig"] == '{"messageLimit":3}'
    assert (await lumen.get(path + "?representation=object"))["paywallConfig"] == {"messageLimit": 3}


@pytest.mark.parametrize("nothing", ["", None])
async def test_a_configuration_is_unset_by_nothing(lumen, nothing):
    echo = await lumen.echo()
    path = f"/agents/{echo['id']}/"
    await lumen.patch(path, {"paywallConfig": {"messageLimit": 3}, "profilePicture": {"url": "https://lumen.example/e.png"}})
    changed = await lumen.patch(path, {"paywallConfig": nothing, "profilePicture": nothing})
    assert (changed["paywallConfig"], changed["profilePicture"]) == ("", "")


WRONG = [
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 256),
    ("name", None),
    ("icebreakers", ["a", "b", "c", "d", "e"]),
    ("icebreakers", ["x" * 81]),
    ("icebreakers", [""]),
    ("paywallConfig", "not json"),
    ("paywallConfig", "[1]"),
    ("paywallConfig", [1]),
    ("adConfig", {"x": "y" * 70_000}),
    ("adConfig", json.loads("[" * 40 + "]" * 40) and {"deep": json.loads("[" * 40 + "]" * 40)}),
    ("tools", [{"name": "weather"}]),
    ("documents", [{}]),
    ("memoryKeys", [1]),
    ("webhookUrl", URL),
    ("systemprompt", "wrong case"),
    ("byoa.timeoutSeconds", 0.5),
    ("byoa.timeoutSeconds", 61),
    ("byoa.retryDelays", [1] * 11),
    ("byoa.timeoutSeconds", "15"),
    ("byoa.retryDelays", [-1]),
    ("byoa.retryDelays", [False]),
    ("byoa.burst", "all"),
    ("byoa.resend", "always"),
    ("byoa.automaticTurns", -1),
    ("native.automaticTurns", "10"),
    ("native.linkDomains", ["lumen.example", "https://lumen.example/"]),
    ("native.linkDomains", ["com"]),
    ("native.linkDomains", "lumen.example"),
    ("native.linkDomains", ["lumen.example"] * 101),
    ("byoa.fallbackMessage", "x" * 4097),
    ("byoa.secret", "whsec_mine"),
    ("byoa", None),
]


async def test_a_wrong_field_is_named(lumen):
    echo = await lumen.echo()
    for field, value in WRONG:
        outer, _, inner = field.partition(".")
        refused = await lumen.patch(f"/agents/{echo['id']}/", {outer: {inner: value} if inner else value})
        assert (refused.status, refused["code"]) == (400, "invalid"), field
        assert refused["field"].startswith(field)
        assert outer in refused["error"]


async def test_delays_are_kept_in_whole_milliseconds(lumen):
    echo = await lumen.echo(byoa={"retryDelays": [5e-324, 0.0004, 1.5, 86_400]})
    assert echo["byoa"]["retryDelays"] == [0, 0, 1.5, 86_400]


async def test_an_entry_of_a_capability_is_refused_with_its_place(lumen):
    echo = await lumen.echo()
    refused = await lumen.patch(f"/agents/{echo['id']}/", {"wakeUpConfigs": [{"description": "Always."}, {"forceMessage": True}]})
    assert refused["error"] == "wakeUpConfigs.1.description is missing"
    assert (await lumen.patch(f"/agents/{echo['id']}/", {"wakeUpConfigs": []})).status == 200


async def test_the_list_comes_in_pages_newest_first(lumen):
    made = [(await lumen.echo(name=f"Echo {n}"))["name"] for n in range(5)]
    first = await lumen.get("/agents/?limit=2")
    assert (first["count"], first["previous"]) == (5, None)
    assert first["next"] == "https://dragoman.example/api/v1/agents/?limit=2&offset=2"
    middle = await lumen.get("/agents/?limit=2&offset=2&representation=object")
    assert middle["previous"].endswith("/api/v1/agents/?representation=object&limit=2&offset=0")
    last = await lumen.get("/agents/?limit=2&offset=4")
    assert last["next"] is None
    names = [agent["name"] for page in (first, middle, last) for agent in page["results"]]
    assert names == made[::-1]


async def test_a_page_holds_at_most_a_hundred(lumen):
    assert (await lumen.get("/agents/?limit=5000")).status == 200
    for query in ("limit=0", "limit=-1", "offset=-1", "offset=99999999999999", "limit=many"):
        assert (await lumen.get(f"/agents/?{query}")).status == 400


async def test_a_deleted_agent_is_gone_and_its_number_free(lumen):
    echo = await lumen.echo()
    await lumen.add_number()
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})

    deleted = await lumen.delete(f"/agents/{echo['id']}/")

    assert (deleted.status, deleted.body) == (204, b"")
    for method, path in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "duplicate/"), ("POST", "rotate-secret/")]:
        assert (await lumen.call(method, f"/agents/{echo['id']}/{path}", {} if method == "PATCH" else None)).status == 404
    assert (await lumen.get("/agents/"))["count"] == 0
    assert (await lumen.get("/phone-numbers/15550001234/"))["activeAgent"] is None
    refused = await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})
    assert refused.status == 404


async def test_a_copy_has_its_own_secret_and_no_number(lumen):
    echo = await lumen.echo(byoa={"burst": "merge"})
    await lumen.patch(
        f"/agents/{echo['id']}/",
        {"adConfig": {"everyAnswers": 5, "text": "Bread!"}, "profilePicture": {"url": "https://lumen.example/e.png"}},
    )
    await lumen.add_number()
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})

    copy = await lumen.post(f"/agents/{echo['id']}/duplicate/")

    assert copy.status == 201
    assert copy["id"] != echo["id"]
    assert (copy["name"], copy["adConfig"], copy["byoa"]["burst"], copy["phoneNumbers"]) == (
        "Copy of Echo",
        '{"text":"Bread!","everyAnswers":5}',
        "merge",
        [],
    )
    assert copy["byoa"]["secret"] != echo["byoa"]["secret"]
    assert (await lumen.post(f"/agents/{(await lumen.post('/agents/', {'name': 'x' * 255}))['id']}/duplicate/")).status == 201


async def test_after_a_rotation_both_secrets_sign_for_a_day(lumen, services, clock):
    echo = await lumen.echo()
    rotated = await lumen.post(f"/agents/{echo['id']}/rotate-secret/")
    assert rotated.status == 200

    async def signing():
        agent = await records.get(services.db, lumen.organisation_id, echo["id"])
        return records.signing_secrets(services.vault, clock, agent)

    old, new = echo["byoa"]["secret"], rotated["byoa"]["secret"]
    assert await signing() == [new, old]
    clock.advance(records.OVERLAP)
    assert await signing() == [new]


async def test_an_agent_without_a_webhook_has_no_secret_to_rotate(lumen):
    baker = await lumen.post("/agents/", {"name": "Baker"})
    refused = await lumen.post(f"/agents/{baker['id']}/rotate-secret/")
    assert (refused.status, refused["code"]) == (400, "agent_not_ready")


async def test_the_newer_representation_has_objects_numbers_and_nulls(lumen):
    echo = await lumen.echo()
    await lumen.add_number(is_sandbox=True)
    await lumen.post("/phone-numbers/15550001234/connect-agent/", {"agentId": echo["id"]})
    path = f"/agents/{echo['id']}/"
    asked = await lumen.get(path + "?representation=object")
    by_client = await lumen.get(path, headers={"X-Wassist-Client": "wassist-sdk-node/0.3.0"})

    assert asked.body == by_client.body
    assert (asked["totalMessages"], asked["totalSessions"], asked["ownerActive"], asked["sharings"]) == (0, 0, True, [])
    assert (asked["paywallConfig"], asked["profilePicture"]) == (None, None)
    assert asked["owner"] == {"phoneNumber": None, "whatsappName": "Bakery Lumen"}
    assert asked["organization"] == {"id": str(lumen.organisation_id), "name": "Bakery Lumen", "isPersonal": False}
    assert asked["phoneNumbers"] == [
        {"whatsappPhoneNumberId": "106540352242922", "whatsappBusinessAccountId": None, "wabaId": None, "phoneNumber": "15550001234"}
    ]
    told = await lumen.get(path + "?representation=text", headers={"X-Wassist-Client": "wassist-sdk-node/0.3.0"})
    assert told["totalMessages"] == "0"


async def test_totals_count_what_the_agent_is_part_of(lumen, services):
    echo, other = await lumen.echo(), await lumen.echo()
    number = await lumen.add_number()
    for messages in (3, 4):
        contact = uuid4()
        await services.db.execute(
            "insert into contacts (organisation_id, id, created_at, updated_at) values (%s, %s, now(), now())",
            [lumen.organisation_id, contact],
        )
        await services.db.execute(
            "insert into conversations (organisation_id, id, number_id, contact_id, agent_id, last_seq, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s, %s, now(), now())",
            [lumen.organisation_id, uuid4(), number.id, contact, echo["id"], messages],
        )
    counted, idle = await asyncio.gather(*(lumen.get(f"/agents/{agent['id']}/") for agent in (echo, other)))
    assert (counted["totalMessages"], counted["totalSessions"]) == ("7", "2")
    assert (idle["totalMessages"], idle["totalSessions"]) == ("0", "0")


async def test_without_a_number_there_is_nothing_to_connect_to(lumen):
    assert (await lumen.echo())["connectUrl"] == ""


async def test_the_connect_url_prefers_the_sandbox_then_the_agents_own_number(lumen):
    echo = await lumen.echo()
    path = f"/agents/{echo['id']}/"

    async def connect_url():
        return (await lumen.get(path))["connectUrl"]

    await lumen.add_number("+15550001234", phone_number_id="1")
    await lumen.add_number("+15550005678", phone_number_id="2")
    assert await connect_url() == f"https://wa.me/15550001234?text=/connect:{echo['id']}"
    await lumen.post("/phone-numbers/15550005678/connect-agent/", {"agentId": echo["id"]})
    assert await connect_url() == f"https://wa.me/15550005678?text=/connect:{echo['id']}"
    await lumen.add_number("+15550009999", phone_number_id="3", is_sandbox=True)
    assert await connect_url() == f"https://wa.me/15550009999?text=/connect:{echo['id']}"


class TestOnTheBuiltInSandbox:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"graph_url": "sandbox"})

    async def test_the_connect_url_opens_the_phone_page(self, lumen):
        await lumen.add_number(is_sandbox=True)
        echo = await lumen.echo()
        assert echo["connectUrl"] == f"https://dragoman.example/sandbox/phone?text=/connect:{echo['id']}"


async def test_domains_for_links_are_kept_in_ascii_and_can_be_none_or_any(lumen):
    path = f"/agents/{(await lumen.post('/agents/', {'name': 'Lumi'}))['id']}/"
    assert (await lumen.get(path))["native"]["linkDomains"] is None
    await lumen.patch(path, {"native": {"linkDomains": ["Shop.Lumen.example", "bücher.example"], "goal": "Sell."}})
    assert (await lumen.get(path))["native"]["linkDomains"] == ["shop.lumen.example", "xn--bcher-kva.example"]
    for value in ([], None):
        changed = await lumen.patch(path, {"native": {"linkDomains": value}})
        assert (changed["native"]["linkDomains"], changed["native"]["goal"]) == (value, "Sell.")


async def test_the_wrong_domain_is_named(lumen):
    agent = await lumen.post("/agents/", {"name": "Lumi"})
    refused = await lumen.patch(f"/agents/{agent['id']}/", {"native": {"linkDomains": ["lumen.example", "https://lumen.example/"]}})
    assert refused["field"] == "native.linkDomains.1"
    assert "is not a host name such as shop.example" in refused["error"]

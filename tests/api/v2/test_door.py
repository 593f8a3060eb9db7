"""The door of the second dialect: who comes in, what every answer looks like, and where a request can be found again."""

import json
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
import structlog

from dragoman.accounts import members, tokens
from dragoman.agents.actions import values
from dragoman.api.v2.app import ROUTERS, WORDS
from dragoman.campaigns import personal


async def test_every_answer_has_an_id_of_its_own(lumen):
    good, bad, gone = await lumen.get("/_actions"), await lumen.post("/_actions", {}), await lumen.get("/_nothing")
    ids = [answer["ctx_id"] for answer in (good, bad, gone)]
    assert len(set(ids)) == 3
    assert all(str(UUID(one)) == one for one in ids)
    assert [answer.headers["X-Request-Id"] for answer in (good, bad, gone)] == ids


async def test_a_list_has_the_five_numbers_of_its_pages(lumen):
    for n in range(3):
        await lumen.made("/_customers", {"phone": f"+1555000789{n}", "name": f"Guest {n}"})
    page = await lumen.got("/_customers?per_page=2")
    assert page["pagination"] == {"current_page": 1, "per_page": 2, "total_records": 3, "total_pages": 2, "has_next": True}
    assert [one["name"] for one in page["data"]] == ["Guest 2", "Guest 1"]
    last = await lumen.got("/_customers?per_page=2&page=2")
    assert (last["pagination"]["has_next"], [one["name"] for one in last["data"]]) == (False, ["Guest 0"])
    for query in ("page=0", "per_page=0", "per_page=101", "page=x"):
        assert (await lumen.get(f"/_customers?{query}")).status == 400


async def test_errors_name_every_field_that_is_wrong(lumen):
    answer = await lumen.post("/_customers", {"phone": 5, "emial": "x", "columns": {"Bad Name": 1}})
    assert answer.status == 400
    assert {one["field"] for one in answer["errors"]} == {"phone", "emial", "columns"}
    assert answer["message"].startswith(answer["errors"][0]["field"])


@pytest.mark.parametrize(
    "body", [b"{", b'{"name": NaN}', b'{"name": "\xff"}', b"[1]", b'"x"', b'{"name": "a\\u0000b", "phone": "+15550001111"}']
)
async def test_what_is_no_json_object_is_refused(lumen, body):
    answer = await lumen.call("POST", "/_customers", data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert set(answer.body) == {"ctx_id", "message", "errors"}


async def test_without_a_good_token_nobody_comes_in(lumen, services, clock):
    other = jwt.encode(
        {"org": str(lumen.organisation_id), "sub": "x", "jti": "1", "iat": 0, "exp": 2**33, "iss": "dragoman"}, "another key" * 5
    )
    unsigned = jwt.encode(jwt.decode(lumen.token, options={"verify_signature": False}), None, algorithm="none")
    for token in (None, "nonsense", "wak_live_nonsense", other, unsigned, lumen.token[:-3], lumen.token.swapcase()):
        answer = await lumen.get("/_actions", token=token)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), token
    clock.advance(timedelta(days=60))
    assert (await lumen.get("/_actions")).status == 401


async def test_an_api_key_is_a_bearer_too(lumen):
    assert (await lumen.get("/_actions", token=lumen.key)).status == 200


async def test_tokens_can_be_called_back(lumen, rival, services, clock):
    clock.advance(timedelta(seconds=1))
    await tokens.call_back(services.db, clock, lumen.organisation_id)
    assert (await lumen.get("/_actions")).status == 401
    assert (await rival.get("/_actions")).status == 200
    clock.advance(timedelta(seconds=1))
    new = tokens.create(services.vault, clock, lumen.organisation_id, "till", timedelta(days=1)).text
    assert (await lumen.get("/_actions", token=new)).status == 200


async def test_a_member_logs_in_and_out(lumen, services, clock):
    await members.put(services.db, clock, lumen.organisation_id, "Maya@Lumen.example", "Maya", "a long password", ["actions:read"])
    wrong = await lumen.post("/_login", {"email": "maya@lumen.example", "password": "another password"}, token=None)
    nobody = await lumen.post("/login", {"email": "nobody@lumen.example", "password": "a long password"}, token=None)
    assert (wrong.status, nobody.status) == (401, 401)
    assert wrong["message"] == nobody["message"]
    answer = await lumen.post("/_login", {"email": " MAYA@lumen.example", "password": "a long password"}, token=None)
    token = answer["data"]["token"]
    assert (answer.status, (await lumen.get("/_actions", token=token)).status) == (200, 200)
    assert (await lumen.post("/_actions", {}, token=token)).status == 403
    clock.advance(timedelta(seconds=1))
    await members.put(services.db, clock, lumen.organisation_id, "maya@lumen.example", "Maya", "a new long password", ["actions:read"])
    assert (await lumen.get("/_actions", token=token)).status == 401
    renewed = await lumen.post("/_login", {"email": "maya@lumen.example", "password": "a new long password"}, token=None)
    await members.remove(services.db, lumen.organisation_id, "maya@lumen.example")
    assert (await lumen.get("/_actions", token=renewed["data"]["token"])).status == 401


async def test_passwords_cannot_be_tried_out(lumen, services, clock):
    for _ in range(members.TRIES_PER_MINUTE):
        assert (await lumen.post("/_login", {"email": "a@b.example", "password": "x"}, token=None)).status == 401
    assert (await lumen.post("/_login", {"email": "a@b.example", "password": "x"}, token=None)).status == 429
    for body in ({}, {"email": "a@b.example"}, {"email": 5, "password": "x"}):
        assert (await lumen.post("/_login", body, token=None)).status == 400
    huge = await lumen.call("POST", "/_login", data=b" " * 20_000, token=None)
    assert huge.status == 413


async def test_a_key_does_only_what_it_may_in_both_dialects(lumen):
    made = await lumen.made("/_api_keys", {"name": "Reader", "permissions": ["actions:read", "customers:write"]})
    key = made["api_key"]
    assert (await lumen.get("/_actions", token=key)).status == 200
    assert (await lumen.get("/_customers", token=key)).status == 200  # who may write may read
    refused = await lumen.post("/_actions", {}, token=key)
    assert (refused.status, "actions:write" in refused["message"]) == (403, True)
    assert (await lumen.get("/_api_keys", token=key)).status == 403
    first = lumen.first
    assert (await first.get("/contacts/", key=key)).status == 200
    assert (await first.get("/agents/", key=key)).status == 403
    denied = await first.post("/agents/byoa/", {"webhookUrl": "https://x.example/h"}, key=key)
    assert (denied.status, denied["code"]) == (403, "permission_missing")


async def test_nobody_gives_a_key_more_than_he_has(lumen):
    made = await lumen.made("/_api_keys", {"name": "Keeper", "permissions": ["api_keys:write", "actions:read"]})
    keeper = made["api_key"]
    refused = await lumen.post("/_api_keys", {"name": "More", "permissions": ["actions:write"]}, token=keeper)
    assert refused.status == 403
    heir = await lumen.post("/_api_keys", {"name": "Same"}, token=keeper)
    assert heir["data"]["permissions"] == ["actions:read", "api_keys:write"]
    same = await lumen.first.post("/api-keys/", {"name": "Same, by the other door"}, key=keeper)
    assert same["permissions"] == ["actions:read", "api_keys:write"]
    for wrong in ([], ["everything"], ["actions:delete"]):
        assert (await lumen.post("/_api_keys", {"name": "x", "permissions": wrong})).status == 400


async def test_keys_are_listed_and_revoked(lumen, clock):
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    made = await lumen.made("/_api_keys", {"name": "Till 2", "description": "at the door", "expires_at": soon})
    page = await lumen.got("/_api_keys")
    assert made["api_key"] not in json.dumps(page)
    assert [one["name"] for one in page["data"]] == ["Till", "Till 2"]
    await lumen.got(f"/_api_keys/{made['id']}", "DELETE")
    assert (await lumen.get("/_actions", token=made["api_key"])).status == 401
    assert (await lumen.post("/_api_keys", {"name": "x", "expires_at": "2020-01-01T00:00:00Z"})).status == 400


async def test_calls_say_what_is_missing_and_count_their_limits(lumen, clock):
    clock.advance(timedelta(seconds=60 - clock.now().second))
    call = {"phone_number": "+12817126508", "agent_id": "1001"}
    answer = await lumen.post("/_call", call)
    assert (answer.status, "no telephone" in answer["message"]) == (501, True)
    assert set(answer.body) == {"ctx_id", "message", "errors"}
    for _ in range(9):
        assert (await lumen.post("/call", call)).status == 501
    assert (await lumen.post("/_call", call)).status == 429
    for _ in range(30):
        assert (await lumen.get("/_calls")).status == 501
    limited = await lumen.get("/_calls")
    assert (limited.status, int(limited.headers["Retry-After"]) > 0) == (429, True)
    assert (await lumen.post("/_call", {"phone_number": "12817126508"})).status == 400


async def test_a_request_is_limited_by_its_token(lumen, services):
    services.settings.__dict__["api_rate_limit"] = 3
    answers = [(await lumen.get("/_actions")).status for _ in range(5)]
    assert answers.count(429) >= 1


async def test_a_repeated_post_is_done_once(lumen):
    sent = {"phone": "+15550007890", "name": "Dana"}
    first = await lumen.post("/_customers", sent, headers={"Idempotency-Key": "one"})
    again = await lumen.post("/_customers", sent, headers={"Idempotency-Key": "one"})
    assert (first.status, again.status) == (201, 201)
    assert first["data"] == again["data"]
    other = await lumen.post("/_customers", sent | {"name": "Zoë"}, headers={"Idempotency-Key": "one"})
    assert other.status == 400


async def test_a_fault_of_ours_is_told_by_its_id_alone(lumen, services, monkeypatch):
    async def broken(*_args, **_more):
        structlog.get_logger().warning("about to fail")
        raise RuntimeError("the customer's words")

    monkeypatch.setattr("dragoman.api.v2.customers.contacts.listing", broken)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        answer = await lumen.get("/_customers")
    assert answer.status == 500
    assert [line["ctx_id"] for line in logs] == [answer["ctx_id"]] * 2
    assert "the customer's words" not in json.dumps([logs, answer.body])


async def test_every_first_word_can_be_spelled_both_ways(lumen):
    words = {route.path.split("/")[1] for router in ROUTERS for route in router.routes} | {"_login"}
    assert words <= set(WORDS)
    for word in words:
        answers = [(await lumen.call("PATCH", f"/{spelled}")).headers.get("Allow") for spelled in (word, word.replace("_", ""))]
        assert answers[0] == answers[1] is not None, word


async def test_an_address_takes_only_its_methods(lumen):
    answer = await lumen.call("PATCH", "/_customers")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")


async def test_a_token_of_an_organisation_that_is_gone_opens_nothing(lumen, services, clock):
    stranger = tokens.create(services.vault, clock, UUID(int=7), "x", timedelta(days=1)).text
    assert (await lumen.get("/_actions", token=stranger)).status == 401


async def test_a_page_of_white_space_costs_a_page(lumen):
    """Each of these took minutes when one pattern looked back over all of it."""
    menu = (await lumen.made("/_knowledge_base", {"name": "Menu"}))["id"]
    blank = " " * 200_000
    answer = await lumen.call("PUT", f"/_knowledge_base/{menu}", {"faqs": [f"Q:{blank}|{blank}x"]})
    assert (answer.status, answer["errors"][0]["field"]) == (400, "faqs[0]")
    assert values.places(["{{" + blank]) == []
    assert personal.name_of(f"{{{{{blank}!") == f"{{{{{blank}!"
    assert personal.name_of(" {{ customer.first_name }} ") == "first_name"
    assert values.places(["{{ order number }}, {{a}}, {{a}}"]) == ["order number", "a"]


async def test_a_body_that_is_nested_without_end_is_refused(lumen):
    deep = '{"a":' * 500 + "1" + "}" * 500
    answer = await lumen.call("POST", "/_actions", data=deep.encode(), headers={"Content-Type": "application/json"})
    assert answer.status == 400
    dotted = {"name": "x", "phone": "+15550001111", ".".join(["a"] * 5000): 1}
    assert (await lumen.post("/_customers", dotted)).status == 400

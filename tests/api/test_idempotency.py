"""A request that is sent twice with the same Idempotency-Key is done once."""

import asyncio
from datetime import timedelta

import pytest

from dragoman.api import idempotency
from dragoman.api.idempotency import Claim

URL = "https://echo.lumen.example/hook"
PATH = "/agents/byoa/"


def once(key="order-1"):
    return {"Idempotency-Key": key}


async def agents(business):
    return (await business.get("/agents/"))["count"]


async def test_a_repeated_request_gets_the_first_answer(lumen):
    first = await lumen.post(PATH, {"webhookUrl": URL}, headers=once())
    second = await lumen.post(PATH, {"webhookUrl": URL}, headers=once())

    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert await agents(lumen) == 1


async def test_without_the_slash_it_is_the_same_request(lumen):
    first = await lumen.post(PATH, {"webhookUrl": URL}, headers=once())
    assert (await lumen.post(PATH.rstrip("/"), {"webhookUrl": URL}, headers=once())).body == first.body


async def test_many_at_once_make_one(lumen):
    answers = await asyncio.gather(*(lumen.post(PATH, {"webhookUrl": URL}, headers=once()) for _ in range(20)))
    assert await agents(lumen) == 1
    assert {answer.status for answer in answers} <= {201, 409}
    assert {answer["code"] for answer in answers if answer.status == 409} <= {"idempotency_in_progress"}
    assert len({answer["id"] for answer in answers if answer.status == 201}) == 1


async def test_another_body_under_the_same_key_is_refused(lumen):
    await lumen.post(PATH, {"webhookUrl": URL}, headers=once())
    refused = await lumen.post(PATH, {"webhookUrl": URL + "/2"}, headers=once())
    assert (refused.status, refused["code"]) == (422, "idempotency_key_reused")


async def test_a_key_counts_for_one_address_and_one_organisation(lumen, rival):
    await lumen.post(PATH, {"webhookUrl": URL}, headers=once())
    assert (await lumen.post("/agents/", {"name": "Baker"}, headers=once()))["name"] == "Baker"
    theirs = await rival.post(PATH, {"webhookUrl": URL}, headers=once())
    assert theirs.status == 201
    assert "Idempotent-Replayed" not in theirs.headers


async def test_a_refused_request_may_be_mended_under_its_key(lumen):
    assert (await lumen.post(PATH, {"webhookUrl": "nonsense"}, headers=once())).status == 400
    assert (await lumen.post(PATH, {}, headers=once())).status == 400
    assert (await lumen.post("/agents/0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e/duplicate/", headers=once())).status == 404
    assert (await lumen.post(PATH, {"webhookUrl": URL}, headers=once())).status == 201


async def test_an_answer_without_a_body_is_repeated_too(lumen, services):
    claim = Claim(lumen.organisation_id, "POST /x/", "order-1")
    assert await idempotency.begin(services, claim, b"") is None
    await idempotency.finish(services, claim, idempotency.Kept(204, b""))
    assert await idempotency.begin(services, claim, b"") == idempotency.Kept(204, b"")


async def test_while_the_first_request_runs_the_second_is_told_so(lumen, services):
    await idempotency.begin(services, Claim(lumen.organisation_id, "POST /api/v1/agents/", "order-1"), b'{"name": "Baker"}')
    waiting = await lumen.post("/agents/", {"name": "Baker"}, headers=once())
    assert (waiting.status, waiting["code"]) == (409, "idempotency_in_progress")


async def test_a_request_that_a_crash_cut_off_is_not_done_again_blindly(lumen, services, clock):
    await idempotency.begin(services, Claim(lumen.organisation_id, "POST /api/v1/agents/", "order-1"), b'{"name": "Baker"}')
    clock.advance(timedelta(minutes=3))
    unknown = await lumen.post("/agents/", {"name": "Baker"}, headers=once())
    assert (unknown.status, unknown["code"]) == (409, "idempotency_outcome_unknown")
    assert "use a new key" in unknown["error"]


async def test_after_two_days_a_key_is_new_again(lumen, services, clock):
    await lumen.post(PATH, {"webhookUrl": URL}, headers=once())
    clock.advance(timedelta(hours=49))
    assert (await lumen.post(PATH, {"webhookUrl": URL + "/2"}, headers=once())).status == 201
    assert await agents(lumen) == 2
    clock.advance(timedelta(hours=49))
    await services.journal.tidy()
    assert await services.db.fetch("select key from idempotency_keys") == []


async def test_kept_answers_hold_no_readable_secret(lumen, services):
    made = await lumen.post("/api-keys/", {"name": "Oven"}, headers=once())
    kept = await services.db.fetch_one("select response from idempotency_keys")
    assert made["key"] not in kept["response"]
    assert made["prefix"].encode() not in bytes.fromhex(kept["response"])
    assert (await lumen.post("/api-keys/", {"name": "Oven"}, headers=once()))["key"] == made["key"]


@pytest.mark.parametrize("key", ["x" * 256, "tab\there", "Bäckerei"])
async def test_a_malformed_key_is_refused(lumen, key):
    refused = await lumen.post(PATH, {"webhookUrl": URL}, headers=once(key))
    assert (refused.status, refused["field"]) == (400, "Idempotency-Key")


async def test_reading_needs_no_key(lumen):
    for _ in range(2):
        assert "Idempotent-Replayed" not in (await lumen.get("/agents/", headers=once())).headers


async def test_a_stranger_learns_nothing_from_a_key(lumen):
    await lumen.post(PATH, {"webhookUrl": URL}, headers=once())
    assert (await lumen.post(PATH, {"webhookUrl": URL}, headers=once(), key=None)).status == 401

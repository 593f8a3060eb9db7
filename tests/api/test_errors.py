"""Whatever goes wrong, the answer says what, in one form."""

import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

URL = "https://echo.lumen.example/hook"


def is_an_error(answer, status, code):
    assert (answer.status, answer["code"]) == (status, code)
    assert answer["error"]
    assert set(answer.body) <= {"error", "code", "field", "retry_after"}
    assert answer.headers["X-Request-Id"].startswith("req_")
    return True


@pytest.mark.parametrize("path", ["/agents/", "/agents", "/api-keys/", "/phone-numbers/15550001234/"])
async def test_without_a_key_the_answer_says_how_to_get_one(lumen, path):
    refused = await lumen.get(path, key=None)
    assert is_an_error(refused, 401, "unauthorized")
    assert "dragoman keys create" in refused["error"]


@pytest.mark.parametrize("key", ["x", "wak_live_12345678_" + "A" * 43 + "_AAAAAA", "' or 1=1 --", "Bearer x", "é"])
async def test_a_wrong_key_opens_nothing(lumen, key):
    assert is_an_error(await lumen.get("/agents/", key=key), 401, "unauthorized")


async def test_the_key_is_checked_before_anything_is_read(lumen):
    assert is_an_error(await lumen.post("/agents/byoa/", data=b"{", key=None), 401, "unauthorized")


@pytest.mark.parametrize("path", ["/", "/nothing/", "/agents/not-an-id/", "/agents/0198c5a2-7c1e-7d4b-9a55-3f0e6b1c2d4e/"])
async def test_what_is_not_there_is_not_found(lumen, path):
    assert is_an_error(await lumen.get(path), 404, "not_found")


async def test_a_wrong_method_is_told_the_right_ones(lumen):
    addresses = {
        "/api-keys/": "GET, POST",
        f"/agents/{uuid4()}": "GET, PUT, PATCH, DELETE",
        "/agents/byoa/": "POST",
        "/contacts/bulk": "POST",
    }
    for path, allowed in addresses.items():
        refused = await lumen.call("OPTIONS", path)
        assert is_an_error(refused, 405, "method_not_allowed")
        assert refused.headers["Allow"] == allowed


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_an_address_that_is_a_word_is_not_taken_for_an_id(lumen, method):
    refused = await lumen.call(method, "/agents/byoa/", {} if method in ("PUT", "PATCH") else None)
    assert is_an_error(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"webhookUrl": NaN}', b'{"webhookUrl": "\\ud800"}', b"[" * 100_000, b'{"webhookUrl": "\xed\xa0\x80"}', b"'"],
)
async def test_broken_json_is_called_that(lumen, body):
    refused = await lumen.post("/agents/byoa/", data=body, headers={"Content-Type": "application/json"})
    assert is_an_error(refused, 400, "invalid_json")


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null", b""])
async def test_a_body_that_is_no_object_is_called_that(lumen, body):
    refused = await lumen.post("/agents/byoa/", data=body, headers={"Content-Type": "application/json"})
    assert is_an_error(refused, 400, "invalid")
    assert "JSON object" in refused["error"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
async def test_other_kinds_of_body_are_refused(lumen, kind):
    refused = await lumen.post("/agents/byoa/", data=b'{"webhookUrl": "x"}', headers={"Content-Type": kind})
    assert is_an_error(refused, 415, "unsupported_media_type")
    assert "Content-Type: application/json" in refused["error"]


async def test_a_nul_character_is_refused_wherever_it_is(lumen):
    named = {"name": "a\0b"}
    for refused in (
        await lumen.post("/agents/", named),
        await lumen.post("/agents/", {"name": "Baker", "adConfig": {"a\0": 1}}),
        await lumen.get("/phone-numbers/1%005550001234/"),
        await lumen.get("/agents/?limit=2&x=%00"),
    ):
        assert is_an_error(refused, 400, "invalid")
    written_out = await lumen.post("/agents/", {"name": "a\\u0000b"})
    assert written_out["name"] == "a\\u0000b"


async def test_a_body_that_is_too_large_is_refused(lumen):
    async def stream():
        for _ in range(20):
            yield b" " * 64 * 1024

    for data in (io.BytesIO(b" " * (1024 * 1024 + 1)), stream()):
        refused = await lumen.post("/agents/byoa/", data=data, headers={"Content-Type": "application/json"})
        assert is_an_error(refused, 413, "too_large")


async def test_both_spellings_of_an_address_mean_the_same(lumen):
    made = await lumen.post("/agents/byoa", {"webhookUrl": URL})
    assert made.status == 201
    assert (await lumen.get(f"/agents/{made['id']}")).body == (await lumen.get(f"/agents/{made['id']}/")).body
    assert (await lumen.get("/agents?limit=1")).status == 200
    assert (await lumen.delete(f"/agents/{made['id']}")).status == 204


async def test_each_request_has_its_own_id(lumen):
    first, second = await lumen.get("/agents/"), await lumen.get("/agents/", headers={"X-Request-Id": "mine"})
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"] != "mine"


class TestTooManyRequests:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"api_rate_limit": 3})

    async def test_the_answer_says_when_to_come_back(self, lumen, clock):
        clock.advance(timedelta(seconds=60 - clock.now().second))  # a whole minute ahead
        answers = [await lumen.get("/agents/") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        limited = answers[-1]
        assert is_an_error(limited, 429, "rate_limited")
        assert 0 < limited["retry_after"] <= 60
        assert limited.headers["Retry-After"] == str(limited["retry_after"])
        clock.advance(timedelta(seconds=limited["retry_after"]))
        assert (await lumen.get("/agents/")).status == 200


async def test_our_own_mistake_shows_an_id_and_logs_no_text(lumen, services):
    await services.db.execute("alter table agents add constraint seeded check (name <> 'a secret recipe')")
    with capture_logs() as logs:
        failed = await lumen.post("/agents/", {"name": "a secret recipe"})
    assert is_an_error(failed, 500, "error")
    assert failed.headers["X-Request-Id"] in failed["error"]
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["request_id"] == failed.headers["X-Request-Id"]
    assert "recipe" not in json.dumps(logs, default=str)


async def test_after_a_mistake_of_ours_the_idempotency_key_stays_taken(lumen, services):
    await services.db.execute("alter table agents add constraint seeded check (name <> 'x')")
    key = {"Idempotency-Key": "order-1"}
    assert (await lumen.post("/agents/", {"name": "x"}, headers=key)).status == 500
    assert (await lumen.post("/agents/", {"name": "x"}, headers=key))["code"] == "idempotency_in_progress"


async def test_when_the_database_is_away_the_answer_is_try_again(lumen, services):
    await services.db.close()
    away = await lumen.get("/agents/")
    assert is_an_error(away, 503, "unavailable")
    assert away.headers["Retry-After"]


async def test_an_address_with_a_line_break_is_answered_like_any_other(lumen):
    for path in ("/contacts/a%0Ab/", "/no%0Asuch/"):
        refused = await lumen.get(path)
        assert (refused.status, refused["code"]) == (404, "not_found")

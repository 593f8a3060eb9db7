"""Late answers that are refused, each with the reason; and the callback's token, which nobody may find."""

import pytest
import structlog
from cast import Phone, until
from hook import calls, late, rested

from dragoman.cli import serving


@pytest.fixture
async def delivery(lumen, echo, dana):
    """Dana's question, which the agent has answered with silence."""
    echo.script = [204]
    await dana.says("Is my cake ready?")
    (delivery,) = await echo.delivered()
    await rested(lumen)
    return delivery


async def test_an_unknown_token_is_not_found(lumen, delivery):
    url = delivery["reply_callback"]
    for wrong in (url[:-1], url[:-1] + ("A" if url[-1] != "A" else "B"), url + "x", f"{lumen.url}/api/callback/x"):
        status, body, _ = await late(lumen, {"reply_callback": wrong}, {"content": "Hello"})
        assert (status, body["code"]) == (404, "not_found")
    assert (await late(lumen, {"reply_callback": url + "/"}, {"content": "Hello"}))[0] == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_only_a_post_speaks(lumen, delivery, dana, method):
    async with lumen.session.request(method, delivery["reply_callback"]) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert await dana.heard() == []


async def test_after_25_hours_it_has_expired(lumen, delivery, dana):
    await lumen.skip(hours=25)
    status, body, _ = await late(lumen, delivery, {"content": "Ready"})
    assert (status, body["code"]) == (410, "callback_expired")
    await dana.says("Hello?")  # the window is open again; the callback stays closed
    assert (await late(lumen, delivery, {"content": "Ready"}))[0] == 410


async def test_a_callback_that_was_revoked_is_gone(lumen, delivery):
    await lumen.rows("update turns set callback_revoked = true returning id")
    status, body, _ = await late(lumen, delivery, {"content": "Ready"})
    assert (status, body["code"]) == (410, "callback_expired")


async def test_when_the_window_has_closed_nothing_is_sent(lumen, echo, delivery, dana):
    # Asked again after ten hours: the new callback outlives the window, which runs from the customer's words.
    await lumen.skip(hours=10)
    (call,) = await calls(lumen, echo)
    echo.script = [204]
    await lumen.post(f"/agents/{echo.id}/deliveries/{call['id']}/replay/")
    newer = (await echo.delivered(2))[1]
    await lumen.skip(hours=15)
    status, body, _ = await late(lumen, newer, {"content": "Ready"})
    assert (status, body["code"]) == (409, "window_closed")
    assert "template" in body["error"]
    await dana.says("Hello?")
    await echo.delivered(3)
    assert (await late(lumen, newer, {"content": "Ready"}))[0] == 202


async def test_after_a_take_over_the_agent_is_not_heard(lumen, delivery, dana):
    conversation = await lumen.conversation()
    await lumen.post(f"/conversations/{conversation['id']}/takeover/", {})
    status, body, _ = await late(lumen, delivery, {"content": "Ready"})
    assert (status, body["code"]) == (409, "handed_off")
    await lumen.post(f"/conversations/{conversation['id']}/handback/")
    assert (await late(lumen, delivery, {"content": "Ready"}))[0] == 409  # it was asked before the person came
    assert await dana.heard() == []


async def test_an_agent_that_was_taken_off_is_not_heard(lumen, echo, delivery, dana):
    status, _ = await lumen.call("DELETE", f"/agents/{echo.id}/")
    assert status == 204
    assert (await late(lumen, delivery, {"content": "Ready"}))[1]["code"] == "handed_off"
    assert await dana.heard() == []


async def test_too_long_an_answer_is_not_read(lumen, delivery, dana):
    for size in (256 * 1024 + 1, 1_000_000):
        status, body, _ = await late(lumen, delivery, text="x" * size)
        assert (status, body["code"]) == (413, "too_large")
    assert await dana.heard() == []


async def test_what_cannot_be_used_names_its_field(lumen, delivery, dana):
    status, body, _ = await late(lumen, delivery, {"unified": {"text": "Hi", "footer": "f" * 61}})
    assert (status, body["field"]) == (422, "unified.footer")
    assert "unified.footer is 61 characters; WhatsApp allows 60" in body["error"]
    status, body, _ = await late(lumen, delivery, [{"content": "fine"}, {"location": {"latitude": 1}}])
    assert (status, body["field"]) == (422, "[1].location.longitude")
    assert await dana.heard() == []


@pytest.mark.parametrize("overrides", [{"callback_rate_limit": 2}])
async def test_a_flood_is_stopped_and_told_when_to_come_back(lumen, delivery, dana):
    posts = [await late(lumen, delivery, {"content": str(n)}) for n in range(6)]  # more than two minutes allow
    status, body, headers = next(post for post in posts if post[0] != 202)
    assert (status, body["code"]) == (429, "rate_limited")
    assert 1 <= int(headers["Retry-After"]) <= 60
    await lumen.skip(minutes=1)
    assert (await late(lumen, delivery, {"content": "calm"}))[0] == 202


@pytest.mark.parametrize("overrides", [{"callback_rate_limit": 2}])
async def test_a_flood_on_one_callback_leaves_the_others_alone(lumen, echo, delivery):
    zoe = await Phone.of(lumen, name="Zoë", username="zoe.k")
    echo.script = [204]
    await zoe.says("Hello")
    other = (await echo.delivered(2))[1]
    statuses = {(await late(lumen, delivery, {"content": str(n)}))[0] for n in range(6)}
    assert 429 in statuses
    assert (await late(lumen, other, {"content": "Hello Zoë"}))[0] == 202


async def everything(lumen):
    """Every text and every byte of every table, as one string."""
    columns = await lumen.rows(
        """select table_name as t, column_name as c from information_schema.columns
           where table_schema = 'public' and data_type in ('text', 'bytea', 'jsonb', 'ARRAY', 'character varying')"""
    )
    assert {"turns", "deliveries", "messages", "idempotency_keys", "rate_windows"} <= {column["t"] for column in columns}
    kept = []
    for column in columns:
        cast = f"encode({column['c']}, 'escape')" if await is_bytes(lumen, column) else f"{column['c']}::text"
        kept += [row["value"] for row in await lumen.rows(f"select {cast} as value from {column['t']} where {column['c']} is not null")]
    return "\n".join(kept)


async def is_bytes(lumen, column):
    found = await lumen.rows(
        "select 1 from information_schema.columns where table_name = %(t)s and column_name = %(c)s and data_type = 'bytea'", **column
    )
    return bool(found)


async def test_the_token_is_nowhere_in_the_database_nor_in_the_logs(lumen, echo, dana, capfd):
    serving.write_logs("DEBUG")
    try:
        echo.script = [500, 204]
        await dana.says("Hello")
        await echo.delivered()
        delivery = echo.deliveries[0]
        await lumen.skip(seconds=3)
        await echo.delivered(2)
        for answer, key in (
            ({"content": "Ready"}, "a key"),
            ({"content": "Ready"}, "a key"),
            ({"foo": "bar"}, None),
            ({"content": "x"}, None),
        ):
            await late(lumen, delivery, answer, key=key)
        await dana.hears(2)
        await rested(lumen)
    finally:
        structlog.reset_defaults()
    token = delivery["reply_callback"].rpartition("/")[2]
    assert len(token) == 43
    kept = await everything(lumen)
    assert "Ready" in kept
    assert token not in kept
    out, err = capfd.readouterr()
    assert token not in out + err
    timeline = await until(lumen.timeline)
    assert token not in str(timeline)


@pytest.mark.parametrize("terminal", [False, True])
async def test_not_even_a_crash_tells_what_was_said(lumen, echo, dana, capfd, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    log = ""

    def crashed():
        nonlocal log
        log += capfd.readouterr().err
        return "UndefinedTable" in log

    serving.write_logs("DEBUG")
    try:
        await lumen.services.db.execute("alter table deliveries rename to misplaced")
        await dana.says("My card number is 4111")
        (delivery,) = await echo.delivered()
        await until(crashed, "the answer cannot be recorded")
    finally:
        structlog.reset_defaults()
    assert "work on a conversation failed" in log
    assert "4111" not in log
    assert delivery["reply_callback"].rpartition("/")[2] not in log
    assert dana.person["phone"].removeprefix("+") not in log


async def test_an_agent_that_repeats_its_question_does_not_give_the_token_away(lumen, echo, dana):
    """Error pages in debug mode show the request; its beginning is kept for the agent's owner to read."""
    echo.script = [lambda delivery: {"error": f"could not handle {delivery}"}]
    await dana.says("Hello")
    (delivery,) = await echo.delivered()
    (call,) = await calls(lumen, echo)
    assert "could not handle" in call["responseHead"]
    assert delivery["reply_callback"].rpartition("/")[2] not in await everything(lumen)


async def test_an_idempotency_key_that_is_too_long_is_refused_and_not_cut(lumen, echo, dana):
    await dana.says("Hello")
    await dana.hears()
    url = echo.deliveries[0]["reply_callback"]
    async with lumen.session.post(url, json={"content": "Late"}, headers={"Idempotency-Key": "k" * 256}) as answer:
        body = await answer.json()
    assert (answer.status, body["field"]) == (400, "Idempotency-Key")
    assert len(await dana.heard()) == 1

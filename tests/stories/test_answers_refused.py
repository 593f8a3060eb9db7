"""Answers that cannot be sent as they are: on record with the reason and their first 2 KB, and sent to nobody."""

import json

import pytest
from aiohttp import web
from hook import calls, causes, late, rested, says


def buttons(count, title="Rye"):
    return [{"type": "quick_reply", "text": f"{title} {n}", "quickReplyId": str(n)} for n in range(count)]


LIMITS = {
    "unified.footer is 61 characters; WhatsApp allows 60": {"unified": {"text": "Hi", "footer": "f" * 61, "buttons": buttons(1)}},
    "unified.text is 1025 characters; WhatsApp allows 1024": {"unified": {"text": "t" * 1025, "buttons": buttons(2)}},
    "unified.buttons[0].text is 24 characters; WhatsApp allows 20": {
        "unified": {"text": "Hi", "buttons": buttons(1, "A very long button tit")[:1]}
    },
    "unified.buttons has 11 entries; WhatsApp shows at most 10 choices": {"unified": {"text": "Hi", "buttons": buttons(11)}},
    "unified.buttons[1].text": {"unified": {"text": "Hi", "buttons": [*buttons(1), *buttons(1)]}},
    "the answer has 11 items; at most 10 are sent": ["x"] * 11,
    "unified.buttons[2].text is 26 characters; WhatsApp allows 24": {
        "unified": {"text": "Hi", "buttons": [*buttons(2), *buttons(1, "A title of a row too long"[:24]), *buttons(4)[3:]]}
    },
    "unified.buttons[0].url is 2001 characters": {
        "unified": {"text": "Hi", "buttons": [{"type": "url", "text": "Open", "url": "https://lumen.example/".ljust(2001, "x")}]}
    },
    "document.filename is 241 characters": {"document": {"url": "https://lumen.example/a.pdf", "filename": "f" * 241}},
    "image is not a public http or https address": {"image": "file:///etc/passwd"},
    "location.latitude": {"location": {"latitude": 91, "longitude": 0}},
    "contact.phone_number is missing": {"contact": {"name": "Ada"}},
}
FORMS = {
    "none of the keys": {"foo": "bar"},
    "is set, so the answer was taken as an error report": {"error": "model overloaded", "message": "Internal error"},
    "is a number": 42,
    "content is an array; it must be text": {"content": ["a", "b"]},
    "[1] is a number": ["one", 2],
    "an HTML page": web.Response(text="<!DOCTYPE html><title>Welcome to nginx</title>", content_type="text/html"),
    "looks like JSON but cannot be read": web.Response(body=b'{"content": "half', headers={"Content-Type": "application/json"}),
    "the content type image/png": web.Response(body=b"\x89PNG\r\n", headers={"Content-Type": "image/png"}),
    "answered with more than 262144 bytes": web.Response(body=b"x" * (256 * 1024 + 1), headers={"Content-Type": "text/plain"}),
}


@pytest.mark.parametrize("table", [LIMITS, FORMS], ids=["a limit that is broken", "a form that nobody knows"])
async def test_nothing_is_sent_and_the_reason_is_on_record(lumen, echo, dana, table):
    echo.script = [answer if isinstance(answer, web.Response) else web.json_response(answer) for answer in table.values()]
    await says(dana, *(f"question {n}" for n in range(len(table))))
    recorded = await calls(lumen, echo, len(table))
    for reason, call in zip(table, recorded, strict=True):
        assert reason in call["cause"]
        assert (call["outcome"], call["turnState"], call["retryAt"]) == ("unrecognised", "unrecognised", None)
    await rested(lumen)
    assert await lumen.ledger() == []
    assert len(echo.deliveries) == len(table)
    told = await causes(lumen, "agent_called")
    assert [reason in cause for reason, cause in zip(table, told, strict=True)] == [True] * len(table)


async def test_the_first_2_kb_of_what_was_said_are_kept(lumen, echo, dana):
    answer = {"foo": "The quick brown baker. " * 200}
    echo.script = [answer]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert call["responseHead"] == json.dumps(answer)[:2048]


async def test_of_an_answer_without_end_the_beginning_is_kept(lumen, echo, dana):
    echo.script = ["Once upon a time " * 20_000, web.Response(status=500, body=b"Traceback " * 40_000)]
    await says(dana, "A story, please", "Another one")
    endless, broken = await calls(lumen, echo, 2)
    assert endless["responseHead"] == ("Once upon a time " * 200)[:2048]
    assert (broken["outcome"], broken["status"]) == ("failed", 500)
    assert broken["responseHead"].startswith("Traceback")


async def test_a_compressed_answer_is_not_asked_for_twice(lumen, echo, dana):
    compressed = web.Response(body=b"\x1f\x8b\x08 packed", headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})
    echo.script = [compressed]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert (call["outcome"], call["retryAt"]) == ("unrecognised", None)
    assert "compressed" in call["cause"]


async def test_one_bad_item_refuses_the_whole_list(lumen, echo, dana):
    echo.script = [["Good morning", {"unified": {"text": "Hi", "footer": "f" * 61}}]]
    await dana.says("Hello")
    (call,) = await calls(lumen, echo)
    assert call["cause"].endswith("[1].unified.footer is 61 characters; WhatsApp allows 60")
    await rested(lumen)
    assert await lumen.ledger() == []


async def test_an_answer_that_cannot_be_used_does_not_stop_the_conversation(lumen, echo, dana):
    echo.script = [{"foo": "bar"}]
    await says(dana, "one", "two")
    assert await dana.hears_text() == ["You said: two"]


@pytest.mark.parametrize("table", [LIMITS, FORMS], ids=["a limit that is broken", "a form that nobody knows"])
async def test_the_callback_refuses_the_same_and_says_which_field(lumen, echo, dana, table):
    echo.answer = 204
    await dana.says("Hello")
    (delivery,) = await echo.delivered()
    for reason, answer in table.items():
        if isinstance(answer, web.Response):
            continue
        status, body, _ = await late(lumen, delivery, answer)
        assert (status, body["code"]) == (422, "unprocessable")
        assert reason in body["error"]
        assert body.get("field", "") in reason
    assert await lumen.ledger() == []

"""How fast messages go out: 45 at once to one customer and then one in six seconds; so many a second from one number."""

import pytest
from cast import NUMBER, Phone, until
from till import add_number, conversation_id, in_state, sends, sends_template, taken, the, time_passes, written


async def quiet(lumen, echo, *people):
    echo.answer = 204
    for person in people:
        await person.says("Hello")
    await echo.delivered(len(people))


async def count(lumen, least, **wanted):
    out = await taken(lumen, **wanted)
    return out if len(out) >= least else None


async def test_a_customer_gets_45_messages_at_once_and_then_one_every_six_seconds(lumen, echo, dana, zoe):
    await quiet(lumen, echo, dana, zoe)
    for n in range(48):
        await sends(lumen, f"message {n}")
    await until(lambda: count(lumen, 45), "45 messages are out")
    row = await in_state(lumen, "message 45", "queued")
    await sends(lumen, "to somebody else", "Zoë")
    await until(lambda: count(lumen, 1, person=zoe.id), "others are not held up")
    [conversation] = await lumen.rows("select send_at from conversations where id = %(id)s", id=row["conversation_id"])
    wait = (conversation["send_at"] - lumen.services.clock.now()).total_seconds()
    assert wait <= 6
    for more in range(46, 49):
        await lumen.skip(seconds=6)
        await until(lambda more=more: count(lumen, more, person=dana.id), f"message {more} is out")
    assert await taken(lumen, person=dana.id) == [f"message {n}" for n in range(48)]
    times = [entry["at"] for entry in await lumen.ledger() if entry["person"] == dana.id]
    assert all(times[n] - times[0] >= 6 * (n - 44) - 0.5 for n in range(45, 48))
    refused = await lumen.rows("select id from send_attempts where outcome <> 'accepted'")
    assert refused == []  # WhatsApp never had to say that we are too fast


async def test_a_number_speaks_no_faster_than_it_may(lumen, echo, dana, zoe):
    await quiet(lumen, echo, dana, zoe)
    await slow_number(lumen, 2)
    for n in range(3):
        await sends(lumen, f"to Dana {n}")
        await sends(lumen, f"to Zoë {n}", "Zoë")
    await until(lambda: count(lumen, 6), "six messages are out")
    times = sorted(entry["at"] for entry in await lumen.ledger())
    assert times[5] - times[0] >= 1.4  # three at once, then one each half second
    for person, name in ((dana, "Dana"), (zoe, "Zoë")):
        assert await taken(lumen, person=person.id) == [f"to {name} {n}" for n in range(3)]


async def slow_number(lumen, per_second):
    """Lumen tells us how fast the number may be; WhatsApp itself would take more."""
    token = lumen.services.vault.derive("sandbox", "access token").hex()
    await add_number(lumen, access_token=token, per_second=per_second)


async def test_a_number_that_is_slower_than_we_think_loses_nothing(lumen, echo):
    """WhatsApp takes two a second; we believe in eighty, are refused, and try again."""
    guests = [await Phone.of(lumen, name=f"Guest {n}") for n in range(6)]
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "per_second": 2})
    for guest in guests:
        await guest.says("Hello")
    await time_passes(lumen, lambda: count(lumen, 6), "everything is out", step=10)
    assert sorted(entry["person"] for entry in await lumen.ledger()) == sorted(guest.id for guest in guests)
    refused = await lumen.rows("select error_code from send_attempts where outcome = 'refused'")
    assert {row["error_code"] for row in refused} == {130429}


async def test_a_message_that_waits_while_the_window_closes_is_not_sent_and_a_template_still_goes(lumen, echo, dana):
    await lumen.control("POST", "/templates", {"name": "order_ready", "body": "Your order is ready."})
    await quiet(lumen, echo, dana)
    await lumen.skip(hours=23, minutes=58)
    await lumen.fault(on="send", action="error", code=131057, times=1)
    await sends(lumen, "one")
    await until(lambda: written(lumen, "state = 'queued' and attempts = 1"), "it was refused, and waits")
    await sends(lumen, "two")
    await sends_template(lumen, "order_ready")
    await lumen.skip(minutes=2)
    await until(lambda: ended(lumen), "the outbox is empty")
    for body in ("one", "two"):
        row = await the(lumen, body)
        assert row["state"] == "expired_window"
        assert row["cause"] == ("WhatsApp's 24-hour window had closed before this message could go out. Only a template can be sent now.")
    [sent] = await lumen.ledger()
    assert sent["type"] == "template"
    shown = {message["delivery"]["state"]: message["status"] for message in (await lumen.messages())[1:]}
    assert shown["expired_window"] == "failed"


async def ended(lumen):
    return len(await lumen.ledger()) == 1 and not await written(lumen, "state in ('queued', 'sending')")


async def test_the_window_is_looked_at_when_a_message_is_sent_and_not_only_when_it_is_said(lumen, echo, dana):
    """The agent thinks until the 24 hours are over."""
    await lumen.change_agent(echo, retryDelays=[86_400])
    echo.script = [503]
    await dana.says("Hello")
    await echo.delivered()
    await lumen.skip(hours=25)
    row = await in_state(lumen, "You said: Hello", "expired_window")
    assert row["attempts"] == 0
    assert await lumen.ledger() == []


@pytest.mark.parametrize(("minutes", "state"), [(58, "delivered"), (59.5, "expired_window")])
async def test_the_last_minute_of_the_window_is_not_used(lumen, echo, dana, minutes, state):
    await lumen.change_agent(echo, retryDelays=[23 * 3600 + 60 * minutes])
    echo.script = [503]
    await dana.says("Hello")
    await echo.delivered()
    await lumen.skip(hours=23, minutes=minutes)
    await in_state(lumen, "You said: Hello", state)


async def test_the_customer_opens_the_window_again_by_writing(lumen, echo, dana):
    await quiet(lumen, echo, dana)
    await lumen.skip(hours=25)
    conversation = await conversation_id(lumen)
    message = {"type": "text", "text": {"body": "Your order is ready"}}
    refused = await lumen.post(f"/conversations/{conversation}/messages/", message, expect=409)
    assert refused["code"] == "window_closed"
    await dana.says("Anything new?")
    await echo.delivered(2)
    await sends(lumen, "Your order is ready")
    assert await dana.hears_text() == ["Your order is ready"]

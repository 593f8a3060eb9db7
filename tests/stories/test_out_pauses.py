"""A number that WhatsApp does not let speak is paused as a whole: everything waits, one message a minute tries the door."""

from datetime import timedelta

from cast import NUMBER, Phone, until
from till import SECOND, acts, add_number, attempts, faults_end, in_state, sends, sends_template, taken, the, time_passes, written

from dragoman.conversations import outbox
from dragoman.whatsapp import causes


async def renew_token(lumen):
    """Lumen makes a new token at Meta and adds the number again with it, as `dragoman numbers add` does."""
    token = "a new token"
    await lumen.control("POST", "/numbers", {"phone_number_id": NUMBER, "access_token": token})
    await add_number(lumen, access_token=token)


async def guests(lumen, count):
    return [await Phone.of(lumen, name=f"Guest {n}") for n in range(count)]


async def all_wait(lumen, count):
    async def waiting():
        return len(await written(lumen, "state = 'queued' and not_before is not null or state = 'queued' and attempts = 0")) == count

    await until(waiting, f"{count} messages wait")


async def calls(lumen):
    return len(await lumen.rows("select id from send_attempts"))


async def test_an_expired_token_pauses_the_number_and_says_what_to_do(lumen, echo, dana):
    await lumen.control("POST", "/tokens/expire", {})
    await dana.says("Hello")
    row = await in_state(lumen, "You said: Hello", "queued")
    assert row["error_code"] == 190
    assert row["cause"].startswith(causes.CAUSES[190])
    [number] = await lumen.rows("select paused_reason, paused_until - %(now)s as pause from numbers", now=lumen.services.clock.now())
    assert number["paused_reason"] == row["cause"]
    assert 30 < number["pause"].total_seconds() <= 60


async def test_while_a_number_is_paused_everything_waits_and_one_message_a_minute_tries(lumen, echo):
    people = await guests(lumen, 4)
    for guest in people:
        await guest.says("Hi")
        await guest.hears()
    await lumen.control("POST", "/tokens/expire", {})
    await people[0].says("first")
    await in_state(lumen, "You said: first", "queued")
    for guest in people[1:]:
        await guest.says(f"I am {guest.person['name']}")
    await all_wait(lumen, 4)
    before = await calls(lumen)
    for minute in range(1, 4):
        await lumen.skip(seconds=61)
        await until(lambda minute=minute: tried(lumen, before + minute), "one message tries")
        await all_wait(lumen, 4)
        assert await calls(lumen) == before + minute
    assert len(await lumen.ledger()) == 4


async def tried(lumen, count):
    return await calls(lumen) >= count


async def test_a_new_token_lets_everything_out_in_order(lumen, echo, dana):
    await dana.says("Hi")
    await dana.hears()
    await lumen.control("POST", "/tokens/expire", {})
    for text in ("one", "two", "three"):
        await dana.says(text)
    await echo.delivered(4)
    await sends(lumen, "from the till")
    await all_wait(lumen, 4)
    await lumen.skip(minutes=5)
    await renew_token(lumen)
    await time_passes(lumen, lambda: all_out(lumen, 5), "everything is out")
    assert await taken(lumen) == ["You said: Hi", "You said: one", "You said: two", "You said: three", "from the till"]
    assert (await the(lumen, "You said: one"))["cause"] is None


async def all_out(lumen, count):
    return len(await lumen.ledger()) == count


async def test_a_new_token_is_used_within_the_minute(lumen, echo, dana):
    await lumen.control("POST", "/tokens/expire", {})
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "queued")
    await renew_token(lumen)
    await lumen.skip(minutes=1)
    assert await dana.hears_text() == ["You said: Hello"]


async def test_what_mends_itself_is_found_out_by_the_probe(lumen, echo):
    """Nobody tells us that a payment was made: the message that tries the door finds it open, and the others follow."""
    people = await guests(lumen, 3)
    await lumen.fault(on="send", action="error", code=131042)
    for guest in people:
        await guest.says("Hello")
    await all_wait(lumen, 3)
    await faults_end(lumen)
    await time_passes(lumen, lambda: all_out(lumen, 3), "everything is out")
    [number] = await lumen.rows("select paused_reason, paused_until from numbers")
    assert (number["paused_reason"], number["paused_until"]) == (None, None)
    for guest in people:
        assert await guest.hears_text() == ["You said: Hello"]


async def test_other_numbers_go_on(lumen, echo, dana, second):
    await lumen.control("POST", "/tokens/expire", {"number": NUMBER})
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "queued")
    await dana.says("Hello, second", number=SECOND)
    await in_state(lumen, "You said: Hello, second", "delivered")
    assert await taken(lumen, phone_number_id=SECOND) == ["You said: Hello, second"]
    assert await taken(lumen, phone_number_id=NUMBER) == []
    paused = await lumen.rows("select phone_number_id from numbers where paused_reason is not null")
    assert [row["phone_number_id"] for row in paused] == [NUMBER]


async def test_a_pause_never_ends_a_message_however_long_it_lasts(lumen, echo, dana):
    await lumen.control("POST", "/tokens/expire", {})
    await dana.says("Hello")
    await time_passes(lumen, lambda: many_tries(lumen), "it was tried ten times")
    await in_state(lumen, "You said: Hello", "queued")
    await renew_token(lumen)
    await lumen.skip(minutes=1)
    assert await dana.hears_text() == ["You said: Hello"]


async def many_tries(lumen):
    return len(await attempts(lumen, "You said: Hello")) >= 10


async def test_a_pause_that_outlasts_the_window_is_told_and_templates_still_go(lumen, echo, dana):
    await lumen.control("POST", "/templates", {"name": "order_ready", "body": "Your order is ready."})
    await lumen.control("POST", "/tokens/expire", {})
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "queued")
    await sends_template(lumen, "order_ready")
    await lumen.skip(hours=25)
    row = await in_state(lumen, "You said: Hello", "expired_window")
    assert "24-hour window had closed" in row["cause"]
    await renew_token(lumen)
    await time_passes(lumen, lambda: all_out(lumen, 1), "the template is out")
    [sent] = await lumen.ledger()
    assert sent["body"]["template"]["name"] == "order_ready"


async def test_a_person_who_takes_over_while_the_number_is_paused_is_heard_and_the_agent_is_not(lumen, echo, dana):
    await lumen.control("POST", "/tokens/expire", {})
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "queued")
    await acts(lumen, "takeover")
    assert (await the(lumen, "You said: Hello"))["state"] == "discarded"
    await sends(lumen, "Good morning, this is Lou")
    await renew_token(lumen)
    await lumen.skip(minutes=1)
    assert await dana.hears_text() == ["Good morning, this is Lou"]


async def test_a_pause_that_is_over_before_it_is_written_down_holds_nothing_up(lumen, echo, dana, monkeypatch):
    """As on a machine that slept in that moment."""
    pause = outbox._pause

    async def slept(services, held, verdict):
        await pause(services, held, verdict)
        services.clock.advance(timedelta(minutes=2))

    monkeypatch.setattr(outbox, "_pause", slept)
    await lumen.fault(on="send", action="error", code=190, times=1)
    await dana.says("Hello")
    assert await dana.hears_text() == ["You said: Hello"]

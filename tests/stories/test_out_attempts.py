"""A message goes out: the attempt is written down first, and what WhatsApp answers decides what comes next."""

from cast import Phone, until
from till import attempts, faults_end, in_state, no_statuses, sends, taken, the, time_passes, told, written

from dragoman.whatsapp import causes

# The code, and how long WhatsApp wants to be left alone after it.
PASSING = {1: 1, 2: 1, 4: 60, 80007: 60, 130429: 1, 131000: 1, 131016: 1, 131056: 1, 131057: 60}
FINAL = (100, 130403, 131008, 131009, 131021, 131026, 131047, 131049, 131050, 131051, 131053, 132001, 135000)


async def test_the_attempt_is_on_disk_while_whatsapp_is_still_thinking(lumen, echo, dana):
    await no_statuses(lumen)
    await lumen.fault(on="send", action="delay", delay_seconds=60, times=1)
    await dana.says("Are you open?")
    [sent] = await until(lumen.ledger, "WhatsApp has the message")
    row, [attempt] = await the(lumen, "You said: Are you open?"), await attempts(lumen, "You said: Are you open?")
    assert (row["state"], row["wamid"], row["attempts"], row["attempt_id"]) == ("sending", None, 1, attempt["id"])
    assert (attempt["ended_at"], attempt["outcome"]) == (None, None)
    assert sent["attempt"] == str(attempt["id"])
    assert ("The message is being handed to WhatsApp.", None) in await told(lumen, "send_attempt")

    await lumen.skip(minutes=1)
    row = await in_state(lumen, "You said: Are you open?", "accepted")
    [attempt] = await attempts(lumen, "You said: Are you open?")
    assert row["wamid"] == sent["wamid"]
    assert (attempt["outcome"], attempt["http_status"]) == ("accepted", 200)


async def test_every_refusal_that_may_pass_is_tried_again_until_it_passes(lumen, echo):
    guests = {code: await Phone.of(lumen, name=f"Guest {code}") for code in PASSING}
    for code, guest in guests.items():
        await lumen.fault(on="send", action="error", code=code, times=2, person=guest.id)
        for turn in ("first", "second"):
            await guest.says(f"{code} {turn}")
    await time_passes(lumen, lambda: all_taken(lumen, 2 * len(PASSING)), "every refusal has passed")
    for code, wait in PASSING.items():
        replies = [f"You said: {code} first", f"You said: {code} second"]
        assert await taken(lumen, person=guests[code].id) == replies
        tries = await attempts(lumen, replies[0])
        assert [(one["outcome"], one["error_code"]) for one in tries] == [("refused", code), ("refused", code), ("accepted", None)]
        assert (tries[1]["started_at"] - tries[0]["ended_at"]).total_seconds() >= wait - 0.5
        assert (tries[2]["started_at"] - tries[1]["ended_at"]).total_seconds() >= max(wait, 4) - 0.5


async def all_taken(lumen, count):
    return len(await lumen.ledger()) >= count


async def test_what_waits_for_another_try_says_why_and_until_when(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=131057)
    await dana.says("Hello")
    row = await in_state(lumen, "You said: Hello", "queued")
    assert row["cause"].startswith(f"{causes.CAUSES[131057]} It is tried again by itself.")
    [(summary, cause)] = await told(lumen, "send_attempt")
    assert summary == f"WhatsApp refused the message. It is tried again at {row['not_before']:%H:%M:%S} UTC."
    assert cause == row["cause"]
    await faults_end(lumen)
    await lumen.skip(minutes=1)
    await in_state(lumen, "You said: Hello", "delivered")
    assert (await the(lumen, "You said: Hello"))["cause"] is None


async def test_a_refusal_that_will_not_change_is_told_in_plain_words_and_not_repeated(lumen, echo, dana):
    echo.answer = 204
    await dana.says("Hello")
    await echo.delivered()
    for code in FINAL:
        await lumen.fault(on="send", action="error", code=code, times=1)
        await sends(lumen, f"message {code}")
    await in_state(lumen, f"message {FINAL[-1]}", "rejected")
    rows = await written(lumen)
    assert [(row["state"], row["error_code"], row["attempts"]) for row in rows] == [("rejected", code, 1) for code in FINAL]
    for row in rows:
        assert row["cause"].startswith(causes.look_up(row["error_code"]))
        assert "tried again" not in row["cause"]
    assert await lumen.ledger() == []
    shown = (await lumen.messages())[-1]
    assert (shown["status"], shown["delivery"]["state"], shown["delivery"]["errorCode"]) == ("failed", "rejected", FINAL[-1])
    assert ("WhatsApp refused the message.", rows[-1]["cause"]) in await told(lumen, "send_attempt")


async def test_a_rejected_message_does_not_hold_up_the_next_one(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=131009, times=1)
    await dana.says("one")
    await echo.delivered(1)
    await dana.says("two")
    await in_state(lumen, "You said: one", "rejected")
    assert await dana.hears_text() == ["You said: two"]


async def test_patience_ends_and_says_so(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=131000)
    await dana.says("Hello")
    await time_passes(lumen, lambda: written(lumen, "state = 'rejected'"), "it is given up", step=300)
    row = await the(lumen, "You said: Hello")
    assert row["attempts"] == 6
    assert "tried again" not in row["cause"]
    assert "tried 6 times" in row["cause"]
    await faults_end(lumen)
    await lumen.skip(hours=1)
    await dana.says("Still there?")
    assert await dana.hears_text() == ["You said: Still there?"]


async def test_whatsapp_may_be_out_of_service_for_hours(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=131016)
    await dana.says("Hello")
    await time_passes(lumen, lambda: tried(lumen, 12), "it was tried twelve times", step=1800)
    await in_state(lumen, "You said: Hello", "queued")
    await faults_end(lumen)
    await lumen.skip(minutes=5)
    assert await dana.hears_text() == ["You said: Hello"]


async def tried(lumen, count):
    return len(await attempts(lumen, "You said: Hello")) >= count


async def test_a_code_that_nobody_knows_is_tried_three_times(lumen, echo, dana):
    await lumen.fault(on="send", action="error", code=987654)
    await dana.says("Hello")
    await time_passes(lumen, lambda: written(lumen, "state = 'rejected'"), "it is given up", step=5)
    row = await the(lumen, "You said: Hello")
    assert (row["attempts"], row["error_code"]) == (3, 987654)
    assert "Look it up in Meta's list of error codes." in row["cause"]


async def test_a_refusal_that_was_none_is_settled_by_its_status(lumen, echo, dana):
    """WhatsApp says error and delivers all the same: the status proves it, and no second copy goes out."""
    await lumen.fault(on="send", action="error", code=131057, processed=True, times=1)
    await dana.says("Hello")
    await in_state(lumen, "You said: Hello", "delivered")
    await lumen.skip(minutes=5)
    await dana.says("And now?")
    assert await dana.hears_text(2) == ["You said: Hello", "You said: And now?"]
    assert len(await attempts(lumen, "You said: Hello")) == 1

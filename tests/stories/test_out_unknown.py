"""Nobody can tell whether WhatsApp has a message: it is shown as unknown, and never doubled without being asked to."""

import pytest
from cast import until
from till import attempts, faults_end, in_state, no_statuses, sends, taken, the, time_passes, told, written

from dragoman.whatsapp import client

HELLO = "You said: Hello"
WAIT = 120  # DRAGOMAN_UNKNOWN_WAIT_SECONDS


async def after_the_wait(lumen):
    await lumen.skip(seconds=WAIT + 1)

    async def settled():
        return not await written(lumen, "state in ('queued', 'sending') or not_before is not null") or None

    await until(settled, "the wait is over and the outbox is empty")


async def statuses_come_late(lumen, seconds=60):
    for status in ("sent", "delivered"):
        await lumen.fault(on="webhook", action="delay", status=status, delay_seconds=seconds)


async def late_statuses_arrive(lumen, **time_parts):
    await lumen.skip(seconds=1)

    async def reported():
        return all(entry["status"] == "delivered" for entry in await lumen.ledger())

    await until(reported, "WhatsApp has made its reports, which are on their way")
    await lumen.skip(**(time_parts or {"seconds": 60}))


async def test_a_connection_that_broke_after_the_send_is_settled_by_the_status(lumen, echo, dana):
    await statuses_come_late(lumen)
    await lumen.fault(on="send", action="reset_after", times=1)
    await dana.says("Hello")
    row = await in_state(lumen, HELLO, "unknown")
    assert row["cause"].startswith("WhatsApp did not answer, so nobody can tell yet whether the message was sent.")
    assert (row["wamid"], row["attempts"]) == (None, 1)
    [sent] = await lumen.ledger()

    await late_statuses_arrive(lumen)
    row = await in_state(lumen, HELLO, "delivered")
    assert (row["wamid"], row["cause"], row["not_before"]) == (sent["wamid"], None, None)
    [attempt] = await attempts(lumen, HELLO)
    assert attempt["outcome"] == "accepted"
    await after_the_wait(lumen)
    assert await taken(lumen) == [HELLO]


async def test_what_comes_after_an_unknown_message_waits_and_goes_out_when_it_is_settled(lumen, echo, dana):
    await statuses_come_late(lumen)
    await lumen.fault(on="send", action="reset_after", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await dana.says("Are you there?")
    await echo.delivered(2)
    await sends(lumen, "Your order is ready")
    await in_state(lumen, "You said: Are you there?", "queued")
    assert await taken(lumen) == [HELLO]

    await late_statuses_arrive(lumen)
    assert await dana.hears_text(3) == [HELLO, "You said: Are you there?", "Your order is ready"]


async def test_a_status_that_is_faster_than_our_patience_frees_the_conversation_at_once(lumen, echo, dana, monkeypatch):
    """The usual case of a slow answer: WhatsApp has reported the message before we know that we know nothing."""
    monkeypatch.setattr(client, "SEND_SECONDS", 1.0)
    await lumen.fault(on="send", action="delay", delay_seconds=3600, times=1)
    await dana.says("Hello")
    await until(lumen.ledger, "WhatsApp has the message")
    await sends(lumen, "Your order is ready")
    await lumen.skip(seconds=1)
    await in_state(lumen, HELLO, "delivered")
    assert (await the(lumen, "Your order is ready"))["state"] == "queued"  # our call is still open
    assert await dana.hears_text(2) == [HELLO, "Your order is ready"]
    assert ((await the(lumen, HELLO))["cause"], len(await attempts(lumen, HELLO))) == (None, 1)


async def test_a_page_of_html_without_delivery_stays_unknown_for_good(lumen, echo, dana):
    await lumen.fault(on="send", action="html_500", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await after_the_wait(lumen)
    row = await the(lumen, HELLO)
    assert (row["state"], row["attempts"], row["not_before"]) == ("unknown", 1, None)
    assert "not sent again by itself" in row["cause"]
    assert await lumen.ledger() == []
    shown = (await lumen.messages())[-1]
    assert (shown["status"], shown["delivery"]["state"], shown["delivery"]["cause"]) == (None, "unknown", row["cause"])
    [(summary, _)] = await told(lumen, "message_written")
    assert summary == f"Echo wrote: “{HELLO}”, and whether it arrived is not known."


@pytest.mark.parametrize("fault", [{"action": "reset_after"}, {"action": "html_500", "processed": True}, {"action": "reset_before"}])
async def test_without_a_status_it_is_never_sent_again_and_the_next_message_goes_out_after_the_wait(lumen, echo, dana, fault):
    await no_statuses(lumen)
    await lumen.fault(on="send", times=1, **fault)
    await dana.says("Hello")
    await echo.delivered(1)  # else a slow server would ask about both at once
    await dana.says("Are you there?")
    await in_state(lumen, "You said: Are you there?", "queued")
    await after_the_wait(lumen)
    await in_state(lumen, "You said: Are you there?", "accepted")
    row = await the(lumen, HELLO)
    assert (row["state"], row["attempts"]) == ("unknown", 1)
    arrived = [] if fault["action"] == "reset_before" else [HELLO]
    assert await taken(lumen) == [*arrived, "You said: Are you there?"]


async def test_a_status_after_the_wait_still_settles_it(lumen, echo, dana):
    await statuses_come_late(lumen, seconds=3600)
    await lumen.fault(on="send", action="reset_after", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await after_the_wait(lumen)
    assert (await the(lumen, HELLO))["state"] == "unknown"
    await late_statuses_arrive(lumen, hours=1)
    row = await in_state(lumen, HELLO, "delivered")
    assert row["cause"] is None
    assert await taken(lumen) == [HELLO]


async def test_resend_once_sends_exactly_once_more(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await no_statuses(lumen)
    await lumen.fault(on="send", action="reset_after", times=1)
    await dana.says("Hello")
    await echo.delivered(1)  # else a slow server would ask about both at once
    await dana.says("Are you there?")
    await in_state(lumen, HELLO, "unknown")
    assert await taken(lumen) == [HELLO]
    await after_the_wait(lumen)
    await in_state(lumen, "You said: Are you there?", "accepted")
    assert await taken(lumen) == [HELLO, HELLO, "You said: Are you there?"]  # a double is what the owner chose over a gap
    row, tries = await the(lumen, HELLO), await attempts(lumen, HELLO)
    assert (row["state"], row["attempts"], row["cause"]) == ("accepted", 2, None)
    assert [one["outcome"] for one in tries] == ["unknown", "accepted"]
    assert [str(one["id"]) for one in tries] == [entry["attempt"] for entry in (await lumen.ledger())[:2]]


async def test_resend_once_is_not_resend_twice(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await lumen.fault(on="send", action="html_500")
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")

    async def twice():
        return len(await attempts(lumen, HELLO)) == 2

    await time_passes(lumen, twice, "it is sent once more")
    await in_state(lumen, HELLO, "unknown")
    await faults_end(lumen)
    await after_the_wait(lumen)
    row = await the(lumen, HELLO)
    assert (row["state"], row["attempts"], row["not_before"]) == ("unknown", 2, None)
    await dana.says("Are you there?")
    assert await dana.hears_text() == ["You said: Are you there?"]


async def test_resend_once_does_not_count_refusals(lumen, echo, dana):
    """Refused, then unknown: the one resend is still to come."""
    await lumen.change_agent(echo, resend="resend_once")
    await lumen.fault(on="send", action="error", code=131000, times=1)
    await lumen.fault(on="send", action="html_500", times=1)
    await dana.says("Hello")
    await time_passes(lumen, lambda: taken(lumen), "it is sent once more", step=30)
    await in_state(lumen, HELLO, "delivered")
    assert [one["outcome"] for one in await attempts(lumen, HELLO)] == ["refused", "unknown", "accepted"]
    assert await taken(lumen) == [HELLO]


async def test_with_resend_once_a_status_in_time_is_enough(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await statuses_come_late(lumen)
    await lumen.fault(on="send", action="reset_after", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await late_statuses_arrive(lumen)
    await in_state(lumen, HELLO, "delivered")
    await after_the_wait(lumen)
    assert await taken(lumen) == [HELLO]


async def test_a_status_of_the_first_copy_counts_when_the_second_one_is_refused(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await statuses_come_late(lumen, seconds=3600)
    await lumen.fault(on="send", action="reset_after", times=1)
    await lumen.fault(on="send", action="error", code=131026, times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await after_the_wait(lumen)
    row = await in_state(lumen, HELLO, "unknown")
    assert (row["error_code"], row["not_before"]) == (131026, None)
    await late_statuses_arrive(lumen, hours=1)
    row = await in_state(lumen, HELLO, "delivered")
    assert (row["cause"], row["error_code"]) == (None, None)


async def test_what_may_have_arrived_is_not_called_expired_when_the_window_closes_before_the_resend(lumen, echo, dana):
    await lumen.change_agent(echo, resend="resend_once")
    await no_statuses(lumen)
    await lumen.fault(on="send", action="reset_after", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "unknown")
    await lumen.skip(hours=25)
    await after_the_wait(lumen)
    row = await the(lumen, HELLO)
    assert (row["state"], row["attempts"]) == ("unknown", 1)
    assert await taken(lumen) == [HELLO]

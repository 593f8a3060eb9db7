"""What WhatsApp reports about a message: shown as far as it got, in whatever order the reports come."""

from itertools import permutations

from cast import until
from till import attempts, in_state, no_statuses, reports, reports_all, sends, taken, the, told

from dragoman.whatsapp import causes

HELLO = "You said: Hello"
SERVICE = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
FAILED = [{"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp."}}]


async def arrived(lumen, text):
    """A message that WhatsApp took and says nothing about by itself."""
    await sends(lumen, text)
    return (await in_state(lumen, text, "accepted"))["wamid"]


async def silent(lumen, echo, dana):
    await no_statuses(lumen)
    echo.answer = 204
    await dana.says("Hello")
    await echo.delivered()


async def test_a_message_is_shown_as_far_as_it_got(lumen, echo, dana):
    await dana.says("Hello")
    row = await in_state(lumen, HELLO, "delivered")
    assert row["pricing"] == SERVICE
    await lumen.control("POST", f"/people/{dana.id}/read", {})
    await in_state(lumen, HELLO, "read")
    shown = (await lumen.messages())[-1]
    assert (shown["status"], shown["delivery"]["state"], shown["delivery"]["waId"]) == ("read", "read", row["wamid"])
    assert [summary for summary, _ in await told(lumen, "status")] == [
        "WhatsApp sent the message on its way.",
        "The message reached Dana's phone.",
        "Dana read the message.",
    ]


async def test_statuses_in_any_order_and_twice_only_move_a_message_forward(lumen, echo, dana):
    await silent(lumen, echo, dana)
    ranks = ("accepted", "sent", "delivered", "read")
    for n, order in enumerate(permutations(("sent", "delivered", "read"))):
        wamid = await arrived(lumen, f"message {n}")
        highest = "accepted"
        for status in order:
            for _ in range(2):
                await reports(lumen, wamid, status)
            highest = max(highest, status, key=ranks.index)
            assert (await the(lumen, f"message {n}"))["state"] == highest
    rows = await lumen.rows("select message_id, count(*) as n from statuses group by 1")
    assert [row["n"] for row in rows] == [3] * 6  # each report is kept once


async def test_all_statuses_in_one_webhook_count_as_the_highest_and_keep_the_price(lumen, echo, dana):
    await silent(lumen, echo, dana)
    wamid = await arrived(lumen, "Your order is ready")
    items = [
        {"id": wamid, "status": "sent", "timestamp": "1771000000", "recipient_id": "15550007890", "pricing": SERVICE},
        {"id": wamid, "status": "read", "timestamp": "1771000002", "recipient_id": "15550007890"},
        {"id": wamid, "status": "delivered", "timestamp": "1771000001", "recipient_id": "15550007890", "pricing": SERVICE},
    ]
    await reports_all(lumen, items)
    row = await the(lumen, "Your order is ready")
    assert (row["state"], row["pricing"]) == ("read", SERVICE)


async def test_a_price_that_comes_after_the_ticks_is_kept(lumen, echo, dana):
    await silent(lumen, echo, dana)
    wamid = await arrived(lumen, "Your order is ready")
    await reports(lumen, wamid, "read")
    await reports(lumen, wamid, "delivered", pricing=SERVICE)
    row = await the(lumen, "Your order is ready")
    assert (row["state"], row["pricing"]) == ("read", SERVICE)


async def test_a_failure_after_acceptance_is_shown_with_its_cause(lumen, echo, dana):
    await lumen.fault(on="send", action="fail_after", code=131026, times=1)
    await dana.says("Hello")
    row = await in_state(lumen, HELLO, "failed")
    assert row["error_code"] == 131026
    assert row["cause"].startswith(causes.CAUSES[131026])
    shown = (await lumen.messages())[-1]
    assert (shown["status"], shown["delivery"]["cause"], shown["delivery"]["errorCode"]) == ("failed", row["cause"], 131026)
    assert ("WhatsApp could not deliver the message to Dana.", row["cause"]) in await told(lumen, "status")
    [attempt] = await attempts(lumen, HELLO)
    assert attempt["outcome"] == "accepted"
    await lumen.skip(hours=1)
    await dana.says("Again?")
    await dana.hears(2)
    assert await taken(lumen) == [HELLO, "You said: Again?"]  # what failed is not sent again by itself


async def test_delivered_after_failed_is_delivered_and_failed_after_delivered_is_not_failed(lumen, echo, dana):
    await silent(lumen, echo, dana)
    wamid = await arrived(lumen, "Your order is ready")
    await reports(lumen, wamid, "failed", errors=FAILED)
    row = await the(lumen, "Your order is ready")
    assert (row["state"], row["error_code"]) == ("failed", 131026)
    await reports(lumen, wamid, "sent")
    assert (await the(lumen, "Your order is ready"))["state"] == "failed"
    await reports(lumen, wamid, "delivered")
    row = await the(lumen, "Your order is ready")
    assert (row["state"], row["cause"], row["error_code"]) == ("delivered", None, None)
    await reports(lumen, wamid, "failed", errors=FAILED)
    assert (await the(lumen, "Your order is ready"))["state"] == "delivered"


async def test_a_status_that_comes_before_our_own_send_returned_counts(lumen, echo, dana):
    await lumen.fault(on="send", action="delay", delay_seconds=600, times=1)
    await dana.says("Hello")
    row = await in_state(lumen, HELLO, "delivered")
    [sent] = await lumen.ledger()
    assert row["wamid"] == sent["wamid"]
    [attempt] = await attempts(lumen, HELLO)
    assert (attempt["outcome"], attempt["http_status"]) == ("accepted", None)  # proved by the status, our call is still open

    await lumen.skip(minutes=10)
    await until(lambda: returned(lumen), "the send has returned")
    row = await the(lumen, HELLO)
    assert (row["state"], row["wamid"], row["cause"]) == ("delivered", sent["wamid"], None)
    await dana.says("And now?")
    assert await dana.hears_text(2) == [HELLO, "You said: And now?"]


async def returned(lumen):
    return all(attempt["http_status"] for attempt in await attempts(lumen, HELLO))


async def test_statuses_that_overtake_our_send_without_our_attempt_id_are_found_again(lumen, echo, dana):
    await no_statuses(lumen)
    await lumen.fault(on="send", action="delay", delay_seconds=600, times=1)
    await dana.says("Hello")
    [sent] = await until(lumen.ledger, "WhatsApp has the message")
    await reports(lumen, sent["wamid"], "sent", pricing=SERVICE)
    await reports(lumen, sent["wamid"], "read")
    assert (await the(lumen, HELLO))["state"] == "sending"  # nothing says yet whose they are

    await lumen.skip(minutes=10)
    row = await in_state(lumen, HELLO, "read")
    assert (row["wamid"], row["pricing"]) == (sent["wamid"], SERVICE)
    assert len(await told(lumen, "status")) == 2


async def test_a_failure_that_overtakes_our_send_without_our_attempt_id_keeps_its_cause(lumen, echo, dana):
    await no_statuses(lumen)
    await lumen.fault(on="send", action="delay", delay_seconds=600, times=1)
    await dana.says("Hello")
    [sent] = await until(lumen.ledger, "WhatsApp has the message")
    await reports(lumen, sent["wamid"], "failed", errors=FAILED)
    await lumen.skip(minutes=10)
    row = await in_state(lumen, HELLO, "failed")
    assert row["error_code"] == 131026
    assert row["cause"].startswith(causes.CAUSES[131026])


async def test_a_status_of_a_kind_that_nobody_knows_harms_nothing(lumen, echo, dana):
    await no_statuses(lumen)
    await lumen.fault(on="send", action="delay", delay_seconds=600, times=1)
    await dana.says("Hello")
    [sent] = await until(lumen.ledger, "WhatsApp has the message")
    await reports(lumen, sent["wamid"], "warning")
    await lumen.skip(minutes=10)
    await in_state(lumen, HELLO, "accepted")
    await reports(lumen, sent["wamid"], "deleted")
    assert (await the(lumen, HELLO))["state"] == "accepted"
    assert ("WhatsApp reported the message as warning.", None) in await told(lumen, "status")


async def test_a_status_with_another_systems_reference_is_found_by_whatsapps_id(lumen, echo, dana):
    await silent(lumen, echo, dana)
    wamid = await arrived(lumen, "Your order is ready")
    await reports(lumen, wamid, "delivered", biz_opaque_callback_data="crm-4711")
    await in_state(lumen, "Your order is ready", "delivered")
    await reports(lumen, "wamid.unheard-of", "delivered", biz_opaque_callback_data="crm-4712")
    assert len(await lumen.rows("select id from statuses where message_id is null")) == 1


async def test_a_status_that_meta_drops_duplicates_or_delays_ends_in_the_same_place(lumen, echo, dana):
    await lumen.fault(on="webhook", action="drop", status="sent", times=1)
    await lumen.fault(on="webhook", action="duplicate", status="delivered", times=1)
    await dana.says("Hello")
    await in_state(lumen, HELLO, "delivered")
    await lumen.fault(on="webhook", action="reorder", status="sent", times=1)
    await dana.says("And now?")
    await in_state(lumen, "You said: And now?", "delivered")
    await lumen.skip(seconds=5)

    async def all_three():
        return len(await lumen.rows("select id from statuses")) == 3

    await until(all_three, "the late status has come, too")
    assert (await the(lumen, "You said: And now?"))["state"] == "delivered"

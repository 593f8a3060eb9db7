"""Faults on request: what the business sees, and what became of its message."""

import aiohttp
import pytest
from business import DANA, NUMBER, text


async def test_an_error_is_answered_as_often_as_asked(town, dana):
    await town.says(dana, "Hi")
    fault = await town.fault("send", "error", code=131016, times=2)
    assert fault["id"]
    assert await town.refused(text()) == (500, 131016)
    assert await town.refused(text()) == (500, 131016)
    await town.text()
    assert len(await town.ledger()) == 1


async def test_a_fault_lasts_until_it_is_deleted_and_may_name_its_http_status(town, dana):
    await town.says(dana, "Hi")
    fault = await town.fault("send", "error", code=130429, http=429)
    assert [await town.refused(text()) for _ in range(3)] == [(429, 130429)] * 3
    await town.control("DELETE", f"/faults/{fault['id']}")
    await town.text()
    await town.fault("send", "error", code=4)
    await town.control("DELETE", "/faults")
    await town.text()


async def test_a_fault_may_wait_for_one_person_or_number(town, dana):
    mia = await town.person("Mia", phone="+15550007111")
    await town.fault("send", "error", code=131000, person=mia["id"])
    await town.text()
    assert await town.refused(text(), to=mia["phone"]) == (500, 131000)
    await town.control("DELETE", "/faults")
    await town.fault("send", "error", code=131000, number="another")
    await town.text()


@pytest.mark.parametrize(("action", "sent"), [("reset_before", 0), ("reset_after", 1)])
async def test_a_connection_is_reset_before_or_after_the_message_was_taken(town, dana, action, sent):
    await town.says(dana, "Hi")
    await town.fault("send", action, times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await town.send(text())
    assert len(await town.ledger()) == sent
    await town.text()


@pytest.mark.parametrize("processed", [True, False])
async def test_a_page_of_html_is_answered_with_and_without_delivery(town, lumen, dana, processed):
    await town.says(dana, "Hi")
    await town.fault("send", "html_500", processed=processed, times=1)
    message = {"messaging_product": "whatsapp", "to": DANA, "biz_opaque_callback_data": "a1"} | text()
    headers = {"Authorization": "Bearer lumen-token"}
    async with town.web.post(f"{town.origin}/graph/v26.0/{NUMBER}/messages", json=message, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (500, "text/html")
    assert [entry["attempt"] for entry in await town.ledger()] == (["a1"] if processed else [])
    if processed:
        town.later(seconds=1)
        assert await lumen.update(status="delivered", biz_opaque_callback_data="a1")


async def test_an_error_may_come_although_the_message_was_taken(town, dana):
    await town.says(dana, "Hi")
    await town.fault("send", "error", code=131000, processed=True, times=1)
    assert await town.refused(text()) == (500, 131000)
    assert len(await town.ledger()) == 1


async def test_an_answer_may_come_too_late(town, dana):
    await town.says(dana, "Hi")
    await town.fault("send", "delay", delay_seconds=3600, times=1)
    headers = {"Authorization": "Bearer lumen-token"}
    message = {"messaging_product": "whatsapp", "to": DANA} | text()
    with pytest.raises(TimeoutError):
        await town.web.post(
            f"{town.origin}/graph/{NUMBER}/messages", json=message, headers=headers, timeout=aiohttp.ClientTimeout(total=0.2)
        )
    assert len(await town.ledger()) == 1


async def test_a_refusal_may_come_late_too(town, dana):
    await town.fault("send", "delay", code=131000, delay_seconds=0.2, times=1)
    assert await town.refused(text()) == (500, 131000)
    assert await town.ledger() == []


async def test_a_message_may_be_accepted_and_fail_later_with_any_code(town, lumen, dana):
    await town.says(dana, "Hi")
    await town.fault("send", "fail_after", code=131049, times=1)
    wamid = await town.text()
    town.later(seconds=1)
    failed = await lumen.status("failed", wamid)
    assert failed["errors"][0]["code"] == 131049
    assert failed["errors"][0]["error_data"]["details"]


async def test_receipts_and_media_have_faults_of_their_own(town, dana):
    wamid = await town.says(dana, "Hi")
    await town.fault("read", "error", code=131000)
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert (await town.graph("POST", f"{NUMBER}/messages", receipt))[0] == 500
    await town.text()
    await town.fault("media", "error", code=131016)
    form = aiohttp.FormData({"messaging_product": "whatsapp"})
    form.add_field("file", b"x", filename="a.txt", content_type="text/plain")
    status, answer = await town.graph("POST", f"{NUMBER}/media", data=form)
    assert (status, answer["error"]["code"]) == (500, 131016)


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"on": "send", "action": "drop"}, "action"),
        ({"on": "webhook", "action": "reset_before"}, "action"),
        ({"on": "send", "action": "error"}, "code"),
        ({"on": "read", "action": "fail_after", "code": 1}, "on"),
        ({"on": "dinner", "action": "error"}, None),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(town, fault, field):
    refusal = await town.control("POST", "/faults", fault, expect=400)
    assert refusal["field"] == field

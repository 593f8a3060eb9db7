"""F-25: WhatsApp accepts messages and its statuses do not come, because the webhooks of the account are not subscribed any more."""

import pytest
import structlog
from cast import until
from meta import counted
from till import SECOND, SECOND_DISPLAY, faults_end, no_statuses, time_passes, written

from dragoman.cli.doctor.command import examine
from dragoman.conversations import silence
from dragoman.conversations.silence import ENOUGH

GAUGE = "dragoman_numbers_without_statuses"
DISPLAY = "15550001234"
AT_ONCE = 10  # answers to one question


async def hears_so_many(echo, phone, count):
    """The customer is told so many things; WhatsApp has accepted them all."""
    asked = [min(AT_ONCE, count - n) for n in range(0, count, AT_ONCE)]
    for many in asked:
        echo.script.append(web_list(many))
    heard = len(await phone.heard())
    for n, many in enumerate(asked):
        await phone.says(f"Question {n}")
        heard += many
        await phone.hears(heard)


def web_list(many):
    return [{"content": f"Answer {n}"} for n in range(many)] if many > 1 else {"content": "Answer"}


async def accepted(lumen, count):
    async def all_of_them():
        return len(await written(lumen, "state = 'accepted'")) == count

    await until(all_of_them, f"{count} messages are accepted and no more")


async def silent(lumen, display=DISPLAY):
    """Since when the number is without statuses, as the API shows it."""
    return (await lumen.get(f"/phone-numbers/{display}/"))["delivery"]["statusesMissingSince"]


def warnings(logged):
    return [entry["number_id"] for entry in logged if "sends no statuses" in entry["event"]]


async def test_a_number_whose_statuses_do_not_come_is_noticed_and_whoever_asks_is_told_what_to_do(lumen, echo, dana, second, clock):
    await no_statuses(lumen)
    await hears_so_many(echo, dana, ENOUGH)
    await accepted(lumen, ENOUGH)
    number = (await lumen.get(f"/phone-numbers/{DISPLAY}/"))["id"]
    await silence.listen(lumen.services)
    assert await silent(lumen) is None, "they may still come"

    with structlog.testing.capture_logs() as logged:
        since = await time_passes(lumen, lambda: silent(lumen), "the worker has looked by itself", step=660)
        await until(lambda: warnings(logged), "it is logged")
        for _ in range(3):
            await silence.listen(lumen.services)
        assert warnings(logged) == [number], "once, and not each minute"
        assert await counted(lumen, GAUGE) == 1
        # Nothing was sent in the next hour, and nothing has come: it is as it was.
        await time_passes(lumen, lambda: warned_again(logged), "it is logged again after an hour", step=3660)
    [line] = [f.line for f in await examine(lumen.services.settings, clock, DISPLAY) if f.check == "statuses"]
    assert line.startswith("✗ statuses: WhatsApp accepts messages and has sent no status since 2")
    assert "→ subscribe the app to the account's webhooks: POST /102290000000001/subscribed_apps" in line
    assert f"the app's callback URL is {lumen.url}/webhooks/whatsapp/sandbox" in line
    assert (await silent(lumen), await silent(lumen, SECOND_DISPLAY)) == (since, None)

    await faults_end(lumen)
    await hears_so_many(echo, dana, 1)
    await until(lambda: status_of_last(lumen), "a status has come")
    await time_passes(lumen, lambda: heard_again(lumen), "the worker has looked again")
    found = await examine(lumen.services.settings, clock, DISPLAY)
    assert [f.state for f in found if f.check == "statuses"] == ["good"]


async def status_of_last(lumen):
    return await lumen.rows("select 1 from statuses where status = 'delivered'")


async def heard_again(lumen):
    return await silent(lumen) is None and await counted(lumen, GAUGE) == 0


async def warned_again(logged):
    return len(warnings(logged)) > 1


@pytest.mark.parametrize("story", ["too few", "one came", "too old"])
async def test_it_is_not_said_too_soon(lumen, echo, dana, story):
    if story == "one came":
        await hears_so_many(echo, dana, 1)
        await until(lambda: status_of_last(lumen), "its statuses have come")
    await no_statuses(lumen)
    many = ENOUGH - 1 if story == "too few" else ENOUGH
    await hears_so_many(echo, dana, many)
    await accepted(lumen, many)
    if story == "too old":
        await lumen.services.db.execute("update messages set status_at = status_at - interval '1 hour' where state = 'accepted'")
    await lumen.skip(minutes=11)
    await silence.listen(lumen.services)
    assert await silent(lumen) is None


async def test_the_statuses_of_one_number_are_no_proof_for_another(lumen, echo, dana, second):
    await no_statuses(lumen)
    await hears_so_many(echo, dana, ENOUGH)
    await accepted(lumen, ENOUGH)
    await lumen.skip(minutes=11)
    metadata = {"display_phone_number": SECOND_DISPLAY, "phone_number_id": SECOND}
    status = {"id": "wamid.of another program", "status": "delivered", "timestamp": "1771000000", "recipient_id": "15550007890"}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}}
    entry = {"id": "102290000000002", "changes": [change]}
    await lumen.control("POST", "/webhooks/raw", {"body": {"object": "whatsapp_business_account", "entry": [entry]}})
    assert await status_of_last(lumen)
    await silence.listen(lumen.services)
    assert await silent(lumen)
    assert await silent(lumen, SECOND_DISPLAY) is None

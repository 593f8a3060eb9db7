"""F-40: a message that whoever works on it stumbles over. It ends as failed, and the conversation and everybody else go on."""

import pytest
from cast import until
from meta import counted, rested
from till import time_passes

from dragoman.conversations.worker import Worker

CRASHED = "dragoman_conversations_crashed_total"


@pytest.mark.parametrize("role", ["web"])
async def test_a_message_that_cannot_be_put_to_the_agent_ends_as_failed_and_what_follows_is_answered(lumen, echo, dana, zoe):
    for phone, text in ((dana, "Poison"), (dana, "Bread?"), (zoe, "Cake?")):
        wamid = await phone.says(text)
        await until(lambda wamid=wamid: stored(lumen, wamid), "it is stored")
    # What no version of ours has written, and none can read.
    await lumen.services.db.execute("update messages set content = '[1]' where content ->> 'text' = 'Poison'")
    before = await counted(lumen, CRASHED)
    worker = Worker(lumen.services)
    await worker.start()
    assert await zoe.hears_text() == ["You said: Cake?"]
    await time_passes(lumen, lambda: heard(dana), "Dana is answered", step=120)
    assert [message["text"] for message in await dana.heard()] == ["You said: Bread?"]
    await rested(lumen)
    await worker.stop()
    [turn] = await lumen.rows("select state, cause, attempts from turns where state <> 'answered'")
    assert (turn["state"], turn["attempts"]) == ("failed", 6)
    assert turn["cause"] == "Dragoman could not put this message to the agent (AttributeError)."
    assert await counted(lumen, CRASHED) == before + 6


async def stored(lumen, wamid):
    return await lumen.rows("select 1 from messages where wamid = %(wamid)s", wamid=wamid)


async def heard(phone):
    return await phone.heard()

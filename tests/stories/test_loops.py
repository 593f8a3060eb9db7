"""Two programs that answer each other are stopped; a person who writes fast is not. Time stands still here unless a test moves it."""

import asyncio
from datetime import UTC, datetime

import pytest
from cast import NUMBER, until
from native import hire
from prometheus_client import REGISTRY
from till import SECOND, acts, told

from dragoman.clock import Clock
from dragoman.conversations.policy import AUTOMATIC_TURNS, TOO_FAST
from dragoman.conversations.worker import Worker

ANSWERS = AUTOMATIC_TURNS + 1  # the first question follows no answer


class Still(Clock):
    """However slow the machine, everything happens in the same moment."""

    def __init__(self):
        super().__init__()
        self.began = datetime.now(UTC)

    def now(self):
        return self.began + self.offset

    def timestamp(self):
        return self.now().timestamp()


@pytest.fixture
def clock():
    return Still()


async def owner(lumen, number=None):
    rows = await lumen.rows(
        """select c.owner, c.handback_at from conversations c join numbers n on n.id = c.number_id
           where n.phone_number_id = %(number)s""",
        number=number or NUMBER,
    )
    return rows[0]["owner"] if rows else None


async def ends(lumen, heard, count, number=None):
    """Wait until `count` answers are heard or nobody answers any more; how many were heard."""

    async def look():
        answers = len(await heard())
        return answers if answers >= count or await owner(lumen, number) == "nobody" else None

    return await until(look, f"{count} answers, or none any more")


async def answers_itself(lumen, phone, rounds, said=0):
    """The phone says "Thank you!" to whatever it hears, after `said` answers from before; how many answers came of `rounds` of them."""
    for n in range(said + 1, said + rounds + 1):
        await phone.says("Thank you!")
        if await ends(lumen, phone.heard, n) < n:
            return n - 1 - said
    return rounds


async def until_when(lumen):
    return (await lumen.conversation())["owner"]["until"]


async def test_a_phone_that_answers_itself_is_stopped_and_told_of(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=AUTOMATIC_TURNS)
    counted = REGISTRY.get_sample_value("dragoman_loops_stopped_total")
    assert await answers_itself(lumen, dana, ANSWERS + 3) == ANSWERS
    assert len(echo.deliveries) == ANSWERS
    assert REGISTRY.get_sample_value("dragoman_loops_stopped_total") == counted + 1
    assert await told(lumen, "owner_changed") == [
        ("Echo keeps quiet for a while; what Dana writes is stored. Hand the conversation back to go on at once.", TOO_FAST)
    ]
    assert (await told(lumen, "turn_closed"))[-1] == ("Echo's turn was dropped; what it answers now is not sent.", TOO_FAST)

    await dana.says("Are you there?")
    stored = await until(lambda: messages(lumen, ANSWERS + 2), "what was said meanwhile is stored")
    assert len(stored) == ANSWERS + 2


async def messages(lumen, count):
    rows = await lumen.rows("select id from messages where direction = 'in'")
    return rows if len(rows) >= count else None


async def test_whoever_hands_the_conversation_back_goes_on_at_once(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=2)
    assert await answers_itself(lumen, dana, 5) == 3
    assert (await acts(lumen, "handback"))["owner"]["kind"] == "agent"
    await dana.says("Hello?")
    assert (await dana.hears_text(4))[-1] == "You said: Hello?"


async def test_it_ends_by_itself_and_lasts_twice_as_long_the_next_time(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=2)
    for n, minutes in enumerate((10, 20, 40)):
        assert await answers_itself(lumen, dana, 5, said=3 * n) == 3
        now = lumen.services.clock.now()
        assert round((datetime.fromisoformat(await until_when(lumen)) - now).total_seconds()) == minutes * 60
        await lumen.skip(minutes=minutes)
        await until(lambda: is_with_the_agent(lumen), "the agent is back")


async def test_another_agent_begins_anew(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=2)
    assert await answers_itself(lumen, dana, 5) == 3
    await lumen.connect(echo, echo.url)
    await dana.says("Hello?")
    assert (await dana.hears_text(4))[-1] == "You said: Hello?"
    assert await lumen.rows("select owner, handback_at from conversations") == [{"owner": "agent", "handback_at": None}]


async def is_with_the_agent(lumen):
    return await owner(lumen) == "agent"


@pytest.mark.parametrize("role", ["web"])
async def test_two_workers_count_as_one(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=AUTOMATIC_TURNS)
    workers = [Worker(lumen.services), Worker(lumen.services)]
    for worker in workers:
        await worker.start()
    assert await answers_itself(lumen, dana, ANSWERS + 3) == ANSWERS
    for worker in workers:
        await worker.stop()


async def test_two_agents_of_dragoman_that_talk_to_each_other_are_stopped(lumen, second, dana, model):
    """On the number that is no sandbox's nothing needs to be set; the native one on the sandbox's goes on for as long as it is asked."""
    await hire(lumen, model)
    model.answer = "And what else?"
    second.answer = {"content": "Which bread?"}
    await dana.says("What do you sell?")
    for n in range(1, 20):
        assert await ends(lumen, lambda: heard_on(dana, NUMBER), n) == n
        await dana.says("And what else?", number=SECOND)
        if await ends(lumen, lambda: heard_on(dana, SECOND), n, SECOND) < n:
            break
        await dana.says("Which bread?", number=NUMBER)
    assert (n, len(second.deliveries)) == (ANSWERS + 1, ANSWERS)


async def heard_on(phone, number):
    chat = await phone.lumen.control("GET", f"/people/{phone.id}/chat?number={number}")
    return [m for m in chat["messages"] if m["from"] == "business"]


async def test_a_native_agent_is_stopped_too(lumen, dana, model):
    agent = await hire(lumen, model, native={"automaticTurns": AUTOMATIC_TURNS})
    model.answer = "And what else?"
    for n in range(1, ANSWERS + 1):
        await dana.says("And what else?")
        await dana.hears(n)
    await dana.says("And what else?")
    assert await ends(lumen, dana.heard, ANSWERS + 1) == ANSWERS
    assert agent["native"]["automaticTurns"] == AUTOMATIC_TURNS


async def test_ten_quick_fragments_are_a_persons_and_so_are_ten_more_after_a_pause(lumen, echo, dana):
    """Each of them comes in the very moment of the answer to the one before, which is worse than anybody types."""
    await lumen.change_agent(echo, automaticTurns=AUTOMATIC_TURNS)
    for fragments in (10, 20):
        for n in range(fragments - 9, fragments + 1):
            await dana.says(f"{n} rye")
            await dana.hears(n)
        await lumen.skip(seconds=4)
    assert await owner(lumen) == "agent"


async def test_messages_that_do_not_follow_an_answer_are_a_persons(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=2)
    await dana.says("Hello")
    await dana.hears()
    written = asyncio.Event()

    async def when_all_is_written():
        await written.wait()
        return {"content": "One rye"}

    echo.script.append(lambda _delivery: when_all_is_written())
    for n in range(1, 8):
        await dana.says(f"{n} rye")
    await until(lambda: messages(lumen, 8), "all is written before the first answer")
    written.set()
    await dana.hears(8)
    await dana.says("That is all")
    await dana.hears(9)
    assert await owner(lumen) == "agent"


async def test_whoever_taps_is_a_person(lumen, echo, dana):
    await lumen.change_agent(echo, automaticTurns=2)
    echo.answer = {"unified": {"text": "More?", "buttons": [{"type": "quick_reply", "text": "More", "quickReplyId": "more"}]}}
    await dana.says("Rye")
    for n in range(1, 8):
        await dana.taps((await dana.hears(n))[-1]["id"], button_id="more")
    await dana.hears(8)
    assert await owner(lumen) == "agent"


async def test_where_nothing_is_set_a_sandbox_number_answers_programs_without_end(lumen, echo, dana):
    """They are somebody's test, most likely."""
    assert await answers_itself(lumen, dana, ANSWERS + 3) == ANSWERS + 3

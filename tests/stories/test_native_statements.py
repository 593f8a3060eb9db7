"""What a native turn asks of the database: a few statements, and no more when a part of what an agent may have is not there."""

from collections import Counter

import psycopg
import pytest
from native import change, hire
from tests.crash.points import statements

# What is asked in a turn; not what is asked of every message, whoever answers it, nor what goes on beside it.
IN_A_TURN = ("agents.", "native_queries.", "turn_queries.", "media_queries.")
BESIDE = {"native_queries.NEWS"}
OF_A_TURN = {"agents.llm.given_queries.GIVEN": 1, "native_queries.SESSION": 1, "agents.llm.queries.GENERATED": 1}


@pytest.fixture
def asked(monkeypatch):
    """How often each of the statements of a turn was made."""
    names, counts = {text: name for name, text in statements().items()}, Counter()
    execute = psycopg.AsyncConnection.execute

    async def counted(self, query, *args, **more):
        name = names.get(query, "") if isinstance(query, str) else ""
        if name.startswith(IN_A_TURN) and name not in BESIDE:
            counts[name] += 1
        return await execute(self, query, *args, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted)
    return counts


async def turn(dana, asked, text, heard):
    asked.clear()
    await dana.says(text)
    await dana.hears_text(heard)
    return dict(asked)


async def test_a_turn_of_a_plain_agent_makes_three_statements_of_its_own(lumen, model, dana, asked):
    await hire(lumen, model, systemPrompt="You sell bread.")
    assert await turn(dana, asked, "Are you open?", 1) == OF_A_TURN
    assert await turn(dana, asked, "And on Sunday?", 2) == OF_A_TURN


async def test_an_agent_with_a_memory_is_asked_for_one_thing_more(lumen, model, dana, asked):
    agent = await hire(lumen, model)
    await change(lumen, agent, memoryKeys=[{"key": "diet", "type": "string"}])
    assert await turn(dana, asked, "Are you open?", 1) == OF_A_TURN | {"agents.memory.queries.KNOWN": 1}

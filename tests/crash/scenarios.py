"""What is played while the server dies. Each is small, and each client in it is a careful one: it asks again until it is answered.

`furnish` happens before the points count, `play` while they do. `expect` is what the end must look like beside the invariants: lines
of what is wrong.
"""

import asyncio
from collections import Counter

from made_files import png


class Scenario:
    name = ""
    settings: dict = {}  # noqa: RUF012 - of the server, beside the usual ones
    says = ()  # every text that is said, once
    may = ()  # what is said once at most, because it depends on who was faster

    async def furnish(self, place):
        await place.lumen.connect(place.agent, place.agent.url)

    async def play(self, place):
        raise NotImplementedError

    async def expect(self, place):
        rows = await place.rows("select content ->> 'body' as body from messages where direction = 'out' and state <> 'discarded'")
        said = Counter(row["body"] for row in rows)
        if said - Counter(self.may) != Counter(self.says):
            yield f"I-01 said {dict(said)} instead of {list(self.says)}"


class MainJob(Scenario):
    name = "main job"
    says = ("You said: one", "You said: two")

    async def play(self, place):
        dana = await place.person()
        for text in ("one", "two"):
            await dana.says(text)
        await place.answered(2)


class Callback(Scenario):
    """The agent answers later, twice, each under a key of its own."""

    name = "callback"
    says = ("Late 1", "Late 2")

    async def furnish(self, place):
        await super().furnish(place)
        place.kept["posting"] = set()
        place.agent.answer = lambda delivery: self.later(place, delivery)

    async def later(self, place, delivery):
        place.kept["posting"].add(asyncio.create_task(self.post(place, delivery)))
        return 204

    async def post(self, place, delivery):
        for n in (1, 2):
            status, body = await place.asks("POST", "", {"content": f"Late {n}"}, key=f"late {n}", url=delivery["reply_callback"])
            assert status == 202, (status, body)
            place.promised += [message["id"] for message in body["messages"]]

    async def play(self, place):
        await (await place.person()).says("Is it ready?")
        await place.answered(2)
        await asyncio.gather(*place.kept["posting"])


class Send(Scenario):
    """The business writes through the API; its program gets an answer for each, or looks."""

    name = "send"
    says = ("You said: Hello", "First", "Second")

    async def furnish(self, place):
        await super().furnish(place)
        await (await place.person()).says("Hello")
        await place.answered(1)
        await place.settled()

    async def play(self, place):
        conversation = await place.conversation_id()
        await place.says(conversation, "First")
        await place.says(conversation, "Second")
        await place.answered(3)


class TakeOver(Scenario):
    """A person takes the thread while the agent thinks, says something, and gives it back."""

    name = "take-over"
    says = ("You said: one", "Lou here", "You said: three")
    may = ("You said: two",)  # when the agent was asked again before the person came

    async def furnish(self, place):
        await super().furnish(place)
        await (await place.person()).says("one")
        await place.answered(1)
        await place.settled()
        self.taken = asyncio.Event()
        place.agent.answer = self.slowly

    async def slowly(self, delivery):
        if delivery["message"] == "two":
            await self.taken.wait()
        return {"content": f"You said: {delivery['message']}"}

    async def play(self, place):
        conversation, (dana,) = await place.conversation_id(), place.kept["people"]
        await dana.says("two")
        await place.until(lambda: place.rows("select 1 from turns where state = 'open'"), "the agent is asked")
        await self.act(place, conversation, "takeover")
        self.taken.set()
        await place.says(conversation, "Lou here")
        await self.act(place, conversation, "handback")
        await dana.says("three")
        await place.answered(3)

    async def act(self, place, conversation, act):
        status, body = await place.asks("POST", f"/api/v1/conversations/{conversation}/{act}/")
        assert status == 200, body


class Replay(Scenario):
    name = "replay"

    async def furnish(self, place):
        await super().furnish(place)
        await (await place.person()).says("one")
        await place.answered(1)
        await place.settled()

    async def play(self, place):
        [delivery] = await place.rows("select id from deliveries")
        path = f"/api/v1/agents/{place.agent.id}/deliveries/{delivery['id']}/replay/"
        status, body = await place.asks("POST", path, key="again")
        assert status in (202, 409), body
        if status == 409 and not await place.rows("select 1 from turns where replay_of is not null"):
            status, body = await place.asks("POST", path, key="and again")
            assert status == 202, body
        await place.answered(2)

    async def expect(self, place):
        turns = await place.rows("select state from turns where replay_of is not null")
        said = await place.rows("select 1 from messages where direction = 'out'")
        if [turn["state"] for turn in turns] != ["answered"] or len(said) != 2:
            yield f"I-01 {len(turns)} replays, {len(said)} messages"


class Media(Scenario):
    name = "media"
    says = ("You said: What is this?",)

    async def play(self, place):
        await (await place.person()).sends_file("image", png(), "image/png", caption="What is this?")
        await place.answered(1)

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        for file in await place.rows("select object_key, size from media where state = 'ready'"):
            kept = place.folder / "media" / file["object_key"]
            if not kept.exists() or kept.read_bytes() != png() or file["size"] != len(png()):
                yield "I-01 a file that is said to be there is not, or is not what was sent"
        if not await place.rows("select 1 from media where state = 'ready'"):
            yield "I-02 the file was never fetched"

"""The same for what happens rarely: people with new names, numbers that WhatsApp refuses, answers that break off, second thoughts."""

import asyncio

from cast import Phone
from native import hire
from tests.crash.scenarios import Scenario

A_MINUTE = 61


class Names(Scenario):
    """Two contacts turn out to be one person, who then takes another name and another number."""

    name = "names"
    says = ("You said: one", "You said: two", "You said: three", "You said: four")

    async def furnish(self, place):
        await super().furnish(place)
        dana = await Phone.of(place.lumen, name="Dana", phone="+15550007890", phone_visible="never")
        place.kept["dana"] = dana
        await place.lumen.post("/conversations/", {"toNumber": "+15550007890"})
        await dana.says("one")
        await place.answered(1)
        await place.settled()

    async def play(self, place):
        dana = place.kept["dana"]
        control, path = place.lumen.control, f"/people/{dana.id}"
        await control("PATCH", path, {"phone_visible": "always"})
        await dana.says("two")
        await place.answered(2)
        await control("PATCH", path, {"name": "Dana K."})
        await dana.says("three")
        await place.answered(3)
        await control("POST", f"{path}/change-number", {"phone": "+15550007899"})
        await dana.says("four")
        await place.answered(4)

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        people = await place.rows("select name, phone from contacts where merged_into is null")
        if people != [{"name": "Dana K.", "phone": "15550007899"}]:
            yield f"I-13 Dana is {people}"
        names = await place.rows("select kind, value from contact_identities where kind = 'phone' order by value")
        # One, or two when her words from the new number were there before the news of the change: nobody is merged twice.
        merges = [row["merged_id"] for row in await place.rows("select merged_id from contact_merges")]
        if "15550007899" not in [row["value"] for row in names] or not 1 <= len(merges) == len(set(merges)) <= 2:
            yield f"I-13 {names}, {len(merges)} merges"


class Paused(Scenario):
    """WhatsApp refuses the number's token once; a minute later one message tries it again."""

    name = "paused number"
    says = ("You said: one", "You said: two")

    async def play(self, place):
        await place.lumen.fault(on="send", action="error", code=190, times=1)
        await (await place.person()).says("one")

        async def paused():
            """Or the kill came before anybody wrote down what WhatsApp said."""
            return await place.rows(
                "select 1 from numbers where paused_reason is not null union select 1 from messages where state = 'unknown'"
            )

        await place.until(paused, "the number is paused")
        for count, text in ((1, "two"), (2, None)):
            leaping = asyncio.create_task(self.minutes_pass(place))
            await place.answered(count)
            leaping.cancel()
            if text:
                await place.kept["people"][0].says(text)

    async def minutes_pass(self, place):
        while True:
            place.server.leap_a_minute(A_MINUTE)
            await asyncio.sleep(2)

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        [number] = await place.rows("select paused_reason from numbers")
        last = await place.rows("select state from messages where direction = 'out' order by seq desc limit 1")
        if number["paused_reason"] is not None and last[0]["state"] != "unknown" and not await self.unconfirmed(place):
            yield "I-02 the number is paused for ever"

    async def unconfirmed(self, place):
        """The kill came when WhatsApp had taken the message and nobody had written it down: the next message tries the number again."""
        return await place.rows("select 1 from send_attempts where outcome = 'accepted' and http_status is null")


class BrokenAnswer(Scenario):
    """WhatsApp takes a message and its answer is lost; a status tells, and the next message goes."""

    name = "broken answer"
    says = ("You said: one", "You said: two")
    settings = {"unknown_wait_seconds": 5}  # noqa: RUF012 - as above

    async def play(self, place):
        await place.lumen.fault(on="send", action="reset_after", times=1)
        dana = await place.person()
        await dana.says("one")
        await place.until(lambda: place.agent.deliveries, "the agent is asked")  # else a slow server would ask about both at once
        await dana.says("two")
        await place.answered(2)


class SecondThought(Scenario):
    """The customer goes on while the agent thinks: one answer to both, and the first draft is forgotten."""

    name = "second thought"
    says = ("To both.",)
    may = ("To one.",)  # when the second came too late to be part of the same turn

    async def furnish(self, place):
        await hire(place.lumen, place.model)
        place.model.answer = self.think

    def think(self, body):
        words = str(body["messages"])
        return "To both." if "two?" in words else {"delay": 0.6, "then": "To one."}

    async def play(self, place):
        dana = await place.person()
        await dana.says("one?")
        await place.model.asked(1)
        await dana.says("two?")
        await place.until(lambda: place.rows("select 1 from messages where content ->> 'body' = 'To both.'"), "both are answered")


class GoneWebhook(Scenario):
    """The agent fails once, recovers, and says at the next question that it is gone for good."""

    name = "gone webhook"
    says = ("You said: one",)

    async def furnish(self, place):
        await super().furnish(place)
        asked = []

        def answer(delivery):
            asked.append(delivery["message"])
            if delivery["message"] == "one":
                return 500 if len(asked) == 1 else None
            return 410

        place.agent.answer = answer

    async def play(self, place):
        dana = await place.person()
        await dana.says("one")
        await place.answered(1)
        await dana.says("two")
        await place.until(lambda: place.rows("select 1 from agents where disabled_at is not null"), "the webhook is switched off")
        await dana.says("three")

        async def over():
            return len(await place.rows("select 1 from turns where state = 'failed'")) == 2

        await place.until(over, "what was not answered is over")

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        [agent] = await place.rows("select disabled_cause from agents")
        if "410" not in (agent["disabled_cause"] or ""):
            yield f"the webhook is switched off because {agent['disabled_cause']}"
        if any(delivery["message"] == "three" for delivery in place.agent.deliveries):
            yield "a webhook that is switched off was called"


class Opening(Scenario):
    """The business opens a conversation; and a webhook is about a number that nobody has."""

    name = "opening"

    async def furnish(self, place):
        await super().furnish(place)
        await place.lumen.control("POST", "/templates", {"name": "rye", "body": "Fresh rye today."})
        await place.person()

    async def play(self, place):
        value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "1"}, "statuses": [STATUS]}
        entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        await place.lumen.control("POST", "/webhooks/raw", {"body": {"object": "whatsapp_business_account", "entry": [entry]}})
        new = {"toNumber": "+15550007890", "message": {"type": "template", "template": {"name": "rye"}}}
        for n in range(3):
            status, body = await place.asks("POST", "/api/v1/conversations/", new, key=f"open {n}")
            if status == 201 or await place.rows("select 1 from messages where direction = 'out'"):
                break
            assert status == 409, (status, body)
        await place.answered(1)

    async def expect(self, place):
        said = await place.rows("select type from messages where direction = 'out'")
        if [row["type"] for row in said] != ["template"]:
            yield f"I-03 said {said}"
        if not await place.rows("select 1 from kept_events"):
            yield "I-01 a webhook that was acknowledged is kept nowhere"


STATUS = {"id": "wamid.unknown", "status": "sent", "timestamp": "1771000000", "recipient_id": "15550007890"}

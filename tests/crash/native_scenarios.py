"""The same for agents that think inside the server, and for campaigns."""

from datetime import UTC, datetime

from native import Second, hire
from test_native_api_tools import KEY, ORDER, till
from tests.crash.odd_scenarios import BrokenAnswer, GoneWebhook, Names, Opening, Paused, SecondThought
from tests.crash.scenarios import Callback, MainJob, Media, Replay, Scenario, Send, TakeOver

LEAP_SECONDS = 25 * 3600
LOOK = {"tool": "order_status", "args": {"id": "1001"}}


def since_the_customer(body):
    """What was said after the customer's last words: the calls and results of this turn."""
    messages = body["messages"]
    last = max(n for n, message in enumerate(messages) if message["role"] == "user")
    return messages[last + 1 :]


class Native(Scenario):
    """A turn that takes an order, looks it up, and says so."""

    name = "native turn"
    says = ("Your order is taken.",)

    async def furnish(self, place):
        place.shop.key = KEY
        await hire(place.lumen, place.model, tools=till(place.shop))
        place.model.answer = self.think

    def think(self, body):
        done = [message for message in since_the_customer(body) if message["role"] == "tool"]
        return [ORDER, LOOK, "Your order is taken."][len(done)]

    async def play(self, place):
        await (await place.person()).says("Two rye breads, please?")
        await place.answered(1)

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        orders = len(place.shop.orders) - 2
        lost = await place.rows("select 1 from tool_calls where acts and error like '%%nobody knows%%'")
        if orders > 1:
            yield f"I-15 {orders} orders were made of one"
        if not orders and not lost:
            yield "I-15 the order was neither made nor shown as lost"


class Confirmed(Native):
    """The same the other way round: what was looked up was written by others, so the customer has to agree by a button."""

    name = "confirmed call"
    says = ("*Place order*\nitem: rye bread\nquantity: 2\n\nShall I go ahead?", "Your order is taken.")

    def think(self, body):
        done = [message for message in since_the_customer(body) if message["role"] == "tool"]
        if "place_order" in str(body["messages"]) and len(done) == 0:
            return "Your order is taken."
        return [LOOK, ORDER, "Your order is taken."][len(done)]

    async def play(self, place):
        dana = await place.person()
        await dana.says("Two rye breads, please?")
        await place.answered(1)
        if heard := await dana.heard():  # else nobody can tell whether she got the question
            await dana.taps(heard[0]["id"], button_id=heard[0]["buttons"][0]["id"])
            await place.answered(2)

    async def expect(self, place):
        if await place.rows("select 1 from messages where direction = 'in' having count(*) > 1"):
            async for wrong in super().expect(place):
                yield wrong


class WakeUp(Scenario):
    """The business has the agent speak by itself."""

    name = "wake-up"
    says = ("You are welcome.", "Do you still want bread?")

    async def furnish(self, place):
        await hire(place.lumen, place.model)
        place.model.answer = "You are welcome."
        await (await place.person()).says("Thank you?")
        await place.answered(1)
        await place.settled()
        place.model.answer = "Do you still want bread?"

    async def play(self, place):
        path = f"/api/v1/conversations/{await place.conversation_id()}/prompt/"
        status, body = await place.asks("POST", path, {"prompt": "Ask about the bread."}, key="ask")
        if status == 409 and not await place.rows("select 1 from wakeups"):
            status, body = await place.asks("POST", path, {"prompt": "Ask about the bread."}, key="ask again")
        assert status in (202, 409), body
        await place.answered(2)

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        states = [row["state"] for row in await place.rows("select state from wakeups")]
        if states != ["said"]:
            yield f"I-08 the wake-ups are {states}"


class HandOver(Scenario):
    """One agent passes the customer to another, who begins to speak at once."""

    name = "hand-over"
    says = ("One moment.", "Sales here.")

    async def furnish(self, place):
        sales = await place.lumen.post("/agents/", {"name": "Sales", "llmModel": "lab/small", "systemPrompt": "You are Sales."})
        await hire(place.lumen, place.model, handoffTools=[{"childAgentId": sales["id"], "description": "For orders."}])
        place.kept["sales"] = sales["id"]
        place.model.answer = self.think

    def think(self, body):
        if "You are Sales." in str(body["messages"]):
            return "Sales here."
        tool = next(tool["function"]["name"] for tool in body["tools"] if tool["function"]["name"].startswith("hand_over"))
        return {"text": "One moment.", "tools": [{"tool": tool, "args": {"summary": "wants 40 loaves"}}]}

    async def play(self, place):
        await (await place.person()).says("Who sells 40 loaves?")
        await place.answered(2)

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        [conversation] = await place.rows("select agent_id, owner, transfer from conversations")
        if str(conversation["agent_id"]) != place.kept["sales"] or conversation["transfer"] is not None:
            yield "I-02 the conversation was not handed over"
        notes = await place.rows("select kind from happenings where kind like 'handed%%'")
        if len(notes) != 1:
            yield f"I-03 the hand-over is noted {len(notes)} times"


class ToPerson(HandOver):
    """One agent asks a person of the business to take over."""

    name = "hand-over to a person"
    says = ("A colleague will help you.",)

    async def furnish(self, place):
        await hire(place.lumen, place.model, supportTools=[{"message": "A colleague will help you.", "minutes": 60}])
        place.model.answer = self.think

    def think(self, body):
        tool = next(tool["function"]["name"] for tool in body["tools"] if tool["function"]["name"].startswith("ask_a_person"))
        return {"tool": tool, "args": {"summary": "stale bread"}}

    async def play(self, place):
        await (await place.person()).says("Can I talk to somebody?")
        await place.answered(1)

    async def expect(self, place):
        async for wrong in Scenario.expect(self, place):
            yield wrong
        [conversation] = await place.rows("select owner, transfer from conversations")
        if conversation["owner"] != "person" or conversation["transfer"] is not None:
            yield f"I-02 the conversation is with {conversation['owner']}"
        if len(notes := await place.rows("select 1 from happenings where kind = 'handed_to_person'")) != 1:
            yield f"I-03 the hand-over is noted {len(notes)} times"


class After(Scenario):
    """A day passes, the session ends, and its agent tells the till what came of it."""

    name = "after action"
    says = ("You are welcome.",)

    async def furnish(self, place):
        second = Second(place.lumen)
        block = {"url": f"{place.shop.url}/orders", "method": "POST", "required": ["item"]}
        action = await second.action("WEBHOOK", "AFTER", webhook=block)
        await second.hire(place.model, action)
        place.model.answer = "You are welcome."
        await (await place.person()).says("Thank you?")
        await place.answered(1)
        await place.settled()
        place.model.answer = self.think

    def think(self, body):
        done = [message for message in since_the_customer(body) if message["role"] == "tool"]
        return "" if done or not body.get("tools") else {"tool": "webhook", "args": {"item": "rye"}}

    async def play(self, place):
        place.server.leap(LEAP_SECONDS)
        await place.until(lambda: place.rows("select 1 from tool_calls where state in ('done', 'failed')"), "the action is made")

    async def expect(self, place):
        async for wrong in super().expect(place):
            yield wrong
        orders = len(place.shop.orders) - 2
        lost = await place.rows("select 1 from tool_calls where acts and error like '%%nobody knows%%'")
        if not orders and not lost:
            yield "I-15 the action was neither made nor shown as lost"


class Campaign(Scenario):
    """A template to four people."""

    name = "campaign"
    people = (("Dana", "+15550007890"), ("Zoë", "+15550007891"), ("Lou", "+15550007892"), ("Ada", "+15550007893"))

    async def furnish(self, place):
        place.kept["second"] = second = Second(place.lumen)
        place.kept["assistant"] = await second.hire(place.model)
        await place.lumen.control("POST", "/templates", {"name": "rye", "language": "en", "body": "Fresh rye today."})
        for name, phone in self.people:
            await place.person(name, phone)

    async def play(self, place):
        touchpoint = {
            "name": "Rye",
            "type": "WHATSAPP",
            "status": "scheduled",
            "start_at": datetime.now(UTC).isoformat(),
            "assistant_id": place.kept["assistant"],
            "customer_details": [{"to_number": phone} for _, phone in self.people],
            "whatsapp_data": {"template": "rye", "language_code": "en"},
        }
        for n in range(2):
            headers = {"Authorization": f"Bearer {place.kept['second'].token}"}
            path, new = "/v2/_campaign/create_with_touchpoint", {"name": "Rye", "touchpoint": touchpoint}
            status, body = await place.asks("POST", path, new, key=f"rye {n}", headers=headers)
            if status == 201 or await place.rows("select 1 from campaigns"):
                break
            assert status == 409, (status, body)
        await place.until(lambda: place.rows("select 1 from campaigns where state = 'completed'"), "the campaign is over")
        await place.answered(len(self.people))

    async def expect(self, place):
        rows = await place.rows(
            """select k.phone, count(m.id) as messages from campaign_recipients r join contacts k on k.id = r.contact_id
               left join messages m on m.id = r.message_id group by 1"""
        )
        if {row["phone"]: row["messages"] for row in rows} != {phone.strip("+"): 1 for _, phone in self.people}:
            yield f"I-01 not everybody was written to: {rows}"
        said = await place.rows("select conversation_id from messages where direction = 'out'")
        if len(said) != len(self.people):
            yield f"I-03 {len(said)} messages to {len(self.people)} people"


NATIVE = [Native, Confirmed, WakeUp, HandOver, ToPerson, After, Campaign]
SCENARIOS = [MainJob, Callback, Send, TakeOver, Replay, Media, *NATIVE, Names, Paused, BrokenAnswer, SecondThought, GoneWebhook, Opening]

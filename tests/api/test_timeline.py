"""The flight recorder tells what happened to somebody who does not program."""

from datetime import datetime, timedelta

import pytest


@pytest.fixture
def tick(clock):
    return lambda seconds=1: clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def tell(lumen, bakery):
    """The story as lines: summaries, with the cause behind a dash when something went wrong."""

    async def tell(query=""):
        told = await lumen.get(f"/conversations/{bakery.chat}/timeline/{query}")
        assert told.status == 200
        return [" — ".join(filter(None, (entry["summary"], entry["cause"]))) for entry in told["entries"]]

    return tell


async def test_a_good_day(story, bakery, tick, tell):
    await story.hears(bakery.chat, "Do you have rye bread?")
    turn = await story.turn(bakery)
    await story.calls(bakery, turn)
    answer = await story.says(bakery.chat, "Yes, until noon.", turn_id=turn, state="read")
    await story.attempts(bakery, answer)
    for status in ("read", "sent", "delivered"):
        await story.hears_status(bakery, answer, status)
        tick(1)

    assert await tell() == [
        "Dana wrote: “Do you have rye bread?”",
        "Echo was asked for an answer.",
        "Echo answered.",
        "Echo's webhook answered in 312 ms.",
        "Echo wrote: “Yes, until noon.”",
        "WhatsApp accepted the message.",
        "Dana read the message.",
        "WhatsApp sent the message on its way.",
        "The message reached Dana's phone.",
    ]


async def test_an_agent_that_stumbles(story, bakery, clock, tick, tell):
    await story.hears(bakery.chat, "Do you have rye bread?")
    turn = await story.turn(bakery, closed=False, attempts=2)
    again = clock.now() + timedelta(seconds=2)
    await story.calls(
        bakery,
        turn,
        outcome="failed",
        status=503,
        cause="The agent answered with status 503, which means: try again later.",
        retry_at=again,
    )
    tick(2)
    await story.calls(
        bakery, turn, 2, outcome="failed", status=None, duration_ms=15_000, cause="The agent did not answer: nothing came within 15 s"
    )

    assert await tell() == [
        "Dana wrote: “Do you have rye bread?”",
        "Echo was asked for an answer.",
        f"Echo's webhook failed (HTTP 503 after 312 ms). It is asked again at {again:%H:%M:%S} UTC."
        " — The agent answered with status 503, which means: try again later.",
        "Try 2: Echo's webhook failed (no HTTP answer after 15.0 s). — The agent did not answer: nothing came within 15 s",
    ]


@pytest.mark.parametrize(
    ("state", "end"),
    [
        ("silent", "Echo chose to say nothing."),
        ("unrecognised", "Echo gave an answer that could not be understood, so nothing was sent to Dana. — why"),
        ("failed", "Echo gave no answer after 6 tries. The delivery can be replayed. — why"),
        ("discarded", "Echo's turn was dropped; what it answers now is not sent. — why"),
    ],
)
async def test_how_a_turn_ends(story, bakery, tell, state, end):
    await story.hears(bakery.chat, "Hello?")
    await story.turn(bakery, state=state, attempts=6, cause="why")

    assert (await tell())[-1] == end


@pytest.mark.parametrize(
    ("outcome", "status", "line"),
    [
        ("silent", 204, "Echo's webhook answered in 312 ms that nothing is to be said."),
        ("unrecognised", 200, "Echo's webhook answered in 312 ms, but in a form that cannot be sent. — why"),
        ("refused", 401, "Echo's webhook was not usable (HTTP 401 after 312 ms). — why"),
    ],
)
async def test_how_a_call_ends(story, bakery, tell, outcome, status, line):
    await story.hears(bakery.chat, "Hello?")
    await story.calls(bakery, await story.turn(bakery, closed=False), outcome=outcome, status=status, cause="why")

    assert (await tell())[-1] == line


async def test_a_replay_is_told_as_one(story, bakery, tick, tell):
    await story.hears(bakery.chat, "Hello?")
    first = await story.turn(bakery, state="failed")
    tick()
    await story.turn(bakery, closed=False, replay_of=first)

    assert (await tell())[-1] == "Echo was asked once more, because someone asked for a replay."


class TestSending:
    @pytest.mark.parametrize(
        ("outcome", "state", "line"),
        [
            ("refused", "rejected", "WhatsApp refused the message. — why"),
            (
                "not_sent",
                "queued",
                "WhatsApp could not be reached, so the message was not handed over. It is tried again at 12:00:00 UTC. — why",
            ),
            (
                "unknown",
                "unknown",
                "WhatsApp gave no clear answer, so it is not known whether it took the message. A later status will tell. — why",
            ),
            (
                None,
                "unknown",
                "WhatsApp gave no clear answer, so it is not known whether it took the message. A later status will tell. — why",
            ),
            (None, "sending", "The message is being handed to WhatsApp."),
        ],
    )
    async def test_an_attempt(self, story, bakery, tell, outcome, state, line):
        cause = "why" if state != "sending" else None
        answer = await story.says(bakery.chat, "Yes", state=state, cause=cause, not_before=datetime.fromisoformat("2030-01-01T12:00:00Z"))
        attempt = await story.attempts(bakery, answer, outcome)
        await story.database.execute("update messages set attempt_id = %s where id = %s", [attempt, answer])

        assert (await tell())[-1] == line

    async def test_an_earlier_refusal_is_explained_by_its_code(self, story, bakery, tell, tick):
        answer = await story.says(bakery.chat, "Yes", state="accepted", attempts=2)
        await story.attempts(bakery, answer, "refused", error_code=131056, http_status=400)
        tick(6)
        await story.attempts(bakery, answer)

        _, refused, accepted = await tell()
        assert refused.startswith("WhatsApp refused the message. — ")
        assert len(refused) > 60
        assert accepted == "WhatsApp accepted the message."

    async def test_a_message_that_failed_after_it_was_accepted(self, story, bakery, tell):
        answer = await story.says(bakery.chat, "Yes", state="failed", cause="The number is not on WhatsApp.", error_code=131026)
        await story.hears_status(bakery, answer, "failed", error_code=131026, cause="The number is not on WhatsApp.")

        assert await tell() == [
            "Echo wrote: “Yes”, but it was not delivered.",
            "WhatsApp could not deliver the message to Dana. — The number is not on WhatsApp.",
        ]

    async def test_a_message_that_was_never_tried(self, story, bakery, tell):
        await story.says(
            bakery.chat, "Too late", state="discarded", attempts=0, cause="the thread changed hands while the agent was thinking"
        )
        await story.says(bakery.chat, "Good morning", state="expired_window", attempts=0, cause="Only a template can be sent now.")

        assert await tell() == [
            "Echo wrote: “Too late”, but it was not sent. — the thread changed hands while the agent was thinking",
            "Echo wrote: “Good morning”, but it was not sent: the customer's 24 hours were over. — Only a template can be sent now.",
        ]

    @pytest.mark.parametrize(
        ("author", "writer"),
        [
            ("agent", "Echo"),
            ("person", "A person of your team"),
            ("api", "One of your programs"),
            ("system", "Dragoman"),
            ("phone_app", "Someone in the WhatsApp Business app"),
        ],
    )
    async def test_who_wrote(self, story, bakery, tell, author, writer):
        key = "text" if author == "phone_app" else "body"
        await story.says(bakery.chat, {"type": "text", key: "Hi"}, author=author)

        assert await tell() == [f"{writer} wrote: “Hi”"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"type": "text", "text": "Two\n\nlines"}, "Dana wrote: “Two lines”"),
        ({"type": "text", "text": "x" * 500}, f"Dana wrote: “{'x' * 119}…”"),
        ({"type": "image", "text": "This one?", "media": [{"id": "1", "kind": "image"}]}, "Dana sent an image: “This one?”"),
        ({"type": "audio", "media": [{"id": "1", "kind": "audio", "voice": True}]}, "Dana sent a voice message."),
        ({"type": "interactive", "text": "Rye", "reply": {"kind": "list", "id": "1", "title": "Rye"}}, "Dana chose: “Rye”"),
        ({"type": "reaction", "reaction": {"message_id": "1", "emoji": "🥐"}}, "Dana reacted: “🥐”"),
        ({"type": "reaction", "reaction": {"message_id": "1"}}, "Dana took a reaction back."),
        ({"type": "edit", "edit_of": "1", "text": "Spelt"}, "Dana corrected a message: “Spelt”"),
        ({"type": "revoke", "revoke_of": "1"}, "Dana deleted a message."),
        ({"type": "location", "location": {"latitude": 52.5, "longitude": 13.4}}, "Dana sent a location: “52.5, 13.4”"),
        ({"type": "request_welcome"}, "Dana opened the chat for the first time."),
        ({"type": "system", "text": "Dana changed her number"}, "WhatsApp says: “Dana changed her number”"),
    ],
)
async def test_what_a_customer_may_do(story, bakery, tell, content, line):
    await story.hears(bakery.chat, content)

    assert await tell() == [line]


async def test_what_whatsapp_does_not_pass_on_has_a_remedy(story, bakery, tell):
    await story.hears(bakery.chat, {"type": "unsupported"})

    assert await tell() == [
        "Dana sent a message of a kind that WhatsApp does not pass on."
        " — WhatsApp did not pass on what was in it. Ask the customer to send it in another form."
    ]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("ready", "The image was fetched from WhatsApp and stored (52 kB)."),
        ("pending", "The image is being fetched from WhatsApp."),
        ("failed", "The image could not be fetched from WhatsApp. — gone"),
    ],
)
async def test_a_file_and_what_became_of_it(story, bakery, tell, state, line):
    await story.hears_file(bakery.chat, "image", "image/jpeg", state=state, size=52_000, cause="gone" if state == "failed" else None)

    assert await tell() == ["Dana sent an image.", line]


@pytest.mark.parametrize(
    ("owner", "line"),
    [
        ("agent", "Echo answers from here on."),
        ("person", "A person took over; Echo is paused."),
        ("phone_app", "Someone answered in the WhatsApp Business app; Echo is paused."),
        ("webhook", "A webhook of yours answers from here on."),
        ("nobody", "Nobody answers from here on; messages are stored."),
    ],
)
async def test_the_thread_changes_hands(story, bakery, tell, owner, line):
    await story.hands_over(bakery, owner)

    assert await tell() == [line]


async def test_a_customer_without_a_name_is_called_by_what_is_known(lumen, story, bakery):
    for values, name in (
        ({"name": None, "phone": None, "username": "zoe.k"}, "zoe.k"),
        ({"name": None, "phone": "15550007891"}, "+15550007891"),
        ({"name": None, "phone": None, "bsuid": "US.2"}, "The customer"),
    ):
        contact = await story.contact(**values)
        chat = await story.conversation(bakery.number, contact, agent_id=bakery.echo)
        await story.hears(chat, "Hi")

        told = await lumen.get(f"/conversations/{chat}/timeline/")
        assert told["entries"][0]["summary"] == f"{name} wrote: “Hi”"


async def test_an_entry_carries_details_for_programs(lumen, story, bakery):
    message_id = await story.hears(bakery.chat, "Hello?", wamid="wamid.1")
    delivery_id = await story.calls(bakery, await story.turn(bakery, closed=False), response_head="<html>")

    told = await lumen.get(f"/conversations/{bakery.chat}/timeline/")

    received, opened, called = told["entries"]
    assert [entry["kind"] for entry in told["entries"]] == ["message_received", "turn_opened", "agent_called"]
    assert (received["details"]["id"], received["details"]["wamid"]) == (str(message_id), "wamid.1")
    assert called["details"]["id"] == str(delivery_id)
    assert called["details"]["turnId"] == opened["details"]["id"]
    assert (called["details"]["status"], called["details"]["durationMs"], called["details"]["responseHead"]) == (200, 312, "<html>")
    assert "text" not in str(received["details"].keys())


async def test_a_long_story_is_read_backwards_in_pieces_and_nothing_is_missing(lumen, story, bakery, tick, tell):
    for seq in range(1, 8):
        tick()
        message = await story.hears(bakery.chat, f"Word {seq}")
        tick()
        await story.turn(bakery, seq, state="silent")
        tick()
        await story.hands_over(bakery, "person" if seq % 2 else "agent", epoch=seq)
        assert message
    whole = await tell()
    assert len(whole) == 28

    pieces, address = [], f"/conversations/{bakery.chat}/timeline/?limit=3"
    while address:
        told = await lumen.get(address)
        pieces = [entry["summary"] for entry in told["entries"]] + pieces
        address = (told["earlier"] or "").removeprefix("https://dragoman.example/api/v1")

    assert pieces == whole


async def test_a_conversation_in_which_nothing_happened_has_an_empty_story(lumen, bakery):
    told = await lumen.get(f"/conversations/{bakery.chat}/timeline/")

    assert told.body == {"conversationId": str(bakery.chat), "entries": [], "earlier": None}


class TestDeliveries:
    async def test_calls_of_an_agent_come_newest_first(self, lumen, story, bakery, tick):
        await story.hears(bakery.chat, "Hello?")
        turn = await story.turn(bakery, state="failed")
        first = await story.calls(bakery, turn, outcome="failed", status=503, cause="why", response_head="Oops")
        tick()
        second = await story.calls(bakery, turn, 2)

        page = await lumen.get(f"/agents/{bakery.echo}/deliveries/")

        assert page["count"] == 2
        assert [delivery["id"] for delivery in page["results"]] == [str(second), str(first)]
        oldest = page["results"][1]
        assert (
            oldest.items()
            >= {
                "turnId": str(turn),
                "conversationId": str(bakery.chat),
                "attempt": 1,
                "url": "https://echo.example/hook",
                "durationMs": 312,
                "outcome": "failed",
                "status": 503,
                "responseHead": "Oops",
                "cause": "why",
                "turnState": "failed",
                "replayOf": None,
            }.items()
        )
        failed = await lumen.get(f"/agents/{bakery.echo}/deliveries/?outcome=failed&conversation={bakery.chat}")
        assert [delivery["id"] for delivery in failed["results"]] == [str(first)]
        last = await lumen.get(f"/agents/{bakery.echo}/deliveries/?limit=1&offset=1")
        assert ([delivery["id"] for delivery in last["results"]], last["count"], last["next"]) == ([str(first)], 2, None)

    async def test_another_business_sees_none_of_them(self, rival, story, bakery):
        await story.calls(bakery, await story.turn(bakery))

        assert (await rival.get(f"/agents/{bakery.echo}/deliveries/")).status == 404

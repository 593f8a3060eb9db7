"""In: one webhook may say much, and say it again; each thing said is stored once, and answered in order."""

import asyncio
import json

from cast import until
from meta import DANA, WABA, Meta, Names, counted, entry, everything, rested, said, texts, unread, value, webhook, words

from dragoman.conversations.inbox import Inbox
from dragoman.whatsapp import events

CUSTOMERS, EACH = 50, 20


async def test_a_message_that_comes_again_is_stored_and_answered_once(lumen, echo, dana):
    meta, body = Meta.of(lumen), words(said(lumen, "wamid.1", "Hello", DANA))
    for _ in range(20):
        assert await meta.posts(body) == 200
    await dana.hears()
    await lumen.skip(hours=7 * 24)
    assert await meta.posts(body) == 200
    await rested(lumen)
    assert await texts(lumen) == ["Hello"]
    assert len(echo.deliveries) == len(await lumen.ledger()) == 1
    assert await unread(lumen) == 1


async def test_a_message_that_comes_twenty_times_at_once_is_one_message(lumen, echo, dana):
    body = words(said(lumen, "wamid.1", "Hello", DANA))
    assert await Meta.of(lumen).posts_all(*[body] * 20) == [200] * 20
    await dana.hears()
    await rested(lumen)
    assert await texts(lumen) == ["Hello"]
    assert len(echo.deliveries) == len(await lumen.ledger()) == 1
    assert (await everything(lumen))["contacts"] == 1


async def test_a_message_that_is_twice_in_one_body_is_one_message(lumen, echo, dana):
    hello, bye = said(lumen, "wamid.1", "Hello", DANA), said(lumen, "wamid.2", "Bye", DANA)
    body = webhook(entry(value(hello, hello, people=[DANA]), value(hello, people=[DANA])), entry(value(bye, hello, people=[DANA])))
    assert await Meta.of(lumen).posts(body) == 200
    assert await dana.hears_text(2) == ["You said: Hello", "You said: Bye"]
    assert await texts(lumen) == ["Hello", "Bye"]
    assert await unread(lumen) == 2


async def test_the_same_id_at_two_numbers_is_two_messages(lumen):
    await Meta.of(lumen).number(lumen.organisation_id, "106540000000002", "+15550001235")
    for number in ("106540000000001", "106540000000002"):
        assert await Meta.of(lumen).posts(words(said(lumen, "wamid.1", f"to {number}", DANA), number=number)) == 200
    assert sorted(await texts(lumen)) == ["to 106540000000001", "to 106540000000002"]
    assert await everything(lumen) == {"messages": 2, "conversations": 2, "contacts": 1, "contact_identities": 2}


async def test_several_entries_changes_messages_and_statuses_in_one_body(lumen, echo, dana, zoe):
    await dana.says("First")
    await dana.hears()
    await rested(lumen)  # or WhatsApp's word and the end of our own call, which do not know each other yet, may miss each other
    [sent] = await lumen.ledger()
    dana_, her = Names.of(dana), Names.of(zoe)
    statuses = [
        {"id": sent["wamid"], "status": status, "timestamp": "1794052860", "recipient_id": dana_.phone}
        for status in ("read", "delivered", "sent")
    ]
    account = {"display_phone_number": "15550001234", "event": "UPGRADE", "current_limit": "TIER_1K"}
    body = webhook(
        entry(
            value(said(lumen, "wamid.1", "One", dana_), said(lumen, "wamid.2", "Two", her), people=[dana_, her]),
            value(statuses[0], key="statuses"),
        ),
        entry(value(*statuses[1:], key="statuses", messages=[said(lumen, "wamid.3", "Three", dana_)], contacts=[dana_.card()])),
        {"id": WABA, "changes": [{"field": "phone_number_quality_update", "value": account}]},
    )
    assert await Meta.of(lumen).posts(body) == 200
    assert await dana.hears_text(3) == ["You said: First", "You said: One", "You said: Three"]
    assert await zoe.hears_text() == ["You said: Two"]
    assert await lumen.rows("select state from messages where wamid = %(wamid)s", wamid=sent["wamid"]) == [{"state": "read"}]
    [kept] = await lumen.rows("select field, raw from kept_events")
    assert (kept["field"], json.loads(kept["raw"])) == ("phone_number_quality_update", account)


async def test_a_thousand_messages_of_fifty_customers_in_one_body(lumen, echo):
    """Meta: up to 1000 updates and 3 MB in one webhook."""
    crowd = [Names(f"155501{n:05}", f"US.{n:020}", f"Guest {n}") for n in range(CUSTOMERS)]
    await lumen.control("POST", "/people", [{"name": c.name, "phone": c.phone, "bsuid": c.bsuid} for c in crowd])
    await lumen.control("POST", "/numbers", {"phone_number_id": "106540000000001", "per_second": 10_000})
    await lumen.rows("update numbers set per_second = 10000 returning 1")
    echo.answer = lambda delivery: {"content": delivery["message"].partition(" ")[0]}
    items = [said(lumen, f"wamid.{n}-{c}", f"{n} {'.' * 2500}", person) for n in range(EACH) for c, person in enumerate(crowd)]
    body = json.dumps(words(*items, people=crowd)).encode()
    assert 2.5e6 < len(body) < 3 * 2**20

    assert await Meta.of(lumen).posts(body) == 200
    assert await everything(lumen) == {"messages": 1000, "conversations": 50, "contacts": 50, "contact_identities": 100} | {
        "messages": (await everything(lumen))["messages"]
    }
    await until(lambda: all_said(lumen), "every message is answered")
    heard = {}
    for sent in await lumen.ledger():
        heard.setdefault(sent["person"], []).append(sent["body"]["text"]["body"])
    in_order = [str(n) for n in range(EACH)]
    assert list(heard.values()) == [in_order] * CUSTOMERS
    stored = await lumen.rows(
        "select array_agg(content ->> 'text' order by seq) as texts from messages where direction = 'in' group by conversation_id"
    )
    assert [[text.partition(" ")[0] for text in row["texts"]] for row in stored] == [in_order] * CUSTOMERS


async def all_said(lumen):
    return len(await lumen.ledger()) == CUSTOMERS * EACH


async def test_one_bad_element_among_fifty_spoils_none_of_the_others(lumen):
    """Bad in its shape: it is kept as it came."""
    items = [said(lumen, f"wamid.{n}", f"Message {n}", DANA) for n in range(50)]
    items[7] = ["not", "an", "object"]
    items[23] = {"id": "wamid.23", "type": "text", "text": {"body": "from nobody"}}
    assert await Meta.of(lumen).posts(words(*items)) == 200
    assert await texts(lumen) == [f"Message {n}" for n in range(50) if n not in (7, 23)]
    kept = await lumen.rows("select raw, reason from kept_events order by id")
    assert [json.loads(row["raw"]) for row in kept] == [items[7], items[23]]
    assert all(row["reason"] for row in kept)


async def test_one_element_that_the_database_refuses_spoils_none_of_the_others(lumen):
    """Whatever the reason is: Meta would send the whole body for seven days, and all of it would be lost."""
    await lumen.services.db.execute("alter table messages add constraint odd check (content ->> 'text' <> 'Message 23')")
    items = [said(lumen, f"wamid.{n}", f"Message {n}", DANA) for n in range(50)]
    before = await counted(lumen, 'dragoman_webhooks_refused_total{reason="not_storable"}')
    assert await Meta.of(lumen).posts(words(*items)) == 200
    assert await texts(lumen) == [f"Message {n}" for n in range(50) if n != 23]
    [kept] = await lumen.rows("select organisation_id, phone_number_id, field, reason, raw from kept_events")
    assert json.loads(kept["raw"]) == items[23]
    assert (kept["organisation_id"], kept["phone_number_id"]) == (lumen.organisation_id, "106540000000001")
    assert (kept["field"], kept["reason"]) == ("message", "the database refused it: CheckViolation")
    assert await counted(lumen, 'dragoman_webhooks_refused_total{reason="not_storable"}') == before + 1


async def test_customers_who_write_for_the_first_time_at_the_same_time(lumen, echo):
    crowd = [Names(f"155501{n:05}", f"US.{n:020}", f"Guest {n}") for n in range(20)]
    bodies = [words(said(lumen, f"wamid.{n}", "Hello", person), people=[person]) for n, person in enumerate(crowd)]
    assert await Meta.of(lumen).posts_all(*bodies, *reversed(bodies)) == [200] * 40
    await echo.delivered(20)
    rows = await everything(lumen)
    assert (rows["contacts"], rows["conversations"]) == (20, 20)


async def test_two_servers_on_one_database_take_the_same_message_once(lumen, echo, dana):
    """Meta may send again while the first is still on its way, and a load balancer gives it to another process."""
    await dana.says("Hello")
    await dana.hears()
    inboxes = [Inbox(lumen.services) for _ in range(4)]
    for n in range(20):
        body = json.dumps(words(said(lumen, f"wamid.{n}", f"Message {n}", Names.of(dana)))).encode()
        await asyncio.gather(*(inbox.receive("sandbox", events.parse(body)) for inbox in inboxes))
    await dana.hears(21)
    await rested(lumen)
    rows = await lumen.rows("select seq from messages order by seq")
    assert [row["seq"] for row in rows] == list(range(1, 43)), "no seq is left out"
    assert await unread(lumen) == 21
    assert len(echo.deliveries) == len(await lumen.ledger()) == 21

"""What Lumen's own programs do, and what its books say: messages through the API, rows, the passing of time."""

import asyncio
import time

from cast import NUMBER, until

from dragoman.accounts import numbers

# How long the server is given to act on a step of the clock before the next step.
A_MOMENT = 0.3

# Lumen's second number: in an account and with a token of its own, and not the sandbox's (see the fixture `second`).
SECOND, SECOND_DISPLAY = "106540000000002", "15550005678"

STATUSES = ("sent", "delivered", "read", "failed")


async def sends(lumen, text, name="Dana"):
    """Lumen's till writes to a customer; the message as the API shows it."""
    return await sends_message(lumen, {"type": "text", "text": {"body": text}}, name)


async def sends_template(lumen, template, name="Dana"):
    return await sends_message(lumen, {"type": "template", "template": {"name": template}}, name)


async def sends_message(lumen, message, name="Dana"):
    return await lumen.post(f"/conversations/{await conversation_id(lumen, name)}/messages/", message)


async def acts(lumen, act, name="Dana", **body):
    """takeover, handback, routing, … on the conversation with this customer; the conversation as it is then."""
    return await lumen.post(f"/conversations/{await conversation_id(lumen, name)}/{act}/", body or None)


async def conversation_id(lumen, name="Dana"):
    """The id of the newest conversation with this customer, as soon as there is one."""
    query = (
        "select c.id from conversations c join contacts k on k.id = c.contact_id where k.name = %(name)s order by c.last_message_at desc"
    )
    return (await until(lambda: lumen.rows(query, name=name), f"{name} has written"))[0]["id"]


async def written(lumen, where="true", **params):
    """What the business wrote, in order, as it stands in the database."""
    query = f"select *, content ->> 'body' as body from messages where direction = 'out' and {where} order by conversation_id, seq"
    return await lumen.rows(query, **params)


async def the(lumen, body):
    """The one message with this text."""
    [row] = await written(lumen, "content ->> 'body' = %(body)s", body=body)
    return row


async def in_state(lumen, body, *states):
    """Wait until the message with this text is in one of these states; its row."""

    async def look():
        rows = await written(lumen, "content ->> 'body' = %(body)s and state = any(%(states)s)", body=body, states=list(states))
        return rows[0] if rows else None

    return await until(look, f"{body!r} is {' or '.join(states)}")


async def attempts(lumen, body):
    """Each time this message was handed to WhatsApp."""
    return await lumen.rows(
        """select a.* from send_attempts a join messages m on m.organisation_id = a.organisation_id and m.id = a.message_id
           where m.content ->> 'body' = %(body)s order by a.started_at""",
        body=body,
    )


async def taken(lumen, **wanted):
    """The texts that WhatsApp took for customers, in order."""
    ledger = await lumen.ledger()
    return [entry["body"]["text"]["body"] for entry in ledger if "text" in entry["body"] and wanted.items() <= entry.items()]


async def time_passes(lumen, condition, what, step=60, most=50):
    """Let the clock run in steps of so many seconds until `condition()` holds; what it said."""
    for _ in range(most):
        deadline = time.monotonic() + A_MOMENT
        while time.monotonic() < deadline:
            if result := await condition():
                return result
            await asyncio.sleep(0.01)
        await lumen.skip(seconds=step)
    raise AssertionError(f"in vain {most} steps of {step} s until {what}")


async def add_number(lumen, **changes):
    """Add a number, or change one that is known, as `dragoman numbers add` does; without changes it is the sandbox's."""
    services = lumen.services
    number = {"app_id": "sandbox", "phone_number_id": NUMBER, "waba_id": "102290000000001", "display_number": "+15550001234"}
    sandbox = "phone_number_id" not in changes
    new = numbers.NewNumber(**(number | {"is_sandbox": sandbox} | changes))
    return await numbers.add_number(services.db, services.vault, services.clock, lumen.organisation_id, new)


async def no_statuses(lumen):
    """WhatsApp's reports about messages do not arrive any more."""
    for status in STATUSES:
        await lumen.fault(on="webhook", action="drop", status=status)


async def faults_end(lumen):
    await lumen.control("DELETE", "/faults")


async def reports(lumen, wamid, status, **more):
    """WhatsApp reports the status of a message, in a webhook of its own and without our attempt id."""
    await reports_all(lumen, [{"id": wamid, "status": status, "timestamp": "1771000000", "recipient_id": "15550007890", **more}])


async def reports_all(lumen, statuses):
    metadata = {"display_phone_number": "15550001234", "phone_number_id": "106540000000001"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": statuses}
    entry = {"id": "102290000000001", "changes": [{"field": "messages", "value": value}]}
    answer = await lumen.control("POST", "/webhooks/raw", {"body": {"object": "whatsapp_business_account", "entry": [entry]}})
    assert answer["status"] == 200, answer


async def told(lumen, kind, name="Dana"):
    """The entries of one kind in the timeline: (summary, cause)."""
    entries = (await lumen.timeline(name))["entries"]
    return [(entry["summary"], entry["cause"]) for entry in entries if entry["kind"] == kind]

"""Lumen's side of its agent's webhook: what is on record about the calls, and answers that come later."""

from datetime import datetime

from cast import until


async def calls(lumen, agent, count=1):
    """Wait until `count` calls of the agent's webhook are on record; all of them as the API shows them, oldest first."""

    async def recorded():
        found = (await lumen.get(f"/agents/{agent.id}/deliveries/?limit=100"))["results"]
        return list(reversed(found)) if len(found) >= count else None

    return await until(recorded, f"{count} calls are on record")


async def rested(lumen):
    """Wait until no conversation has anything left to do, now or later."""

    async def idle():
        return not await lumen.rows("select 1 from conversations where due_at is not null or lease_until is not null")

    return await until(idle, "every conversation rests")


async def late(lumen, delivery, answer=None, *, key=None, text=None):
    """Post to a delivery's callback; the status, the JSON of the answer and its headers."""
    headers = {"Idempotency-Key": key} if key else {}
    sent = {"data": text} if text is not None else {"json": answer}
    async with lumen.session.post(delivery["reply_callback"], headers=headers, **sent) as response:
        return response.status, await response.json(), response.headers


async def says(phone, *texts):
    """Several messages in this order, each stored before the next: WhatsApp's webhooks may overtake each other. Their wamids."""
    return [await arrives(phone, phone.says(text)) for text in texts]


async def arrives(phone, sending):
    """Wait until what a customer sends is stored; its wamid."""
    wamid = await sending

    async def stored():
        return await phone.lumen.rows("select 1 from messages where wamid = %(wamid)s", wamid=wamid)

    await until(stored, "the message is stored")
    return wamid


async def causes(lumen, kind, name="Dana"):
    """What went wrong, out of the entries of one kind in the timeline."""
    return [entry["cause"] for entry in (await lumen.timeline(name))["entries"] if entry["kind"] == kind]


def moment(iso):
    return datetime.fromisoformat(iso).timestamp()

"""Late answers: a URL that lets an agent speak into one conversation for 24 hours, and nothing else.

The token is a capability of 256 bits. It is derived from the turn's id under the secret key, so that a retried delivery
carries the same URL; the database holds only a keyed hash of it. Its epoch is the turn's: when the thread changes hands,
the URL stops working.
"""

import base64
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

import msgspec

from dragoman.accounts.secrets import Vault
from dragoman.agents import answers
from dragoman.conversations import callback_queries as queries
from dragoman.conversations import outbox
from dragoman.conversations.services import Services
from dragoman.errors import Gone, NotFound, RateLimited, TooLarge, Unprocessable

LIFETIME = timedelta(hours=24)
LARGEST_BODY = 256 * 1024


@lru_cache(maxsize=8192)
def token(vault: Vault, turn_id: UUID) -> str:
    """Remembered for a while: a turn needs it when it is claimed, when it is asked, and when its answer is looked through."""
    return base64.urlsafe_b64encode(vault.derive("callback", str(turn_id))).decode().rstrip("=")


def digest(vault: Vault, turn_id: UUID) -> bytes:
    """What the database keeps of a turn's token."""
    return vault.hash(token(vault, turn_id), "callback")


def url(services: Services, turn_id: UUID) -> str:
    return f"{services.settings.public_url}/api/callback/{token(services.vault, turn_id)}"


async def answer(services: Services, given: str, body: bytes, content_type: str | None, idempotency_key: str | None) -> list[UUID]:
    """Take a late answer. The ids of its messages, durable when this returns; none for a silence.

    Raises NotFound (no such token), Gone (expired or revoked), RateLimited, TooLarge, Unprocessable (says which field),
    Conflict("handed_off" or "window_closed").
    """
    digested = services.vault.hash(given, "callback")
    row = await services.db.fetch_one(queries.TURN, {"hash": digested, "scope": f"callback {digested.hex()}", "now": services.clock.now()})
    if row is None:
        raise NotFound("no such callback")
    if row["callback_revoked"] or row["callback_until"] <= services.clock.now():
        raise Gone("this callback has expired: it works for 24 hours after the delivery that carried it", code="callback_expired")
    if row["count"] > services.settings.callback_rate_limit:
        raise RateLimited("too many posts to one callback; wait a minute", retry_after=60 - services.clock.now().second)
    if len(body) > LARGEST_BODY:
        raise TooLarge(f"an answer may be {LARGEST_BODY // 1024} KiB long")
    read = answers.read(body, content_type)
    if isinstance(read, answers.Unrecognised):
        raise Unprocessable(f"the answer could not be used: {read.reason}", field=read.field)
    contents = read.contents if isinstance(read, answers.Replies) else []
    if not contents:
        return []
    saying = outbox.prepare(row["organisation_id"], row["conversation_id"], contents, author="agent", turn_id=row["id"], epoch=row["epoch"])
    if idempotency_key:
        return await _once(services, saying, idempotency_key, services.vault.hash(body.decode("utf-8", "replace"), "body"))
    return await outbox.speak(services, saying)


async def _once(services: Services, saying: outbox.Saying, key: str, body_hash: bytes) -> list[UUID]:
    """The key and the messages are one transaction: both are there, or neither."""
    params = {"organisation_id": saying.organisation_id, "scope": f"callback {saying.turn_id}", "key": key}
    response = msgspec.json.encode(saying.ids).decode()
    async with services.db.transaction() as connection:
        taken = {**params, "body_hash": body_hash, "status": 202, "response": response, "now": services.clock.now()}
        if await (await connection.execute(queries.TAKE_KEY, taken)).fetchone():
            return await outbox.speak(services, saying, connection)
    earlier = await services.db.fetch_one(queries.KEY, params)
    if earlier is None or earlier["body_hash"] != body_hash:
        raise Unprocessable("this Idempotency-Key came with another body before", code="idempotency_key_reused")
    return msgspec.json.decode(earlier["response"], type=list[UUID])

"""Bring your own agent: a turn is posted to the business's webhook, signed, and the response is its answer.

Signatures follow Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature`). The id stays the same
over retries, so that the agent can tell a repetition from news.
"""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from standardwebhooks import Webhook

from dragoman.agents import answers
from dragoman.agents.turns import File, Outcome, Said, Turn
from dragoman.clock import Clock
from dragoman.http.answers import Answer, NoAnswer, Refused, TooLong, Unreadable
from dragoman.http.guarded import Guarded

LARGEST_ANSWER = 256 * 1024
HEAD = 2048
GONE = 410  # Standard Webhooks: the receiver wants no more of it
USER_AGENT = "Dragoman/1"


class Endpoint(NamedTuple):
    """Where an agent lives. `secrets` are `whsec_…`, newest first; every one of them signs (two while one is replaced)."""

    url: str
    secrets: list[str]
    timeout: float


async def ask(guarded: Guarded, clock: Clock, endpoint: Endpoint, event_id: str, body: bytes) -> Outcome:
    """Post `body` once. Whatever happens comes back as an Outcome; nothing is raised."""
    started_at, start = clock.now(), time.perf_counter()

    def outcome(kind: Any, **fields: Any) -> Outcome:
        return Outcome(kind=kind, started_at=started_at, duration_ms=(time.perf_counter() - start) * 1000, **fields)

    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        **signature(endpoint.secrets, event_id, clock.real_now(), body),
    }
    try:
        answer = await guarded.request("POST", endpoint.url, headers=headers, body=body, timeout=endpoint.timeout, largest=LARGEST_ANSWER)
    except Refused as refusal:
        return outcome("refused", cause=f"The webhook was not called: {refusal.reason}")
    except (TooLong, Unreadable) as unfit:
        return outcome(**_unfit(unfit, clock.now()))
    except NoAnswer as nothing:
        return outcome("failed", cause=f"The agent did not answer: {nothing.reason}")
    if not 200 <= answer.status < 300:
        return outcome(**_refusal(answer, clock.now()))
    return outcome(**_reading(answer))


def signature(secrets: list[str], event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks for `body`."""
    text = body.decode()
    signatures = " ".join(_signer(secret).sign(event_id, at, text) for secret in secrets)
    return {"webhook-id": event_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signatures}


@lru_cache(maxsize=4096)
def _signer(secret: str) -> Webhook:
    return Webhook(secret)


def payload(turn: Turn) -> bytes:
    """The body of a delivery: the four fields of the contract, and `context` with everything else a good agent wants."""
    first = turn.said[0] if turn.said else None
    image = next((file.url for said in turn.said for file in said.files if file.kind == "image"), None)
    contact = turn.contact
    context = {
        "event": "message",
        "turn_id": turn.id,
        "agent_id": turn.agent_id,
        "conversation_id": turn.conversation_id,
        "number": {"id": turn.phone_number_id, "phone_number": f"+{turn.business_number}"},
        "contact": {
            "id": contact.id,
            "name": contact.name,
            "phone_number": f"+{contact.phone}" if contact.phone else None,
            "user_id": contact.user_id,
            "username": contact.username,
        },
        **(_message(turn.said[-1]) if first else {}),
        "messages": [_message(said) for said in turn.said],
        "callback_expires_at": turn.callback_until,
        "window_expires_at": turn.window_until,
    }
    return msgspec.json.encode(
        {
            "message": "\n".join(text for said in turn.said if (text := said.content.get("text"))),
            "image": image,
            "phone_number": f"+{contact.phone}" if contact.phone else None,
            "reply_callback": turn.callback_url,
            "context": context,
        }
    )


def test_payload(agent_id: UUID, at: datetime) -> bytes:
    """A delivery that no customer wrote: the four fields as ever, and `context.event` says "test"."""
    context = {"event": "test", "agent_id": agent_id, "timestamp": at, "messages": []}
    body = {"message": "This is a test from Dragoman. Answer anything.", "image": None, "phone_number": None, "reply_callback": None}
    return msgspec.json.encode({**body, "context": context})


def _message(said: Said) -> dict[str, Any]:
    content = said.content
    return {
        "message_id": said.id,
        "whatsapp_id": said.wamid,
        "type": content.get("type"),
        "text": content.get("text", ""),
        "timestamp": said.at,
        "media": [_file(file) for file in said.files],
        "reply": content.get("reply"),
        "location": content.get("location"),
        "contacts": content.get("contacts"),
        "order": content.get("order"),
        "quoted": said.quoted,
        "referral": content.get("referral"),
        "forwarded": content.get("forwarded", False),
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "url": file.url,
        "kind": file.kind,
        "mime_type": file.mime_type,
        "size": file.size,
        "sha256": file.sha256,
        "filename": file.filename,
        "voice": file.voice,
        "state": file.state,
        "expires_at": file.expires_at,
    }


def _reading(answer: Answer) -> dict[str, Any]:
    read = answers.read(answer.body, answer.headers.get("Content-Type"))
    base: dict[str, Any] = {"status": answer.status, "head": _head(answer.body)}
    if isinstance(read, answers.Replies):
        return {"kind": "answered", "contents": read.contents, **base}
    if isinstance(read, answers.Silence):
        return {"kind": "silent", **base}
    return {"kind": "unrecognised", "cause": f"The agent's answer could not be used: {read.reason}", **base}


def _unfit(unfit: TooLong | Unreadable, now: datetime) -> dict[str, Any]:
    """An answer that came and could not be taken. The agent has done its work: asking again would make it work twice."""
    begun = unfit.head if isinstance(unfit, TooLong) else b""
    if not 200 <= unfit.status < 300:
        return _refusal(Answer(unfit.status, {}, begun), now)
    cause = f"The agent's answer could not be used: {unfit.reason}"
    return {"kind": "unrecognised", "status": unfit.status, "head": _head(begun), "cause": cause}


def _refusal(answer: Answer, now: datetime) -> dict[str, Any]:
    base = {"status": answer.status, "head": _head(answer.body)}
    if answer.status in (408, 425, 429) or answer.status >= 500:
        cause = f"The agent answered with status {answer.status}, which means: try again later."
        return {"kind": "failed", "cause": cause, "retry_after": _retry_after(answer, now), **base}
    if 300 <= answer.status < 400:
        return {
            "kind": "refused",
            "cause": "The agent answered with a redirect. Redirects are not followed; enter the final address.",
            **base,
        }
    if answer.status == GONE:
        return {"kind": "refused", "cause": "The agent answered with status 410 (gone), which means: call this address no more.", **base}
    return {"kind": "refused", "cause": f"The agent refused the message with status {answer.status}. It is not asked again.", **base}


def _retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds to wait, from `Retry-After` in either of its forms (RFC 9110 §10.2.3); at most an hour."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), 3600.0)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max((when - now).total_seconds(), 0.0), 3600.0)


def _head(body: bytes) -> str:
    return body[:HEAD].decode("utf-8", "replace").replace("\0", "")

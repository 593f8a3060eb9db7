"""The sentences of the timeline: one small function for each kind of row, which returns its kind, summary and cause."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from dragoman.conversations.policy import TOO_FAST
from dragoman.conversations.wording import noun, words
from dragoman.store.database import Row
from dragoman.whatsapp.errors import explain
from dragoman.whatsapp.received import Received

Data = dict[str, Any]
Told = tuple[str, str, str | None]


class Cast(NamedTuple):
    """Who appears, by name."""

    customer: str
    agent: str
    agents_of_turns: dict[str, str]

    @classmethod
    def of(cls, people: Row, rows: Iterable[Row]) -> "Cast":
        customer = people["name"] or people["username"] or (people["phone"] and f"+{people['phone']}") or "The customer"
        of_turns = {str(row["id"]): row["data"]["agent"] or "The agent" for row in rows if row["kind"] == "turn_opened"}
        return cls(customer, people["agent"] or "The agent", of_turns)


def _message(data: Data, cast: Cast) -> Told:
    return _received(data, cast) if data["direction"] == "in" else _written(data, cast)


def _received(data: Data, cast: Cast) -> Told:
    content: Received = data["content"]
    said = words(content)
    match content.type:
        case "text":
            act = "wrote"
        case "reaction":
            act = "reacted" if said else "took a reaction back"
        case "interactive" | "button":
            act = "chose"
        case "edit":
            act = "corrected a message"
        case "revoke":
            act = "deleted a message"
        case "request_welcome":
            act = "opened the chat for the first time"
        case "system":
            return "message_received", f"WhatsApp says{_quoted(said) or ' that something changed.'}", None
        case _:
            act = f"sent {noun(content)}"
    cause = (
        "WhatsApp did not pass on what was in it. Ask the customer to send it in another form." if content.type == "unsupported" else None
    )
    return "message_received", f"{cast.customer} {act}{_quoted(said) or '.'}", cause


def _written(data: Data, cast: Cast) -> Told:
    content = data["content"]
    writer = {
        "agent": cast.agents_of_turns.get(data["turn_id"] or "", cast.agent),
        "person": "A person of your team",
        "phone_app": "Someone in the WhatsApp Business app",
        "system": "Dragoman",
    }.get(data["author"], "One of your programs")
    said = words(content)
    act = "wrote" if noun(content) == "a message" else f"sent {noun(content)}"
    fate = _FATE.get(data["state"], "")
    if data["state"] == "queued" and data["not_before"]:
        fate = f", which waits until {_hour(data['not_before'])}."
    summary = f"{writer} {act}{_quoted(said)}{fate or ('' if said else '.')}"
    explained_here = data["state"] in ("discarded", "expired_window") or not data["attempts"]
    return "message_written", summary, data["cause"] if explained_here else None


_FATE = {
    "discarded": ", but it was not sent.",
    "expired_window": ", but it was not sent: the customer's 24 hours were over.",
    "rejected": ", but it was not delivered.",
    "failed": ", but it was not delivered.",
    "unknown": ", and whether it arrived is not known.",
}


def _media(data: Data, cast: Cast) -> Told:
    what = "voice message" if data["kind"] == "voice" else data["kind"]
    match data["state"]:
        case "ready":
            size = f" ({_size(data['size'])})" if data["size"] else ""
            return "media", f"The {what} was fetched from WhatsApp and stored{size}.", None
        case "failed":
            return "media", f"The {what} could not be fetched from WhatsApp.", data["cause"]
        case _:
            return "media", f"The {what} is being fetched from WhatsApp.", data["cause"]


def _turn_opened(data: Data, cast: Cast) -> Told:
    agent = data["agent"] or cast.agent
    if data["replay_of"]:
        return "turn_opened", f"{agent} was asked once more, because someone asked for a replay.", None
    if late := data.get("seconds_late"):
        summary = f"{agent} was asked to write at a time that was set, {how_long(late)} late."
        return (
            "turn_opened",
            summary,
            "Nobody was there to do it when it was due: no worker was running, or it was busy with the conversation.",
        )
    return "turn_opened", f"{agent} was asked for an answer.", None


def _turn_closed(data: Data, cast: Cast) -> Told:
    agent = data["agent"] or cast.agent
    tries = "1 try" if data["attempts"] == 1 else f"{data['attempts']} tries"
    match data["state"]:
        case "answered":
            return "turn_closed", f"{agent} answered.", None
        case "silent":
            return "turn_closed", f"{agent} chose to say nothing.", None
        case "unrecognised":
            summary = f"{agent} gave an answer that could not be understood, so nothing was sent to {cast.customer}."
        case "discarded":
            summary = f"{agent}'s turn was dropped; what it answers now is not sent."
        case _:
            summary = f"{agent} gave no answer after {tries}. The delivery can be replayed."
    return "turn_closed", summary, data["cause"]


def _delivery(data: Data, cast: Cast) -> Told:
    if data["url"] == "model:":
        return _thought(data, cast)
    agent = data["agent"] or cast.agent
    first = "" if data["attempt"] <= 1 else f"Try {data['attempt']}: "
    took, status = _duration(data["duration_ms"]), f"HTTP {data['status']}" if data["status"] else "no HTTP answer"
    match data["outcome"]:
        case "answered":
            return "agent_called", f"{first}{agent}'s webhook answered in {took}.", None
        case "silent":
            return "agent_called", f"{first}{agent}'s webhook answered in {took} that nothing is to be said.", None
        case "unrecognised":
            summary = f"{agent}'s webhook answered in {took}, but in a form that cannot be sent."
        case "refused":
            summary = f"{agent}'s webhook was not usable ({status} after {took})."
        case _:
            summary = f"{agent}'s webhook failed ({status} after {took})."
    if data["retry_at"]:
        summary += f" It is asked again at {_hour(data['retry_at'])}."
    return "agent_called", first + summary, data["cause"]


def _thought(data: Data, cast: Cast) -> Told:
    """What came of one time that an agent inside Dragoman thought; the rest is in what it asked its model and its tools."""
    agent, took = data["agent"] or cast.agent, _duration(data["duration_ms"])
    match data["outcome"]:
        case "answered":
            summary = f"{agent} found an answer in {took}."
        case "silent":
            summary = f"{agent} decided in {took} to say nothing."
        case _:
            summary = f"{agent} could not answer ({took})."
    if data["retry_at"]:
        summary += f" It is asked again at {_hour(data['retry_at'])}."
    return "agent_called", summary, data["cause"]


def _generation(data: Data, cast: Cast) -> Told:
    used = f"{data['prompt_tokens']} + {data['response_tokens']} tokens"
    price = f", ${data['cost']:.5f}" if data["cost"] else ""
    purpose = {"answer": "", "superseded": " for a draft that was thrown away"}.get(data["purpose"], f" for a {data['purpose']}")
    return "model_asked", f"{data['model']} was asked{purpose} ({used}{price}, {_duration(data['duration_ms'])}).", None


def _tool_call(data: Data, cast: Cast) -> Told:
    agent, tool = data["agent"] or cast.agent, data["tool"]
    match data["state"]:
        case "done":
            summary = f"{agent} used {tool} ({_duration(data['duration_ms'] or 0)})."
        case "failed":
            summary = f"{agent} used {tool}, and it failed ({_duration(data['duration_ms'] or 0)})."
        case "held":
            who = "somebody of your team" if data["asked"] == "person" else cast.customer
            summary = f"{agent} wants to use {tool}; {who} has to agree first."
        case "declined":
            summary = f"{agent} wanted to use {tool}, and it was declined."
        case "refused":
            summary = f"{agent} tried to use {tool}, which was not possible."
        case _:
            summary = f"{agent} is using {tool}."
    return "tool_called", summary, data["cause"]


_HAPPENED = {
    "session_opened": "A session began: what was said before is not told to the agent.",
    "session_closed": "The session ended, because nothing was said for a while.",
    "max_messages_reached": "The agent said the last answer that its session may have; it keeps quiet until the session ends.",
    "handed_to_person": "The agent asked for a person to take over.",
    "handed_to_agent": "The agent handed the conversation to another agent.",
    "hand_over_failed": "The agent wanted to hand the conversation over, but the other agent is not there any more.",
    "wakeup_held": "A planned follow-up was held: WhatsApp's 24 hours were over, and it has no template.",
    "template_refused": "An action wanted to send a template, and it was not sent:",
    "wakeup_cancelled": "A planned follow-up was cancelled.",
    "opted_out": "The customer asked not to be written to (STOP).",
    "opted_in": "The customer may be written to again (START).",
    "paywall_reached": "The customer reached the paywall.",
    "credits_empty": "The customer has no credits left.",
}


def _happening(data: Data, cast: Cast) -> Told:
    summary = _HAPPENED.get(data["what"], data["what"].replace("_", " ").capitalize() + ".")
    if said := data.get("summary") or data.get("reason"):
        summary += f" {str(said)[:300]}"
    return "happening", summary, data.get("cause")


def _attempt(data: Data, cast: Cast) -> Told:
    cause = data["cause"] or (explain(data["error_code"]) if data["error_code"] else None)
    match data["outcome"] or data["state"]:
        case "accepted":
            return "send_attempt", "WhatsApp accepted the message.", None
        case "refused":
            summary = "WhatsApp refused the message."
        case "not_sent":
            summary = "WhatsApp could not be reached, so the message was not handed over."
        case "unknown":
            summary = "WhatsApp gave no clear answer, so it is not known whether it took the message. A later status will tell."
        case _:
            return "send_attempt", "The message is being handed to WhatsApp.", None
    if data["state"] == "queued" and data["retry_at"]:
        summary += f" It is tried again at {_hour(data['retry_at'])}."
    return "send_attempt", summary, cause


def _status(data: Data, cast: Cast) -> Told:
    match data["status"]:
        case "sent":
            summary = "WhatsApp sent the message on its way."
        case "delivered":
            summary = f"The message reached {cast.customer}'s phone."
        case "read":
            summary = f"{cast.customer} read the message."
        case "played":
            summary = f"{cast.customer} played the message."
        case "failed":
            cause = data["cause"] or (explain(data["error_code"]) if data["error_code"] else None)
            return "status", f"WhatsApp could not deliver the message to {cast.customer}.", cause
        case other:
            summary = f"WhatsApp reported the message as {other}."
    return "status", summary, None


def _transfer(data: Data, cast: Cast) -> Told:
    if data["reason"] == TOO_FAST:
        summary = (
            f"{cast.agent} keeps quiet for a while; what {cast.customer} writes is stored. Hand the conversation back to go on at once."
        )
        return "owner_changed", summary, data["reason"]
    match data["owner"]:
        case "agent":
            summary = f"{cast.agent} answers from here on."
        case "person":
            summary = f"A person took over; {cast.agent} is paused."
        case "phone_app":
            summary = f"Someone answered in the WhatsApp Business app; {cast.agent} is paused."
        case "webhook":
            summary = "A webhook of yours answers from here on."
        case _:
            summary = "Nobody answers from here on; messages are stored."
    return "owner_changed", summary, None


TELL: dict[str, Callable[[Data, Cast], Told]] = {
    "message": _message,
    "media": _media,
    "turn_opened": _turn_opened,
    "turn_closed": _turn_closed,
    "delivery": _delivery,
    "attempt": _attempt,
    "status": _status,
    "transfer": _transfer,
    "generation": _generation,
    "tool_call": _tool_call,
    "happening": _happening,
}


def _quoted(said: str) -> str:
    line = " ".join(said.split())
    return f": “{line if len(line) <= 120 else line[:119] + '…'}”" if line else ""


def _hour(iso: str) -> str:
    return f"{iso[11:19]} UTC"


def how_long(seconds: int) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600)):
        if seconds >= size:
            return f"{seconds // size} {unit}{'s' if seconds >= 2 * size else ''}"
    return f"{seconds // 60} minutes"


def _duration(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _size(size: int) -> str:
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"

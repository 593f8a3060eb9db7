"""What became of a message that was handed to WhatsApp, and why.

    WhatsApp's answer                                    outcome
    2xx with a message id                                accepted
    a Graph error object, of any status                  by its code: retry, pause_number or final (`whatsapp.codes`)
      ... with a code nobody knows                       retry, at most twice
    3xx or 4xx without an error object                   retry, at most twice (a proxy said no; WhatsApp never saw it)
    5xx or 2xx without either                            unknown
    no answer, the request did not leave completely      retry
    no answer, the request left                          unknown

`unknown` means that nobody can tell whether the customer got it: only a status that carries our reference can.
"""

import re
from typing import Literal, NamedTuple

import msgspec

from dragoman.http.answers import Answer, NoAnswer
from dragoman.whatsapp import causes, codes

Outcome = Literal["accepted", "retry", "pause_number", "final", "unknown"]

HEAD = 500  # characters of an answer that are kept
FEW_RETRIES = 2
DAY = 86_400.0

_AGAIN = "It is tried again by itself"
_LEFT = "WhatsApp did not answer, so nobody can tell yet whether the message was sent. It is not sent again by itself; a status from WhatsApp will settle it"
_STAYED = f"The message did not reach WhatsApp. {_AGAIN}"
_NOT_GRAPH = f"Something between here and WhatsApp refused the message, such as a proxy or a firewall. {_AGAIN}; check the way out to graph.facebook.com"
_QUALITY = "WhatsApp took the message and holds it back until it has judged the template's quality"
_SECRETS = re.compile(r"EA[A-Za-z][A-Za-z0-9]{16,}|(?<=access_token=)[^&\s\"']+|(?<=Bearer )[^\s\"']+")


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`wa_id` is the customer's phone as WhatsApp writes it, `user_id` the BSUID; which one comes depends on the address used."""

    outcome: Outcome
    cause: str = ""
    wamid: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    code: int | None = None
    retry_after: float | None = None  # seconds to wait at least, when WhatsApp or its documentation says so
    most_retries: int | None = None  # give up after so many; None leaves it to the caller
    status: int | None = None
    head: str = ""


class _Contact(msgspec.Struct):
    wa_id: str | None = None
    user_id: str | None = None


class _Sent(msgspec.Struct):
    id: str
    message_status: str | None = None


class _Accepted(msgspec.Struct):
    messages: list[_Sent]
    contacts: list[_Contact] = []


_accepted = msgspec.json.Decoder(_Accepted)


def classify(answer: Answer | None, no_answer: NoAnswer | None = None, *, secret: str = "") -> Verdict:
    """Exactly one of `answer` and `no_answer`; never raises. `secret` (the access token) is blotted out of `head`."""
    if answer is None:
        return _unanswered(no_answer)
    if 200 <= answer.status < 300 and (accepted := _read_accepted(answer)):
        return accepted
    head = _blot(answer.body[: 4 * HEAD].decode("utf-8", "replace").replace("\0", ""), secret)[:HEAD]
    if (error := _read_error(answer.body)) is not None:
        return _refused(answer, error, secret, head)
    if 300 <= answer.status < 500:
        wait = _retry_after(answer)
        return Verdict(outcome="retry", cause=f"{_NOT_GRAPH}.", retry_after=wait, most_retries=FEW_RETRIES, status=answer.status, head=head)
    return Verdict(outcome="unknown", cause=f"{_LEFT}.", status=answer.status, head=head)


def explain(code: int | None, title: str | None = None, details: str | None = None) -> str:
    """An error of a `failed` status in plain sentences: what happened, what to do, and WhatsApp's own words.

    WhatsApp had taken the message before it failed, so it is not sent again by itself.
    """
    if code is None:
        return " ".join(["WhatsApp reports a failure without a code.", *(words for words in (details or title,) if words)])
    known = codes.look_up(code)
    return _sentences(code, title, details, "Send it again later." if known and known.treatment == "retry" else "")


def given_up(cause: str, tries: int) -> str:
    """The `cause` of a Verdict to retry, once it is not retried any more."""
    return cause.replace(_AGAIN, f"It was tried {tries} {'time' if tries == 1 else 'times'}")


def _sentences(code: int, title: str | None, details: str | None, next_step: str) -> str:
    cause = (
        causes.look_up(code) or f"WhatsApp reports error {code}, which Dragoman does not know. Look it up in Meta's list of error codes."
    )
    own = next((words.strip().rstrip(".") for words in (details, title) if words and words.strip()), None)
    said = f"WhatsApp says: {own}. (code {code})" if own else ""
    return " ".join(part for part in (cause, next_step, said) if part)


def _read_accepted(answer: Answer) -> Verdict | None:
    try:
        reply = _accepted.decode(answer.body)
    except (ValueError, RecursionError):
        return None
    if not reply.messages or not reply.messages[0].id:
        return None
    contact = reply.contacts[0] if reply.contacts else _Contact()
    sent = reply.messages[0]
    held = sent.message_status in ("held_for_quality_assessment", "paused")
    return Verdict(
        outcome="accepted",
        cause=f"{_QUALITY}." if held else "",
        wamid=sent.id,
        wa_id=contact.wa_id,
        user_id=contact.user_id,
        status=answer.status,
    )


def _refused(answer: Answer, error: "_Error", secret: str, head: str) -> Verdict:
    code = error.code
    known = codes.look_up(code)
    outcome: Outcome = known.treatment if known else "retry"
    if code == codes.INVALID_PARAMETER and error.subcode == codes.SUBCODE_OBJECT_MISSING:
        code, outcome = codes.OBJECT_MISSING, "pause_number"
    waits = [wait for wait in (_retry_after(answer), known.wait if known else None) if wait]
    return Verdict(
        outcome=outcome,
        cause=_sentences(code, _blot(error.message, secret), _blot(error.details, secret), f"{_AGAIN}." if outcome == "retry" else ""),
        code=code,
        retry_after=max(waits, default=None) if outcome == "retry" else None,
        most_retries=None if known else FEW_RETRIES,
        status=answer.status,
        head=head,
    )


def _unanswered(no_answer: NoAnswer | None) -> Verdict:
    reason = f" {no_answer.reason}" if no_answer else ""
    if no_answer is not None and not no_answer.body_sent:
        return Verdict(outcome="retry", cause=f"{_STAYED}.{reason}")
    return Verdict(outcome="unknown", cause=f"{_LEFT}.{reason}")


class _Error(NamedTuple):
    code: int
    subcode: int | None
    message: str
    details: str


def _read_error(body: bytes) -> _Error | None:
    """The Graph error object of an answer: `{"error": {"code": <number>, …}}`; anything else is not Graph speaking."""
    try:
        answer = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    error = answer.get("error") if isinstance(answer, dict) else None
    code = _number(error.get("code")) if isinstance(error, dict) else None
    if not isinstance(error, dict) or code is None:
        return None
    data = error.get("error_data")
    details = _words(data.get("details")) if isinstance(data, dict) else ""
    return _Error(code, _number(error.get("error_subcode")), _words(error.get("message")), details or _words(error.get("error_user_msg")))


def _retry_after(answer: Answer) -> float | None:
    """Seconds from `Retry-After`, or from the usage header that Graph sends with its hourly limits (in minutes)."""
    plain = answer.headers.get("Retry-After", "").strip()
    if plain.isascii() and plain.isdecimal():
        return min(float(plain[:9]), DAY)
    minutes = re.findall(r'"estimated_time_to_regain_access":\s*(\d{1,5})', answer.headers.get("X-Business-Use-Case-Usage", ""))
    return min(max((float(found) * 60 for found in minutes), default=0.0), DAY) or None


def _blot(text: str, secret: str) -> str:
    return _SECRETS.sub("[token]", text.replace(secret, "[token]") if secret else text)


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""

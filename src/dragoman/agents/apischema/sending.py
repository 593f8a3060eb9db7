"""A request on its way through the guarded door, and what came of it in words that a model can read."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from dragoman.agents.apischema import keeping
from dragoman.agents.apischema.build import Request
from dragoman.agents.pages.text import Unreadable as UnreadablePage
from dragoman.agents.pages.text import main_text
from dragoman.agents.tools import LONGEST_RESULT
from dragoman.http.answers import Answer, NoAnswer, Refused, TooLong, Unreadable
from dragoman.http.guarded import Guarded

LARGEST_ANSWER = 256 * 1024
HEAD = 2048
OF_A_FAILURE = 1024

NO_WORDS = "(a web page without words)"
_CUT = "\n[the answer is longer; this is its beginning]"
_WORDS = (
    "text/",
    "application/xml",
    "application/javascript",
    "application/x-www-form-urlencoded",
    "application/yaml",
    "application/x-ndjson",
)
# As they were written: 12.50 stays 12.50, and a long order number keeps its digits.
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Came(NamedTuple):
    """What came of a request. `text` is for the model; `error` is "" when all went well; `head` is how the answer began.

    `status` is None when there was no answer; `foreign` says that `text` holds words of the other side. Secrets are struck out of all.
    """

    text: str
    error: str
    duration_ms: float
    status: int | None = None
    head: str = ""
    foreign: bool = False


async def send(guarded: Guarded, request: Request, timeout: float) -> Came:
    """Make the request. What the other side does wrong is told, never raised."""
    start = time.perf_counter()

    def came(error: str, **fields: Any) -> Came:
        text = fields.pop("text", f"This did not work: {error}")
        return Came(text, error, (time.perf_counter() - start) * 1000, **fields)

    method, url, headers, body, secrets = request
    try:
        answer = await guarded.request(method, url, headers=headers, body=body, timeout=timeout, largest=LARGEST_ANSWER)
    except Refused as refusal:
        return came(f"The request was not made: {refusal.reason}")
    except (TooLong, Unreadable) as unfit:
        return came(f"The answer could not be used: {unfit.reason}", status=unfit.status)
    except NoAnswer as nothing:
        return came(_nothing(request, nothing))
    clean = keeping.cleaner(secrets)
    read = await _read(answer, method, clean)
    head = clean(_decoded(answer)).replace("\0", "")[:HEAD] if _is_text(answer) else ""
    error = _refusal(answer.status)
    if not error:
        return came("", text=_cut(read, LONGEST_RESULT), status=answer.status, head=head, foreign=True)
    return came(error, text=f"This did not work: {error}\n{read[:OF_A_FAILURE]}".rstrip(), status=answer.status, head=head, foreign=True)


def _nothing(request: Request, nothing: NoAnswer) -> str:
    if nothing.body_sent and request.method not in ("GET", "HEAD"):
        return f"{nothing.reason} Nobody knows whether the request took effect."
    return nothing.reason


def _refusal(status: int) -> str:
    if status >= 400:
        return f"The server answered with status {status}."
    if status >= 300:
        return f"The server answered with a redirect ({status}), and redirects are not followed; the tool needs the final address."
    return ""


async def _read(answer: Answer, method: str, clean: Callable[[str], str]) -> str:
    """The answer as text, secrets struck out before anything is cut off: half a secret would be told from its end."""
    if not answer.body:
        return f"(status {answer.status}, no content)" if method != "HEAD" else f"(status {answer.status})"
    kind = _kind(answer)
    if not _is_text(answer):
        return f"(a file of type {clean(kind)[:100] or 'unknown'}, {len(answer.body)} bytes, which cannot be read here)"
    text = _decoded(answer)
    if "html" in kind or text[:200].lstrip().lower().startswith(("<!doctype html", "<html")):
        text = await _without_markup(text)
    elif (compact := _compact(text)) is not None:
        text = compact
    return clean(text).replace("\0", "").strip()


def _kind(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _is_text(answer: Answer) -> bool:
    kind = _kind(answer)
    if kind.startswith(_WORDS) or kind.endswith(("json", "+xml")):
        return True
    if kind and kind != "application/octet-stream":
        return False
    try:
        return "\0" not in answer.body.decode()
    except UnicodeDecodeError:
        return False


def _decoded(answer: Answer) -> str:
    charset = answer.headers.get("Content-Type", "").lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        return answer.body.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError, ValueError):
        return answer.body.decode("utf-8", "replace")


def _compact(text: str) -> str | None:
    """JSON without its blanks and escapes; None for everything else."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return _encode(json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)).decode()
    except (ValueError, ArithmeticError, RecursionError, OverflowError, TypeError):
        return None


def _no_number(name: str) -> Any:
    raise ValueError(name)


async def _without_markup(page: str) -> str:
    try:
        return await main_text(page.encode("utf-8", "replace"), url="", charset="utf-8", longest=LARGEST_ANSWER) or NO_WORDS
    except UnreadablePage:
        return NO_WORDS


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT

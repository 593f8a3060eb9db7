"""What comes back from a call to the outside world: an Answer, or one of the reasons why there is none.

    Refused        we did not call: the URL or its address is not one we go to
    NoAnswer       we called, and got nothing we can use; knows whether the request had left
    ├── TooLate    the time for it was up
    ├── TooLong    the answer is longer than the caller takes
    └── Unreadable the answer is packed in a way we did not ask for

Reasons are plain sentences for people. They name the host, never the path, the query or a header: those may hold secrets.
"""

from collections.abc import AsyncIterator, Mapping

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """A complete HTTP answer of any status; 3xx too, because nobody follows redirects for you. Headers are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Streamed(msgspec.Struct, frozen=True):
    """An answer whose body is still on its way. Iterating `parts` raises NoAnswer when it breaks, TooLate when the time is up,
    TooLong when it exceeds its cap."""

    status: int
    headers: Mapping[str, str]
    parts: AsyncIterator[bytes]


class Refused(Exception):
    """Nothing was sent. Asking again will not help; `reason` says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoAnswer(Exception):
    """`body_sent` False: the other side cannot have got the whole request. True: it may have, and may have acted on it."""

    def __init__(self, reason: str, *, body_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.body_sent = body_sent


class TooLate(NoAnswer):
    pass


class TooLong(NoAnswer):
    """`head` is how the answer begins."""

    def __init__(self, reason: str, *, status: int, head: bytes = b"") -> None:
        super().__init__(reason, body_sent=True)
        self.status = status
        self.head = head


class Unreadable(NoAnswer):
    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason, body_sent=True)
        self.status = status

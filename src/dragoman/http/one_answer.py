"""The guarded door's connections: one answer to one request, whatever else the server says."""

import asyncio
import functools
from typing import Any

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

MOST_INTERIM = 16


class OneAnswer(ResponseHandler):
    """Hangs up on a server that sends more answers than it was asked for, or more than a few interim ones (1xx).

    aiohttp queues every one that arrives, without limit: a server that floods "100 Continue" takes 200 MB and a second of
    the event loop at a time, and one that sends an answer too many has it read as the answer to the next request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._more = 0

    def set_response_params(self, **parameters: Any) -> None:
        """aiohttp calls this once for each request, just before it is sent."""
        self._more = MOST_INTERIM
        super().set_response_params(**parameters)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """aiohttp calls this for each head of an answer."""
        if not self._more:
            self.abort()
            return
        self._more = self._more - 1 if data[0].code < 200 else 0
        super().feed_data(data, size)


class OneAnswerConnector(TCPConnector):
    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        # Not a public name, but the only place; the flood tests fail if it stops to work.
        self._factory = functools.partial(OneAnswer, self._loop)  # type: ignore[assignment]

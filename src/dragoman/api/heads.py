"""What one connection may cost: uvicorn's protocol has no limit for the length of a head, and none for the time of anything but a pause.

A connection that says nothing, goes on with one header (or trailer, or blank lines) for ever, sends a body that nobody reads any more, or
does not read what it asked for, would stay and grow.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LARGEST_HEAD = 64 * 1024
HEAD_SECONDS = 20.0
REST_SECONDS = 5.0  # for what is left of a body after its answer
READING_SECONDS = 60.0  # within which who asked has to read on


class LimitedHeads(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`. Between the requests of one connection, uvicorn's own `timeout_keep_alive` counts."""

    _in_head = True
    _length = 0  # of what came since the request began, or since there was something of its body
    _patience: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        self._read_on()
        if self._answering is not None:
            # uvicorn tells it to the request that came last; where several came in one piece, an earlier one is being answered.
            self._answering.disconnected = True
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        self._in_head, self._length = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heard()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._length = -len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._heard()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and not self.transport.is_closing():
            self._wait(REST_SECONDS)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        self._length += len(data)
        if self._in_head and self._patience is None:
            self._wait(HEAD_SECONDS)
        if self._length > LARGEST_HEAD:
            self._refuse_more(len(data))

    def _refuse_more(self, just_came: int) -> None:
        if self._in_head:
            self.send_400_response(f"The head of a request may have {LARGEST_HEAD} bytes.")
        elif self._length > LARGEST_HEAD + just_came:  # a piece that has the end of a body in it may have much beside it
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_on()

    def _wait(self, seconds: float) -> None:
        self._heard()
        self._patience = self.loop.call_later(seconds, self.transport.close)

    def _heard(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _read_on(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

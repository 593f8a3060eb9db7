"""The head of a request may be so long, and take so long. uvicorn's protocol has no limit for either: a connection that says
nothing, or goes on with one header for ever, would stay and grow."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
HEAD_SECONDS = 20.0


class LimitedHeads(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`. Between the requests of one connection, uvicorn's own `timeout_keep_alive` counts."""

    _in_head = True
    _length = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head, self._length = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heard()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._length += len(data)
        if self._length > LARGEST_HEAD:
            self.send_400_response(f"The head of a request may have {LARGEST_HEAD} bytes.")
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _heard(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

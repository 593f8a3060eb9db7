"""Things that go wrong on request: each fault waits for calls or webhooks that match it, and spoils them."""

from typing import Literal

import msgspec

from dragoman.errors import Invalid, NotFound

CALL_ACTIONS = ("error", "html_500", "reset_before", "reset_after", "delay", "fail_after", "garble")
WEBHOOK_ACTIONS = ("drop", "duplicate", "reorder", "delay", "bad_signature")
CALLS = ("send", "read", "media", "media_upload", "media_resolve", "media_download")


class Fault(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=False):
    """`times` None means until deleted. `processed`: an `error` or `html_500` answer comes after the request took effect.

    `status` limits a webhook fault to one kind of update: sent, delivered, read, failed, or `message` for inbound ones.
    """

    on: Literal["send", "read", "media", "media_upload", "media_resolve", "media_download", "webhook"]
    action: Literal[
        "error", "html_500", "reset_before", "reset_after", "delay", "fail_after", "garble", "drop", "duplicate", "reorder", "bad_signature"
    ]
    code: int | None = None
    http: int | None = None
    times: int | None = None
    delay_seconds: float = 5.0
    processed: bool = False
    person: str | None = None
    number: str | None = None
    status: str | None = None
    id: str = ""
    hits: int = 0


class Faults:
    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._made = 0

    def add(self, fault: Fault) -> Fault:
        allowed = WEBHOOK_ACTIONS if fault.on == "webhook" else CALL_ACTIONS
        if fault.action not in allowed:
            raise Invalid(f"A fault on {fault.on!r} can be one of {', '.join(allowed)}.", field="action")
        if fault.action in ("error", "fail_after") and fault.code is None:
            raise Invalid(f"A fault with action {fault.action!r} needs a code, such as 131000.", field="code")
        if fault.action == "fail_after" and fault.on != "send":
            raise Invalid("fail_after is for faults on send: the send is accepted and fails later.", field="on")
        if fault.action == "garble" and fault.on != "media_download":
            raise Invalid("garble is for faults on media_download: other bytes come than were sent.", field="on")
        self._made += 1
        fault.id = f"f{self._made}"
        self._faults[fault.id] = fault
        return fault

    @property
    def any(self) -> bool:
        return bool(self._faults)

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def remove(self, fault_id: str) -> None:
        if not self._faults.pop(fault_id, None):
            raise NotFound(f"There is no fault {fault_id}; GET /control/faults lists them.")

    def clear(self) -> None:
        self._faults.clear()

    def take(self, on: str, *, number: str | None = None, person: str | None = None, status: str | None = None) -> Fault | None:
        """The first fault that matches, counted as used; None when nothing is to go wrong."""
        for fault in self._faults.values():
            if (
                (fault.on == on or on.startswith(fault.on + "_"))
                and fault.number in (None, number)
                and fault.person in (None, person)
                and fault.status in (None, status)
            ):
                fault.hits += 1
                if fault.times is not None and fault.hits >= fault.times:
                    del self._faults[fault.id]
                return fault
        return None

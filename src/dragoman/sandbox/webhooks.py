"""Webhooks to the apps: signed, concurrent, retried until somebody answers 200, and never in the way of a send.

Meta: HMAC-SHA256 over the raw body with the app secret; JSON with lower-case \\u escapes; any answer but 200 is retried
with decreasing frequency for up to 7 days; batches of up to 1000 updates.
"""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import aiohttp

from dragoman.clock import Clock
from dragoman.errors import NotFound
from dragoman.sandbox.faults import Fault, Faults
from dragoman.sandbox.timers import Timers
from dragoman.sandbox.web import Web
from dragoman.sandbox.world import App, Delivery, Json, Number, World

BACK_OFF = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600)
GIVE_UP_AFTER = 7 * 24 * 3600
AT_ONCE = 128
LOG_LENGTH = 5000
REORDER_SECONDS = 2
MB = 1024 * 1024


@dataclass(slots=True, frozen=True)
class Update:
    """One thing to tell the apps of a WABA: an element of `messages[]`, `statuses[]`, … of a number, or a whole `value` without one."""

    waba_id: str
    number: Number | None
    key: str
    item: Json
    contact: Json | None = None
    person_id: str | None = None
    status: str = "message"
    message_id: str | None = None
    field: str = "messages"


def encode(body: object, app: App) -> bytes:
    text = json.dumps(body, separators=(",", ":"))
    return (text.replace("/", "\\/") if app.escape_slashes else text).encode()


def sign(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Postman:
    """`acknowledged` is called with the id of each inbound message that an app has answered 200 for."""

    def __init__(self, clock: Clock, world: World, timers: Timers, faults: Faults, web: Web) -> None:
        self._clock, self._world, self._timers, self._faults, self._web = clock, world, timers, faults, web
        self.acknowledged: Callable[[str], None] = lambda wamid: None
        self.log: deque[Delivery] = deque(maxlen=LOG_LENGTH)
        self._gathered: dict[tuple[str, str], list[Update]] = {}
        self._queue: deque[Delivery] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[str, Delivery] = {}

    def post(self, update: Update) -> None:
        for app, url in self._addresses(update):
            fault = self._faults.take(
                "webhook", number=update.number.id if update.number else None, person=update.person_id, status=update.status
            )
            if fault:
                self._spoil(fault, app, url, update)
            elif app.batch > 1:
                self._gather(app, url, update)
            else:
                self._enqueue(self._delivery(app, url, [update]))

    def post_raw(self, app: App, url: str, body: bytes, *, bad_signature: bool = False) -> Delivery:
        """Queue bytes as they are; returns the delivery, whose `attempts` grows when it has been tried."""
        delivery = self._new(app, url, body)
        delivery.bad_signature = bad_signature
        self._enqueue(delivery)
        return delivery

    def resume(self) -> None:
        """Take up what an earlier run of the sandbox could not deliver."""
        for delivery in self._world.state.undelivered.values():
            self._timers.at(delivery.next_at or 0, partial(self._enqueue, delivery))

    def find(self, delivery_id: str) -> Delivery:
        for delivery in self.log:
            if delivery.id == delivery_id:
                return delivery
        raise NotFound(f"There is no delivery {delivery_id} among the last {LOG_LENGTH}; GET /control/deliveries lists them.")

    def repeat(self, delivery: Delivery) -> Delivery:
        """The same bytes once more, as Meta does when it is unsure."""
        return self.post_raw(self._world.state.apps[delivery.app_id], delivery.url, delivery.body)

    async def settled(self, delivery: Delivery) -> None:
        """Wait until the first attempt of this delivery has an answer."""
        while delivery.attempts == 0 and self._tasks:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _addresses(self, update: Update) -> Iterable[tuple[App, str]]:
        """Meta: an override on the number wins over one on the WABA, over the app's; overrides are for messages only."""
        state = self._world.state
        waba = state.wabas[update.waba_id]
        override = (update.number.callback or waba.callback) if update.number else None
        for app_id in waba.apps:
            app = state.apps.get(app_id)
            if app is None or (app.fields is not None and update.field not in app.fields):
                continue
            if url := override.url if override else app.callback_url:
                yield app, url

    def _spoil(self, fault: Fault, app: App, url: str, update: Update) -> None:
        if fault.action == "drop":
            return
        delivery = self._delivery(app, url, [update])
        if fault.action == "duplicate":
            self._enqueue(delivery)
            self._enqueue(self._delivery(app, url, [update]))
        elif fault.action == "delay":
            self._timers.after(fault.delay_seconds, partial(self._enqueue, delivery))
        elif fault.action == "reorder":
            self._held[delivery.id] = delivery
            self._timers.after(REORDER_SECONDS, partial(self._release, delivery.id))
        else:
            delivery.bad_signature = True
            self._enqueue(delivery)

    def _gather(self, app: App, url: str, update: Update) -> None:
        waiting = self._gathered.setdefault((app.id, url), [])
        waiting.append(update)
        if len(waiting) == 1:
            asyncio.get_running_loop().call_soon(self._post_gathered, app, url)

    def _post_gathered(self, app: App, url: str) -> None:
        updates = self._gathered.pop((app.id, url), [])
        for start in range(0, len(updates), app.batch):
            self._enqueue(self._delivery(app, url, updates[start : start + app.batch]))

    def _delivery(self, app: App, url: str, updates: list[Update]) -> Delivery:
        delivery = self._new(app, url, encode(envelope(updates, self._clock.timestamp()), app))
        delivery.messages = [update.message_id for update in updates if update.message_id]
        return delivery

    def _new(self, app: App, url: str, body: bytes) -> Delivery:
        return Delivery(id=f"d{self._world.serial()}", app_id=app.id, url=url, body=body, first_at=self._clock.timestamp())

    def _enqueue(self, delivery: Delivery) -> None:
        if delivery.attempts == 0:
            self.log.append(delivery)
            self._world.state.undelivered[delivery.id] = delivery
        self._queue.append(delivery)
        self._pump()

    def _pump(self) -> None:
        while self._queue and len(self._tasks) < AT_ONCE:
            task = asyncio.create_task(self._deliver(self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._pump()

    async def _deliver(self, delivery: Delivery) -> None:
        delivery.at = self._clock.timestamp()
        delivery.status, delivery.error = await self._attempt(delivery)
        delivery.attempts += 1
        if delivery.status == 200:
            self._done(delivery)
            for wamid in delivery.messages:
                self.acknowledged(wamid)
        else:
            self._retry(delivery)
        for held in list(self._held):
            self._release(held)

    async def _attempt(self, delivery: Delivery) -> tuple[int | None, str | None]:
        app = self._world.state.apps.get(delivery.app_id)
        secret = app.secret if app and not delivery.bad_signature else "not the app secret"
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(delivery.body, secret)}
        try:
            # aiohttp warns of large bytes, and wants a file of them.
            body = delivery.body if len(delivery.body) < MB else BytesIO(delivery.body)
            async with self._web.session().post(delivery.url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status, None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _retry(self, delivery: Delivery) -> None:
        wait = BACK_OFF[min(delivery.attempts, len(BACK_OFF)) - 1]
        # From the attempt's start: a clock moved while the answer was under way moves the retry, too.
        delivery.next_at = delivery.at + wait
        if delivery.next_at > delivery.first_at + GIVE_UP_AFTER:
            self._done(delivery)
        else:
            self._timers.at(delivery.next_at, partial(self._enqueue, delivery))

    def _done(self, delivery: Delivery) -> None:
        delivery.next_at = None
        self._world.state.undelivered.pop(delivery.id, None)

    def _release(self, delivery_id: str) -> None:
        if delivery := self._held.pop(delivery_id, None):
            self._enqueue(delivery)


def envelope(updates: list[Update], now: float) -> Json:
    """Meta's body for these updates: one entry per WABA, one change per number and kind."""
    entries: dict[str, dict[tuple[str, str, str], Json]] = {}
    for update in updates:
        changes = entries.setdefault(update.waba_id, {})
        if update.number is None:
            changes["", update.field, str(len(changes))] = update.item
            continue
        value = changes.setdefault((update.number.id, update.field, update.key), _value(update.number))
        if update.contact:
            contacts = value.setdefault("contacts", [])
            if isinstance(contacts, list) and update.contact not in contacts:
                contacts.append(update.contact)
        items = value.setdefault(update.key, [])
        if isinstance(items, list):
            items.append(update.item)
    return {"object": "whatsapp_business_account", "entry": [_entry(waba, changes, now) for waba, changes in entries.items()]}


def _value(number: Number) -> Json:
    return {"messaging_product": "whatsapp", "metadata": {"display_phone_number": number.display, "phone_number_id": number.id}}


def _entry(waba_id: str, changes: dict[tuple[str, str, str], Json], now: float) -> Json:
    entry: Json = {"id": waba_id}
    if any("metadata" not in value for value in changes.values()):
        entry["time"] = int(now)
    entry["changes"] = [{"value": value, "field": field} for (_, field, _), value in changes.items()]
    return entry

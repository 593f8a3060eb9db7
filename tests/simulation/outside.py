"""What lies outside of the server: WhatsApp with its ledger, and the business's agent. Behind the product's two HTTP doors."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta

from tests.simulation.calm import BEGINNING

from dragoman.http.answers import Answer, NoAnswer, TooLate

NUMBER, WABA, APP = "106540000000001", "102290000000001", "meta"
WINDOW = 24 * 3600.0
PATIENCE = 20.0  # Meta's, with our answer to a webhook
REFUSALS = {
    "pair rate": (400, 131056),
    "throughput": (400, 130429),
    "maintenance": (500, 131057),
    "something wrong": (500, 131000),
    "refused": (400, 131026),
    "token": (401, 190),
}
TAKES = (None, "slow", "broken", "garbage", "error page")


class Outside:
    """Calls take a while to get there, and their answers to come back, whatever becomes of the caller meanwhile.

    `moment(process, phone)` is told when something is going on.
    """

    def __init__(self, loop, faults, tell, moment):
        self.loop, self.faults, self.tell, self.moment = loop, faults, tell, moment

    async def call(self, process, arrive, timeout):
        """`arrive(answer)` is what happens there; it calls `answer(seconds, Answer or exception)`, or never."""
        if process.dead:
            raise asyncio.CancelledError
        future = self.loop.create_future()

        def settle(result):
            if future.done():
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.loop.later(self.faults.between(0.01, 0.2), arrive, lambda seconds, result: self.loop.later(seconds, settle, result))
        self.loop.later(timeout, settle, TooLate("It did not answer in time.", body_sent=True))
        return await future


@dataclass
class Customer:
    name: str
    phone: str
    window_until: float = 0.0  # by WhatsApp's clock


class WhatsApp:
    """Takes messages, tells what became of them, and brings what customers say. `web()` is a process to bring it to."""

    def __init__(self, outside, web):
        self.outside, self.loop, self.faults, self.tell = outside, outside.loop, outside.faults, outside.tell
        self._web = web
        self.customers = {}
        self.ledger, self.inbound, self.wrong = [], [], []
        self.silent = set()  # attempts of which no status will ever come, or none that names them
        self.undelivered = 0
        self.token_dead = False
        self._count = 0

    # --- what we send ---

    async def request(self, process, method, url, *, json_body=None, timeout, **_):
        body = json.loads(json_body)
        if body.get("status") == "read":
            return await self.outside.call(process, lambda answer: answer(0.05, _json(200, {"success": True})), timeout)
        return await self.outside.call(process, lambda answer: self._take(process, body, answer), timeout)

    def _take(self, process, body, answer):
        fault = "token" if self.token_dead else self.faults.one_of(REFUSALS) or self.faults.one_of(GRAPH_OTHER)
        text = body.get("text", {}).get("body") or body["type"]
        self.tell("WhatsApp", f"gets {text!r} from {process}" + (f": {fault}" if fault else ""))
        self.outside.moment(process, body["to"].removeprefix("+"))
        seconds = self.faults.between(0.02, 0.6)
        if fault in REFUSALS:
            status, code = REFUSALS[fault]
            answer(seconds, _json(status, {"error": {"code": code, "message": "no"}}))
        elif fault == "unreachable":
            answer(0.1, NoAnswer("It could not be reached.", body_sent=False))
        elif fault == "proxy":
            answer(seconds, Answer(403, {}, b"<html>no</html>"))
        elif fault == "error page, not taken":
            answer(seconds, Answer(502, {}, b"<html>bad gateway</html>"))
        elif fault in TAKES:
            self._answer_taken(fault, self._accept(body), seconds, answer)

    def _answer_taken(self, fault, wamid, seconds, answer):
        if fault is None:
            answer(seconds, _json(200, {"messages": [{"id": wamid}]}))
        elif fault == "broken":
            answer(seconds, NoAnswer("The connection broke.", body_sent=True))
        elif fault == "garbage":
            answer(seconds, Answer(200, {}, b"{"))
        elif fault == "error page":
            answer(seconds, Answer(502, {}, b"<html>bad gateway</html>"))

    def _accept(self, body):
        self._count += 1
        wamid, customer = f"wamid.out{self._count}", self.customers[body["to"].removeprefix("+")]
        if body["type"] != "template" and self.loop.time() >= customer.window_until:
            self.wrong.append(f"I-09 a message came after the customer's window had closed: {wamid}")
        attempt = body["biz_opaque_callback_data"]
        self.ledger.append({"attempt": attempt, "wamid": wamid, "type": body["type"], "body": body, "to": customer.phone})
        self._report(wamid, attempt, customer)
        return wamid

    def _report(self, wamid, attempt, customer):
        """The statuses of a message that was taken."""
        if self.faults.happens("status lost"):
            self.silent.add(attempt)
            return
        if not (named := not self.faults.happens("status without our id")):
            self.silent.add(attempt)  # who did not hear our answer cannot tell whose it is
        states = ["sent", "failed"] if self.faults.happens("failed") else ["sent", "delivered", "read"]
        at = 0.0
        for state in states:
            early, late = self.faults.happens("status early"), self.faults.happens("status late")
            at = 0.001 if early else at + self.faults.between(0.05, 30.0 if late else 2.0)
            status = {"id": wamid, "status": state, "timestamp": _stamp(self.loop.time()), "recipient_id": customer.phone}
            status |= {"biz_opaque_callback_data": attempt} if named else {}
            status |= {"errors": [{"code": 131026, "title": "Undeliverable"}]} if state == "failed" else {}
            for _ in range(1 + self.faults.happens("status twice")):
                self._bring(at + self.faults.between(0, 0.1), {"statuses": [status]}, f"{state} of {wamid}")

    # --- what customers say ---

    def says(self, customer, text, ago=0.0, *, count=1):
        """`ago` seconds before now, as the phone's clock had it; several at once come in one webhook."""
        now = self.loop.time()
        customer.window_until = max(customer.window_until, now - ago + WINDOW)
        items = []
        for n in range(count):
            self._count += 1
            self.inbound.append(wamid := f"wamid.in{self._count}")
            words = text if count == 1 else f"{text} {n}"
            items.append({"from": customer.phone, "id": wamid, "timestamp": _stamp(now - ago), "type": "text", "text": {"body": words}})
        people = [{"wa_id": customer.phone, "profile": {"name": customer.name}}]
        value = {"contacts": people, "messages": items}
        for _ in range(1 + self.faults.happens("twice")):
            self._bring(self.faults.between(0.01, 8.0 if self.faults.happens("late") else 0.3), value, f"{customer.name}: {text!r}")

    def echoes(self, customer, text):
        """Somebody of the business writes from the app on the phone."""
        self._count += 1
        item = {"from": "15550001234", "to": customer.phone, "id": f"wamid.echo{self._count}", "timestamp": _stamp(self.loop.time())}
        value = {"message_echoes": [item | {"type": "text", "text": {"body": text}}]}
        self._bring(0.1, value, f"the phone app to {customer.name}", field="smb_message_echoes")

    def _bring(self, seconds, value, what, field="messages"):
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER}, **value}
        body = {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": [{"field": field, "value": value}]}]}
        self.undelivered += 1
        self.loop.later(seconds, self._deliver, json.dumps(body).encode(), what, 1)

    def _deliver(self, body, what, tries):
        server = self._web()
        answered = False

        def heard(future=None):
            nonlocal answered
            failed = future is None or future.exception() is not None
            if answered:
                return
            answered = True
            self.tell("Meta", f"{what} → {server}: {'no' if failed else 'ok'}")
            if failed:
                self.loop.later(min(2.0**tries, 8.0), self._deliver, body, what, tries + 1)
            else:
                self.undelivered -= 1

        server.receive(APP, body).add_done_callback(heard, context=self.loop.outside)
        self.loop.later(PATIENCE, heard)


GRAPH_OTHER = ("slow", "broken", "garbage", "error page", "swallowed", "error page, not taken", "unreachable", "proxy")


class Agent:
    """The business's webhook. Its answers later go through `post(url, body, key)`."""

    def __init__(self, outside, post):
        self.outside, self.loop, self.faults, self.tell = outside, outside.loop, outside.faults, outside.tell
        self._post = post
        self.heard = []

    async def request(self, process, method, url, *, headers, body, timeout, **_):
        return await self.outside.call(
            process, lambda answer: self._think(process, headers["webhook-id"], json.loads(body), answer), timeout
        )

    def _think(self, process, event, delivery, answer):
        kinds = ("unreachable", "slow", "hang", "broken", "error", "busy", "garbage", "silent", "redirect", "several", "later", "long")
        fault = self.faults.one_of(kinds, "agent ")
        self.tell("agent", f"hears {delivery['message']!r} from {process}" + (f": {fault}" if fault else ""))
        if fault == "unreachable":
            answer(0.1, NoAnswer("It could not be reached.", body_sent=False))
            return
        self.outside.moment(process, delivery["phone_number"].removeprefix("+"))
        self.heard.append((event, [m["message_id"] for m in delivery["context"]["messages"]]))
        seconds = self.faults.between(0.02, 7.5 if fault in ("slow", "long") else 1.0)
        said = {"content": f"You said: {delivery['message']}"}
        match fault:
            case "hang":
                pass
            case "broken":
                answer(seconds, NoAnswer("The connection broke.", body_sent=True))
            case "error" | "redirect":
                answer(seconds, Answer(500 if fault == "error" else 302, {}, b""))
            case "busy":
                answer(seconds, Answer(429, {"Retry-After": "3"}, b""))
            case "garbage":
                answer(seconds, Answer(200, {"Content-Type": "application/json"}, b"{"))
            case "silent":
                answer(seconds, Answer(204, {}, b""))
            case "later":
                answer(seconds, Answer(204, {}, b""))
                for n in range(2):
                    late = {"content": f"Late {n}: {delivery['message']}"}
                    self.loop.later(self.faults.between(0, 12.0), self._post, delivery["reply_callback"], late, f"{event} {n}")
            case "several":
                answer(seconds, _json(200, [{"content": f"{n}: {delivery['message']}"} for n in range(3)]))
            case _:
                answer(seconds, _json(200, said))


def _json(status, value):
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _stamp(seconds):
    return str(int((BEGINNING + timedelta(seconds=seconds)).timestamp()))

"""Bakery Lumen's agent: a whole agent in one file, with nothing but Python's standard library.

    AGENT_SECRET=whsec_... python examples/shop_agent.py [PORT]

It checks who is asking, answers with text, buttons, a list, a picture and a place, and for an order first says "one moment" and
later, through the callback, what came of it. AGENT_URL is its own address as WhatsApp sees it, for the picture.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8060
URL = os.environ.get("AGENT_URL", f"http://127.0.0.1:{PORT}")
SECRETS = os.environ.get("AGENT_SECRET", "").split()
PICTURE = Path(__file__).with_name("bread.jpg")
BREADS = {"rye": ("Rye", "4.20 €, dark and moist"), "spelt": ("Spelt", "4.80 €, with sunflower seeds"),
          "baguette": ("Baguette", "2.10 €, from the stone oven"), "brioche": ("Brioche", "3.50 €, on weekends")}  # fmt: skip


def answer(question, callback):
    """What to say to one message; `callback(answer)` says more later. None says nothing."""
    choice = (question["context"].get("reply") or {}).get("id", "")
    words = question["message"].lower()
    if choice in BREADS:
        threading.Thread(target=bake, args=(choice, callback)).start()
        return f"One moment, I am asking the bakers about *{BREADS[choice][0]}* …"
    if choice == "hours" or "open" in words:
        return "We are open **Tuesday to Sunday, 7:00 to 18:00**. On Mondays the oven rests."
    if choice == "order" or "bread" in words or "order" in words:
        return bread_list()
    if choice == "where" or "where" in words:
        return {"location": {"latitude": 52.52, "longitude": 13.405, "name": "Bakery Lumen", "address": "12 Mill Lane"}}
    if "picture" in words or "photo" in words:
        return {"content": "Out of the oven this morning.", "image": f"{URL}/bread.jpg"}
    if question["image"]:
        return "What a lovely picture! Thank you."
    return greeting(question["context"].get("contact", {}).get("name"))


def greeting(name):
    buttons = [("hours", "Opening hours"), ("order", "Order bread"), ("where", "Where are you?")]
    return {
        "unified": {
            "text": f"Hello{f' {name}' if name else ''}, this is Bakery Lumen. How can I help?",
            "footer": "Ask for a picture, too",
            "buttons": [{"type": "quick_reply", "text": title, "quickReplyId": key} for key, title in buttons],
        }
    }


def bread_list():
    """More than three choices: Dragoman makes a list of them."""
    lines = "\n".join(f"- **{name}**: {about}" for name, about in BREADS.values())
    buttons = [{"type": "quick_reply", "text": name, "quickReplyId": key} for key, (name, _) in BREADS.items()]
    return {"unified": {"text": f"Today we have\n\n{lines}", "buttons": buttons}}


def bake(bread, callback):
    time.sleep(2)
    callback(f"Your {BREADS[bread][0]} is put aside for you. You can pick it up from 16:00 on.")


def signed(headers, body):
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body, not older than five minutes."""
    if abs(time.time() - int(headers.get("webhook-timestamp", 0))) > 300:
        return False
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in SECRETS]
    right = ["v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys]
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(a, b) for a in given for b in right)


ANSWERED = {}  # webhook-id → answer: a repeated question gets the same answer and bakes no second bread


class Agent(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if SECRETS and not signed(self.headers, body):
            return self.say(401, {"error": "the signature is not ours"})
        question, event = json.loads(body), self.headers["webhook-id"]
        if event not in ANSWERED:
            ANSWERED[event] = answer(question, lambda later: say_later(question["reply_callback"], event, later))
        return self.say(200, ANSWERED[event])

    def do_GET(self):
        self.send(200, "image/jpeg", PICTURE.read_bytes()) if self.path == "/bread.jpg" else self.say(404, None)

    def say(self, status, value):
        self.send(status, "application/json", b"" if value is None else json.dumps(value).encode())

    def send(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def say_later(url, event, value):
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"{event}-later"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(value).encode(), headers)).close()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Agent)
    print(f"Bakery Lumen's agent listens on http://127.0.0.1:{PORT}", flush=True)
    server.serve_forever()

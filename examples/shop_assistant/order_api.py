"""The orders of Bakery Lumen: a small HTTP API of the shop's own, with nothing but Python's standard library.

GET  /orders?customer=PHONE[&number=N]   the orders of this customer; nobody sees those of others
POST /orders                             {"bread", "quantity", "customer"}: takes an order; the same Idempotency-Key is the same order

Both want the shop's key in X-Shop-Key. Orders are kept in memory.
"""

import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PRICES = {"rye": 4.20, "spelt": 4.80, "baguette": 2.10, "brioche": 3.50}


class Shop:
    def __init__(self, key):
        self.key, self.orders, self.by_key, self.lock = key, [], {}, threading.Lock()

    def take(self, wish, key):
        """The order that was taken, or that was taken before with this key; a text when it cannot be."""
        bread, quantity, customer = wish.get("bread"), wish.get("quantity"), wish.get("customer")
        if bread not in PRICES:
            return f"we bake {', '.join(PRICES)}"
        if type(quantity) is not int or not 1 <= quantity <= 50:
            return "quantity is a whole number from 1 to 50; ask a baker for more"
        if not isinstance(customer, str) or not customer:
            return "customer is missing"
        with self.lock:
            if key not in self.by_key:
                order = {"number": str(1041 + len(self.orders)), "bread": bread, "quantity": quantity, "customer": customer}
                self.orders.append({**order, "price": round(PRICES[bread] * quantity, 2), "at": time.time()})
                self.by_key[key or object()] = self.orders[-1]
                return self.orders[-1]
            return self.by_key[key]

    def of(self, customer, number):
        return [o for o in self.orders if o["customer"] == customer and number in (None, o["number"])]


def shown(order):
    minutes = (time.time() - order["at"]) / 60
    state = "taken" if minutes < 1 else "in the oven" if minutes < 5 else "ready to be picked up"
    return {"number": order["number"], "bread": order["bread"], "quantity": order["quantity"], "euros": order["price"], "status": state}


def serve(key, port=0):
    """A server that is ready to `serve_forever`; its port is `server_address[1]`."""
    shop = Shop(key)

    class Till(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            if self.allowed():
                self.say(200, {"orders": [shown(order) for order in shop.of(asked.get("customer"), asked.get("number"))]})

        def do_POST(self):
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 10_000))
            if not self.allowed():
                return
            try:
                wish = json.loads(body)
            except ValueError:
                wish = None
            order = shop.take(wish, self.headers.get("Idempotency-Key")) if isinstance(wish, dict) else "send a JSON object"
            self.say(422, {"error": order}) if isinstance(order, str) else self.say(201, shown(order))

        def allowed(self):
            right = hmac.compare_digest(self.headers.get("X-Shop-Key", "").encode(), shop.key.encode())
            here = urlsplit(self.path).path == "/orders"
            if not (right and here):
                self.say(404 if right else 401, {"error": "there is nothing here" if right else "the shop's key goes into X-Shop-Key"})
            return right and here

        def say(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Till)

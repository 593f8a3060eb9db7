"""Bakery Lumen's shop assistant, an agent that thinks inside Dragoman: makes it through the API and runs the shop's order API for it.

    API_KEY=wak_live_... LLM_MODEL=openai/gpt-5.4 python examples/shop_assistant/run.py

LLM_MODEL    provider/model; without it, the server's default. With builtin/faq the agent answers from its knowledge alone: no tools are
             used, no orders taken, nothing is remembered.
API_URL      the server; http://127.0.0.1:8050

A second run changes the agent that the first one made. Only Python's standard library is needed.
"""

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import order_api

HERE = Path(__file__).parent
URL = os.environ.get("API_URL", "http://127.0.0.1:8050").rstrip("/")
KEY = os.environ.get("API_KEY", "")
MODEL = os.environ.get("LLM_MODEL", "")


def call(method, path, value=None):
    """The JSON of the answer."""
    body = None if value is None else json.dumps(value).encode()
    headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/api/v1{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path} was answered with {error.code}: {error.read(500).decode(errors='replace')}")
    except urllib.error.URLError as error:
        sys.exit(f"No server answers at {URL}: {error.reason}. Start one with `dragoman serve`.")


def wanted(shop_url, shop_key):
    """The agent as the API takes it, with the places of agent.json filled in."""
    text = (HERE / "agent.json").read_text()
    for name, value in {"LLM_MODEL": MODEL or "cw-llm-1", "SHOP_URL": shop_url, "SHOP_KEY": shop_key}.items():
        text = text.replace(f"${{{name}}}", json.dumps(value)[1:-1])
    return json.loads(text)


def hire(agent):
    """Make the agent, or change the one of this name: what has the same name there keeps its id, and so what was remembered."""
    found = call("GET", "/agents/?limit=100")
    old = next((one for one in found["results"] if one["name"] == agent["name"]), None)
    if old is None:
        return call("POST", "/agents/", agent)
    for field, same in (("tools", "name"), ("memoryKeys", "key"), ("supportTools", "name"), ("wakeUpConfigs", "description")):
        ids = {entry[same]: entry["id"] for entry in old[field]}
        agent[field] = [{**entry, **({"id": ids[entry[same]]} if entry[same] in ids else {})} for entry in agent[field]]
    return call("PATCH", f"/agents/{old['id']}/", agent)


def teach(agent):
    """Give the agent its knowledge, once, and wait until it is read."""
    place = f"/agents/{agent['id']}/documents/"
    if not agent["documents"]:
        call("POST", place, {"faqs": json.loads((HERE / "faqs.json").read_text())})
        call("POST", place, {"name": "Handbook", "text": (HERE / "handbook.md").read_text()})
    while waiting := [d["name"] for d in call("GET", f"{place}?limit=100")["results"] if d["status"] in ("pending", "processing")]:
        print(f"  It is reading {waiting[0]} ...")
        time.sleep(0.5)


def main():
    if not KEY:
        sys.exit("API_KEY is not set; make one with `dragoman keys create --name shop`")
    shop_key = secrets.token_urlsafe(24)
    shop = order_api.serve(shop_key)
    agent = hire(wanted(f"http://127.0.0.1:{shop.server_address[1]}", shop_key))
    print(f"The shop assistant is agent {agent['id']}, and thinks with {agent['llmModel']}.")
    teach(agent)
    print(f"  On a phone page   {agent['connectUrl']}")
    print(f"  In the terminal   dragoman chat --agent {agent['id']}")
    print("The order API runs until you press Ctrl-C.", flush=True)
    try:
        shop.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()

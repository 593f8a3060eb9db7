"""The secrets of API tools: sealed, masked, bound to their host, and struck out of everything that comes back."""

import base64
import html
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web
from tests.agents.api_shop import described, fixed
from tests.agents.one_turn import call
from yarl import URL

from dragoman.agents import configured
from dragoman.agents.apischema.keeping import MASK, cleaner, looks_secret
from dragoman.agents.capabilities.api_tools import CAPABILITY, Facts, run_once, try_out
from dragoman.errors import Invalid

TOKEN = "sk/live 51+Hé\"x'&z9"  # with characters that every encoding writes in another way
PASSWORD = "geheim-42"
BASIC = "Basic " + base64.b64encode(f"dana:{PASSWORD}".encode()).decode()
KEY = "pk-9876543210"


def item(shop, **more):
    schema = {
        "url": f"{shop.url}/orders/{{shop}}",
        "method": "POST",
        "path_params": {"shop": fixed("shop-55512345", secret=True)},
        "request_headers": {"Authorization": fixed(f"Bearer {TOKEN}"), "X-Other-Key": fixed(BASIC), "X-Source": fixed("whatsapp")},
        "query_params": {"properties": {"key": fixed(KEY), "page": fixed("first-page")}},
        "request_body": {
            "properties": {
                "said": described(),
                "pin": fixed("pin-%PHONE_NUMBER%", secret=True),
                "deep": {"type": "object", "properties": {"client_secret": fixed("deep-secret-1")}},
                "callback_token": fixed("%CALLBACK_URL%"),
            }
        },
    }
    return {"name": "Order", "description": "", "apiSchema": schema, **more}


SECRETS = [TOKEN, BASIC, PASSWORD, KEY, "deep-secret-1", "shop-55512345", "pin-+15550007890"]


def forms(secret):
    return [
        secret,
        quote(secret),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        html.escape(secret),
        html.escape(secret).replace("&#x27;", "&#39;").replace("+", "&#43;"),
        "".join(f"\\u{ord(letter):04X}" if not letter.isalnum() else letter for letter in secret),
        quote_plus(secret),
        str(URL("http://h/").with_query(q=secret)).partition("=")[2],
        base64.b64encode(secret.encode()).decode(),
    ]


async def shown(lumen):
    found = await configured.masked(lumen.kit, lumen.organisation_id, [lumen.agent.id], [CAPABILITY])
    return found[lumen.agent.id]["tools"]


async def test_secrets_are_sealed_and_shown_as_masks(lumen, shop):
    await lumen.give(CAPABILITY, item(shop))
    [tool] = await shown(lumen)
    schema = tool["apiSchema"]
    value = {name: param["input"]["value"] for name, param in schema["request_headers"].items()}
    assert value == {"Authorization": f"••••{TOKEN[-4:]}", "X-Other-Key": f"••••{BASIC[-4:]}", "X-Source": "whatsapp"}
    assert schema["query_params"]["properties"]["key"]["input"]["value"] == "••••3210"
    assert schema["query_params"]["properties"]["page"]["input"]["value"] == "first-page"
    body = schema["request_body"]["properties"]
    assert body["deep"]["properties"]["client_secret"]["input"]["value"] == "••••et-1"
    assert body["pin"]["secret"] is True
    assert body["callback_token"]["input"]["value"] == "%CALLBACK_URL%"
    [row] = await lumen.kit.db.fetch("select config::text as config, secrets from capabilities")
    for secret in (TOKEN, BASIC, KEY, "deep-secret-1", "shop-55512345"):
        assert json.dumps(secret)[1:-1] not in row["config"]
        assert secret.encode() not in row["secrets"]


async def test_a_mask_that_is_sent_back_keeps_the_secret_and_another_host_does_not_get_it(lumen, shop):
    await lumen.give(CAPABILITY, item(shop))
    [tool] = await shown(lumen)
    sent = {key: value for key, value in tool.items() if key != "id"}
    moved = json.loads(json.dumps(sent))
    moved["apiSchema"]["url"] = f"{shop.url}/v2/{{shop}}"
    [kept] = await lumen.give(CAPABILITY, moved, ids=[await id_of(lumen)])
    assert kept.config.api_schema.request_headers["Authorization"].input.value == f"Bearer {TOKEN}"
    for url in ("http://127.0.0.1:1/{shop}", "http://127.0.0.2:80/{shop}", shop.url.replace("http:", "https:") + "/{shop}"):
        moved["apiSchema"]["url"] = url
        with pytest.raises(Invalid, match="the address has changed, so the secret must be sent again"):
            await lumen.give(CAPABILITY, moved, ids=[await id_of(lumen)])


async def id_of(lumen):
    [row] = await lumen.kit.db.fetch("select id from capabilities")
    return row["id"]


@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize("as_json", [True, False])
async def test_a_server_that_sends_the_secrets_back_tells_the_model_nothing(lumen, shop, status, as_json, caplog):
    caplog.set_level(logging.DEBUG)

    async def echo(request):
        told = [*request.headers.items(), *request.query.items(), request.raw_path, (await request.json())]
        told += [form for secret in SECRETS for form in forms(secret)]
        text = json.dumps({"told": told})
        return web.Response(text=text if as_json else "\n".join(map(str, told)), status=status, content_type="application/json")

    shop.answer = echo
    [tool] = await CAPABILITY.tools(lumen.run(), await lumen.give(CAPABILITY, item(shop)))
    found = await tool.run(call({"said": "Hello"}))
    assert MASK in found.text
    assert "whatsapp" in found.text or status == 422
    everything = found.text + found.error + caplog.text
    assert [form for secret in SECRETS for form in forms(secret) if form in everything] == []
    assert TOKEN in shop.last.headers["Authorization"]
    assert shop.last.json["pin"] == "pin-+15550007890"


async def test_half_a_secret_at_the_end_of_a_cut_is_not_told_either(lumen, shop):
    shop.answer = web.Response(status=500, text="x" * 1015 + KEY + "y" * 50)
    [tool] = await CAPABILITY.tools(lumen.run(), await lumen.give(CAPABILITY, item(shop)))
    found = await tool.run(call({"said": "Hello"}))
    assert KEY[:4] not in found.text


async def test_what_was_sent_is_shown_with_masks(lumen, shop):
    [one] = await lumen.give(CAPABILITY, item(shop))
    ran = await try_out(lumen.kit, lumen.organisation_id, lumen.agent.id, one.id, {"said": "Hello"}, customer="+15550007890", image=None)
    request = ran.request
    assert request.url == f"{shop.url}/orders/{MASK}?key={MASK}&page=first-page"
    assert request.headers["Authorization"] == request.headers["X-Other-Key"] == MASK
    assert request.headers["X-Source"] == "whatsapp"
    assert json.loads(request.body) == {
        "said": "Hello",
        "pin": MASK,
        "deep": {"client_secret": MASK},
        "callback_token": "https://dragoman.example/api/callback/nobody",
    }
    assert shop.last.raw_path == f"/orders/shop-55512345?key={KEY}&page=first-page"


async def test_how_an_answer_begins_is_shown_without_secrets(lumen, shop):
    shop.answer = f"your key is {KEY}, dana's password {PASSWORD}"
    [one] = await lumen.give(CAPABILITY, item(shop))
    ran = await try_out(lumen.kit, lumen.organisation_id, lumen.agent.id, one.id, {"said": "Hello"}, customer="+15550007890", image=None)
    assert ran.came.head == f"your key is {MASK}, dana's password {MASK}"


async def test_a_server_that_is_not_there_learns_and_tells_nothing(lumen, shop):
    [one] = await lumen.give(CAPABILITY, item(shop))
    nowhere = one.config.model_copy(
        update={"api_schema": one.config.api_schema.model_copy(update={"url": "http://127.0.0.1:9/orders/{shop}"})}
    )
    came = await run_once(lumen.kit, nowhere, {"said": "Hello"}, Facts("+15550007890", None, ""), "key-1")
    assert [secret for secret in SECRETS if secret in repr(came)] == []
    assert "could not be reached" in came.error


SECRET_NAMES = [
    "Authorization",
    "X-Api-Key",
    "apiKey",
    "api_key",
    "APIKey",
    "apikey",
    "x-shop-key",
    "X-Auth-Token",
    "access_token",
    "Set-Cookie",
]
SECRET_NAMES += ["clientSecret", "password", "Ocp-Apim-Subscription-Key", "Shop-Key", "X-Auth"]
PLAIN_NAMES = ["X-Source", "Accept", "User-Agent", "max_tokens", "monkey", "keyword", "X-Keyboard", "author"]


def test_secrets_are_known_by_the_names_of_headers():
    assert [name for name in SECRET_NAMES if not looks_secret(name, "header")] == []
    assert [name for name in PLAIN_NAMES if looks_secret(name, "header")] == []
    assert [looks_secret(name, "body") for name in ("sort_key", "key", "memoryKey", "private_key")] == [False, False, False, True]
    assert looks_secret("key", "query")


def test_striking_out_leaves_other_words_alone():
    clean = cleaner(["Bearer abcdef", "12", ""])
    assert clean("bearer of 12 loaves: ABCDEF, abc") == "bearer of 12 loaves: ••••, abc"
    assert cleaner([])("anything") == "anything"

"""What comes through the doors: Meta's payloads and signatures, bodies of both dialects, documents, addresses."""

import asyncio
import csv
import json
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from fastapi.exceptions import RequestValidationError
from payloads import NAMES, body_of
from pydantic import ValidationError
from starlette.requests import Request
from tests.agents.knowledge import papers
from tests.fuzz.driver import Target
from tests.fuzz.targets_words import written

from dragoman.agents.actions import values
from dragoman.agents.knowledge.readers import text as text_reader
from dragoman.agents.knowledge.sniffing import sniff
from dragoman.agents.knowledge.text import Told, Unfit
from dragoman.api import route
from dragoman.api.v1.message_inputs import EXAMPLES, SendMessageInput
from dragoman.api.v2 import actions, errors, knowledge_forms
from dragoman.api.v2.assistant_shapes import NewAssistant
from dragoman.errors import Problem
from dragoman.http.addresses import why_not_public
from dragoman.http.answers import Refused
from dragoman.http.urls import check_url
from dragoman.whatsapp import received
from dragoman.whatsapp.events import Kept, Preference, Status, parse
from dragoman.whatsapp.messages import check, wire
from dragoman.whatsapp.signature import sign, signed


def _payload(data):
    events = parse(data)
    assert events
    for event in events:
        json.loads(event.raw)
        assert b"\0" not in event.raw
        if not isinstance(event, Kept):
            assert event.phone_number_id
            if not isinstance(event, Preference):
                assert 0 < len(event.wamid) <= 256
                if not isinstance(event, Status):
                    assert received.load(received.dump(event.content)) == event.content
    return " ".join(getattr(getattr(event, "content", None), "type", type(event).__name__) for event in events[:3])


BODY, SECRET = b'{"entry": []}', b"a secret"
RIGHT = sign(BODY, SECRET)


def _signature(data):
    header = data.decode("latin-1")
    good = signed(BODY, header, [b"", SECRET])
    assert good == (header == RIGHT)
    assert not signed(BODY + b" ", header, [SECRET])
    assert not signed(BODY, header, [])
    return f"{good} {len(header)}"


PLAIN = Request({"type": "http", "method": "POST", "headers": []})


def _body(data):
    """As every route reads it. Raises Invalid."""
    return route._parse(data, PLAIN)


def _send(data):
    """The model, then our own words, then WhatsApp's."""
    try:
        content = SendMessageInput.model_validate(_body(data)).content()
        check(content)
        wire(content, to="+15550007890", recipient=None, attempt="a")
    except (ValidationError, Problem) as refused:
        return _said(refused)
    return type(content).__name__


def _said(refused):
    if isinstance(refused, ValidationError | RequestValidationError):
        if isinstance(refused, ValidationError):
            refused = RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in refused.errors()])
        answer = errors._misshapen(PLAIN, refused)
        return f"{answer.status_code} {json.loads(answer.body)['message'][:40]}"
    if isinstance(refused, Problem):
        refused.message.encode("utf-8", "surrogatepass")
        assert 400 <= refused.status < 500
        return f"{refused.status} {refused.message[:30]}"
    return type(refused).__name__


def _assistant(data):
    try:
        sent = _body(data)
        new = NewAssistant.model_validate(sent)
    except (ValidationError, Problem) as refused:
        return _said(refused)
    new.model_dump_json()
    return "an assistant"


def _action(data):
    try:
        sent = _body(data)
        new = actions._read(actions.ActionInput.model_validate(sent))
    except (ValidationError, RequestValidationError, Problem) as refused:
        return _said(refused)
    plain = new.config.model_dump(mode="json", exclude_unset=True)
    msgspec.json.encode(plain)
    values.places(_texts(plain))
    return f"{new.type} {new.timing}"


def _texts(value):
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]


LOOP = asyncio.new_event_loop()


def _form(data):
    json_or_form = b"application/json" if data[:1] in b"{[" else b"multipart/form-data; boundary=x"
    arrived = iter([{"type": "http.request", "body": data, "more_body": False}])

    async def receive():
        return next(arrived)

    scope = {"type": "http", "method": "PATCH", "path": "/", "headers": [(b"content-type", json_or_form)], "query_string": b""}
    try:
        sources = LOOP.run_until_complete(knowledge_forms.read_form(Request(scope, receive)))
    except Problem as refused:
        return _said(refused)
    return f"{len(sources.files)} {len(sources.urls)} {len(sources.faqs)}"


def _document(data):
    try:
        kind = sniff(data)
        if kind != "text":
            return kind
        read = text_reader.read(data, Told(name="menu.csv" if len(data) % 2 else "menu.md"))
    except Unfit as unfit:
        return _sentence(str(unfit))
    except csv.Error:  # a field of more than 128 KB; the child says that the file cannot be read
        return "unreadable"
    return f"{read.kind} {min(len(read.blocks), 5)}"


def _sentence(text):
    assert text.endswith(".")
    return f"unfit {text[:40]}"


def _url(data):
    url = data.decode("utf-8", "surrogateescape")
    _address(url)
    try:
        check_url(url)
    except Refused as refused:
        return f"refused {str(refused)[:40]}"
    # What was let through is looked at again, by another reader.
    parts = urlsplit(url)
    assert (parts.scheme, parts.username, parts.password) == ("https", None, None)
    assert parts.port in (None, 443)
    assert not _is_address(parts.hostname)
    host = re.sub("[\u3002\uff0e\uff61]", ".", parts.hostname).rstrip(".")  # the dots of other scripts are dots
    assert "." in host
    assert not host.endswith((".local", ".internal", ".localhost"))
    return "taken"


def _address(text):
    try:
        address = ip_address(text.strip("[]/htps:"))
    except ValueError:
        return
    if why_not_public(address) is None:
        assert address.is_global
        assert not address.is_multicast


def _is_address(host):
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nBread\r\n--x\r\nContent-Disposition: form-data; name="urls[]"\r\n\r\nhttps://lumen.example/\r\n'
    b'--x\r\nContent-Disposition: form-data; name="faqs[0]"\r\n\r\nQ: When do you open?|A: At seven.\r\n'
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nWe bake.\r\n--x--\r\n'
)
ASSISTANT = {"name": "Maya", "type": "WHATSAPP", "model": "cw-llm-1", "instructions": "Sell bread.", "prompts": {"agent": "a", "goal": "b"}, "phone_number": "106540352242922",
    "api_keys": ["openai", {"api_key_id": 5, "type": "x"}], "kb_id": "", "action_ids": ["0b6b1b0e-3c57-4f0a-9f3a-1a5f4f0d9d11"], "additional_settings": {"idle_time": 5}, "force": True}  # fmt: skip
BASE = {"name": "Order", "description": "Use it to order", "action_timing": "DURING"}
ACTIONS = [
    {**BASE, "type": "WEBHOOK", "webhook": {"url": "https://lumen.example/o", "method": "POST", "headers": {"X-Key": "k"}, "body": [{"a": "b"}], "required": ["name"]}},
    {**BASE, "type": "SEND_EMAIL", "email": {"to": ["dana@example.org"], "subject": "Hi {{name}}", "body": "<p>{{text}}</p>"}},
    {**BASE, "type": "SEND_SMS", "sms": {"to": {"value": ["+15550007890"]}, "body": {"value": "Hi {{name}}"}}},
    {**BASE, "type": "SEND_WHATSAPP", "send_whatsapp": {"template_name": "hi", "body_params": ["{{name}}"]}},
    {**BASE, "type": "SINGLEDATAEXTRACTION", "name": "x", "extraction": {"name": "size", "description": "How many", "type": "number"}},
    {**BASE, "type": "APPOINTMENT", "appointment": {"calendar": "google", "timezone": "Europe/Berlin", "duration": 30}},
    {**BASE, "type": "CALL_TRANSFER", "webhook.url": "https://a.example", "webhook.response.prompt": "x"},
]  # fmt: skip
URLS = (
    b"https://agent.lumen.example/hook?x=1#y",
    b"https://127.0.0.1/",
    b"https://[::1]/",
    b"http://lumen.example:8080/",
    b"64:ff9b::a9fe:a9fe",
    b"https://xn--bcher-kva.example/",
)
NUMBERS = (
    "0x7f.1",
    "2130706433",
    "017700000001",
    "@",
    ":443",
    ":0",
    "[",
    "]",
    "::ffff:",
    "%2e",
    "。",
    "①",
    "ⓔ",
    "localhost",
    ".internal",
    "\\",
    "#",
    "?",
    "/",
    "10.0.0.1",
    "fe80::1%eth0",
)

TARGETS = [
    Target("payload", _payload, tuple(body_of(name) for name in NAMES), ("messages", "statuses", "contacts", "wa_id", "user_id", "image", "interactive", "timestamp")),
    Target("signature", _signature, (RIGHT.encode(), b"sha1=" + RIGHT[7:47].encode(), RIGHT.upper().encode(), b""), ("sha256=", "SHA256=", ", ", "0", "f")),
    Target("send", _send, written(EXAMPLES), ("unified", "template", "variables", "cards", "quickReplyId", "buttonText", "header", "image")),
    Target("assistant", _assistant, written([ASSISTANT]), tuple(ASSISTANT)),
    Target("action", _action, written(ACTIONS), ("webhook", "email", "sms", "to.value", "webhook.url", "a" + ".a" * 300, "{{" + " " * 300, "DURING", "APPOINTMENT")),
    Target("form", _form, (FORM, *written([{"name": "Bread", "urls": ["https://lumen.example/"], "faqs": ["Q: When?|A: Now"]}])), ("--x\r\n", "--x--", "Q:" + " " * 300, "|" + " " * 300, "filename", "faqs[]", "urls[9]", '"; name="', "\r\n\r\n")),
    Target("document", _document, (b"# Menu\n\nBread|2\n", b"a,b\n1,2\n3,4\n", b"%PDF-1.4\n", b"<!doctype html><html>x", papers.docx()[:4000], papers.docx()), ("PK\x03\x04", "<!--", "-->", "<?xml ?>", "\t", ",", '"', "```")),
    Target("url", _url, URLS, NUMBERS),
]  # fmt: skip

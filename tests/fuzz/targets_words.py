"""What agents, models and servers say: answers, calls and results; and what they mean on WhatsApp."""

import json

import msgspec
from mcp_types import CallToolResult
from pydantic import ValidationError
from pydantic_ai.messages import ToolCallPart
from tests.agents.test_fuzzed_calls import TOOLS
from tests.fuzz.driver import Target

from dragoman.agents import links
from dragoman.agents.answers import Replies, Unrecognised, read
from dragoman.agents.apischema.keeping import cleaner
from dragoman.agents.llm import calling, fitting, speaking
from dragoman.agents.mcp import tools as mcp_tools
from dragoman.agents.mcp import wire as mcp_wire
from dragoman.agents.tools import LONGEST_RESULT, Result
from dragoman.errors import Invalid
from dragoman.whatsapp import limits
from dragoman.whatsapp.content import dump, load
from dragoman.whatsapp.markup import from_markdown
from dragoman.whatsapp.messages import check, wire
from dragoman.whatsapp.splitting import pieces

ANSWERS = [
    "Hi Dana", {"content": "Two **lemon** tarts, _ready_ at five."}, ["Hello", {"image": "https://lumen.example/t.png", "content": "Bread"}],
    {"unified": {"text": "Which?", "footer": "Lumen", "media": {"url": "https://lumen.example/a.png"}, "buttons": [{"type": "quick_reply", "text": "Rye", "quickReplyId": "rye"}]}},
    {"unified": {"text": "Menu", "buttons": [{"type": "url", "text": "Open", "url": "https://lumen.example/menu"}]}},
    {"contact": {"name": "Lumen", "phone_number": "+15550001234"}, "location": {"latitude": 48.1, "longitude": 11.5, "name": "Shop", "address": "Main St"}},
    {"type": "document", "url": "https://lumen.example/a.pdf", "caption": "Menu", "filename": "menu.pdf"}, {"error": "no"}, None, 5,
]  # fmt: skip
TYPES = (None, "application/json", "text/plain", "text/html", "application/octet-stream", "text/plain; charset=latin-1", "image/png")


def written(values):
    return tuple(json.dumps(value).encode() for value in values)


def _answer(data):
    kind = TYPES[sum(data[:64]) % len(TYPES)]
    answer = read(data, kind)
    if isinstance(answer, Unrecognised):
        assert answer.reason
        assert "\0" not in answer.head + answer.reason
        (answer.head + answer.reason + (answer.field or "")).encode()
        return f"refused {answer.reason[:40]}"
    if not isinstance(answer, Replies):
        return "silence"
    assert 0 < len(answer.contents) <= limits.ANSWER_MESSAGES + limits.ANSWER_ITEMS
    for content in answer.contents:
        check(content)
        wire(content, to="+15550007890", recipient=None, attempt="a")
        assert load(dump(content)) == content
    return " ".join(type(content).__name__ for content in answer.contents[:5])


def _markup(data):
    dice = sum(data[:64])  # most texts are short: a wrong reading shows in those, and the long ones are for the cost
    text = data.decode("utf-8", "replace")[: 40_960 if dice % 256 == 0 else 4096 if dice % 16 == 0 else 600]
    shown = from_markdown(text)
    made = pieces(shown, limits.TEXT_BODY)
    for piece in (*made, *pieces(shown[:3000], 100)):
        assert 0 < len(piece) <= limits.TEXT_BODY
    assert "\ufdd0" in text or "\ufdd0" not in shown
    if not any(sign in text for sign in "*_`~[]<>|#\\!"):
        assert shown in (text, text.replace("\r\n", "\n").replace("\r", "\n"))
    return f"{len(made)} {shown == text} " + "".join(sign for sign in "*_`~[>|-" if sign in shown)


def _links(data):
    dice = sum(data[:64])
    text = data.decode("utf-8", "surrogateescape" if dice % 2 else "replace")[: limits.TEXT_BODY]
    shown, removed = links.without(text, DOMAINS)
    assert (shown == text) == (removed == 0)
    assert links.without(shown, DOMAINS) == (shown, 0), "a link was made of what stood around another"
    spelled, seen = links.spelled(text, DOMAINS)
    assert bool(seen) == bool(removed)
    assert links.without(spelled, DOMAINS) == (spelled, 0)
    return f"{min(removed, 3)} {'lumen.example' in shown} " + "".join(sign for sign in ":@/\\." if sign in shown)


def _tool_call(data):
    tool = TOOLS[sum(data[:64]) % len(TOOLS)]
    args, wrong = calling.arguments(ToolCallPart(tool.name, data.decode("utf-8", "surrogateescape"), "c1"))
    wrong = wrong or fitting.misfit(tool, args)
    if wrong:
        return f"refused {wrong[:30]}"
    calling.question(tool, args).encode()
    if tool.name != speaking.SEND:
        return "made"
    try:
        said = speaking.of_call(args, "wamid.1", "https://files.example/a.png", frozenset(["files.example"]))
    except Invalid as wrong:
        return f"unfit {wrong.message[:30]}"
    return f"says {type(said).__name__}"


_clean = cleaner(["Bearer sk-live-0123456789", "Basic ZGFuYTpzZWNyZXQ="])


def _tool_result(data):
    text = _clean(mcp_tools.clean_lines(data.decode("utf-8", "surrogateescape")))
    assert "sk-live-0123456789" not in text
    marked = calling.marked(Result(text=fitting.kept(text), outside=True))
    assert len(marked) <= LONGEST_RESULT + 100
    marked.encode()
    assert "\0" not in marked
    return f"{len(text.splitlines())} lines"


def _mcp_result(data):
    try:
        answer = mcp_wire._ANSWERS.validate_json(data)
    except ValidationError as error:
        return f"refused {error.errors()[0]['type']}"
    if not isinstance(answer, CallToolResult):
        return "asks back"
    said = mcp_wire._text(answer)
    said.encode()
    assert len(said) <= LONGEST_RESULT
    return f"said {[type(part).__name__ for part in answer.content[:3]]}"


def _mcp_listing(data):
    try:
        listing = json.loads(data)
    except (ValueError, RecursionError):
        return "no list"
    listing = [one for one in listing if isinstance(one, dict)] if isinstance(listing, list) else []
    for one in listing:  # as the library's model has it
        if not isinstance(one.get("annotations"), dict | None.__class__):
            del one["annotations"]
    made = mcp_tools.define(listing)
    msgspec.json.encode(made)
    for one in made:
        assert len(one.description) <= mcp_tools.LONGEST_DESCRIPTION
        assert len(mcp_tools.offered_as("crm", one.name)) <= mcp_tools.LONGEST_TOOL_NAME
    return f"{len(made)} {[one.problem[:40] for one in made[:2]]}"


LETTER = "# Today\n\nWe have **rye** and *wheat*, ~~no~~ rolls:\n\n* one\n* two\n  1. `a`\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\n[menu](https://lumen.example/m_e_n_u) <https://a.example>"
LINKS = "See https://lumen.example/a_b?x=1, www.evil.example or (evil.com/x), dana@lumen.example@evil.co, tel:+1, 203.0.113.7 at 18.30; http:\\\\x"
DOMAINS = ["lumen.example", "xn--bcher-kva.example"]
CALLS = [
    {"amount": 2},
    {"lines": [{"lines": []}]},
    {"text": "Hello"},
    {"text": "Look", "image": "https://files.example/a.png"},
    {"buttons": ["a", "b"], "text": "Which?"},
]
RESULTS = [
    {"content": [{"type": "text", "text": "Order 1041 is ready"}], "isError": False}, {"content": [], "structuredContent": {"a": [1]}},
    {"content": [{"type": "resource_link", "name": "a", "uri": "https://crm.example/a"}, {"type": "image", "data": "aGk=", "mimeType": "image/png"}]},
    {"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": "b"}}]},
]  # fmt: skip
LISTING = [[{"name": "order", "title": "Order", "description": "Order <b>bread</b>", "annotations": {"readOnlyHint": True}, "inputSchema": {
    "type": "object", "required": ["a"], "$defs": {"x": {"type": "string", "enum": ["a"]}},
    "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"$ref": "#/$defs/x"}, "c": {"type": "array", "items": {"anyOf": [{"type": "null"}, {"pattern": "(a+)+$"}]}}}}}]]  # fmt: skip

TARGETS = [
    Target("answer", _answer, (*written(ANSWERS), b"Hi Dana", b"<html><body>no"), ("content", "message", "text", "image", "unified", "buttons", "quickReplyId", "footer", "media", "contact", "location", "url")),
    Target("markup", _markup, (LETTER.encode(), b"*bold* _it_ ~no~ `x`", b"5 * 3 * 2 snake_case_name", b"- a\n  - b\n    - c", b"****a** b*c_d_")),
    Target("links", _links, (LINKS.encode(), "*ev\u200bil.ex\u00adample/x* canary\uff0ecom 例え。com".encode()), ("https://", "www.", "@", "lumen.example", ".com", "evil.example/", "tel:", "\\", "://", "。", "\uff0e", "\u200b", "%2F", "*", "_")),
    Target("tool_call", _tool_call, written(CALLS), ("amount", "lines", "image", "buttons", "https://files.example/a.png")),
    Target("tool_result", _tool_result, (b"Order 1041: ready\nPaid: yes", b"\x1b[31mred\x1b[0m \xe2\x80\xae", b"Bearer sk-live-0123456789")),
    Target("mcp_result", _mcp_result, written(RESULTS), ("text", "resource", "content", "isError", "structuredContent", "_meta")),
    Target("mcp_listing", _mcp_listing, written(LISTING), ("$ref", "anyOf", "properties", "items", "enum", "required", "#/$defs/x", "inputSchema")),
]  # fmt: skip

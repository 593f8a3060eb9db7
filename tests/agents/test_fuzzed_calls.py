"""What a model may write as a call: whatever it is, it fits and is made, or it is refused in words."""

import json
import random

import pytest
from pydantic_ai.messages import ToolCallPart

from dragoman.agents.llm import calling, fitting, speaking
from dragoman.agents.tools import Result, Tool
from dragoman.errors import Invalid

CALLS = 100_000
ODD = [
    "",
    " ",
    "null",
    "[]",
    "{",
    "}",
    '"',
    "\\",
    "\0",
    "\ud800",
    "💥",
    "NaN",
    "Infinity",
    "-0",
    "1e999",
    "true",
    "'",
    "\u202e",
    "confirm:",
    "data:",
    "https://",
    "9" * 400,
]
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    float("inf"),
    "",
    "x" * 5000,
    "\ud800",
    "\u202e",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    "https://files.example/a.png",
]


def tool(parameters):
    async def never(call):
        return Result(text="")

    return Tool(name="order", description="", parameters=parameters, run=never)


TOOLS = [
    speaking.SEND_TOOL,
    tool(
        {
            "type": "object",
            "properties": {"amount": {"type": "integer", "minimum": 1}},
            "required": ["amount"],
            "additionalProperties": False,
        }
    ),
    tool(
        {
            "type": "object",
            "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}},
            "$defs": {"line": {"type": "object", "properties": {"lines": {"$ref": "#/properties/lines"}}}},
        }
    ),
    tool({"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}),
    tool({"type": "object", "properties": {"a": {"type": "string", "pattern": "(["}}}),
    tool({"type": "object", "properties": {"a": {"multipleOf": 0}}}),
]
NAMES = [*speaking.PARAMETERS["properties"], "amount", "lines", "a", "to", "__proto__", ""]


def value(dice, depth=0):
    if depth < 4 and dice.random() < 0.3:
        some = [value(dice, depth + 1) for _ in range(dice.randrange(4))]
        return some if dice.random() < 0.4 else {dice.choice(NAMES): one for one in some}
    return dice.choice(VALUES)


def written(dice):
    """The arguments of one call as a model might write them."""
    made = {dice.choice(NAMES): value(dice) for _ in range(dice.randrange(5))}
    if dice.random() < 0.3:
        return made
    text = json.dumps(made, ensure_ascii=dice.random() < 0.5)
    for _ in range(dice.randrange(3)):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(ODD) + text[at + dice.randrange(3) :]
    return text


def outcome(tool, given):
    args, wrong = calling.arguments(ToolCallPart(tool.name, given, "c1"))
    assert isinstance(args, dict)
    wrong = wrong or fitting.misfit(tool, args)
    if wrong:
        assert isinstance(wrong, str)
        return "refused"
    asked = calling.question(tool, args)
    assert isinstance(asked, str)
    if tool.name != speaking.SEND:
        return "made"
    try:
        speaking.of_call(args, "wamid.1", "https://files.example/a.png", frozenset(["files.example"]))
    except Invalid:
        return "not sent"
    return "sent"


def test_a_hundred_thousand_calls_are_made_or_refused_in_words():
    dice = random.Random(4711)
    outcomes = [outcome(dice.choice(TOOLS), written(dice)) for _ in range(CALLS)]
    assert set(outcomes) == {"refused", "made", "not sent", "sent"}


@pytest.mark.parametrize(
    "given", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "[" * 5000 + "]" * 5000 + "}", '{"a": 1' + "0" * 100_000 + "}"]
)
def test_what_is_nested_or_long_without_end_is_refused(given):
    _, wrong = calling.arguments(ToolCallPart("order", given, "c1"))
    assert wrong

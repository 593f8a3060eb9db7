"""Values in what an action says: `{{name}}` is found out in the conversation, `%PHONE_NUMBER%` is the customer's number.

The model writes values and nothing else: where something goes, and to whom, was settled by the business.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.agents.capability import Run
from dragoman.agents.names import tool_names
from dragoman.agents.tools import Json

PHONE = "%PHONE_NUMBER%"
LONGEST = 4000
# White space is taken once and not given back (`*+`), so that a page of it costs a page and not its square.
_PLACE = re.compile(r"\{\{\s*+([\w.-](?:[\w .-]{0,62}[\w.-])?)\s*+\}\}")


def places(texts: Iterable[str]) -> list[str]:
    """The names in `{{…}}`, each once, in order."""
    return list(dict.fromkeys(name for text in texts for name in _PLACE.findall(text)))


def filled(text: str, values: Mapping[str, str], run: Run) -> str:
    """The text with its values. What a value says is not looked at again, so it cannot bring a place of its own."""
    return _PLACE.sub(lambda place: values.get(place[1], ""), text.replace(PHONE, phone_of(run)))


def phone_of(run: Run) -> str:
    """The customer's number with a +; WhatsApp's id of one who hides it."""
    contact = run.turn.contact
    return f"+{contact.phone}" if contact.phone else contact.user_id or ""


def parameters(names: Iterable[str], described: str) -> Json:
    """The JSON Schema of what the model is asked for; `described` has a %s for the name."""
    names = list(names)
    keys = tool_names(names, "value")
    properties = {
        key: {"type": "string", "description": described % name, "minLength": 1, "maxLength": LONGEST}
        for key, name in zip(keys, names, strict=True)
    }
    return {"type": "object", "properties": properties, "required": keys, "additionalProperties": False}


def given(names: Iterable[str], args: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of a call under the names that the business gave them."""
    names = list(names)
    return {name: str(args[key]) for key, name in zip(tool_names(names, "value"), names, strict=True) if key in args}

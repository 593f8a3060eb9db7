"""Answers of the Graph API that are not about messages: objects with chosen fields, and pages of objects."""

import re

import msgspec

from dragoman.sandbox.graph import Answer, Call
from dragoman.sandbox.world import Json

FIELD = re.compile(r"(\w+)(?:\.[\w().]*)?(?:\{[^{}]*\})?")
PAGE_LENGTH = 25
LONGEST_PAGE = 1000


def answer(shown: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(shown), status)


def chosen(call: Call, node: Json, default: tuple[str, ...]) -> Json:
    """The fields that `?fields=` asks for, else the default ones; always the id."""
    asked = FIELD.findall(call.query["fields"]) if call.query.get("fields") else default
    return {name: node[name] for name in dict.fromkeys([*asked, "id"]) if name in node}


def paged(call: Call, nodes: list[Json]) -> Answer:
    """One page: `limit`, `after` (a cursor), and an absolute `next` when there is more."""
    limit = min(max(int(call.query["limit"]), 1), LONGEST_PAGE) if call.query.get("limit", "").isdigit() else PAGE_LENGTH
    start = int(call.query["after"]) if call.query.get("after", "").isdigit() else 0
    page = nodes[start : start + limit]
    end = start + len(page)
    paging: Json = {"cursors": {"before": str(start), "after": str(end)}}
    if end < len(nodes):
        paging["next"] = f"{call.box.own_url}/graph/{'/'.join(call.parts)}?limit={limit}&after={end}"
    return answer({"data": page, "paging": paging} if page else {"data": []})

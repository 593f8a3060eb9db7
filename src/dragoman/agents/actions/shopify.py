"""SHOPIFY: the products of a shop, found by the shop's own public search (Shopify's Ajax API, predictive search)."""

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import UUID

from pydantic import Field

from dragoman.agents.actions.action import Action, ActionType, mandatory_words
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Flag, Form
from dragoman.agents.tools import Call, Result, Tool, failure
from dragoman.errors import Invalid
from dragoman.http.answers import NoAnswer, Refused
from dragoman.http.guarded import check_url

MOST, SECONDS, LONGEST = 8, 15.0, 300


class Block(Form):
    type: Literal["contactswing_shopify_search"]
    mandatory: Flag = False
    url: Annotated[str, Field(max_length=2048, description="The shop's address")] = ""


class Shopify(Form):
    webhook: Block


async def _tools(run: Run, action: Action, name: str) -> list[Tool]:
    block: Block = action.config.webhook

    async def search(call: Call) -> Result:
        return await _search(run, block.url, str(call.args["query"]))

    query = {"type": "string", "minLength": 1, "maxLength": 200, "description": "What to look for, in a few words"}
    return [
        Tool(
            name=name,
            description=(action.description or "Search the products of the shop.") + mandatory_words(block.mandatory),
            parameters={"type": "object", "properties": {"query": query}, "required": ["query"], "additionalProperties": False},
            run=search,
            type="api",
            capability_id=action.id,
            confirm="never",
        )
    ]


async def _search(run: Run, shop: str, query: str) -> Result:
    wanted = urlencode({"q": query, "resources[type]": "product", "resources[limit]": MOST})
    url = urljoin(shop if shop.endswith("/") else f"{shop}/", "search/suggest.json")
    try:
        answer = await run.kit.guarded.request("GET", f"{url}?{wanted}", headers={"Accept": "application/json"}, timeout=SECONDS)
    except Refused as refused:
        return failure(refused.reason)
    except NoAnswer as nothing:
        return failure(nothing.reason)
    if answer.status != 200:
        return failure(f"the shop answered with status {answer.status}")
    found = [_product(one, shop) for one in _products(answer.body) if isinstance(one, dict)][:MOST]
    return Result(text=json.dumps(found, ensure_ascii=False) if found else "Nothing was found.", outside=True)


def _products(body: bytes) -> list[Any]:
    try:
        found = json.loads(body)["resources"]["results"]["products"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _product(one: dict[str, Any], shop: str) -> dict[str, Any]:
    """What a customer asks about. The address is the shop's own, without what it added to count where visitors come from."""
    link = urljoin(shop, str(one.get("url", "")).partition("?")[0])
    same_shop = urlsplit(link).hostname == urlsplit(shop).hostname
    kept = {"title": one.get("title"), "price": one.get("price"), "available": one.get("available"), "url": link if same_shop else None}
    return {
        name: value[:LONGEST] if isinstance(value, str) else value for name, value in kept.items() if isinstance(value, str | int | float)
    }


async def _check(kit: Kit, organisation_id: UUID, config: Shopify) -> None:
    if not config.webhook.url:
        raise Invalid("webhook.url: give the shop's address, such as https://shop.example", field="webhook.url")
    try:
        check_url(config.webhook.url, kit.settings.allow_private_urls)
    except Refused as refused:
        raise Invalid(f"webhook.url: {refused.reason}", field="webhook.url") from None


TYPE = ActionType(name="SHOPIFY", schema=Shopify, tools=_tools, check=_check, description_required=False)

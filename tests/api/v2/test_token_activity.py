"""Token activity and integrations: what was used, whose key paid, and accounts whose secrets are never shown."""

import json
from datetime import timedelta

from tests.api.story import Story


async def generation(lumen, services, clock, agent, **more):
    story = Story(services.db, clock, lumen.organisation_id)
    values = {"model": "lab/small", "prompt_tokens": 100, "response_tokens": 20, "paid_by": "platform", "purpose": "answer", **more}
    return await story.put("generations", agent_id=agent, position=0, duration_ms=1, created_at=clock.now(), **values)


async def test_each_answer_is_a_row_and_the_totals_add_up(lumen, services, clock):
    await lumen.add_number()
    assistant = await lumen.assistant()
    [row] = await services.db.fetch("select id from agents where number = %s", [int(assistant)])
    await generation(lumen, services, clock, row["id"], cost=0.5)
    await generation(lumen, services, clock, row["id"], paid_by="organisation", purpose="summary", cost=0.25)
    await generation(lumen, services, clock, row["id"], paid_by="nobody", model="builtin/faq")
    page = await lumen.got(f"/_token_activity?assistant_id={assistant}&per_page=2")
    assert page["pagination"]["total_records"] == 3
    assert [(one["assistant_id"], one["type"], one["billing_type"]) for one in page["data"]] == [
        (assistant, "WHATSAPP", "none"),
        (assistant, "WHATSAPP", "own"),
    ]
    totals = await lumen.got("/_token_activity/totals")
    assert totals == {"generations": 3, "prompt_tokens": 300, "response_tokens": 60, "cost": 0.75}
    clock.advance(timedelta(days=31))
    assert (await lumen.got("/token_activity"))["data"] == []
    assert (await lumen.get("/_token_activity?assistant_id=999999999")).status == 404
    assert (await lumen.get("/_token_activity?since=yesterday")).status == 400


async def test_an_account_elsewhere_is_kept_and_its_secrets_are_not_shown(lumen):
    smtp = {"host": "mail.lumen.example", "username": "till", "password": "a-secret-password", "sender": "Lumen <till@lumen.example>"}
    made = await lumen.made("/_integrations", {"type": "smtp", "name": "Mail", "settings": smtp})
    google = {
        "client_id": "c",
        "client_secret": "client-secret-123",
        "refresh_token": "refresh-token-123",
        "base_url": "https://calendar.example/v3",
    }
    await lumen.made("/_integrations", {"type": "google", "name": "Calendar", "settings": google})
    page = await lumen.got("/_integrations")
    assert [one["type"] for one in page["data"]] == ["smtp", "google"]
    for secret in ("a-secret-password", "client-secret-123", "refresh-token-123"):
        assert secret not in json.dumps([made, page])
    assert page["data"][1]["settings"]["base_url"] == "https://calendar.example/v3"
    await lumen.got(f"/_integrations/{made['id']}", "DELETE")
    assert (await lumen.get(f"/_integrations/{made['id']}")).status == 404
    private = await lumen.post("/_integrations", {"type": "google", "name": "x", "settings": {**google, "token_url": "http://10.0.0.1/t"}})
    assert (private.status, private["errors"][0]["field"]) == (400, "settings.token_url")
    unknown = await lumen.post("/_integrations", {"type": "fax", "name": "x", "settings": {}})
    assert (unknown.status, unknown["errors"][0]["field"]) == (400, "type")
    short = await lumen.post("/_integrations", {"type": "smtp", "name": "x", "settings": {"host": "h"}})
    assert [one["field"] for one in short["errors"]] == ["settings.sender"]

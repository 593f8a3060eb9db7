"""Customers: what a business knows of the people it talks to."""

import pytest


@pytest.fixture
async def dana(lumen):
    new = {
        "name": "Dana",
        "phone": "+1 (555) 000-7890",
        "email": "dana@example.org",
        "tags": ["vip", "vip"],
        "columns": {"customer_timezone": "UTC"},
    }
    return (await lumen.made("/_customers", new))["id"]


async def test_a_customer_is_made_read_and_listed(lumen, dana):
    shown = await lumen.got(f"/_customers/{dana}")
    assert {name: shown[name] for name in ("name", "phone", "email", "tags", "columns", "opted_out")} == {
        "name": "Dana",
        "phone": "+15550007890",
        "email": "dana@example.org",
        "tags": ["vip"],
        "columns": {"customer_timezone": "UTC"},
        "opted_out": False,
    }
    page = await lumen.got("/_customers")
    assert [one["id"] for one in page["data"]] == [dana]
    assert {"id", "name", "phone", "email"} <= set(page["data"][0])
    assert (await lumen.got("/_customers?tag=vip&phone=%2B15550007890"))["pagination"]["total_records"] == 1
    assert (await lumen.got("/_customers?tag=new"))["pagination"]["total_records"] == 0


async def test_only_what_is_sent_changes(lumen, dana):
    answer = await lumen.got(f"/_customers/{dana}", "PUT", {"tags": ["regular"], "columns": {"bread": "rye", "customer_timezone": None}})
    assert answer == {"id": dana, "name": "Dana"}
    shown = await lumen.got(f"/_customers/{dana}")
    assert (shown["tags"], shown["columns"], shown["email"]) == (["regular"], {"bread": "rye"}, "dana@example.org")
    assert (await lumen.got(f"/_customers/{dana}", "PUT", {}))["name"] == "Dana"
    assert (await lumen.got(f"/_customers/{dana}", "PUT", {"name": None, "email": ""}))["name"] is None
    assert (await lumen.got(f"/_customers/{dana}"))["email"] is None


async def test_a_number_belongs_to_one_customer(lumen, dana):
    twin = await lumen.post("/_customers", {"phone": "15550007890"})
    assert (twin.status, twin["errors"][0]["field"], dana in twin["message"]) == (400, "phone", True)
    zoe = (await lumen.made("/_customers", {"phone": "+15550001111", "name": "Zoë"}))["id"]
    taken = await lumen.call("PUT", f"/_customers/{zoe}", {"phone": "+15550007890"})
    assert (taken.status, taken["errors"][0]["field"]) == (400, "phone")
    await lumen.got(f"/_customers/{dana}", "PUT", {"phone": "+15550002222"})
    await lumen.got(f"/_customers/{zoe}", "PUT", {"phone": "+15550007890"})
    assert (await lumen.got(f"/_customers/{zoe}"))["phone"] == "+15550007890"
    assert (await lumen.got(f"/_customers/{dana}"))["phone"] == "+15550002222"


async def test_a_deleted_customer_is_forgotten_but_not_a_stop(lumen, dana, services):
    await lumen.first.patch(f"/contacts/{dana}/", {"optedOut": True})
    assert await lumen.got(f"/_customers/{dana}", "DELETE") == {"id": dana}
    assert (await lumen.get(f"/_customers/{dana}")).status == 404
    assert (await lumen.call("DELETE", f"/_customers/{dana}")).status == 404
    assert (await lumen.first.get(f"/contacts/{dana}/")).status == 404
    assert (await lumen.got("/_customers"))["data"] == []
    [row] = await services.db.fetch("select name, email, tags, columns from contacts where id = %s", [dana])
    assert row == {"name": None, "email": None, "tags": [], "columns": {}}
    again = await lumen.made("/_customers", {"phone": "+15550007890", "name": "Dana again"})
    shown = await lumen.got(f"/_customers/{again['id']}")
    assert (shown["name"], shown["opted_out"], shown["tags"]) == ("Dana again", True, [])


@pytest.mark.parametrize(
    ("field", "change"),
    {
        "phone": {"phone": "seven"},
        "email": {"email": "dana at example.org"},
        "tags": {"tags": "vip"},
        "columns": {"columns": {"a": {"b": 1}}},
        "name": {"name": 5},
        "nickname": {"nickname": "D"},
    }.items(),
)
async def test_what_cannot_be_kept_is_refused(lumen, dana, field, change):
    answer = await lumen.call("PUT", f"/_customers/{dana}", change)
    assert (answer.status, [one["field"] for one in answer["errors"]]) == (400, [field])

"""A contact has two names: the one the business gives, and the one on the person's profile."""

from cast import until


async def test_the_name_that_the_business_gives_survives_the_next_message(lumen, echo, dana):
    await dana.says("Hello")
    await dana.hears()
    contact = (await lumen.conversation("Dana"))["contact"]
    status, renamed = await lumen.call("PATCH", f"/contacts/{contact['id']}/", {"name": "Dana from the market"})
    assert (status, renamed["name"]) == (200, "Dana from the market")
    await dana.says("It is me again")
    await dana.hears(2)
    assert (await lumen.conversation("Dana from the market"))["contact"]["id"] == contact["id"]
    assert echo.deliveries[-1]["context"]["contact"]["name"] == "Dana from the market"


async def test_without_a_given_name_the_profile_is_followed(lumen, echo, dana):
    await dana.says("Hello")
    await dana.hears()
    await lumen.control("PATCH", f"/people/{dana.id}", {"name": "Dana Ortiz"})
    await dana.says("I married")
    await dana.hears(2)
    assert await until(lambda: lumen.conversation("Dana Ortiz"))

"""Apps and numbers belong to one organisation, and their secrets to one row."""

import pytest

from dragoman.accounts import numbers
from dragoman.accounts.numbers import NewNumber
from dragoman.accounts.secrets import Unopenable
from dragoman.errors import Conflict, Invalid, NotFound


def new_number(**more):
    values = {
        "app_id": "lumen-app",
        "phone_number_id": "106540352242922",
        "waba_id": "102290129340398",
        "display_number": "+1 555-000-1234",
        "access_token": "EAAG-token",
    }
    return NewNumber(**(values | more))


@pytest.fixture
def add_app(database, vault, clock):
    async def add_app(organisation_id, app_id="lumen-app", app_secret="shh", verify_token="verify"):  # noqa: S107
        return await numbers.add_app(
            database, vault, clock, organisation_id, app_id=app_id, app_secret=app_secret, verify_token=verify_token
        )

    return add_app


@pytest.fixture
def add_number(database, vault, clock):
    async def add_number(organisation_id, **more):
        return await numbers.add_number(database, vault, clock, organisation_id, new_number(**more))

    return add_number


async def test_an_app_comes_back_with_its_secrets(add_app, database, vault, lumen):
    await add_app(lumen)
    app = await numbers.app_by_id(database, vault, "lumen-app")
    assert (app.organisation_id, app.secrets, app.verify_token) == (lumen, (b"shh",), "verify")
    assert "shh" not in repr(app)


async def test_a_new_app_secret_keeps_the_previous_one_good(add_app, database, vault, lumen):
    await add_app(lumen)
    await add_app(lumen, app_secret="new")
    assert (await numbers.app_by_id(database, vault, "lumen-app")).secrets == (b"new", b"shh")


async def test_an_app_of_another_organisation_cannot_be_taken(add_app, database, vault, lumen, rival):
    await add_app(lumen)
    with pytest.raises(Conflict):
        await add_app(rival, app_secret="mallory")
    assert (await numbers.app_by_id(database, vault, "lumen-app")).secrets == (b"shh",)


async def test_an_unknown_app_is_none(database, vault):
    assert await numbers.app_by_id(database, vault, "nobody's") is None


@pytest.mark.parametrize("field", ["app_id", "app_secret", "verify_token"])
async def test_an_app_needs_all_three(add_app, lumen, field):
    with pytest.raises(Invalid) as refused:
        await add_app(lumen, **{field: " "})
    assert refused.value.field == field


async def test_a_number_is_kept_as_digits(add_app, add_number, database, lumen):
    await add_app(lumen)
    number = await add_number(lumen)
    assert number.display_number == "15550001234"
    for written in ("15550001234", "+15550001234", "+1 (555) 000-1234"):
        assert (await numbers.by_digits(database, lumen, written)).id == number.id


async def test_adding_a_number_again_changes_it_and_ends_its_pause(add_app, add_number, database, lumen):
    await add_app(lumen)
    first = await add_number(lumen)
    await database.execute("update numbers set paused_reason = 'the access token has expired'")

    again = await add_number(lumen, access_token="EAAG-new", per_second=20, name="Lumen")

    assert again.id == first.id
    assert (again.per_second, again.name, again.paused_reason) == (20, "Lumen", None)


async def test_the_token_opens_only_for_its_own_number(add_app, add_number, database, vault, lumen, rival):
    await add_app(lumen)
    await add_number(lumen)
    sealed = (await database.fetch_one("select access_token from numbers"))["access_token"]

    assert b"EAAG" not in sealed
    assert numbers.open_token(vault, lumen, "106540352242922", sealed) == "EAAG-token"
    with pytest.raises(Unopenable):
        numbers.open_token(vault, rival, "106540352242922", sealed)


async def test_a_number_of_another_organisation_cannot_be_taken(add_app, add_number, database, lumen, rival):
    await add_app(lumen)
    await add_number(lumen)
    await add_app(rival, "rival-app")
    with pytest.raises(Conflict):
        await add_number(rival, app_id="rival-app")
    with pytest.raises(NotFound, match="apps add"):
        await add_number(rival, app_id="lumen-app", phone_number_id="2")
    with pytest.raises(NotFound):
        await numbers.by_digits(database, rival, "15550001234")
    assert await numbers.listing(database, rival) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("display_number", "12345"), ("display_number", "1" * 16), ("phone_number_id", ""), ("access_token", " "), ("per_second", 0)],
)
async def test_a_malformed_number_is_refused_by_field(add_app, add_number, lumen, field, value):
    await add_app(lumen)
    with pytest.raises(Invalid) as refused:
        await add_number(lumen, **{field: value})
    assert refused.value.field == field

"""The doors of /api/v1, asked by three businesses with each other's ids in every place (see `tenancy`)."""

import pytest
from tests.api.conftest import api, services, settings
from tests.api.reach import CAST, REACH
from tests.api.test_tenancy import ROUTES, cast
from tests.security.tenancy import NAMES, Dialect, Three, breaches

FIRST = Dialect(ROUTES, REACH, CAST, everybodys=frozenset({"provider"}))


@pytest.fixture
async def three(api, services, clock):
    of = []
    for n, name in enumerate(NAMES):
        business = await api(name)
        of.append((business, await cast(business, services, clock, f"+1555000{7000 + 10 * n}", str(n))))
    return Three(FIRST, of)


async def test_no_request_reads_or_changes_what_is_another_businesss(three, services):
    assert await breaches(three, services) == []


async def test_a_door_that_does_not_look_whose_it_is_is_found(three, services):
    """The negative control: everybody is taken for Bakery Lumen."""
    for business, _ in three.of[1:]:
        business.key = three.of[0][0].key
    assert await breaches(three, services, 40)

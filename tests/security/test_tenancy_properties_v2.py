"""The doors of /v2, asked by three businesses with each other's ids in every place (see `tenancy`)."""

import pytest
from tests.api.conftest import services, settings
from tests.api.v2.conftest import api
from tests.api.v2.reach import CAST, REACH
from tests.api.v2.test_tenancy import ROUTES, cast
from tests.security.tenancy import NAMES, Dialect, Three, breaches

SECOND = Dialect(ROUTES, REACH, CAST)


@pytest.fixture
async def three(api):
    of = []
    for n, name in enumerate(NAMES):
        business = await api(name)
        of.append((business, await cast(business, n)))
    return Three(SECOND, of)


async def test_no_request_of_the_second_dialect_reads_or_changes_what_is_another_businesss(three, services):
    assert await breaches(three, services) == []


async def test_a_door_of_the_second_dialect_that_does_not_look_whose_it_is_is_found(three, services):
    """The negative control: everybody is taken for Bakery Lumen."""
    for business, _ in three.of[1:]:
        business.token = three.of[0][0].token
    assert await breaches(three, services, 40)

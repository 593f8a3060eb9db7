import pytest

from dragoman.accounts import organisations
from dragoman.accounts.secrets import Vault

SECRET_KEY = "a secret key for tests, of more than 32 characters"


@pytest.fixture
def vault():
    return Vault(SECRET_KEY)


@pytest.fixture
async def lumen(database, clock):
    return await organisations.create(database, clock, "Bakery Lumen")


@pytest.fixture
async def rival(database, clock):
    return await organisations.create(database, clock, "Rival")

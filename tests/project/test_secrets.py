"""The search of `make secrets` finds what it looks for; what it says of the whole repository is its own target's business, because that takes a while."""

import pytest
from tests.project.secrets import looked_through

# Put together here, so that this file is none of those.
TOKENS = {
    "a key of a cloud": "AKIA" + "Z7QW3R5T8Y2U4I6O",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a key of a provider": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "a chat's token": "xoxb-" + "263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1",
    "a host's token": "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx",
    "a password in an address": "postgresql://lumen:" + "Gh7sK2pQ9w@db.lumen.example/dragoman",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_planted_secret_is_found(tmp_path, token):
    file = tmp_path / "settings.py"
    file.write_text(f'value = "{token}"\n')
    assert looked_through([file]) != {}


def test_usual_text_is_none(tmp_path):
    file = tmp_path / "settings.py"
    file.write_text('address = "https://lumen.example/hook"\nname = "Bakery Lumen"\n')
    assert looked_through([file]) == {}

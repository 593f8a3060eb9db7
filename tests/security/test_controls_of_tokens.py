"""The second dialect without its locks."""

import jwt
from tests.api.conftest import lumen, rival, services, settings
from tests.api.v2 import test_door as door
from tests.api.v2.conftest import api
from tests.security.switched import fails

from dragoman.accounts.callers import Caller


async def test_tokens_whose_signature_nobody_checks_open_it(monkeypatch, lumen, services, clock):
    decode = jwt.decode
    careless = {"verify_signature": False}
    monkeypatch.setattr("dragoman.accounts.tokens.jwt.decode", lambda text, *_, **__: decode(text, options=careless))
    await fails(door.test_without_a_good_token_nobody_comes_in, lumen, services, clock)


async def test_without_permissions_a_key_does_everything(monkeypatch, lumen):
    monkeypatch.setattr(Caller, "expect", lambda self, permission: None)
    await fails(door.test_a_key_does_only_what_it_may_in_both_dialects, lumen)

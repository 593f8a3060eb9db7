"""The second dialect without its locks."""

import jwt
from tests.api.conftest import lumen, rival, services, settings
from tests.api.v2 import test_door as door
from tests.api.v2.conftest import api
from tests.security.switched import fails

from dragoman.accounts import members, queries
from dragoman.accounts.callers import Caller
from dragoman.errors import Unauthorized


async def test_tokens_whose_signature_nobody_checks_open_it(monkeypatch, lumen, services, clock):
    decode = jwt.decode
    careless = {"verify_signature": False}
    monkeypatch.setattr("dragoman.accounts.tokens.jwt.decode", lambda text, *_, **__: decode(text, options=careless))
    await fails(door.test_without_a_good_token_nobody_comes_in, lumen, services, clock, because="WWW-Authenticate")
    unsigned = jwt.encode(decode(lumen.token, options=careless), None, algorithm="none")
    assert (await lumen.get("/_actions", token=unsigned)).status == 200


async def test_without_permissions_a_key_does_everything(monkeypatch, lumen):
    monkeypatch.setattr(Caller, "expect", lambda self, permission: None)
    await fails(door.test_a_key_does_only_what_it_may_in_both_dialects, lumen, because="assert .400")


async def test_a_login_that_outlives_its_password_is_seen(monkeypatch, lumen, services, clock):
    ends = "m.tokens_from <= %(issued_at)s)"
    assert ends in queries.BY_SIGNED_CLAIMS
    monkeypatch.setattr(queries, "BY_SIGNED_CLAIMS", queries.BY_SIGNED_CLAIMS.replace(ends, "true)"))
    await fails(door.test_a_member_logs_in_and_out, lumen, services, clock, because="200 == 401")


async def test_an_answer_that_knows_the_e_mail_is_seen(monkeypatch, lumen, services, clock):
    """A stranger would learn who is a member."""
    log_in = members.log_in

    async def tells(db, vault, clock, email, password):
        if await db.fetch_one(queries.LOGIN, {"email": email.strip().lower()}) is None:
            raise Unauthorized("there is nobody of this address")
        return await log_in(db, vault, clock, email, password)

    monkeypatch.setattr(members, "log_in", tells)
    await fails(door.test_a_member_logs_in_and_out, lumen, services, clock, because="there is nobody of this address")

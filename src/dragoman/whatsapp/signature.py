"""Meta's signature on a webhook: HMAC-SHA256 of the raw body under the app secret. It has no timestamp, so a replayed body
still verifies; the store's unique message ids are the replay protection."""

import hashlib
import hmac
import re
from collections.abc import Sequence

_FORM = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)


def signed(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """True when `header` (`X-Hub-Signature-256`) is the signature of exactly these bytes under one of `secrets`.

    During a rotation there are two secrets. With none, or with an empty one, nothing verifies. A request that carries the
    header twice must be refused by joining both with a comma, as HTTP does: that is not the one accepted form.
    """
    form = _FORM.fullmatch(header or "")
    if form is None:
        return False
    good = False
    for secret in secrets:  # all of them, so that the time taken does not tell which one matched
        good |= bool(secret) and hmac.compare_digest(_digest(body, secret), form[1])
    return good


def sign(body: bytes, secret: bytes) -> str:
    """The header value that Meta would send with `body`."""
    return f"sha256={_digest(body, secret)}"


def _digest(body: bytes, secret: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()

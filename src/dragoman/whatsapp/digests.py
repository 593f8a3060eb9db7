"""The SHA-256 that WhatsApp announces of a file: base64 in the webhook, hex in the answer of the media endpoint."""

import base64
import binascii
import hashlib
import hmac


def announced(*digests: str | None) -> bytes | None:
    """The first of these that is a SHA-256; None when none is, so that there is nothing to compare with."""
    return next((found for digest in digests if digest and (found := _read(digest)) is not None), None)


def is_of(digest: bytes, data: bytes) -> bool:
    return hmac.compare_digest(hashlib.sha256(data).digest(), digest)


def _read(digest: str) -> bytes | None:
    try:
        found = bytes.fromhex(digest) if len(digest) == 64 else base64.b64decode(digest, validate=True)
    except (ValueError, binascii.Error):
        return None
    return found if len(found) == hashlib.sha256().digest_size else None

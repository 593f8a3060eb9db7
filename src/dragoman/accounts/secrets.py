"""Secrets at rest: sealed so that only their own row can open them, under a key that is never in the database."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dragoman.settings import Settings, SettingsError

KEY_FILE, NEXT_KEY_FILE = "secret.key", "secret.key.new"
SHORTEST_KEY = 32
# A key that has taken another's place carries the key of hashes along: what was hashed cannot be hashed again.
_SUCCESSOR = re.compile(r"(.+)\.hashes\.([A-Za-z0-9_-]{43})")
_FORMAT = b"\x01"
_NONCE = 12


class Unopenable(Exception):
    """A sealed value does not open: another secret key sealed it, or it was moved from another row."""


class Vault:
    """Seals, hashes and derives under keys made from one secret.

    `context` names the place of the value (organisation id, table, column, row id). A value opens only with the context
    it was sealed with, so copying it into another row or another tenant makes it useless.
    """

    def __init__(self, secret_key: str) -> None:
        secret, self._hash_key = _taken_apart(secret_key)
        self._cipher = AESGCM(_subkey(secret, b"seal"))
        self._derive_key = _subkey(secret, b"derive")

    def seal(self, value: bytes, *context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, value, _packed(context))

    def open(self, sealed: bytes, *context: str) -> bytes:
        if sealed[:1] != _FORMAT or len(sealed) <= _NONCE:
            raise Unopenable(f"a sealed value has an unknown format ({' '.join(context)})")
        nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, body, _packed(context))
        except InvalidTag:
            raise Unopenable(
                f"a sealed value does not open ({' '.join(context)}): DRAGOMAN_SECRET_KEY is not the key it was sealed with"
            ) from None

    def hash(self, value: str, purpose: str) -> bytes:
        """A keyed hash (HMAC-SHA256) for API keys and callback tokens: comparable, not reversible, useless without the secret key."""
        return hmac.digest(self._hash_key, _packed((purpose, value)), hashlib.sha256)

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes that are the same each time for the same parts."""
        return hmac.digest(self._derive_key, _packed((purpose, *parts)), hashlib.sha256)


def successor(secret: str, before: str) -> str:
    """The key made of a new `secret` that takes the place of the key `before`: it seals and derives anew, and hashes as before."""
    return f"{secret}.hashes.{base64.urlsafe_b64encode(_taken_apart(before)[1]).decode().rstrip('=')}"


def same_secret(one: str, other: str) -> bool:
    return hmac.compare_digest(_taken_apart(one)[0], _taken_apart(other)[0])


def is_successor(key: str, before: str) -> bool:
    """Was `key` made to take the place of `before`?"""
    return _SUCCESSOR.fullmatch(key) is not None and hmac.compare_digest(_taken_apart(key)[1], _taken_apart(before)[1])


def _taken_apart(key: str) -> tuple[bytes, bytes]:
    """The secret, and the key of hashes."""
    if found := _SUCCESSOR.fullmatch(key):
        return found[1].encode(), base64.urlsafe_b64decode(found[2] + "=")
    return key.encode(), _subkey(key.encode(), b"hash")


def _subkey(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"dragoman/" + purpose).derive(secret)


def _packed(parts: tuple[str, ...]) -> bytes:
    # Lengths make ("ab", "c") differ from ("a", "bc").
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))


def load_key(settings: Settings) -> str:
    """The secret key: from the environment, or beside the embedded database (made there on the first start).

    Call it before the embedded database is started. Raises `SettingsError` with one line that says what to do.
    """
    if settings.secret_key is not None:
        if len(settings.secret_key.strip()) < SHORTEST_KEY:
            raise SettingsError(f"DRAGOMAN_SECRET_KEY is shorter than {SHORTEST_KEY} characters; make one with: openssl rand -base64 32")
        return settings.secret_key
    if not settings.embedded:
        raise SettingsError(
            "DRAGOMAN_SECRET_KEY is not set. An external database needs it; make one with `openssl rand -base64 32` and keep it safe"
        )
    return _key_file(settings.data_dir)


def _key_file(data_dir: Path) -> str:
    path = data_dir / KEY_FILE
    if path.with_name(NEXT_KEY_FILE).exists():
        raise SettingsError("a change of the secret key was cut off: run `dragoman secret-key rotate` again, which brings it to its end")
    if not path.exists():
        if (data_dir / "postgres" / "PG_VERSION").exists():
            raise SettingsError(
                f"{path} is missing, but the database beside it was sealed with it: put the file back, or set DRAGOMAN_SECRET_KEY"
            )
        _make_key_file(path)
    return read_key_file(path)


def read_key_file(path: Path) -> str:
    key = path.read_text().strip()
    if len(key) < SHORTEST_KEY:
        raise SettingsError(f"{path} does not hold a key; put the right file back")
    return key


def write_key_file(path: Path, key: str) -> None:
    """In place of what is there, durably, for nobody else to read."""
    draft = _draft(path, key)
    os.replace(draft, path)


def _draft(path: Path, key: str) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, secrets.token_urlsafe(48))
    try:
        os.link(draft, path)  # only one of several processes that start together wins; the others read its file
    except FileExistsError:
        pass
    finally:
        draft.unlink()

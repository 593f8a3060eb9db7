"""Which values of an `apiSchema` are secret, and how a text is cleaned of them: whoever gets one may send it back."""

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

Json = dict[str, Any]
MASK = "••••"

_TOKEN_ALONE = re.compile(r"%[A-Z_]+%")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    [
        "authorization",
        "auth",
        "token",
        "cookie",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "credential",
        "credentials",
        "apikey",
        "bearer",
        "jwt",
    ]
)
_KINDS_OF_KEY = frozenset("api access private auth subscription account license secret app application client".split())  # noqa: SIM905
# A shorter text is no secret, and striking it out would tell where it stands.
_SHORTEST = 4


def looks_secret(name: str, place: str) -> bool:
    """By its name alone: Authorization, X-Shop-Key, api_key, accessToken."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    if _SECRET_WORDS & set(words):
        return True
    if words[-1] != "key":
        return False
    return place == "header" or (len(words) == 1 and place == "query") or (len(words) > 1 and words[-2] in _KINDS_OF_KEY)


def paths(schema: Json) -> list[tuple[str, ...]]:
    """Where the secret texts stand in the JSON of an `apiSchema`."""
    found: list[tuple[str, ...]] = []
    places = (("path_params",), ("query_params", "properties"), ("request_headers",), ("request_body", "properties"))
    for place in places:
        params: Any = schema
        for part in place:
            params = params.get(part) or {}
        found += _walk(params, place, "header" if place[0] == "request_headers" else place[0].partition("_")[0])
    return found


def _walk(params: Json, at: tuple[str, ...], place: str) -> Iterator[tuple[str, ...]]:
    for name, param in params.items():
        given = param.get("input") or {}
        value = given.get("value")
        if "properties" in param:
            yield from _walk(param["properties"], (*at, name, "properties"), place)
        elif isinstance(value, str) and is_secret(name, place, value, declared=bool(param.get("secret"))):
            yield (*at, name, "input", "value")


def is_secret(name: str, place: str, value: str, *, declared: bool) -> bool:
    return declared or (looks_secret(name, place) and not _TOKEN_ALONE.fullmatch(value))


def host_of(url: str) -> str:
    """Scheme, host and port: where the secrets go."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.hostname}:{port}"


def cleaner(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that strikes the secrets out of a text, in all the forms in which a server may send them back."""
    pieces = {piece for secret in secrets for piece in _pieces(secret) if len(piece) >= _SHORTEST}
    if not pieces:
        return lambda text: text
    forms = [form for piece in sorted(pieces, key=len, reverse=True) for form in (_written(piece), re.escape(_in_base64(piece)))]
    pattern = re.compile("|".join(forms), re.IGNORECASE)
    return lambda text: pattern.sub(MASK, text)


def _pieces(secret: str) -> Iterator[str]:
    """The whole, and of "Bearer xyz" and "Basic …" also what it is made of."""
    yield secret
    scheme, space, rest = secret.partition(" ")
    if not (space and scheme.isalpha()):
        return
    yield rest.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return
        yield pair
        yield pair.partition(":")[2]


def _written(piece: str) -> str:
    """A pattern for the text as it is and as addresses, JSON and HTML write it, which each do so in several ways."""
    return "".join(letter if letter.isascii() and letter.isalnum() else _letter(letter) for letter in piece)


def _letter(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    ways = {
        letter,
        quote(letter, safe="", errors="replace"),
        "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "replace")),
        "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4)),
        json.dumps(letter)[1:-1],
        html.escape(letter),
        f"&#{ord(letter)};",
        f"&#x{ord(letter):x};",
    }
    ways |= {"\\/"} if letter == "/" else {"+"} if letter == " " else {"&apos;"} if letter == "'" else set()
    return f"(?:{'|'.join(map(re.escape, sorted(ways, key=len, reverse=True)))})"


def _in_base64(piece: str) -> str:
    return base64.b64encode(piece.encode("utf-8", "replace")).decode().rstrip("=")

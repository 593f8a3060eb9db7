"""Secrets inside what is configured: taken out before it is stored, shown as "••••" and their last four characters."""

import copy
from collections.abc import Sequence
from typing import Any

import msgspec

from dragoman.accounts.secrets import Vault
from dragoman.agents.tools import Json
from dragoman.errors import Invalid

MASK = "••••"
Path = tuple[str | int, ...]


def take_out(plain: Json, paths: Sequence[Path], known: dict[str, str], at: str, *, moved: bool = False) -> dict[str, str]:
    """Replace the secret at each path in `plain` by its mask; the secrets by path. A mask that comes back stands for what is `known`.

    `moved`: the address that the secrets are for has changed, so that a mask is refused. Raises Invalid below `at`.
    """
    secrets: dict[str, str] = {}
    for path in paths:
        value, name = _get(plain, path), "/".join(map(str, path))
        if not value:
            continue
        if value.startswith(MASK):
            if name not in known or masked(known[name]) != value or moved:
                why = (
                    "the address has changed, so the secret must be sent again"
                    if moved
                    else "is a mask of no secret that is stored; send the secret itself"
                )
                field = ".".join(filter(None, (at, *map(str, path))))
                raise Invalid(f"{field}: {why}", field=field)
            value = known[name]
        secrets[name] = value
        _set(plain, path, masked(value))
    return secrets


def put_back(config: Json, secrets: dict[str, str]) -> Json:
    """A copy of the stored `config` with its secrets in clear."""
    if not secrets:
        return config
    clear = copy.deepcopy(config)
    for name, value in secrets.items():
        _set(clear, _path(clear, name), value)
    return clear


def sealed(vault: Vault, secrets: dict[str, str], place: tuple[str, ...]) -> bytes:
    """What was taken out, as it is kept beside the row that `place` names."""
    return vault.seal(msgspec.json.encode(secrets), *place)


def opened(vault: Vault, kept: bytes | None, place: tuple[str, ...]) -> dict[str, str]:
    return {} if kept is None else msgspec.json.decode(vault.open(kept, *place), type=dict[str, str])


def masked(secret: str) -> str:
    return MASK + (secret[-4:] if len(secret) >= 12 else "")


def _path(config: Json, name: str) -> Path:
    """A stored path's parts; a number is an index where the value there is a list."""
    parts: list[str | int] = []
    at: Any = config
    for part in name.split("/"):
        parts.append(int(part) if isinstance(at, list) else part)
        at = at[parts[-1]]
    return tuple(parts)


def _get(config: Any, path: Path) -> Any:
    for part in path:
        config = config[part]
    return config


def _set(config: Any, path: Path, value: str) -> None:
    for part in path[:-1]:
        config = config[part]
    config[path[-1]] = value

"""Small checks that raise what Meta answers: the words in which `checks` and `interactive` are written."""

from dragoman.sandbox.failures import GraphError
from dragoman.sandbox.world import Json
from dragoman.whatsapp import limits


def obj(holder: Json, key: str, path: str = "") -> Json:
    value = holder.get(key)
    if value is None:
        raise GraphError(131008, f"The parameter {path}{key} is required.")
    if not isinstance(value, dict):
        raise GraphError(100, f"Param {path}{key} must be a JSON object.")
    return value


def items(holder: Json, key: str, path: str, *, least: int = 1, most: int) -> list[Json]:
    value = holder.get(key)
    if value is None:
        raise GraphError(131008, f"The parameter {path}{key} is required.")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise GraphError(100, f"Param {path}{key} must be an array of JSON objects.")
    if not least <= len(value) <= most:
        raise GraphError(131009, f"Param {path}{key} must have {least} to {most} elements; it has {len(value)}.")
    return value


def words(holder: Json, key: str, path: str, largest: int, *, optional: bool = False, code: int = 131009) -> str:
    """A non-empty string of at most `largest` characters; "" when it is optional and not there."""
    value = holder.get(key)
    if value is None or value == "":
        if optional:
            return ""
        raise GraphError(131008, f"The parameter {path}{key} is required.")
    if not isinstance(value, str):
        raise GraphError(100, f"Param {path}{key} must be a string.")
    if len(value) > largest:
        raise GraphError(code, f"Param {path}{key} must be at most {largest} characters long; it has {len(value)}.")
    return value


def web_address(holder: Json, key: str, path: str) -> str:
    address = words(holder, key, path, limits.URL)
    if not address.startswith(("http://", "https://")):
        raise GraphError(131009, f"Param {path}{key} must be an http or https address.")
    return address


def media(content: Json, path: str, *, caption: bool = False, filename: bool = False) -> None:
    """Exactly one of id and link; Meta refuses keys that the kind does not know."""
    if ("id" in content) == ("link" in content):
        raise GraphError(100, f"Param {path} must have exactly one of id and link.")
    if "id" in content and not isinstance(content["id"], str | int):
        raise GraphError(100, f"Param {path}.id must be a media id.")
    if "link" in content:
        web_address(content, "link", f"{path}.")
    for key, allowed in (("caption", caption), ("filename", filename)):
        if key in content and not allowed:
            raise GraphError(100, f'Unexpected key "{key}" on param "{path}".')
    words(content, "caption", f"{path}.", limits.CAPTION, optional=True)

"""The form that a knowledge base is updated with, read in all the spellings that the other service's reference shows."""

import re
from typing import Any, NamedTuple

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from dragoman.agents.knowledge.documents import LARGEST_FILE
from dragoman.api.body import read_body
from dragoman.errors import Invalid

LARGEST_FORM = 2 * LARGEST_FILE
MOST_FILES, MOST_FIELDS = 20, 2000
FIELDS = ("name", "urls", "faqs", "files", "uploaded_files")
FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "A new name"},
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "Each at most 20 MB"},
                    "urls[]": {"type": "array", "items": {"type": "string"}, "description": "Pages to read"},
                    "faqs[]": {"type": "array", "items": {"type": "string"}, "description": "`Q: question|A: answer`"},
                    "uploaded_files": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "The same as files",
                    },
                },
            }
        }
    },
}
# Two small patterns that never look back: one for the whole takes minutes for a text of white space.
_QUESTION = re.compile(r"\s*+Q\s*+:", re.IGNORECASE)
_ANSWER = re.compile(r"\|\s*+A\s*+:", re.IGNORECASE)


class Sources(NamedTuple):
    """What is to be added. `files` are names and bytes, `faqs` questions and answers."""

    name: str
    files: list[tuple[str, bytes]]
    urls: list[str]
    faqs: list[tuple[str, str]]


async def read_form(request: Request) -> Sources:
    """Raises Invalid, TooLarge, TooSlow."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request, LARGEST_FORM)
    if kind == "application/json":
        return _of_json(body)
    if kind != "multipart/form-data":
        raise Invalid("send a form (multipart/form-data), or JSON when there are no files")
    request._body = body  # the form is read from what is here, not from the wire
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=1024 * 1024)
    except MultiPartException as error:
        raise Invalid(f"the form cannot be read: {error.message}") from None
    try:
        return await _of_form(form)
    finally:
        await form.close()


async def _of_form(form: FormData) -> Sources:
    texts: dict[str, list[str]] = {}
    files: list[tuple[str, bytes]] = []
    for key, value in form.multi_items():
        field = re.sub(r"\[\d*\]$", "", key)
        if field not in FIELDS:
            raise Invalid(f"{key[:100]}: it is not a field of this form; there are {', '.join(FIELDS)}", field=key[:100])
        if isinstance(value, UploadFile):
            if field not in ("files", "uploaded_files"):
                raise Invalid(f"{field}: send text here, and files as files", field=field)
            files.append((value.filename or "File", await value.read()))
        else:
            texts.setdefault(field, []).append(_unquoted(value))
    for field in ("files", "uploaded_files"):
        if any(texts.get(field, [])):
            raise Invalid(f"{field}: send the file itself, with a file name", field=field)
    return _sources(texts.get("name", [""])[-1], files, texts.get("urls", []), texts.get("faqs", []))


def _of_json(body: bytes) -> Sources:
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not valid JSON: {error}") from None
    if not isinstance(sent, dict):
        raise Invalid("the request needs a JSON object as its body")
    if unknown := sorted(set(sent) - {"name", "urls", "faqs"}):
        raise Invalid(f"{unknown[0][:100]}: it is not a field of this request; files are sent with a form", field=unknown[0][:100])
    name = sent.get("name") or ""
    if not isinstance(name, str):
        raise Invalid("name: must be a text", field="name")
    return _sources(name, [], _texts(sent, "urls"), _texts(sent, "faqs"))


def _texts(sent: dict[str, Any], field: str) -> list[str]:
    found = sent.get(field) or []
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Invalid(f"{field}: must be a list of texts", field=field)
    return found


def _sources(name: str, files: list[tuple[str, bytes]], urls: list[str], faqs: list[str]) -> Sources:
    pairs = []
    for n, text in enumerate(one for one in faqs if one.strip()):
        if (pair := _pair(text)) is None:
            raise Invalid(f"faqs[{n}]: write it as Q: question|A: answer", field=f"faqs[{n}]")
        pairs.append(pair)
    for value in (name, *urls, *faqs):
        if "\0" in value:
            raise Invalid("the request holds a NUL character, which cannot be kept")
    return Sources(name.strip(), files, [url.strip() for url in urls if url.strip()], pairs)


def _pair(text: str) -> tuple[str, str] | None:
    """The question and the answer in `Q: …|A: …`; None when one is missing."""
    asked = _QUESTION.match(text)
    parts = _ANSWER.split(text[asked.end() :], maxsplit=1) if asked else []
    question, answer = (part.strip() for part in parts) if len(parts) == 2 else ("", "")
    return (question, answer) if question and answer else None


def _unquoted(value: str) -> str:
    """The sample in the reference wraps each value in quotes."""
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value

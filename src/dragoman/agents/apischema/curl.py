"""From a `curl` command line to a tool: what it would send, as fixed values.

It is read here and never run; no shell and no file is touched.
"""

import base64
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import msgspec

from dragoman.agents.apischema.proposal import Json, Proposal, described, fixed, together
from dragoman.agents.apischema.schema import NOT_YOURS, PLACEHOLDER
from dragoman.errors import Invalid

LONGEST = 100_000

_SHORT = {
    "X": "--request",
    "H": "--header",
    "d": "--data",
    "G": "--get",
    "u": "--user",
    "A": "--user-agent",
    "e": "--referer",
    "I": "--head",
    "m": "--max-time",
    "F": "--form",
    "T": "--upload-file",
    "b": "--cookie",
    "x": "--proxy",
    "k": "--insecure",
    "L": "--location",
    "o": "--output",
    "w": "--write-out",
}
_DATA = ("--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode", "--json")
_TAKES_VALUE = {*_DATA, "--request", "--header", "--user", "--user-agent", "--referer", "--max-time", "--url", "--oauth2-bearer"}
_CANNOT = {
    "--form": "sends a form with files, and a tool sends JSON",
    "--form-string": "sends a form, and a tool sends JSON",
    "--upload-file": "sends a file, and a tool sends JSON",
    "--cookie": "sends cookies, which are not carried; sign in with a header instead",
    "--proxy": "goes through a proxy; calls leave from here directly",
    "--cert": "signs in with a certificate, which is not possible; use a header instead",
    "--config": "reads a file; write the options out",
}
_MEANS_NOTHING = set(
    """--silent --show-error --verbose --include --compressed --fail --fail-with-body --globoff --no-buffer --no-progress-meter
    --progress-bar --http1.1 --http2 --http3 --tlsv1.2 --tlsv1.3 --ipv4 --ipv6 --path-as-is -s -S -v -i -f -g -N -# -4 -6""".split()  # noqa: SIM905
)
_MEANS_NOTHING_WITH_VALUE = {"--output", "--write-out", "--connect-timeout", "--retry", "--retry-delay", "--retry-max-time", "--max-redirs"}
_TOLD = {
    "--insecure": "Certificates are always checked; --insecure was left out.",
    "--location": "Redirects are not followed; write the final address.",
}


@dataclass
class _Command:
    urls: list[str] = field(default_factory=list)
    method: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    data: list[tuple[str, str]] = field(default_factory=list)
    query: bool = False  # -G: the data is the query
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)


def proposal(line: str) -> Proposal:
    """The tool for one command. Raises Invalid, with what to change in the command."""
    command = _read(_words(line))
    if len(command.urls) != 1:
        raise _wrong("names no address" if not command.urls else "names several addresses; give one command for each tool")
    url, query = _address(command, command.urls[0])
    body = _body(command, query)
    method = (command.method or ("POST" if command.data and not command.query else "GET")).upper()
    schema: Json = {"url": url, "method": method}
    schema["path_params"] = {name: described(f"The {name} in the address") for name in PLACEHOLDER.findall(url)}
    schema["query_params"] = together(query)
    schema["request_headers"] = {name: fixed(value) for name, value in command.headers.items()}
    if body is not None:
        schema["request_body"] = {"type": "object", **together(body)}
    tool: Json = {
        "name": _name(method, url),
        "description": f"{method} {url}. Say here when the agent is to use this.",
        "apiSchema": schema,
    }
    if command.seconds is not None:
        tool["timeoutSeconds"] = min(max(command.seconds, 1.0), 60.0)
    command.notes.append("Every value is fixed. Give those that the model is to find an input of type description.")
    return Proposal(tool, command.notes)


def _words(line: str) -> list[str]:
    if len(line) > LONGEST:
        raise _wrong(f"is longer than {LONGEST} characters")
    joined = re.sub(r"[\\^]\r?\n", " ", line.strip())
    if re.search(r"(^|\s)\$'", joined):
        raise _wrong("uses $'…' quotes, which are not read; write plain '…' or \"…\"")
    try:
        words = shlex.split(joined)
    except ValueError:
        raise _wrong("has a quote that is not closed") from None
    if words[:1] == ["$"]:
        words = words[1:]
    if not words or words[0].rpartition("/")[2] not in ("curl", "curl.exe"):
        raise _wrong("must begin with curl")
    return words[1:]


def _read(words: list[str]) -> _Command:
    command = _Command()
    rest = iter(words)
    for word in rest:
        if word in ("|", "&&", ";", ">", "||"):
            raise _wrong(f"goes on after {word}; give the curl command alone")
        if word.startswith("-") and len(word) > 1:
            for option, value in _options(word, rest):
                _apply(command, option, value)
        else:
            command.urls.append(word)
    return command


def _options(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The options in one word: `--json`, or letters in a row of which the last may carry its value, as in `-sSXPOST`."""
    if word.startswith("--"):
        yield word, _next(word, rest) if word in _TAKES_VALUE | _MEANS_NOTHING_WITH_VALUE else ""
        return
    for position, letter in enumerate(word[1:], start=2):
        option = _SHORT.get(letter, f"-{letter}")
        if option in _TAKES_VALUE | _MEANS_NOTHING_WITH_VALUE:
            yield option, word[position:] or _next(f"-{letter}", rest)
            return
        yield option, ""


def _next(option: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise _wrong(f"ends after {option}, which needs a value")
    return value


def _apply(command: _Command, option: str, value: str) -> None:
    if option in _CANNOT:
        raise _wrong(f"has {option}: it {_CANNOT[option]}")
    if option in _TOLD:
        command.notes.append(_TOLD[option])
    elif option in _DATA:
        command.data.append((option, _literal(option, value)))
    elif option == "--url":
        command.urls.append(value)
    elif option == "--request":
        command.method = value
    elif option == "--head":
        command.method = "HEAD"
    elif option == "--get":
        command.query = True
    elif option == "--max-time":
        command.seconds = _seconds(value)
    elif header := _header(option, value):
        _take_header(command, *header)
    elif option not in _MEANS_NOTHING | _MEANS_NOTHING_WITH_VALUE:
        raise _wrong(f"has {option}, which is not known here; leave it out")


def _header(option: str, value: str) -> tuple[str, str] | None:
    match option:
        case "--header":
            if value.startswith("@"):
                raise _wrong("reads headers from a file; write them out")
            name, _, text = value.partition(":")
            return name.strip(), text.strip()
        case "--user":
            if ":" not in value:
                raise _wrong("has --user without a password; write name:password")
            return "Authorization", f"Basic {base64.b64encode(value.encode()).decode()}"
        case "--oauth2-bearer":
            return "Authorization", f"Bearer {value}"
        case "--user-agent":
            return "User-Agent", value
        case "--referer":
            return "Referer", value
    return None


def _take_header(command: _Command, name: str, value: str) -> None:
    lower = name.lower()
    if lower == "content-type":
        if "json" not in value.lower():
            raise _wrong(f"sends {value or 'no type'}, and a tool sends JSON")
        if value.partition(";")[0].strip().lower() == "application/json":
            return  # as every tool does
    if lower in NOT_YOURS:
        command.notes.append(f"The header {name} is set by Dragoman and was left out.")
    elif value:  # without one, curl only takes a header of its own away
        command.headers[name] = value


def _literal(option: str, value: str) -> str:
    name, at, _ = value.partition("@")
    reads_file = value.startswith("@") if option != "--data-urlencode" else bool(at) and "=" not in name
    if option != "--data-raw" and reads_file:
        raise _wrong(f"reads {value} from a file; write the data out")
    return value


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _wrong("has --max-time without a number of seconds") from None


def _address(command: _Command, url: str) -> tuple[str, Json]:
    """The address alone, and its query as values. A name and password in it become a header."""
    try:
        parts = urlsplit(url)
        user, password, host = parts.username, parts.password, parts.netloc.rpartition("@")[2]
    except ValueError:
        raise _wrong("names an address that cannot be read") from None
    if parts.scheme not in ("https", "http"):
        raise _wrong("must name an address that starts with https://")
    if user is not None:
        pair = f"{unquote(user)}:{unquote(password or '')}"
        command.headers.setdefault("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if command.query:
        pairs += [pair for option, value in command.data for pair in _pairs(option, value)]
    query: Json = {}
    for name, value in pairs:
        before = query.get(name)
        query[name] = value if before is None else [*before, value] if isinstance(before, list) else [before, value]
    return urlunsplit((parts.scheme, host, parts.path, "", "")), {name: fixed(value) for name, value in query.items()}


def _pairs(option: str, value: str) -> list[tuple[str, str]]:
    if option != "--data-urlencode":
        return parse_qsl(value, keep_blank_values=True)
    name, equals, content = value.partition("=")
    if not equals or not name:
        raise _wrong("has --data-urlencode without a name; write name=value")
    return [(name, content)]


def _body(command: _Command, query: Json) -> Json | None:
    if not command.data or command.query:
        return None
    text = "&".join(value for _, value in command.data)
    try:
        value: Any = msgspec.json.decode("".join(value for _, value in command.data))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        form = "=" in text and not text.lstrip().startswith(("{", "["))
        why = "sends a form (a=b), and a tool sends JSON" if form else "sends data that is not valid JSON"
        raise _wrong(f'{why}. If the API takes JSON, write --json \'{{"name": "value"}}\'') from None
    if not isinstance(value, dict):
        raise _wrong("sends JSON that is no object; a tool sends an object with named values")
    for name in [name for name, part in value.items() if part is None]:
        command.notes.append(f"{name} is null and was left out.")
        del value[name]
    return {name: fixed(part) for name, part in value.items()}


def _name(method: str, url: str) -> str:
    words = [word for word in re.findall(r"[A-Za-z]+", PLACEHOLDER.sub("", urlsplit(url).path)) if word not in ("api", "v")]
    return " ".join([method.capitalize(), *words])[:255]


def _wrong(why: str) -> Invalid:
    return Invalid(f"curl: the command {why}", field="curl")

"""Reading a URL that somebody else wrote, before any name is looked up. What is dialled later is the very object made here."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from yarl import URL

from dragoman.http.addresses import Network, lies_in, why_not_public
from dragoman.http.answers import Refused

LONGEST_URL = 2000
ALLOW = "DRAGOMAN_ALLOW_PRIVATE_URLS"

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\\]")
_START = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:%]+)(:[0-9]{1,5})?")
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
# Names that never lead to the public internet: RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN's .internal.
_NEVER_PUBLIC = re.compile(r"([^.]+|.+\.(localhost|localdomain|local|internal|lan|intranet|corp|home\.arpa|test|invalid|onion))")


class Target(NamedTuple):
    url: URL
    inside: bool
    """Plain http, or a port other than 443: only an address in the allowed networks will do."""


def check_url(url: str, allow: Sequence[Network] = ()) -> None:
    """Raise Refused for a URL that the guarded door would not call, as far as that can be told without looking up its name."""
    read(url, tuple(allow))


def read(url: str, allow: tuple[Network, ...]) -> Target:
    _check_form(url)
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError:
        raise Refused("The URL cannot be read. Write it like https://agent.example/hook.") from None
    inside = parsed.scheme != "https" or port != 443
    if port == 0:
        raise Refused("Port 0 does not exist. Leave the port out, or use 443.")
    if inside and not allow:
        raise Refused(_only_inside(parsed))
    _check_host((parsed.raw_host or "").removesuffix("."), allow)
    return Target(parsed, inside)


def _check_form(url: str) -> None:
    if len(url) > LONGEST_URL:
        raise Refused(f"The URL is {len(url)} characters long; at most {LONGEST_URL} are allowed.")
    if _NOT_IN_A_URL.search(url):
        raise Refused("The URL holds a space, a control character or a backslash. Percent-encode it or leave it out.")
    start = _START.match(url)
    if not start:
        raise Refused("The URL must start with https:// and a host name.")
    authority = start[2]
    if "@" in authority:
        raise Refused("The URL holds a user name or password. Leave out everything before the @; sign in with a header instead.")
    if not _AUTHORITY.fullmatch(authority):
        raise Refused("The host in the URL cannot be read. Write it like https://agent.example/hook.")


def _only_inside(url: URL) -> str:
    what = "Plain http://" if url.scheme != "https" else f"Port {url.port}"
    return (
        f"{what} is only used inside networks that the operator listed in {ALLOW}, and it is empty. "
        f"Use https:// on port 443, or add the network of your server to {ALLOW}."
    )


def _check_host(host: str, allow: tuple[Network, ...]) -> None:
    try:
        ip = ip_address(host)
    except ValueError:
        _check_name(host, allow)
        return
    if lies_in(ip, allow):
        return
    if kind := why_not_public(ip):
        raise Refused(f"The URL leads into {kind}. If that is meant, the operator can add the network to {ALLOW}.")
    raise Refused(f"The URL names an address instead of a host. Use a host name, or add the address to {ALLOW}.")


def _check_name(host: str, allow: tuple[Network, ...]) -> None:
    # The system's resolver reads 2130706433, 0x7f.1 and 017700000001 as 127.0.0.1; a host that ends in a number is never a name.
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Refused("The host in the URL is a number in disguise. Use a host name.")
    if not _NAME.fullmatch(host):
        raise Refused("The host in the URL is not a host name. Write it like https://agent.example/hook.")
    if not allow and _NEVER_PUBLIC.fullmatch(host):
        raise Refused(f"{host} is not a name on the public internet. If it is yours, the operator can add its network to {ALLOW}.")

"""Where the guarded door may go, enforced inside aiohttp's dialling: on every answer of the name service, and on every socket.

What is checked is what is dialled, so a name that changes its address between check and dial gains nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import NamedTuple

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from dragoman.http.addresses import Network, lies_in, why_not_public
from dragoman.http.urls import ALLOW

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""From a host name to its addresses; raises OSError when there are none."""


class Forbidden(OSError):
    """An OSError, because aiohttp passes on nothing else from inside its dialling; `exchange` turns it into Refused."""


class Rule(NamedTuple):
    """The addresses that one connector dials: public ones and `allow`, or, `inside`, nothing but `allow`."""

    allow: tuple[Network, ...]
    deny: tuple[Network, ...]
    inside: bool

    def check(self, address: str, host: str) -> None:
        """Raise Forbidden unless `address` may be dialled; `host` is what the message calls it."""
        try:
            ip = ip_address(address)
        except ValueError:
            raise Forbidden(f"{host} leads to something that is not an address.") from None
        if lies_in(ip, self.allow):
            return
        if kind := why_not_public(ip):
            raise Forbidden(f"{host} leads into {kind}. If that is meant, the operator can add the network to {ALLOW}.")
        if self.inside:
            raise Forbidden(f"{host} is on the public internet: use https:// on port 443, or have the operator add its network to {ALLOW}.")
        if lies_in(ip, self.deny):
            raise Forbidden(f"{host} leads back to this server. Use the address of your own server.")

    def socket(self, info: AddrInfoType) -> socket.socket:
        """The last gate: aiohttp makes the socket of every dial here, also for an address written in the URL."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]), "The URL")
        return socket.socket(family, kind, protocol)


class CheckedNames(AbstractResolver):
    def __init__(self, rule: Rule, lookup: Lookup) -> None:
        self._rule, self._lookup = rule, lookup

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """All addresses of `host`. One that is not allowed spoils them all: a name for both worlds is an attack or a mistake."""
        addresses = await self._lookup(host)
        if not addresses:
            raise OSError(None, "it has no addresses")
        for address in addresses:
            self._rule.check(address, host)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing of its own to let go."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )


class SystemNames:
    """The system's name service on threads of its own: names of strangers can be slow, and must not hold up anybody else's."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="names")

    async def __call__(self, host: str) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))

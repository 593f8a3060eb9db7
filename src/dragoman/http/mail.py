"""The guarded door for mail: a message to a mail server that a tenant chose. Its address is checked as the other guarded door checks one.

The name is looked up, every address is judged, and the socket that is connected is the one that was judged. On the public internet only
the ports of mail are dialled.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import aiosmtplib

from dragoman.http.answers import Refused
from dragoman.http.guarded import Guarded

PORTS = frozenset([25, 465, 587, 2525])
SECONDS = 20.0
LARGEST = 1024 * 1024  # bytes of a message
_GARBLED = -1  # what aiosmtplib makes of an answer that is none

Security = Literal["starttls", "tls", "none"]


class Server(NamedTuple):
    host: str
    port: int
    security: Security
    username: str = ""
    password: str = ""


class Posted(NamedTuple):
    """sent: the server took the message, for all but `turned_away` (address and why). refused: it did not; `reason` is for people.
    unknown: the connection broke after the message had left, so nobody knows."""

    outcome: Literal["sent", "refused", "unknown"]
    reason: str = ""
    turned_away: tuple[tuple[str, str], ...] = ()


async def post(guarded: Guarded, server: Server, sender: str, recipients: Sequence[str], message: bytes) -> Posted:
    """Hand a message over, once. `message` has CRLF line ends. Whatever the server does wrong is told, never raised."""
    if len(message) > LARGEST:
        return Posted("refused", f"The message is longer than {LARGEST} bytes.")
    for address in (sender, *recipients):
        # They become parts of commands.
        if not address.isascii() or not address.isprintable() or "@" not in address or set(address) & set(" <>,"):
            return Posted("refused", f"{address[:80]!r} is no address to which mail can be sent.")
    state = {"left": False}
    try:
        async with asyncio.timeout(SECONDS):
            return await _post(guarded, server, sender, recipients, message, state)
    except Refused as refused:
        return Posted("refused", refused.reason)
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        if state["left"] and not _is_answer(error):
            why = f"The connection to {server.host} broke after the message had left. Nobody knows whether it was taken."
            return Posted("unknown", why)
        return Posted("refused", _told(server, error))


async def _post(guarded: Guarded, server: Server, sender: str, recipients: Sequence[str], message: bytes, state: dict[str, bool]) -> Posted:
    sock = await guarded.dial(server.host, server.port, PORTS)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        sock=sock,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=guarded.certificates,
        timeout=SECONDS,
        local_hostname="dragoman.invalid",
    )
    try:
        await client.connect()
        if server.username:
            await client.login(server.username, server.password)
        await client.mail(sender)
        turned_away = [(to, why) for to in recipients if (why := await _rejected(client, to))]
        if len(turned_away) == len(recipients):
            return Posted("refused", f"{server.host} takes no mail for {turned_away[0][0]}: {turned_away[0][1]}")
        state["left"] = True
        await client.data(message)
        return Posted("sent", turned_away=tuple(turned_away))
    finally:
        _hang_up(client)


def _is_answer(error: BaseException) -> bool:
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code != _GARBLED


def _hang_up(client: aiosmtplib.SMTP) -> None:
    """At once, because a goodbye under TLS can be kept waiting. The socket is closed by its transport and by nobody else: a number that
    is free again before the event loop has let go of it would be another connection's."""
    transport = client.transport
    client.close()
    if transport is not None:
        cast(asyncio.WriteTransport, transport).abort()


async def _rejected(client: aiosmtplib.SMTP, recipient: str) -> str:
    try:
        await client.rcpt(recipient)
    except aiosmtplib.SMTPRecipientRefused as refused:
        return f"status {refused.code}"
    return ""


def _told(server: Server, error: BaseException) -> str:
    """Without the server's own words, which may hold anything."""
    if isinstance(error.__cause__, ssl.SSLError):
        error = error.__cause__
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return f"{server.host} did not accept the user name and password."
        case aiosmtplib.SMTPResponseException(code=code) if code == _GARBLED:
            return f"{server.host} does not answer as a mail server does."
        case aiosmtplib.SMTPResponseException():
            return f"{server.host} refused the message with status {error.code}."
        case TimeoutError():
            return f"{server.host} did not answer in time."
        case ssl.SSLError():
            return f"The certificate or encryption of {server.host} cannot be trusted."
    if server.security == "starttls" and isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in str(error):
        return f"{server.host} offers no encryption (STARTTLS). Use another port, or set security to none if that is meant."
    return f"{server.host} could not be reached."

"""A mail server that is not real, as its clients see it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy


@dataclass
class MailServer:
    """`heard` are the lines it was sent, `letters` the messages it took. With `tls` it offers STARTTLS; `unknown` are addresses that it
    takes nothing for. `fault`: "login" refuses everybody; "data" refuses the message; "drop", "garble" and "silence" are what it does
    after it; "mute" says nothing at all; "flood" greets without end."""

    port: int = 0
    fault: str = ""
    unknown: tuple = ()
    tls: object = None
    heard: list = field(default_factory=list)
    letters: list = field(default_factory=list)
    recipients: list = field(default_factory=list)

    async def serve(self, reader, writer):
        async def say(line):
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        try:
            if self.fault == "mute":
                await reader.read()
            while self.fault == "flood":
                await say("220-and another thing" * 9)
            await say("220 mail.lumen.example ESMTP")
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                if not await self._answer(line, reader, writer, say):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    async def _answer(self, line, reader, writer, say):
        """Whether the conversation goes on."""
        word = line.partition(" ")[0].upper()
        if word == "EHLO":
            await say("250-mail.lumen.example" + ("\r\n250-STARTTLS" if self.tls else "") + "\r\n250 AUTH PLAIN")
        elif word == "STARTTLS" and self.tls:
            await say("220 go on")
            await writer.start_tls(self.tls)
        elif word == "AUTH":
            await say("535 no" if self.fault == "login" else "235 ok")
        elif word == "RCPT":
            address = line.partition("<")[2].partition(">")[0]
            if address not in self.unknown:
                self.recipients.append(address)
            await say("550 who?" if address in self.unknown else "250 ok")
        elif word == "DATA":
            await say("354 go on")
            return await self._take(await reader.readuntil(b"\r\n.\r\n"), reader, say)
        else:
            await say("221 bye" if word == "QUIT" else "250 ok")
            return word != "QUIT"
        return True

    async def _take(self, letter, reader, say):
        if self.fault == "silence":
            await reader.read()
        if self.fault in ("drop", "silence"):
            return False
        if self.fault not in ("data", "garble"):
            letter = letter[:-5].replace(b"\r\n..", b"\r\n.")
            self.letters.append(message_from_bytes(letter, policy=policy.default))
        await say({"data": "554 no", "garble": "thanks!"}.get(self.fault, "250 taken"))
        return True


@asynccontextmanager
async def mail_server(implicit=None, **more):
    """With `implicit`, a TLS context, it is encrypted from the first byte."""
    mail, talks = MailServer(**more), set()

    async def serve(reader, writer):
        talks.add(asyncio.current_task())
        await mail.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=implicit)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

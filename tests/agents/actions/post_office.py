"""A mail server and a text message service that are not real, as their clients see them."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy


@dataclass
class MailServer:
    """`fault`: "starttls" offers none (it never does), "data" refuses the message, "drop" hangs up after it, "login" refuses everybody;
    `unknown` are addresses that it takes nothing for."""

    port: int = 0
    fault: str = ""
    unknown: tuple = ()
    letters: list = field(default_factory=list)
    recipients: list = field(default_factory=list)

    async def serve(self, reader, writer):
        async def say(line):
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 mail.lumen.example ESMTP")
        while line := (await reader.readline()).decode().strip():
            word = line.partition(" ")[0].upper()
            if word == "EHLO":
                await say("250-mail.lumen.example\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                await say("535 no" if self.fault == "login" else "235 ok")
            elif word == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                if address in self.unknown:
                    await say("550 who?")
                else:
                    self.recipients.append(address)
                    await say("250 ok")
            elif word == "DATA":
                await say("354 go on")
                letter = await reader.readuntil(b"\r\n.\r\n")
                if self.fault == "drop":
                    break
                if self.fault == "data":
                    await say("554 no")
                    continue
                self.letters.append(message_from_bytes(letter[:-5], policy=policy.default))
                await say("250 taken")
            elif word == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        writer.close()


@asynccontextmanager
async def mail_server():
    mail = MailServer()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mail

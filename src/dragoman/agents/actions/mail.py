"""SEND_EMAIL: a message through a mail server of the business, to addresses that it has set."""

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from html.parser import HTMLParser
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field

from dragoman.agents import integrations
from dragoman.agents.actions import recipients, values
from dragoman.agents.actions.action import Action, ActionType, asked
from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Form
from dragoman.agents.tools import Call, Json, Result, Tool, failure
from dragoman.errors import Invalid
from dragoman.http import mail

LONGEST_SUBJECT, LONGEST_BODY = 255, 200_000
MOST_PLACES = 100  # each can become a value of some thousand characters

Addresses = Annotated[list[str], Field(max_length=recipients.MOST), BeforeValidator(recipients.listed)]


def _text(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and set(value) == {"value"} else value


class Asking(Form):
    mandatory: Annotated[bool, Field(strict=True, description="The customer is asked by a button first")] = False


class Block(Form):
    """Unknown fields are kept as they were sent, because the reference of the other service could not be read whole."""

    model_config = ConfigDict(extra="allow")

    to: Annotated[Addresses, Field(description="Addresses, or `customer` for the one in the customer's record")]
    user_id: Annotated[UUID | None, Field(description="Id of an integration of type smtp; left out, the oldest one")] = None
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    subject: Annotated[str, Field(max_length=LONGEST_SUBJECT), BeforeValidator(_text)] = ""
    body: Annotated[str, Field(max_length=LONGEST_BODY, description="HTML"), BeforeValidator(_text)] = ""
    send_static_contect: Annotated[bool, Field(strict=True, description="Send subject and body as they are")] = False
    response_message_context: Annotated[str, Field(max_length=10_000, description="What to say once it went out")] = ""


class SendEmail(Form):
    webhook: Asking = Asking()
    email: Block


async def _tools(run: Run, action: Action, name: str) -> list[Tool]:
    block: Block = action.config.email

    async def send(call: Call) -> Result:
        return await _send(run, block, call)

    return [
        Tool(
            name=name,
            description=action.description,
            parameters=_parameters(block),
            run=send,
            capability_id=action.id,
            acts=True,
            confirm=asked(action.config.webhook.mandatory),
        )
    ]


def _wanted(block: Block) -> list[str]:
    return [] if block.send_static_contect else values.places([block.subject, block.body])


def _parameters(block: Block) -> Json:
    """The values of the places; the subject and the text themselves where the business left them to the model."""
    parameters = values.parameters(_wanted(block), "%s, for the e-mail")
    if not block.send_static_contect:
        for field, longest in (("subject", LONGEST_SUBJECT), ("body", 20_000)):
            if not getattr(block, field):
                described = {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": longest,
                    "description": f"The {field} of the e-mail, plain text",
                }
                parameters["properties"][f"email_{field}"] = described
                parameters["required"].append(f"email_{field}")
    return parameters


async def _send(run: Run, block: Block, call: Call) -> Result:
    account = await integrations.find(run.kit, run.organisation_id, "smtp", block.user_id)
    if account is None:
        return failure("the business has no mail server connected")
    to, cc, bcc = [await recipients.emails(run, wanted) for wanted in (block.to, block.cc, block.bcc)]
    if not to:
        return failure("no e-mail address of this customer is known")
    config: integrations.Smtp = account.config
    message = _message(run, block, call, config.sender, to, cc)
    server = mail.Server(config.host, config.port, config.security, config.username, config.password)
    everybody = list(dict.fromkeys([*to, *cc, *bcc]))
    posted = await mail.post(run.kit.guarded, server, parseaddr(config.sender)[1], everybody, message.as_bytes(policy=SMTP))
    if posted.outcome != "sent":
        return failure(posted.reason)
    missed = f" It was not taken for {len(posted.turned_away)} of {len(everybody)} addresses." if posted.turned_away else ""
    return Result(text=f"The e-mail was sent.{missed} {block.response_message_context}".strip())


def _message(run: Run, block: Block, call: Call, sender: str, to: list[str], cc: list[str]) -> EmailMessage:
    subject, html = (block.subject, block.body) if block.send_static_contect else _filled(run, block, call)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, ", ".join(to)
    if cc:
        message["Cc"] = ", ".join(cc)
    message["Subject"] = " ".join(subject.split())[:LONGEST_SUBJECT]  # one line: a second would be a header
    message["Date"] = format_datetime(run.kit.clock.now())
    # The same for a repeated call, so that whoever gets both can tell.
    message["Message-ID"] = f"<{hashlib.sha256(call.key.encode()).hexdigest()[:40]}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain(html))
    message.add_alternative(html, subtype="html")
    return message


def _filled(run: Run, block: Block, call: Call) -> tuple[str, str]:
    """The subject and the HTML with their values, or as the model wrote them where the business left them open."""
    found = values.given(_wanted(block), call.args)
    subject = values.filled(block.subject, found, run) if block.subject else str(call.args.get("email_subject", ""))
    if block.body:
        return subject, values.filled(block.body, {name: escape(value) for name, value in found.items()}, run)
    lines = str(call.args.get("email_body", "")).splitlines()
    return subject, "".join(f"<p>{escape(line)}</p>" for line in lines if line.strip())


class _Words(HTMLParser):
    """The text of an e-mail for those who read no HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("style", "script", "title")
        if tag in ("p", "br", "div", "tr", "li", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script", "title") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _plain(html: str) -> str:
    words = _Words()
    words.feed(html)
    words.close()
    lines = (" ".join(line.split()) for line in "".join(words.parts).splitlines())
    return "\n".join(line for line in lines if line) + "\n"


async def _check(kit: Kit, organisation_id: UUID, config: SendEmail) -> None:
    block = config.email
    if not block.to:
        raise Invalid("email.to: give at least one address, or customer", field="email.to")
    recipients.check_number({"email.to": block.to, "email.cc": block.cc, "email.bcc": block.bcc})
    recipients.check_emails(block.to, "email.to", customer=True)
    recipients.check_emails(block.cc, "email.cc")
    recipients.check_emails(block.bcc, "email.bcc")
    if block.send_static_contect and not (block.subject.strip() and block.body.strip()):
        raise Invalid("email.subject: with send_static_contect, subject and body are needed", field="email.subject")
    if not block.send_static_contect and block.body.count("{{") > MOST_PLACES:
        raise Invalid(f"email.body: at most {MOST_PLACES} places for values", field="email.body")
    if any(not letter.isprintable() for letter in block.subject):
        raise Invalid("email.subject: must be one line", field="email.subject")
    if block.user_id and await integrations.find(kit, organisation_id, "smtp", block.user_id) is None:
        raise Invalid(f"email.user_id: there is no integration of type smtp with the id {block.user_id}", field="email.user_id")


TYPE = ActionType(name="SEND_EMAIL", schema=SendEmail, tools=_tools, check=_check)

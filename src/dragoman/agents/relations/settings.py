"""The forms of `paywallConfig`, `creditSettings`, `adConfig` and `voiceCallConfig` on an agent."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from dragoman.agents.schema import Flag, Schema
from dragoman.whatsapp import limits

Url = Annotated[str, Field(max_length=limits.URL, pattern=r"^https?://[^\s]+$")]
Words = Annotated[str, Field(max_length=limits.INTERACTIVE_BODY)]


class Paywall(Schema):
    """After `messageLimit` messages of a customer. `subscribe` is sold by nobody here: with a `paywallUrl` it is a purchase link."""

    id: UUID | str | None = None
    message_limit: Annotated[
        int | None, Field(ge=0, le=1_000_000, strict=True, description="Messages that are free; null is no paywall")
    ] = None
    paywall_action: Literal["none", "purchase_link", "subscribe", "terminal"] = "none"
    paywall_url: Annotated[Url | None, Field(description="Your payment page; `{user_id}` is replaced by the contact's id")] = None
    cta_button_text: Annotated[str, Field(min_length=1, max_length=limits.LINK_TITLE)] = "Continue"
    terminal_state_message: Annotated[Words, Field(description="Said once when the limit is reached")] = ""
    subscription_price_per_month: Annotated[float | None, Field(ge=0, description="Kept and shown; not charged by this server")] = None

    @model_validator(mode="after")
    def _complete(self) -> "Paywall":
        if self.paywall_action == "purchase_link" and not self.paywall_url:
            raise ValueError("paywallUrl is missing; the action purchase_link sends people there")
        if self.paywall_action == "terminal" and not self.terminal_state_message:
            raise ValueError("terminalStateMessage is missing; the action terminal says it")
        return self


class Credits(Schema):
    """What answers cost: one credit each, and what a tool's `creditCost` says."""

    id: UUID | str | None = None
    initial_credits: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True, description="What each customer begins with")] = 0
    credit_grant_password: Annotated[
        str | None, Field(min_length=4, max_length=100, description="A customer who sends exactly this gets more; kept as a hash")
    ] = None
    credit_grant_amount: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)] = 0
    empty_text: Annotated[Words, Field(description="Ours: said when none are left")] = "You have no credits left."
    granted_text: Annotated[Words, Field(description="Ours: said after the password")] = "Thank you, your credits were added."


class Ad(Schema):
    """A message of the business's own with every so many answers; never with the first one, never to who said STOP."""

    active: Flag = True
    every_answers: Annotated[int, Field(ge=2, le=10_000, strict=True)] = 5
    text: Annotated[str, Field(min_length=1, max_length=limits.INTERACTIVE_BODY)]
    url: Url | None = None
    button_text: Annotated[str, Field(min_length=1, max_length=limits.LINK_TITLE)] = "Learn more"


class VoiceCall(Schema):
    """Kept and shown. Calling itself is not served by this version."""

    model_config = ConfigDict(extra="allow")


FORMS: dict[str, type[Schema]] = {"paywallConfig": Paywall, "creditSettings": Credits, "adConfig": Ad, "voiceCallConfig": VoiceCall}


def read(config: dict[str, Any], name: str) -> Any:
    """The settings of that name on an agent; None when it has none. What an older version stored and does not fit is none."""
    value = config.get(name)
    if value is None:
        return None
    try:
        return FORMS[name].model_validate(value)
    except ValueError:
        return None

"""Outbound triggers: an address and a secret with which another program lets this agent write to somebody first, by a template.

The trigger is called at `POST /chats/outbound/{id}`; see `conversations.triggers`.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from dragoman.agents.capability import Capability, Configured
from dragoman.agents.kit import Kit
from dragoman.agents.masks import MASK
from dragoman.agents.schema import Flag, Schema
from dragoman.agents.tools import Json
from dragoman.errors import Invalid
from dragoman.whatsapp import limits

SHORTEST_SECRET = 16


class OutboundTrigger(Schema):
    """`templateId` names the template for those who keep it elsewhere; what is sent is `templateName`."""

    template_id: Annotated[str, Field(max_length=255)] = ""
    template_name: Annotated[str, Field(min_length=1, max_length=limits.TEMPLATE_NAME)]
    template_language: Annotated[str, Field(max_length=limits.TEMPLATE_LANGUAGE, description="Ours")] = "en_US"
    secret: Annotated[str | None, Field(max_length=255, description="Sent as X-wassist-secret; one is made when you set none")] = None
    enabled: Flag = True
    from_number: Annotated[str | None, Field(max_length=40, description="Ours: the number that writes; needed when you have several")] = (
        None
    )


def secret_of(kit: Kit, item: Configured[OutboundTrigger]) -> str:
    """What opens this trigger: the business's own secret, or one that is always the same for this trigger."""
    return item.config.secret or kit.vault.derive("outbound trigger", str(item.id)).hex()


async def _check(kit: Kit, organisation_id: UUID, agent_id: UUID, config: OutboundTrigger, at: str) -> None:
    if config.secret and not config.secret.startswith(MASK) and len(config.secret) < SHORTEST_SECRET:
        raise Invalid(f"{at}.secret is shorter than {SHORTEST_SECRET} characters", field=f"{at}.secret")


async def _shown(kit: Kit, organisation_id: UUID, agent_id: UUID, item: Configured[OutboundTrigger]) -> Json:
    """The made secret is shown, because nobody else knows it; one that was set is not."""
    url = {"url": f"{kit.settings.public_url}/chats/outbound/{item.id}"}
    return url if item.config.secret else {**url, "secret": secret_of(kit, item)}


CAPABILITY = Capability(
    field="outbound_triggers",
    schema=OutboundTrigger,
    secrets=lambda config: [("secret",)],
    check=_check,
    shown=_shown,
    read_only=("url",),
    most=20,
)

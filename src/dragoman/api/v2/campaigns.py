"""Campaigns: a template to many customers, and an assistant that answers their replies."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field

from dragoman.agents import records as agents
from dragoman.api.dialect import refusals
from dragoman.api.v2.auth import Authenticated, Wired
from dragoman.api.v2.campaign_inputs import CampaignInput, read
from dragoman.api.v2.envelope import Deleted, Failed, Got, Made, got, made
from dragoman.api.v2.models import Input, Shape
from dragoman.api.v2.paging import Listed, Paged
from dragoman.api.v2.routing import router
from dragoman.campaigns import campaign as shapes
from dragoman.campaigns import creating, records, suppressions
from dragoman.campaigns.window import DAYS
from dragoman.conversations import contacts
from dragoman.errors import Invalid, NotFound

lists = router("Campaigns", large=True)
routes = router("Campaigns")

NOT_SERVED = refusals({501: "This channel is not served; the message says what is missing"}, Failed)
Status = Literal["scheduled", "running", "paused", "completed", "cancelled"]
Fate = Literal["pending", "queued", "sent", "delivered", "read", "unknown", "failed", "skipped", "cancelled"]


class CampaignRef(Shape):
    id: UUID
    name: str
    status: Status


class TouchpointSettings(Shape):
    execution_days: list[str]
    start_hour: int
    end_hour: int
    time_zone: str
    delay: float = Field(description="Seconds between two sends of one number")
    ignore_suppression: bool
    from_numbers: list[str]


class ShownTouchpoint(Shape):
    name: str
    type: Literal["WHATSAPP"] = "WHATSAPP"
    assistant_id: int
    start_at: datetime
    template: str
    language_code: str
    whatsapp_body: str
    additional_settings: TouchpointSettings


class Campaign(Shape):
    id: UUID
    name: str
    status: Status
    reason: str | None = Field(description="Why it stopped by itself")
    type: str | None
    business_goal: str | None
    total_customers: int
    duplicates: int = Field(description="Customers who were named more than once; each is written to once")
    touchpoint: ShownTouchpoint
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, one: shapes.Campaign) -> "Campaign":
        return cls(
            id=one.id,
            name=one.name,
            status=one.state,
            reason=one.cause,
            type=one.details.get("type"),
            business_goal=one.details.get("business_goal"),
            total_customers=one.total,
            duplicates=one.duplicates,
            touchpoint=_touchpoint(one),
            created_at=one.created_at,
            updated_at=one.updated_at,
            ended_at=one.ended_at,
        )


class Reason(Shape):
    reason: str
    count: int


class CampaignStatistics(Shape):
    """`total` is pending + queued + sent + unknown + failed + skipped + cancelled. What is read was delivered, and what is delivered was sent."""

    total: int
    duplicates: int
    pending: int
    queued: int
    sent: int
    delivered: int
    read: int
    unknown: int = Field(description="Nobody can tell whether WhatsApp has it; it is not sent again")
    failed: int
    skipped: int
    cancelled: int
    replied: int
    failed_reasons: list[Reason]
    skipped_reasons: list[Reason]


class CampaignRecipient(Shape):
    to_number: str | None
    given: str = Field(description="What was sent for this customer")
    customer_id: UUID | None
    name: str | None
    status: Fate
    reason: str | None
    replied: bool
    message_id: UUID | None
    queued_at: datetime | None


class SuppressionInput(Input):
    phones: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=10_000)]
    reason: Annotated[str, Field(max_length=255)] = ""


class Suppression(Shape):
    phone: str
    reason: str
    at: datetime


class Suppressed(Shape):
    count: int


@lists.post("/_campaign/create_with_touchpoint", status_code=201, summary="Create a campaign", responses=NOT_SERVED)
async def create_campaign(new: CampaignInput, caller: Authenticated, services: Wired) -> Made[CampaignRef]:
    """With a WHATSAPP touchpoint: its template goes to each customer once, in the hours it may, and the assistant answers replies."""
    number = new.touchpoint.assistant_id
    try:
        agent = await agents.by_number(services.db, caller.organisation_id, int(number) if number.isdecimal() else 2**63)
    except NotFound:
        field = "touchpoint.assistant_id"
        raise Invalid(f"{field}: you have no assistant {number[:40]}", field=field) from None
    campaign = await creating.create(services, caller.organisation_id, read(new, agent.id))
    return made(_ref(campaign))


@routes.get("/_campaign", summary="List campaigns")
async def list_campaigns(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Campaign]]:
    """Newest first."""
    found = await records.listing(services, caller.organisation_id, paged.limit, paged.offset)
    return paged.listed([Campaign.of(one) for one in found.items], found.total)


@routes.get("/_campaign/suppressions", summary="List suppressed numbers")
async def list_suppressions(caller: Authenticated, services: Wired, paged: Paged) -> Got[Listed[Suppression]]:
    """People whom campaigns pass by, newest first. Who said STOP is not here: that is the customer's own and always holds."""
    found = await suppressions.listing(services, caller.organisation_id, paged.limit, paged.offset)
    return paged.listed([Suppression(phone=f"+{one.phone}", reason=one.reason, at=one.at) for one in found.items], found.total)


@lists.post("/_campaign/suppressions", status_code=201, summary="Suppress numbers")
async def add_suppressions(sent: SuppressionInput, caller: Authenticated, services: Wired) -> Made[Suppressed]:
    """Campaigns pass these people by, unless they say `ignore_suppression`. One that is there already gets the new reason."""
    phones = {contacts.digits(phone, f"phones[{n}]") for n, phone in enumerate(sent.phones)}
    await suppressions.add(services, caller.organisation_id, list(phones), sent.reason)
    return made(Suppressed(count=len(phones)))


@routes.delete("/_campaign/suppressions/{phone}", summary="Remove a suppressed number")
async def remove_suppression(phone: str, caller: Authenticated, services: Wired) -> Got[Deleted]:
    if not await suppressions.remove(services, caller.organisation_id, ["".join(filter(str.isdigit, phone))]):
        raise NotFound("this number is not on the suppression list")
    return got(Deleted(id=phone))


@routes.get("/_campaign/{campaign_id}", summary="Read a campaign")
async def read_campaign(campaign_id: UUID, caller: Authenticated, services: Wired) -> Got[Campaign]:
    return got(Campaign.of(await records.get(services, caller.organisation_id, campaign_id)))


@routes.delete("/_campaign/{campaign_id}", summary="Delete a campaign")
async def delete_campaign(campaign_id: UUID, caller: Authenticated, services: Wired) -> Got[Deleted]:
    """It is cancelled first, if it is not over. What was said stays in its conversations."""
    await records.delete(services, caller.organisation_id, campaign_id)
    return got(Deleted(id=str(campaign_id)))


@routes.post("/_campaign/{campaign_id}/pause", summary="Pause a campaign")
async def pause_campaign(campaign_id: UUID, caller: Authenticated, services: Wired) -> Got[CampaignRef]:
    """At once, but for what is queued already, which is at most what a number sends in half a second."""
    return got(_ref(await records.pause(services, caller.organisation_id, campaign_id)))


@routes.post("/_campaign/{campaign_id}/resume", summary="Resume a campaign")
async def resume_campaign(campaign_id: UUID, caller: Authenticated, services: Wired) -> Got[CampaignRef]:
    return got(_ref(await records.resume(services, caller.organisation_id, campaign_id)))


@routes.post("/_campaign/{campaign_id}/cancel", summary="Cancel a campaign")
async def cancel_campaign(campaign_id: UUID, caller: Authenticated, services: Wired) -> Got[CampaignRef]:
    """For good. What is queued and not sent yet is not sent."""
    return got(_ref(await records.cancel(services, caller.organisation_id, campaign_id)))


@routes.get("/_campaign/{campaign_id}/statistics", summary="Count what became of a campaign")
async def read_statistics(campaign_id: UUID, caller: Authenticated, services: Wired) -> Got[CampaignStatistics]:
    found = await records.statistics(services, caller.organisation_id, campaign_id)
    counts = {name: getattr(found, name) for name in CampaignStatistics.model_fields if not name.endswith("_reasons")}
    return got(CampaignStatistics(**counts, failed_reasons=_reasons(found.failed_reasons), skipped_reasons=_reasons(found.skipped_reasons)))


@routes.get("/_campaign/{campaign_id}/recipients", summary="List a campaign's customers")
async def list_recipients(
    campaign_id: UUID, caller: Authenticated, services: Wired, paged: Paged, status: Annotated[Fate | None, Query()] = None
) -> Got[Listed[CampaignRecipient]]:
    """As they were given; with `status`, only those."""
    found = await records.recipients(services, caller.organisation_id, campaign_id, paged.limit, paged.offset, status)
    return paged.listed([_recipient(one) for one in found.items], found.total)


def _ref(campaign: shapes.Campaign) -> CampaignRef:
    return CampaignRef(id=campaign.id, name=campaign.name, status=campaign.state)


def _touchpoint(one: shapes.Campaign) -> ShownTouchpoint:
    return ShownTouchpoint(
        name=one.details.get("touchpoint_name", ""),
        assistant_id=one.agent_number,
        start_at=one.start_at,
        template=one.message.name,
        language_code=one.message.language,
        whatsapp_body=one.message.text,
        additional_settings=TouchpointSettings(
            execution_days=[DAYS[day - 1].title() for day in one.window.days],
            start_hour=one.window.start_hour,
            end_hour=one.window.end_hour,
            time_zone=one.window.time_zone,
            delay=one.delay,
            ignore_suppression=one.ignore_suppression,
            from_numbers=one.from_numbers,
        ),
    )


def _reasons(counts: dict[str, int]) -> list[Reason]:
    return [Reason(reason=reason, count=count) for reason, count in counts.items()]


def _recipient(one: shapes.Recipient) -> CampaignRecipient:
    return CampaignRecipient(
        to_number=f"+{one.phone}" if one.phone else None,
        given=one.given,
        customer_id=one.contact_id,
        name=one.name,
        status=one.state,
        reason=one.reason,
        replied=one.replied,
        message_id=one.message_id,
        queued_at=one.queued_at,
    )

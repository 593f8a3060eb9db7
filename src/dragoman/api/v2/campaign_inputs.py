"""The body of `create_with_touchpoint`, and what it says in our words."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dragoman.api.v2.errors import NotServed
from dragoman.api.v2.models import Decimal, Input
from dragoman.campaigns.campaign import Addressee, Message, NewCampaign, Param, Part
from dragoman.campaigns.creating import MOST_RECIPIENTS
from dragoman.campaigns.window import window
from dragoman.errors import Invalid
from dragoman.whatsapp import limits

MISSING = {
    "EMAIL": "E-mail campaigns are not served: Dragoman lacks what bulk mail needs (unsubscribe links, bounces, sender domains)",
    "SMS": "SMS campaigns are not served: Dragoman lacks a text message channel that takes replies",
    "CALL": "call campaigns are not served: Dragoman has no telephone (a SIP trunk or Twilio Voice, speech in and out)",
}
MISSING["VOICE"] = MISSING["CALL"]

# Header parts that are files; Meta's shape {"type": "image", "image": {"link": …}} is taken as it is.
_FILES = {"jpg": "image", "jpeg": "image", "png": "image", "mp4": "video", "3gp": "video"}
_TEXTS = ("text", "value", "field", "param")


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class CustomerDetail(BaseModel):
    """There may be a hundred thousand of these, so nothing is looked at twice. Somebody who cannot be reached fails alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str | int | None, Field(union_mode="left_to_right", description="A customer's id, or one of your own")] = None
    to_number: Annotated[str | None, Field(max_length=100, description="E.164; without it, `id` must be a customer's")] = None


class Params(Input):
    is_static: bool = Field(True, description="True: the same for everybody. False: each param names a value of the customer")
    params: list[str | dict[str, Any]] = Field(
        default_factory=list,
        max_length=100,
        description="Texts, or objects {text}. When not static: names such as name, first_name, phone, email, tags, one of the "
        "customer's columns or of `variables`; an object may have a `default`",
    )


class WhatsAppData(Input):
    template: Annotated[str, Field(min_length=1, max_length=limits.TEMPLATE_NAME)]
    language_code: Annotated[str, Field(min_length=2, max_length=limits.TEMPLATE_LANGUAGE)] = "en"
    body_params: Params | None = None
    header_params: Params | None = None
    button_params: Params | None = None
    whatsapp_body: Annotated[str | None, Field(max_length=4096, description="What the template says, for those who read along")] = None


class CampaignSettings(Input):
    execution_days: Annotated[list[str] | None, Field(max_length=14, description="Monday or Mon; all days when left out")] = None
    start_hour: Annotated[int | None, Field(description="0 to 23")] = None
    end_hour: Annotated[int | None, Field(description="0 to 24, up to this hour; past midnight when smaller than start_hour")] = None
    delay: Annotated[float | None, Field(ge=0, le=86_400, description="Seconds between two sends of one number")] = None
    time_zone: Annotated[str | None, Field(max_length=100, description="Such as Europe/Berlin; UTC when left out")] = None
    ignore_suppression: Annotated[bool, Field(description="Write to people on your suppression list too. A STOP always holds")] = False
    from_numbers: Annotated[
        list[str] | None, Field(max_length=100, description="Ids of your WhatsApp numbers, or the numbers; customers are spread over them")
    ] = None


class Touchpoint(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[Literal["WHATSAPP"], BeforeValidator(_upper), Field(description="EMAIL, SMS, CALL and VOICE answer 501")]
    status: Annotated[Literal["scheduled", "paused"], BeforeValidator(_lower)]
    start_at: Annotated[datetime, Field(description="ISO 8601; without an offset it is in the settings' time_zone")]
    assistant_id: Decimal
    customer_details: Annotated[list[CustomerDetail], Field(min_length=1, max_length=MOST_RECIPIENTS)]
    additional_settings: CampaignSettings = Field(default_factory=CampaignSettings)
    whatsapp_data: WhatsAppData
    is_consultants: Annotated[bool | None, Field(description="Kept, without effect")] = None
    attachment_url: Annotated[
        str | None, Field(max_length=limits.URL, pattern=r"^$|^https?://\S+$", description="The image, video or document of the header")
    ] = None
    variables: Annotated[
        list[dict[str, Any]] | None,
        Field(
            max_length=MOST_RECIPIENTS,
            description="Values for the n-th customer; or for the one with this `customer_id`, when they have one",
        ),
    ] = None


class CampaignInput(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[str | None, Field(max_length=100)] = None
    company_plan_id: Annotated[str | int | None, Field(union_mode="left_to_right")] = None
    workspace_id: Annotated[str | int | None, Field(union_mode="left_to_right")] = None
    business_goal: Annotated[str | None, Field(max_length=5000)] = None
    touchpoint: Touchpoint

    @model_validator(mode="before")
    @classmethod
    def _served(cls, sent: Any) -> Any:
        """Other channels have other fields; the answer is about the channel, not about them."""
        touchpoint = sent.get("touchpoint") if isinstance(sent, dict) else None
        kind = _upper(touchpoint.get("type")) if isinstance(touchpoint, dict) else None
        if isinstance(kind, str) and kind in MISSING:
            raise NotServed(f"{MISSING[kind]}. WHATSAPP is served. Nothing was done", field="touchpoint.type")
        return sent


def read(sent: CampaignInput, agent_id: UUID) -> NewCampaign:
    """Raises Invalid with the field's path."""
    touchpoint, settings = sent.touchpoint, sent.touchpoint.additional_settings
    when = window(settings.execution_days, settings.start_hour, settings.end_hour, settings.time_zone)
    start_at = touchpoint.start_at if touchpoint.start_at.tzinfo else touchpoint.start_at.replace(tzinfo=ZoneInfo(when.time_zone))
    details = sent.model_dump(include={"type", "company_plan_id", "workspace_id", "business_goal"}, exclude_none=True)
    return NewCampaign(
        name=sent.name,
        agent_id=agent_id,
        message=_message(touchpoint.whatsapp_data, touchpoint.attachment_url),
        audience=_audience(touchpoint),
        start_at=start_at,
        window=when,
        delay=settings.delay or 0.0,
        ignore_suppression=settings.ignore_suppression,
        from_numbers=settings.from_numbers or [],
        paused=touchpoint.status == "paused",
        details={**details, "touchpoint_name": touchpoint.name, "is_consultants": touchpoint.is_consultants},
    )


def _message(data: WhatsAppData, attachment_url: str | None) -> Message:
    header = _part(data.header_params, "header_params", files=True)
    if attachment_url and not header.params:
        kind = _FILES.get(attachment_url.partition("?")[0].rpartition(".")[2].lower(), "document")
        header = Part(params=[Param(text=attachment_url, file={kind: attachment_url})])
    return Message(
        name=data.template,
        language=data.language_code,
        header=header,
        body=_part(data.body_params, "body_params"),
        buttons=_part(data.button_params, "button_params"),
        text=data.whatsapp_body or "",
    )


def _part(sent: Params | None, name: str, *, files: bool = False) -> Part:
    if sent is None:
        return Part()
    at = f"touchpoint.whatsapp_data.{name}.params"
    params = [_param(param, f"{at}[{n}]", files=files) for n, param in enumerate(sent.params)]
    if len(params) > 1 and any(param.file for param in params):
        raise Invalid(f"{at}: a header has one file", field=at)
    return Part(is_static=sent.is_static, params=params)


def _param(sent: str | dict[str, Any], at: str, *, files: bool) -> Param:
    if isinstance(sent, str):
        return Param(text=sent)
    for kind in ("image", "video", "document") if files else ():
        file = sent.get(kind)
        link = file.get("link") if isinstance(file, dict) else file
        if isinstance(link, str) and link.startswith(("https://", "http://")):
            return Param(text=link, file={kind: file if isinstance(file, dict) else link})
    texts = [sent[name] for name in _TEXTS if name in sent] or [value for name, value in sent.items() if name not in ("type", "default")]
    default = sent.get("default")
    if len(texts) != 1 or not isinstance(texts[0], str | int | float) or not isinstance(default, str | None):
        raise Invalid(f"{at}: give a text, or an object with text (and default, where that is a name)", field=at)
    return Param(text=str(texts[0]), default=default)


def _audience(touchpoint: Touchpoint) -> list[Addressee]:
    variables = touchpoint.variables or []
    named = {str(one["customer_id"]): one for one in variables if "customer_id" in one}
    if not named and len(variables) > len(touchpoint.customer_details):
        raise Invalid("touchpoint.variables: there are more of them than customers", field="touchpoint.variables")
    return [
        Addressee(
            one.to_number,
            None if one.id is None else str(one.id),
            named.get(str(one.id)) if named else variables[n] if n < len(variables) else None,
        )
        for n, one in enumerate(touchpoint.customer_details)
    ]

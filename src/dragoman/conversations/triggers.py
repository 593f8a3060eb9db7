"""An outbound trigger is called: a template goes to somebody, and the conversation is the trigger's agent's from then on."""

import hmac
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from dragoman.accounts import numbers
from dragoman.agents import configured
from dragoman.agents.capabilities import triggers
from dragoman.agents.capabilities.triggers import OutboundTrigger
from dragoman.conversations import contacts, outbox, ownership, sending
from dragoman.conversations import triggers_queries as queries
from dragoman.conversations.callback_queries import KEY, TAKE_KEY
from dragoman.conversations.services import Services
from dragoman.errors import Conflict, Forbidden, Invalid, RateLimited, Unauthorized
from dragoman.whatsapp import filling, limits

REFUSED = "no such trigger, or not its secret; send the secret in the X-wassist-secret header"


class Triggered(NamedTuple):
    conversation_id: UUID
    message_id: UUID


async def trigger(services: Services, trigger_id: UUID, secret: str, sent: Any, key: str | None = None) -> Triggered:
    """`sent` is {to, variables: {header, body, buttons}}. The template is durable when this returns.

    A `key` that comes again with the same trigger gets the first answer. Raises Unauthorized, Forbidden (switched off), RateLimited, Invalid, Conflict.
    """
    row = await services.db.fetch_one(queries.TRIGGER, {"id": trigger_id, "scope": f"trigger {trigger_id}", "now": services.clock.now()})
    if row is None:
        raise Unauthorized(REFUSED)
    if row["count"] > services.settings.api_rate_limit:
        raise RateLimited("too many calls of one trigger; wait a minute", retry_after=60 - services.clock.now().second)
    organisation_id, agent_id = row["organisation_id"], row["agent_id"]
    items = (await configured.listing(services.kit, organisation_id, [agent_id], triggers.CAPABILITY))[agent_id]
    item = next(item for item in items if item.id == trigger_id)
    config: OutboundTrigger = item.config
    if not hmac.compare_digest(triggers.secret_of(services.kit, item).encode(), secret.encode()):
        raise Unauthorized(REFUSED)
    if not config.enabled:
        raise Forbidden("this trigger is switched off; set enabled on the agent's outboundTriggers", code="trigger_disabled")
    to, variables = _read(sent)
    number = await _number(services, organisation_id, agent_id, config)
    await _check_variables(services, organisation_id, number, config, variables)
    template = filling.fill(config.template_name, config.template_language, variables, variables)
    if key is not None and (earlier := await _earlier(services, organisation_id, trigger_id, key)):
        return earlier
    conversation_id = await sending.open_conversation(services, organisation_id, to, number.display_number)
    made = await _say(services, outbox.prepare(organisation_id, conversation_id, [template], author="api"), trigger_id, key)
    await _bind(services, organisation_id, conversation_id, agent_id)
    return made


def _read(sent: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(sent, dict):
        raise Invalid("the body must be a JSON object with to and variables")
    if unknown := sorted(set(sent) - {"to", "variables"}):
        raise Invalid(f"{unknown[0]} is not a field; send to and variables", field=unknown[0])
    if not isinstance(sent.get("to"), str):
        raise Invalid("to is missing; give the phone number with its country code", field="to")
    variables = sent.get("variables") or {}
    if not isinstance(variables, dict):
        raise Invalid("variables must be an object with header, body and buttons", field="variables")
    for part, values in variables.items():
        if part not in ("header", "body", "buttons"):
            raise Invalid(f"variables.{part} is not known; there are header, body and buttons", field=f"variables.{part}")
        texts = list(values.values()) if isinstance(values, dict) else values
        if not isinstance(texts, list) or not all(isinstance(t, str) and 0 < len(t) <= limits.TEMPLATE_PARAMETER for t in texts):
            raise Invalid(
                f"variables.{part} must be a list of texts of 1 to {limits.TEMPLATE_PARAMETER} characters", field=f"variables.{part}"
            )
    return contacts.digits(sent["to"], "to"), variables


async def _number(services: Services, organisation_id: UUID, agent_id: UUID, config: OutboundTrigger) -> numbers.Number:
    """The number that is configured, else the agent's own, else the only one there is."""
    if config.from_number:
        return await numbers.by_digits(services.db, organisation_id, config.from_number)
    own = await numbers.listing(services.db, organisation_id)
    found = [number for number in own if number.agent_id == agent_id] or own
    if len(found) != 1:
        raise Conflict(f"{len(found)} numbers could write; set fromNumber on the trigger", code="number_unclear")
    return found[0]


async def _check_variables(
    services: Services, organisation_id: UUID, number: numbers.Number, config: OutboundTrigger, variables: dict[str, Any]
) -> None:
    """Against the template as WhatsApp has it; when WhatsApp does not tell, the send itself will."""
    token = await numbers.token(services.db, services.vault, organisation_id, number.phone_number_id)
    found = await services.graph.templates(number.waba_id, token, config.template_name)
    if found is None:
        return
    template = next((t for t in found if t.get("language") == config.template_language), None)
    if template is None:
        raise Conflict(
            f"WhatsApp knows no template {config.template_name} in {config.template_language} for this number", code="template_missing"
        )
    if wrong := filling.misfit(template.get("components") or [], variables):
        raise Invalid(f"variables.{wrong[0]}: {wrong[1]}", field=f"variables.{wrong[0]}")


async def _bind(services: Services, organisation_id: UUID, conversation_id: UUID, agent_id: UUID) -> None:
    row = await services.db.fetch_one(queries.BOUND, {"organisation_id": organisation_id, "conversation_id": conversation_id})
    if row and (row["agent_id"] != agent_id or row["owner"] != "agent"):
        await ownership.route(services, organisation_id, conversation_id, "agent", agent_id)


async def _say(services: Services, saying: outbox.Saying, trigger_id: UUID, key: str | None) -> Triggered:
    """The key and the message are one transaction: both are there, or neither."""
    made = Triggered(saying.conversation_id, saying.ids[0])
    async with services.db.transaction() as connection:
        if key is not None:
            values = {"organisation_id": saying.organisation_id, "scope": f"trigger {trigger_id}", "key": key, "now": services.clock.now()}
            cursor = await connection.execute(
                TAKE_KEY, {**values, "body_hash": b"", "status": 201, "response": msgspec.json.encode(made).decode()}
            )
            if await cursor.fetchone() is None:
                raise Conflict("a request with this Idempotency-Key is under way; try again", code="in_progress")
        await outbox.speak(services, saying, connection)
    return made


async def _earlier(services: Services, organisation_id: UUID, trigger_id: UUID, key: str) -> Triggered | None:
    row = await services.db.fetch_one(KEY, {"organisation_id": organisation_id, "scope": f"trigger {trigger_id}", "key": key})
    return msgspec.json.decode(row["response"], type=Triggered) if row else None

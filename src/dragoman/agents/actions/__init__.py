"""The registry of action types. To add one, write a file and put its line here."""

from typing import Any

from dragoman.agents.actions import appointment, extraction, mail, shopify, sms, voice, webhook, whatsapp
from dragoman.agents.actions.action import ActionType

TYPES: dict[str, ActionType[Any]] = {
    kind.name: kind
    for kind in (
        webhook.TYPE,
        whatsapp.TYPE,
        appointment.TYPE,
        extraction.TYPE,
        mail.TYPE,
        shopify.TYPE,
        sms.TYPE,
        voice.CALL_TRANSFER,
        voice.DTMF,
        voice.AIRCALL,
    )
}

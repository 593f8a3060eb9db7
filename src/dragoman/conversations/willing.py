"""Who wants to be written to first. STOP and START as WhatsApp's users know them, and Meta's own switch for marketing.

It is the person's word to the business, so it holds for all of its agents and numbers. What it forbids is what the business starts: a
template, a follow-up, a trigger. An answer to what the person writes is never held back.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from dragoman.conversations import willing_queries as queries
from dragoman.conversations.services import Services
from dragoman.store.database import Row
from dragoman.whatsapp.events import Preference

# The whole message must be one of these; "stop the delivery" is a wish about something else.
STOP = frozenset(
    {
        "stop",
        "stopp",
        "unsubscribe",
        "stop all",
        "stopall",
        "opt out",
        "abbestellen",
        "abmelden",
        "arrêter",
        "arret",
        "désabonner",
        "baja",
        "parar",
        "detener",
        "cancelar suscripción",
        "descadastrar",
        "sair",
        "disiscrivi",
        "afmelden",
        "إيقاف",
        "قف",
        "停止",
        "退订",
        "стоп",
        "रोकें",
        "berhenti",
        "dur",
    }
)
START = frozenset(
    {"start", "unstop", "subscribe", "opt in", "anmelden", "alta", "reprendre", "iniciar", "старт", "ابدأ", "开始", "mulai", "başla"}
)

_EDGES = re.compile(r"^[\s\W_]+|[\s\W_]+$")


def wish(text: str) -> bool | None:
    """True for STOP, False for START, None for everything else."""
    if len(text) > 40:
        return None
    words = " ".join(_EDGES.sub("", text).casefold().split())
    return True if words in STOP else False if words in START else None


async def prefer(services: Services, preferences: Sequence[tuple[UUID, Preference]]) -> None:
    """Meta's switch for marketing was moved; somebody we do not know has nothing to switch."""
    rows: list[Row] = [
        {
            "organisation_id": organisation_id,
            "bsuid": preference.sender.bsuid,
            "phone": preference.sender.phone,
            "stops": preference.value == "stop",
            "now": services.clock.now(),
        }
        for organisation_id, preference in preferences
    ]
    for row in rows:
        await services.db.execute(queries.PREFER, row)


async def allow(services: Services, organisation_id: UUID, contact_id: UUID, opted_out: bool) -> None:
    """The business has the person's word by another way."""
    scope = {"organisation_id": organisation_id, "contact_id": contact_id}
    await services.db.execute(queries.ALLOW, {**scope, "stops": opted_out, "now": services.clock.now()})

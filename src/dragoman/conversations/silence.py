"""A number whose messages WhatsApp accepts while no status comes: its webhooks have probably been unsubscribed.

Nothing else would show it: what is sent does arrive, and stays `accepted` here. And mostly the customers' messages do not come either.
A worker looks once a minute; a number is said to be silent until the next status of it comes.
"""

from datetime import timedelta

import structlog

from dragoman.conversations import silence_queries as queries
from dragoman.conversations.metrics import SILENT
from dragoman.conversations.services import Services
from dragoman.ids import oldest_id

log = structlog.get_logger()

LOOK_SECONDS = 60.0
ENOUGH = 20  # messages that were accepted, of which one at least would have got a status
PATIENCE = timedelta(minutes=10)
SPAN = timedelta(hours=1)
WARN_AGAIN = timedelta(hours=1)
CLOCKS = timedelta(minutes=5)  # how far the clocks of those who make ids may be apart


async def listen(services: Services) -> None:
    """Find the numbers that no statuses come for, and say so: at the number, in a warning each hour, in a metric."""
    now = services.clock.now()
    span = {"since": now - SPAN, "until": now - PATIENCE, "oldest": oldest_id(services.clock.real_now() - SPAN - CLOCKS)}
    silent = 0
    for row in await services.db.fetch(queries.LISTEN, {**span, "enough": ENOUGH}):
        values = {"organisation_id": row["organisation_id"], "number_id": row["id"], "now": now, "before": now - WARN_AGAIN}
        if row["heard"]:
            await services.db.execute(queries.HEARD, values)
            continue
        silent += 1
        told = await services.db.fetch_one(queries.SILENT, values)
        if told is not None:
            log.warning(
                "WhatsApp accepts the messages of a number and sends no statuses; see `dragoman doctor`",
                organisation_id=str(row["organisation_id"]),
                number_id=str(row["id"]),
                since=told["statuses_missing_since"].isoformat(),
            )
    SILENT.set(silent)

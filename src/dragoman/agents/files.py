"""Files that an agent made for a customer, such as a picture: kept among the media, under a link of ours that WhatsApp can fetch.

All that is to know about one is in its link, so there is no row of it.
"""

from datetime import timedelta
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

from dragoman.accounts import links
from dragoman.accounts.links import Linked
from dragoman.accounts.secrets import Vault
from dragoman.agents.kit import Kit
from dragoman.clock import Clock

Ending = Literal["jpg", "png", "ogg"]

# WhatsApp fetches a file at once, or when a paused number goes on; people look at what was said for longer.
LIFETIME = timedelta(days=30)
PLACE = "media/made"

_TYPES: dict[str, str] = {"jpg": "image/jpeg", "png": "image/png", "ogg": "audio/ogg"}


class Made(NamedTuple):
    object_key: str
    mime_type: str
    name: str


async def keep(kit: Kit, organisation_id: UUID, file_id: UUID, data: bytes, ending: Ending) -> str:
    """Store `data`; its address, good for `LIFETIME`. The same id again replaces the file. Raises Unavailable."""
    file = Linked(organisation_id, file_id)
    await kit.objects.put(place(organisation_id, file_id, ending), data)
    token = links.make(kit.vault, _purpose(ending), file, kit.clock.now() + LIFETIME)
    return f"{kit.settings.public_url}/{PLACE}/{token}.{ending}"


def opened(vault: Vault, clock: Clock, name: str) -> Made | None:
    """What the last part of such an address leads to; None when it is forged or expired."""
    token, _, ending = name.rpartition(".")
    return _made(links.read(vault, clock, _purpose(ending), token), ending)


def named(vault: Vault, name: str) -> Made | None:
    """As `opened`, also when the address has expired: the file may be there still."""
    token, _, ending = name.rpartition(".")
    return _made(links.named(vault, _purpose(ending), token), ending)


def _made(file: Linked | None, ending: str) -> Made | None:
    if ending not in _TYPES or file is None:
        return None
    return Made(place(file.organisation_id, file.file_id, ending), _TYPES[ending], f"{file.file_id}.{ending}")


def speech_of(turn_id: UUID) -> UUID:
    """The id of a turn's answer as a voice note, of which there is one: it is known before it is made."""
    return uuid5(turn_id, "speech")


def place(organisation_id: UUID, file_id: UUID, ending: str) -> str:
    """The key of the object."""
    return f"{organisation_id}/made/{file_id}.{ending}"


def _purpose(ending: str) -> str:
    return f"made file link {ending}"

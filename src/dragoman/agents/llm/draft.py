"""What will be said when a turn ends."""

from dataclasses import dataclass, field

from dragoman.agents.turns import Transfer
from dragoman.whatsapp.content import Outgoing


@dataclass
class Draft:
    """`repairs` counts what the model said that could not be used; `cause` is why the turn ended early, in words."""

    contents: list[Outgoing] = field(default_factory=list)
    quote: bool = False
    transfer: Transfer | None = None
    repairs: int = 0
    cause: str | None = None


class Superseded(Exception):
    """The customer wrote again before anything was said or done."""

"""How fast a number may send: 80 messages a second in and out together, and one per 6 seconds to one person with bursts of 45 (Meta)."""

from dragoman.sandbox.world import Number
from dragoman.whatsapp import limits


class Bucket:
    __slots__ = ("at", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left, self.at = left, at

    def refill(self, capacity: float, per_second: float, now: float) -> float:
        self.left = min(capacity, self.left + max(0.0, now - self.at) * per_second)
        self.at = now
        return self.left


class Rates:
    def __init__(self) -> None:
        self._numbers: dict[str, Bucket] = {}
        self._pairs: dict[tuple[str, str], Bucket] = {}

    def number_allows(self, number: Number, now: float) -> bool:
        """Take one message from the number's throughput."""
        bucket = self._numbers.setdefault(number.id, Bucket(number.per_second, now))
        if bucket.refill(number.per_second, number.per_second, now) < 1:
            return False
        bucket.left -= 1
        return True

    def pair_allows(self, number: Number, to: str, now: float) -> bool:
        """Take one message from what this number may send to this person."""
        if not number.pair_rate:
            return True
        bucket = self._pairs.setdefault((number.id, to), Bucket(limits.PAIR_BURST, now))
        if bucket.refill(limits.PAIR_BURST, 1 / limits.PAIR_SECONDS, now) < 1:
            return False
        bucket.left -= 1
        return True

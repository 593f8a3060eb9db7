"""How fast a number may send: 80 messages a second in and out together, and one per 6 seconds to one person with bursts of 45 (Meta)."""

from dragoman.sandbox.world import Number
from dragoman.whatsapp import limits

DAY = 86400.0


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
        self._outside: dict[str, dict[str, float]] = {}

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

    def outsider_allowed(self, business_id: str, to: str, most: int, now: float) -> bool:
        """Count a person messaged outside the 24-hour window: at most `most` different ones of a business in 24 hours (Meta's tiers)."""
        people = self._outside.setdefault(business_id, {})
        if to not in people and len(people) >= most:
            people = self._outside[business_id] = {known: at for known, at in people.items() if at > now - DAY}
            if len(people) >= most:
                return False
        people[to] = now
        return True

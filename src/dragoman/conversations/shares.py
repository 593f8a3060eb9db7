"""How the places of one worker are shared between organisations. Pure: knows no database and no clock.

As long as a worker takes all that is due, there is nothing to share and nobody asks. When it falls behind, it takes turns: first the
oldest of each organisation, those that hold few places before those that hold many, then the oldest of anybody, so that no place is
empty while somebody waits.

Taking turns is not enough when agents are slow: one organisation may hold every place when another's first customer writes. So there
are spare places beyond the `places` of the settings, for whoever holds fewer than half of what is still free. An organisation alone
never gets one of them, the next that floods gets half of them at most, the one after that half of what is left.
"""

from collections import Counter
from math import inf
from uuid import UUID

# One for so many places, on top of them: a worker that holds a few more costs little.
SPARE = 4

# After turns comes a pause, so long at least, and so many times as long as they took: they may not fill the time, however many
# organisations there are.
PAUSE_SECONDS = 0.05
PAUSE_TIMES = 4


class Shares:
    def __init__(self, places: int) -> None:
        self._places = places
        self._all = places + max(1, places // SPARE)
        self._held: Counter[UUID] = Counter()
        self._taken = 0
        self._look_at = 0.0
        self._missed = False
        self.behind = False  # more was due than was taken

    def take(self, organisation_id: UUID) -> None:
        self._held[organisation_id] += 1
        self._taken += 1

    def give_back(self, organisation_id: UUID) -> None:
        self._taken -= 1
        self._held[organisation_id] -= 1
        if not self._held[organisation_id]:
            del self._held[organisation_id]

    @property
    def held(self) -> dict[UUID, int]:
        return dict(self._held)

    @property
    def room(self) -> int:
        """Places for anybody."""
        return max(0, self._places - self._taken)

    @property
    def free(self) -> int:
        """Places for those that hold few."""
        return self._all - self._taken

    @property
    def few(self) -> int:
        """As many may an organisation hold when turns are taken: half of what is free."""
        return (self.free + 1) // 2

    def turns(self, at: float) -> bool:
        """Are turns to be taken now? When it is too early, `wait` tells how much."""
        wanted = (self.behind or not self.room) and self.free > 0
        self._missed = wanted and at < self._look_at
        return wanted and not self._missed

    def looked(self, began: float, ended: float) -> None:
        """Turns were taken, which took so long."""
        self._look_at = ended + max(PAUSE_SECONDS, PAUSE_TIMES * (ended - began))

    def wait(self, at: float) -> float:
        """Seconds until those turns may be taken for which it was too early."""
        return max(0.0, self._look_at - at) if self._missed else inf

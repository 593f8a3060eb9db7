"""Two workers and a web process, killed again and again while 1,000 messages come in. The long version is `make chaos`.

A question that was lost five times in a row is given up (`policy.PARKED_AFTER`), which would count as missing here. It does not come to
that: a worker is killed every three seconds or so, and a suspect is in its hands for some 50 ms. So of those that were lost twice (60 at
most, as measured) one in sixty is lost again, and one in some 200,000 three times more.
"""

import random

from tests.crash import monkey

MESSAGES, KILLS, PAUSES = 1000, 30, (0.1, 0.5)


async def test_thirty_random_kills_lose_nothing_and_double_nothing(stage, capsys):
    seed = random.SystemRandom().randrange(1 << 32)
    async with stage.place(monkey.ROLES) as here:
        outcome = await monkey.run(here, seed, MESSAGES, KILLS, PAUSES)
    table = "\n".join(f"{what}: {figure}" for what, figure in outcome.lines())
    with capsys.disabled():
        print(f"\n{table}")  # noqa: T201
    assert outcome.violations == [], f"seed {seed}\n" + "\n".join(outcome.violations[:20])
    assert (outcome.twice, outcome.missing) == (0, 0), f"seed {seed}"
    assert sum(outcome.kills.values()) >= KILLS

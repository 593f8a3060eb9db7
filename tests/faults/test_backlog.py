"""F-41: 100,000 messages wait. A worker takes them in bounded memory, oldest first, and each once; another business's customer is answered
in the middle of them."""

import time
from collections import defaultdict
from pathlib import Path

import pytest
from apart import serving_program
from cast import until
from meta import Meta, Names, said, words
from stage import free_port
from test_workers import apart
from tests.faults.test_fair_share import business  # noqa: F401

MESSAGES, CUSTOMERS, IN_ONE_BODY = 100_000, 20_000, 1000
ANSWERED = 5000
ASKED_ABOUT = 20
MOST_MB = 120  # more than at rest

pytestmark = [pytest.mark.machines, pytest.mark.parametrize("role", ["web"])]


async def test_a_backlog_of_100000_is_worked_off_oldest_first_in_bounded_memory(lumen, echo, tmp_path, capsys):
    echo.answer = 204
    crowd = [Names(f"1555{n:07}", f"US.{n:020}", f"Guest {n}") for n in range(CUSTOMERS)]
    meta = Meta.of(lumen)
    for first in range(0, MESSAGES, IN_ONE_BODY):
        people = [crowd[n % CUSTOMERS] for n in range(first, first + IN_ONE_BODY)]
        items = [said(lumen, f"wamid.{n}", f"{n}", crowd[n % CUSTOMERS]) for n in range(first, first + IN_ONE_BODY)]
        assert await meta.posts(words(*items, people=people)) == 200
    async with serving_program(free_port(), apart(lumen, tmp_path), tmp_path / "worker.log", "--role", "worker") as program:
        at_rest = resident(program)
        await until(lambda: len(echo.deliveries) >= ANSWERED, "the worker is well under way")
        most = resident(program)
        assert program.terminate() == 0
    with capsys.disabled():
        print(f"\n{at_rest:.0f} MB at the start, {most:.0f} MB at most while {len(echo.deliveries)} of {MESSAGES} were asked about")  # noqa: T201
    assert most < at_rest + MOST_MB
    asked = defaultdict(list)
    for delivery in echo.deliveries:
        asked[int(delivery["message"]) % CUSTOMERS].append(int(delivery["message"]))
    assert all(messages == sorted(set(messages)) for messages in asked.values())
    first_ones = [int(delivery["message"]) for delivery in echo.deliveries[: ANSWERED // 2]]
    assert max(first_ones) < CUSTOMERS  # whoever wrote first is asked about first
    assert max(first_ones) < ANSWERED + 1000


async def test_a_customer_is_answered_while_100000_of_another_business_wait(lumen, echo, dana, business, tmp_path, capsys):  # noqa: F811
    rival = await business("Rival", "0009999")
    rival.go.set()
    async with serving_program(free_port(), apart(lumen, tmp_path), tmp_path / "worker.log", "--role", "worker") as program:
        alone = [await seconds_until_answered(dana, n) for n in range(1, ASKED_ABOUT + 1)]
        assert program.terminate() == 0
    for first in range(0, MESSAGES, IN_ONE_BODY):
        await rival.write(IN_ONE_BODY, first)
    async with serving_program(free_port(), apart(lumen, tmp_path), tmp_path / "worker.log", "--role", "worker") as program:
        await rival.asked(IN_ONE_BODY)
        beside = [await seconds_until_answered(dana, n) for n in range(ASKED_ABOUT + 1, 2 * ASKED_ABOUT + 1)]
        through = len(rival.agent.deliveries)
        assert program.terminate() == 0
    with capsys.disabled():
        print(f"\n{told(alone)} alone, {told(beside)} beside the crowd, of which {through} of {MESSAGES} had been asked about")  # noqa: T201
    assert through < MESSAGES // 2


async def seconds_until_answered(phone, nth):
    began = time.monotonic()
    await phone.says(f"Hello {nth}")
    await phone.hears(nth)
    return time.monotonic() - began


def told(seconds):
    return f"{sorted(seconds)[len(seconds) // 2]:.2f} s (at most {max(seconds):.2f} s)"


def resident(program):
    """The most memory it has had until now, in MB."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

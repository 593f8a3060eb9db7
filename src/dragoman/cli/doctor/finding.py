"""What one check found."""

from typing import Literal

import msgspec

State = Literal["good", "doubtful", "wrong"]
MARKS: dict[State, str] = {"good": "✓", "doubtful": "!", "wrong": "✗"}


class Finding(msgspec.Struct, frozen=True):
    """`about` is "installation", "app <id>" or "+<number>". `remedy` is what to do, empty where all is well."""

    about: str
    check: str
    state: State
    found: str
    remedy: str = ""

    @property
    def line(self) -> str:
        return f"{MARKS[self.state]} {self.check}: {self.found.removesuffix('.')}" + (f" → {self.remedy}" if self.remedy else "")


def good(about: str, check: str, found: str) -> Finding:
    return Finding(about, check, "good", found)


def doubtful(about: str, check: str, found: str, remedy: str) -> Finding:
    return Finding(about, check, "doubtful", found, remedy)


def wrong(about: str, check: str, found: str, remedy: str) -> Finding:
    return Finding(about, check, "wrong", found, remedy)

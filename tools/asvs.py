"""The pages of docs/asvs: which lines they have, and how many of them hold.

`LEVELS` has, for each section of OWASP ASVS 5.0.0, the level of each of its lines in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "docs" / "asvs"
HELD, APART, SHORT = "held", "does not apply", "falls short"
STATES = (HELD, APART, SHORT)
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d) \| (.+) \| ([a-z ]+) \| (.+) \|$", re.MULTILINE)
# fmt: off
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23", "3.1": "3", "3.2": "113",
    "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222", "5.1": "2", "5.2": "112333",
    "5.3": "113", "5.4": "222", "6.1": "122", "6.2": "111111112222", "6.3": "11223333",
    "6.4": "112233", "6.5": "22222333", "6.6": "2223", "6.7": "33", "6.8": "2222", "7.1": "222",
    "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22", "8.1": "1233",
    "8.2": "1123", "8.3": "133", "8.4": "23", "9.1": "111", "9.2": "1222", "10.1": "22",
    "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222", "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23",
    "11.6": "23", "11.7": "33", "12.1": "12233", "12.2": "11", "12.3": "22223", "13.1": "2333",
    "13.2": "222223", "13.3": "2233", "13.4": "1222233", "14.1": "22", "14.2": "12223333",
    "14.3": "122", "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223", "17.1": "23",
    "17.2": "22223333", "17.3": "22",
}
# fmt: on


@dataclass(frozen=True)
class Line:
    """One line of a page."""

    page: str
    number: str
    level: int
    about: str
    state: str
    how: str

    @property
    def chapter(self) -> int:
        """The first part of the number."""
        return int(self.number.partition(".")[0])


def wanted() -> dict[str, int]:
    """The numbers of levels 1 and 2, each with its level."""
    return {
        f"{section}.{place}": int(level)
        for section, levels in LEVELS.items()
        for place, level in enumerate(levels, 1)
        if level in "12"
    }


def lines() -> list[Line]:
    """Every line of every page, in order."""
    return [*_lines()]


def _lines() -> Iterator[Line]:
    for page in sorted(PAGES.glob("[0-9]*.md")):
        for number, level, about, state, how in _ROW.findall(page.read_text(encoding="utf-8")):
            yield Line(page.name, number, int(level), about, state, how)


def counts() -> list[tuple[str, ...]]:
    """One row for each page, and one for all: its link, and how many lines are in each state."""
    every = lines()
    rows = []
    for page in dict.fromkeys(line.page for line in every):
        title = (PAGES / page).read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        rows.append((f"[{title}]({page})", *_states([it for it in every if it.page == page])))
    return [*rows, ("all", *_states(every))]


def _states(some: list[Line]) -> list[str]:
    return [str(len(some)), *(str(sum(it.state == state for it in some)) for state in STATES)]

"""Whether a policy fails some children more than others: false pages and detection, by class.

A class with few absences is reported and not judged: its shares are chance.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from server.simulation.evaluation import Counted
from server.simulation.outcomes import Watched

FEW = 30  # Absences that were judged by: those of a day and longer.
HOURS = 24
MOST = 2.0  # So many times as much is not fair any more.
_KIND_OF_HOME = re.compile(r"([a-z]+)\d+")


class Class(msgspec.Struct, frozen=True):
    """The children of one class."""

    kind: str
    name: str
    months: float
    false: int
    absences: int  # Of which the child was still away after `HOURS`.
    told: int  # Of these, within `HOURS`.

    @property
    def is_judged(self) -> bool:
        """Whether there are enough absences to say anything."""
        return self.absences >= FEW

    @property
    def false_a_month(self) -> float:
        """False pages per child-month."""
        return self.false / self.months if self.months > 0 else 0.0

    @property
    def share(self) -> float:
        """Told within `HOURS`, of those still away then."""
        return self.told / self.absences if self.absences else 0.0


def _answers(watched: Watched) -> str | None:
    """By the check-ins that were answered in time, while nobody was called about the child."""
    if watched.rounds <= 0:
        return None
    share = 1 - watched.misses / watched.rounds
    return "seldom" if share < 0.5 else "often" if share < 0.75 else "nearly always"


def _home(watched: Watched) -> str | None:
    named = _KIND_OF_HOME.fullmatch(watched.home or "")
    return named[1] if named else None


KINDS: Mapping[str, Callable[[Watched], str | None]] = {
    "phone": lambda watched: watched.phone,
    "language": lambda watched: watched.language,
    "answers": _answers,
    "carer": lambda watched: "with" if watched.has_carer else "without",
    "home": _home,
}


def classes(counted: Counted) -> list[Class]:
    """Every class that some child is in, in the order of kinds and names."""
    every = []
    for kind, of in KINDS.items():
        names = {watched.child: of(watched) for watched in counted.result.watched}
        for name in sorted({name for name in names.values() if name is not None}):
            away = [
                detection
                for detection in counted.told
                if detection.is_away_after(HOURS) and names[detection.gone.child] == name
            ]
            every.append(
                Class(
                    kind,
                    name,
                    months=counted.months(lambda w, n=names, name=name: n[w.child] == name),  # type: ignore[misc]
                    false=sum(names[page.child] == name for page in counted.false),
                    absences=len(away),
                    told=sum(detection.is_told_within(HOURS) for detection in away),
                )
            )
    return every


class Gap(msgspec.Struct, frozen=True):
    """The two classes of a kind that differ most, in one figure."""

    what: str
    more: Class
    less: Class
    times: float

    @property
    def is_fair(self) -> bool:
        """Whether it is at most so many times as much."""
        return self.times <= MOST


def gaps(every: Sequence[Class]) -> Iterator[Gap]:
    """Of each kind with two classes that can be judged."""
    for _, of_kind in groupby(every, key=lambda of: of.kind):
        judged = [group for group in of_kind if group.is_judged]
        if len(judged) < 2:
            continue
        yield _gap("false pages", judged, lambda of: of.false_a_month)
        yield _gap("told within 24 h", judged, lambda of: of.share)


def _gap(what: str, judged: Sequence[Class], of: Callable[[Class], float]) -> Gap:
    more, less = max(judged, key=of), min(judged, key=of)
    most, least = of(more), of(less)
    times = most / least if least > 0 else float("inf") if most > 0 else 1.0
    return Gap(what, more, less, times)

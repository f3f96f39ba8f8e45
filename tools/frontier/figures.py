"""What the measured file comes to: one world, or all of them together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from server.simulation.reports import fairness
from server.simulation.reports.fairness import Class, Gap
from server.simulation.worlds.table import WORLDS
from tools.frontier.measured import Line, added

ALL = "all together"
# What was asked for, from week seven on.
FALSE, FIRST_FALSE, HIGH_FALSE = 0.9, 1.4, 4.0  # A child-month, at most.
TOLD, WORST_TOLD, HIGH_TOLD = 0.68, 0.58, 0.30  # Of those still away then, at least.
QUESTIONS, ROLL_CALLS = 2.0, 3.5  # A child-week; a home and day; at most.
FEW_MONTHS = 30  # Child-months of a class: with fewer, its false alarms are mostly chance.


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one world. Rates are a child-month, a child-week, or a home and day."""

    name: str
    line: Line

    def ratio(self, count: str, of: str) -> float:
        """A sum of the file by another; 0 where there is nothing to divide by."""
        return self.line[count] / self.line[of] if self.line[of] else 0.0

    @property
    def says(self) -> str:
        """What is special about the world."""
        return WORLDS[self.name].says

    @property
    def children(self) -> int:
        """How many children were simulated."""
        return len(self.line["runs"]) * int(self.line["children"])

    @property
    def absences(self) -> int:
        """The absences of a day and longer."""
        return int(self.line["absences"])

    @property
    def false(self) -> float:
        """False alarms a child-month, from week seven on."""
        return self.ratio("false", "months")

    @property
    def first(self) -> float:
        """The same in the first six weeks."""
        return self.ratio("first_false", "first_months")

    @property
    def told(self) -> float:
        """The share told within 24 hours, of those still away then."""
        return self.ratio("told", "absences")

    @property
    def high(self) -> float:
        """False alarms a child-month of the high level."""
        return self.ratio("high_false", "high_months")

    @property
    def questions(self) -> float:
        """Questions to carers, a child-week."""
        return self.ratio("questions", "weeks")

    @property
    def to_homes(self) -> float:
        """Questions to homes about one child, a child-week."""
        return self.ratio("to_homes", "weeks")

    @property
    def calls(self) -> float:
        """Roll calls of a home and day."""
        return self.ratio("calls", "home_days")

    def classes(self) -> list[Class]:
        """Every class, in the order of kinds and names."""
        found = []
        for name, (months, false, absences, told) in self.line["classes"].items():
            kind, _, of = name.partition(": ")
            found.append(Class(kind, of, months, int(false), int(absences), int(told)))
        order = list(fairness.KINDS)
        return sorted(found, key=lambda one: (order.index(one.kind), one.name))

    def gaps(self) -> list[Gap]:
        """How far the classes differ that have enough absences: two gaps for each kind."""
        return list(fairness.gaps(self.classes()))

    def unfair(self) -> list[Gap]:
        """Those that are too wide."""
        return [gap for gap in self.gaps() if not gap.is_fair]


def worlds(lines: Iterable[Line]) -> list[Figures]:
    """The measured worlds by their names."""
    found = [Figures(line["world"], line) for line in lines if line["of"] == "world"]
    return sorted(found, key=lambda one: one.name)


def all_of(every: Sequence[Figures]) -> Figures:
    """All worlds as one."""
    return Figures(ALL, reduce(added, (one.line for one in every)))


def false_alone(classes: Iterable[Class], kind: str) -> float | None:
    """How many times the false alarms of one class another has, whatever the absences; None: fewer
    than two classes have enough child-months."""
    rates = [one.false_a_month for one in classes if one.kind == kind and one.months >= FEW_MONTHS]
    if len(rates) < 2:
        return None
    return max(rates) / min(rates) if min(rates) else float("inf")


def share(told: float, of: float) -> str:
    """A share, with how many it is of; of a few only how many: a percentage would say too much."""
    return f"{told:.0f} of {of:.0f}" if of < fairness.FEW else f"{told / of:.0%} of {of:.0f}"

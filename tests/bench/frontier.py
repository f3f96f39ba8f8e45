"""The frontier: what a policy tells of absences, and whom it disturbs for nothing.

On the synthetic cohort (`waymark cohort`), which nobody has measured in the field: every figure
here is one of a simulation. Three families are compared, all of them by the rules of production:

- **period and grace**: no carer is asked; adults are called when nothing has come for so long after
  the check-in was due. The same time for every tier, and a tiered one.
- **asks the carer at each miss**: so long after due the carer is asked once; adults are called when
  the carer has not seen the child, or has said nothing for a time.
- **habit**: the policy that ships. In the high tier the carer is asked at each miss; in the others
  the carer is asked, and adults are called, by how unusual the silence is for this child, by who
  looked for it in vain, by warning signs, and by how often it was missing before
  (server/watch/machine/habit.py). Before adults are called, the child is asked once more.

The numbers of the habit were tuned on seeds 1 to 5; the fixed families are given every point of
their grid on the very seeds that are reported. The grid is small: a finer one may find better.
"""

import csv
import gc
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

from server.policy import parser as policies
from server.policy.model import EACH_MISS, SHIPPED, over
from server.simulation import cohort as cohorts
from server.simulation import evaluation as reports
from server.simulation import figures
from server.simulation.commands import _event
from server.simulation.evaluation import Gone
from server.simulation.events import HEADER, events_of
from server.simulation.kinds import Event
from server.simulation.replay import replay

DAYS, CHILDREN, SEEDS = 180, 160, (6, 7, 8, 9, 10)
PROCESSES = 2
HOUR = timedelta(hours=1)
Data = dict[str, dict[str, Any]]


def fixed(grace_h: float, silent_h: float | None = None, *, tiered: bool = False) -> Data:
    """Called so long after due; or the carer is asked then, and adults are called so long after."""
    found: Data = {}
    for tier, part in (("high", 0.25), ("mid", 0.5), ("low", 1.0)):
        share = part if tiered else 1.0
        window = 15 if silent_h is None else round(silent_h * 60 * share)
        found[tier] = {
            "grace": f"{max(round(grace_h * 60 * share), 30)}m",
            "remind_again": "15m",
            "ceiling": "29d",
            "asks_carer": silent_h is not None,
            "carer_window": f"{window}m",
            "carer_from": "00:00",
            "carer_until": "00:00",
            "seen_holds": None,
        }
    return found


def habit(ask: tuple[float, float], before: tuple[str, str]) -> Data:
    """By how unusual the silence is, with other lines than the policy that ships: from which odds
    the carer is asked, and how long before the ceiling in any case; in the middle and the low tier.
    """
    lines = {
        tier: {"habit": {"ask": ask[n], "ask_before": before[n]}}
        for n, tier in enumerate(("mid", "low"))
    }
    return over(SHIPPED, lines)


def uncalled() -> Data:
    """The policy that ships, where the child is not asked once more."""
    return over(SHIPPED, {tier: {"last_call": None} for tier in ("high", "mid", "low")})


PERIOD, CARER, HABIT = "period and grace", "asks the carer at each miss", "habit"
EACH = "asks at once"
AS_SHIPPED = "the policy that ships"
POLICIES: list[tuple[str, str, Data]] = [
    *((PERIOD, f"{h} h", fixed(h)) for h in (36, 48, 60, 72)),
    *((PERIOD, f"{h} h, tiered", fixed(h, tiered=True)) for h in (72, 84)),
    *((CARER, f"{g} h, then {w} h", fixed(g, w)) for g, w in ((2, 72), (12, 72), (26, 60))),
    *((CARER, f"{g} h, then {g + 12} h, tiered", fixed(g, g + 12, tiered=True)) for g in (48, 60)),
    (CARER, "40 h, then 60 h, tiered", fixed(40, 60, tiered=True)),
    (HABIT, AS_SHIPPED, SHIPPED),
    (HABIT, "the child is not asked once more", uncalled()),
    (HABIT, "asks late", habit((0.03, 0.02), ("8h", "12h"))),
    (HABIT, "asks early", habit((0.002, 0.001), ("24h", "48h"))),
    (EACH, "policies/each-miss.toml", EACH_MISS),
]


@dataclass(slots=True)
class Score:
    """What one policy came to; those of several seeds add up."""

    weeks: float = 0.0
    false: int = 0
    said: int = 0
    pages: int = 0
    asked: int = 0
    long: list[float | None] = field(default_factory=list)  # Hours until told, of each absence.
    high: list[float | None] = field(default_factory=list)
    every: list[float | None] = field(default_factory=list)
    classes: dict[str, list[float]] = field(default_factory=dict)  # False pages, and weeks.

    def add(self, other: "Score") -> None:
        for name in ("weeks", "false", "said", "pages", "asked", "long", "high", "every"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, (false, weeks) in other.classes.items():
            known = self.classes.get(name, [0.0, 0.0])
            self.classes[name] = [known[0] + false, known[1] + weeks]

    @property
    def false_a_week(self) -> float:
        """For a worker with twenty children."""
        return 20 * self.false / self.weeks

    @property
    def asked_a_week(self) -> float:
        """Questions to carers per child."""
        return self.asked / self.weeks


def within(delays: Sequence[float | None], hours: float) -> float:
    """The share of the absences of which a person was told within so many hours."""
    return sum(d is not None and d <= hours for d in delays) / max(len(delays), 1)


def median(delays: Sequence[float | None]) -> float:
    """Of all of them, those never told being the longest."""
    ordered = sorted(float("inf") if d is None else d for d in delays)
    return ordered[len(ordered) // 2] if ordered else float("inf")


# --- measuring


@contextmanager
def changed(parameters: dict[str, Any]) -> Iterator[None]:
    """The cohort with other parameters: for the sensitivity alone, in a process of its own."""
    before = {name: getattr(figures, name) for name in parameters}
    for name, value in parameters.items():
        setattr(figures, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(figures, name, value)


Job = tuple[int, int, dict[str, Any], list[Data]]


def measure(job: Job) -> list[Score]:
    """Several policies on the cohort of one seed."""
    children, seed, parameters, tried = job
    with changed(parameters):
        rows, absences = cohorts.cohort(children, DAYS, seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_event(row) for row in rows)
    text.seek(0)
    events = list(events_of(text))
    truth = [Gone(a.child, a.left_at, a.back_at, a.is_coerced) for a in absences]
    gc.disable()
    return [score(events, truth, data) for data in tried]


def score(events: list[Event], truth: list[Gone], data: Data) -> Score:
    result = replay(events, policies.read(policies.filled(data)))
    told, pages = reports.tell(result, truth), reports.pages(result, truth)
    false = [page for page in pages if page.is_false]
    found = Score(
        weeks=_weeks(reports.child_months(result)),
        false=len(false),
        said=sum(page.was_said for page in false),
        pages=len(pages),
        asked=sum(row.level == "ask_carer" for row in result.rows),
        every=[_hours(one) for one in told],
        long=[_hours(one) for one in told if _is_long(one.gone)],
        high=[_hours(one) for one in told if one.tier == "high"],
    )
    regular = _regular(events)
    kinds: list[tuple[str, Callable[[Any], str | None]]] = [
        ("phone", lambda w: w.phone),
        ("language", lambda w: w.language),
        ("answers", lambda w: regular.get(w.child)),
    ]
    for kind, of in kinds:
        known = {w.child: of(w) for w in result.watched}
        for value in {value for value in known.values() if value is not None}:
            weeks = _weeks(reports.child_months(result, lambda w, v=value, of=of: of(w) == v))  # type: ignore[misc]
            count = sum(known[page.child] == value for page in false)
            found.classes[f"{kind}: {value}"] = [float(count), weeks]
    return found


def _regular(events: list[Event]) -> dict[str, str]:
    """Three classes of children, by how many answers they gave a day of those asked for."""
    asked: dict[str, int] = {}
    answers: dict[str, int] = {}
    begun: dict[str, Event] = {}
    for event in events:
        if event.kind == "placed":
            begun[event.child] = event
            asked[event.child] = len(event.detail.rhythm.at)  # type: ignore[union-attr]
        elif event.kind == "check_in":
            answers[event.child] = answers.get(event.child, 0) + 1
    end = events[-1].at
    shares = {
        child: answers.get(child, 0) / max((end - first.at).days * asked[child], 1)
        for child, first in begun.items()
    }
    return {
        child: "seldom" if share < 0.5 else "often" if share < 0.75 else "nearly always"
        for child, share in shares.items()
    }


def _weeks(months: float) -> float:
    return months * reports.MONTH / timedelta(days=7)


def _is_long(gone: Gone) -> bool:
    return gone.back_at is None or gone.back_at - gone.left_at >= reports.LONG


def _hours(told: reports.Told) -> float | None:
    return None if told.delay is None else told.delay / HOUR


def measured(
    tried: list[Data], seeds: Sequence[int], parameters: dict[str, Any], children: int = CHILDREN
) -> list[Score]:
    """The policies on all seeds, a process per core."""
    with get_context("spawn").Pool(PROCESSES) as pool:
        jobs: list[Job] = [(children, seed, parameters, tried) for seed in seeds]
        found = [Score() for _ in tried]
        for scores in pool.imap_unordered(measure, jobs):
            for whole, part in zip(found, scores, strict=True):
                whole.add(part)
    return found

"""Each world under policies/weighed.toml: what was told, what disturbed for nothing, by class.

Everything is counted from week seven on, but for what is named `first`.
"""

import csv
import gc
import io
import tomllib
from collections.abc import Iterator
from datetime import time, timedelta
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from server.policy.adapting import with_factors
from server.policy.budget import Adapt
from server.policy.model import Policy, Tier
from server.policy.parser import merged
from server.policy.parser import read as read_policy
from server.simulation.commands import _event
from server.simulation.evaluation import MONTH, Counted, Gone, counted
from server.simulation.events import HEADER, events_of
from server.simulation.kinds import Event
from server.simulation.life import Absence, Row
from server.simulation.outcomes import Result
from server.simulation.replay import replay
from server.simulation.reports import fairness
from server.simulation.telling import ASK, ASK_WITNESS
from server.simulation.worlds.making import make
from server.simulation.worlds.table import world
from tools.frontier import weeks
from tools.frontier.measured import Line

POLICY = Path("policies/weighed.toml")
# No number of the policy was set on these: it was tuned on `ordinary`, `guessing_carers` and
# `quiet_flats`; `by_habit`, `bunched` and `no_night_staff` were looked at for its first version.
WORLDS = (
    "after_visits",
    "by_group",
    "by_mood",
    "coerced",
    "dying_phones",
    "late_evenings",
    "one_outcome",
    "outages",
    "pay_days",
    "seasons",
    "seldom",
)
ORDINARY = "ordinary"  # Drawn beside them, for one week, and not measured.
# One seed has the same children in every world: weeks are compared, so they share one. Figures of
# all worlds are added up, so there each world has seeds, and children, of its own. Nothing was
# tuned on any of them.
WEEK_SEED = 101
SEEDS = {name: range(200 + 100 * n, 290 + 100 * n) for n, name in enumerate(WORLDS)}
CURVE_SEEDS = {name: range(290 + 100 * n, 292 + 100 * n) for n, name in enumerate(WORLDS)}
USUAL_SEEDS = 20  # Of a world, unless more are asked for.
CHILDREN, DAYS, FROM_DAY = 40, 126, 42
SIZE = {"children": CHILDREN, "days": DAYS, "from_day": FROM_DAY}
ROLL_CALLS = {0: (), 2: (time(8, 30), time(22, 30)), 3: (time(8, 30), time(17, 30), time(22, 30))}
WEEK = timedelta(days=7)
TIMES = (0.5, 1.0, 2.0)  # The line from which adults are called, times the policy's own.


def policy() -> Policy:
    """The policy whose figures these are."""
    return read_policy(merged(tomllib.loads(POLICY.read_text(encoding="utf-8"))))


def made(name: str, seed: int, children: int = CHILDREN) -> tuple[list[Event], list[Gone]]:
    """The events of a world, and its truth."""
    rows, absences = make(world(name), children, DAYS, seed)
    return _events(rows), _gone(absences)


def _events(rows: list[Row]) -> list[Event]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_event(row) for row in rows)
    text.seek(0)
    return list(events_of(text))


def _gone(absences: list[Absence]) -> list[Gone]:
    return [Gone(a.child, a.left_at, a.back_at, a.is_coerced) for a in absences]


def replayed(events: list[Event], by: Policy) -> Result:
    """One replay. It makes no cycles, and the collector would walk through all events for them."""
    gc.disable()
    try:
        return replay(events, by)
    finally:
        gc.enable()


def of_week(name: str, seed: int) -> Iterator[Line]:
    """A week of one home in a world. The line of the policy stays as written
    there, so that no other child changes what happens."""
    rows, absences = make(world(name), CHILDREN, DAYS, seed)
    by = _as_written(policy())
    here, there = weeks.Lived(rows, _gone(absences)), _usual(seed)
    of = weeks.chosen(here, there, by.roll_call.at)
    result = replayed(_events([row for row in rows if row[1] in (*of.children, "")]), by)
    week = weeks.told(here, of, result, by.roll_call.at)
    yield {"of": "week", "world": name, "runs": [seed]} | SIZE | week


@lru_cache(maxsize=1)
def _usual(seed: int) -> weeks.Lived:
    rows, absences = make(world(ORDINARY), CHILDREN, DAYS, seed)
    return weeks.Lived(rows, _gone(absences))


def of_world(name: str, seed: int, children: int = CHILDREN) -> Iterator[Line]:
    """The figures of one world and seed."""
    events, truth = made(name, seed, children)
    result = replayed(events, policy())
    yield {
        "of": "world",
        "world": name,
        "runs": [seed],
        **(SIZE | {"children": children}),
        **_figures(result, truth),
        "classes": _classes(counted(result, truth, FROM_DAY)),
    }


def _figures(result: Result, truth: list[Gone]) -> Line:
    late, every = counted(result, truth, FROM_DAY), counted(result, truth)
    return {
        **_short(late),
        "said": sum(page.was_said for page in late.false),
        "first_false": len(every.false) - len(late.false),
        "first_months": round(every.months() - late.months(), 2),
        **_high(late),
        "weeks": round(late.months() * (MONTH / WEEK), 1),
        "questions": late.rows(ASK),
        "to_homes": late.rows(ASK_WITNESS),
        **_roll_calls(late),
    }


def _short(of: Counted) -> Line:
    away = [told for told in of.told if told.is_away_after(24)]
    return {
        "months": round(of.months(), 2),
        "false": len(of.false),
        "absences": len(away),
        "told": sum(told.is_told_within(24) for told in away),
    }


def _high(of: Counted) -> Line:
    away = [told for told in of.told if told.tier is Tier.HIGH and told.is_away_after(6)]
    return {
        "high_months": round(of.months(tier=Tier.HIGH), 2),
        "high_false": sum(page.tier is Tier.HIGH for page in of.false),
        "high_absences": len(away),
        "high_told": sum(told.is_told_within(6) for told in away),
    }


def _roll_calls(of: Counted) -> Line:
    calls = [(at, home) for at, home in of.result.roll_calls if of.since is None or at >= of.since]
    return {"calls": len(calls), "home_days": len({(at.date(), home) for at, home in calls})}


def _classes(of: Counted) -> dict[str, list[float]]:
    """By `kind: name`: child-months, false pages, absences of a day and longer, told of these."""
    return {
        f"{one.kind}: {one.name}": [round(one.months, 2), one.false, one.absences, one.told]
        for one in fairness.classes(of)
    }


# --- two and three roll calls a day


def of_curve(name: str, seed: int) -> Iterator[Line]:
    """The same world with fewer roll calls, and with other lines. The line does not adapt here."""
    events, truth = made(name, seed)
    for calls in ROLL_CALLS:
        for times in TIMES:
            result = replayed(events, _with(policy(), calls, times))
            yield {
                "of": "curve",
                "roll_calls": calls,
                "times": times,
                "runs": [f"{name} {seed}"],
                **SIZE,
                **_short(counted(result, truth, FROM_DAY)),
            }


def _with(by: Policy, calls: int, times: float) -> Policy:
    fewer = replace(_as_written(by), roll_call=replace(by.roll_call, at=ROLL_CALLS[calls]))
    return with_factors(fewer, dict.fromkeys(Tier, times))


def _as_written(by: Policy) -> Policy:
    """The policy whose line stays where it is."""
    return replace(by, budget=replace(by.budget, adapt=Adapt.NEVER))

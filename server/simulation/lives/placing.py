"""How a child of the synthetic cohort begins to be watched, and what raises the level later."""

from collections.abc import Sequence
from datetime import datetime, time
from random import Random
from typing import Any

from server.simulation import figures
from server.simulation.figures import Kind
from server.simulation.life import BEGIN, DAY, HOUR, Life, as_utc, whole
from server.watch.rhythm.rules import as_data


def times(random: Random, kind: Kind) -> tuple[time, ...]:
    """The agreed times. A newly placed child has agreed on more than one a day."""
    rhythms = [(share, at) for share, at in figures.RHYTHMS if len(at) > 1 or not kind.is_new]
    return random.choices([at for _, at in rhythms], [share for share, _ in rhythms])[0]


def begins(random: Random, kind: Kind, days: int) -> datetime:
    """New placements come over the whole time, so that there are first nights throughout."""
    late = random.random() * max(days - 30, 0) * 0.8 if kind.is_new else 0.0
    return whole(BEGIN + late * DAY + random.random() * 9 * HOUR)


def placed(life: Life, **more: Any) -> None:
    """The watch begins; `more` is added to what the row says of it."""
    phone, speaks = _one_of(life, figures.PHONES), _one_of(life, figures.LANGUAGES)
    life.add(
        life.begin,
        "placed",
        zone=life.zone.key,
        tier="high" if life.kind.is_new else "low",
        rhythm=as_data(life.rhythm),
        carer=life.has_carer,
        phone=phone,
        language=speaks,
        **more,
    )
    if life.kind.is_new:
        life.add(life.begin + 3 * DAY, "tier", tier="mid")
        life.add(life.begin + 30 * DAY, "tier", tier="low")


def _one_of(life: Life, shares: Sequence[tuple[str, float]]) -> str:
    return life.random.choices([name for name, _ in shares], [share for _, share in shares])[0]


def milestones(life: Life) -> None:
    for number, day in life.each_day():
        for what, month in figures.MILESTONES_MONTH:
            if number > 3 and life.chance(month / figures.MONTH_DAYS):
                at = as_utc(day, time(life.random.randint(9, 16), 20), life.zone)
                life.milestones.append((at, what))
                life.add(at, "milestone", what=what)
                if what != "hearing":
                    raise_tier(life, at)


def raise_tier(life: Life, at: datetime) -> None:
    """High for 72 hours where the rhythm fits, then middle for the rest of thirty days."""
    fits = len(life.rhythm.at) > 1
    life.add(at, "tier", tier="high" if fits else "mid")
    if fits:
        life.add(at + 3 * DAY, "tier", tier="mid")
    life.add(at + 30 * DAY, "tier", tier="low")

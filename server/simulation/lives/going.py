"""When a child of the synthetic cohort leaves, for how long, and what follows the return."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time

from server.simulation import figures
from server.simulation.life import DAY, HOUR, Absence, Life, as_utc, whole
from server.simulation.lives.placing import raise_tier


def usual(life: Life) -> Iterator[datetime]:
    """When the child might leave: likelier soon after the placement, after news, at weekends."""
    return by_day(life, wander(life))


def wander(life: Life) -> float:
    """How likely this child is to leave on an ordinary day."""
    frailty = life.random.gammavariate(figures.FRAILTY, 1 / figures.FRAILTY)
    return life.kind.missing_month / figures.MONTH_DAYS * frailty


def hazard(life: Life, number: int, day: date) -> float:
    """How many times likelier than on an ordinary day the child leaves on this one."""
    placed = number + life.settled_days
    factor = next((times for until, times in figures.NEW_DAYS if placed < until), 1.0)
    noon = as_utc(day, time(12), life.zone)
    if any(DAY * 0 <= noon - at < figures.AFTER_DAYS * DAY for at, _ in life.milestones):
        factor *= figures.AFTER_MILESTONE
    return factor * (1.2 if day.weekday() >= 4 else 0.9)


def leaves(life: Life, day: date) -> datetime:
    """The moment of a day at which the child leaves: mostly in the evening or at night."""
    random = life.random
    hour = random.choice((18, 19, 20, 21, 22, 23, 0, 1, 2))
    if not life.chance(figures.EVENING_GOING):
        hour = random.randint(7, 17)
    return as_utc(day, time(hour, random.randint(0, 59)), life.zone)


def by_day(
    life: Life,
    base: float,
    times: Callable[[date], float] = lambda _: 1.0,
    moment: Callable[[Life, date], datetime] = leaves,
) -> Iterator[datetime]:
    """Each day by itself: `base` is the chance of an ordinary one, `times` what the day makes of
    it, and `moment` is when the child leaves then."""
    for number, day in life.each_day():
        if life.chance(min(base * hazard(life, number, day) * times(day), 0.5)):
            yield moment(life, day)


def absence(life: Life, left: datetime, coerced: float | None = None) -> Absence:
    """An absence that begins then. `coerced`: the share of those who go on answering."""
    random, coerced = life.random, figures.COERCED if coerced is None else coerced
    back: datetime | None = left + (0.08 + 1.92 * random.random() ** 1.6) * DAY
    if not life.chance(figures.SHORT):
        back = left + (2 + min(random.lognormvariate(1.6, 1.0), 120)) * DAY
        if life.chance(life.kind.never_found / (1 - figures.SHORT)):
            back = None
    if back is not None:
        back = whole(back) if back < life.end else None
    is_coerced = life.chance(coerced)
    stops = left
    if is_coerced:
        stops = back or life.end
    elif life.chance(figures.STOPS_LATER / (1 - coerced)):
        stops = left + (1 + 2 * random.random()) * DAY
    drifts = left - random.uniform(2, 5) * DAY if life.chance(figures.DRIFT) else None
    duress = is_coerced and life.chance(figures.COERCED_DURESS)
    return Absence(life.name, left, back, is_coerced, stops, duress, drifts)


def go(
    life: Life, moments: Iterable[datetime], away: Callable[[Life, datetime], Absence] = absence
) -> None:
    """The child leaves at these moments, unless they are gone or have only just come back."""
    free_from = life.begin
    for left in moments:
        if left > free_from and left < life.end:
            gone = away(life, left)
            life.absences.append(gone)
            free_from = (gone.back_at or life.end) + DAY
            afterwards(life, gone)


def afterwards(life: Life, absence: Absence) -> None:
    """A professional sees a child who comes back, and a person raises the tier."""
    if absence.back_at is not None:
        life.add(absence.back_at + HOUR, "sighting", by="professional")
        life.add(absence.back_at + HOUR, "milestone", what="return")
        raise_tier(life, absence.back_at + HOUR)

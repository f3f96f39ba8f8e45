"""When children of a world leave."""

from collections.abc import Iterator
from datetime import date, datetime, time
from math import exp

from server.simulation import figures as cohort
from server.simulation.life import DAY, HOUR, Life, as_utc
from server.simulation.lives import going
from server.simulation.worlds import calendar, figures
from server.simulation.worlds.residents import Resident


def usual(child: Resident) -> Iterator[datetime]:
    """As in the cohort: each for themselves, likelier when new, after news, at weekends."""
    return going.usual(child.life)


def bunched(child: Resident) -> Iterator[datetime]:
    """With others of the same home, within hours."""
    life = child.life
    moments = _alone(life, going.wander(life))
    for home, since, until in child.homes():
        for moment in home.bunches:
            joins, after = life.chance(figures.BUNCH_JOINS), life.random.random()
            if joins and since < moment < until:
                moments.append(moment + after * figures.BUNCH_WITHIN_H * HOUR)
    yield from sorted(moments)


def after_visits(child: Resident) -> Iterator[datetime]:
    """Within two days of a visit."""
    life, wander = child.life, going.wander(child.life)
    moments = _alone(life, wander)
    each = sum(figures.VISIT_EACH_DAYS) / 2 * figures.AFTER_VISIT
    for number, (_, end) in enumerate(child.visits):
        day = end.astimezone(life.zone).date()
        hazard = going.hazard(life, number * sum(figures.VISIT_EACH_DAYS) // 2, day)
        leaves = life.chance(min(wander * each * hazard, 0.6))
        after = life.random.random() * figures.AFTER_VISIT_H * HOUR
        if leaves:
            moments.append(end + after)
    yield from sorted(moments)


def pay_days(child: Resident) -> Iterator[datetime]:
    """In the day after the allowance is paid."""
    life, wander = child.life, going.wander(child.life)
    month = cohort.MONTH_DAYS / len(figures.PAY_DAYS) * (1 - figures.ALONE)

    def times(day: date) -> float:
        return figures.ALONE + (month if calendar.is_pay_day(day) else 0.0)

    def moment(life: Life, day: date) -> datetime:
        if not calendar.is_pay_day(day):
            return going.leaves(life, day)
        return as_utc(day, time(15), life.zone) + life.random.random() * DAY

    return going.by_day(life, wander, times, moment)


def low_mood(child: Resident) -> Iterator[datetime]:
    """The likelier, the worse they feel."""
    strength = figures.MOOD_LEAVES

    def times(day: date) -> float:
        mood = child.mood(as_utc(day, time(12), child.life.zone))
        return exp(-strength * mood - strength**2 / 2)

    return going.by_day(child.life, going.wander(child.life), times)


def at_night(child: Resident) -> Iterator[datetime]:
    """When nobody is awake."""

    def moment(life: Life, day: date) -> datetime:
        if not life.chance(figures.AT_NIGHT):
            return going.leaves(life, day)
        hour, minute = life.random.choice((23, 0, 1, 2, 3, 4)), life.random.randint(0, 59)
        return as_utc(day, time(hour, minute), life.zone)

    return going.by_day(child.life, going.wander(child.life), moment=moment)


def by_season(child: Resident) -> Iterator[datetime]:
    """When holidays begin; and some do not come back from a weekend's leave."""
    life, wander = child.life, going.wander(child.life)

    def times(day: date) -> float:
        return figures.HOLIDAY_LEAVES if calendar.holidays_begin(day) else 0.8

    moments = list(going.by_day(life, wander, times))
    moments += [end for _, end in child.weekends if life.chance(figures.STAYS_AWAY)]
    yield from sorted(moments)


def _alone(life: Life, wander: float) -> list[datetime]:
    """What remains of the usual leaving beside a world's own cause."""
    return list(going.by_day(life, wander * figures.ALONE))

"""Where a child is who has not left: on agreed leave, or out past the hour and coming back."""

from collections.abc import Callable
from datetime import date, datetime, time

from server.clock import stamp
from server.simulation.life import DAY, HOUR, as_utc
from server.simulation.lives import around
from server.simulation.worlds import calendar, figures
from server.simulation.worlds.residents import Resident


def usual_leave(child: Resident) -> None:
    """As in the cohort: some days, a few times a year."""
    around.pauses(child.life)


def visits(child: Resident) -> None:
    """The usual ones, and the afternoons on which people from before see the child."""
    usual_leave(child)
    for begin, until in child.visits:
        _leave(child, begin, until)


def seasons(child: Resident) -> None:
    """The usual ones, every second weekend for some, and a week in each holiday for a third."""
    usual_leave(child)
    for begin, until in child.weekends:
        _leave(child, begin, until)
    for _, day in child.life.each_day():
        begins = calendar.is_holiday(day) and not calendar.is_holiday(day - DAY)
        if begins and child.life.chance(1 / 3):
            begin = as_utc(day + child.life.random.randint(0, 4) * DAY, time(10), child.life.zone)
            _leave(child, begin, begin + child.life.random.randint(4, 9) * DAY)


def _leave(child: Resident, begin: datetime, until: datetime) -> None:
    life = child.life
    is_free = life.gone(begin) is None and begin > life.begin
    if is_free and not any(b < until and begin < u for b, u in life.pauses):
        life.pauses.append((begin, until))
        life.add(begin, "pause", until=stamp(until))


# --- past the hour


def usual(child: Resident) -> None:
    """Now and then, mostly on Friday and Saturday, and some children much more than others."""
    _late(child, lambda _: 1.0)


def on_pay_days(child: Resident) -> None:
    """Above all on the evening of a pay day."""
    _late(child, lambda day: figures.PAY_LATE if calendar.is_pay_day(day) else 0.8)


def after_leave(child: Resident) -> None:
    """The usual ones, and late back from a weekend's leave."""
    usual(child)
    life = child.life
    for _, end in child.weekends:
        after = life.random.uniform(0.5, 5) * HOUR
        if life.chance(figures.BACK_LATE) and life.gone(end) is None:
            child.outings.append((end, end + after))


def _late(child: Resident, times: Callable[[date], float]) -> None:
    life, random = child.life, child.life.random
    first, last = figures.LATE_FROM
    for _, day in life.each_day():
        share = figures.LATE_WEEKEND if day.weekday() in (4, 5) else figures.LATE_WEEKDAY
        if not life.chance(min(share * child.late * times(day), 0.9)):
            continue
        at = as_utc(day, time(random.randint(first, last - 1), random.randint(0, 59)), life.zone)
        until = at + min(random.lognormvariate(0, figures.LATE_SIGMA) * figures.LATE_H, 9) * HOUR
        if at > life.begin:
            child.outings.append((at, until))

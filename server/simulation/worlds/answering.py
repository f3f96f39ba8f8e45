"""How children of a world answer what is due."""

from datetime import datetime
from math import exp, log

from server.simulation import figures as cohort
from server.simulation.lives import check_ins
from server.simulation.lives.check_ins import Answering
from server.simulation.worlds import calendar, figures
from server.simulation.worlds.residents import Resident

_LEAST, _MOST = 0.02, 0.99
_MEAN = cohort.ANSWERS[0] / sum(cohort.ANSWERS)


def usual(child: Resident, due: datetime) -> Answering:
    """As in the cohort: each round by itself."""
    return check_ins.usual(child.life, due)


def by_habit(child: Resident, due: datetime) -> Answering:
    """At their own time as long as the habit lasts, and hardly ever when it is lost."""
    is_in = child.is_in_habit(due)
    own = min(child.life.answers / _MEAN, 1.03)
    chance = (figures.HABIT_IN if is_in else figures.HABIT_OUT) * own
    return Answering(_bounded(chance), 0.3 if is_in else 2.0, child.own_minutes if is_in else 0.0)


def by_mood(child: Resident, due: datetime) -> Answering:
    """More often and sooner the better they feel; the mood in the answer is the true one."""
    mood, chance = child.mood(due), usual(child, due).chance
    odds = log(chance / (1 - chance)) + figures.MOOD_ANSWERS * mood
    shown = min(max(round(3 + 1.1 * mood), 1), 5)
    return Answering(_bounded(1 / (1 + exp(-odds))), exp(-0.4 * mood), mood=shown)


def by_group(child: Resident, due: datetime) -> Answering:
    """A home thinks of it together, or forgets it together."""
    day = due.astimezone(child.life.zone).date()
    is_forgotten = child.home_at(due).forgets(day)
    times = figures.GROUP_FORGETS_TIMES if is_forgotten else figures.GROUP_REMEMBERS_TIMES
    return Answering(_bounded(usual(child, due).chance * times))


def coerced(child: Resident, due: datetime) -> Answering:
    """Those who are gone and go on answering do so better than ever: another holds the phone."""
    gone = child.life.gone(due)
    if gone is not None and gone.is_coerced:
        return Answering(figures.COERCED_ANSWERS, figures.COERCED_SLOWER)
    return usual(child, due)


def by_season(child: Resident, due: datetime) -> Answering:
    """Later in the holidays; those who fast, after sunset."""
    local = due.astimezone(child.life.zone)
    chance, later = usual(child, due).chance, 0.0
    if calendar.is_holiday(local.date()):
        chance *= figures.HOLIDAY_ANSWERS
        later += figures.HOLIDAY_LATER_MIN if local.hour < 12 else 0.0
    if child.fasts and local.hour < 19 and calendar.is_ramadan(local.date()):
        chance *= figures.RAMADAN_DAY
        later += figures.RAMADAN_LATER_MIN
    return Answering(_bounded(chance), later_min=later)


def _bounded(chance: float) -> float:
    return min(max(chance, _LEAST), _MOST)

"""How the children of the synthetic cohort answer, and forget to."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from server.clock import stamp
from server.simulation import figures
from server.simulation.life import DAY, HOUR, MINUTE, Absence, Life, as_utc, whole
from server.watch.rhythm.rules import next_due


class Answering(NamedTuple):
    """How likely a round is answered; the delay is so many times longer, and later by minutes."""

    chance: float
    slower: float = 1.0
    later_min: float = 0.0
    mood: int | None = None  # None: any.


# How a child would answer a round that is due at a moment.
Answers = Callable[[Life, datetime], Answering]


def rounds(life: Life, answers: Answers | None = None) -> None:
    """What the child answers; without `answers` as usual."""
    answers = answers or usual
    after = life.begin
    while (due := next_due(life.rhythm, life.zone, (), after)) is not None and due < life.end:
        if not any(begin <= due < until for begin, until in life.pauses):
            _round(life, due, answers(life, due))
        after = due


def _round(life: Life, due: datetime, how: Answering) -> None:
    """One expected check-in: whether it is answered, and when."""
    drifts = any(
        absence.drifts_from is not None and absence.drifts_from <= due < absence.left_at
        for absence in life.absences
    )
    chance = how.chance * (figures.DRIFT_ANSWERS if drifts else 1)
    delay = life.random.lognormvariate(0, figures.DELAY_SIGMA) * figures.DELAY_MEDIAN_MIN
    delay *= (figures.DRIFT_DELAY if drifts else 1) * how.slower
    if life.chance(figures.AFTER_REMINDER):
        delay += 30
    at = _awake(life, due + (delay + how.later_min) * MINUTE)
    if life.chance(figures.EARLY):
        at = max(due - life.random.uniform(5, 60) * MINUTE, life.begin + MINUTE)
    answers, mood = life.chance(chance), life.random.randint(1, 5)
    wish, opens = life.random.random(), life.chance(0.25)
    if at - due > 20 * HOUR or any(begin <= at < until for begin, until in life.outages):
        return
    absence = life.gone(at)
    if absence is not None and (at >= absence.stops_at):
        return
    if answers:
        _answer(life, at, how.mood or mood, wish, absence)
    elif opens and absence is None:
        life.add(whole(at), "app_seen")


def usual(life: Life, due: datetime) -> Answering:
    """As likely as the child is to answer, falling with the weeks; by weekday and time of day."""
    local = due.astimezone(life.zone)
    days = (due - life.begin) / DAY
    chance = life.answers * max(1 - figures.FATIGUE_WEEK * days / 7, figures.FATIGUE_FLOOR)
    chance += figures.NOVELTY if days < figures.NOVELTY_DAYS and life.kind.is_new else 0
    chance += figures.WEEKEND if local.weekday() >= 5 else 0
    chance += figures.EVENING if local.hour >= 17 else -figures.EVENING
    return Answering(min(max(chance, 0.03), 0.99))


def _awake(life: Life, at: datetime) -> datetime:
    """Children do not answer while asleep: the answer comes after waking up."""
    local = at.astimezone(life.zone)
    if figures.SLEEP_UNTIL <= local.time() < figures.SLEEP_FROM:
        return at
    day = local.date() + (DAY if local.time() >= figures.SLEEP_FROM else 0 * DAY)
    return as_utc(day, figures.SLEEP_UNTIL, life.zone) + life.random.uniform(0, 90) * MINUTE


def _answer(life: Life, at: datetime, mood: int, wish: float, absence: Absence | None) -> None:
    detail: dict[str, Any] = {"mood": mood}
    if absence is not None and absence.uses_duress:
        detail["duress"] = True
    elif absence is None and wish < figures.WANTS_HELP:
        detail["want"] = "help"
    elif absence is None and wish < figures.WANTS_HELP + figures.WANTS_TALK:
        detail["want"] = "talk"
    life.add(whole(at), "check_in", **detail)


def called(life: Life, answers: Answers | None = None) -> None:
    """What the child does if asked once more, on each day from morning to night: they answer half
    as likely as a round, and not without their phone or after they have stopped answering."""
    answers = answers or usual
    # A generator of its own, so that nothing else of the cohort depends on it.
    random = Random(f"waymark cohort {life.name} {life.answers}")  # noqa: S311 (a simulation, and repeatable)
    mute = [*life.outages, *((gone.stops_at, gone.back_at or life.end) for gone in life.absences)]
    for _, day in life.each_day():
        begin = as_utc(day, figures.SLEEP_UNTIL, life.zone)
        is_answered = random.random() < figures.CALLED * answers(life, begin).chance
        after = max(
            int(random.lognormvariate(0, figures.DELAY_SIGMA) * figures.DELAY_MEDIAN_MIN * 60), 20
        )
        for at, until in outside(mute, begin, as_utc(day, figures.SLEEP_FROM, life.zone)):
            until -= after * timedelta(seconds=1)
            if is_answered and at < until and at > life.begin:
                text = stamp(until)
                life.add(
                    whole(at), "if_asked", until=text, by="child", answer="answered", after_s=after
                )


def outside(
    spans: list[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """What is left of a time without these spans of it."""
    for first, last in sorted(spans):
        if first < end and last > begin:
            if begin < first:
                yield begin, first
            begin = max(begin, last)
    if begin < end:
        yield begin, end

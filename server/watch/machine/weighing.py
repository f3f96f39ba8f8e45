"""Which facts weighed when adults were called, the heaviest first. Pure.

What a fact weighs is how many times as likely it made it that the child has gone: the same ratios
that the odds are made of. A level that does not go by odds has its reason first, and then what else
was known.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log

from server.alerts.weighed import Fact, Kind, Misses
from server.policy.model import Doubt
from server.policy.slots import slot
from server.watch.machine.alarms import missed_in
from server.watch.machine.habit import Habit, Look, ratio_of
from server.watch.machine.seen import silent_since
from server.watch.machine.standing import Standing, Terms, Why

# A silence of half a day tells nothing; twice as long weighs like a doubling of the odds.
_USUAL = timedelta(hours=12)
_SELDOM, _SOMETIMES = 0.8, 0.5
_DECIDED = {
    Why.CEILING: Kind.LONGEST,
    Why.MISSES: Kind.TOO_MANY,
    Why.CARER_SILENT: Kind.CARER_SILENT,
    Why.NO_CARER: Kind.NO_CARER,
    Why.NOT_MET: Kind.NOT_MET,
    Why.NOT_SEEN: Kind.NOT_SEEN,
    Why.NOT_HERE: Kind.NOT_HERE,
}
# What each of these tells already.
_COVERED = {Kind.LONGEST: Kind.SILENCE, Kind.TOO_MANY: Kind.MISSED}

# Where silences are weighed, these have their place among the others.
_WEIGHED = (Kind.NOT_SEEN, Kind.NOT_HERE)

_Weight = tuple[float, Fact]


def weighed(standing: Standing, terms: Terms, why: Why | None, at: datetime) -> tuple[Fact, ...]:
    """The facts of a call to adults at a moment: what decided it alone, if anything did; then the
    others by what they weighed."""
    since = silent_since(standing, terms)
    missed = [due for due in missed_in(standing, terms) if since < due < at]
    decided = _decided(standing, terms, why, missed, at)
    covered = {_COVERED.get(fact.kind, fact.kind) for fact in decided}
    every = [*_silence(since, at), *_missed(missed, terms), *_known(terms, since, at)]
    ordered = sorted(every, key=lambda pair: (-abs(pair[0]), pair[1].at))
    return (*decided, *(fact for _, fact in ordered if fact.kind not in covered))


def _decided(
    standing: Standing, terms: Terms, why: Why | None, missed: list[datetime], at: datetime
) -> tuple[Fact, ...]:
    kind = _DECIDED.get(why) if why is not None else None
    if kind is None or (terms.steps.doubt is not None and kind in _WEIGHED):
        return ()
    if kind in (Kind.LONGEST, Kind.NOT_MET):
        return (Fact(kind, silent_since(standing, terms)),)
    if kind is Kind.TOO_MANY:
        return (Fact(kind, min(missed, default=at), max(len(missed), 1)),)
    return (Fact(kind, (standing.asked_at if kind is Kind.CARER_SILENT else None) or at),)


def _silence(since: datetime, at: datetime) -> Iterator[_Weight]:
    if at > since:
        yield max(log((at - since) / _USUAL), 0.0), Fact(Kind.SILENCE, since)


def _missed(missed: list[datetime], terms: Terms) -> Iterator[_Weight]:
    if not missed:
        return
    slots, habit = [slot(due, terms.zone) for due in missed], terms.knowledge.habit
    others = terms.steps.doubt.usual if terms.steps.doubt is not None else None
    weight = sum(log(ratio_of(habit, each, others)) for each in slots)
    usual = sum(habit.answers(each, others) for each in slots) / len(slots)
    misses = _misses(usual) if _is_known(habit) else None
    yield weight, Fact(Kind.MISSED, missed[0], len(missed), misses)


def _is_known(habit: Habit) -> bool:
    """Whether this child's own rounds say what is usual: as many as children on the whole weigh."""
    return habit.whole[1] >= 10


def _misses(answers: float) -> Misses:
    if answers >= _SELDOM:
        return Misses.SELDOM
    return Misses.SOMETIMES if answers >= _SOMETIMES else Misses.OFTEN


def _known(terms: Terms, since: datetime, at: datetime) -> Iterator[_Weight]:
    """What is known beside the rounds; a level that does not weigh it has none of it."""
    doubt, knowledge = terms.steps.doubt, terms.knowledge
    if doubt is None:
        return
    looked = list(knowledge.looked(since, at))
    if looked and doubt.weighs_not_seen:
        weight = sum(log(doubt.times_not_seen(slot(moment, terms.zone))) for moment in looked)
        yield weight, Fact(Kind.NOT_SEEN, looked[-1], len(looked))
    looks = [look for look in knowledge.words if since < look.at <= at]
    homes, others = [x for x in looks if x.calls], [x for x in looks if not x.calls]
    yield from _said([look for look in homes if look.ratio > 1], Kind.NOT_HERE)
    yield from _said([look for look in homes if look.ratio < 1], Kind.HERE)
    yield from _said([look for look in others if look.ratio > 1], Kind.WITNESS_NOT_HERE)
    yield from _said([look for look in others if look.ratio < 1], Kind.WITNESS_HERE)
    yield from _of_before(terms, doubt, since, at)


def _said(looks: list[Look], kind: Kind) -> Iterator[_Weight]:
    """What was said so, with the last time it was."""
    if looks:
        yield sum(log(look.ratio) for look in looks), Fact(kind, looks[-1].at, len(looks))


def _of_before(terms: Terms, doubt: Doubt, since: datetime, at: datetime) -> Iterator[_Weight]:
    knowledge = terms.knowledge
    if knowledge.warned_at is not None and knowledge.is_warned(doubt, since, at):
        yield log(doubt.sign), Fact(Kind.WARNED, knowledge.warned_at)
    if knowledge.missing and doubt.left_before > 1:
        times = 1 + knowledge.missing * (doubt.left_before - 1)
        yield log(times), Fact(Kind.CAME_BACK, since, knowledge.missing)

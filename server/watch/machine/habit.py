"""How unusual a silence is for this child: what their own rounds tell, and what follows. Pure.

A child who answers nine evenings of ten and misses two has probably gone. A child who answers every
other evening has probably forgotten. We count a child's rounds by the time of day and the kind of
day; while we know little, the count leans on children as a whole. From this follow the odds that
the child has left since the last sign. The odds grow with every hour (by how many children leave in
a day), with every round without an answer, and with every adult who looks and does not find the
child. A child leaves more often than others if staff noticed a warning sign, or if they were
missing before.

Nothing here is stored, and no page shows a number. The odds are worked out from the rounds whenever
one becomes late; they only decide when the carer is asked and when adults are called. They never
reach beyond the ceiling of the tier. Only times go in: not where a child is from, what they speak,
what they believe, or what phone they have.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import compress
from math import ceil, fsum
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.policy.model import Doubt
from server.policy.slots import Slot, slot

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
# This many rounds tell what is usual: enough for each slot of the week, and nothing from last year.
REMEMBERED = 60
# What young people do on the whole: 72 of a hundred (285 samples), which weighs like ten rounds;
# a child's own answers on the whole weigh like six rounds of a slot.
_ANSWERED, _ASKED, _WHOLE = 7.2, 10.0, 6.0
# The share of rounds that children still answer after they have gone: willingly, or because they
# are made to.
GONE_ANSWERS = 0.22

# A child who was out at one look is probably still out a few hours later: that is one look.
LOOKED_ANEW = timedelta(hours=8)


class Past(msgspec.Struct, frozen=True):
    """A round that is over: whether the child answered before it was late."""

    due_at: datetime
    is_answered: bool


_Counts = dict[Slot, tuple[int, int]]


class Habit:
    """What is usual for a child: how many rounds there were, and how many they answered in time."""

    __slots__ = ("_count", "_slots", "_whole")

    def __init__(
        self, slots: _Counts | None = None, *, count: Callable[[], _Counts] = dict
    ) -> None:
        """By what was counted, or by what counts once it is asked for."""
        self._slots, self._count = slots, count
        self._whole: tuple[int, int] | None = None

    def over(self, at: Slot, *, is_answered: bool, n: int = 1) -> None:
        """One round more is over; with -1, one is so long ago that it tells nothing any more. This
        changes the habit in place, so it must belong to one child, and be no default that others
        share."""
        slots = self.slots
        answered, asked = slots.get(at, (0, 0))
        slots[at] = (answered + n if is_answered else answered, asked + n)
        self._whole = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Habit) and self.slots == other.slots

    def __repr__(self) -> str:
        return f"Habit({self.slots})"

    @property
    def slots(self) -> _Counts:
        """By slot: how many rounds were answered, and how many there were."""
        if self._slots is None:
            self._slots = self._count()
        return self._slots

    @property
    def whole(self) -> tuple[int, int]:
        """The same of all slots together."""
        if self._whole is None:
            of = self.slots.values()
            self._whole = sum(answered for answered, _ in of), sum(asked for _, asked in of)
        return self._whole

    def answers(self, at: Slot, usual: Mapping[Slot, float] | None = None) -> float:
        """How likely it is that this child, being there, answers in this slot. `usual`: how often
        children of this agency and tier do, by slot; else as children do on the whole."""
        answers, questions = self.whole
        whole = answers + _ANSWERED
        if usual is None:
            own = whole / (questions + _ASKED)
        else:
            # This child answers so many times as often as others would who were asked as they were.
            # However the rounds were counted: a plain sum depends on the order.
            others = fsum(usual[each] * asked for each, (_, asked) in self.slots.items())
            own = min(usual[at] * whole / (others + _ANSWERED), 1.0)
        answered, asked = self.slots.get(at, (0, 0))
        return (answered + _WHOLE * own) / (asked + _WHOLE)


UNKNOWN = Habit()


def learned(rounds: Iterable[Past], zone: ZoneInfo) -> Habit:
    """What the rounds of a child tell; the last of them, whatever their order."""
    # Most answers come before anything is late: then nobody asks what is usual.
    return Habit(count=partial(_counted, tuple(rounds), zone))


def _counted(rounds: tuple[Past, ...], zone: ZoneInfo) -> _Counts:
    last = sorted(rounds, key=attrgetter("due_at"))[-REMEMBERED:]
    slots = [slot(past.due_at, zone) for past in last]
    answered = Counter(compress(slots, (past.is_answered for past in last)))
    return {at: (answered[at], asked) for at, asked in Counter(slots).items()}


class Odds(msgspec.Struct, frozen=True):
    """The odds that the child has gone, at a moment, if no round is missed after it."""

    at: datetime
    odds: float
    a_day: float

    def reach(self, line: float) -> datetime:
        """When the odds reach a line, in whole minutes; a line that is passed already, at once."""
        minutes = ceil(max((line - self.odds) / self.a_day, 0.0) * DAY / MINUTE)
        return self.at + minutes * MINUTE


class Look(msgspec.Struct, frozen=True):
    """The word of a witness since the last sign: how many times as likely it makes it that the
    child has gone; below one, that they are there. `holds_until`: no call comes later than that
    only because of it. `calls`: whether "not here" calls adults where silences are not weighed;
    False for the word of someone from outside the home. `sees`: they say that they see the child.
    `by_id`: who says so; None: nobody knows, and all who are unknown count as one person."""

    at: datetime
    ratio: float
    holds_until: datetime | None = None
    calls: bool = True
    sees: bool = False
    by_id: UUID | None = None


class Knowledge(msgspec.Struct, frozen=True):
    """What is known of a child beside its rounds."""

    habit: Habit = UNKNOWN
    # When an adult looked for the child since the last sign, and did not find them.
    unseen: tuple[datetime, ...] = ()
    warned_at: datetime | None = None  # When staff last noticed a warning sign.
    missing: int = 0  # How often the child was missing and came back.
    # Since when reminders do not reach the child. It makes no silence more or less unusual.
    unreached_since: datetime | None = None
    # A signal holds that the policy lets ask the carer (signals/rules.py). Nor does that.
    drifts: bool = False
    looks: tuple[Look, ...] = ()  # What homes and other witnesses said.
    seen: tuple[Look, ...] = ()  # What single adults said who saw the child, where that vouches.

    @property
    def words(self) -> tuple[Look, ...]:
        """All of them, in their order."""
        if not self.seen:
            return self.looks
        return tuple(sorted((*self.looks, *self.seen), key=attrgetter("at")))

    def leaves(self, doubt: Doubt, since: datetime, at: datetime) -> float:
        """How likely it is that this child leaves in a day of a silence `since` a moment, as far as
        is known `at` another."""
        share = doubt.leaves * (1 + self.missing * (doubt.left_before - 1))
        return share * doubt.sign if self.is_warned(doubt, since, at) else share

    def is_warned(self, doubt: Doubt, since: datetime, at: datetime) -> bool:
        """Whether a warning sign tells of a silence `since` a moment, as far as is known `at`
        another."""
        warned = self.warned_at
        return warned is not None and warned <= at and since < warned + doubt.sign_lasts

    def looked(self, since: datetime, at: datetime) -> Iterable[datetime]:
        """When adults looked in vain between two moments; looks close together count once."""
        last = None
        for moment in self.unseen:
            if since < moment <= at and (last is None or moment - last >= LOOKED_ANEW):
                yield moment
                last = moment


UNTOLD = Knowledge()


def odds(
    since: datetime,
    missed: Sequence[datetime],
    knowledge: Knowledge,
    zone: ZoneInfo,
    doubt: Doubt,
    at: datetime,
) -> Odds:
    """The odds after a silence `since` a moment, in which the rounds due at these times were
    `missed`, by what is known `at` a moment. A missed round multiplies the odds, and so does an
    adult who looks and does not find the child; a witness who says the child is there makes them
    smaller."""
    habit, usual = knowledge.habit, doubt.usual
    ratios = [(due, ratio_of(habit, slot(due, zone), usual)) for due in missed if due > since]
    ratios += [(look.at, look.ratio) for look in knowledge.words if since < look.at <= at]
    if knowledge.unseen and doubt.weighs_not_seen:
        looked = knowledge.looked(since, at)
        ratios += [(moment, doubt.times_not_seen(slot(moment, zone))) for moment in looked]
    leaves, value = knowledge.leaves(doubt, since, at), 0.0
    moment = since
    for happened, ratio in sorted(ratios):
        value = (value + leaves * ((happened - moment) / DAY)) * ratio
        moment = happened
    return Odds(moment, value, leaves)


def ratio_of(habit: Habit, at: Slot, usual: Mapping[Slot, float] | None = None) -> float:
    """How much likelier a miss is if the child has gone than if they are there."""
    return (1 - GONE_ANSWERS) / (1 - min(habit.answers(at, usual), 0.97))

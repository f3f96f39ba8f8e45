"""What a replay remembers of each child, and its results."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from heapq import heapify
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause, Climb
from server.alerts.ladder import State as AlertState
from server.policy.learned import WordCounts
from server.policy.model import Ladder, Tier
from server.policy.slots import Slot
from server.roll_calls.rules import next_due
from server.simulation.kinds import WITNESSES, By, CheckIn, Event, If, IfAlerted, IfAsked
from server.watch.facts import Asked, Called, Facts, Mark, Reach, Seen, usual
from server.watch.machine.advancing import advance_until
from server.watch.machine.ages import JUST_NOW, ON_THE_WAY, Heard, by_our_clock, unaged
from server.watch.machine.standing import Change, Standing, State, Terms, Why
from server.watch.rhythm.rules import OPENS_BEFORE, Span
from server.watch.signals.rules import Answer, Mood, Sign

_NOBODY = UUID(int=0)
_MANY = 16
_MARKS = (Mark.LATE, Mark.ANSWERED)  # By whether the child answered in time.


class Row(msgspec.Struct, frozen=True):
    """One thing that a person would have received."""

    at: datetime
    child: str
    level: str
    rung: str
    reason: str


class Wait(msgspec.Struct):
    """A reminder that quiet hours put off, until `end`. It comes then, unless its round was settled
    before: `over_at`."""

    child: str
    end: datetime
    over_at: datetime | None = None


class Alert(msgspec.Struct):
    """An alert of a replay, from its opening to its end."""

    child: str
    cause: Cause
    tier: Tier
    opened_at: datetime
    ladder: Ladder
    climb: Climb
    is_duress: bool = False
    why: Why | None = None
    called: set[int] = msgspec.field(default_factory=set)
    told: list[datetime] = msgspec.field(default_factory=list)  # The moments of its rows.
    closed_at: datetime | None = None
    worded: tuple[tuple[Any, ...], str] | None = None  # The last sentence, and its inputs.

    def next_at(self) -> datetime | None:
        """The moment of the next row; None if only repeats are left."""
        climb = self.climb
        if len(self.called) == len(self.ladder.rungs):
            return climb.decide_at
        if climb.next_action_at is None:
            return None
        moments = (climb.next_action_at, climb.decide_at, climb.cry.next_at)
        return min(at for at in moments if at is not None)


class Closing(NamedTuple):
    """A person closes an alert: the child was there, or was away."""

    alert: Alert
    was_here: bool


class Watched(msgspec.Struct):
    """How long a child was watched, in which tier, and what a report counts by."""

    child: str
    begin: datetime
    phone: str | None
    language: str | None
    tiers: list[tuple[datetime, Tier]]
    has_carer: bool = False
    home: str | None = None  # The first one.
    pauses: list[Span] = msgspec.field(default_factory=list)
    end: datetime | None = None
    # Rounds that opened, and those that were late, while no adult was called about the child.
    rounds: int = 0
    misses: int = 0


class Day(NamedTuple):
    """A day of the calendar whose time has not come: what, and when the watch is tighter."""

    what: str
    around: Span


class Child(msgspec.Struct):
    """One child, their watch, and what is known of them."""

    name: str
    watched: Watched
    terms: Terms
    standing: Standing
    placed_at: datetime
    alerts: dict[Cause, Alert] = msgspec.field(default_factory=dict)
    home: str | None = None
    rolled_at: datetime | None = None  # The last roll call that is behind us.
    roll_call_at: datetime | None = None  # The next one.
    has_witness: bool = False  # The events have an answer of a school or a mentor about this child.
    witnessed_at: datetime | None = None  # When witnesses were asked last.
    witness_at: datetime | None = None  # When they are asked next.
    if_asked: dict[By, list[IfAsked]] = msgspec.field(default_factory=lambda: {by: [] for by in By})
    if_alerted: list[IfAlerted] = msgspec.field(default_factory=list)
    # Answers to questions, and what closes alerts.
    coming: list[tuple[datetime, int, IfAsked | Closing]] = msgspec.field(default_factory=list)
    # By their end: they become one.
    waits: dict[datetime, Wait] = msgspec.field(default_factory=dict)
    blind: Span | None = None
    waiting: list[Event] = msgspec.field(default_factory=list)  # What reaches us when we see again.
    blinds: list[Span] = msgspec.field(default_factory=list)
    answered_at: datetime | None = None
    app_seen_at: datetime | None = None
    heard_at: datetime | None = None
    heard_way: str = ""
    old_came_at: datetime | None = None
    old_said_at: datetime | None = None
    doubted_at: datetime | None = None  # When adults last looked in vain, or said "not here".
    delays: list[int] = msgspec.field(default_factory=list)
    seen: Seen | None = None
    asked: Asked | None = None
    was_held: bool = False
    reach: Reach = Reach.NONE
    push: Reach = Reach.WAITING
    # What the habit is learned from: rounds that are over, by slot and whether each was answered in
    # time; and those late since the last sign.
    past: deque[tuple[Slot, bool]] = msgspec.field(default_factory=deque)
    late: list[datetime] = msgspec.field(default_factory=list)
    days: list[Day] = msgspec.field(default_factory=list)
    # What signals are worked out from, as far as events tell.
    answers: list[Answer] = msgspec.field(default_factory=list)
    moods: list[Mood] = msgspec.field(default_factory=list)
    signs: list[Sign] = msgspec.field(default_factory=list)
    tier_until: datetime | None = None  # The tier ends by itself, and this one follows.
    tier_then: Tier | None = None
    # The last look: by these terms, nothing more becomes true of this standing before the moment.
    looked: tuple[Standing, Terms, datetime] | None = None
    has_many: bool = False  # So many answers are kept that those of no use may go.

    def advance(
        self, now: datetime, stops: Callable[[Change], bool] | None = None
    ) -> tuple[Standing, tuple[Change, ...]]:
        """The standing as time has made it by now, and what became true; no further than the first
        change that `stops` it."""
        standing, terms = self.standing, self.terms
        if self.looked is not None:
            of, by, until = self.looked
            if of is standing and by is terms and now < until:
                return standing, ()
        standing, changes, until = advance_until(standing, terms, now, stops=stops)
        self.looked = (standing, terms, until)
        return standing, changes

    def heard(self, check_in: CheckIn, now: datetime) -> Heard:
        """When it was said. Time in which our server was down makes it no older."""
        if check_in.said_at is None:
            return JUST_NOW
        said_at = by_our_clock(check_in.said_at, None, now)
        if said_at is None:
            return Heard(None, None)
        at, standing = unaged(said_at, now, self.blinds), self.standing
        has_own_alarm = standing.alarm_at is not None and standing.missed_due_at is None
        is_later = self.doubted_at is not None and self.doubted_at > at
        return Heard(said_at, at, at <= now - ON_THE_WAY and (has_own_alarm or is_later))

    def next_roll_call(self, times: tuple[time, ...]) -> datetime | None:
        """The next one of the home after the last, by the clock on its wall."""
        if self.home is None or not times:
            return None
        return next_due(times, self.terms.zone, self.rolled_at or self.placed_at)

    def next_witness(self, times: tuple[time, ...]) -> datetime | None:
        """When witnesses are asked next, by the child's clock."""
        return next_due(times, self.terms.zone, self.witnessed_at or self.placed_at)

    def move(self, home: str, times: tuple[time, ...], now: datetime) -> None:
        """The child lives in another home from now on."""
        self.home, self.rolled_at = home, now
        self.roll_call_at = self.next_roll_call(times)

    def edges(self) -> list[datetime]:
        """When the tier changes by itself."""
        moments = [day.around.begin for day in self.days]
        return moments if self.tier_until is None else [*moments, self.tier_until]

    def need_no_reminder(self, now: datetime) -> None:
        """All rounds are settled, or the placement is over: what waits does not come any more."""
        for wait in self.waits.values():
            wait.over_at = now
        self.waits.clear()

    def need_no_answer(self) -> None:
        """What was asked about the child alone is answered in another way: no further answer
        comes."""
        self.coming = [
            entry
            for entry in self.coming
            if not (isinstance(entry[2], IfAsked) and entry[2].by is By.CARER)
        ]
        heapify(self.coming)

    def keep(self, answer: If) -> None:
        """What comes back if we ask, or call adults."""
        if isinstance(answer, IfAlerted):
            self.if_alerted.append(answer)
            self.has_many |= len(self.if_alerted) > _MANY
            return
        answers = self.if_asked[answer.by]
        answers.append(answer)
        if len(answers) > _MANY:
            self.has_many = True
        if answer.by in WITNESSES:
            self.has_witness = True

    def kept(self) -> Iterator[If]:
        """All of it."""
        yield from self.if_alerted
        for answers in self.if_asked.values():
            yield from answers

    def forget(self, at: datetime) -> None:
        """What was of use before now cannot matter again; a long life stays short. Call it only
        where the child `has_many`."""
        every: list[list[Any]] = [self.if_alerted, *self.if_asked.values()]
        for answers in every:
            if len(answers) > _MANY:
                answers[:] = [answer for answer in answers if answer.until >= at]
        self.has_many = any(len(answers) > _MANY for answers in every)


class Adapting(NamedTuple):
    """The end of a week: false calls to adults in a worker-week, and what the outcomes make of the
    odds of each level, times the policy's own."""

    at: datetime
    rate: float | None
    factors: Mapping[Tier, float]


class Result(msgspec.Struct):
    """What a replay came to."""

    rows: list[Row]
    alerts: list[Alert]
    watched: list[Watched]
    answers: dict[str, list[datetime]]
    until: datetime | None
    events: int
    waits: list[Wait] = msgspec.field(default_factory=list)
    roll_calls: set[tuple[datetime, str]] = msgspec.field(default_factory=set)
    adapting: list[Adapting] = msgspec.field(default_factory=list)
    # What is known at the end of the last week of whose words came true, where a policy learns.
    word_counts: WordCounts = msgspec.field(default_factory=dict)


def known_of(child: Child) -> tuple[Any, ...]:
    """All of `facts_of` that may change while an alert is open."""
    return (
        child.standing.missed_due_at,
        child.standing.misses,
        child.standing.sign_at,
        child.standing.due_at,
        child.answered_at,
        child.app_seen_at,
        child.heard_at,
        child.heard_way,
        child.old_came_at,
        child.seen,
        child.reach,
        child.asked,
        child.terms.tier,
        len(child.blinds),
    )


def facts_of(child: Child, alert: Alert) -> Facts:
    """What is known about the child of an alert."""
    standing = child.standing
    since = (standing.missed_due_at or standing.sign_at) - OPENS_BEFORE
    return Facts(
        child_id=_NOBODY,
        standing=State.ALERTED,
        tier=child.terms.tier,
        placed_at=child.placed_at,
        due_at=standing.due_at,
        missed_due_at=standing.missed_due_at,
        misses=standing.misses,
        sign_at=standing.sign_at,
        answered_at=child.answered_at,
        app_seen_at=child.app_seen_at,
        heard_at=child.heard_at,
        heard_way=child.heard_way,
        old_came_at=child.old_came_at,
        old_said_at=child.old_said_at,
        usual_delay=usual(child.delays),
        marks="".join([_MARKS[is_answered] for _, is_answered in child.past]),
        seen=child.seen,
        reach=child.reach,
        has_carer=child.watched.has_carer,
        asked=child.asked,
        blind=tuple(blind for blind in child.blinds if blind.end > since),
        alerts=_called(alert),
    )


def _called(alert: Alert) -> tuple[Called, ...]:
    return (
        Called(
            id=_NOBODY,
            cause=alert.cause,
            state=AlertState.OPEN,
            reason=alert.why.value if alert.why is not None else "",
            opened_at=alert.opened_at,
            has=None,
            held_until=None,
            answered_at=None,
            misses=1,
            next_action_at=None,
        ),
    )

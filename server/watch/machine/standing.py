"""The state of a child's watch: the values that every rule of it takes and gives. Pure."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from server.policy.model import Steps, Tier
from server.watch.machine.habit import UNTOLD, Knowledge
from server.watch.rhythm.rules import Rhythm, Season, Span


class State(StrEnum):
    """The state of a watch, as every adult sees it."""

    WELL = "well"
    DUE = "due"
    LATE = "late"
    ALERTED = "alerted"
    AWAY = "away"
    MISSING = "missing"


class What(StrEnum):
    """What became true."""

    OPENED = "opened"  # A round opened: an answer from now on is for it.
    REMIND = "remind"  # The child is reminded; `why` says which reminder.
    LATE = "late"  # A round is late.
    ASK = "ask"  # The carer is to be asked.
    ALERT = "alert"  # Adults are to be called; `why` says what decided it.
    JOIN = "join"  # A further miss joins the alert that is open.


class Why(StrEnum):
    """What decided it: codes for evidence and audit. Kept in alphabetical order."""

    AGAIN = "again"
    BEFORE = "before"
    CARER_SILENT = "carer_silent"
    CEILING = "ceiling"
    DUE = "due"
    GRACE_OVER = "grace_over"
    LAST_CALL = "last_call"
    MISSES = "misses"
    NOT_HERE = "not_here"
    NOT_MET = "not_met"  # Seen perhaps, and nobody met them, and they said nothing.
    NOT_SEEN = "not_seen"
    NO_CARER = "no_carer"
    UNUSUAL = "unusual"


class Terms(msgspec.Struct, frozen=True):
    """The terms of a watch: agreed with the child, or set by the policy of the tier."""

    tier: Tier
    steps: Steps
    rhythm: Rhythm
    zone: ZoneInfo
    pauses: tuple[Span, ...]
    has_carer: bool
    # The habit in it is that of the rounds before the last sign: no silence changes it.
    knowledge: Knowledge = UNTOLD
    seasons: tuple[Season, ...] = ()
    asks_home: bool = False  # The home is asked in a carer's place: it then counts as one.

    @property
    def asks_carer(self) -> bool:
        """Whether there is a carer, and the policy asks them."""
        return self.has_carer and self.steps.asks_carer


class Standing(msgspec.Struct, frozen=True):
    """The slice of the watch row that these rules need and may change."""

    due_at: datetime  # Of the current round.
    opens_at: datetime
    following_due_at: datetime | None  # Of the round after it; None: not computed yet.
    prompted: int  # How many moments of the current round are behind us.
    sign_at: datetime  # The last thing that counts against silence.
    missed_due_at: datetime | None = None  # Of the oldest round that is late and open.
    late_at: datetime | None = None
    ask_at: datetime | None = None  # When the carer is to be asked; None once that is done.
    asked_at: datetime | None = None
    # When adults are called unless something settles it. Set before anything is late only where a
    # raised tier would have called later than the lower one.
    alarm_at: datetime | None = None
    alarm_why: Why | None = None
    is_alerted: bool = False
    last_call_at: datetime | None = None  # When the child was asked once more in this silence.
    held_at: datetime | None = None  # The child said something, in time, in a way that only holds.
    misses: int = 0  # How many rounds of this silence are late.


class Change(msgspec.Struct, frozen=True):
    """What became true, when, about which round, and why."""

    what: What
    at: datetime
    due_at: datetime
    why: Why | None = None


class Settled(msgspec.Struct, frozen=True):
    """What an answer or a sighting did. One that only holds settles nothing either, and yet a round
    may have been open."""

    was_late: bool  # It settled at least one round that was late.
    was_alerted: bool  # It ends what adults were called for.
    nothing: bool  # No round was open: it came early, is kept and thanked for.
    # A round has opened, or adults looked in vain, after it was said: it says nothing of now.
    is_old: bool = False
    goes_on: bool = False  # A silence does all the same, with what is asked about it.


def state(standing: Standing, terms: Terms, now: datetime) -> State:
    """The state, as every adult sees it."""
    if standing.is_alerted:
        return State.ALERTED
    if standing.missed_due_at is not None:
        return State.LATE
    if any(pause.holds(now) for pause in terms.pauses):
        return State.AWAY
    return State.DUE if standing.opens_at <= now else State.WELL


def as_the_child_sees(seen: State) -> State:
    """A child's own session sees only well, due and late: another person with the phone must
    learn nothing of what adults do."""
    if seen in (State.ALERTED, State.MISSING):
        return State.LATE
    return State.WELL if seen is State.AWAY else seen

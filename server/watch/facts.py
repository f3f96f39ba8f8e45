"""What is known about a child's silence, before it is put in words. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from statistics import median
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause
from server.alerts.ladder import State as AlertState
from server.notify.push_health import Reached
from server.policy.model import Tier
from server.policy.roll_call import Word
from server.watch.machine.standing import State
from server.watch.rhythm.rules import Span

# The number of rounds that tell what is usual, and that the board shows as marks: four weeks of
# daily rounds.
ROUNDS = 28
# Below three answers nothing is usual.
FEWEST = 3


class Mark(StrEnum):
    """The result of one round, as a letter: the last ones together are a word."""

    ANSWERED = "a"
    LATE = "l"  # Answered after its grace.
    SEEN = "s"  # Settled by an adult who saw the child, or who closed the alert.
    MISSED = "m"  # The next round had come before anything settled it, or nothing has yet.
    AWAY = "x"
    OPEN = "o"


class Reach(StrEnum):
    """What became of the reminder, the best that is known first."""

    SEEN = "seen"
    ACCEPTED = "accepted"
    WAITING = "waiting"
    QUIET = "quiet"
    FAILED = "failed"
    NO_PHONE = "no_phone"
    NONE = "none"


class Asked(msgspec.Struct, frozen=True):
    """A carer was asked, or the home in their place (`is_home`); `answer` is seen, not_seen, or
    None. `is_out`: the question has gone out."""

    at: datetime
    answer: str | None
    answered_at: datetime | None
    times: int = 1  # How often, about this silence.
    is_home: bool = False
    is_out: bool = True


class Seen(msgspec.Struct, frozen=True):
    """The last time an adult looked for the child: seen or not, and by which adult. `seen_at`: the
    last time that one saw them."""

    at: datetime
    by_role: str
    answer: str
    seen_at: datetime | None = None


class Listed(msgspec.Struct, frozen=True):
    """What a home said last of the child at a roll call, or another witness in a list, since their
    last sign: the word that counts. `before_at`: when the home said "not here", before a calmer
    word. `differs`: what another person said there in the same roll call, and when. `is_outside`:
    it was another witness."""

    at: datetime
    word: Word
    before_at: datetime | None = None
    differs: tuple[Word, datetime] | None = None
    is_outside: bool = False


class Called(msgspec.Struct, frozen=True):
    """An open alert, as far as the board needs it."""

    id: UUID
    cause: Cause
    state: AlertState
    reason: str
    opened_at: datetime
    has: UUID | None  # Who acknowledged it.
    held_until: datetime | None
    answered_at: datetime | None
    misses: int
    next_action_at: datetime | None
    contacted_at: datetime | None = None  # When someone reached the child, and who that was.
    contacted_by: UUID | None = None
    said_at: datetime | None = None  # Where it reached us much later.
    called_at: datetime | None = None  # The last time the child called again, and said so.
    called_said_at: datetime | None = None
    due_at: datetime | None = None  # Of a silence: the check-in it opened about, and the last time
    carer_asked_at: datetime | None = None  # by then that the carer was to be asked.

    @property
    def asked_at(self) -> datetime:
        """When the child last called for what this alert is about."""
        return self.called_at or self.opened_at


NO_DEVICE = Reached()


def last_heard(*moments: datetime | None) -> datetime | None:
    """The latest of these answers; None where none ever came."""
    return max((moment for moment in moments if moment is not None), default=None)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about one child's silence."""

    child_id: UUID
    standing: State
    tier: Tier
    placed_at: datetime
    zone: str = "UTC"  # Where the child is.
    due_at: datetime | None = None
    opens_at: datetime | None = None
    missed_due_at: datetime | None = None
    late_at: datetime | None = None
    misses: int = 0  # How many check-ins in a row were missed in this silence.
    sign_at: datetime | None = None
    ask_at: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    app_seen_at: datetime | None = None
    heard_at: datetime | None = None  # The last answer that came another way than by the app.
    heard_way: str = ""
    has_phone: bool = True  # Asked only of those who were never heard from.
    # The last answer that was too old to say how the child is: when it came, and when it was said
    # (None: we cannot know).
    old_came_at: datetime | None = None
    old_said_at: datetime | None = None
    marks: str = ""
    usual_delay: timedelta | None = None
    seen: Seen | None = None
    reach: Reach = Reach.NONE
    push: Reached = NO_DEVICE  # How well pushes reach the phone on the whole.
    has_carer: bool = False
    asked: Asked | None = None
    listed: Listed | None = None
    # When the home said "not here", if that is its last word and newer than the last sign.
    not_here_at: datetime | None = None
    blind: tuple[Span, ...] = ()
    has_fault: bool = False  # A channel of ours refused or broke.
    unsent_since: datetime | None = None  # Adults are called, and none of it has gone out.
    alerts: tuple[Called, ...] = ()  # The most urgent first.
    away_until: datetime | None = None
    forgot: tuple[datetime, datetime] | None = None  # A check-in, and when the child said so.
    returns: bool = False  # A check-in is due at the end of the absence.

    @property
    def last_heard_at(self) -> datetime | None:
        """When the child was heard from last, in any way; None: never."""
        return last_heard(self.answered_at, self.heard_at)

    @property
    def last_sign_at(self) -> datetime | None:
        """The last sign of the child that came from anyone; None: nothing was ever heard. When an
        absence or an alert ended is no sign."""
        is_here = self.listed is not None and self.listed.word is Word.HERE
        signs = last_heard(
            self.last_heard_at,
            self.seen.seen_at if self.seen is not None else None,
            self.listed.at if self.listed is not None and is_here else None,
            *(alert.contacted_at for alert in self.alerts),
        )
        return signs or self.old_came_at

    @property
    def wish(self) -> Called | None:
        """The strongest that the child calls for: help before a talk."""
        wishes = {alert.cause: alert for alert in self.alerts}
        return wishes.get(Cause.HELP) or wishes.get(Cause.TALK)

    @property
    def is_silent(self) -> bool:
        """Whether an answer is overdue."""
        return self.missed_due_at is not None or self.standing is State.ALERTED


URGENCY = (Cause.MISSING, Cause.CONCERN, Cause.HELP, Cause.SILENCE, Cause.TALK)


# What a child calls for: what they say with it is no sign that all is well.
CALLS = frozenset({Cause.HELP, Cause.CONCERN, Cause.TALK})


def in_order(alerts: Iterable[Called]) -> list[Called]:
    """The most urgent first; one that a person has, after those that nobody has: it must not hide
    them. A child who is missing stays so. While the child asks for help, neither a wish to talk nor
    an answer hides that."""
    open_alerts = list(alerts)
    asks = any(alert.cause is Cause.HELP for alert in open_alerts)

    def place(alert: Called) -> tuple[int, int, datetime]:
        is_answer = alert.cause is Cause.SILENCE and alert.state is AlertState.ANSWERED
        is_held = alert.has is not None and alert.cause is not Cause.MISSING
        last = 2 if asks and (is_answer or alert.cause is Cause.TALK) else int(is_held)
        return last, URGENCY.index(alert.cause), alert.opened_at

    return sorted(open_alerts, key=place)


def by_urgency(alerts: Iterable[Called]) -> list[Called]:
    """The most urgent first, whether a person has it or not; of two alike, the older one."""
    return sorted(alerts, key=lambda alert: (URGENCY.index(alert.cause), alert.opened_at))


def usual(delays_min: Iterable[int]) -> timedelta | None:
    """The median delay of answered rounds, from when they were due; None if there are few."""
    delays = [max(minutes, 0) for minutes in delays_min]
    return timedelta(minutes=round(median(delays))) if len(delays) >= FEWEST else None


# An open board reads the same rounds twice a minute.
@lru_cache(maxsize=4096)
def read_marks(text: str | None) -> tuple[str, timedelta | None]:
    """Letters and delays, oldest first ("a12,l75,m,s"), as the marks and the usual delay."""
    if not text:
        return "", None
    tokens = text.split(",")
    marks = "".join(token[0] for token in tokens)
    delays = [int(token[1:]) for token in tokens if len(token) > 1 and token[0] in "al"]
    return marks, usual(delays)

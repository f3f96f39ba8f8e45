"""How a request to be away stands at a moment, by when it needs an answer, and what a return
changes. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from server.errors import Refused
from server.i18n import N_

# As long as an absence may be, and as far ahead as a child may ask for one.
LONGEST = timedelta(days=92)
FARTHEST = timedelta(days=366)
# So many requests of a child may wait at once.
MOST_OPEN = 3
# A worker has a day for the answer, or until the absence would begin, but at least an hour.
_A_DAY, _AN_HOUR = timedelta(days=1), timedelta(hours=1)


class State(StrEnum):
    """What became of a request, as it is stored."""

    OPEN = "open"
    AGREED = "agreed"
    DECLINED = "declined"
    RECALLED = "recalled"
    REPLACED = "replaced"
    ENDED = "ended"


class Standing(StrEnum):
    """How it stands now. `passed`: nobody answered before its time was over. `back`: the child is
    back before the end, or has not gone. `over`: what was agreed is over."""

    WAITING = "waiting"
    PASSED = "passed"
    AGREED = "agreed"
    BACK = "back"
    OVER = "over"
    DECLINED = "declined"
    RECALLED = "recalled"
    REPLACED = "replaced"
    ENDED = "ended"


def standing(
    state: State,
    until_at: datetime,
    now: datetime,
    *,
    back_at: datetime | None = None,
    absence: tuple[datetime, datetime | None] | None = None,
) -> Standing:
    """How a request for a time until `until_at` stands. `absence`: until when the absence was
    agreed, and when it was ended before that."""
    if state is State.OPEN:
        return Standing.WAITING if now < until_at else Standing.PASSED
    if state is not State.AGREED:
        return Standing(state.value)
    agreed_until, ended_at = absence or (until_at, None)
    if back_at is not None:
        return Standing.BACK
    return Standing.AGREED if ended_at is None and now < agreed_until else Standing.OVER


def reply_by(from_at: datetime, now: datetime) -> datetime:
    """When an answer is due to a child who asks now: before they would go, if that leaves an hour,
    and within a day."""
    return min(now + _A_DAY, max(from_at, now + _AN_HOUR))


def keeps_check_in(due_at: datetime, due_if_ended: datetime) -> bool:
    """Whether an absence must run to its end although the child says they are back: ended now, the
    next check-in would be later than the one agreed for the end. Otherwise a person who has the
    phone could put that check-in off with one tap."""
    return due_if_ended > due_at


def check_times(from_at: datetime, until_at: datetime, now: datetime) -> None:
    """Raises Refused, in words for a child, for a time that nobody could agree to. A time that is
    over is none of that: the phone may have been without a network."""
    if until_at <= from_at:
        raise Refused(N_("You come back before you go. Change the times."), field="until_at")
    if until_at - from_at > LONGEST:
        raise Refused(N_("An absence can last up to 92 days."), field="until_at")
    if from_at > now + FARTHEST:
        raise Refused(N_("That is more than a year away. Choose a nearer day."), field="from_at")

"""When a home is asked, and what follows while it has not said who is there. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from server.clock import edge_utc
from server.errors import Refused
from server.i18n import N_
from server.policy.roll_call import MOST_ROLL_CALLS
from server.watch.machine.witnesses import Spoken, counted, each_last

__all__ = ["Spoken", "counted", "each_last"]

_ROLL_CALLS = UUID("7c1d3a7e-27c5-4f0b-9a55-0c9d6f3e8b21")
_DAY = timedelta(days=1)
# So far back a word counts that a device kept while it was offline.
SAID_BACK = timedelta(hours=24)


class Step(IntEnum):
    """How far the ladder of a roll call is, while it is not done."""

    ASKED = 0  # The people who work in the home.
    AGAIN = 1  # They were asked again.
    UNDONE = 2  # The people on duty and the supervisors know.
    MISSED = 3  # Nobody is asked any more.
    FOLLOWED = 4  # The next roll call of the home has come.


# After so long since it was asked, the next step comes.
AFTER = {
    Step.AGAIN: timedelta(minutes=20),
    Step.UNDONE: timedelta(minutes=40),
    Step.MISSED: timedelta(hours=4),
}


def reached(step: Step, asked_at: datetime, now: datetime) -> Step:
    """The step at which a roll call is by now. After downtime only the last one counts, but none is
    missed of which those who follow up have not heard."""
    last = Step.UNDONE if step < Step.UNDONE else Step.MISSED
    while step < last and asked_at + AFTER[Step(step + 1)] <= now:
        step = Step(step + 1)
    return step


def then(step: Step, asked_at: datetime, now: datetime) -> datetime | None:
    """When the next step comes, after this one at `now`; None: nothing follows by itself. Those who
    follow up have their whole time, also if they heard of it late."""
    if step >= Step.MISSED:
        return None
    moment = asked_at + AFTER[Step(step + 1)]
    if step is Step.UNDONE:
        return max(moment, now + AFTER[Step.MISSED] - AFTER[Step.UNDONE])
    return moment


def roll_call_id(home_id: UUID, due_at: datetime) -> UUID:
    """The id of the roll call of a home that is due at a moment."""
    return uuid5(_ROLL_CALLS, f"{home_id}:{due_at.astimezone(UTC).isoformat()}")


def word_id(said_id: UUID, child_id: UUID) -> UUID:
    """The id of the word about one child in a form."""
    return uuid5(said_id, f"word:{child_id}")


def path_of(home_id: UUID) -> str:
    """The page of a home's roll call: the one link for those who do it and those who read it."""
    return f"/desk/homes/{home_id}/roll-call"


def due_moments(times: Iterable[time], zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments after this one at which a home is asked, without an end if there is any.

    A time that the clocks skip is the first moment that exists, one that comes twice is the first
    of the two; times that fall into one moment are asked once.
    """
    ordered = sorted(set(times))
    day = after.astimezone(zone).date() - _DAY
    last = after
    while ordered:
        for at in ordered:
            moment = edge_utc(day, at, zone)
            if moment > last:
                yield moment
                last = moment
        day += _DAY


def next_due(times: Sequence[time], zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first of these moments; None if there are no times."""
    return next(due_moments(times, zone, after), None)


def last_due(
    times: Sequence[time], zone: ZoneInfo, since: datetime, now: datetime
) -> datetime | None:
    """The last moment from `since` up to `now` at which the home was to be asked."""
    # Of a server that was down for months, only the last days can matter.
    begin = max(since, now - 3 * _DAY) - timedelta(microseconds=1)
    last = None
    for moment in due_moments(times, zone, begin):
        if moment > now:
            return last
        last = moment
    return last


# A shift lasts so long if nobody says more, or until this hour of the morning.
_SHIFT, _QUARTER, _MORNING = timedelta(hours=8), 15, time(7)
# The morning is offered for a night: neither for an hour, nor from noon to the next day.
_SHORTEST_NIGHT, _LONGEST_NIGHT = timedelta(hours=3), timedelta(hours=16)


def shift_ends(zone: ZoneInfo, now: datetime) -> tuple[datetime, ...]:
    """The ends of a shift that take one tap, in their order: in about eight hours, and for a night
    the morning."""
    late = now + timedelta(minutes=_QUARTER) - timedelta(microseconds=1) + _SHIFT
    minute = late.minute - late.minute % _QUARTER
    ends = {late.replace(minute=minute, second=0, microsecond=0)}
    day = now.astimezone(zone).date()
    for morning in (edge_utc(day + days * _DAY, _MORNING, zone) for days in (0, 1)):
        if _SHORTEST_NIGHT <= morning - now <= _LONGEST_NIGHT:
            ends.add(morning)
    return tuple(sorted(ends))


def read_times(texts: Iterable[str]) -> tuple[time, ...]:
    """Times of day as ["21:30"]. Raises Refused."""
    return tuple(time.fromisoformat(text) for text in written_times(texts))


def written_times(texts: Iterable[str]) -> list[str]:
    """The same, each once and in order, as a row has them. Raises Refused, field `times`."""
    times = set()
    for text in texts:
        try:
            at = time.fromisoformat(text.strip())
        except ValueError:
            raise Refused(N_("Write a time like 21:30."), field="times") from None
        if at.tzinfo is not None or at.second or at.microsecond:
            raise Refused(N_("Write a time like 21:30."), field="times")
        times.add(f"{at:%H:%M}")
    if len(times) > MOST_ROLL_CALLS:
        raise Refused(N_("A home can have up to six roll calls a day."), field="times")
    return sorted(times)

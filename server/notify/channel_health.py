"""Whether a channel works: broken for many, or taken by a gateway that sends nothing. Pure.

One address that fails says nothing of the channel; many at once say nothing of the addresses. And a
gateway that answers "accepted" and sends nothing looks, from here, like one that sends: only what
asks for an answer tells them apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from server.notify.rules import Kind, Result

# Of so many attempts at the most, none older than this, so many failed, and half of them at least,
# at so many addresses; and the latest few did not all succeed.
LATEST = 20
YOUNG = timedelta(minutes=30)
FEWEST = 5
ADDRESSES = 3
HEALED_BY = 3
# What the address did not bear is its own matter.
FAILS = frozenset({Result.RETRY, Result.FAULT, Result.REFUSED})

# Whoever gets one of these is asked to say that it arrived.
ASKS: frozenset[Kind] = frozenset({Kind.VERIFY, Kind.TEST, Kind.DRILL})
# Of so many of them in a row, to so many people, taken at least so long ago, none was answered.
UNANSWERED = 5
PEOPLE = 3
TIME_TO_ANSWER = timedelta(minutes=30)
FAR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt that is over."""

    at: datetime
    to: UUID | None  # The address; None for a last resort.
    failed: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One message that asks for an answer and was accepted."""

    at: datetime
    person: UUID
    is_answered: bool


def is_broken(tries: Sequence[Tried], now: datetime) -> bool:
    """Whether a channel fails for many; `tries` are its latest attempts, the newest first."""
    young = [one for one in tries[:LATEST] if now - one.at <= YOUNG]
    failed = [one for one in young if one.failed]
    if len(failed) < FEWEST or len(failed) * 2 < len(young):
        return False
    if not any(one.failed for one in young[:HEALED_BY]):
        return False
    return len({one.to for one in failed}) >= ADDRESSES


def silent(asked: Mapping[str, Iterable[Asked]], now: datetime) -> set[str]:
    """The channels by which what asks for an answer gets none, while by another one it does. It is
    an observation: people may have had other things to do."""
    ripe = {
        channel: sorted(
            (one for one in many if TIME_TO_ANSWER <= now - one.at <= FAR),
            key=lambda one: one.at,
            reverse=True,
        )
        for channel, many in asked.items()
    }
    heard = {channel for channel, many in ripe.items() if any(one.is_answered for one in many)}
    return {channel for channel, many in ripe.items() if heard - {channel} and _is_silent(many)}


def _is_silent(latest: Sequence[Asked]) -> bool:
    last = latest[:UNANSWERED]
    if len(last) < UNANSWERED or any(one.is_answered for one in last):
        return False
    return len({one.person for one in last}) >= PEOPLE

"""Whether a channel works: broken, or accepted by a gateway that sends nothing. Pure.

One address that fails says nothing about the channel; several at once say nothing about the
addresses.
And a gateway that answers "accepted" and sends nothing looks, from here, like one that sends. Only
messages that ask for an answer tell them apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.notify.rules import Kind, Result

# A channel is broken when, of the latest attempts (at most this many, none older than this), so
# many failed, at least half of them, at so many addresses; and the latest few did not all succeed.
LATEST = 20
YOUNG = timedelta(minutes=30)
FEWEST = 5
ADDRESSES = 3
HEALED_BY = 3
# A refusal about one address says nothing about the channel.
FAILS = frozenset({Result.RETRY, Result.FAULT, Result.REFUSED})

# These messages ask their reader to confirm that they arrived.
ASKS: frozenset[Kind] = frozenset({Kind.VERIFY, Kind.TEST, Kind.DRILL})
# A channel is silent when so many of them in a row, to so many people, were accepted at least so
# long ago, and none was answered.
UNANSWERED = 5
PEOPLE = 3
TIME_TO_ANSWER = timedelta(minutes=30)
FAR = timedelta(days=14)


class Tried(msgspec.Struct, frozen=True):
    """One attempt that is over."""

    at: datetime
    to: UUID | None  # The address; None for a last resort.
    failed: bool


class Asked(msgspec.Struct, frozen=True):
    """One message that asks for an answer and was accepted."""

    at: datetime
    person: UUID
    is_answered: bool


def is_broken(tries: Sequence[Tried], now: datetime) -> bool:
    """Whether a channel fails, by the numbers above; `tries` are its latest attempts, the newest
    first."""
    young = [attempt for attempt in tries[:LATEST] if now - attempt.at <= YOUNG]
    failed = [attempt for attempt in young if attempt.failed]
    if len(failed) < FEWEST or len(failed) * 2 < len(young):
        return False
    if not any(attempt.failed for attempt in young[:HEALED_BY]):
        return False
    return len({attempt.to for attempt in failed}) >= ADDRESSES


def silent(asked: Mapping[str, Iterable[Asked]], now: datetime) -> set[str]:
    """The channels on which messages that ask for an answer get none, while another channel gets
    some. It is an observation: people may have had other things to do."""
    ripe = {
        channel: sorted(
            (message for message in many if TIME_TO_ANSWER <= now - message.at <= FAR),
            key=lambda message: message.at,
            reverse=True,
        )
        for channel, many in asked.items()
    }
    heard = {
        channel for channel, many in ripe.items() if any(message.is_answered for message in many)
    }
    return {channel for channel, many in ripe.items() if heard - {channel} and _is_silent(many)}


def _is_silent(latest: Sequence[Asked]) -> bool:
    last = latest[:UNANSWERED]
    if len(last) < UNANSWERED or any(message.is_answered for message in last):
        return False
    return len({message.person for message in last}) >= PEOPLE

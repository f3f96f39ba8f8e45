"""What came of the attempts: noted at deliveries and addresses, and what it means for a message."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.notify.models import Address, Delivery, Message
from server.notify.refused_addresses import judge
from server.notify.rules import PUSH, Next, Outcome, Reason, Result, what_next
from server.notify.sending.attempts import Attempt
from server.storage import bulk
from server.storage.db import among, dialect, fetch

# A device may have said that it showed a push before we wrote down that the push was accepted.
_IS_UNSEEN = f"channel = '{PUSH}' AND (last_seen_at IS NULL OR last_seen_at < $3)"
_ACCEPTED = f"""
UPDATE address SET last_accepted_at = $2,
  unseen = CASE WHEN {_IS_UNSEEN} THEN unseen + 1 ELSE unseen END,
  unseen_since = CASE WHEN {_IS_UNSEEN} THEN COALESCE(unseen_since, $3) ELSE unseen_since END,
  refused_at = NULL, refused_why = NULL
WHERE id {{any}} RETURNING id
"""  # noqa: S608 (names of our own alone)


async def log_ends(attempts: Sequence[Attempt], now: datetime) -> None:
    await _lock_addresses([a.address.id for a in attempts if a.address is not None])
    await _judge(attempts, now)
    rows: list[dict[str, Any]] = []
    accepted: list[UUID] = []
    failed: list[UUID] = []
    for attempt in attempts:
        outcome = attempt.outcome
        assert outcome is not None
        rows.append(
            {
                "id": attempt.delivery_id,
                "ended_at": now,
                "result": outcome.result.value,
                "why": outcome.reason[:48],
                "status": outcome.status,
            }
        )
        if attempt.address is not None:
            ok = outcome.result is Result.ACCEPTED
            (accepted if ok else failed).append(attempt.address.id)
    await bulk.update(Delivery, rows)
    if accepted:
        started = min(a.started_at for a in attempts if a.started_at is not None)
        sql = _ACCEPTED.format(any=among())
        await fetch(sql, [accepted, now, started])
    if failed:
        await Address.filter(id__in=failed).update(last_failed_at=now)


async def _judge(attempts: Sequence[Attempt], now: datetime) -> None:
    """What the answers say about the addresses. Where several failed at once the addresses are not
    at fault: then it is written down as a fault of the channel."""
    tries = [(a.address, a.outcome) for a in attempts if a.address and a.outcome]
    if not tries:
        return
    judged = await judge(tries[0][0].channel, tries, now)
    for attempt in attempts:
        outcome = attempt.outcome
        if outcome is None or outcome.result is not Result.GONE or attempt.address is None:
            continue
        verdict = judged[attempt.address.id]
        attempt.is_kept = verdict.kept
        if verdict.of_many:
            attempt.outcome = Outcome.refused(outcome.reason, outcome.status)


async def _lock_addresses(ids: Sequence[UUID]) -> None:
    """In one order: two workers may each have the address that the other one is to note about."""
    if ids and dialect() == "postgres":
        sql = "SELECT id FROM address WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
        await fetch(sql, [list(ids)])


class End(msgspec.Struct, frozen=True):
    """The new state of a message, whether to go on by another way, and faults of ours."""

    row: dict[str, Any]
    onward: bool
    faults: set[str]


def end_of(message: Message, tries: Sequence[Attempt], now: datetime, rand: random.Random) -> End:
    """What a message's attempts come to."""
    done = {"done_at": now, "next_action_at": None}
    # Where there are addresses that count, the result of the others is only an addition.
    counting = [a for a in tries if a.counts] or tries
    if any(map(_has_arrived, counting)):
        return End({"state": "done", "why": None, **done}, onward=False, faults=set())
    nexts = [(a.outcome, _next(a.outcome, message, now, rand)) for a in tries if a.outcome]
    faults = {f"{message.channel}:{o.reason}" for o, n in nexts if n.tell_operators}
    # An address that nobody has proven may be mistyped: its person reads that in the settings.
    kept = [a.outcome for a in counting if a.counts and a.is_kept and a.outcome is not None]
    faults |= {f"{message.channel}:{outcome.reason}" for outcome in kept}
    onward = not nexts or any(n.next_channel_now for _, n in nexts)
    retries = [n.retry_at for _, n in nexts if n.retry_at is not None]
    if retries:
        row = {"state": "waiting", "why": None, "done_at": None, "next_action_at": min(retries)}
        return End(row, onward, faults)
    if any(a.reason is not None for a in tries):
        return _unsent(tries, done, faults)
    why = nexts[0][0].reason[:32] if nexts else "no_address"
    return End({"state": "failed", "why": why, **done}, onward, faults)


def _has_arrived(attempt: Attempt) -> bool:
    is_accepted = attempt.outcome is not None and attempt.outcome.result is Result.ACCEPTED
    return is_accepted or attempt.reason is Reason.ALREADY_DONE


def _unsent(tries: Sequence[Attempt], done: dict[str, Any], faults: set[str]) -> End:
    """Some attempts were not worth it, and none is tried again: the message is put off, or done."""
    reason = next(a.reason for a in tries if a.reason is not None)
    if put_off := [a.put_off_to for a in tries if a.put_off_to is not None]:
        row = {"state": "waiting", "why": reason.value, "done_at": None}
        until = {"next_action_at": min(put_off), "ready_at": min(put_off)}
        return End(row | until, onward=False, faults=faults)
    row = {"state": "withheld", "why": reason.value, **done}
    return End(row, reason is Reason.CHANNEL_CLOSED, faults)


def _next(outcome: Outcome, message: Message, now: datetime, rand: random.Random) -> Next:
    # Messages that go out as one are retried at one moment, so that they stay one.
    together = message.together
    drawn = rand.random() if together is None else together.int % 997 / 997
    return what_next(outcome, message.attempts, message.may_go_at, now, rand=drawn)

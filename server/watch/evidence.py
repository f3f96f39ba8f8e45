"""Reading what is known about silences: a handful of queries, however many children there are.

evidence_wording.py puts it in words, without a database.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.alerts.ladder import Cause
from server.alerts.ladder import State as AlertState
from server.notify.devices import reached_of
from server.notify.rules import HOURS, NEXT_CHANNEL_AFTER, NONE, Kind
from server.policy.model import Tier
from server.storage.db import among, as_document, as_id, as_moment, dialect, fetch
from server.storage.turns import in_turns
from server.watch.carer import evidence as people
from server.watch.carer.evidence import FAR
from server.watch.evidence_wording import Point, brief, points, sentence
from server.watch.facts import (
    NO_DEVICE,
    ROUNDS,
    Called,
    Facts,
    Reach,
    in_order,
    read_marks,
)
from server.watch.machine.standing import State
from server.watch.models import Beat, Blind, Round, round_id
from server.watch.rhythm.rules import Span
from server.watch.ticking import BLIND_AFTER, TICK

__all__ = ["Facts", "Point", "brief", "of", "points", "sentence"]

# What happened before a round opened is no evidence about it.
BEFORE_DUE = timedelta(hours=2)
CALLS = frozenset({Kind.ALERT.value, Kind.ALERT_AGAIN.value})


async def of(children_ids: Iterable[UUID], now: datetime) -> dict[UUID, Facts]:
    """What is known about each of these children. A child without a watch is left out."""
    ids = list(children_ids)
    if not ids:
        return {}
    watches = await _watches(ids)
    alerts = await _alerts(ids)
    rounds = {_round(row): as_id(row["child_id"]) for row in watches if _is_asked(row)}
    messages = await _messages([*rounds, *(a.id for many in alerts.values() for a in many)])
    reach = _reach(messages, rounds)
    faults = await _faults(messages, rounds, alerts)
    unsent = _unsent(messages, alerts, now)
    seen, asked = await people.seen(ids, now), await people.asked(watches, alerts)
    carers, pauses = await people.with_carers(ids, now), await people.away(ids, now)
    blinds, forgot = await blinds_since(now - FAR, now), await people.forgot(ids, now)
    pushes, listed = await reached_of(ids, now), await people.listed(ids, now)
    facts_by_child: dict[UUID, Facts] = {}
    async for row in in_turns(watches):
        child = as_id(row["child_id"])
        away_until, returns = pauses.get(child, (None, False))
        facts_by_child[child] = _facts(
            row,
            alerts=alerts.get(child, ()),
            reach=reach.get(child, Reach.NONE),
            push=pushes.get(child, NO_DEVICE),
            has_fault=child in faults,
            unsent_since=unsent.get(child),
            seen=seen.get(child),
            asked=asked.get(child),
            listed=listed.get(child),
            has_carer=child in carers,
            away_until=away_until,
            returns=returns,
            forgot=forgot.get(child),
            blind=_overlapping(blinds, row),
        )
    return facts_by_child


# --- the watches, with their last rounds

_MINUTES = {
    "postgres": "ROUND(EXTRACT(EPOCH FROM (settled_at - due_at)) / 60)::int",
    "sqlite": "CAST(ROUND((julianday(settled_at) - julianday(due_at)) * 1440) AS INTEGER)",
}
_TOGETHER = {"postgres": "string_agg(mark, ',' ORDER BY due_at)", "sqlite": "group_concat(mark)"}

# The last rounds of each child become one text: two hundred rows and not six thousand. SQLite
# before 3.44 knows no order inside group_concat, but keeps that of the rows it is given.
_WATCHES = """
SELECT w.child_id, w.standing, w.tier, w.zone, w.due_at, w.opens_at, w.missed_due_at, w.late_at,
       w.misses, w.sign_at, w.ask_at, w.asked_at, w.answered_at, w.app_seen_at,
       w.heard_at, w.heard_way, w.old_came_at, w.old_said_at, w.not_here_at, c.placed_at,
       CASE WHEN w.answered_at IS NULL AND w.heard_at IS NULL THEN EXISTS (
         SELECT 1 FROM device d WHERE d.person_id = w.child_id AND d.shut_out_at IS NULL)
       END AS has_phone,
       (SELECT {together} FROM (
          SELECT due_at, CASE
              WHEN state = 'open' THEN 'o' WHEN state = 'excused' THEN 'x'
              WHEN state IN ('late', 'ended_late') THEN 'm'
              WHEN state IN ('answered_late', 'seen') AND settled_at >= (
                SELECT MIN(n.due_at) FROM round n
                WHERE n.child_id = w.child_id AND n.due_at > latest.due_at
                AND n.state NOT IN ('replaced', 'ended')) THEN 'm'
              WHEN state = 'seen' THEN 's'
              WHEN state = 'answered_late' THEN 'l' || {minutes}
              ELSE 'a' || {minutes} END AS mark
          FROM (
            SELECT state, due_at, settled_at FROM round
            WHERE child_id = w.child_id AND state NOT IN ('replaced', 'ended')
            ORDER BY due_at DESC LIMIT {rounds}
          ) AS latest ORDER BY due_at
       ) AS marked) AS marks
FROM watch w JOIN child c ON c.id = w.child_id
WHERE w.child_id {any}
"""


async def _watches(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    kind = dialect()
    sql = _WATCHES.format(
        together=_TOGETHER[kind], minutes=_MINUTES[kind], rounds=ROUNDS, any=among()
    )
    return await fetch(sql, [list(ids)])


def _since_sign(row: Mapping[str, Any]) -> datetime | None:
    """When the home said "not here", unless a sign of the child followed."""
    at = _moment(row["not_here_at"])
    return at if at is not None and at > as_moment(row["sign_at"]) else None


def _moment(value: object) -> datetime | None:
    return None if value is None else as_moment(value)


def _is_asked(row: Mapping[str, Any]) -> bool:
    return row["missed_due_at"] is not None or row["due_at"] is not None


def _round(row: Mapping[str, Any]) -> UUID:
    """The round that the silence is about: the oldest one missed, else the current one."""
    due = row["missed_due_at"] or row["due_at"]
    return round_id(as_id(row["child_id"]), as_moment(due))


def _facts(row: Mapping[str, Any], **extras: Any) -> Facts:
    marks, usual_delay = read_marks(row["marks"])
    return Facts(
        child_id=as_id(row["child_id"]),
        standing=State(row["standing"]),
        tier=Tier(row["tier"]),
        placed_at=as_moment(row["placed_at"]),
        zone=row["zone"],
        due_at=_moment(row["due_at"]),
        opens_at=_moment(row["opens_at"]),
        missed_due_at=_moment(row["missed_due_at"]),
        late_at=_moment(row["late_at"]),
        misses=row["misses"],
        sign_at=_moment(row["sign_at"]),
        ask_at=_moment(row["ask_at"]),
        asked_at=_moment(row["asked_at"]),
        answered_at=_moment(row["answered_at"]),
        app_seen_at=_moment(row["app_seen_at"]),
        heard_at=_moment(row["heard_at"]),
        heard_way=row["heard_way"] or "",
        has_phone=row["has_phone"] is None or bool(row["has_phone"]),
        old_came_at=_moment(row["old_came_at"]),
        old_said_at=_moment(row["old_said_at"]),
        not_here_at=_since_sign(row),
        marks=marks,
        usual_delay=usual_delay,
        **extras,
    )


# --- alerts, and what was sent about them

_MESSAGES = """
SELECT id, subject_id, kind, channel, state, why, seen_at, queued_at
FROM message WHERE subject_id {any}
"""
_ALERTS = """
SELECT id, child_id, cause, state, reason, opened_at, acknowledged_by, held_until, answered_at,
       misses, next_action_at, contacted_at, contacted_by, said_at, called_at, called_said_at, facts
FROM alert WHERE closed_at IS NULL AND child_id {any}
"""


async def _alerts(ids: Sequence[UUID]) -> dict[UUID, tuple[Called, ...]]:
    alerts_by_child: dict[UUID, list[Called]] = {}
    for row in await fetch(_ALERTS.format(any=among()), [list(ids)]):
        alerts_by_child.setdefault(as_id(row["child_id"]), []).append(_called(row))
    return {child: tuple(in_order(many)) for child, many in alerts_by_child.items()}


def _called(row: Mapping[str, Any]) -> Called:
    has = row["acknowledged_by"] if row["held_until"] is not None else None
    contacted_by, facts = row["contacted_by"], as_document(row["facts"])
    return Called(
        id=as_id(row["id"]),
        cause=Cause(row["cause"]),
        state=AlertState(row["state"]),
        reason=row["reason"],
        opened_at=as_moment(row["opened_at"]),
        has=None if has is None else as_id(has),
        held_until=_moment(row["held_until"]),
        answered_at=_moment(row["answered_at"]),
        misses=row["misses"],
        next_action_at=_moment(row["next_action_at"]),
        contacted_at=_moment(row["contacted_at"]),
        contacted_by=None if contacted_by is None else as_id(contacted_by),
        said_at=_moment(row["said_at"]),
        called_at=_moment(row["called_at"]),
        called_said_at=_moment(row["called_said_at"]),
        due_at=_moment(facts.get("due_at")),
        carer_asked_at=_moment(facts.get("asked_at")),
    )


async def _messages(subjects: Sequence[UUID]) -> list[dict[str, Any]]:
    if not subjects:
        return []
    return await fetch(_MESSAGES.format(any=among()), [list(subjects)])


_RANK = list(Reach)


def _reach(messages: Iterable[Mapping[str, Any]], rounds: Mapping[UUID, UUID]) -> dict[UUID, Reach]:
    """The best that is known of the reminders of each child's round."""
    best_reach: dict[UUID, Reach] = {}
    for row in messages:
        child = rounds.get(as_id(row["subject_id"]))
        if child is not None and row["kind"] == Kind.REMIND_CHILD:
            best_reach[child] = min(
                best_reach.get(child, Reach.NONE), _reached(row), key=_RANK.index
            )
    return best_reach


def _reached(row: Mapping[str, Any]) -> Reach:
    if row["seen_at"] is not None:
        return Reach.SEEN
    if row["state"] == "done":
        return Reach.ACCEPTED
    if row["channel"] == NONE:
        return Reach.NO_PHONE
    if row["why"] in HOURS:
        return Reach.QUIET
    if row["state"] in ("waiting", "sending"):
        return Reach.WAITING
    # Withdrawn ones were never needed; whatever else did not go out, did not arrive.
    return Reach.NONE if row["state"] == "withdrawn" else Reach.FAILED


def _unsent(
    messages: Iterable[Mapping[str, Any]],
    alerts: Mapping[UUID, tuple[Called, ...]],
    now: datetime,
) -> dict[UUID, datetime]:
    """Since when adults are called about a child, if no channel has taken any of it, also for want
    of an address, or of a person on the ladder. While the first channel may still be sending, this
    says nothing."""
    owners = {alert.id: child for child, many in alerts.items() for alert in many}
    calls: dict[UUID, list[Mapping[str, Any]]] = {}
    for row in messages:
        child = owners.get(as_id(row["subject_id"]))
        if child is not None and row["kind"] in CALLS:
            calls.setdefault(child, []).append(row)
    unsent: dict[UUID, datetime] = {}
    for child, many in alerts.items():
        rows = calls.get(child, [])
        states = {row["state"] for row in rows}
        moments = [as_moment(row["queued_at"]) for row in rows]
        # A person may have taken an alert that they saw on the board.
        at = min(moments or [alert.opened_at for alert in many if alert.has is None], default=None)
        if at is None:
            continue
        may_go = not states.isdisjoint(("waiting", "sending")) and now - at < NEXT_CHANNEL_AFTER
        if states.isdisjoint(("done", "withdrawn")) and not may_go:
            unsent[child] = at
    return unsent


_BROKEN = """
SELECT message_id FROM delivery WHERE message_id {any} AND result IN ('refused', 'fault')
"""


async def _faults(
    messages: Iterable[Mapping[str, Any]],
    rounds: Mapping[UUID, UUID],
    alerts: Mapping[UUID, tuple[Called, ...]],
) -> set[UUID]:
    """The children affected when one of our channels refused or broke."""
    owners = dict(rounds) | {alert.id: child for child, many in alerts.items() for alert in many}
    about = {as_id(row["id"]): owners[as_id(row["subject_id"])] for row in messages}
    if not about:
        return set()
    rows = await fetch(_BROKEN.format(any=among()), [list(about)])
    return {about[as_id(row["message_id"])] for row in rows}


# --- what was wrong at our side


async def blinds_since(since: datetime, now: datetime) -> list[Span]:
    """The times in which our server did not look; one that goes on ends now."""
    rows = await Blind.filter(until_at__gt=since).order_by("from_at")
    spans = [Span(row.from_at, row.until_at) for row in rows]
    last = await Beat.filter(name=TICK).first()
    if last is not None and now - last.at > BLIND_AFTER:
        spans.append(Span(last.at, now))
    return spans


def _overlapping(blinds: Iterable[Span], row: Mapping[str, Any]) -> tuple[Span, ...]:
    due = row["missed_due_at"] or (row["sign_at"] if row["standing"] == State.ALERTED else None)
    if due is None:
        return ()
    since = as_moment(due) - BEFORE_DUE
    return tuple(blind for blind in blinds if blind.end > since)


async def said_forgot(ids: Iterable[UUID], now: datetime) -> dict[UUID, int]:
    """How many check-ins of the last four weeks each child said they forgot."""
    since = now - timedelta(days=ROUNDS)
    rows = Round.filter(child_id__in=list(ids), due_at__gt=since, forgot_at__isnull=False)
    return Counter(as_id(child) for child in await rows.values_list("child_id", flat=True))

"""Reading what the signals about children go by: a handful of queries, however many there are.

It lies here because moods do; what it means is in watch/signals.py. Nothing is written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from server.alert.actions import policy_of
from server.alert.policy import Signal
from server.db import as_id, dialect, fetch
from server.doors.models import Device
from server.due.models import Due
from server.due.rules import Kind
from server.people.rules import Role
from server.watch.models import Noted, Observation
from server.watch.noticing import GOAL
from server.watch.signal_words import in_short
from server.watch.signals import (
    MONTH,
    Answer,
    Changed,
    Code,
    Mood,
    Promise,
    Rows,
    Sign,
    changed,
)

# What is usual changes slowly: a board that renews itself reads so many rows so often at most.
KEPT_FOR = timedelta(minutes=10)
MOST_KEPT = 5_000
_Answers = tuple[tuple[Answer, ...], tuple[Mood, ...]]


async def of(
    agency_id: UUID, children: Collection[UUID], now: datetime
) -> dict[UUID, list[Changed]]:
    """What has changed about each of these children, as their agency wants to hear it."""
    signals = (await policy_of(agency_id))[0].signals
    return await _found(children, await _read(children, signals, now), signals, now)


class OnBoard:
    """The same in a few words, for a board that renews itself all day: the answers and moods that
    were read are kept in memory for some minutes. What was noticed is read each time."""

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[datetime, _Answers]] = {}

    async def __call__(
        self, agency_id: UUID, children: Collection[UUID], language: str, now: datetime
    ) -> dict[UUID, str]:
        """A line about each of these children of whom there is something to say."""
        signals = (await policy_of(agency_id))[0].signals
        answers = await self._answers(children, signals, now)
        found = await _found(children, answers, signals, now)
        return {child: in_short(some, language) for child, some in found.items() if some}

    async def _answers(
        self, children: Collection[UUID], signals: Mapping[str, Signal], now: datetime
    ) -> dict[UUID, _Answers]:
        # A clock that was set back makes nothing new that was read in the time to come.
        fits = {
            id_: self._kept[id_][1]
            for id_ in children
            if id_ in self._kept and timedelta(0) <= now - self._kept[id_][0] < KEPT_FOR
        }
        read = await _read([id_ for id_ in children if id_ not in fits], signals, now)
        if len(self._kept) + len(read) > MOST_KEPT:
            self._kept.clear()
        self._kept |= {id_: (now, one) for id_, one in read.items()}
        return fits | read


async def _found(
    children: Collection[UUID],
    answers: Mapping[UUID, _Answers],
    signals: Mapping[str, Signal],
    now: datetime,
) -> dict[UUID, list[Changed]]:
    ids = list(children)
    if not ids:
        return {}
    dates, promises = await _dues(ids, signals, now)
    goals, signs, phones = await _goals(ids), await _signs(ids, signals, now), await _phones(ids)
    found = {}
    for id_ in ids:
        said, moods = answers[id_]
        rows = Rows(
            answers=said,
            moods=moods,
            dates=dates.get(id_, ()),
            promises=promises.get(id_, ()),
            goals=goals.get(id_, ()),
            signs=signs.get(id_, ()),
            phones=phones.get(id_, ()),
        )
        found[id_] = changed(rows, signals, now)
    return found


# --- answers and moods

# The rows of each child become one text: two hundred rows and not ten thousand. A moment is its
# minute since 1970; what is not answered has no delay.
_MINUTE = {
    "postgres": "FLOOR(EXTRACT(EPOCH FROM {at}) / 60)::bigint",
    "sqlite": "CAST((julianday({at}) - 2440587.5) * 1440 AS INTEGER)",
}
_TOGETHER = {"postgres": "string_agg({what}, ',')", "sqlite": "group_concat({what})"}
_ANY = {"postgres": "= ANY($1)", "sqlite": "IN (SELECT value FROM json_each($1))"}
_ROUNDS = """
SELECT child_id, {together} AS text FROM round
WHERE child_id {any} AND due_at > $2 AND due_at <= $3
AND state IN ('answered', 'answered_late', 'late', 'ended_late')
GROUP BY child_id
"""
_MOODS = """
SELECT child_id, {together} AS text FROM check_in
WHERE child_id {any} AND received_at > $2 AND received_at <= $3 AND mood IS NOT NULL
AND by_role = 'child' GROUP BY child_id
"""


async def _read(
    ids: Collection[UUID], signals: Mapping[str, Signal], now: datetime
) -> dict[UUID, _Answers]:
    """The answers and moods of the time that the signals look at."""
    codes = (Code.LATER_ANSWERS, Code.FEWER_ANSWERS, Code.LOWER_MOOD)
    on = [signals[code].days for code in codes if signals[code].is_on]
    if not on or not ids:
        return {id_: ((), ()) for id_ in ids}
    since = now - timedelta(days=max(on)) - MONTH
    rounds = await _texts(_ROUNDS, "due_at", _DELAY, ids, since, now)
    moods = await _texts(_MOODS, "received_at", _MOOD, ids, since, now)
    return {
        id_: (
            tuple(Answer(at, _minutes(value)) for at, value in _pairs(rounds.get(id_))),
            tuple(Mood(at, int(value)) for at, value in _pairs(moods.get(id_))),
        )
        for id_ in ids
    }


_DELAY = {
    kind: f"CASE WHEN state IN ('answered', 'answered_late') THEN {minute} ELSE NULL END"
    for kind, minute in {
        "postgres": "ROUND(EXTRACT(EPOCH FROM (settled_at - due_at)) / 60)::int",
        "sqlite": "CAST(ROUND((julianday(settled_at) - julianday(due_at)) * 1440) AS INTEGER)",
    }.items()
}


_MOOD = {"postgres": "mood", "sqlite": "mood"}


async def _texts(
    sql: str,
    at: str,
    value: Mapping[str, str],
    ids: Collection[UUID],
    since: datetime,
    now: datetime,
) -> dict[UUID, str]:
    kind = dialect()
    what = f"CAST({_MINUTE[kind].format(at=at)} AS text) || ':' ||"
    what += f" COALESCE(CAST({value[kind]} AS text), '')"
    together = _TOGETHER[kind].format(what=what)
    rows = await fetch(sql.format(together=together, any=_ANY[kind]), [list(ids), since, now])
    return {as_id(row["child_id"]): row["text"] for row in rows}


def _pairs(text: str | None) -> Iterable[tuple[datetime, str]]:
    for token in text.split(",") if text else ():
        minute, _, value = token.partition(":")
        yield datetime.fromtimestamp(int(minute) * 60, UTC), value


def _minutes(value: str) -> timedelta | None:
    return timedelta(minutes=int(value)) if value else None


# --- what was to be done, what was noticed, and phones

T = TypeVar("T")


def _by_child(rows: Iterable[tuple[Any, T]]) -> dict[UUID, list[T]]:
    found: dict[UUID, list[T]] = {}
    for child_id, one in rows:
        found.setdefault(as_id(child_id), []).append(one)
    return found


async def _dues(
    ids: Sequence[UUID], signals: Mapping[str, Signal], now: datetime
) -> tuple[dict[UUID, list[Promise]], dict[UUID, list[Promise]]]:
    """Reviews and meetings that had a day, and what adults had promised. A review about a complaint
    goes round the caseworker, and so it is none here."""
    days = max(signals[code].days for code in (Code.MISSED_DATES, Code.BROKEN_PROMISES))
    rows = await Due.filter(
        child_id__in=list(ids),
        kind__in=[Kind.REVIEW, Kind.STEP],
        due_at__gt=now - timedelta(days=days),
        due_at__lte=now,
    ).values_list("child_id", "kind", "owner_role", "due_at", "settled_at")
    dates = [
        (child, Promise(at, settled))
        for child, kind, role, at, settled in rows
        if kind == Kind.REVIEW and role == Role.CASEWORKER
    ]
    promises = [
        (child, Promise(at, settled))
        for child, kind, role, at, settled in rows
        if kind == Kind.STEP and role != Role.CHILD
    ]
    return _by_child(dates), _by_child(promises)


async def _goals(ids: Sequence[UUID]) -> dict[UUID, list[datetime]]:
    held = Noted.filter(child_id__in=list(ids), code=GOAL, ended_at__isnull=True)
    return _by_child(await held.values_list("child_id", "at"))


async def _signs(
    ids: Sequence[UUID], signals: Mapping[str, Signal], now: datetime
) -> dict[UUID, list[Sign]]:
    since = now - timedelta(days=signals[Code.OBSERVATIONS].days)
    held = Observation.filter(child_id__in=list(ids), at__gt=since, taken_back_at__isnull=True)
    rows = await held.values_list("child_id", "at", "sign")
    return _by_child((child, Sign(at, sign)) for child, at, sign in rows)


async def _phones(ids: Sequence[UUID]) -> dict[UUID, list[datetime]]:
    """When each child's phones were paired. A child's id is its person's id."""
    return _by_child(
        await Device.filter(person_id__in=list(ids)).values_list("person_id", "paired_at")
    )

"""Reading the data for the signals about children: a handful of queries, however many there are.

The meaning is in watch/signals/rules.py. Nothing is written.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from server.alerts.recipients import policy_of
from server.policy.model import Signal
from server.storage.db import among, as_id, as_moment, dialect, fetch
from server.storage.turns import in_turns
from server.watch.signals.rules import (
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
from server.watch.signals.wording import in_short

# What is usual changes slowly: a board that renews itself reads the answers only this often.
KEPT_FOR = timedelta(minutes=10)
MOST_KEPT = 5_000
_Found = dict[UUID, list[Changed]]
_ORDER = {code: place for place, code in enumerate(Code)}


async def of(agency_id: UUID, children: Collection[UUID], now: datetime) -> _Found:
    """What has changed about each of these children, as their agency wants to hear it."""
    signals = (await policy_of(agency_id))[0].signals
    answers = await _of_answers(children, signals, now)
    return _together(children, answers, await _of_the_rest(children, signals, now))


async def holds(child_id: UUID, signals: Mapping[str, Signal], at: datetime) -> bool:
    """Whether one of these signals holds for a child at a moment: for the watch, which may ask."""
    answers = await _of_answers([child_id], signals, at)
    rest = await _of_the_rest([child_id], signals, at)
    return bool(answers[child_id] or rest.get(child_id))


class OnBoard:
    """The same in a few words, for a board that renews itself all day. Answers and moods are kept
    in memory for some minutes; observations are read each time."""

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[datetime, int, list[Changed]]] = {}

    async def lines(
        self, agency_id: UUID, children: Collection[UUID], language: str, now: datetime
    ) -> dict[UUID, str]:
        """One line for each of these children with something to say."""
        policy, version = await policy_of(agency_id)
        answers = await self._answers(children, policy.signals, version, now)
        rest = await _of_the_rest(children, policy.signals, now)
        changes = _together(children, answers, rest)
        return {child: in_short(some, language) for child, some in changes.items() if some}

    async def _answers(
        self, children: Collection[UUID], signals: Mapping[str, Signal], version: int, now: datetime
    ) -> _Found:
        fits = {
            id_: self._kept[id_][2]
            for id_ in children
            if id_ in self._kept and _is_new(self._kept[id_], version, now)
        }
        new = await _of_answers([id_ for id_ in children if id_ not in fits], signals, now)
        if len(self._kept) + len(new) > MOST_KEPT:
            self._kept.clear()
        self._kept |= {id_: (now, version, some) for id_, some in new.items()}
        return fits | new


def _is_new(kept: tuple[datetime, int, list[Changed]], version: int, now: datetime) -> bool:
    """Whether the cached value still counts: it belongs to this policy, is not too old, and (in
    case a clock was set back) is not from the future."""
    return kept[1] == version and timedelta(0) <= now - kept[0] < KEPT_FOR


def _together(children: Collection[UUID], first: _Found, other: _Found) -> _Found:
    return {
        id_: sorted([*first.get(id_, ()), *other.get(id_, ())], key=lambda some: _ORDER[some.code])
        for id_ in children
    }


# --- answers and moods

# The rows of each child become one text: two hundred rows and not ten thousand. A moment is its
# minute since 1970; what is not answered has no delay.
_MINUTE = {
    "postgres": "FLOOR(EXTRACT(EPOCH FROM {at}) / 60)::bigint",
    "sqlite": "CAST((julianday({at}) - 2440587.5) * 1440 AS INTEGER)",
}
_TOGETHER = {"postgres": "string_agg({what}, ',')", "sqlite": "group_concat({what})"}
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


async def _of_answers(
    ids: Collection[UUID], signals: Mapping[str, Signal], now: datetime
) -> _Found:
    """What the answers and moods of the time that the signals look at say, by child."""
    codes = (Code.LATER_ANSWERS, Code.FEWER_ANSWERS, Code.REGULAR_ANSWERS, Code.LOWER_MOOD)
    on = [signals[code].days for code in codes if signals[code].is_on]
    if not on or not ids:
        return {id_: [] for id_ in ids}
    since = now - timedelta(days=max(on)) - MONTH
    rounds = await _texts(_ROUNDS, "due_at", _DELAY, ids, since, now)
    moods = await _texts(_MOODS, "received_at", _MOOD, ids, since, now)
    changes = {}
    for id_ in ids:
        rows = Rows(
            answers=[Answer(at, _minutes(value)) for at, value in _pairs(rounds.get(id_))],
            moods=[Mood(at, int(value)) for at, value in _pairs(moods.get(id_))],
        )
        changes[id_] = changed(rows, signals, now)
    return changes


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
    rows = await fetch(sql.format(together=together, any=among()), [list(ids), since, now])
    return {as_id(row["child_id"]): row["text"] for row in rows}


def _pairs(text: str | None) -> Iterable[tuple[datetime, str]]:
    for token in text.split(",") if text else ():
        minute, _, value = token.partition(":")
        yield datetime.fromtimestamp(int(minute) * 60, UTC), value


def _minutes(value: str) -> timedelta | None:
    return timedelta(minutes=int(value)) if value else None


# --- what was to be done, what was noticed, and phones

# All in one statement: one part for each kind that the rules may report. A review about a complaint
# bypasses the caseworker, so it is left out here. A child's id is their person's id. A person with
# a new first phone chooses a language, and that says nothing.
_REST = """
SELECT child_id, kind AS what, due_at AS at, settled_at AS settled_at, '' AS word FROM task
WHERE child_id {any} AND due_at > $2 AND due_at <= $3
AND (settled_at IS NULL OR settled_at > due_at)
AND ((kind = 'review' AND owner_role = 'caseworker') OR (kind = 'step' AND owner_role <> 'child'))
UNION ALL
SELECT child_id, code, at, NULL, '' FROM noted
WHERE child_id {any} AND code = 'goal' AND ended_at IS NULL AND at <= $4
UNION ALL
SELECT child_id, 'sign', at, NULL, sign FROM observation
WHERE child_id {any} AND at > $5 AND at <= $3 AND taken_back_at IS NULL
UNION ALL
SELECT d.person_id, 'phone', d.paired_at, NULL, '' FROM device d
WHERE d.person_id {any} AND EXISTS (
  SELECT 1 FROM device n WHERE n.person_id = d.person_id AND n.paired_at > $6)
UNION ALL
SELECT e.child_id, 'language', e.at, NULL, '' FROM entry e
WHERE e.child_id {any} AND e.at > $7 AND e.at <= $3 AND e.what = 'person:change'
AND e.who_id = e.child_id AND CAST(e.names AS text) LIKE '%language%'
AND EXISTS (SELECT 1 FROM device d WHERE d.person_id = e.child_id AND d.paired_at <= $7)
UNION ALL
SELECT child_id, 'otherwise', at, NULL, '' FROM shared_answer
WHERE child_id {any} AND at > $8 AND at <= $3 AND is_otherwise
"""


@dataclass
class _Rest:
    """What is known of one child beside their answers and moods."""

    review: list[Promise] = field(default_factory=list)
    step: list[Promise] = field(default_factory=list)
    goal: list[datetime] = field(default_factory=list)
    sign: list[Sign] = field(default_factory=list)
    phone: list[datetime] = field(default_factory=list)
    language: list[datetime] = field(default_factory=list)
    otherwise: list[datetime] = field(default_factory=list)

    def rows(self) -> Rows:
        """The same for the rules."""
        return Rows(
            dates=self.review,
            promises=self.step,
            goals=self.goal,
            signs=self.sign,
            phones=self.phone,
            languages=self.language,
            otherwise=self.otherwise,
        )


async def _of_the_rest(
    ids: Collection[UUID], signals: Mapping[str, Signal], now: datetime
) -> _Found:
    """What everything else says, for the children with something to say."""
    rest = await _rest(ids, signals, now) if ids else {}
    return {
        id_: changed(events.rows(), signals, now) async for id_, events in in_turns(rest.items())
    }


async def _rest(
    ids: Collection[UUID], signals: Mapping[str, Signal], now: datetime
) -> dict[UUID, _Rest]:
    def ago(*codes: Code) -> datetime:
        return now - timedelta(days=max(signals[code].days for code in codes))

    since = ago(Code.MISSED_DATES, Code.BROKEN_PROMISES)
    own = (
        Code.STALLED_GOALS,
        Code.OBSERVATIONS,
        Code.NEW_PHONE,
        Code.OTHER_LANGUAGE,
        Code.SHARED_QUESTION,
    )
    sql = _REST.format(any=among())
    rows = await fetch(sql, [list(ids), since, now, *(ago(code) for code in own)])
    rest_by_child: dict[UUID, _Rest] = {}
    for row in rows:
        at, rest = as_moment(row["at"]), rest_by_child.setdefault(as_id(row["child_id"]), _Rest())
        match row["what"]:
            case "sign":
                rest.sign.append(Sign(at, row["word"]))
            case "goal":
                rest.goal.append(at)
            case "phone":
                rest.phone.append(at)
            case "language":
                rest.language.append(at)
            case "otherwise":
                rest.otherwise.append(at)
            case kind:
                settled = row["settled_at"]
                promise = Promise(at, None if settled is None else as_moment(settled))
                (rest.review if kind == "review" else rest.step).append(promise)
    return rest_by_child

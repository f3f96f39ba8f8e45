"""What the figures of the watch are counted from, in parts: children and alerts a thousand children
at a time, check-ins added up week by week in the database. Reads rows, and writes none."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause, Outcome
from server.audit.models import Entry
from server.clock import known_zone, offsets
from server.i18n import N_
from server.notify.models import Address
from server.policy.model import Tier
from server.reports import quality, quality_curves
from server.reports.counting import due_epoch, id_or_none, texts
from server.reports.quality import SHIFTS, Called, Living, Rounds, Tally
from server.reports.quality_curves import Week
from server.storage.db import as_document, as_id, as_moment, dialect, fetch_report, to_json
from server.storage.statement import Statement
from server.watch.models import Pause


class Read(StrEnum):
    """What a page shows, and so what has to be read for it."""

    FIGURES = "figures"  # Of all children and groups of them, and the alerts of each week.
    WEEKS = "weeks"  # The misses of each week.
    HOMES = "homes"


EVERYTHING = frozenset(Read)
DAYS = 90
AT_ONCE = 1000
_PHONES = (
    ("push.apple.com", N_("iPhone")),
    ("mozilla", N_("Firefox")),
    ("google", N_("Android or Chrome")),
)
_OTHER, _NONE = N_("Another phone"), N_("Phone without reminders")
_NOBODY = UUID(int=0)


class Quality(msgspec.Struct):
    """The last 90 days: all children, the same by watch level, language and phone, and the homes.
    Of a level: without the time of watch, since we do not record how long each child was in it."""

    since: datetime
    weeks: list[Week]
    all: Tally = msgspec.field(default_factory=Tally)
    levels: dict[str, Tally] = msgspec.field(
        default_factory=lambda: {tier: Tally() for tier in Tier}
    )
    languages: dict[str, Tally] = msgspec.field(default_factory=dict)
    phones: dict[str, Tally] = msgspec.field(default_factory=dict)
    homes: dict[UUID | None, Living] = msgspec.field(default_factory=dict)

    def add(self, child: "_Child", calls: Sequence[Called]) -> None:
        """Count a child, and the alerts about them."""
        groups = (
            self.all,
            self.languages.setdefault(child.language, Tally()),
            self.phones.setdefault(child.phone, Tally()),
        )
        for group in groups:
            group.add_child(child.watched)
        for tier in {call.tier for call in calls}:
            self.levels[tier].add_child(timedelta(0))
        home = self.homes.setdefault(child.home_id, Living())
        home.children += 1
        home.watched += child.watched
        for call in calls:
            for group in (*groups, self.levels[call.tier]):
                group.add(call)
            quality_curves.add(self.weeks, call)


class _Child(msgspec.Struct, frozen=True):
    language: str
    phone: str
    home_id: UUID | None
    watched: timedelta


async def read(agency_id: UUID, now: datetime, what: frozenset[Read] = EVERYTHING) -> Quality:
    """These figures of an agency; what is not wanted stays empty."""
    since = now - timedelta(days=DAYS)
    until = now.date() + timedelta(days=1)
    report = Quality(since, quality_curves.weeks(since.date(), until))
    after = _NOBODY
    while rows := await fetch_report(_CHILDREN, [agency_id, now, since, after]):
        await _add(report, rows, now, has_calls=Read.FIGURES in what)
        after = as_id(rows[-1]["id"])
    if what & {Read.WEEKS, Read.HOMES}:
        zones = await _zones(agency_id, since, now)
        for week in report.weeks:
            due = _Due(agency_id, week, now, since, zones)
            await _add_rounds(report, due)
            if Read.HOMES in what:
                await _add_together(report, due)
    return report


# --- children and alerts

_CHILDREN = f"""
SELECT c.id, c.home_id, c.placed_at, c.left_at, p.language
FROM child c JOIN watch w ON w.child_id = c.id JOIN person p ON p.id = c.id
WHERE c.agency_id = $1 AND c.placed_at < $2 AND (c.left_at IS NULL OR c.left_at > $3)
AND c.id > $4 ORDER BY c.id LIMIT {AT_ONCE}
"""  # noqa: S608 (a number of our own)


async def _add(
    report: Quality, rows: Sequence[dict[str, Any]], now: datetime, *, has_calls: bool
) -> None:
    """Count one part of the children."""
    ids, since = [as_id(row["id"]) for row in rows], report.since
    pauses = await _pauses(ids, since, now)
    phones = await _phones(ids) if has_calls else {}
    calls = await _calls(ids, since) if has_calls else {}
    for id_, row in zip(ids, rows, strict=True):
        begin = max(as_moment(row["placed_at"]), since)
        end = now if row["left_at"] is None else as_moment(row["left_at"])
        child = _Child(
            row["language"],
            phones.get(id_, _NONE),
            id_or_none(row["home_id"]),
            quality.watched(begin, end, pauses.get(id_, ())),
        )
        report.add(child, calls.get(id_, ()))


async def _pauses(
    ids: list[UUID], since: datetime, now: datetime
) -> dict[UUID, list[tuple[datetime, datetime]]]:
    rows = Pause.filter(child_id__in=ids, until_at__gt=since, from_at__lt=now)
    pauses: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for row in await rows.values_list("child_id", "from_at", "until_at", "ended_at"):
        child_id, begin, until, ended = row
        pauses.setdefault(child_id, []).append((begin, min(until, ended or until)))
    return pauses


async def _phones(ids: list[UUID]) -> dict[UUID, str]:
    """What reminds each child, by the service that their phone is reached through."""
    rows = Address.filter(person_id__in=ids, channel="push", dropped_at__isnull=True)
    phones: dict[UUID, str] = {}
    for person_id, value in await rows.order_by("made_at").values_list("person_id", "value"):
        phones[person_id] = next((word for part, word in _PHONES if part in value), _OTHER)
    return phones


_CALLS = """
SELECT id, child_id, tier, outcome, noticed_at, closed_at, facts FROM alert
WHERE child_id {children} AND cause = {cause} AND noticed_at > {since}
"""


async def _calls(ids: list[UUID], since: datetime) -> dict[UUID, list[Called]]:
    statement = Statement()
    sql = _CALLS.format(
        children=statement.among(ids),
        cause=statement.of(Cause.SILENCE.value),
        since=statement.of(since),
    )
    rows = await fetch_report(sql, statement.params)
    taken: dict[UUID, datetime] = {}
    entries = Entry.filter(
        child_id__in=list({as_id(row["child_id"]) for row in rows}),
        at__gt=since,
        what="alert:acknowledge",
    )
    for about_id, at in await entries.order_by("at").values_list("about_id", "at"):
        taken.setdefault(about_id, at)
    calls: dict[UUID, list[Called]] = {}
    for row in rows:
        call = _called(row, taken.get(as_id(row["id"])))
        calls.setdefault(as_id(row["child_id"]), []).append(call)
    return calls


def _called(row: dict[str, Any], taken_at: datetime | None) -> Called:
    noticed_at = as_moment(row["noticed_at"])
    closed_at = None if row["closed_at"] is None else as_moment(row["closed_at"])
    answered = as_document(row["facts"]).get("answered_at")
    return Called(
        tier=row["tier"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        to_take=taken_at - noticed_at if taken_at is not None else None,
        to_end=closed_at - noticed_at if closed_at is not None else None,
        silence=noticed_at - datetime.fromisoformat(answered) if answered else None,
        day=noticed_at.date(),
    )


# --- check-ins

_ZONES = {
    "sqlite": "SELECT json_extract(value, '$.name') AS name, json_extract(value, '$.begin')"
    " AS begin_at, json_extract(value, '$.end') AS end_at, json_extract(value, '$.offset')"
    " AS seconds FROM json_each({})",
    "postgres": 'SELECT name, "begin" AS begin_at, "end" AS end_at, "offset" AS seconds'
    " FROM jsonb_to_recordset({}::text::jsonb)"
    ' AS x(name text, "begin" bigint, "end" bigint, "offset" bigint)',
}
_DUE = """
WITH zone AS MATERIALIZED ({zones}),
due AS (
  SELECT c.home_id, CAST(c.id AS text) AS child_id, {epoch} AS at, w.zone,
         CASE WHEN r.state IN ({missed}) THEN 1 ELSE 0 END AS is_missed
  FROM child c JOIN watch w ON w.child_id = c.id
  JOIN round r ON r.child_id = c.id AND r.due_at >= {begin} AND r.due_at < {end}
  WHERE c.agency_id = {agency} AND c.placed_at < {now}
  AND (c.left_at IS NULL OR c.left_at > {since})
  AND r.due_at > {since} AND r.late_at <= {now} AND r.state IN ({states})
)
"""
_BY_SHIFT = """
, placed AS (
  SELECT due.*, (due.at + z.seconds) / 3600 % 24 AS hour
  FROM due JOIN zone z ON z.name = due.zone AND due.at >= z.begin_at AND due.at < z.end_at
)
SELECT home_id, {shift} AS shift, COUNT(*) AS asked, SUM(is_missed) AS misses,
       MIN(CASE is_missed WHEN 1 THEN child_id END) AS first,
       MAX(CASE is_missed WHEN 1 THEN child_id END) AS last
FROM placed GROUP BY home_id, {shift}
"""
_TOGETHER = """
, missed AS (
  SELECT home_id, at / 86400 AS day FROM due
  WHERE home_id IS NOT NULL
  GROUP BY home_id, at / 86400 HAVING MIN(child_id) <> MAX(child_id)
)
SELECT home_id, COUNT(*) AS days FROM missed GROUP BY home_id
"""


async def _zones(agency_id: UUID, since: datetime, now: datetime) -> str:
    """The distance from UTC of each clock in use, as JSON."""
    rows = await fetch_report("SELECT DISTINCT zone FROM watch WHERE agency_id = $1", [agency_id])
    spans = [
        {
            "name": row["zone"],
            "begin": int(begin.timestamp()),
            "end": int(end.timestamp()),
            "offset": int(offset.total_seconds()),
        }
        for row in rows
        for begin, end, offset in offsets(known_zone(row["zone"]), since, now + timedelta(days=1))
    ]
    return to_json(spans)


class _Due(msgspec.Struct, frozen=True):
    """The check-ins of one week. `zones`: as `_zones` gives them."""

    agency_id: UUID
    week: Week
    now: datetime
    since: datetime
    zones: str

    def of(self, states: Sequence[str]) -> tuple[str, Statement]:
        """Those in these states, as the beginning of a statement."""
        statement = Statement()
        sql = _DUE.format(
            zones=_ZONES[dialect()].format(statement.of(self.zones)),
            epoch=due_epoch(),
            missed=texts(quality.MISSED),
            states=texts(states),
            begin=statement.of(_midnight(self.week.begin)),
            end=statement.of(_midnight(self.week.end)),
            agency=statement.of(self.agency_id),
            now=statement.of(self.now),
            since=statement.of(self.since),
        )
        return sql, statement


async def _add_rounds(report: Quality, due: _Due) -> None:
    """Count the check-ins of one week by home and shift."""
    sql, statement = due.of((*quality.MISSED, *quality.KEPT))
    for row in await fetch_report(sql + _BY_SHIFT.format(shift=_SHIFT), statement.params):
        home = report.homes.setdefault(id_or_none(row["home_id"]), Living())
        rounds = home.shifts.setdefault(SHIFTS[row["shift"]], Rounds())
        children = [id_ for id_ in (row["first"], row["last"]) if id_ is not None]
        rounds.add(row["asked"], row["misses"], children)
        due.week.misses += row["misses"]


async def _add_together(report: Quality, due: _Due) -> None:
    """Count the days of one week on which several children of a home missed one."""
    sql, statement = due.of(quality.MISSED)
    for row in await fetch_report(sql + _TOGETHER, statement.params):
        report.homes[as_id(row["home_id"])].together += row["days"]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# The last of the shifts goes over midnight.
_SHIFT = (
    "CASE "
    + " ".join(
        f"WHEN hour >= {begin} AND hour < {end} THEN {place}"
        for place, (begin, end) in enumerate(SHIFTS[:-1])
    )
    + f" ELSE {len(SHIFTS) - 1} END"
)

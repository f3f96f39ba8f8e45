"""What is counted of each agency: a statement for each kind of row, grouped by agency in the
database. No name, no id of a child and no row about one leaves it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause
from server.alerts.told import COUNTED_AFTER, OBJECTIVE_S, ROUNDED, seconds
from server.areas.hiding import FEW, Count
from server.notify.rules import Kind
from server.people.agencies.at import agency_at
from server.storage.db import as_id, fetch_report
from server.storage.statement import Statement


class Column(StrEnum):
    """A number of an agency: the first four now, the others in four weeks."""

    PLACED = "children"
    LATE = "late"
    ALERTED = "alert_open"
    MISSING = "missing"
    ALERTS = "alerts"
    TOLD = "told_within_a_minute"
    EPISODES = "times_missing"
    BACK = "came_back"


NOW = (Column.PLACED, Column.LATE, Column.ALERTED, Column.MISSING)
Counts = Mapping[UUID, Mapping[Column, Count]]


class Period(msgspec.Struct, frozen=True):
    """Four whole weeks, from Monday to Sunday."""

    begin: datetime
    end: datetime


_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_LONG = timedelta(weeks=4)
# How long after the weeks what belongs to them may still arrive.
SETTLES = timedelta(days=1)


def last_period(now: datetime) -> Period:
    """The last four weeks that have been over for a day. They begin at fixed days, and no two of
    them overlap: from sums of weeks that overlap, a reader could work out one week, and in it a
    single child."""
    end = _FIRST + (now - SETTLES - _FIRST) // _LONG * _LONG
    return Period(end - _LONG, end)


# --- now

_PLACED = """
SELECT agency_id, COUNT(*) AS n FROM child
WHERE agency_id {agencies} AND left_at IS NULL GROUP BY agency_id
"""
# The first comparison is that of the index of those who are not well.
_LATE = """
SELECT agency_id, COUNT(*) AS n FROM watch
WHERE agency_id {agencies} AND standing <> 'well' AND standing IN ('late', 'alerted')
GROUP BY agency_id
"""
_ALERTED = """
SELECT agency_id, COUNT(DISTINCT child_id) AS n FROM alert
WHERE agency_id {agencies} AND closed_at IS NULL GROUP BY agency_id
"""
_MISSING = """
SELECT agency_id, COUNT(*) AS n FROM (
  SELECT agency_id, child_id FROM watch
  WHERE agency_id {agencies} AND standing <> 'well' AND standing = 'missing'
  UNION
  SELECT agency_id, child_id FROM alert
  WHERE agency_id {agencies} AND closed_at IS NULL AND cause = '{missing}'
) AS missing GROUP BY agency_id
"""


async def count_now(agencies: Sequence[UUID]) -> Counts:
    """How many children are placed, late, in an open alert and missing."""
    statements = {
        Column.PLACED: _PLACED,
        Column.LATE: _LATE,
        Column.ALERTED: _ALERTED,
        Column.MISSING: _MISSING,
    }
    by_column = {column: await _by_agency(sql, agencies) for column, sql in statements.items()}
    placed = by_column[Column.PLACED]
    return {
        id_: {
            column: Count(rows[id_], None if column is Column.PLACED else placed[id_], hides=FEW)
            for column, rows in by_column.items()
        }
        for id_ in agencies
    }


async def _by_agency(sql: str, agencies: Sequence[UUID]) -> dict[UUID, int]:
    statement = Statement()
    text = sql.format(agencies=statement.among(agencies), missing=Cause.MISSING.value)
    counts: dict[UUID, int] = defaultdict(int)
    for row in await fetch_report(text, statement.params):
        counts[as_id(row["agency_id"])] = int(row["n"])
    return counts


# --- in four weeks

# Like the objective of docs/alerts.md: what a child or an adult ended before anyone was told needed
# no message, and does not count.
_ALERTS = """
SELECT agency_id, COUNT(*) AS n, COUNT(DISTINCT child_id) AS children, SUM(is_part) AS part,
       COUNT(DISTINCT CASE is_part WHEN 1 THEN child_id END) AS part_children
FROM (
  SELECT e.child_id, {agency} AS agency_id,
         CASE WHEN {took} <= {soon} THEN 1 ELSE 0 END AS is_part
  FROM (
    SELECT a.child_id, a.opened_at, MIN(d.ended_at) AS told_at FROM alert a
      LEFT JOIN message m ON m.subject_id = a.id AND m.kind IN ({first}, {again})
      LEFT JOIN delivery d ON d.message_id = m.id AND d.result = 'accepted'
     WHERE a.noticed_at >= {begin} AND a.noticed_at < {end}
     GROUP BY a.id, a.child_id, a.opened_at, a.noticed_at, a.closed_at, a.answered_at
    HAVING MIN(d.ended_at) IS NOT NULL OR (
           (a.closed_at IS NULL OR {to_close} > {waits})
       AND (a.answered_at IS NULL OR {to_answer} > {waits}))
  ) AS e JOIN child c ON c.id = e.child_id
) AS alerts WHERE agency_id {agencies} GROUP BY agency_id
"""
_EPISODES = """
SELECT agency_id, COUNT(*) AS n, COUNT(DISTINCT child_id) AS children, SUM(is_part) AS part,
       COUNT(DISTINCT CASE is_part WHEN 1 THEN child_id END) AS part_children
FROM (
  SELECT e.child_id, {agency} AS agency_id,
         CASE WHEN e.found_at < {settled} THEN 1 ELSE 0 END AS is_part
  FROM episode e JOIN child c ON c.id = e.child_id
  WHERE e.opened_at >= {begin} AND e.opened_at < {end}
) AS episodes WHERE agency_id {agencies} GROUP BY agency_id
"""


async def count_period(agencies: Sequence[UUID], period: Period) -> Counts:
    """The alerts that began in these weeks and how many of them were told within a minute; how
    often children went missing, and how often they came back within the day after these weeks: from
    then on the numbers do not change. Each counts for the agency that had the child at that time.
    """
    alerts = await _events(_ALERTS, agencies, period)
    episodes = await _events(_EPISODES, agencies, period)
    return {
        id_: {
            **_pair(Column.ALERTS, Column.TOLD, alerts.get(id_)),
            **_pair(Column.EPISODES, Column.BACK, episodes.get(id_)),
        }
        for id_ in agencies
    }


async def _events(sql: str, agencies: Sequence[UUID], period: Period) -> dict[UUID, dict[str, Any]]:
    statement = Statement()
    values = {
        "begin": statement.moment(period.begin),
        "end": statement.moment(period.end),
        "agencies": statement.among(agencies),
    }
    if sql is _ALERTS:
        values |= {
            "first": statement.of(Kind.ALERT.value),
            "again": statement.of(Kind.ALERT_AGAIN.value),
            "took": seconds("e.opened_at", "e.told_at"),
            "soon": str(OBJECTIVE_S + ROUNDED),
            "to_close": seconds("a.noticed_at", "a.closed_at"),
            "to_answer": seconds("a.noticed_at", "a.answered_at"),
            "waits": str(COUNTED_AFTER.total_seconds()),
        }
    else:
        values["settled"] = statement.moment(period.end + SETTLES)
    text = sql.format(agency=agency_at("e.opened_at"), **values)
    return {as_id(row["agency_id"]): row for row in await fetch_report(text, statement.params)}


def _pair(whole: Column, part: Column, row: dict[str, Any] | None) -> dict[Column, Count]:
    if row is None:
        return {whole: Count(0), part: Count(0)}
    n = int(row["n"])
    return {
        whole: Count(n, children=int(row["children"])),
        part: Count(int(row["part"]), of=n, children=int(row["part_children"])),
    }

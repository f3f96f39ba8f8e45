"""What the indicators of a quarter are counted from: rows, without a name or a word."""

from collections import Counter
from datetime import datetime, time
from uuid import UUID

from server.alerts.ladder import Cause, Outcome
from server.clock import known_zone
from server.missing.search.entry_kinds import INTERVIEW_HELD, Act
from server.people.agencies.at import was_with
from server.people.models import Agency
from server.reports.indicators import Case, Indicators, ends_of, indicators
from server.storage.db import as_id, as_moment, fetch_report

_CASES = """
SELECT e.child_id, e.opened_at, e.reported_at, e.found_at,
       (SELECT max(COALESCE(c.spoken_at, c.received_at)) FROM check_in c
         WHERE c.child_id = e.child_id AND c.by_role = 'child' AND c.received_at <= e.opened_at)
         AS answered_at,
       (SELECT min(a.opened_at) FROM alert a WHERE a.id = e.alert_id) AS told_at,
       (SELECT min(l.at) FROM timeline_entry l WHERE l.episode_id = e.id AND l.what = $4)
         AS offered_at,
       (SELECT min(l.at) FROM timeline_entry l WHERE l.episode_id = e.id AND l.what = $5) AS held_at
  FROM episode e JOIN child c ON c.id = e.child_id
 WHERE e.opened_at >= $2 AND e.opened_at < $3
   AND e.child_id IN (SELECT child_id FROM tie WHERE agency_id = $1) AND {was_here}
"""
_ENDINGS = """
SELECT e.outcome, COUNT(*) AS n FROM alert e JOIN child c ON c.id = e.child_id
 WHERE e.opened_at >= $2 AND e.opened_at < $3 AND e.cause = $4 AND e.outcome IS NOT NULL
   AND e.child_id IN (SELECT child_id FROM tie WHERE agency_id = $1) AND {was_here}
 GROUP BY e.outcome
"""
_WAS_HERE = was_with("$1", "e.opened_at")


async def of_quarter(agency_id: UUID, year: int, quarter: int, now: datetime) -> Indicators:
    """The figures of one quarter, by the agency's own clock. ValueError where there is none."""
    zone = known_zone((await Agency.get(id=agency_id)).zone)
    begin, end = (datetime.combine(day, time(), zone) for day in ends_of(year, quarter))
    sql = _ENDINGS.format(was_here=_WAS_HERE)
    counts = Counter({outcome.value: 0 for outcome in Outcome})
    for row in await fetch_report(sql, [agency_id, begin, end, Cause.SILENCE.value]):
        counts[row["outcome"]] += row["n"]
    return indicators(await cases_of(agency_id, begin, end), counts, now)


async def cases_of(agency_id: UUID, begin: datetime, end: datetime) -> list[Case]:
    """Every time of being missing that began in this span while the agency had the child."""
    span = [agency_id, begin, end, Act.INTERVIEW_OFFERED.value, INTERVIEW_HELD]
    return [_case(row) for row in await fetch_report(_CASES.format(was_here=_WAS_HERE), span)]


def _case(row: dict[str, object]) -> Case:
    opened_at = as_moment(row["opened_at"])
    # An adult who opens the search knows at that moment, at the latest.
    told_at = min(_moment(row["told_at"]) or opened_at, opened_at)
    return Case(
        child_id=as_id(row["child_id"]),
        opened_at=opened_at,
        answered_at=_moment(row["answered_at"]),
        told_at=told_at,
        reported_at=_moment(row["reported_at"]),
        found_at=_moment(row["found_at"]),
        offered_at=_moment(row["offered_at"]),
        held_at=_moment(row["held_at"]),
    )


def _moment(value: object) -> datetime | None:
    return None if value is None else as_moment(value)

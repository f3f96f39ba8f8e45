"""What the indicators of a quarter are counted from: rows, without a name or a word."""

from collections import Counter
from datetime import datetime, time
from uuid import UUID

from server.alert.ladder import Cause, Outcome
from server.clock import known_zone
from server.db import as_id, as_moment, fetch
from server.missing.hindsight.indicators import Case, Indicators, ends_of, indicators
from server.missing.search.acts import INTERVIEW_HELD, Act
from server.people.models import Agency

# Whose people had the child at that moment. The rows go along when a child goes to another agency;
# what happened before is counted where it happened, or handing over would be a drawer.
_OF_THE_AGENCY = """
{row}.child_id IN (SELECT child_id FROM tie WHERE agency_id = $1)
   AND COALESCE((SELECT t.agency_id FROM tie t WHERE t.child_id = {row}.child_id
         AND t.from_at <= {row}.opened_at AND (t.until_at IS NULL OR t.until_at > {row}.opened_at)
         ORDER BY t.from_at DESC, t.id DESC LIMIT 1), {row}.agency_id) = $1"""
_CASES = f"""
SELECT e.child_id, e.opened_at, e.reported_at, e.found_at,
       (SELECT max(c.received_at) FROM check_in c WHERE c.child_id = e.child_id
         AND c.by_role = 'child' AND c.received_at <= e.opened_at) AS answered_at,
       (SELECT min(a.opened_at) FROM alert a WHERE a.id = e.alert_id) AS told_at,
       (SELECT min(l.at) FROM episode_line l WHERE l.episode_id = e.id AND l.what = $4)
         AS offered_at,
       (SELECT min(l.at) FROM episode_line l WHERE l.episode_id = e.id AND l.what = $5) AS held_at
  FROM episode e
 WHERE e.opened_at >= $2 AND e.opened_at < $3 AND {_OF_THE_AGENCY.format(row="e")}
"""  # noqa: S608 (a name of our own alone)
_ENDINGS = f"""
SELECT outcome, count(*) AS n FROM alert a
 WHERE opened_at >= $2 AND opened_at < $3 AND cause = $4 AND {_OF_THE_AGENCY.format(row="a")}
   AND outcome IS NOT NULL
 GROUP BY outcome
"""  # noqa: S608 (a name of our own alone)


async def of_quarter(agency_id: UUID, year: int, quarter: int, now: datetime) -> Indicators:
    """The figures of one quarter, by the agency's own clock. ValueError where there is none."""
    zone = known_zone((await Agency.get(id=agency_id)).zone)
    begin, end = (datetime.combine(day, time(), zone) for day in ends_of(year, quarter))
    ended = await fetch(_ENDINGS, [agency_id, begin, end, Cause.SILENCE.value])
    counts = Counter({outcome.value: 0 for outcome in Outcome})
    counts.update({row["outcome"]: row["n"] for row in ended})
    return indicators(await cases_of(agency_id, begin, end), counts, now)


async def cases_of(agency_id: UUID, begin: datetime, end: datetime) -> list[Case]:
    """Every time of being missing that began in this span while the agency had the child."""
    span = [agency_id, begin, end]
    rows = await fetch(_CASES, [*span, Act.INTERVIEW_OFFERED.value, INTERVIEW_HELD])
    return [_case(row) for row in rows]


def _case(row: dict[str, object]) -> Case:
    opened_at = as_moment(row["opened_at"])
    # Whoever is found missing by an adult is told of in that moment.
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

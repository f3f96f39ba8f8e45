"""Whose words of a week came true, by the rules of `policy/learned.py`. It writes nothing.

The database counts by hour, level and word, so that what comes back does not grow with the number
of children. A level is the one that the child has when the week is counted.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from server.alerts.ladder import Cause, Outcome
from server.clock import known_zone
from server.policy.learned import (
    BEFORE,
    KNOWN_AFTER,
    NEARLY,
    SOON,
    Cell,
    Source,
    WordCounts,
    summed,
)
from server.policy.model import Tier
from server.policy.roll_call import Word
from server.policy.slots import slot
from server.storage.db import dialect, fetch

_GONE = (Outcome.MISSING, Outcome.DURESS)
_ELSEWHERE = (Outcome.KNOWN_ELSEWHERE, Outcome.TECHNICAL)
_SEEN = (Outcome.SEEN, Outcome.SPOKE, *_ELSEWHERE)

# What each alert about a child tells of one word. Of several the greatest counts: that a child had
# gone outweighs what is not known, and a word said while adults look tells nothing new.
_THERE, _UNCLEAR, _HAD_GONE, _KNEW = 0, 1, 2, 3
_VERDICT = """
(SELECT MAX(CASE
    WHEN a.noticed_at < said.at THEN {knew}
    WHEN {had_gone} THEN CASE WHEN {hours_before} <= {nearly} THEN {gone} ELSE {unclear} END
    WHEN a.outcome IN ({seen}) THEN {there}
    WHEN a.outcome = '{late_answer}' AND {hours_open} <= {soon} THEN {there}
    ELSE {unclear} END)
  FROM alert a
  WHERE a.child_id = said.child_id AND (a.closed_at IS NULL OR a.closed_at > said.at)
  AND a.cause IN ('{silence}', '{missing}') AND {hours_before} <= {before})
"""
# A child who is reported missing has gone, until a person says that they were known elsewhere.
_WAS_GONE = """(a.outcome IN ({outcomes})
    OR (a.cause = '{missing}' AND (a.outcome IS NULL OR a.outcome NOT IN ({elsewhere}))))"""
_HOURS = {
    "postgres": "EXTRACT(EPOCH FROM ({end} - {begin})) / 3600",
    "sqlite": "ROUND((julianday({end}) - julianday({begin})) * 24, 4)",
}
_HOUR = {
    "postgres": "to_char(said.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')",
    "sqlite": "substr(said.at, 1, 13)",
}
_COUNT = """
SELECT hour, zone, tier, is_found, verdict, COUNT(*) AS times FROM (
  SELECT {hour} AS hour, w.zone AS zone, w.tier AS tier, said.is_found AS is_found,
         {verdict} AS verdict
  FROM ({words}) AS said JOIN watch w ON w.child_id = said.child_id
) AS known WHERE verdict IS NULL OR verdict IN ({there}, {gone})
GROUP BY hour, zone, tier, is_found, verdict
"""

# Of each roll call or list, the last word about a child counts; of a question to several people,
# the first answer, while the check-in that it is about is still missing.
_LISTED = """
SELECT child_id, said_at AS at, CASE WHEN word = '{here}' THEN 1 ELSE 0 END AS is_found FROM (
  SELECT child_id, said_at, word, ROW_NUMBER() OVER (
    PARTITION BY {call}, child_id ORDER BY said_at DESC, at DESC, id DESC) AS place
  FROM {table} WHERE agency_id = $1 AND said_at > $2 AND said_at <= $3
) AS latest WHERE place = 1 AND word IN ('{here}', '{not_here}')
"""
_WORDS = {"here": Word.HERE.value, "not_here": Word.NOT_HERE.value}
# Rounds count as they do for the habit of a child (watch_state.py).
_BY_SOURCE = {
    Source.CHILD: """
SELECT r.child_id AS child_id, r.due_at AS at,
       CASE WHEN r.state = 'answered' THEN 1 ELSE 0 END AS is_found
FROM round r JOIN child c ON c.id = r.child_id
WHERE c.agency_id = $1 AND r.due_at > $2 AND r.due_at <= $3 AND r.settled_at IS NOT NULL
AND (r.state IN ('answered', 'answered_late') OR (r.state = 'seen' AND r.settled_at >= r.late_at))
""",
    Source.CARER: """
SELECT child_id, answered_at AS at, CASE WHEN answer = 'seen' THEN 1 ELSE 0 END AS is_found FROM (
  SELECT q.child_id, q.answered_at, q.answer, ROW_NUMBER() OVER (
    PARTITION BY q.child_id, q.asked_at ORDER BY q.answered_at, q.id) AS place
  FROM question q JOIN round r ON r.child_id = q.child_id AND r.due_at = q.about_due_at
  WHERE q.agency_id = $1 AND q.answered_at > $2 AND q.answered_at <= $3 AND q.answer IS NOT NULL
  AND (r.settled_at IS NULL OR r.settled_at >= q.answered_at)
) AS earliest WHERE place = 1
""",
    Source.HOME: _LISTED.format(call="roll_call_id", table="roll_call_word", **_WORDS),
    Source.WITNESS: _LISTED.format(call="list_id", table="witness_word", **_WORDS),
}
_A_WEEK = timedelta(days=7)


async def counts_of_week(agency_id: UUID, end: datetime) -> WordCounts:
    """What is known at the end of a week about the words of the week before."""
    until = end - KNOWN_AFTER
    lines: list[tuple[Cell, bool, bool, int]] = []
    for source, words in _BY_SOURCE.items():
        rows = await fetch(_statement(words), [agency_id, until - _A_WEEK, until])
        lines += _lines(source, rows)
    return summed(lines)


def _statement(words: str) -> str:
    kind = dialect()
    verdict = _VERDICT.format(
        there=_THERE,
        unclear=_UNCLEAR,
        gone=_HAD_GONE,
        knew=_KNEW,
        seen=_quoted(_SEEN),
        had_gone=_WAS_GONE.format(
            outcomes=_quoted(_GONE),
            elsewhere=_quoted(_ELSEWHERE),
            missing=Cause.MISSING.value,
        ),
        late_answer=Outcome.LATE_ANSWER.value,
        silence=Cause.SILENCE.value,
        missing=Cause.MISSING.value,
        hours_before=_HOURS[kind].format(end="a.noticed_at", begin="said.at"),
        hours_open=_HOURS[kind].format(end="a.closed_at", begin="a.noticed_at"),
        nearly=NEARLY / timedelta(hours=1),
        before=BEFORE / timedelta(hours=1),
        soon=SOON / timedelta(hours=1),
    )
    return _COUNT.format(
        hour=_HOUR[kind], verdict=verdict, words=words, there=_THERE, gone=_HAD_GONE
    )


def _quoted(outcomes: tuple[Outcome, ...]) -> str:
    return ", ".join(f"'{outcome.value}'" for outcome in outcomes)


def _lines(source: Source, rows: list[dict[str, Any]]) -> Iterator[tuple[Cell, bool, bool, int]]:
    for row in rows:
        hour = datetime.strptime(row["hour"], "%Y-%m-%d %H").replace(tzinfo=UTC)
        cell = Cell(source, Tier(row["tier"]), slot(hour, known_zone(row["zone"])))
        yield cell, bool(row["is_found"]), row["verdict"] == _HAD_GONE, row["times"]

"""How long from the moment at which an alert became due until the first adult was told.

Read from the rows, so that it is true of all tickers together, whichever process is asked. Each
alert counts once, two minutes after we noticed it, told or not: a silence of which nobody was told
is in the count, and so is what we noticed late because our server was down.
"""

import asyncio
from datetime import datetime, timedelta

from server.histogram import Histogram
from server.notify.rules import Kind
from server.storage.db import dialect, fetch_aside

OBJECTIVE_S = 60
# The objective is one minute. What takes longer than the last bound is not told apart.
BOUNDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
COUNTED_AFTER = timedelta(seconds=BOUNDS[-1])

# A push, mail or text that its service has accepted. What a child or an adult ended before anyone
# was told needed no message, and does not count.
_TOLD = """
SELECT {bound} AS bound, COUNT(*) AS n, SUM({took}) AS took FROM (
  SELECT a.opened_at, MIN(d.ended_at) AS told_at FROM alert a
    LEFT JOIN message m ON m.subject_id = a.id AND m.kind IN ($3, $4)
    LEFT JOIN delivery d ON d.message_id = m.id AND d.result = 'accepted'
   WHERE a.noticed_at > $1 AND a.noticed_at <= $2
   GROUP BY a.id, a.opened_at, a.state
  HAVING MIN(d.ended_at) IS NOT NULL OR a.state = 'open'
) AS each_alert GROUP BY 1
"""
_SECONDS = {
    "postgres": "EXTRACT(EPOCH FROM {end} - {begin})",
    "sqlite": "((julianday({end}) - julianday({begin})) * 86400.0)",
}
# Stored moments may be rounded to a millisecond, so an exact bound counts as kept.
ROUNDED = 0.001


class Told:
    """The histogram of one process, brought up to date whenever it is read."""

    def __init__(self, since: datetime) -> None:
        self.histogram = Histogram(BOUNDS)
        self._until = since - COUNTED_AFTER
        self._reading = asyncio.Lock()

    async def read(self, now: datetime) -> Histogram:
        """With everything that was noticed at least two minutes ago. Twice at once counts once."""
        async with self._reading:
            until = now - COUNTED_AFTER
            if until > self._until:
                await self._count(self._until, until)
                self._until = until
        return self.histogram

    async def _count(self, since: datetime, until: datetime) -> None:
        kinds = [Kind.ALERT.value, Kind.ALERT_AGAIN.value]
        for row in await fetch_aside(_statement(), [since, until, *kinds], is_long=True):
            self.histogram.counts[int(row["bound"])] += int(row["n"])
            self.histogram.seconds += float(row["took"] or 0)


def seconds(begin: str, end: str) -> str:
    """The seconds from one moment to another, in a statement."""
    return _SECONDS[dialect()].format(begin=begin, end=end)


def _statement() -> str:
    took = seconds("opened_at", "told_at")
    ranks = " ".join(
        f"WHEN {took} <= {bound + ROUNDED} THEN {rank}" for rank, bound in enumerate(BOUNDS)
    )
    bound = f"CASE WHEN told_at IS NULL THEN {len(BOUNDS)} {ranks} ELSE {len(BOUNDS)} END"
    return _TOLD.format(bound=bound, took=took)

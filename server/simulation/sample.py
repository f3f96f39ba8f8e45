"""Which children a page replays: all, or a sample of many; and always each one who had gone."""

from datetime import datetime
from uuid import UUID

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.people.models import Child
from server.storage.db import as_id, fetch

# How an alert ends that was about a child who had gone.
REAL = (Outcome.MISSING.value, Outcome.DURESS.value)
# The end of an id is random, so its order is none that a person made, and the same each time.
_SAMPLE = """
SELECT id FROM child
WHERE agency_id = $1 AND placed_at < $3 AND (left_at IS NULL OR left_at > $2)
ORDER BY substr(CAST(id AS TEXT), 25) LIMIT $4
"""


async def children_of(
    agency_id: UUID, since: datetime, until: datetime, most: int
) -> tuple[set[UUID], int]:
    """At most so many children who were placed between two moments, besides as many of those who
    had gone; and how many were placed."""
    rows = await fetch(_SAMPLE, [agency_id, since, until, most])
    gone = await (
        Alert.filter(
            agency_id=agency_id,
            cause=Cause.SILENCE.value,
            outcome__in=REAL,
            opened_at__gt=since,
            opened_at__lte=until,
        )
        .order_by("-opened_at")
        .limit(most)
        .values_list("child_id", flat=True)
    )
    placed = Child.filter(agency_id=agency_id, placed_at__lt=until)
    ended = await placed.filter(left_at__lte=since).count()
    chosen = {as_id(row["id"]) for row in rows} | {as_id(child_id) for child_id in gone}
    return chosen, await placed.count() - ended

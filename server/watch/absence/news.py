"""Tell a child that there is something new about an absence. What it is, only the app says."""

from datetime import datetime, timedelta
from uuid import UUID

from server.clock import known_zone
from server.notify.actions import Saying
from server.notify.rules import Kind
from server.people.models import Person
from server.tasks.rules import QUIET_FROM, QUIET_UNTIL, first_awake
from server.watch.models import Watch

# What the child has not read by then is in the app all the same.
NEWS_FOR = timedelta(days=3)


async def news(absence_id: UUID, watch: Watch, now: datetime) -> Saying:
    """A message to the child of this watch, at a time when they are awake."""
    zone = known_zone((await Person.get(id=watch.child_id)).zone)
    begins = first_awake(now, zone)
    return Saying(
        kind=Kind.NEWS_CHILD,
        agency_id=watch.agency_id,
        subject_kind="absence",
        subject_id=absence_id,
        person_id=watch.child_id,
        child_id=watch.child_id,
        not_before=begins,
        expires_at=begins + NEWS_FOR,
        data={
            "path": "/app/",
            "quiet": {
                "from": f"{QUIET_FROM:%H:%M}",
                "until": f"{QUIET_UNTIL:%H:%M}",
                "zone": zone.key,
            },
        },
    )

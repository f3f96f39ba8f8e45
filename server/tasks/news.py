"""Tell a child that there is something new. What it is, only the app says."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.clock import known_zone
from server.notify.actions import Saying
from server.notify.rules import Kind
from server.people.models import Person
from server.tasks.rules import QUIET_FROM, QUIET_UNTIL, first_awake

# What the child has not read by then is in the app all the same.
NEWS_FOR = timedelta(days=3)


class News(msgspec.Struct, frozen=True):
    """What is new: the same subject and turn are told once. It is news for so long."""

    subject_kind: str
    subject_id: UUID
    turn: int = 0
    lasts: timedelta = NEWS_FOR


async def for_child(child_id: UUID, agency_id: UUID, about: News, at: datetime) -> Saying:
    """The message, from `at` on, as soon as the child is awake."""
    zone = known_zone((await Person.get(id=child_id)).zone)
    begins = first_awake(at, zone)
    return Saying(
        kind=Kind.NEWS_CHILD,
        agency_id=agency_id,
        subject_kind=about.subject_kind,
        subject_id=about.subject_id,
        person_id=child_id,
        turn=about.turn,
        child_id=child_id,
        not_before=begins,
        expires_at=begins + about.lasts,
        data={
            "path": "/app/",
            "quiet": {
                "from": f"{QUIET_FROM:%H:%M}",
                "until": f"{QUIET_UNTIL:%H:%M}",
                "zone": zone.key,
            },
        },
    )

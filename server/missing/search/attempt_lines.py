"""What was tried about an alert, as lines of the search: each once, with who tried and when."""

from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.alerts.attempt_rules import Way
from server.alerts.models import Alert, Attempt
from server.audit.actions import Actor
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.timeline import NewEntry, append
from server.people.models import Person

_HOW = {Way.CALL: "call", Way.TEXT: "message", Way.VISIT: "visit"}


async def carry_over(episode: Episode, now: datetime) -> None:
    """Put what was tried so far into a search that begins: about alerts that are open, and about
    the one that this search takes the place of. In the caller's transaction."""
    is_open = Q(closed_at__isnull=True) | Q(closed_at__gte=now)
    alerts = await Alert.filter(is_open, child_id=episode.child_id).values_list("id", flat=True)
    for attempt in await Attempt.filter(alert_id__in=list(alerts)).order_by("at", "id"):
        await carry(episode, attempt, now)


async def carry(episode: Episode, attempt: Attempt, now: datetime) -> TimelineEntry | None:
    """Add one attempt as a line under its own id; None where a search has it already."""
    if await TimelineEntry.exists(id=attempt.id):
        return None
    who = await _who(attempt.who_id)
    details = {
        "how": _HOW[Way(attempt.way)],
        "target": attempt.target,
        "result": attempt.result,
    }
    line = NewEntry(Act.ATTEMPT.value, attempt.at, attempt.words, details, id=attempt.id)
    return await append(who, episode, line, now)


async def _who(person_id: UUID) -> Actor:
    person = await Person.get(id=person_id)
    return Actor(id=person.id, role=person.role.value, agency_id=person.agency_id)

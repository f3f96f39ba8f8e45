"""What was tried about an alert, as lines of the search: each once, with who tried and when."""

from datetime import datetime
from uuid import UUID, uuid5

from tortoise.expressions import Q

from server.alerts.attempt_rules import Way
from server.alerts.models import Alert, Attempt
from server.audit.actions import Actor
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.timeline import NewEntry, append
from server.people.models import Person

# A search must begin at once, however much was tried. What is older stays with its alert.
MOST_CARRIED = 200
_HOW = {Way.CALL: "call", Way.TEXT: "message", Way.VISIT: "visit"}


async def carry_over(episode: Episode, now: datetime) -> None:
    """Put what was tried so far into a search that begins: about alerts that are open, and about
    the one that this search takes the place of. Of more than `MOST_CARRIED` attempts, the latest.
    In the caller's transaction."""
    is_open = Q(closed_at__isnull=True) | Q(closed_at__gte=now)
    alerts = await Alert.filter(is_open, child_id=episode.child_id).values_list("id", flat=True)
    tried = Attempt.filter(alert_id__in=list(alerts)).order_by("-at", "-id").limit(MOST_CARRIED)
    for attempt in reversed(await tried):
        await carry(episode, attempt, now)


async def carry(episode: Episode, attempt: Attempt, now: datetime) -> TimelineEntry | None:
    """Add one attempt as a line under its own id; None where a search for the child has it already.
    Where a line about something else was given this id, under another one: it must not get lost."""
    id_, same = attempt.id, await TimelineEntry.get_or_none(id=attempt.id)
    if same is not None and not _is_of(same, attempt):
        id_ = uuid5(attempt.id, attempt.child_id.hex)
        same = await TimelineEntry.get_or_none(id=id_)
    if same is not None:
        return None
    who = await _who(attempt.who_id)
    details = {
        "how": _HOW[Way(attempt.way)],
        "target": attempt.target,
        "result": attempt.result,
    }
    line = NewEntry(Act.ATTEMPT.value, attempt.at, attempt.words, details, id=id_)
    return await append(who, episode, line, now)


def _is_of(line: TimelineEntry, attempt: Attempt) -> bool:
    is_attempt = line.what == Act.ATTEMPT and line.child_id == attempt.child_id
    return is_attempt and line.who_id == attempt.who_id


async def _who(person_id: UUID) -> Actor:
    person = await Person.get(id=person_id)
    return Actor(id=person.id, role=person.role.value, agency_id=person.agency_id)

"""What was tried about an alert, as people read it. Reads rows, and writes none."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.alerts.attempt_rules import RESULTS, TARGETS, WAYS, Result, Target, Way
from server.alerts.models import Alert, Attempt
from server.i18n import gettext
from server.people.models import Person
from server.storage.db import among, as_id, fetch

# More than any night has, and a page can show.
MOST = 200


class Told(msgspec.Struct, frozen=True):
    """One attempt in words. `is_late`: logged after the alert had closed."""

    id: UUID
    at: datetime
    who: str
    what: str
    result: str
    is_reached: bool
    is_late: bool
    words: str | None


async def attempts_of(alert: Alert) -> list[Attempt]:
    """What was tried about this alert, and about those of the child that were open when it opened:
    the newest first."""
    was_open = Q(closed_at__isnull=True) | Q(closed_at__gte=alert.opened_at)
    before = Alert.filter(was_open, child_id=alert.child_id, opened_at__lte=alert.opened_at)
    ids = {alert.id, *await before.values_list("id", flat=True)}
    rows = Attempt.filter(alert_id__in=list(ids)).order_by("-at", "-received_at", "-id")
    return await rows.limit(MOST)


_LATEST = """
SELECT id FROM (
  SELECT id, ROW_NUMBER() OVER (PARTITION BY alert_id ORDER BY at DESC, id DESC) AS place
  FROM alert_attempt WHERE alert_id {any}
) AS latest WHERE place <= $2
"""


async def attempts_by_alert(alerts: Collection[UUID]) -> dict[UUID, list[Attempt]]:
    """What was tried about each of these alerts, the oldest first; of more than `MOST`, the
    latest."""
    by_alert: dict[UUID, list[Attempt]] = {}
    rows = await fetch(_LATEST.format(any=among()), [list(alerts), MOST])
    latest = Attempt.filter(id__in=[as_id(row["id"]) for row in rows])
    for attempt in await latest.order_by("at", "id"):
        by_alert.setdefault(attempt.alert_id, []).append(attempt)
    return by_alert


async def tried_in_words(alert: Alert, language: str) -> list[Told]:
    """The list for a page, the newest first."""
    attempts = await attempts_of(alert)
    people = await Person.filter(id__in=list({attempt.who_id for attempt in attempts}))
    names = {person.id: person.name for person in people}
    return [
        Told(
            id=attempt.id,
            at=attempt.at,
            who=names.get(attempt.who_id, ""),
            what=what_in_words(Way(attempt.way), Target(attempt.target), language),
            result=gettext(language, RESULTS[Result(attempt.result)]),
            is_reached=attempt.result == Result.REACHED,
            is_late=alert.closed_at is not None and attempt.received_at > alert.closed_at,
            words=attempt.words,
        )
        for attempt in attempts
    ]


def what_in_words(way: Way, target: Target, language: str) -> str:
    """ "Called · The home"."""
    return f"{gettext(language, WAYS[way])} · {gettext(language, TARGETS[target])}"

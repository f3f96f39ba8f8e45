"""Logging what people tried to reach a child: entries are only added."""

from datetime import datetime
from uuid import UUID

from server.alerts.actions import contacted, locked, note_alert
from server.alerts.attempt_rules import Result, Tried, Way, is_contact
from server.alerts.climbing import climb_of, swap
from server.alerts.cries import rules as cries
from server.alerts.ladder import Cause
from server.alerts.models import Alert, Attempt
from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.storage import bulk
from server.storage.db import write


async def log(actor: Actor, alert_id: UUID, tried: Tried, now: datetime) -> tuple[Attempt, bool]:
    """Log one attempt; whether it is new. The same id again is the same attempt.

    A person who reaches the child by voice has the alert from then on, unless another has it.
    After the alert has closed it changes nothing there. Raises NotFound, Refused (naming the
    field), IdReused.
    """
    assert actor.id is not None
    at, words = tried.moment(now), tried.line()
    async with write():
        alert = await locked(alert_id)
        whose = {"alert_id": alert.id, "who_id": actor.id}
        existing = await first_made(Attempt, tried.id, tried, **whose)
        if existing is not None:
            return existing, False
        row = {
            "id": tried.id,
            "agency_id": alert.agency_id,
            "child_id": alert.child_id,
            "alert_id": alert.id,
            "at": at,
            "received_at": now,
            "who_id": actor.id,
            "way": tried.way.value,
            "target": tried.target.value,
            "result": tried.result.value,
            "words": words,
        }
        await bulk.insert(Attempt, [row])
        attempt = await Attempt.get(id=tried.id)
        await note_alert(actor, alert, "alert:attempt", now, why=tried.result.value)
        if _is_contact(alert, attempt):
            await contacted(actor, alert, at, now)
        elif _is_reaction(alert, attempt):
            await swap(alert, cries.heard(climb_of(alert)))
    return attempt, True


def _is_reaction(alert: Alert, attempt: Attempt) -> bool:
    """Whether the person who has the alert did this after the child had called again."""
    is_holder = attempt.who_id == alert.acknowledged_by
    return alert.react_at is not None and is_holder and cries.is_after(alert.called_at, attempt.at)


def _is_contact(alert: Alert, attempt: Attempt) -> bool:
    """Whether it changes the alert: a contact before the missed check-in, or before the last
    contact, does not."""
    missed = alert.facts.get("due_at")
    began = datetime.fromisoformat(missed) if missed else alert.opened_at
    since = alert.contacted_at or min(began, alert.opened_at)
    return (
        alert.closed_at is None
        and attempt.at >= since
        and is_contact(Way(attempt.way), Result(attempt.result), Cause(alert.cause))
    )

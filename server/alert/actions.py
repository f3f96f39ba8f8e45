"""What people do with an alert: take it, and close it; and what an answer of the child does."""

from datetime import datetime, timedelta
from uuid import UUID

from server.alert import ladder as rules
from server.alert.climbing import CALLING, climb_of, swap, together_of
from server.alert.ladder import Cause, Climb, Outcome, State
from server.alert.models import Alert
from server.alert.policy import Tier, ladder_from_data
from server.audit.actions import SYSTEM, Actor, note
from server.db import write
from server.errors import Conflict, NotFound
from server.live import announce
from server.notify.actions import Saying, queue, told, withdraw
from server.notify.rules import Kind


async def acknowledge(actor: Actor, alert_id: UUID, now: datetime) -> Alert:
    """ "I have it." The ladder holds until the acknowledgement lapses; every other message about
    it stops. Twice by the same person changes nothing.

    Raises NotFound, Conflict `taken` (who has it), Conflict `closed`.
    """
    assert actor.id is not None
    async with write():
        alert = await _locked(alert_id)
        before = climb_of(alert)
        after = rules.acknowledge(before, ladder_from_data(alert.ladder), actor.id, now)
        if after != before:
            await swap(alert, after)
            await withdraw([alert.id], "acknowledged", now, kinds=CALLING)
            await _note(actor, alert, "alert:acknowledge", now)
        return await Alert.get(id=alert_id)


async def close(
    actor: Actor, alert_id: UUID, outcome: Outcome | None, words: str | None, now: datetime
) -> Alert:
    """It is over, and how. Everyone who had been told hears that it is. Twice by the same person
    with the same outcome is the first answer.

    Raises Refused without an outcome, NotFound, Conflict `closed` (by whom).
    """
    async with write():
        alert = await _locked(alert_id)
        if alert.closed_at is not None:
            if alert.closed_by == actor.id and outcome is not None and alert.outcome == outcome:
                return alert
            raise Conflict("This alert is closed already.", code="closed", by=alert.closed_by)
        await _close(alert, actor, rules.close(climb_of(alert), outcome, now), outcome, words, now)
        return await Alert.get(id=alert_id)


async def _close(
    alert: Alert,
    actor: Actor,
    climb: Climb,
    outcome: Outcome | None,
    words: str | None,
    now: datetime,
) -> None:
    assert outcome is not None
    await swap(alert, climb, outcome=outcome.value, closing_words=words, closed_by=actor.id)
    await withdraw([alert.id], "closed", now, kinds=CALLING)
    await _all_clear(alert, actor.id, now)
    await _note(actor, alert, "alert:close", now, why=outcome.value)


async def answered(child_id: UUID, agency_id: UUID, now: datetime) -> list[Alert]:
    """The child has answered: its alert for silence ends, or waits for a person to confirm.

    In the transaction of the answer. Everyone who had been told gets the all-clear in it.
    """
    alerts = await Alert.filter(
        child_id=child_id, cause=Cause.SILENCE.value, closed_at__isnull=True
    ).select_for_update()
    for alert in alerts:
        ladder, tier = ladder_from_data(alert.ladder), Tier(alert.tier)
        after = rules.answer(climb_of(alert), ladder, tier, now)
        if after.state is State.CLOSED:
            await _close(alert, SYSTEM, after, Outcome.LATE_ANSWER, None, now)
        else:
            await swap(alert, after)
            await withdraw([alert.id], "answered", now, kinds=CALLING)
            await _all_clear(alert, None, now)
            await _note(SYSTEM, alert, "alert:answered", now)
    return alerts


async def _all_clear(alert: Alert, but: UUID | None, now: datetime) -> None:
    everyone = await told(alert.id, CALLING)
    sayings = [
        Saying(
            kind=Kind.ALL_CLEAR,
            agency_id=alert.agency_id,
            subject_kind="alert",
            subject_id=alert.id,
            person_id=person,
            last_resort=last_resort,
            turn=alert.turn,
            child_id=alert.child_id,
            together=together_of(alert),
            expires_at=now + timedelta(hours=12),
        )
        for person, last_resort in everyone
        if person is None or person != but
    ]
    await queue(sayings, now)


async def _locked(alert_id: UUID) -> Alert:
    alert = await Alert.filter(id=alert_id).select_for_update().first()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


async def _note(
    actor: Actor, alert: Alert, what: str, now: datetime, *, why: str | None = None
) -> None:
    await note(
        actor,
        what,
        child_id=alert.child_id,
        about=("alert", alert.id),
        agency_id=alert.agency_id,
        why=why,
        now=now,
    )
    await announce(alert.agency_id, "alert")

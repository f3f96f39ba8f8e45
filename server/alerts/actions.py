"""What people do with an alert (take it, close it), and what a child's answer does to it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from tortoise.expressions import Q

from server.alerts import ladder as rules
from server.alerts.called_access import was_called
from server.alerts.climbing import (
    CALLING,
    climb_of,
    right_of_holder,
    still_held,
    swap,
    swap_all,
    went_on,
)
from server.alerts.cries import rules as cries
from server.alerts.ladder import Cause, Climb, Outcome, State
from server.alerts.models import Alert
from server.alerts.rights import Right, right_of
from server.alerts.rights_changes import tell_caseworkers
from server.alerts.silences.reading import Ending, Silence, silences_of
from server.audit.actions import SYSTEM, Actor, note
from server.audit.models import Entry
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.notify.actions import Recipient, Saying, queue, withdraw
from server.notify.outbox import told, told_so_far
from server.notify.rules import Kind
from server.people.models import Person
from server.people.rules import PROFESSIONAL
from server.policy.model import Tier, ladder_as_data, ladder_from_data
from server.rota.duty import planned_for
from server.rota.models import Handover, Leave
from server.storage import bulk
from server.storage.db import write
from server.web.live import announce


async def acknowledge(actor: Actor, alert_id: UUID, now: datetime) -> Alert:
    """ "I have it." The ladder pauses until the acknowledgement lapses, or until the right of the
    person who takes it ends. Every other message about it is stopped. Twice by one person is once,
    unless the child has called again in between: then it says that they read it.

    Raises NotFound (also for a person who has left), Conflict `taken` (who has it) or `closed`.
    """
    assert actor.id is not None
    async with write():
        await _works_here(actor.id)
        alert = await locked(alert_id)
        before, right, is_called = await _free_for(actor.id, alert, now)
        if not (right.stands or is_called):  # It ended after the request was let in.
            raise NotFound("This alert does not exist.")
        ladder = ladder_from_data(alert.ladder)
        after = rules.acknowledge(before, ladder, actor.id, now, right_ends=right.ends)
        if after != before:
            await swap(alert, cries.taken(after, ladder, now), held_by_call=not right.stands)
            await _taken(actor, alert, now)
        elif (heard := cries.heard(after)) != after:
            await swap(alert, heard)
            await note_alert(actor, alert, "alert:read", now)
        return await Alert.get(id=alert_id)


async def _free_for(person_id: UUID, alert: Alert, now: datetime) -> tuple[Climb, Right, bool]:
    """Where the alert is by now, the right of this person to have it from now on, and whether they
    were called, which is enough by itself."""
    before, ladder = await still_held(alert, now), ladder_from_data(alert.ladder)
    if rules.is_ended(before, now):
        # The holder's right has ended, though no tick has run yet. It is free, for them too.
        before = replace(before, acknowledged_by=None)
    if before.cry.is_beside and before.acknowledged_by != person_id:
        # The holder did not react to a call for help, and others were called beside them.
        before = replace(before, acknowledged_by=None)
    until = now + ladder.lapse
    # A call lasts as long as the alert, a glass for an hour.
    is_called = await was_called(person_id, alert.id)
    right = await right_of(
        person_id, alert.child_id, alert.agency_id, now, until, by_glass=not is_called
    )
    return before, right, is_called


async def _taken(actor: Actor, alert: Alert, now: datetime) -> None:
    """A person has it from now on: nobody else is called. `alert` is the row as it was."""
    unread = actor.id if cries.is_fresh(climb_of(alert), now) else None
    await withdraw([alert.id], "acknowledged", now, kinds=CALLING, but=unread)
    # Unsent, it would tell them now that it is with others.
    await withdraw([alert.id], "acknowledged", now, kinds=[Kind.WENT_ON], person_id=actor.id)
    if alert.acknowledged_by not in (None, actor.id):
        await queue(went_on(alert), now)
    await note_alert(actor, alert, "alert:acknowledge", now)


async def contacted(actor: Actor, alert: Alert, at: datetime, now: datetime) -> None:
    """This person reached the child by voice at that time; nobody has seen them yet. In the
    caller's transaction, with the alert locked."""
    assert actor.id is not None
    before, right, is_called = await _free_for(actor.id, alert, now)
    ladder = ladder_from_data(alert.ladder)
    after = rules.contacted(before, ladder, actor.id, now, right_ends=right.ends)
    takes = before.acknowledged_by is None
    if takes or cries.is_after(alert.called_at, at):
        after = cries.taken(after, ladder, now)
    if takes and not (right.stands or is_called):
        # Their right ended after the request was let in: it stays true, and others go on.
        takes, after = False, replace(before, state=State.CONTACTED)
    changed = {"held_by_call": not right.stands} if takes else {}
    await swap(alert, after, contacted_at=at, contacted_by=actor.id, **changed)
    if takes:
        await _taken(actor, alert, now)


async def _works_here(person_id: UUID) -> None:
    """Locks the person until the end of this write: nobody takes an alert while they leave."""
    here = Person.filter(id=person_id, disabled_at__isnull=True)
    if await here.select_for_update(no_key=True).first() is None:
        raise NotFound("This alert does not exist.")


async def close(
    actor: Actor, alert_id: UUID, outcome: Outcome | None, words: str | None, now: datetime
) -> Alert:
    """Close the alert with its outcome. Everyone we had told hears that it is over. The same person
    with the same outcome twice gets the first answer again.

    Raises Refused without an outcome or for one that is not enough, NotFound, Conflict `closed`
    (by which person).
    """
    async with write():
        alert = await locked(alert_id)
        if alert.closed_at is not None:
            if alert.closed_by == actor.id and outcome is not None and alert.outcome == outcome:
                return alert
            raise Conflict("This alert is already closed.", code="closed", by=alert.closed_by)
        check_seen(alert, outcome)
        await _close(alert, actor, rules.close(climb_of(alert), outcome, now), outcome, words, now)
        return await Alert.get(id=alert_id)


def check_seen(alert: Alert, outcome: Outcome | None) -> None:
    """Raises Refused for an outcome that is not enough to close this alert."""
    is_answered = alert.answered_at is not None
    possible = rules.outcomes_of(Cause(alert.cause), Tier(alert.tier), is_answered=is_answered)
    if outcome is not None and outcome not in possible:
        raise Refused(
            N_(
                "At the high level, hearing the child is not enough. Log that you reached them."
                " Close the alert when someone has seen them."
            ),
            field="outcome",
        )


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
    await _all_clear([Ending.of(alert)], await told([alert.id], CALLING), actor.id, now)
    await note_alert(actor, alert, "alert:close", now, why=outcome.value)


async def answered(
    children: Collection[UUID],
    now: datetime,
    entries: Sequence[Mapping[str, Any]] = (),
    silences: Sequence[Silence] | None = None,
) -> None:
    """These children have answered: their alerts for silence end, or wait for a person to confirm.

    In the transaction of the answers. Everyone we had told gets the all-clear in it. `entries`: of
    the record, to be written with ours. `silences`: their alerts, where they are locked already;
    others may be among them.
    """
    if not children:
        await bulk.insert(Entry, entries)
        return
    if silences is None:
        silences = await silences_of(children)
    heard = set(children)
    moved = [
        (alert, rules.answer(climb, ladder, tier, now))
        for alert, climb, tier, ladder in silences
        if alert.child_id in heard
    ]
    ended = [alert for alert, after in moved if after.state is State.CLOSED]
    waiting = [alert for alert, after in moved if after.state is not State.CLOSED]
    ends = {alert.id: {"outcome": Outcome.LATE_ANSWER.value} for alert in ended}
    await swap_all(moved, {alert.id: ends.get(alert.id, {"outcome": None}) for alert, _ in moved})
    everyone = await _stop_calls(ended, waiting, now)
    await _all_clear([alert for alert, _ in moved], everyone, None, now)
    closed = _entries(ended, "alert:close", now, why=Outcome.LATE_ANSWER.value)
    await bulk.insert(Entry, [*closed, *_entries(waiting, "alert:answered", now), *entries])
    for agency_id in {alert.agency_id for alert, _ in moved}:
        await announce(agency_id, "alert")


async def _stop_calls(
    ended: Sequence[Ending], waiting: Sequence[Ending], now: datetime
) -> Mapping[UUID, Sequence[Recipient]]:
    """Withdraw the calls that have not gone out. Returns who was told, by the alert."""
    about = [alert.id for alert in (*ended, *waiting)]
    everyone, any_unsent = await told_so_far(about, CALLING)
    if not any_unsent:
        # Usually nothing waits. A new call begins with the alert, which we hold; or with the end of
        # a message that is being sent, in the same transaction, and then that one was seen here.
        return everyone
    await withdraw([alert.id for alert in ended], "closed", now, kinds=CALLING)
    await withdraw([alert.id for alert in waiting], "answered", now, kinds=CALLING)
    # Once more: a worker may have begun to send one before it was withdrawn.
    return await told(about, CALLING)


async def hold_search(actor: Actor, child_id: UUID, lapse: timedelta, now: datetime) -> None:
    """Others look for a missing child now, and their tasks have clocks of their own. So nobody is
    called to decide, and "I have it" lasts this long from now, unless it already lasts longer. In
    the caller's transaction."""
    for alert in await _of_search(child_id):
        ladder, before = ladder_from_data(alert.ladder), climb_of(alert)
        longer = replace(ladder, lapse=max(ladder.lapse, lapse))
        after = rules.decided(before, longer, now)
        if after.acknowledged_by is not None and after.held_until is not None:
            right = await right_of_holder(alert, now, after.held_until)
            after = rules.hold(after, right.ends if right.stands else now)
        if (longer, after) != (ladder, before):
            await swap(alert, after, ladder=ladder_as_data(longer))
            await note_alert(actor, alert, "alert:hold", now)


async def take_search(actor: Actor, child_id: UUID, now: datetime) -> None:
    """A person has come on duty and read how a search is going: they have it now, and nobody else
    is called about it until that lapses. In the caller's transaction."""
    assert actor.id is not None
    for alert in await _of_search(child_id):
        ladder = ladder_from_data(alert.ladder)
        until = now + ladder.lapse
        right = await right_of(actor.id, child_id, alert.agency_id, now, until)
        after = rules.take_over(climb_of(alert), ladder, actor.id, now, right_ends=right.ends)
        await swap(alert, after, held_by_call=not right.stands)
        await withdraw([alert.id], "acknowledged", now, kinds=CALLING)
        await note_alert(actor, alert, "alert:acknowledge", now)


async def _of_search(child_id: UUID) -> list[Alert]:
    held = Alert.filter(child_id=child_id, cause=Cause.MISSING.value, closed_at__isnull=True)
    return await held.order_by("id").select_for_update()


async def hand_over(
    actor: Actor, person_id: UUID, children: Collection[UUID], now: datetime
) -> None:
    """A person leaves. We call their successors at once about the alerts that the person has taken,
    and about what is open for these children. In the caller's transaction, after the ties."""
    which = Q(acknowledged_by=person_id) | Q(child_id__in=list(children))
    alerts = await Alert.filter(which, closed_at__isnull=True).order_by("id").select_for_update()
    for alert in alerts:
        before = climb_of(alert)
        after = rules.hand_over(before, person_id, now)
        if after != before:
            await swap(alert, after)
            await note_alert(actor, alert, "alert:hand_over", now, why="leaving")
        elif alert.child_id in children:
            await tell_caseworkers([alert], now)


async def hand_over_child(actor: Actor, child_id: UUID, agency_id: UUID, now: datetime) -> None:
    """Another agency has the child. We call the people there at once about every open alert, and
    nobody at the old agency any more. In the caller's transaction, after the ties."""
    held = Alert.filter(child_id=child_id, closed_at__isnull=True)
    for alert in await held.order_by("id").select_for_update():
        before = climb_of(alert)
        after = rules.hand_over_all(before, now)
        await withdraw([alert.id], "handed_over", now, kinds=CALLING)
        if after != before:
            await swap(alert, after)
        alert.agency_id = agency_id
        await Alert.filter(id=alert.id).update(agency_id=agency_id)
        await note_alert(actor, alert, "alert:hand_over", now, why="transfer")
        if after == before:
            await tell_caseworkers([alert], now)


# Longer than anyone works for an agency: a person who has left never has duty again.
FOR_GOOD = timedelta(days=100 * 366)


async def hand_over_duty(
    actor: Actor, agency_id: UUID, person_id: UUID, taker: UUID | None, now: datetime
) -> None:
    """A person leaves: `taker` gets their duty, and covers for the people they would have covered
    for. In the caller's transaction.

    Raises Refused where nobody is named, and for a taker who cannot be on duty.
    """
    if not await planned_for(agency_id, person_id, now):
        return
    person = await Person.get_or_none(id=taker) if taker is not None else None
    if person is None or person.role not in PROFESSIONAL:
        raise Refused(
            N_("Choose a caseworker or a supervisor to take over the shifts."),
            field="everything",
        )
    made = await Handover.create(
        agency_id=agency_id,
        who_id=person_id,
        to_id=person.id,
        from_at=now,
        until_at=now + FOR_GOOD,
        made_by=actor.id,
        made_at=now,
    )
    covered = Leave.filter(cover_id=person_id, until_at__gt=now, ended_at__isnull=True)
    await covered.exclude(person_id=person.id).update(cover_id=person.id)
    about = ("handover", made.id)
    await note(actor, "rota:hand_over", about=about, agency_id=agency_id, why="leaving", now=now)


async def _all_clear(
    alerts: Sequence[Ending],
    everyone: Mapping[UUID, Sequence[Recipient]],
    but: UUID | None,
    now: datetime,
) -> None:
    sayings = [
        Saying(
            kind=Kind.ALL_CLEAR,
            agency_id=alert.agency_id,
            subject_kind="alert",
            subject_id=alert.id,
            turn=alert.turn,
            child_id=alert.child_id,
            together=alert.together,
            expires_at=now + timedelta(hours=12),
            **to.as_fields(),
        )
        for alert in alerts
        for to in everyone.get(alert.id, ())
        if to.person_id is None or to.person_id != but
    ]
    await queue(sayings, now)


async def locked(alert_id: UUID) -> Alert:
    """The alert, locked until the transaction ends. Raises NotFound."""
    alert = await Alert.filter(id=alert_id).select_for_update().first()
    if alert is None:
        raise NotFound("This alert does not exist.")
    return alert


async def note_alert(
    actor: Actor, alert: Alert, what: str, now: datetime, *, why: str | None = None
) -> None:
    """Enter into the record what was done with an alert, and tell the boards."""
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


def _entries(
    alerts: Sequence[Ending], what: str, now: datetime, *, why: str | None = None
) -> list[dict[str, Any]]:
    """The same entry of many alerts, where we did it ourselves."""
    return [
        {
            "at": now,
            "agency_id": alert.agency_id,
            "who_id": SYSTEM.id,
            "who_role": SYSTEM.role,
            "what": what,
            "child_id": alert.child_id,
            "about_kind": "alert",
            "about_id": alert.id,
            "names": [],
            "why": why,
        }
        for alert in alerts
    ]

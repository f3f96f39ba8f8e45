"""Alerts about a watch: people call adults, and close the alerts."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts import actions as alerts
from server.alerts import attempts
from server.alerts.attempt_rules import Tried
from server.alerts.climbing import climb_of
from server.alerts.cries import rules as cries
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert, Attempt
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.approvals import actions as approvals
from server.approvals.actions import Asked
from server.approvals.models import Approval
from server.approvals.rules import Closing, What
from server.audit.actions import Actor
from server.errors import Conflict, NotFound, SecondPersonNeeded
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people.events import Happening, happened
from server.people.models import Tie
from server.people.rules import Action, Role, may
from server.policy.model import Policy, Tier
from server.storage.db import write
from server.watch.facts import CALLS
from server.watch.hearing.settling import Settling, settle_rounds
from server.watch.machine import alarms, answering
from server.watch.machine.standing import State
from server.watch.models import Sighting, Watch
from server.watch.trusted import contacts
from server.watch.watch_state import passed
from server.watch.wording import CARD_HELP
from server.watch.writing import lock, state_of, watch_of, write_down
from server.web.live import announce

# The child was met: so they had been missing.
_MET = frozenset({Outcome.SEEN, Outcome.SPOKE})
# How an alert about a missing child ends when the child was away and is found. A technical fault
# means that they were never away.
FOUND = frozenset(Outcome) - {Outcome.TECHNICAL, Outcome.MISSING}
# For these nobody has to be asked: a person has seen the child, or everyone is called.
ALONE = frozenset({Outcome.SEEN, Outcome.MISSING})
CHANGED = "This has just changed. Refresh and try again."


class Ends(Protocol):
    """Hears that an alert about a missing child is about to be closed, in the same transaction.
    Raises if closing needs more than one person's word."""

    def __call__(
        self, actor: Actor, alert: Alert, outcome: Outcome | None, words: str | None, now: datetime
    ) -> Awaitable[None]: ...


async def _says_nothing(
    actor: Actor, alert: Alert, outcome: Outcome | None, words: str | None, now: datetime
) -> None:
    return


_ends: Ends = _says_nothing


def use_ends(ends: Ends) -> None:
    """Register the code that keeps the search for a child: it belongs to a room above this one."""
    global _ends
    _ends = ends


async def close_alert(
    actor: Actor,
    alert_id: UUID,
    outcome: Outcome | None,
    words: str | None,
    now: datetime,
    misses: int | None = None,
) -> Alert:
    """Close an alert; if it was about silence or absence, the watch begins anew from here.

    An outcome of "missing" makes the child missing: an alert at the top of the ladder. `misses`: of
    the alert as the actor read it. Raises Conflict `called_again` where the child has called since,
    and SecondPersonNeeded where the agency wants one: then the alert stays open, and the actor has
    it as if they had taken it.
    """
    async with write():
        await _check_read(alert_id, misses, now)
        asked = await _ask_first(actor, alert_id, outcome, words, now)
        if asked is None:
            return await _close_now(actor, alert_id, outcome, words, now)
    raise asked


async def _check_read(alert_id: UUID, misses: int | None, now: datetime) -> None:
    alert = await Alert.get_or_none(id=alert_id)
    if alert is None or alert.cause not in CALLS:
        return
    await watch_of(alert.child_id)  # Before the alert, as everywhere.
    alert = await alerts.locked(alert_id)
    is_unread = cries.is_unread(climb_of(alert), now) if misses is None else alert.misses > misses
    if is_unread and alert.closed_at is None:
        raise Conflict(
            N_("The child called again. Read what they said, then close the alert."),
            code="called_again",
        )


async def _ask_first(
    actor: Actor, alert_id: UUID, outcome: Outcome | None, words: str | None, now: datetime
) -> SecondPersonNeeded | None:
    alert = await Alert.get_or_none(id=alert_id)
    if outcome is None or outcome in ALONE or alert is None:
        return None
    await watch_of(alert.child_id)  # Before the alert, as everywhere.
    await alert.refresh_from_db()
    if alert.closed_at is not None:
        return None
    alerts.check_seen(alert, outcome)
    if alert.cause == Cause.MISSING:
        await _ends(actor, alert, outcome, words, now)
    content = {"outcome": outcome.value, "words": words, "misses": alert.misses}
    asked = await approvals.first_ask(
        actor,
        Asked(What.CLOSE, alert.child_id, alert.agency_id, alert.id, content),
        Closing(is_high=alert.tier == Tier.HIGH, was_seen=False),
        now,
    )
    if asked is not None:
        await _take(actor, alert_id, now)
    return asked


async def _take(actor: Actor, alert_id: UUID, now: datetime) -> None:
    """They have it while the second person thinks, and not a minute longer than anyone who takes
    it: then others are called again."""
    try:
        async with write():
            await alerts.acknowledge(actor, alert_id, now)
    except (Conflict, NotFound):
        return  # It is with another person.


async def close_approved(approval: Approval, actor: Actor, now: datetime) -> None:
    """A second person has agreed. Raises Conflict where the alert is not the one that was asked
    about any more. In the caller's transaction, with the watch locked."""
    alert = await Alert.get(id=approval.subject_id)
    if alert.closed_at is not None:
        raise Conflict("This alert is already closed.", code="closed")
    seen = Sighting.filter(child_id=alert.child_id, answer="seen", at__gt=approval.asked_at)
    if await seen.exists():
        raise Conflict(CHANGED, code="seen")
    if alert.misses > approval.content["misses"]:
        raise Conflict(CHANGED, code="missed")
    outcome = Outcome(approval.content["outcome"])
    await _close_now(actor, alert.id, outcome, approval.content["words"], now)


async def _close_now(
    actor: Actor, alert_id: UUID, outcome: Outcome | None, words: str | None, now: datetime
) -> Alert:
    async with write():
        before = await Alert.filter(id=alert_id).first()
        if before is None:
            return await alerts.close(actor, alert_id, outcome, words, now)
        # Lock the watch before the alert, as everywhere: an answer in the same moment takes them in
        # that order, and two transactions that take them crosswise deadlock.
        watch = await watch_of(before.child_id)
        await before.refresh_from_db(["closed_at"])
        was_open = before.closed_at is None
        if was_open and before.cause == Cause.MISSING:
            await _ends(actor, before, outcome, words, now)
        alert = await alerts.close(actor, alert_id, outcome, words, now)
        if not was_open:
            return alert
        await approvals.overtake(actor, alert.child_id, "closed", now, subjects=[alert.id])
        if outcome is Outcome.MISSING and alert.cause != Cause.MISSING:
            await _open_missing(actor, watch, words, alert.reason, now)
        elif alert.cause in (Cause.SILENCE, Cause.MISSING):
            await _begin_anew(watch, alert, now)
        if alert.cause == Cause.MISSING:
            # An adult who found the child has ended the silence too. It was no false alarm.
            of_silence = Outcome.MISSING if outcome in _MET else outcome
            for silence in await Alert.filter(
                child_id=alert.child_id, cause=Cause.SILENCE, closed_at__isnull=True
            ):
                await alerts.close(actor, silence.id, of_silence, None, now)
                about = [silence.id]
                await approvals.overtake(actor, alert.child_id, "closed", now, subjects=about)
            if outcome in FOUND:
                await happened(actor, alert.child_id, Happening.RETURN, now)
    return alert


async def log_attempt(actor: Actor, alert_id: UUID, tried: Tried, now: datetime) -> Attempt:
    """Log that a person tried to reach the child; a search that is open hears of it, once. The same
    id again is the same attempt. Raises as `attempts.log`."""
    async with write():
        alert = await Alert.get_or_none(id=alert_id)
        if alert is not None:
            await lock(alert.child_id)  # Before the alert, as everywhere.
        attempt, is_new = await attempts.log(actor, alert_id, tried, now)
        if is_new:
            await happened(
                actor, attempt.child_id, Happening.TRIED, now, about=attempt.id, at=attempt.at
            )
    return attempt


async def _begin_anew(watch: Watch, alert: Alert, now: datetime) -> None:
    if watch.is_over:
        await _mark_missing(watch, is_missing=False)
        return
    case, changes = passed(await state_of(watch, now), now)
    if alert.cause == Cause.MISSING:
        case.watch.is_missing = False
    standing, _ = answering.settle(case.standing, case.terms, now)
    await write_down(replace(case, standing=standing), changes, now, quietly=True)
    settling = Settling(alert.child_id, alert.id, standing.due_at, "seen")
    await settle_rounds([settling], now)


async def open_missing(actor: Actor, child_id: UUID, words: str | None, now: datetime) -> Alert:
    """ "I think this child is missing": everyone is called at once. Never blocked, never delayed;
    said again while an alert is open, it joins that alert."""
    async with write():
        return await _open_missing(actor, await watch_of(child_id), words, "said", now)


async def _open_missing(
    actor: Actor, watch: Watch, words: str | None, reason: str, now: datetime
) -> Alert:
    if watch.is_over:
        # After a placement has ended, an adult who misses the child must still be heard.
        await _mark_missing(watch, is_missing=True)
    else:
        case, changes = passed(await state_of(watch, now), now)
        case.watch.is_missing = True
        after = replace(case, standing=alarms.alerted(case.standing))
        await write_down(after, changes, now, quietly=True)
    policy, _ = await policy_of(watch.agency_id)
    opening = Opening(
        child_id=watch.child_id,
        agency_id=watch.agency_id,
        cause=Cause.MISSING,
        tier=Tier.HIGH,
        reason=reason,
        opened_at=now,
        words=words,
        actor=actor,
    )
    [alert] = await open_alerts([opening], {watch.agency_id: policy}, now)
    await happened(actor, watch.child_id, Happening.MISSING, now, about=alert.id)
    return alert


async def _mark_missing(watch: Watch, *, is_missing: bool) -> None:
    """Also for a watch that is over: it has no round and no alarm to change."""
    standing = State.MISSING if is_missing else State.WELL
    await Watch.filter(child_id=watch.child_id).update(
        is_missing=is_missing, standing=standing.value, version=watch.version + 1
    )
    await announce(watch.agency_id, "watch")


class Wish(msgspec.Struct, frozen=True):
    """A child wants help, or to talk: their own row of the watch, locked, why, and in which
    check-in. `how` they want to be met and by which adult (`who`), if they said so."""

    actor: Actor
    watch: Watch
    cause: Cause
    about: UUID
    how: str | None = None
    who: UUID | None = None
    reason: str = ""  # Empty: the child said it.
    said_at: datetime | None = None  # Where it reached us much later.
    has_words: bool = False

    @property
    def wished(self) -> dict[str, str]:
        """What they said of how, and who."""
        values = {"how": self.how, "who": self.who}
        return {name: str(value) for name, value in values.items() if value is not None}


async def call_adults(wishes: Sequence[Wish], now: datetime) -> list[Alert]:
    """These children want help, or to talk; one wish of each. In the caller's transaction.

    If a child asks again, the last wish counts. We call the wished-for adult beside the ladder,
    never instead.
    """
    if not wishes:
        return []
    policies: dict[UUID, Policy] = {}
    for agency_id in {wish.watch.agency_id for wish in wishes}:
        policies[agency_id], _ = await policy_of(agency_id)
    opened = await open_alerts([_opening(wish, now) for wish in wishes], policies, now)
    for wish, alert in zip(wishes, opened, strict=True):
        if any(alert.facts.get(name) != value for name, value in wish.wished.items()):
            await Alert.filter(id=alert.id).update(facts={**alert.facts, **wish.wished})
        if alert.reason == CARD_HELP and not wish.reason:
            await Alert.filter(id=alert.id).update(reason=_reason(wish))  # Now they said it.
    await contacts.ask(opened, now)
    for wish, alert in zip(wishes, opened, strict=True):
        if wish.who is not None:
            await _call_beside(alert, wish.who, now)
    return opened


def _reason(wish: Wish) -> str:
    return wish.reason or f"said_{wish.cause.value}"


def _opening(wish: Wish, now: datetime) -> Opening:
    return Opening(
        child_id=wish.watch.child_id,
        agency_id=wish.watch.agency_id,
        cause=wish.cause,
        tier=Tier(wish.watch.tier),
        reason=_reason(wish),
        opened_at=now,
        facts={"check_in": str(wish.about), **wish.wished},
        actor=wish.actor,
        said_at=wish.said_at,
        is_wish=bool(wish.wished) and not wish.has_words,
    )


async def _call_beside(alert: Alert, person_id: UUID, now: datetime) -> None:
    """Call the adult the child would like best, if that person is there for the child and may
    act."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id=alert.child_id,
        person_id=person_id,
        person__disabled_at__isnull=True,
    )
    roles = frozenset([Role(tie.role) for tie in await ties])
    if not may(roles, Action.ALERT_ACKNOWLEDGE):
        return
    saying = Saying(
        kind=Kind.ALERT,
        agency_id=alert.agency_id,
        subject_kind="alert",
        subject_id=alert.id,
        person_id=person_id,
        child_id=alert.child_id,
        urgency="high",
    )
    await queue([saying], now)

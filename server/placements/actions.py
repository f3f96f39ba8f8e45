"""A placement ends, and may begin again: the watch over the child with it.

The end stops only what time does: no round, no reminder, no alarm from silence. It never silences a
voice: the child's own phone stays signed in, their words are kept, their wish for help calls
adults, and so does a report that the child is missing. Nothing disappears: a person first closes an
open alert, and every open round and question says why it is over.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from server.alerts.models import Alert
from server.alerts.recipients import policy_of
from server.alerts.words import way_to
from server.approvals import actions as approvals
from server.approvals.actions import Asked
from server.approvals.models import Approval
from server.approvals.rules import Ending
from server.approvals.rules import What as Needs
from server.audit.actions import Actor, note
from server.audit.models import Entry
from server.auth import pairing
from server.errors import Conflict, SecondPersonNeeded
from server.i18n import N_
from server.notify.actions import withdraw
from server.people import actions as people
from server.people.events import Happening, happened
from server.people.models import Child
from server.people.rules import Leaving
from server.policy.model import FIRST_HOURS, Tier
from server.storage.db import as_id, fetch, write
from server.watch.absence import actions as absences
from server.watch.carer.questions import end_questions
from server.watch.machine import alarms, rounds
from server.watch.machine.standing import State, Terms, What
from server.watch.models import SETTLED, Pause, Round, Watch
from server.watch.passes.ticking import follow
from server.watch.rhythm import proposals
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.agreements import check_rhythm
from server.watch.rhythm.models import Season
from server.watch.rhythm.rules import Rhythm
from server.watch.watch_state import as_row, passed
from server.watch.writing import lock, note_about, state_of, watch_of, write_down
from server.web.live import announce
from server.witnesses.actions import end_all_of

# Children are most likely to go missing in the first days. Then the watch loosens by itself.
FIRST, THEN = Tier.HIGH, Tier.MID


async def end(
    actor: Actor,
    child_id: UUID,
    why: Leaving,
    left_at: datetime,
    *,
    shut_out: bool = False,
    now: datetime,
) -> Child:
    """The child has left: the watch ends now, and `left_at` says since when. Twice: the first end
    stays. `shut_out`: block the child's phones.

    Raises Conflict `alert_open` while an alert about the child is open, Refused as
    `people.end_placement` does, NotFound where there never was a watch, SecondPersonNeeded where
    the agency wants one: then the watch goes on.
    """
    content = {"why": why.value, "at": left_at.isoformat(), "shut_out": shut_out}
    async with write():
        asked = await _ask_first(actor, child_id, left_at, content, now)
        if asked is None:
            return await _end_now(actor, child_id, why, left_at, shut_out=shut_out, now=now)
    raise asked


async def _ask_first(
    actor: Actor, child_id: UUID, left_at: datetime, content: Mapping[str, Any], now: datetime
) -> SecondPersonNeeded | None:
    await lock(child_id)
    child = await Child.get(id=child_id)
    if child.left_at is not None:
        return None
    if await Alert.exists(child_id=child_id, closed_at__isnull=True):
        return None  # It is refused, without asking anyone.
    people.check_left(child, left_at, now)
    frozen = {**content, "placed_at": child.placed_at.isoformat()}
    asked = Asked(Needs.END, child_id, child.agency_id, child_id, frozen)
    return await approvals.first_ask(actor, asked, Ending(), now)


async def end_approved(approval: Approval, actor: Actor, now: datetime) -> None:
    """A second person has agreed. Raises Conflict where the placement has ended since, or another
    has begun. In the caller's transaction."""
    content, child = approval.content, await Child.get(id=approval.child_id)
    if child.left_at is not None or child.placed_at.isoformat() != content["placed_at"]:
        raise Conflict("This has just changed. Refresh and try again.", code="ended")
    why, left_at = Leaving(content["why"]), datetime.fromisoformat(content["at"])
    is_shut_out = content["shut_out"]
    await _end_now(actor, child.id, why, left_at, shut_out=is_shut_out, now=now)


async def _end_now(
    actor: Actor,
    child_id: UUID,
    why: Leaving,
    left_at: datetime,
    *,
    shut_out: bool,
    now: datetime,
) -> Child:
    async with write():
        watch = await lock(child_id)
        child = await Child.get(id=child_id)
        if child.left_at is not None:
            return child
        case, changes = passed(await state_of(watch, now), now)
        # What has become an alert by now is one, also where no tick has opened it yet.
        is_called = any(change.what is What.ALERT for change in changes)
        alert = await Alert.filter(child_id=child_id, closed_at__isnull=True).first()
        if is_called or alert is not None:
            raise Conflict(
                N_("An alert about this child is open. Close it first and say how it ended."),
                code="alert_open",
                see=way_to(alert.id if alert is not None else None),
            )
        child = await people.end_placement(actor, child_id, why, left_at, now)
        await write_down(case, changes, now, quietly=True)
        await _stop_asking(child_id, now)
        await follow(actor, child_id, now)
        await proposals.end_all(actor, child_id, now)
        await absences.end_all(actor, child_id, now)
        await end_all_of(actor, child, now)
        await _stop_watching(child_id)
        await approvals.overtake(actor, child_id, "ended", now)
        if shut_out:
            for device in await pairing.devices_of(child_id):
                await pairing.shut_out(actor, device, now)
        about = ("watch", child_id)
        await note(actor, "watch:end", child_id=child_id, about=about, why=why, now=now)
    return child


async def _stop_asking(child_id: UUID, now: datetime) -> None:
    rounds = await fetch(
        "UPDATE round SET state = CASE WHEN state = 'late' THEN 'ended_late' ELSE 'ended' END,"
        " settled_at = $2 WHERE child_id = $1 AND state IN ('open', 'late') RETURNING id",
        [child_id, now],
    )
    questions = await end_questions(child_id, now)
    for agreed_for_a_time in (Pause, Season):
        still = agreed_for_a_time.filter(child_id=child_id, until_at__gt=now)
        await still.filter(ended_at__isnull=True).update(ended_at=now)
    subjects = [*(as_id(row["id"]) for row in rounds), *questions]
    await withdraw(subjects, "ended", now)


# The state of a watch that is over; the tier and the check-in times stay, to show what was agreed.
_OVER: Mapping[str, Any] = {
    "standing": State.WELL.value,
    "prompted": 0,
    "misses": 0,
    "is_alerted": False,
    **dict.fromkeys(
        (
            "due_at",
            "opens_at",
            "following_due_at",
            "following_opens_at",
            "following_action_at",
            "missed_due_at",
            "late_at",
            "ask_at",
            "asked_at",
            "alarm_at",
            "alarm_why",
            "call_at",
            "last_call_at",
            "held_at",
            "next_action_at",
            "tier_until_at",
            "tier_then",
            "quarantined_at",
        )
    ),
}


async def _stop_watching(child_id: UUID) -> None:
    # With the next version: a writer who has read the watch before overwrites nothing here.
    await Watch.filter(child_id=child_id).update(**_OVER, version=F("version") + 1)


async def begin(
    actor: Actor,
    child_id: UUID,
    placed_at: datetime,
    *,
    rhythm: Mapping[str, Any] | None = None,
    zone: str | None = None,
    now: datetime,
) -> Child:
    """The child is back: a new placement, with the close watch of every new one for 72 hours.
    Without `rhythm` the earlier one applies. Twice: the first beginning stays.

    Raises Refused, code `too_slow`, where the rhythm is slower than the first days allow; and as
    `people.begin_placement` does.
    """
    # Refuse nonsense whether or not anything is left to do.
    given = rhythms.read(rhythm) if rhythm is not None else None
    place = rhythms.read_zone(zone).key if zone is not None else None
    async with write():
        watch = await watch_of(child_id)
        child = await Child.get(id=child_id)
        if child.left_at is None:
            return child
        chosen = given or rhythms.read(watch.rhythm)
        terms = await first_terms(child.agency_id, chosen, place or watch.zone)
        child = await people.begin_placement(actor, child_id, placed_at, now)
        watch.tier, watch.tier_then = FIRST.value, THEN.value
        watch.tier_until_at = now + FIRST_HOURS
        watch.rhythm, watch.zone = rhythms.as_data(chosen), terms.zone.key
        standing = rounds.begin(terms, now, settled_until=await _settled_until(child_id, now))
        if watch.is_missing:
            standing = alarms.alerted(standing)
        row = as_row(standing, terms, watch, now)
        await Watch.filter(child_id=child_id).update(**row, version=watch.version + 1)
        await note_about(actor, child_id, "watch:begin", ["tier", "rhythm", "zone"], now)
        await announce(watch.agency_id, "watch")
        await happened(actor, child_id, Happening.RETURN, now)
    return child


async def first_terms(agency_id: UUID, rhythm: Rhythm, zone: str) -> Terms:
    """The terms of a watch in its first days. Raises Refused for a rhythm that is too slow for
    them, or for what follows."""
    policy, _ = await policy_of(agency_id)
    place = rhythms.read_zone(zone)
    for tier in (THEN, FIRST):
        terms = Terms(tier, policy.tiers[tier].steps, rhythm, place, (), has_carer=False)
        check_rhythm(rhythm, terms)
    return terms


async def _settled_until(child_id: UUID, now: datetime) -> datetime | None:
    """The last future round that was answered before the child left."""
    last_round = (
        await Round.filter(child_id=child_id, due_at__gt=now, state__in=SETTLED)
        .order_by("-due_at")
        .first()
    )
    return last_round.due_at if last_round is not None else None


async def why_left(child: Child) -> Leaving | None:
    """The reason of the last end of a placement; None while the child is placed."""
    if child.left_at is None:
        return None
    entry = await Entry.filter(child_id=child.id, what="placement:end").order_by("-id").first()
    return Leaving(entry.why) if entry is not None and entry.why is not None else None

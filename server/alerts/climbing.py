"""How alerts climb from rung to rung as time passes: each tick calls the people who are due."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import asdict, replace
from tortoise.expressions import Q

from server.alerts import ladder as rules
from server.alerts.bundles import NONE_COMING, SLACK, Coming, bundled, silences, still_due
from server.alerts.causes import first_wait_ends
from server.alerts.cries import rules as cries
from server.alerts.cries.cry import NO_CRY, Cry
from server.alerts.drills.actions import interrupt
from server.alerts.ladder import Call, Cause, Climb, Reachable, State
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.alerts.rights import Right, is_there, right_of
from server.alerts.silences.reading import Ending, together_of
from server.audit.actions import SYSTEM, note
from server.audit.models import Entry
from server.clock import known_zone
from server.notify.actions import (
    Recipient,
    Saying,
    next_channel,
    queue,
)
from server.notify.last_resort.reading import resorts_of
from server.notify.outbox import waiting_together
from server.notify.rules import Kind
from server.people.models import Person
from server.policy.model import Ladder, ladder_from_data
from server.storage import bulk
from server.storage.db import as_id, swapped
from server.storage.due_rows import DueRows
from server.web.live import announce

AT_ONCE = 200
CALLING: tuple[Kind, ...] = (
    Kind.ALERT,
    Kind.ALERT_AGAIN,
    Kind.DECIDE,
    Kind.CONFIRM_ANSWERED,
    Kind.ASK_TRUSTED,
    Kind.TRUSTED_SAYS,
    Kind.HOME_SAYS,
)


async def advance(
    cause: Cause, child_id: UUID, climb: Climb, ladder: Ladder, reach: Reachable, now: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    """The climb as it is by now. The person called first about a wish to talk has the daytime."""
    after, calls = cries.advance(climb, ladder, reach.on(*ladder.rungs), now)
    if cause is Cause.TALK and len(calls) == 1 and calls[0].why == "first":
        after = replace(after, next_action_at=await _first_wait_ends(child_id, ladder, calls[0].at))
    return after, calls


def climb_of(alert: Alert) -> Climb:
    """The slice of the row that the rules of the ladder need."""
    return Climb(
        state=State(alert.state),
        rung=alert.rung,
        turn=alert.turn,
        next_action_at=alert.next_action_at,
        decide_at=alert.decide_at,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=alert.acknowledged_at,
        held_until=alert.held_until,
        answered_at=alert.answered_at,
        closed_at=alert.closed_at,
        cry=Cry(alert.tell_at, alert.untold, alert.react_at, alert.is_beside),
    )


def _as_row(climb: Climb) -> dict[str, Any]:
    return {
        "state": climb.state.value,
        "rung": climb.rung,
        "turn": climb.turn,
        "next_action_at": climb.next_action_at,
        "decide_at": climb.decide_at,
        "acknowledged_by": climb.acknowledged_by,
        "acknowledged_at": climb.acknowledged_at,
        "held_until": climb.held_until,
        "answered_at": climb.answered_at,
        "closed_at": climb.closed_at,
        **asdict(climb.cry if climb.closed_at is None else NO_CRY),
    }


async def swap(alert: Alert, climb: Climb, **more: Any) -> None:
    """Write the new place on the ladder, unless another process has written since it was read."""
    changed = await Alert.filter(id=alert.id, version=alert.version).update(
        **_as_row(climb), **more, version=alert.version + 1
    )
    swapped(changed)


async def swap_all(
    moved: Sequence[tuple[Ending, Climb]], more: Mapping[UUID, Mapping[str, Any]]
) -> None:
    """As `swap`, for many alerts, with the same further columns for each."""
    rows = [
        {"id": alert.id, **_as_row(after), **more[alert.id], "version": alert.version}
        for alert, after in moved
    ]
    await bulk.update_all(Alert, rows, guard="version")


async def climb(alerts: Sequence[Alert], now: datetime) -> None:
    """Move these alerts to where they belong by now, and queue the messages."""
    if not alerts:
        return
    reach = await reach_of({alert.child_id: alert.agency_id for alert in alerts}, now)
    moved: list[tuple[Alert, Climb, tuple[Call, ...]]] = []
    for alert in alerts:
        after, calls = await advance(
            Cause(alert.cause),
            alert.child_id,
            await still_held(alert, now),
            ladder_from_data(alert.ladder),
            reach[alert.child_id],
            now,
        )
        if calls or after != climb_of(alert):
            moved.append((alert, after, calls))
    rows = [{"id": a.id, **_as_row(c), "version": a.version} for a, c, _ in moved]
    written = {as_id(key) for key in await bulk.update(Alert, rows, guard="version")}
    ours = [(a, c, calls) for a, c, calls in moved if a.id in written]
    for alert, _, calls in ours:
        if any(call.why == "ended" for call in calls):
            await _note_ended(alert, now)
    called = [move for move in ours if move[2]]
    if called:
        coming = await still_due({alert.agency_id for alert, _, _ in called}, now)
        await say(called, now, coming)


async def _enter_apart(alert_id: UUID, now: datetime) -> None:
    """Nobody further is called until the row makes sense: the record says so, once an hour."""
    alert = await Alert.get(id=alert_id)
    since = now - timedelta(hours=1)
    noted = Entry.filter(child_id=alert.child_id, what="alert:set_apart", at__gt=since)
    if await noted.exists():
        return
    await note(
        SYSTEM,
        "alert:set_apart",
        child_id=alert.child_id,
        about=("alert", alert_id),
        agency_id=alert.agency_id,
        now=now,
    )


ALERTS = DueRows(
    "alert",
    Alert,
    climb,
    at_once=AT_ONCE,
    columns=("next_action_at", "decide_at", "tell_at", "react_at"),
    enter_apart=_enter_apart,
)


async def still_held(alert: Alert, now: datetime) -> Climb:
    """Where an alert is, as long as the person who has it may still have it.

    We check their right at the stored moment, however late the check runs; after a change, at this
    moment. Where the right has ended by then, the ladder goes on from that moment.
    """
    climb = climb_of(alert)
    if climb.acknowledged_by is None or climb.held_until is None or climb.next_action_at is None:
        return climb
    at = min(climb.next_action_at, now)
    if at >= climb.held_until:
        return climb
    right = await right_of_holder(alert, at, climb.held_until)
    return replace(climb, next_action_at=at) if not right.stands else rules.hold(climb, right.ends)


async def right_of_holder(alert: Alert, at: datetime, until: datetime) -> Right:
    """The right of the person who has this alert. A person who took it because it called them has
    it as long as they work here: a call ends with its alert."""
    assert alert.acknowledged_by is not None
    if alert.held_by_call:
        return Right(await is_there(alert.acknowledged_by, alert.agency_id))
    return await right_of(alert.acknowledged_by, alert.child_id, alert.agency_id, at, until)


async def _note_ended(alert: Alert, now: datetime) -> None:
    await note(
        SYSTEM,
        "alert:hand_over",
        child_id=alert.child_id,
        about=("alert", alert.id),
        agency_id=alert.agency_id,
        why="right_ended",
        now=now,
    )


async def _first_wait_ends(child_id: UUID, ladder: Ladder, at: datetime) -> datetime:
    """When the person called first has had their time, by the child's clock."""
    child = await Person.get(id=child_id)
    return first_wait_ends(Cause.TALK, ladder, known_zone(child.zone), at)


async def say(
    moved: Sequence[tuple[Alert, Climb, tuple[Call, ...]]],
    now: datetime,
    coming: Coming = NONE_COMING,
) -> None:
    """Queue what these calls say, to everyone they name. `coming`: what later batches of this tick
    will say. In the caller's transaction."""
    sayings: list[Saying] = []
    alerts = [alert for alert, _, _ in moved]
    waits = await _waits(alerts, now)
    resorts = await _resorts(moved)
    for alert, _, calls in moved:
        wait = waits.get(alert.id)
        if any(call.why in ("unanswered", "lapsed") for call in calls):
            # Accepted is not seen: a person who was told and did not answer is told by another way.
            later = now + SLACK if coming.agencies.get(alert.agency_id) else None
            await next_channel(alert.id, CALLING, now, not_before=wait or later)
        # After a time of blindness several rungs are passed at once. Everyone on them is told once:
        # by the last call that names them.
        by_recipient: dict[tuple[Kind, UUID | int], Saying] = {}
        for call in calls:
            for saying in _sayings(alert, call, wait, resorts.get(alert.agency_id, ())):
                to = saying.person_id or saying.resort_id
                recipient = to if to is not None else saying.last_resort
                assert recipient is not None
                before = by_recipient.get((saying.kind, recipient))
                if before is None or not before.by_all:
                    by_recipient[(saying.kind, recipient)] = saying
        sayings += by_recipient.values()
        called = {person for call in calls for person in call.people}
        if any(call.why == "ended" for call in calls) and alert.acknowledged_by not in called:
            sayings += went_on(alert)
    await interrupt(sayings, now)
    alone = [alert for alert in alerts if alert.id not in waits]
    await queue(await bundled(sayings, silences(alone), coming, now), now)
    for agency_id in {alert.agency_id for alert in alerts}:
        await announce(agency_id, "alert")


async def _waits(alerts: Sequence[Alert], now: datetime) -> dict[UUID, datetime]:
    """Until when the calls about these alerts wait, so that they go out as one with others of the
    same cause: with those that climb a moment later, or wait already. Nothing waits longer than the
    window. What waits for the rest of this tick alone is not among them (bundles.py)."""
    shared = [(alert, alert.facts["shared"]) for alert in alerts if "shared" in alert.facts]
    if not shared:
        return {}
    until = now + max(timedelta(seconds=sharing["window_s"]) for _, sharing in shared) + SLACK
    ends: dict[str, datetime] = {}
    for other in await Alert.filter(
        agency_id__in=list({alert.agency_id for alert, _ in shared}),
        state=State.OPEN.value,
        next_action_at__gt=now,
        next_action_at__lte=until - SLACK,
    ):
        group = other.facts.get("shared")
        if group is not None and other.next_action_at is not None:
            ends[group["id"]] = max(other.next_action_at + SLACK, ends.get(group["id"], now))
    waiting = await waiting_together([UUID(sharing["id"]) for _, sharing in shared], now, until)
    for id_, at in waiting.items():
        ends[str(id_)] = max(at, ends.get(str(id_), now))
    waits = {}
    for alert, group in shared:
        end = max(ends.get(group["id"], now), _moment(group["until"]) or now)
        if end > now + SLACK or (end > now and UUID(group["id"]) in waiting):
            waits[alert.id] = min(end, until)
    return waits


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def went_on(alert: Alert) -> list[Saying]:
    """To the person who had this alert and has no right to it any more: it goes on without them.
    `alert` is the row as it was. It leads to their own messages, since the alert is closed to them,
    and a lock screen says what it always says."""
    if alert.acknowledged_by is None:
        return []
    return [
        Saying(
            kind=Kind.WENT_ON,
            agency_id=alert.agency_id,
            subject_kind="alert",
            subject_id=alert.id,
            turn=alert.turn,
            person_id=alert.acknowledged_by,
            child_id=alert.child_id,
            data={"path": "/desk/settings/messages"},
        )
    ]


_KINDS = {"confirm": Kind.CONFIRM_ANSWERED, "decide": Kind.DECIDE, "first": Kind.ALERT}


async def _resorts(
    moved: Sequence[tuple[Alert, Climb, tuple[Call, ...]]],
) -> dict[UUID, list[Recipient]]:
    """The last resorts of the agencies where a call names no person."""
    return await resorts_of(
        {alert.agency_id for alert, _, calls in moved if any(not call.people for call in calls)}
    )


def _sayings(
    alert: Alert, call: Call, wait: datetime | None, resorts: Sequence[Recipient]
) -> list[Saying]:
    kind = _KINDS.get(call.why, Kind.ALERT_AGAIN)
    common: dict[str, Any] = {
        "kind": kind,
        "agency_id": alert.agency_id,
        "subject_kind": "alert",
        "subject_id": alert.id,
        "rung": call.rung,
        "turn": call.turn,
        "child_id": alert.child_id,
        "urgency": "high",
        "not_before": wait,
        "together": together_of(alert),
        "by_all": call.cries > 0,
        "data": _data(alert, call) or None,
    }
    if call.people:
        return [Saying(person_id=person, **common) for person in call.people]
    return [Saying(**resort.as_fields(), **common) for resort in resorts]


def _data(alert: Alert, call: Call) -> dict[str, Any]:
    """What the message says beside its kind: from when until when our server was down while it
    became true, how many calls for help it tells of, and when an old one was said."""
    data = {"unseen": alert.facts["unseen"]} if "unseen" in alert.facts else {}
    if call.cries:
        data["calls"] = call.cries
    said_at, arrived_at = alert.said_at, alert.opened_at
    if alert.called_at is not None:
        said_at, arrived_at = alert.called_said_at, alert.called_at
    if said_at is not None:
        data |= {"said_at": said_at.isoformat(), "arrived_at": arrived_at.isoformat()}
    return data


async def self_audit(now: datetime) -> list[UUID]:
    """Open alerts whose next step is long overdue: the ticker has failed them.

    The watchdog gets no ping while there is one. The database itself refuses an open alert without
    any next step.
    """
    overdue = now - timedelta(minutes=2)
    late = Q(next_action_at__lt=overdue) | Q(tell_at__lt=overdue) | Q(react_at__lt=overdue)
    rows = await Alert.filter(late, closed_at__isnull=True).values_list("id", flat=True)
    return [as_id(row) for row in rows]

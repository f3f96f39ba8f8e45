"""Opening, acknowledging and closing alerts, and the climb from rung to rung."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from server import bulk
from server.alert import ladder as rules
from server.alert.causes import first_wait_ends, ladder_for
from server.alert.ladder import Call, Cause, Climb, Outcome, Reach, State
from server.alert.models import Alert, Policy
from server.alert.policy import (
    DEFAULT,
    Ladder,
    Rung,
    Tier,
    ladder_as_data,
    ladder_from_data,
)
from server.alert.policy import Policy as PolicyRules
from server.alert.reading import filled, read
from server.alert.rota import on_duty
from server.audit.actions import SYSTEM, Actor, note
from server.audit.models import Entry
from server.clock import known_zone
from server.db import as_id, swapped, write
from server.errors import Conflict, NotFound
from server.ids import uuid7
from server.live import announce
from server.notify.actions import (
    Saying,
    last_resorts,
    next_channel,
    queue,
    tell_operators,
    told,
    waiting_together,
    withdraw,
)
from server.notify.rules import Kind
from server.people.models import Person, Tie
from server.people.rules import Role

AT_ONCE = 200
# Who climbs at a moment has climbed so long after it, also where a tick takes its time.
SLACK = timedelta(seconds=3)
CALLING = (Kind.ALERT, Kind.ALERT_AGAIN, Kind.DECIDE, Kind.CONFIRM_ANSWERED)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the alerts about several children have in common. Adults are called about them by one
    message; everything else of each alert is its own."""

    id: UUID
    cause: str  # home, outage, provider
    window: timedelta  # Calls that follow each other within this go out as one.
    until: datetime | None = None  # The first call waits until then for those that follow.


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An alert that is to be opened, or joined where one is open for that child and cause."""

    child_id: UUID
    agency_id: UUID
    cause: Cause
    tier: Tier
    reason: str
    opened_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: str | None = None
    actor: Actor = SYSTEM
    shared: Shared | None = None  # What several silences have in common, where it is one.


async def policy_of(agency_id: UUID) -> tuple[PolicyRules, int]:
    """The policy of an agency as it stands, and its version; 0 is the default that ships."""
    row = await Policy.filter(agency_id=agency_id).order_by("-version").first()
    return (read(filled(row.content)), row.version) if row else (read(DEFAULT), 0)


async def reach_of(children: Mapping[UUID, UUID], now: datetime) -> dict[UUID, Reach]:
    """Who stands on each rung, for each of these children (child → agency). Nobody disabled."""
    ties = await Tie.filter(
        Tie.standing_at(now),
        child_id__in=list(children),
        role=Role.CASEWORKER,
        person__disabled_at__isnull=True,
    ).values_list("child_id", "person_id", "person__deputy_id")
    deputies = {deputy for _, _, deputy in ties if deputy is not None}
    able = set(
        await Person.filter(id__in=list(deputies), disabled_at__isnull=True).values_list(
            "id", flat=True
        )
    )
    duty = await on_duty(set(children.values()), now)
    found: dict[UUID, dict[Rung, set[UUID]]] = {
        child: {Rung.CASEWORKER: set(), Rung.DEPUTY: set(), Rung.ON_DUTY: duty[agency]}
        for child, agency in children.items()
    }
    for child_id, person_id, deputy_id in ties:
        found[child_id][Rung.CASEWORKER].add(person_id)
        if deputy_id in able:
            found[child_id][Rung.DEPUTY].add(deputy_id)
    if last_resorts():
        for reach in found.values():
            reach[Rung.LAST_RESORT] = set()
    return {child: dict(reach) for child, reach in found.items()}


# --- opening


async def open_alerts(
    openings: Sequence[Opening], policies: Mapping[UUID, PolicyRules], now: datetime
) -> list[Alert]:
    """Open these alerts and call their first rung, in the transaction of whoever calls.

    Where one is open already for that child and cause, the new miss joins it and nobody is called
    twice. Returns the alerts, opened or joined, in the order of the openings.
    """
    if not openings:
        return []
    # The first step is taken before the alert is written, so that it is written once.
    reach = await reach_of({one.child_id: one.agency_id for one in openings}, now)
    begun = [
        await _begin(one, policies[one.agency_id], reach[one.child_id], now) for one in openings
    ]
    rows = [row for row, _, _ in begun]
    made = {as_id(key) for key in await bulk.insert(Alert, rows, skip_known=True)}
    standing = [
        Alert.construct(_saved_in_db=True, **_NOT_YET, **row) for row in rows if row["id"] in made
    ]
    joining = [row["child_id"] for row in rows if row["id"] not in made]
    if joining:
        # Locked, so that what joins never loses to an acknowledgement in the same moment.
        standing += await Alert.filter(
            child_id__in=joining, closed_at__isnull=True
        ).select_for_update()
    by_key = {(alert.child_id, alert.cause): alert for alert in standing}
    alerts = [by_key[(opening.child_id, opening.cause.value)] for opening in openings]
    await _enter(
        [
            (opening.actor, alert, "alert:open")
            for opening, alert in zip(openings, alerts, strict=True)
            if alert.id in made
        ],
        now,
    )
    for opening, alert in zip(openings, alerts, strict=True):
        if alert.id not in made:
            await _join(alert, opening, now)
    called = [
        (alert, climb, calls)
        for alert, (row, climb, calls) in zip(alerts, begun, strict=True)
        if alert.id in made and alert.id == row["id"] and calls
    ]
    if called:
        await _say(called, now)
    return alerts


# What is not in the row of a new alert.
_NOT_YET = dict.fromkeys(
    (
        "acknowledged_by",
        "acknowledged_at",
        "held_until",
        "answered_at",
        "closed_at",
        "closed_by",
        "outcome",
        "closing_words",
    )
)


async def _begin(
    opening: Opening, policy: PolicyRules, reach: Reach, now: datetime
) -> tuple[dict[str, Any], Climb, tuple[Call, ...]]:
    """The row of a new alert that stands on its first rung, and who is called."""
    ladder = ladder_for(opening.cause, policy, opening.tier)
    # The ladder begins when we can call, not when it became true: after a time of blindness the
    # first rung has its whole time to answer.
    begun, calls = await _advance(
        opening.cause, opening.child_id, rules.begin(ladder, now), ladder, reach, now
    )
    return _alert_row(opening, ladder, begun, now), begun, calls


async def _advance(
    cause: Cause, child_id: UUID, climb: Climb, ladder: Ladder, reach: Reach, now: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    """The climb as it is by now; whoever is called first about a wish to talk has the daytime."""
    after, calls = rules.advance(climb, ladder, reach, now)
    if cause is Cause.TALK and len(calls) == 1 and calls[0].why == "first":
        after = replace(after, act_at=await _first_wait_ends(child_id, ladder, calls[0].at))
    return after, calls


def _alert_row(opening: Opening, ladder: Ladder, begun: Climb, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "agency_id": opening.agency_id,
        "child_id": opening.child_id,
        "cause": opening.cause.value,
        "tier": opening.tier.value,
        "opened_at": opening.opened_at,
        "noticed_at": now,
        "opened_by": opening.actor.id,
        "reason": opening.reason,
        "words": opening.words,
        "facts": {**opening.facts, **_shared_facts(opening.shared)},
        "ladder": ladder_as_data(ladder),
        "state": begun.state.value,
        "rung": begun.rung,
        "turn": begun.turn,
        "act_at": begun.act_at,
        "decide_at": begun.decide_at,
        "misses": 1,
        "version": 0,
    }


def _shared_facts(shared: Shared | None) -> dict[str, Any]:
    if shared is None:
        return {}
    until = shared.until.isoformat() if shared.until is not None else None
    window = shared.window.total_seconds()
    return {
        "shared": {
            "id": str(shared.id),
            "cause": shared.cause,
            "window_s": window,
            "until": until,
        }
    }


async def _join(alert: Alert, opening: Opening, now: datetime) -> None:
    joined = rules.rejoin(climb_of(alert), ladder_from_data(alert.ladder), now)
    await _swap(alert, joined, misses=alert.misses + 1)
    await note(
        opening.actor,
        "alert:join",
        child_id=alert.child_id,
        about=("alert", alert.id),
        agency_id=alert.agency_id,
        why=opening.reason,
        now=now,
    )
    if joined.rung == -1:
        await climb([await Alert.get(id=alert.id)], now)


async def join_misses(children: Iterable[UUID], now: datetime) -> None:
    """Further rounds of these children are late while their alert is open: each joins it. A child
    of whom several became late, after a time of blindness, is named as often."""
    how_many = Counter(children)
    for misses in set(how_many.values()):
        ids = [child for child, count in how_many.items() if count == misses]
        await Alert.filter(
            child_id__in=ids, cause=Cause.SILENCE.value, closed_at__isnull=True
        ).update(misses=F("misses") + misses)


# --- climbing


def climb_of(alert: Alert) -> Climb:
    """The slice of the row that the rules of the ladder need."""
    return Climb(
        state=State(alert.state),
        rung=alert.rung,
        turn=alert.turn,
        act_at=alert.act_at,
        decide_at=alert.decide_at,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=alert.acknowledged_at,
        held_until=alert.held_until,
        answered_at=alert.answered_at,
        closed_at=alert.closed_at,
    )


def _as_row(climb: Climb) -> dict[str, Any]:
    return {
        "state": climb.state.value,
        "rung": climb.rung,
        "turn": climb.turn,
        "act_at": climb.act_at,
        "decide_at": climb.decide_at,
        "acknowledged_by": climb.acknowledged_by,
        "acknowledged_at": climb.acknowledged_at,
        "held_until": climb.held_until,
        "answered_at": climb.answered_at,
        "closed_at": climb.closed_at,
    }


async def _swap(alert: Alert, climb: Climb, **more: Any) -> None:
    """Write the new place on the ladder, if nobody else has written since it was read."""
    changed = await Alert.filter(id=alert.id, version=alert.version).update(
        **_as_row(climb), **more, version=alert.version + 1
    )
    swapped(changed)


async def tick(now: datetime, *, at_once: int = AT_ONCE) -> int:
    """Call whoever is to be called by now; returns how many alerts moved.

    One transaction a batch. Any number of tickers: a row that another one has moved is left to it.
    """
    async with write():
        due = await _due(now, at_once)
        return await climb(due, now)


async def tick_one(alert_id: UUID, now: datetime) -> None:
    """The same for one alert, when its batch has failed."""
    async with write():
        await climb(await Alert.filter(id=alert_id, closed_at__isnull=True), now)


async def due_now(now: datetime, *, at_once: int = AT_ONCE) -> list[UUID]:
    """The alerts that are to be moved, oldest first."""
    return [alert.id for alert in await _due(now, at_once)]


async def set_apart(alert_id: UUID, now: datetime) -> None:
    """This alert raises. It is looked at again in a minute, and operators are told."""
    later = now + timedelta(minutes=1)
    async with write():
        row = Alert.filter(id=alert_id, closed_at__isnull=True)
        await row.filter(act_at__lte=now).update(act_at=later)
        await row.filter(decide_at__lte=now).update(decide_at=later)
        await tell_operators("alert:row", now)


async def _due(now: datetime, at_once: int) -> list[Alert]:
    query = Alert.filter(act_at__lte=now).order_by("act_at").limit(at_once)
    due = await query.select_for_update(skip_locked=True)
    if len(due) < at_once:
        decide = Alert.filter(decide_at__lte=now, closed_at__isnull=True).limit(at_once - len(due))
        known = {alert.id for alert in due}
        more = await decide.select_for_update(skip_locked=True)
        due += [alert for alert in more if alert.id not in known]
    return due


async def climb(alerts: Sequence[Alert], now: datetime) -> int:
    """Move these alerts to where they belong by now and queue what is to be said."""
    if not alerts:
        return 0
    reach = await reach_of({alert.child_id: alert.agency_id for alert in alerts}, now)
    moved: list[tuple[Alert, Climb, tuple[Call, ...]]] = []
    for alert in alerts:
        after, calls = await _advance(
            Cause(alert.cause),
            alert.child_id,
            climb_of(alert),
            ladder_from_data(alert.ladder),
            reach[alert.child_id],
            now,
        )
        if calls:
            moved.append((alert, after, calls))
    rows = [{"id": a.id, **_as_row(c), "version": a.version} for a, c, _ in moved]
    written = {as_id(key) for key in await bulk.update(Alert, rows, guard="version")}
    ours = [(a, c, calls) for a, c, calls in moved if a.id in written]
    await _say(ours, now)
    return len(ours)


async def _first_wait_ends(child_id: UUID, ladder: Ladder, at: datetime) -> datetime:
    """When whoever was called first has had their time, by the child's clock."""
    child = await Person.get(id=child_id)
    return first_wait_ends(Cause.TALK, ladder, known_zone(child.zone), at)


async def _say(moved: Sequence[tuple[Alert, Climb, tuple[Call, ...]]], now: datetime) -> None:
    sayings: list[Saying] = []
    waits = await _waits([alert for alert, _, _ in moved], now)
    for alert, _, calls in moved:
        wait = waits.get(alert.id)
        if any(call.why in ("unanswered", "lapsed") for call in calls):
            # Accepted is not seen: whoever was told and did not answer is told by another way.
            await next_channel(alert.id, CALLING, now, not_before=wait)
        # After a time of blindness several rungs are passed at once. Everyone on them is told,
        # each once: by the last call that names them.
        said: dict[tuple[Kind, UUID | int], Saying] = {}
        for call in calls:
            for saying in _sayings(alert, call, wait):
                to = saying.person_id if saying.person_id is not None else saying.last_resort
                assert to is not None
                said[(saying.kind, to)] = saying
        sayings += said.values()
    await queue(sayings, now)
    for agency_id in {alert.agency_id for alert, _, _ in moved}:
        await announce(agency_id, "alert")


async def _waits(alerts: Sequence[Alert], now: datetime) -> dict[UUID, datetime]:
    """Until when the calls about these wait for others that they go out with as one: those that
    climb by themselves a moment later, or wait already. Nothing waits longer than the window."""
    shared = [(alert, alert.facts["shared"]) for alert in alerts if "shared" in alert.facts]
    if not shared:
        return {}
    until = now + max(timedelta(seconds=known["window_s"]) for _, known in shared) + SLACK
    ends: dict[str, datetime] = {}
    for other in await Alert.filter(
        agency_id__in=list({alert.agency_id for alert, _ in shared}),
        state=State.OPEN.value,
        act_at__gt=now,
        act_at__lte=until - SLACK,
    ):
        known = other.facts.get("shared")
        if known is not None and other.act_at is not None:
            ends[known["id"]] = max(other.act_at + SLACK, ends.get(known["id"], now))
    waiting = await waiting_together([UUID(known["id"]) for _, known in shared], now, until)
    for id_, at in waiting.items():
        ends[str(id_)] = max(at, ends.get(str(id_), now))
    found = {}
    for alert, known in shared:
        end = max(ends.get(known["id"], now), _moment(known["until"]) or now)
        if end > now:
            found[alert.id] = min(end, until)
    return found


def _together(alert: Alert) -> UUID | None:
    """What its messages go out together by."""
    return UUID(alert.facts["shared"]["id"]) if "shared" in alert.facts else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


_KINDS = {"confirm": Kind.CONFIRM_ANSWERED, "decide": Kind.DECIDE, "first": Kind.ALERT}


def _sayings(alert: Alert, call: Call, wait: datetime | None) -> list[Saying]:
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
        "together": _together(alert),
    }
    if "unseen" in alert.facts:
        # It became true while we were down: the message says from when until when we saw nothing.
        common["data"] = {"unseen": alert.facts["unseen"]}
    if call.people:
        return [Saying(person_id=person, **common) for person in call.people]
    return [Saying(last_resort=index, **common) for index in range(last_resorts())]


# --- what people do with it


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
            await _swap(alert, after)
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
    await _swap(alert, climb, outcome=outcome.value, closing_words=words, closed_by=actor.id)
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
            await _swap(alert, after)
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
            together=_together(alert),
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


async def _enter(which: Sequence[tuple[Actor, Alert, str]], now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "at": now,
            "agency_id": alert.agency_id,
            "who_id": actor.id,
            "who_role": actor.role,
            "what": what,
            "child_id": alert.child_id,
            "about_kind": "alert",
            "about_id": alert.id,
            "names": [],
            "why": alert.reason,
        }
        for actor, alert, what in which
    ]
    await bulk.insert(Entry, rows)


async def self_audit(now: datetime) -> list[UUID]:
    """Open alerts whose next step is long overdue: the ticker has failed them.

    The watchdog is not pinged while there is one. The database itself refuses an open alert
    without any next step.
    """
    overdue = now - timedelta(minutes=2)
    rows = await Alert.filter(closed_at__isnull=True, act_at__lt=overdue).values_list(
        "id", flat=True
    )
    return [as_id(row) for row in rows]

"""Drills of the ladder: begun by hand or by a schedule, moved by the ticker, answered by a tap.

A drill is not an alert, and is about no child. A real alert that needs a person of the drill ends
it, in the alert's own transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

import msgspec

from server.alerts.drills import rules as rules
from server.alerts.drills.models import Drill, DrillCall, DrillPlan
from server.alerts.drills.rules import EACH, LATER, Every, Place, Why
from server.alerts.ladder import State
from server.alerts.models import Alert
from server.alerts.recipients import policy_of, reach_of_worker
from server.audit.actions import SYSTEM, Actor, note
from server.clock import known_zone
from server.errors import Conflict, NotFound, Refused, See
from server.i18n import N_
from server.notify.actions import Recipient, Saying, queue, withdraw
from server.notify.arrivals import was_read
from server.notify.last_resort.reading import resorts_of
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Agency, Person
from server.people.rules import Role
from server.policy.model import Rung, Tier
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, write
from server.storage.due_rows import DueRows
from server.storage.ids import uuid7

# What the link of a drill is signed for, and for how long a person can say that it came late.
TAP = "drill"
LASTS = timedelta(days=1)


async def begin(
    actor: Actor, drill_id: UUID, worker_id: UUID, each: timedelta, now: datetime
) -> Drill:
    """Try the ladder of this caseworker; we call the first rung at once. The same id again is the
    same drill. Raises Refused during a real call, or where nobody is there to call; Conflict while
    another drill runs; NotFound for a person who is no caseworker here."""
    rules.check_each(each)
    assert actor.agency_id is not None
    async with write():
        existing = await Drill.get_or_none(id=drill_id, agency_id=actor.agency_id)
        if existing is not None:
            return existing
        if await _is_real(actor.agency_id):
            raise Refused(
                N_("A real alert is calling people now. Start the drill when it is over.")
            )
        return await _begin(actor, drill_id, worker_id, each, now)


async def _begin(
    actor: Actor, drill_id: UUID, worker_id: UUID, each: timedelta, now: datetime
) -> Drill:
    assert actor.agency_id is not None
    worker = Person.filter(id=worker_id, agency_id=actor.agency_id, role=Role.CASEWORKER)
    if not await worker.filter(disabled_at__isnull=True).exists():
        raise NotFound(N_("Choose a caseworker from the list."))
    policy, _ = await policy_of(actor.agency_id)
    reach = await reach_of_worker(actor.agency_id, worker_id, now)
    rungs = policy.tiers[Tier.HIGH].ladder.rungs
    stood = rules.places(rungs, reach.on(*rungs))
    row = {
        "id": drill_id,
        "agency_id": actor.agency_id,
        "worker_id": worker_id,
        "begun_by": actor.id,
        "begun_at": now,
        "each_s": int(each.total_seconds()),
        "places": [{"rung": p.rung.value, "people": [str(id_) for id_ in p.people]} for p in stood],
        "place": -1,
        "next_action_at": now,
    }
    if not await bulk.insert(Drill, [row], skip_known=True):
        raise await _running(actor)
    await note(actor, "drill:begin", about=("drill", drill_id), now=now)
    drill = await Drill.get(id=drill_id)
    await _step(drill, now)
    return await Drill.get(id=drill_id)


async def _running(actor: Actor) -> Conflict:
    drill = await Drill.get_or_none(agency_id=actor.agency_id, ended_at__isnull=True)
    see = See(f"/desk/drills/{drill.id}", N_("Open the drill")) if drill is not None else None
    return Conflict(
        N_("A drill is already running. Wait until it ends, or stop it first."), see=see
    )


async def _is_real(agency_id: UUID) -> bool:
    """Whether adults are being called about a child now and nobody has answered."""
    free = [State.OPEN.value, State.CONTACTED.value]
    calling = Alert.filter(
        agency_id=agency_id, closed_at__isnull=True, state__in=free, acknowledged_by__isnull=True
    )
    return await calling.exists()


def stood_in(drill: Drill) -> list[Place]:
    """The rungs of a drill as they were when it began."""
    return [
        Place(Rung(place["rung"]), tuple(UUID(id_) for id_ in place["people"]))
        for place in drill.places
    ]


async def _step(drill: Drill, now: datetime) -> None:
    """Call the next rung; after the last one the drill is over."""
    stood = stood_in(drill)
    place = rules.next_place(stood, drill.place)
    if place is None:
        await _end(drill, Why.DONE, now)
        return
    until = now + timedelta(seconds=drill.each_s)
    await Drill.filter(id=drill.id, ended_at__isnull=True).update(place=place, next_action_at=until)
    call = {"id": uuid7(), "drill_id": drill.id, "place": place, "called_at": now}
    if await bulk.insert(DrillCall, [call], skip_known=True):
        await queue(await _sayings(drill, place, stood[place], until, now), now)


async def _sayings(
    drill: Drill, place: int, on: Place, until: datetime, now: datetime
) -> list[Saying]:
    def saying_to(to: str, recipient: Recipient) -> Saying:
        token = encryption.sign(f"{drill.id}.{place}.{to}", TAP, until=now + LASTS)
        return Saying(
            kind=Kind.DRILL,
            agency_id=drill.agency_id,
            subject_kind="drill",
            subject_id=drill.id,
            rung=place,
            urgency="high",
            expires_at=until,
            data={"path": f"/drill/{token}"},
            **recipient.as_fields(),
        )

    if on.rung is Rung.LAST_RESORT:
        resorts = (await resorts_of([drill.agency_id]))[drill.agency_id]
        return [saying_to(f"{_RESORT}{n}", resort) for n, resort in enumerate(resorts)]
    return [saying_to(str(person), Recipient(person_id=person)) for person in on.people]


# A link that says so is that of a last resort, who has no account.
_RESORT = "last-resort-"


async def _end(drill: Drill, why: Why, now: datetime) -> None:
    open_ = Drill.filter(id=drill.id, ended_at__isnull=True)
    if await open_.update(ended_at=now, next_action_at=None, why=why.value):
        await withdraw([drill.id], "drill_over", now)


async def stop(actor: Actor, drill_id: UUID, now: datetime) -> None:
    """Stop the drill. Twice is once. Raises NotFound for another agency's."""
    async with write():
        drill = await Drill.get_or_none(id=drill_id, agency_id=actor.agency_id)
        if drill is None:
            raise NotFound(N_("This drill does not exist."))
        if drill.ended_at is None:
            await _end(drill, Why.STOPPED, now)
            await note(actor, "drill:stop", about=("drill", drill_id), now=now)


async def interrupt(sayings: Sequence[Saying], now: datetime) -> None:
    """Adults are called for real: drills that need one of them end. In the caller's transaction."""
    agencies = {saying.agency_id for saying in sayings if saying.agency_id is not None}
    people = {saying.person_id for saying in sayings if saying.person_id is not None}
    last = any(saying.is_to_last_resort for saying in sayings)
    for drill in await Drill.filter(agency_id__in=list(agencies), ended_at__isnull=True):
        if rules.needs(stood_in(drill), people, calls_last_resort=last):
            await _end(drill, Why.REAL_ALERT, now)


async def _was_called(drill: Drill) -> bool:
    people = {person for place in stood_in(drill) for person in place.people}
    real = Message.filter(
        subject_kind="alert", person_id__in=list(people), queued_at__gte=drill.begun_at
    )
    return await real.filter(kind__in=[Kind.ALERT, Kind.ALERT_AGAIN, Kind.DECIDE]).exists()


# --- answered by a tap


class Tapped(msgspec.Struct, frozen=True):
    """Which person a link of a drill was for, and what became of the drill."""

    drill: Drill
    call: DrillCall
    person: Person | None

    @property
    def is_answered(self) -> bool:
        """Whether anyone on this rung has answered."""
        return self.call.answered_at is not None


async def read_tap(token: str, now: datetime) -> Tapped:
    """What a link of a drill is about. Raises NotFound for one that is not ours, or is over."""
    try:
        id_, place, to = encryption.unsign(token, TAP, now).split(".")
        call = await DrillCall.get_or_none(drill_id=UUID(id_), place=int(place))
        person_id = None if to.startswith(_RESORT) else UUID(to)
    except (encryption.Unreadable, ValueError):
        call = None
    if call is None:
        raise NotFound(N_("This link no longer works."))
    drill = await Drill.get(id=call.drill_id)
    person = None
    if person_id is not None:
        person = await Person.get(id=person_id).prefetch_related("agency")
    return Tapped(drill, call, person)


async def tap(token: str, now: datetime) -> Tapped:
    """ "It has reached me." The first answer on a rung counts for its time, and the next tick calls
    the next rung. Twice is once. An answer after the rung's time changes nothing, and is thanked
    for. Raises NotFound."""
    async with write():
        tapped = await read_tap(token, now)
        drill = await Drill.filter(id=tapped.drill.id).select_for_update().get()
        by = tapped.person.id if tapped.person is not None else None
        mine = Message.filter(subject_id=drill.id, rung=tapped.call.place)
        who = mine.filter(person_id=by) if by is not None else mine.filter(person_id__isnull=True)
        await was_read([message.id for message in await who.only("id")], now)
        if drill.ended_at is None and drill.place == tapped.call.place:
            first = DrillCall.filter(id=tapped.call.id, answered_at__isnull=True)
            if await first.update(answered_at=now, answered_by=by):
                await Drill.filter(id=drill.id).update(next_action_at=now)
                await withdraw([drill.id], "drill_answered", now)
        return await read_tap(token, now)


# --- by a schedule


async def set_plan(
    actor: Actor, every: Every | None, weekday: int, at: time, now: datetime
) -> DrillPlan:
    """When drills start by themselves, on the clock of the agency; without `every`, never."""
    assert actor.agency_id is not None
    if not 0 <= weekday <= 6:
        raise Refused(N_("Choose a day of the week."), field="weekday")
    agency = await Agency.get(id=actor.agency_id)
    next_action_at = None
    if every is not None:
        next_action_at = rules.next_drill(every, weekday, at, known_zone(agency.zone), now)
    async with write():
        row = {"id": agency.id, "weekday": weekday, "at": f"{at:%H:%M}", "changed_at": now}
        await bulk.insert(DrillPlan, [row], skip_known=True)
        await DrillPlan.filter(id=agency.id).update(
            every=every.value if every is not None else None,
            weekday=weekday,
            at=f"{at:%H:%M}",
            next_action_at=next_action_at,
            changed_by=actor.id,
            changed_at=now,
        )
        await note(actor, "drill:plan", about=("agency", agency.id), now=now)
        return await DrillPlan.get(id=agency.id)


async def _come(plan: DrillPlan, now: datetime) -> None:
    """Begin a planned drill: for the caseworker whose last one is longest ago."""
    agency = await Agency.get(id=plan.id)
    if await _is_real(plan.id) or await Drill.exists(agency_id=plan.id, ended_at__isnull=True):
        await DrillPlan.filter(id=plan.id, next_action_at=plan.next_action_at).update(
            next_action_at=now + LATER
        )
        return
    assert plan.every is not None
    at, zone = time.fromisoformat(plan.at), known_zone(agency.zone)
    then = rules.next_drill(Every(plan.every), plan.weekday, at, zone, now)
    if not await DrillPlan.filter(id=plan.id, next_action_at=plan.next_action_at).update(
        next_action_at=then
    ):
        return
    worker = await _whose_turn(plan.id)
    if worker is not None:
        actor = Actor(None, SYSTEM.role, plan.id)
        await _begin(actor, uuid7(), worker, EACH, now)


async def _whose_turn(agency_id: UUID) -> UUID | None:
    able = Person.filter(
        agency_id=agency_id, role=Role.CASEWORKER, disabled_at__isnull=True
    ).order_by("id")
    workers = [as_id(id_) for id_ in await able.values_list("id", flat=True)]
    last: dict[UUID, datetime] = {}
    for drill in await Drill.filter(agency_id=agency_id).order_by("begun_at"):
        last[drill.worker_id] = drill.begun_at
    never = datetime.min.replace(tzinfo=known_zone("UTC"))
    return min(workers, key=lambda worker: last.get(worker, never), default=None)


# --- what time does


async def _move(drills: Sequence[Drill], now: datetime) -> None:
    """Call the next rung of each."""
    for drill in drills:
        # An alert that opened in the moment in which the drill began could not know of it.
        if await _was_called(drill):
            await _end(drill, Why.REAL_ALERT, now)
        else:
            await _step(drill, now)


async def _begin_planned(plans: Sequence[DrillPlan], now: datetime) -> None:
    for plan in plans:
        await _come(plan, now)


DRILLS = DueRows("drill", Drill, _move, at_once=50)
PLANS = DueRows("drill", DrillPlan, _begin_planned, at_once=50)


async def calls_of(drills: Collection[UUID]) -> dict[UUID, dict[int, DrillCall]]:
    """What became of each rung that was called, by drill and place."""
    calls: dict[UUID, dict[int, DrillCall]] = {id_: {} for id_ in drills}
    for call in await DrillCall.filter(drill_id__in=list(drills)):
        calls[call.drill_id][call.place] = call
    return calls

"""What time does to roll calls: homes are asked when it is due, and others hear if nobody does it.

A home and a roll call each store the moment of their next decision. After downtime a home is asked
once, about now; what it should have been asked before is over.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from server.clock import known_zone
from server.notify.actions import BY_NUMBERS, Recipient, Saying, queue, withdraw
from server.notify.last_resort.reading import resorts_of
from server.notify.rules import Kind
from server.people.models import Home, Person, Tie
from server.people.rules import Role
from server.roll_calls.models import RollCall
from server.roll_calls.reading import (
    Worker,
    letters_at,
    living_in,
    numbers_of,
    times_of,
    unsaid,
    workers_of,
)
from server.roll_calls.rules import (
    AFTER,
    Step,
    last_due,
    next_due,
    path_of,
    reached,
    read_times,
    then,
)
from server.roll_calls.rules import roll_call_id as id_of
from server.roll_calls.texts.numbers import give
from server.rota.duty import on_duty
from server.storage import bulk
from server.storage.db import as_id
from server.storage.due_rows import DueRows
from server.watch.carer.shifts import asked_first
from server.web.live import announce

_KINDS = {
    Step.ASKED: Kind.ROLL_CALL,
    Step.AGAIN: Kind.ROLL_CALL_AGAIN,
    Step.UNDONE: Kind.ROLL_CALL_UNDONE,
}


async def _plan(homes: Sequence[Home], now: datetime) -> None:
    """Ask each of these homes if it is time, and note when it is asked next."""
    for home in homes:
        assert home.next_roll_call_at is not None
        times, zone = read_times(await times_of(home)), known_zone(home.zone)
        due_at = last_due(times, zone, home.next_roll_call_at, now)
        if due_at is not None:
            await _ask(home, due_at, now)
        await Home.filter(id=home.id).update(next_roll_call_at=next_due(times, zone, now))


HOMES = DueRows("roll_call_home", Home, _plan, at_once=50, columns=("next_roll_call_at",))


async def _ask(home: Home, due_at: datetime, now: datetime) -> None:
    """The home is asked about all who live there. The one before is over with that."""
    before = RollCall.filter(home_id=home.id, due_at__lt=due_at, step__lt=Step.FOLLOWED)
    # Locked before their messages, as where a home answers: else the two deadlock.
    over = [call.id for call in await before.order_by("id").select_for_update()]
    await withdraw(over, "news", now)
    undone = RollCall.filter(id__in=over, state="open")
    await undone.update(state="missed")
    await RollCall.filter(id__in=over).update(step=Step.FOLLOWED, next_action_at=None)
    if not await living_in(home.id):
        return
    # Nobody can be asked: others hear of it at once.
    step = Step.ASKED if await workers_of(home.id, now) else Step.UNDONE
    row = {
        "id": id_of(home.id, due_at),
        "agency_id": home.agency_id,
        "home_id": home.id,
        "due_at": due_at,
        "zone": known_zone(home.zone).key,
        "asked_at": now,
        "state": "open",
        "told_at": now if step is Step.UNDONE else None,
        "step": step.value,
        "next_action_at": then(step, now, now),
    }
    if await bulk.insert(RollCall, [row], skip_known=True):
        await give(home.id, now)
        await _say(await RollCall.get(id=id_of(home.id, due_at)), step, now)
        await announce(home.agency_id, "watch")


async def _go_on(calls: Sequence[RollCall], now: datetime) -> None:
    """These roll calls are not done, and their next step has come."""
    for call in calls:
        if not await unsaid(call, now):
            await _end(call, now)
            continue
        before = Step(call.step)
        step = reached(before, call.asked_at, now)
        if step is Step.MISSED:
            await withdraw([call.id], "expired", now)
        elif step is not before:
            await _say(call, step, now)
        await RollCall.filter(id=call.id).update(
            step=step.value,
            told_at=now if step is Step.UNDONE else call.told_at,
            state="missed" if step is Step.MISSED else "open",
            next_action_at=then(step, call.asked_at, now),
            quarantined_at=None,
        )
        await announce(call.agency_id, "watch")


async def _end(call: RollCall, now: datetime) -> None:
    """The children without a word have moved, or are away by agreement: nobody has to do it."""
    await withdraw([call.id], "settled", now)
    await RollCall.filter(id=call.id).update(
        state="done", done_at=now, next_action_at=None, quarantined_at=None
    )
    await announce(call.agency_id, "watch")


ROLL_CALLS = DueRows("roll_call", RollCall, _go_on, at_once=50)


# --- who hears of it


async def _say(call: RollCall, step: Step, now: datetime) -> None:
    if step is Step.UNDONE:
        to = await _who_follows_up(call, now)
    else:
        workers = await workers_of(call.home_id, now)
        to = [Recipient(person_id=worker.person_id) for worker in _asked(workers, step)]
    letters = await letters_at(call.home_id, [who.person_id for who in to if who.person_id], now)
    until = then(step, call.asked_at, now) if step is Step.UNDONE else None
    until = until or call.asked_at + AFTER[Step.MISSED]
    sayings = [_saying(call, _KINDS[step], recipient, until) for recipient in to]
    numbers = list((await numbers_of(call.home_id)).values())
    only = numbers[0] if len(numbers) == 1 else None
    await queue([_with_numbers(saying, call, letters, only) for saying in sayings], now)


def _with_numbers(
    saying: Saying, call: RollCall, letters: Mapping[UUID, str], only: int | None
) -> Saying:
    """With what a text needs that asks for numbers, to those who are asked. `only`: the number of
    the only child."""
    if saying.kind not in BY_NUMBERS or saying.person_id is None:
        return saying
    time = f"{call.due_at.astimezone(known_zone(call.zone)):%H:%M}"
    letter = letters.get(saying.person_id, "")
    asks = {"says": "ask", "time": time, "letter": letter, "one": only}
    return replace(saying, data={**(saying.data or {}), "asks": asks})


def _asked(workers: Sequence[Worker], step: Step) -> Sequence[Worker]:
    """First those on shift; everyone if nobody is, and everyone once those have not done it."""
    return asked_first(workers) if step is Step.ASKED else workers


def _saying(call: RollCall, kind: Kind, to: Recipient, until: datetime) -> Saying:
    return Saying(
        kind=kind,
        agency_id=call.agency_id,
        subject_kind="roll_call",
        subject_id=call.id,
        urgency="high",
        expires_at=until,
        data={"path": path_of(call.home_id)},
        **to.as_fields(),
    )


async def _who_follows_up(call: RollCall, now: datetime) -> list[Recipient]:
    """The people on duty, and the supervisors of the children; if there are none, the supervisors
    of the agency, or else the last resort: the word must not be lost."""
    people = await _able((await on_duty([call.agency_id], now)).get(call.agency_id, set()))
    people |= await _supervisors(call.home_id, now)
    if not people:
        every = Person.filter(
            agency_id=call.agency_id, role=Role.SUPERVISOR, disabled_at__isnull=True
        )
        people = {as_id(id_) for id_ in await every.values_list("id", flat=True)}
    if people:
        return [Recipient(person_id=id_) for id_ in sorted(people)]
    return (await resorts_of([call.agency_id])).get(call.agency_id, [])


async def _able(people: Collection[UUID]) -> set[UUID]:
    held = Person.filter(id__in=list(people), disabled_at__isnull=True)
    return {as_id(id_) for id_ in await held.values_list("id", flat=True)}


async def _supervisors(home_id: UUID, now: datetime) -> set[UUID]:
    held = Tie.filter(
        Tie.standing_at(now),
        child__home_id=home_id,
        child__left_at__isnull=True,
        role=Role.SUPERVISOR,
        person__disabled_at__isnull=True,
    )
    return {as_id(id_) for id_ in await held.distinct().values_list("person_id", flat=True)}

"""Children from a list: checked first, then added batch by batch, each with their watch.

The id of a child is made, under the keyring, from what tells them from others in the list. So the
same list twice adds no child twice, and a batch that was cut off can run again without harm. The
calendar of birthdays takes time and can wait: it follows once all are watched.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.recipients import policy_of
from server.audit.actions import Actor
from server.audit.models import Entry
from server.auth.models import Credential
from server.clock import as_utc, known_zone
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.imports import import_csv
from server.imports.existing import id_of, lines_of_new, new_by_id
from server.imports.import_csv import Fault, Known, Line, Place, Read, folded
from server.imports.models import Intake
from server.people.events import Happening, happened
from server.people.finding import actions as index
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import PROFESSIONAL, Role
from server.placements import actions
from server.policy.model import FIRST_HOURS, Policy, Tier
from server.storage import bulk
from server.storage.db import write
from server.storage.due_rows import DueRows
from server.storage.ids import uuid7
from server.watch.actions import Beginning, first_row
from server.watch.models import Watch
from server.watch.rhythm.rules import Rhythm
from server.web.live import announce

LOOKING, TAKING, CALENDAR, DONE = "looking", "taking", "calendar", "done"
LINES_AT_ONCE = 1_000
BIRTHDAYS_AT_ONCE = 10
FAULTS_KEPT = 200
# A list that nobody adds is forgotten: it contains names.
FORGOTTEN_AFTER = timedelta(days=1)
SET_APART = timedelta(minutes=1)
_GONE = N_("The caseworker has left. Add this child by hand.")
_TAKEN = N_("Another child has this file reference. Add this child by hand.")
_SLOW = N_("The policy has changed, and these times are now too far apart. Add this child by hand.")


async def known_of(agency_id: UUID, today: date) -> Known:
    """The people and homes that the lines of a list can name."""
    agency = await Agency.get(id=agency_id)
    homes = await Home.filter(agency_id=agency_id)
    people = await Person.filter(
        agency_id=agency_id, role__in=list(PROFESSIONAL), disabled_at__isnull=True
    )
    names = {
        credential.person_id: credential.name
        for credential in await Credential.filter(person_id__in=[person.id for person in people])
    }
    places: dict[str, list[Place]] = {}
    for home in homes:
        places.setdefault(folded(home.name), []).append(Place(home.id, home.zone))
    workers: dict[str, set[UUID]] = {}
    for person in people:
        workers.setdefault(folded(person.name), set()).add(person.id)
    for person_id, name in names.items():
        # A sign-in name means the person who signs in with it, even where others have that name.
        workers[folded(name)] = {person_id}
    return Known(
        homes=places,
        workers=workers,
        home_names=sorted(home.name for home in homes),
        worker_names=sorted(person.name for person in people),
        language=agency.language,
        zone=agency.zone,
        today=today,
        policy=(await policy_of(agency_id))[0],
    )


async def hand_in(actor: Actor, agency_id: UUID, parsed: Read, id_: UUID, now: datetime) -> Intake:
    """Store what was read, for a check. No child is added yet. The same id again is the first."""
    assert actor.id is not None
    new = await lines_of_new(agency_id, parsed.lines)
    async with write():
        first = await Intake.get_or_none(id=id_)
        if first is not None:
            return await of_agency(agency_id, id_)
        return await Intake.create(
            id=id_,
            agency_id=agency_id,
            made_by=actor.id,
            made_at=now,
            lines=msgspec.to_builtins(new),
            faults=msgspec.to_builtins(parsed.faults[:FAULTS_KEPT]),
            count=len(parsed.lines),
            fault_count=len(parsed.faults),
            known_count=len(parsed.lines) - len(new),
        )


async def of_agency(agency_id: UUID, id_: UUID) -> Intake:
    """A list of this agency. Raises NotFound."""
    row = await Intake.get_or_none(id=id_, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("We no longer have this list. Choose the file again."))
    return row


async def take_in(agency_id: UUID, id_: UUID, now: datetime) -> None:
    """Begin to add the children. Twice is once. Raises Conflict where a line has a fault,
    NotFound."""
    row = await of_agency(agency_id, id_)
    if row.fault_count:
        raise Conflict(N_("A line in this list has a mistake. Fix it first."), code="faults")
    async with write():
        begins = Intake.filter(id=row.id, state=LOOKING)
        if await begins.update(state=TAKING, next_action_at=now):
            await _enter_list(row, now)


async def _enter_list(row: Intake, now: datetime) -> None:
    await bulk.insert(Entry, [_entry(row, "intake:begin", now, about=("intake", row.id))])


# --- as time passes


async def tidy(now: datetime) -> None:
    """Forget the names in lists that nobody adds, and in those that are over."""
    async with write():
        old = Intake.filter(made_at__lt=now - FORGOTTEN_AFTER)
        await old.filter(state=LOOKING).delete()
        await old.filter(state=DONE).update(left_out=None)


async def _go_on(rows: Sequence[Intake], now: datetime) -> None:
    """Add one batch of each of these lists."""
    for row in rows:
        lines = [msgspec.convert(line, Line) for line in row.lines]
        if row.state == TAKING:
            await _take_batch(row, lines, now)
        elif row.state == CALENDAR:
            await _birthdays(row, lines, now)


# One batch of the list that has waited longest a tick, so that no silent child waits behind a list.
LISTS = DueRows("intake", Intake, _go_on, at_once=1, once_a_tick=True)


async def _take_batch(row: Intake, lines: Sequence[Line], now: datetime) -> None:
    batch = lines[row.place : row.place + LINES_AT_ONCE]
    new, left_out = await _fitting(row, await new_by_id(row.agency_id, batch), now)
    added = await _add(row, new, now)
    place = row.place + len(batch)
    is_over = place >= len(lines)
    await Intake.filter(id=row.id).update(
        place=0 if is_over else place,
        state=CALENDAR if is_over else TAKING,
        added=row.added + added,
        left_out=[*(row.left_out or []), *msgspec.to_builtins(left_out)],
    )
    await announce(row.agency_id, "watch")


async def _fitting(
    row: Intake, new: Mapping[UUID, Line], now: datetime
) -> tuple[dict[UUID, tuple[Line, dict[str, Any]]], list[Fault]]:
    """The lines that still fit, each with its watch, and why the others do not."""
    # Locked until the end: nobody leaves the agency while they get a child.
    workers = await (
        Person.filter(
            id__in=list({line.worker_id for line in new.values()}),
            role__in=list(PROFESSIONAL),
            disabled_at__isnull=True,
        )
        .order_by("id")
        .select_for_update(no_key=True)
    )
    here = {person.id for person in workers}
    policy, _ = await policy_of(row.agency_id)
    watches = _watches(policy, now)
    taken = await _taken(row.agency_id, new.values())
    fits, faults = {}, []
    for id_, line in new.items():
        if line.worker_id not in here:
            faults.append(Fault(line.number, _GONE))
            continue
        reference = index.reference_index(row.agency_id, line.reference or None)
        if reference in taken:
            faults.append(Fault(line.number, _TAKEN))
            continue
        try:
            fits[id_] = line, watches(line.tier, line.times, line.zone)
        except Refused:
            faults.append(Fault(line.number, _SLOW))
            continue
        if reference is not None:
            taken.add(reference)
    return fits, faults


async def _taken(agency_id: UUID, lines: Iterable[Line]) -> set[str]:
    """The blind indexes of the references among these that a child of the agency has."""
    wanted = {index.reference_index(agency_id, line.reference or None) for line in lines} - {None}
    rows = Child.filter(reference_index__in=list(wanted))
    return {str(text) for text in await rows.values_list("reference_index", flat=True)}


def _watches(policy: Policy, now: datetime) -> Any:
    """The first row of a watch; computed once for many with the same terms."""

    @cache
    def row(tier: str, times: tuple[str, ...], zone: str) -> dict[str, Any]:
        rhythm = Rhythm(tuple(time.fromisoformat(text) for text in times))
        if tier != import_csv.FIRST:
            return first_row(Beginning(Tier(tier), rhythm, zone), policy, now)
        first_row(Beginning(actions.THEN, rhythm, zone), policy, now)
        until = now + FIRST_HOURS
        return first_row(Beginning(actions.FIRST, rhythm, zone, until, actions.THEN), policy, now)

    return row


async def _add(row: Intake, new: Mapping[UUID, tuple[Line, dict[str, Any]]], now: datetime) -> int:
    """Persons, placements, ties and watches, in one transaction: no child without a watch."""
    persons = [_person(row, id_, line, now) for id_, (line, _) in new.items()]
    # Another list may have added the same child in this moment.
    made = {UUID(str(id_)) for id_ in await bulk.insert(Person, persons, skip_known=True)}
    fits = {id_: pair for id_, pair in new.items() if id_ in made}
    ties = {id_: uuid7() for id_ in fits}
    await bulk.insert(Child, [_child(row, id_, line, now) for id_, (line, _) in fits.items()])
    await index.put(
        [
            index.Filed(id_, row.agency_id, line.name, line.reference or None)
            for id_, (line, _) in fits.items()
        ]
    )
    await bulk.insert(
        Tie, [_tie(row, ties[id_], id_, line, now) for id_, (line, _) in fits.items()]
    )
    await bulk.insert(
        Watch,
        [
            {"child_id": id_, "agency_id": row.agency_id, **watch}
            for id_, (_, watch) in fits.items()
        ],
        returning="child_id",
    )
    await bulk.insert(
        Entry, [entry for id_ in fits for entry in _entries(row, id_, ties[id_], now)]
    )
    return len(fits)


def _person(row: Intake, id_: UUID, line: Line, now: datetime) -> dict[str, Any]:
    return {
        "id": id_,
        "agency_id": row.agency_id,
        "role": Role.CHILD,
        "name": line.name,
        "language": line.language,
        "zone": line.zone,
        "made_at": now,
    }


def _child(row: Intake, id_: UUID, line: Line, now: datetime) -> dict[str, Any]:
    placed_at = now
    if line.placed_on is not None:
        day = date.fromisoformat(line.placed_on)
        placed_at = min(as_utc(day, time(0), known_zone(line.zone)), now)
    return {
        "id": id_,
        "agency_id": row.agency_id,
        "person_id": id_,
        "home_id": line.home_id,
        "placed_at": placed_at,
        "born_on": line.born_on,
        "reference": line.reference or None,
    }


def _tie(row: Intake, tie_id: UUID, id_: UUID, line: Line, now: datetime) -> dict[str, Any]:
    return {
        "id": tie_id,
        "agency_id": row.agency_id,
        "child_id": id_,
        "person_id": line.worker_id,
        "role": Role.CASEWORKER,
        "from_at": now,
    }


def _entries(row: Intake, id_: UUID, tie_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """The same entries as for a child who is added by hand."""
    return [
        _entry(row, "person:add", now, about=("person", id_), names=[Role.CHILD.value]),
        _entry(row, "child:add", now, child_id=id_),
        _entry(row, "tie:add", now, about=("tie", tie_id), names=["caseworker"], child_id=id_),
        _entry(
            row,
            "watch:begin",
            now,
            about=("watch", id_),
            names=["tier", "rhythm", "zone"],
            child_id=id_,
        ),
    ]


def _entry(
    row: Intake,
    what: str,
    now: datetime,
    *,
    about: tuple[str, UUID | None] = ("", None),
    names: Sequence[str] = (),
    child_id: UUID | None = None,
) -> dict[str, Any]:
    return {
        "at": now,
        "agency_id": row.agency_id,
        "who_id": row.made_by,
        "who_role": Role.ADMINISTRATOR.value,
        "what": what,
        "child_id": child_id,
        "about_kind": about[0],
        "about_id": about[1],
        "names": list(names),
        "why": "list",
    }


async def _birthdays(row: Intake, lines: Sequence[Line], now: datetime) -> None:
    """Tell the calendar and the life project the birthdays, a few at a time."""
    actor = Actor(row.made_by, Role.ADMINISTRATOR, row.agency_id)
    born = [line for line in lines if line.born_on is not None]
    batch = born[row.place : row.place + BIRTHDAYS_AT_ONCE]
    ids = [id_of(row.agency_id, line) for line in batch]
    for child in await Child.filter(id__in=ids, agency_id=row.agency_id).order_by("id"):
        await happened(actor, child.id, Happening.BIRTHDAY, now)
    place = row.place + len(batch)
    over = {"state": DONE, "lines": None, "next_action_at": None, "finished_at": now}
    await Intake.filter(id=row.id).update(place=place, **(over if place >= len(born) else {}))

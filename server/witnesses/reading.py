"""Witnesses and their lists as pages show them. Reads rows, and writes none."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.clock import known_zone
from server.people.models import Person, Tie
from server.people.rules import Action, Role, may
from server.policy.roll_call import Word
from server.storage.db import as_id, as_moment, fetch
from server.watch.models import WitnessWord
from server.witnesses import rules
from server.witnesses.models import Witness, WitnessChild, WitnessList, live_at

# No day lasts longer, whatever the clocks do.
_SHOWN = timedelta(hours=26)


class Line(msgspec.Struct, frozen=True):
    """One child of a list: the seat, the name by which the witness knows them, and the word that
    counts, with its time; None: none yet."""

    seat_id: UUID
    child_id: UUID
    known_as: str
    word: Word | None = None
    said_at: datetime | None = None


class Undone(msgspec.Struct, frozen=True):
    """A list that nobody has filled in."""

    witness_id: UUID
    name: str
    kind: str
    due_at: datetime
    zone: str


class New(msgspec.Struct, frozen=True):
    """A PIN, or an address for the register, that became new, and that the witness has not used
    yet. `by`: the name of the person who was to see it last, and passes it on. Empty: who had the
    one before answers for the children no longer, and nobody has seen the new one."""

    is_pin: bool
    at: datetime
    by: str


def zone_of(witness: Witness) -> ZoneInfo:
    """The clock on the wall of a witness."""
    return known_zone(witness.zone)


def agreed_with(witness: Witness) -> rules.Agreed:
    """When it is asked."""
    return rules.Agreed(tuple(witness.days), witness.at, witness.until_on)


def before_change(seat: WitnessChild, now: datetime) -> rules.Agreed | None:
    """What was agreed with this child's witness before, if that has changed lately."""
    witness = seat.witness
    if witness.before is None or witness.changed_at is None or witness.changed_at < seat.from_at:
        return None
    is_late = now - witness.changed_at > rules.CHANGE_SHOWN
    return None if is_late else rules.agreed_of(witness.before)


def due_today(witness: Witness, now: datetime) -> datetime | None:
    """When the list of the local day of `now` is due, as it is agreed; None if there is none."""
    zone, agreed = zone_of(witness), agreed_with(witness)
    today = now.astimezone(zone).date()
    if agreed.until is not None and today > agreed.until:
        return None
    return rules.due_on(agreed.days, time.fromisoformat(agreed.at), zone, today)


def seats_of(witness_id: UUID, now: datetime) -> QuerySet[WitnessChild]:
    """The children a witness is asked about."""
    return WitnessChild.filter(witness_id=witness_id, **live_at(now))


async def seats_of_day(witness: Witness, now: datetime) -> Sequence[WitnessChild]:
    """The same, and those that ended today, by its clock: a page or a register of the day may still
    name them. Only children of its agency; the seat that began last comes last."""
    begins_at = rules.begins_at(now, zone_of(witness))
    held = WitnessChild.filter(
        Q(until_at__isnull=True) | Q(until_at__gte=begins_at),
        witness_id=witness.id,
        from_at__lte=now,
        child__left_at__isnull=True,
        child__agency_id=witness.agency_id,
    )
    return await held.order_by("from_at", "id")


async def children_of(witness_id: UUID, now: datetime) -> set[UUID]:
    """Their ids."""
    held = await seats_of(witness_id, now).values_list("child_id", flat=True)
    return {as_id(id_) for id_ in held}


async def lines_of(sheet: WitnessList, now: datetime) -> list[Line]:
    """The children of a list, by the names that the witness knows."""
    seats = await seats_of(sheet.witness_id, now).limit(rules.MOST_CHILDREN)
    last = await last_words(sheet.id)
    lines = [_line(seat, last.get(seat.child_id)) for seat in seats]
    return sorted(lines, key=lambda line: (line.known_as.casefold(), line.seat_id))


def _line(seat: WitnessChild, word: WitnessWord | None) -> Line:
    if word is None:
        return Line(seat.id, seat.child_id, seat.known_as)
    return Line(seat.id, seat.child_id, seat.known_as, Word(word.word), word.said_at)


async def last_words(list_id: UUID) -> dict[UUID, WitnessWord]:
    """The word that counts of each child of a list: the last one."""
    rows = await WitnessWord.filter(list_id=list_id).order_by("said_at", "at", "id")
    return {row.child_id: row for row in rows}


async def of_child(child_id: UUID, now: datetime) -> Sequence[WitnessChild]:
    """Who is asked about a child, with the witness of each; the first added comes first."""
    held = WitnessChild.filter(child_id=child_id, **live_at(now)).order_by("from_at", "id")
    return await held.limit(rules.MOST_WITNESSES).prefetch_related("witness")


async def last_of_child(child_id: UUID, witnesses: Collection[UUID]) -> Mapping[UUID, WitnessWord]:
    """The last word of each of these witnesses about a child."""
    last: dict[UUID, WitnessWord] = {}
    for witness_id in witnesses:  # As many as a child can have.
        held = WitnessWord.filter(child_id=child_id, witness_id=witness_id)
        row = await held.order_by("-said_at").first()
        if row is not None:
            last[witness_id] = row
    return last


async def shared(agency_id: UUID) -> list[Witness]:
    """The schools and clubs of an agency that are asked now: the latest of them. Their names are
    sealed, so only we can sort them."""
    kinds = [kind.value for kind in rules.SHARED]
    held = Witness.filter(agency_id=agency_id, kind__in=kinds, ended_at__isnull=True)
    rows = await held.order_by("-made_at").limit(200)
    return sorted(rows, key=lambda row: row.name.casefold())


async def new_of(witnesses: Collection[Witness]) -> dict[UUID, list[New]]:
    """What these witnesses have to be given; only those with something."""
    every = [
        (witness.id, is_pin, at, by_id)
        for witness in witnesses
        for is_pin, at, by_id in (
            (True, witness.pin_new_at, witness.pin_by),
            (False, witness.register_new_at, witness.register_by),
        )
        if at is not None
    ]
    people = Person.filter(id__in={by_id for *_, by_id in every if by_id is not None})
    names = dict(await people.values_list("id", "name")) if every else {}
    new: dict[UUID, list[New]] = {}
    for id_, is_pin, at, by_id in every:
        new.setdefault(id_, []).append(New(is_pin, at, names.get(by_id, "")))
    return new


async def list_of_day(witness: Witness, now: datetime) -> WitnessList | None:
    """The list of the local day of `now`; None where there is none."""
    # By the day, and not by the agreed time, which may have changed since it was made.
    end = rules.ends_at(now, zone_of(witness))
    held = WitnessList.filter(witness_id=witness.id, due_at__gt=end - _SHOWN, ends_at=end)
    return await held.order_by("due_at", "id").first()


async def people_of(
    children: Collection[UUID], roles: Collection[Role], now: datetime
) -> dict[UUID, set[UUID]]:
    """Who has one of these roles for these children, by child."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id__in=list(children),
        role__in=list(roles),
        person__disabled_at__isnull=True,
    )
    people: dict[UUID, set[UUID]] = {}
    for child_id, person_id in await ties.values_list("child_id", "person_id"):
        people.setdefault(as_id(child_id), set()).add(as_id(person_id))
    return people


async def answers_for(
    person_id: UUID | None, agency_id: UUID, children: Set[UUID], now: datetime
) -> bool:
    """Whether this person may arrange witnesses of each of these children (of one list) without
    being on duty or standing in for a colleague, which ends. A supervisor answers for every
    child."""
    held = Person.filter(id=person_id, agency_id=agency_id, disabled_at__isnull=True)
    person = await held.first() if person_id is not None else None
    if person is None or person.role == Role.SUPERVISOR:
        return person is not None
    ties = Tie.filter(Tie.standing_at(now), child_id__in=list(children), person_id=person.id)
    rights: dict[UUID, set[Role]] = {}
    for child_id, role in await ties.values_list("child_id", "role"):
        rights.setdefault(as_id(child_id), set()).add(Role(role))
    return all(
        may(frozenset(rights.get(child_id, ())), Action.WITNESS_ARRANGE) for child_id in children
    )


# Those of an agency that became undone today are few; only they are looked at more closely.
_UNDONE = """
SELECT l.witness_id, l.due_at, l.zone FROM witness_list l
WHERE l.agency_id = $1 AND l.told_at > $2 AND l.told_at <= $3 AND l.ends_at > $3
AND l.state = 'open' AND EXISTS (
    SELECT 1 FROM witness_child s JOIN tie t ON t.child_id = s.child_id
    WHERE s.witness_id = l.witness_id AND s.until_at IS NULL AND t.person_id = $4
    AND t.role IN ('caseworker', 'supervisor') AND t.from_at <= $3
    AND (t.until_at IS NULL OR t.until_at > $3))
ORDER BY l.due_at, l.id LIMIT 3
"""


async def undone_for(agency_id: UUID, person_id: UUID, now: datetime) -> list[Undone]:
    """Lists of today that nobody has filled in, about children of this person by a tie as
    caseworker or supervisor: the first three."""
    rows = await fetch(_UNDONE, [agency_id, now - _SHOWN, now, person_id])
    if not rows:
        return []
    witnesses = await Witness.filter(id__in=[as_id(row["witness_id"]) for row in rows])
    by_id = {witness.id: witness for witness in witnesses}
    undone = []
    for row in rows:
        witness = by_id[as_id(row["witness_id"])]
        due_at = as_moment(row["due_at"])
        undone.append(Undone(witness.id, witness.name, witness.kind, due_at, row["zone"]))
    return undone

"""Which children of a list are here already: from a list, or added by hand."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID, uuid5

from server.imports.import_csv import Line, folded
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.security import encryption

# So many ids in one question to the database.
_AT_ONCE = 1_000
_Said = tuple[str, str | None, UUID]
_CHILDREN = UUID("6f1f1d8e-2f4f-4f1c-9d55-5a0a6c7f6a10")


def id_of(agency_id: UUID, line: Line) -> UUID:
    """The id of the child of this line."""
    return _id(agency_id, encryption.blind(_told_by(agency_id, line)))


def _told_by(agency_id: UUID, line: Line) -> str:
    return f"child {agency_id} {line.key()}"


def _id(agency_id: UUID, index: str) -> UUID:
    return uuid5(_CHILDREN, f"{agency_id} {index}")


async def new_by_id(agency_id: UUID, lines: Sequence[Line]) -> dict[UUID, Line]:
    """The lines that no list has added, by the id that each child gets."""
    keyring = encryption.current()
    ids = [
        [_id(agency_id, blind) for blind in keyring.blinds(_told_by(agency_id, x))] for x in lines
    ]
    existing_ids = await _known(id_ for line_ids in ids for id_ in line_ids)
    return {
        line_ids[0]: line
        for line, line_ids in zip(lines, ids, strict=True)
        if existing_ids.isdisjoint(line_ids)
    }


async def _known(ids: Iterable[UUID]) -> set[UUID]:
    wanted, existing_ids = list(ids), set[UUID]()
    for begin in range(0, len(wanted), _AT_ONCE):
        batch = Person.filter(id__in=wanted[begin : begin + _AT_ONCE]).only("id")
        existing_ids |= {person.id for person in await batch}
    return existing_ids


async def lines_of_new(agency_id: UUID, lines: Sequence[Line]) -> list[Line]:
    """The lines about children who are not here: neither from a list, nor added by hand with the
    same name, day of birth and caseworker."""
    new = await new_by_id(agency_id, lines)
    added = {id_of(agency_id, line) for line in lines} - set(new)
    by_hand = await _by_hand(agency_id, added)
    new_lines = []
    for line in new.values():
        key = folded(line.name), line.born_on, line.worker_id
        if by_hand[key]:
            by_hand[key] -= 1
        else:
            new_lines.append(line)
    return new_lines


async def _by_hand(agency_id: UUID, but: Collection[UUID]) -> Counter[_Said]:
    """How many children are here with this name, day of birth and caseworker."""
    born = {child.id: child.born_on for child in await Child.filter(agency_id=agency_id)}
    children = await Person.filter(agency_id=agency_id, role=Role.CHILD)
    names = {child.id: folded(child.name) for child in children}
    ties = Tie.filter(agency_id=agency_id, role=Role.CASEWORKER, until_at__isnull=True)
    return Counter(
        (names[tie.child_id], born[tie.child_id], tie.person_id)
        for tie in await ties
        if tie.child_id not in but
    )

"""Writing the blind index: in the transaction of each write of a name, a home or a reference.

`indexed_by` on a child or home says by which key and rules they were indexed. Where it is another
one (an old row, a restored backup, a key that was taken away), `prepare` indexes them anew.
"""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import msgspec
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from server import logs
from server.errors import Refused
from server.i18n import N_
from server.people.finding.models import SearchToken
from server.people.finding.rules import (
    VERSION,
    Term,
    full_of,
    terms_of_child,
    terms_of_home,
)
from server.people.models import Child, Home, Person
from server.security import encryption
from server.storage import bulk
from server.storage.db import write

log = logs.get("finding")

TAKEN = N_("Your agency already uses this file reference. Check it, or leave it empty.")
AT_ONCE = 200
_DIGITS = 32


class Filed(msgspec.Struct, frozen=True):
    """A child with what they are found by."""

    id: UUID
    agency_id: UUID
    name: str
    reference: str | None = None


def mark() -> str:
    """By which key and rules rows are indexed now."""
    return f"{encryption.current().ids[-1]}.{VERSION}"


def not_prepared() -> Q:
    """The rows that are not indexed, or by another key. Without `<>`, which no index serves."""
    return Q(indexed_by__isnull=True) | Q(indexed_by__lt=mark()) | Q(indexed_by__gt=mark())


def input_of(agency_id: UUID, term: Term) -> str:
    """What is digested. The agency is part of it: equal names of two agencies differ."""
    return f"find:{agency_id}:{term.kind}:{term.text}"


def digests(agency_id: UUID, term: Term) -> list[str]:
    """For looking up: under every key."""
    return [each[:_DIGITS] for each in encryption.current().blinds(input_of(agency_id, term))]


def reference_index(agency_id: UUID, reference: str | None) -> str | None:
    """The blind index of a reference; equal ones of an agency are refused by it."""
    if reference is None:
        return None
    return encryption.blind(input_of(agency_id, Term("reference", full_of(reference))))


async def index_child(child_id: UUID) -> None:
    """Index a child by the name and reference as they are stored. In the caller's transaction,
    which has locked the child. Raises Refused where another child has the reference."""
    try:
        async with write():
            await index_children([child_id])
    except IntegrityError:
        raise Refused(TAKEN, field="reference") from None


async def index_children(ids: Collection[UUID]) -> None:
    """The same for several. Raises IntegrityError for a reference that another child has."""
    names = dict(await Person.filter(id__in=list(ids)).values_list("id", "name"))
    rows = await Child.filter(id__in=list(ids)).values_list("id", "agency_id", "reference")
    await SearchToken.filter(about_id__in=list(ids)).delete()
    await put([Filed(id_, agency, names[id_], reference) for id_, agency, reference in rows])


async def put(children: Sequence[Filed]) -> None:
    """Index children who have no tokens yet."""
    tokens = [
        token
        for child in children
        for token in _tokens(child.agency_id, child.id, terms_of_child(child.name, child.reference))
    ]
    await bulk.insert(SearchToken, tokens)
    rows = [
        {
            "id": child.id,
            "reference_index": reference_index(child.agency_id, child.reference),
            "indexed_by": mark(),
        }
        for child in children
    ]
    await bulk.update(Child, rows)


async def index_home(home: Home) -> None:
    """Index a home by its name. In the caller's transaction, which has locked the home."""
    await SearchToken.filter(about_id=home.id).delete()
    tokens = _tokens(home.agency_id, home.id, terms_of_home(home.name))
    await bulk.insert(SearchToken, list(tokens))
    await Home.filter(id=home.id).update(indexed_by=mark())


def _tokens(agency_id: UUID, about_id: UUID, terms: Iterable[Term]) -> Iterable[dict[str, object]]:
    for term in sorted(terms):
        digest = encryption.blind(input_of(agency_id, term))[:_DIGITS]
        yield {"digest": digest, "about_id": about_id}


# --- rows from before the index, or of another key


async def prepare(at_once: int = AT_ONCE) -> int:
    """Index one batch of those that are not; returns how many. Each batch is a transaction, so a
    process that is killed loses one at most, and two processes take different rows."""
    return await _prepare_homes(at_once) or await _prepare_children(at_once)


async def _prepare_homes(at_once: int) -> int:
    async with write():
        rows = Home.filter(not_prepared()).order_by("id").limit(at_once)
        homes = await rows.select_for_update(skip_locked=True, no_key=True)
        for home in homes:
            await index_home(home)
    return len(homes)


async def _prepare_children(at_once: int) -> int:
    ids: list[UUID] = []
    try:
        async with write():
            rows = Child.filter(not_prepared()).order_by("id").limit(at_once)
            claimed = await rows.select_for_update(skip_locked=True, no_key=True)
            ids = [child.id for child in claimed]
            await index_children(ids)
    except IntegrityError:
        for id_ in ids:
            await _prepare_child(id_)
    return len(ids)


async def _prepare_child(child_id: UUID) -> None:
    async with write():
        await Child.filter(id=child_id).select_for_update(no_key=True)
        try:
            await index_child(child_id)
        except Refused:
            # Another child was given this reference while a new key was coming into use. The name
            # has to be found all the same. A person who sees the reference can mend it.
            log.error("finding.reference_twice", child=str(child_id))
            person = await Person.get(id=child_id)
            await SearchToken.filter(about_id=child_id).delete()
            await put([Filed(child_id, person.agency_id, person.name)])

"""The record is only ever longer, and says where somebody has touched it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.audit import actions as audit
from server.audit.actions import SEAL_AT_ONCE, SYSTEM, Actor, note, seal, verify
from server.audit.models import Entry, Seal
from server.storage.db import write
from tests.fixtures import Database, DrivenClock
from tests.races import no_fault, together

TOM = Actor(UUID(int=1), "caseworker", UUID(int=2))


async def enter(now: datetime, how_many: int = 3, **how: Any) -> None:
    async with write():
        for number in range(how_many):
            await note(TOM, f"test:{number}", names=["tier", "né(e)"], now=now, **how)


async def sealed(clock: DrivenClock, batches: int = 2) -> None:
    for _ in range(batches):
        await enter(clock.advance(minutes=1))
        await seal(clock())


async def test_an_entry_says_who_did_what_about_which_child_and_why(
    db: Database, clock: DrivenClock
) -> None:
    child, alert = uuid4(), uuid4()
    async with write():
        await note(
            TOM,
            "alert:close",
            child_id=child,
            about=("alert", alert),
            names=["outcome"],
            why="seen",
            now=clock(),
        )
        await note(SYSTEM, "alert:open", agency_id=UUID(int=3), now=clock())
    first, second = await Entry.all().order_by("id")
    assert (first.who_id, first.who_role, first.agency_id) == (TOM.id, "caseworker", TOM.agency_id)
    assert (first.child_id, first.about_kind, first.about_id) == (child, "alert", alert)
    assert (first.names, first.why, first.at) == (["outcome"], "seen", clock())
    assert (second.who_id, second.who_role, second.agency_id) == (None, "system", UUID(int=3))


async def test_an_entry_of_a_change_that_fails_is_none(db: Database, clock: DrivenClock) -> None:
    async def change() -> None:
        async with write():
            await note(TOM, "test", now=clock())
            raise RuntimeError("the change fails")

    with pytest.raises(RuntimeError):
        await change()
    assert not await Entry.all()


async def test_an_empty_record_holds_and_needs_no_seal(db: Database, clock: DrivenClock) -> None:
    assert await seal(clock()) == 0
    assert await verify() is None
    assert not await Seal.all()


async def test_new_entries_are_linked_in_batches(db: Database, clock: DrivenClock) -> None:
    await enter(clock(), SEAL_AT_ONCE + 2)
    assert await seal(clock()) == SEAL_AT_ONCE
    assert await seal(clock()) == 2
    assert await seal(clock()) == 0
    links = await Seal.all().order_by("id")
    assert [(link.id, link.entries) for link in links] == [(1, SEAL_AT_ONCE), (2, 2)]
    assert links[1].before == links[0].digest
    assert await verify() is None


async def test_sealers_at_once_seal_everything_once(db: Database, clock: DrivenClock) -> None:
    await enter(clock(), 20)
    for _ in range(3):
        no_fault(await together(*(seal(clock()) for _ in range(3))))
    assert not await Entry.filter(seal_id__isnull=True)
    assert sum([link.entries for link in await Seal.all()]) == 20
    assert await verify() is None


async def test_an_entry_that_was_committed_late_is_sealed_by_the_next_link(
    db: Database, clock: DrivenClock
) -> None:
    """Ids are given out before commits: a lower one may show up after a higher one was sealed."""
    await enter(clock(), 2)
    first = await Entry.all().order_by("id").first()
    assert first is not None
    await Entry.filter(id=first.id).delete()
    await seal(clock())
    first._saved_in_db = False
    await first.save()
    await seal(clock())
    assert await verify() is None


CHANGES: dict[str, Any] = {
    "at": datetime.fromisoformat("2026-03-02T12:00:00.000001+00:00"),
    "agency_id": uuid4(),
    "who_id": uuid4(),
    "who_role": "supervisor",
    "what": "other",
    "child_id": uuid4(),
    "about_kind": "other",
    "about_id": uuid4(),
    "names": ["other"],
    "why": "other",
}


def test_every_field_of_an_entry_is_sealed() -> None:
    assert set(CHANGES) == set(Entry._meta.db_fields) - {"id", "seal_id"}


@pytest.mark.parametrize("field", CHANGES)
async def test_a_change_of_any_field_is_found(db: Database, clock: DrivenClock, field: str) -> None:
    await sealed(clock)
    assert await verify() is None
    entry = await Entry.filter(seal_id=1).first()
    assert entry is not None
    await Entry.filter(id=entry.id).update(**{field: CHANGES[field]})
    assert await verify() == "an entry under seal 1 was changed, added or taken away"


async def test_a_removal_is_found(db: Database, clock: DrivenClock) -> None:
    await sealed(clock)
    entry = await Entry.filter(seal_id=2).first()
    assert entry is not None
    await Entry.filter(id=entry.id).delete()
    assert await verify() == "an entry under seal 2 was changed, added or taken away"


async def test_an_insertion_is_found(db: Database, clock: DrivenClock) -> None:
    await sealed(clock)
    await Entry.create(at=clock(), what="test", seal_id=1)
    assert await verify() == "an entry under seal 1 was changed, added or taken away"


async def test_entries_that_changed_places_are_found(db: Database, clock: DrivenClock) -> None:
    await sealed(clock)
    first = await Entry.filter(seal_id=1).first()
    second = await Entry.filter(seal_id=2).first()
    assert first is not None
    assert second is not None
    await Entry.filter(id=first.id).update(seal_id=2)
    await Entry.filter(id=second.id).update(seal_id=1)
    assert await verify() == "an entry under seal 1 was changed, added or taken away"


async def test_a_missing_link_is_found(db: Database, clock: DrivenClock) -> None:
    await sealed(clock, 3)
    await Entry.filter(seal_id=2).delete()
    await Seal.filter(id=2).delete()
    assert await verify() == "seal 2 is missing or does not follow the one before it"


async def test_a_link_that_was_made_anew_is_found_by_the_next(
    db: Database, clock: DrivenClock
) -> None:
    """Whoever can write may recompute one link, and would have to recompute all after it."""
    await sealed(clock, 3)
    entries = await Entry.filter(seal_id=2).order_by("id")
    await Entry.filter(id=entries[0].id).update(what="forged")
    entries = await Entry.filter(seal_id=2).order_by("id")
    link = await Seal.get(id=2)
    await Seal.filter(id=2).update(digest=audit.digest(link.before, entries))
    assert await verify() == "seal 3 is missing or does not follow the one before it"


async def test_the_same_record_has_the_same_digest_on_every_database(
    db: Database, clock: DrivenClock
) -> None:
    now = clock() + timedelta(microseconds=1)
    await Entry.create(id=1, at=now, who_id=UUID(int=1), what="test", names=["ä"], why="é")
    entries = await Entry.all()
    found = audit.digest(audit.FIRST, entries)
    assert found == "2cc787e58f1b99e6d3b774f35e76fb9c1d15eaa4323f563c607e518db50c54c6"

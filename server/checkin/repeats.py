"""An answer that was confirmed once, and that a restored database has lost."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.audit.actions import note
from server.audit.epochs import first_restore_since, was_lost
from server.audit.models import Entry
from server.audit.repeats import id_reused
from server.checkin.models import CheckIn
from server.checkin.row import Given, row_of, wish_of
from server.checkin.rules import CALLS
from server.errors import Conflict
from server.people.events import Happening, happened
from server.storage import bulk
from server.storage.db import durable_read, write
from server.watch.hearing.hindsight import settle_as_of
from server.watch.hearing.settling import Settlement, as_it_stands
from server.watch.models import Round
from server.watch.watch_alerts import call_adults


async def handed_in_again(answers: Sequence[CheckIn]) -> dict[UUID, datetime]:
    """When those of these answers came that were handed in again, by the id of the answer."""
    if not answers:
        return {}
    restored_at = await first_restore_since(min(answer.received_at for answer in answers))
    if restored_at is None:
        return {}
    children = {answer.child_id for answer in answers}
    entries = Entry.filter(child_id__in=list(children), at__gte=restored_at, what="check_in:again")
    return dict(await entries.values_list("about_id", "at"))


async def hand_in_again(given: Given, now: datetime) -> tuple[CheckIn, bool]:
    """Keep it as of the moment it was confirmed. Returns it, and whether it is new.

    It settles what was open at that moment and nothing that opened later: an old answer must not
    hide that the child is silent now. A call for help is heard again: what came of it is lost as
    well. The agreed sign is not listened for, since the phone has forgotten its mark.
    Raises IdReused if the id is from another person; Conflict: try again.
    """
    actor, child_id, answer = given.actor, given.child_id, given.answer
    existing = await CheckIn.filter(id=answer.id).first()
    if existing is not None:
        if existing.child_id != child_id or existing.by_id != actor.id:
            raise id_reused()
        await durable_read()
        return existing, False
    assert answer.confirmed_at is not None
    at = answer.confirmed_at if await was_lost(answer.confirmed_at) else now
    async with write():
        came_to, is_recent = await _came_to(child_id, answer.id, at, now)
        row = row_of(given, came_to, at)
        # What settles nothing now was not too early then.
        row["is_early"] = False
        if not await bulk.insert(CheckIn, [row], skip_known=True):
            raise Conflict("The same answer came twice at the same moment.")
        await _no_longer_late(child_id, at)
        about = ("check_in", answer.id)
        await note(actor, "check_in:again", child_id=child_id, about=about, now=now)
        if not is_recent:
            # For a missing child it goes into the timeline; nobody is called for it, since it is
            # old.
            what = Happening.SIGN_OF_LIFE
            await happened(actor, child_id, what, now, about=answer.id, at=at)
        if answer.want in CALLS:
            await call_adults([wish_of(given, came_to.watch, now)], now)
    return await CheckIn.get(id=answer.id), True


async def _no_longer_late(child_id: UUID, since: datetime) -> None:
    """Later answers that have nothing late left to settle, since this one had settled it before."""
    later = CheckIn.filter(child_id=child_id, is_late=True, received_at__gt=since)
    ids = await later.values_list("id", flat=True)
    if not ids:
        return
    settled = Round.filter(child_id=child_id, state="answered_late", settled_by__in=list(ids))
    still = set(await settled.values_list("settled_by", flat=True))
    await CheckIn.filter(id__in=[id_ for id_ in ids if id_ not in still]).update(is_late=False)


async def _came_to(
    child_id: UUID, by_id: UUID, at: datetime, now: datetime
) -> tuple[Settlement, bool]:
    if at is now:
        # No restore can have lost it.
        return await as_it_stands(child_id, now), False
    heard = await settle_as_of(child_id, by_id, at, now)
    return heard.settlement, heard.is_recent

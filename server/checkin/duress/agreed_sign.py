"""The sign that a child and their caseworker agree on: agreed in person, practised, taken back."""

from datetime import datetime, timedelta
from uuid import UUID

from server.alerts.models import Alert
from server.audit.actions import Actor, note
from server.checkin import concern
from server.checkin.duress.models import DuressHeard, DuressSign
from server.checkin.duress.rules import Sign
from server.errors import Conflict
from server.i18n import N_
from server.people.models import Child
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch.models import Watch

# Long enough to try it out together, short enough that they remember it is still on.
PRACTICE = timedelta(minutes=10)


async def standing(child_id: UUID) -> DuressSign | None:
    """What holds now."""
    return await DuressSign.get_or_none(child_id=child_id, ended_at__isnull=True)


async def agree(actor: Actor, child: Child, sign: Sign, now: datetime) -> DuressSign:
    """This sign means "I am not OK" from now on, and replaces the one before. The same again
    changes nothing. Raises Conflict `ended` if the child has no active watch."""
    assert actor.id is not None
    async with write():
        before = await _locked(child.id)
        if before is not None and before.what == sign.as_data():
            return before
        await _end(before, actor, now)
        id_ = uuid7()
        row = {
            "id": id_,
            "agency_id": child.agency_id,
            "child_id": child.id,
            "what": sign.as_data(),
            "agreed_by": actor.id,
            "agreed_at": now,
        }
        await bulk.insert(DuressSign, [row])
        await Watch.filter(child_id=child.id).update(listens=True)
        await _note(actor, child, "sign:agree", id_, now)
        return await DuressSign.get(id=id_)


async def end(actor: Actor, child: Child, now: datetime) -> None:
    """Nothing is agreed any more. Twice is once."""
    async with write():
        before = await _locked(child.id)
        if before is None:
            return
        await _end(before, actor, now)
        await Watch.filter(child_id=child.id).update(listens=False)
        await _note(actor, child, "sign:end", before.id, now)


async def practise(actor: Actor, child: Child, now: datetime) -> DuressSign:
    """For ten minutes from now the sign calls nobody, and shows on the page of the person who
    practises. Raises Conflict if no sign is agreed."""
    async with write():
        row = await _locked(child.id)
        if row is None:
            raise Conflict(N_("Agree on a sign first."), code="nothing_agreed")
        await DuressSign.filter(id=row.id).update(practise_until=now + PRACTICE)
        await _note(actor, child, "sign:practise", row.id, now)
        return await DuressSign.get(id=row.id)


async def call_all_the_same(actor: Actor, child: Child, now: datetime) -> Alert:
    """The sign came during practice, and was meant: adults are called. Said again while an alert is
    open, it joins that alert. An adult who wants this needs no proof."""
    async with write():
        await Watch.filter(child_id=child.id).select_for_update().first()
        last = await DuressHeard.filter(child_id=child.id).order_by("-at").first()
        said_at = last.at if last is not None else now
        alert = await concern.call(actor, child.id, child.agency_id, said_at=said_at, now=now)
        if last is not None and last.alert_id is None:
            await DuressHeard.filter(id=last.id).update(alert_id=alert.id)
        await DuressSign.filter(child_id=child.id, ended_at__isnull=True).update(
            practise_until=None
        )
        return alert


async def heard_about(child_id: UUID, most: int = 20) -> list[DuressHeard]:
    """When the sign was heard, the latest first."""
    return await DuressHeard.filter(child_id=child_id).order_by("-at", "-id").limit(most)


async def _locked(child_id: UUID) -> DuressSign | None:
    # Lock the watch first, as everything else about a child does: two agreements at the same moment
    # come one after the other.
    await Watch.filter(child_id=child_id).select_for_update().first()
    return await standing(child_id)


async def _end(row: DuressSign | None, actor: Actor, now: datetime) -> None:
    if row is not None:
        await DuressSign.filter(id=row.id).update(ended_at=now, ended_by=actor.id)


async def _note(actor: Actor, child: Child, what: str, sign_id: UUID, now: datetime) -> None:
    about = ("sign", sign_id)
    await note(actor, what, child_id=child.id, about=about, agency_id=child.agency_id, now=now)

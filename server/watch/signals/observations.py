"""What adults notice about a child: one tap each. Rows are only added, and can be taken back for a
short time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.people.models import Child
from server.people.rules import Role
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch.models import Noted
from server.watch.signals.models import Observation
from server.watch.signals.warning_signs import SIGNS
from server.watch.wire import Words
from server.watch.writing import note_about
from server.web.live import announce

# So long the person who tapped by mistake can take it back.
TAKE_BACK_WITHIN = timedelta(hours=1)
MOST = 500


class ObservationRequest(msgspec.Struct, frozen=True):
    """An adult noticed a warning sign: its code. The client makes the id."""

    id: UUID
    sign: Annotated[str, msgspec.Meta(max_length=24)]
    words: Words | None = None


async def note(
    actor: Actor, child: Child, role: Role, asked: ObservationRequest, now: datetime
) -> Observation:
    """An adult noticed this. The same id twice is one observation.

    Raises Refused for an unknown sign, IdReused for a known id with other content.
    """
    if asked.sign not in SIGNS:
        raise Refused(N_("Choose one from the list."), field="sign")
    assert actor.id is not None
    row = {
        "id": asked.id,
        "child_id": child.id,
        "sign": asked.sign,
        "by_id": actor.id,
        "by_role": role.value,
        "at": now,
        "words": asked.words,
    }
    async with write():
        whose = {"child_id": child.id, "by_id": actor.id}
        existing = await first_made(Observation, asked.id, asked, **whose)
        if existing is not None:
            return existing
        await bulk.insert(Observation, [row])
        await note_about(actor, child.id, "observation:note", [], now, about=asked.id)
        await announce(child.agency_id, "watch")
        return await Observation.get(id=asked.id)


async def take_back(actor: Actor, child: Child, id_: UUID, now: datetime) -> None:
    """It was a mistake: it stays on record as a mistake, and counts for nothing. Twice is once.

    Raises NotFound for what another person noted, Conflict `too_late` after an hour.
    """
    async with write():
        mine = Observation.filter(id=id_, child_id=child.id, by_id=actor.id)
        row = await mine.select_for_update().first()
        if row is None:
            raise NotFound(N_("You have not noted this."))
        if row.taken_back_at is not None:
            return
        if now - row.at > TAKE_BACK_WITHIN:
            raise Conflict(
                N_(
                    "You noted this more than an hour ago, so you cannot take it back. Tell the"
                    " caseworker."
                ),
                code="too_late",
            )
        await Observation.filter(id=id_).update(taken_back_at=now)
        await note_about(actor, child.id, "observation:take_back", [], now, about=id_)
        await announce(child.agency_id, "watch")


async def noticed(child_id: UUID, most: int = MOST) -> list[Observation]:
    """What was noticed and not taken back, the latest first."""
    held = Observation.filter(child_id=child_id, taken_back_at__isnull=True)
    return await held.order_by("-at", "-id").limit(most)


# What rooms above write down into the watch: codes of `Noted`.
GOAL = "goal"


async def keep(child_id: UUID, code: str, moments: Mapping[UUID, datetime], now: datetime) -> None:
    """Exactly these rows hold under a code, each with its moment; any other row ends. Twice is
    once. In the caller's transaction."""
    held = {row.about_id: row for row in await Noted.filter(child_id=child_id, code=code)}
    new = [
        {"id": uuid7(), "child_id": child_id, "code": code, "about_id": about_id, "at": at}
        for about_id, at in moments.items()
        if about_id not in held
    ]
    other = [
        {"id": held[about_id].id, "at": at, "ended_at": None}
        for about_id, at in moments.items()
        if about_id in held and (held[about_id].at, held[about_id].ended_at) != (at, None)
    ]
    over = [
        {"id": row.id, "at": row.at, "ended_at": now}
        for row in held.values()
        if row.about_id not in moments and row.ended_at is None
    ]
    await bulk.insert(Noted, new)
    await bulk.update(Noted, [*other, *over])

"""An answer comes in: keep it, settle the rounds, write it down, and tell the adults we called."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from server.alerts.silences.reading import Silence
from server.audit.actions import Actor
from server.audit.repeats import id_reused
from server.checkin.ages import when_said
from server.checkin.models import CheckIn
from server.checkin.repeats import hand_in_again
from server.checkin.row import Given, is_repeat, row_of, wish_of
from server.checkin.rules import CALLS, Answer, content
from server.errors import Conflict, IdReused, Unavailable
from server.people.rules import Role
from server.policy.levels import Way
from server.security import encryption
from server.storage import bulk
from server.storage.db import durable_read, write
from server.watch.hearing.settling import Sign, settle_all
from server.watch.models import Watch
from server.watch.watch_alerts import call_adults
from server.watch.writing import watch_of

# Two taps of one child in the same moment: one of them reads again what the other has written.
TRIES = 8


async def record(
    actor: Actor, role: Role, child_id: UUID, answer: Answer, now: datetime
) -> tuple[CheckIn, bool]:
    """Keep an answer and settle the rounds it settles: all or nothing. Returns it, and whether it
    is new.

    A known id gives back the first answer and changes nothing. Raises IdReused for a known id with
    other content or of another child, Refused for nonsense, NotFound if the child has no watch.
    """
    answer = replace(answer, way=_way(role, answer.way))
    assert actor.id is not None
    given = Given(actor, role, child_id, answer, encryption.blind(content(answer)))
    for _ in range(TRIES):
        if answer.confirmed_at is not None and role is Role.CHILD:
            try:
                return await hand_in_again(given, now)
            except IdReused:
                raise
            except Conflict:
                continue
        existing = await CheckIn.filter(id=answer.id).first()
        if existing is not None:
            if not is_repeat(existing, given):
                raise id_reused()
            await durable_read()
            return existing, False
        try:
            return await _record(given, now), True
        except Conflict:
            continue
    raise Unavailable("We can't take your answer right now. It's still on this phone.")


def _way(role: Role, way: Way) -> Way:
    """How an answer came. What an adult gives for a child never counts as the app of the child."""
    if role is Role.CHILD:
        return way
    if role is Role.CASEWORKER:
        return Way.WORKER
    return Way.VOICE if way is Way.VOICE else Way.CARER


async def _record(given: Given, now: datetime) -> CheckIn:
    async with write():
        await keep([(given, await watch_of(given.child_id))], now)
    # As stored: a repeat gets the same bytes.
    return await CheckIn.get(id=given.answer.id)


async def keep(
    given: Sequence[tuple[Given, Watch]],
    now: datetime,
    silences: Sequence[Silence] | None = None,
) -> dict[UUID, dict[str, Any]]:
    """Keep these answers and settle the rounds they settle: one answer of each child, with the row
    of their watch, locked. `silences`: their alerts, where they are locked and read already.
    Returns what we answer, as stored, by the id of the answer.

    In the caller's transaction. Raises Conflict if one of them came in the same moment: then the
    caller must leave its transaction, and nothing is kept.
    """
    heard = await when_said([each.answer for each, _ in given], now)
    signs = [
        Sign(watch, each.answer.way, each.answer.id, heard[each.answer.id]) for each, watch in given
    ]
    rows, wishes = [], []
    entries = [_entry(each, now) for each, _ in given]
    settled = await settle_all(signs, now, entries, silences)
    for (each, watch), came_to in zip(given, settled, strict=True):
        row = row_of(each, came_to, now)
        # Whether we listen for a sign in what this child says; never whether there is one.
        listens = each.answer.way is Way.SMS or watch.listens
        row["duress_check_at"] = now if listens and each.role is Role.CHILD else None
        rows.append(row)
        if each.answer.want in CALLS:
            wishes.append(wish_of(each, watch, now))
    kept = await bulk.insert(CheckIn, rows, skip_known=True)
    if len(kept) != len(rows):
        raise Conflict("The same answer came twice at the same moment.")
    await call_adults(wishes, now)
    return {row["id"]: row["answer"] for row in rows}


def _entry(given: Given, now: datetime) -> dict[str, Any]:
    actor, way = given.actor, given.answer.way
    return {
        "at": now,
        "agency_id": actor.agency_id,
        "who_id": actor.id,
        "who_role": actor.role,
        "what": "check_in",
        "child_id": given.child_id,
        "about_kind": "check_in",
        "about_id": given.answer.id,
        "names": [] if way is Way.APP else [way.value],
        "why": None,
    }

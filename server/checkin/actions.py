"""An answer comes in: keep it, settle the rounds, write it down, and tell the adults we called."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.alerts.ladder import Cause
from server.audit.actions import Actor, note
from server.checkin.models import CheckIn
from server.checkin.repeats import hand_in_again
from server.checkin.row import Given, row_of
from server.checkin.rules import CALLS, Answer, content
from server.errors import Conflict, IdReused, Unavailable
from server.people.rules import Role
from server.policy.levels import Way
from server.security import encryption
from server.storage import bulk
from server.storage.db import durable_read, write
from server.watch.actions import settle
from server.watch.watch_alerts import call_adults

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
            stored = (existing.child_id, existing.by_id, existing.content_hash)
            if stored != (child_id, actor.id, given.content_hash):
                raise IdReused("This ID already exists, with different content.")
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
    actor, child_id, answer = given.actor, given.child_id, given.answer
    async with write():
        came_to = await settle(child_id, answer.way, answer.id, now)
        # Whether we listen for a sign in what this child says; never whether there is one.
        listens = answer.way is Way.SMS or came_to.watch.listens
        row = row_of(given, came_to, now)
        row["duress_check_at"] = now if listens and given.role is Role.CHILD else None
        if not await bulk.insert(CheckIn, [row], skip_known=True):
            raise Conflict("The same answer came twice at the same moment.")
        await note(
            actor,
            "check_in",
            child_id=child_id,
            about=("check_in", answer.id),
            names=[] if answer.way is Way.APP else [answer.way.value],
            agency_id=row["agency_id"],
            now=now,
        )
        if answer.want in CALLS:
            wish = {"how": answer.how, "who": answer.who}
            cause = Cause(answer.want.value)
            await call_adults(actor, came_to.watch, cause, answer.id, now, wish=wish)
    # As stored: a repeat gets the same bytes.
    return await CheckIn.get(id=answer.id)

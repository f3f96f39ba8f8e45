"""A key worker visited a flat: a roll call of that moment, which counts as any other. Verbs."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.clock import known_zone
from server.errors import Refused
from server.i18n import N_
from server.people.access import nothing_here
from server.people.models import Home
from server.policy.roll_call import Word
from server.roll_calls.actions import Recorded, RollCallSaid, Said, record
from server.roll_calls.models import RollCall
from server.roll_calls.moved import tell_of
from server.roll_calls.reading import living_in, works_in
from server.roll_calls.rules import Step, roll_call_id, word_id
from server.storage import bulk
from server.storage.db import write
from server.watch.models import RollCallWord

# Several roll calls are weighed as several witnesses. A person who rings three times in an hour is
# one.
TOGETHER = timedelta(hours=2)
NOT_WRITTEN = N_("This child no longer lives here. Nothing was written.")
TOLD = N_("This child no longer lives here. We tell the people who have them now.")


class VisitSaid(msgspec.Struct, frozen=True):
    """What a key worker says of one child. The client makes the id; `said_at`: when they said it,
    if it had to wait for a network."""

    id: UUID
    said_at: datetime | None
    child_id: UUID
    word: Word


async def visit(actor: Actor, home_id: UUID, seen: VisitSaid, now: datetime) -> Recorded:
    """Keep it in the roll call that is open, or was asked within two hours; else in one of its own.

    The same form twice is once. Raises NotFound for a person who does not work there, Refused for a
    child who does not live there, and what `record` raises.
    """
    form = RollCallSaid(seen.id, seen.said_at, (Said(seen.child_id, seen.word),))
    async with write():
        # One after the other: two visits that come in at once are one roll call.
        home = await Home.filter(id=home_id).select_for_update(no_key=True).first()
        if home is None or actor.id is None or not await works_in(actor.id, home_id, now):
            raise nothing_here()
        call_id = await _of_word(seen)
        if call_id is not None or await living_in(home_id, [seen.child_id]):
            call_id = call_id or await _current(home, seen, now)
            return await record(actor, call_id or await _made(home, actor, seen, now), form, now)
        is_told = await _tell_of_moved(actor, home_id, seen, now)
    raise Refused(TOLD if is_told else NOT_WRITTEN)


async def _tell_of_moved(actor: Actor, home_id: UUID, seen: VisitSaid, now: datetime) -> bool:
    last = await RollCall.filter(home_id=home_id).order_by("-due_at").first()
    if last is None or seen.word is not Word.NOT_HERE:
        return False
    return bool(await tell_of(actor, last, [seen.child_id], now))


async def _of_word(seen: VisitSaid) -> UUID | None:
    word = await RollCallWord.get_or_none(id=word_id(seen.id, seen.child_id))
    return word.roll_call_id if word is not None else None


async def _current(home: Home, seen: VisitSaid, now: datetime) -> UUID | None:
    at = min(seen.said_at or now, now)
    last = await RollCall.filter(home_id=home.id, due_at__lte=at).order_by("-due_at").first()
    if last is None or not (last.is_open or at - last.due_at < TOGETHER):
        return None
    return last.id


async def _made(home: Home, actor: Actor, seen: VisitSaid, now: datetime) -> UUID:
    at = min(seen.said_at or now, now)
    id_ = roll_call_id(home.id, at)
    row = {
        "id": id_,
        "agency_id": home.agency_id,
        "home_id": home.id,
        "due_at": at,
        "zone": known_zone(home.zone).key,
        "asked_at": at,
        # Nobody has to do it: it is written because it was done.
        "state": "done",
        "done_at": now,
        "done_by": actor.id,
        "told_at": None,
        "step": Step.FOLLOWED.value,
        "next_action_at": None,
    }
    await bulk.insert(RollCall, [row], skip_known=True)
    return id_

"""The house of the cast with roll calls: Sam works there, and Mia and Noor live there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from server.notify.models import Message
from server.people.models import Child, Home
from server.policy.roll_call import Word
from server.roll_calls import actions, ticking
from server.roll_calls.actions import Recorded, RollCallSaid, Said
from server.roll_calls.models import RollCall
from server.storage.due_rows import DueRows
from tests.cast import Cast

ROOMS: tuple[DueRows[Any], ...] = (ticking.HOMES, ticking.ROLL_CALLS)
# The clock of the tests begins at noon by UTC; in Paris it is one o'clock.
FIRST = "13:30"


async def tick(now: datetime) -> None:
    """What is due of roll calls, as the ticker does it."""
    for rows in ROOMS:
        await rows.tick(now)


async def furnish(cast: Cast, *times: str, workers: tuple[str, ...] = ("sam",)) -> None:
    """Noor moves in, these people work there, and the house is asked at these times."""
    await Child.filter(id=cast.noor.id).update(home_id=cast.home.id)
    for name in workers:
        await actions.add_worker(
            cast.actor("root"), cast.home.id, cast.persons[name].id, cast.clock()
        )
    await actions.set_times(cast.actor("root"), cast.home.id, times or (FIRST,), cast.clock())
    await tick(cast.clock())


async def asked(cast: Cast, *times: str, workers: tuple[str, ...] = ("sam",)) -> RollCall:
    """The same, half an hour later: the first roll call has been asked."""
    await furnish(cast, *times, workers=workers)
    await tick(cast.clock.advance(minutes=30))
    return await latest(cast)


async def latest(cast: Cast) -> RollCall:
    found = await RollCall.filter(home_id=cast.home.id).order_by("-due_at").first()
    assert found is not None
    return found


async def say(
    cast: Cast,
    call: RollCall,
    words: dict[str, str],
    *,
    by: str = "sam",
    said_at: datetime | None = None,
    id_: UUID | None = None,
    until_at: datetime | None = None,
) -> Recorded:
    """`words`: by the name of the child."""
    said = tuple(Said(cast.persons[name].id, Word(word), until_at) for name, word in words.items())
    form = RollCallSaid(id_ or uuid4(), said_at, said)
    return await actions.record(cast.actor(by), call.id, form, cast.clock())


async def sent(call: RollCall, cast: Cast) -> list[tuple[str, str]]:
    """Each message about a roll call that was not withdrawn: its kind, and who gets it."""
    names = {person.id: name for name, person in cast.persons.items()}
    rows = Message.filter(subject_id=call.id).exclude(state="withdrawn")
    return sorted(
        (row.kind, names[row.person_id] if row.person_id else "last resort") for row in await rows
    )


async def home(cast: Cast) -> Home:
    return await Home.get(id=cast.home.id)

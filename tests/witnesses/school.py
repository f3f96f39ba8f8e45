"""A school with Mia and Noor on its list: due at half past one, as the clock of the tests begins at
one in Paris, on a Monday."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from server.audit.actions import Actor
from server.people.models import Child
from server.policy.roll_call import Word
from server.storage.due_rows import DueRows
from server.witnesses import actions, lists, reading, rules, ticking
from server.witnesses.models import Witness, WitnessList
from tests.cast import Cast

ROOMS: tuple[DueRows[Any], ...] = (ticking.WITNESSES, ticking.LISTS)
AT = "13:30"
WEEKDAYS = (0, 1, 2, 3, 4)


async def tick(now: datetime) -> None:
    """What is due of witnesses, as the ticker does it."""
    for rows in ROOMS:
        await rows.tick(now)


async def arrange(
    cast: Cast,
    *names: str,
    kind: rules.Kind = rules.Kind.SCHOOL,
    at: str = AT,
    days: tuple[int, ...] = WEEKDAYS,
    by: str = "tom",
) -> actions.Made:
    """A witness who is asked about these children."""
    first, *others = names
    made = await actions.arrange(
        cast.actor(by),
        await Child.get(id=cast.persons[first].id),
        actions.Arranged(
            id=uuid4(),
            zone="Europe/Paris",
            kind=kind,
            name="Lycée Monge",
            channel="email",
            address="office@monge.example",
            language="en",
            days=days,
            at=at,
        ),
        first.capitalize(),
        cast.clock(),
    )
    for name in others:
        child = await Child.get(id=cast.persons[name].id)
        await actions.add_child(
            cast.actor(by), child, made.witness.id, name.capitalize(), cast.clock()
        )
    return made


async def asked(cast: Cast, *names: str, **how: Any) -> tuple[WitnessList, actions.Made]:
    """The same, half an hour later: the first list has gone out."""
    made = await arrange(cast, *(names or ("mia", "noor")), **how)
    await tick(cast.clock.advance(minutes=30))
    return await latest(made.witness), made


async def latest(witness: Witness) -> WitnessList:
    sheet = await WitnessList.filter(witness_id=witness.id).order_by("-due_at").first()
    assert sheet is not None
    return await WitnessList.get(id=sheet.id).prefetch_related("witness")


async def say(
    cast: Cast, sheet: WitnessList, words: dict[str, str], *, id_: UUID | None = None
) -> WitnessList:
    """`words`: by the name of the child."""
    seats = {
        seat.child_id: seat.id for seat in await reading.seats_of(sheet.witness_id, cast.clock())
    }
    said = {seats[cast.persons[name].id]: Word(word) for name, word in words.items()}
    actor = Actor(None, "witness", sheet.agency_id)
    form = lists.Form(id_ or uuid4(), said)
    return (await lists.record(actor, sheet.id, form, cast.clock())).sheet

"""A hand-over for walks over all routes: of a child whom nothing else is about."""

from __future__ import annotations

from datetime import time
from uuid import UUID, uuid4

from server.alert.policy import Tier
from server.audit.actions import SYSTEM
from server.people import actions as people
from server.records.transfer import actions
from server.records.transfer.actions import Acceptance, Offer
from server.watch import actions as watch
from server.watch.rhythm import Rhythm
from tests.cast import Cast


async def a_transfer(cast: Cast, *, is_accepted: bool = False) -> UUID:
    """Uwe of the other agency asks Tom to take over; or Tom has done so."""
    now = cast.clock()
    child = await people.add_child(
        SYSTEM,
        cast.other_agency.id,
        name="Ana",
        language="ar",
        zone="Europe/Rome",
        caseworker_id=cast.persons["uwe"].id,
        now=now,
    )
    await watch.begin(
        SYSTEM, child, tier=Tier.MID, rhythm=Rhythm((time(18),)), zone="Europe/Rome", now=now
    )
    code = await a_code(cast, "tom")
    made = await actions.offer(
        cast.actor("uwe"), child, code, Offer("Her aunt lives there."), id=uuid4(), now=now
    )
    if is_accepted:
        await actions.accept(cast.actor("tom"), made.id, Acceptance(cast.tom.id), now)
    return made.id


async def a_code(cast: Cast, name: str) -> str:
    """By which that person's agency is asked."""
    return (await actions.receive(cast.actor(name), uuid4(), cast.clock())).code

"""A hand-over for walks over all routes: of a child whom nothing else is about."""

from __future__ import annotations

from datetime import time
from uuid import UUID, uuid4

from server.audit.actions import SYSTEM
from server.people import actions as people
from server.policy.model import Tier
from server.records.transfer import acceptance, actions, reception
from server.records.transfer.acceptance import Acceptance
from server.records.transfer.actions import Offer
from server.records.transfer.rules import Because, Withheld
from server.watch import actions as watch
from server.watch.rhythm.rules import Rhythm
from tests.cast import Cast


async def a_transfer(cast: Cast, *, is_accepted: bool = False) -> UUID:
    """Uwe of the other agency asks Tom to take over; or Tom has done so."""
    now = cast.clock()
    child = await people.add_child(
        SYSTEM,
        cast.other_agency.id,
        people.AddChild(
            name="Ana", language="ar", zone="Europe/Rome", caseworker_id=cast.persons["uwe"].id
        ),
        now,
    )
    await watch.begin(
        SYSTEM, child, watch.Beginning(Tier.MID, Rhythm((time(18),)), "Europe/Rome"), now
    )
    code = await a_code(cast, "tom")
    made = await actions.offer(
        cast.actor("uwe"), child, code, Offer("Her aunt lives there."), id=uuid4(), now=now
    )
    if is_accepted:
        await acceptance.accept(cast.actor("tom"), made.id, Acceptance(cast.tom.id), now)
    return made.id


async def a_code(cast: Cast, name: str) -> str:
    """By which that person's agency is asked."""
    return (await reception.receive(cast.actor(name), uuid4(), cast.clock())).code


Pages = dict[str, tuple[str, str]]


async def pages(cast: Cast) -> Pages:
    """What there is to see of hand-overs, for walks in a browser: asked, offered, taken over."""
    now = cast.clock()
    asked, taken = await a_transfer(cast), await a_transfer(cast, is_accepted=True)
    given = await actions.offer(
        cast.actor("ines"),
        cast.children["noor"],
        await a_code(cast, "uwe"),
        Offer(_LONG, _ARABIC, [Withheld(_LONG, _ARABIC, Because.FEAR)]),
        id=uuid4(),
        now=now,
    )
    await a_code(cast, "tom")
    return {
        "between agencies": ("tom", "/desk/transfers"),
        "between agencies, asked nothing": ("eve", "/desk/transfers"),
        "to another agency": ("tom", f"/desk/children/{cast.mia.id}/transfer"),
        "asked to take over": ("tom", f"/desk/transfers/{asked}"),
        "offered": ("ines", f"/desk/transfers/{given.id}"),
        "taken over": ("tom", f"/desk/transfers/{taken}"),
        "what went along": ("tom", f"/desk/transfers/{taken}/package"),
    }


_LONG = "a_word_that_does_not_break_" * 6
_ARABIC = "حتى الصباح عند أصدقاء لا يعرف أحد أسماءهم"

"""Agencies that want a second person, and requests."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from server.approvals.actions import set_wanted
from server.approvals.models import Approval
from server.approvals.rules import What
from server.audit.actions import SYSTEM
from server.errors import SecondPersonNeeded
from server.watch.rhythm.agreements import PauseRequest, pause
from tests.cast import Cast


async def wants(cast: Cast, *what: What) -> None:
    """The agency wants a second person for these; for everything, where none is named."""
    await set_wanted(SYSTEM, cast.agency.id, what or [*What], cast.clock())


def a_pass(cast: Cast, days: int = 20, *, after: int = 1) -> PauseRequest:
    begin = cast.clock() + timedelta(days=after)
    return PauseRequest(uuid4(), begin, begin + timedelta(days=days), words="At her aunt's.")


async def ask_for_a_pass(cast: Cast, by: str = "tom", days: int = 20) -> Approval:
    """A long pass for Mia, which waits."""
    try:
        await pause(cast.actor(by), cast.mia.id, a_pass(cast, days), cast.clock())
    except SecondPersonNeeded as needed:
        return await Approval.get(id=needed.extra["approval"])
    raise AssertionError("nobody was asked")


async def a_request(cast: Cast, by: str = "ines") -> UUID:
    """The id of a request that Tom may answer."""
    await wants(cast)
    return (await ask_for_a_pass(cast, by)).id

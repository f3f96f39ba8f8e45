"""A supervisor adopts the numbers that a week calls for, or declines them."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.policy.adapting import Factors, from_data
from server.policy.model import Tier
from server.policy.models import BudgetWeek, Policy, WeekState
from server.policy.versions import content_of
from server.storage.db import write
from server.watch import policy_change
from server.watch.policy_change import LONGEST_WHY, Adoption, lock_numbers

_OVER: Mapping[WeekState, str] = {
    WeekState.ADOPTED: N_("A colleague has already adopted these numbers. They apply now."),
    WeekState.DECLINED: N_("A colleague has already declined these numbers. Nothing changes."),
}
_OVERTAKEN = N_(
    "Another version or a new week came first, so these numbers no longer fit. Look at what is"
    " proposed now."
)


class Decision(msgspec.Struct, frozen=True):
    """What a supervisor says to the proposal of a week. `id`: of the form, and of the version."""

    week: UUID
    id: UUID
    words: str


async def adopt(actor: Actor, agency_id: UUID, asked: Decision, now: datetime) -> Policy:
    """The proposed numbers become the next version. The same form sent twice is one version.

    Raises NotFound, Refused without a reason, Conflict where the proposal is over.
    """
    async with write():
        await lock_numbers(agency_id)
        earlier = await Policy.get_or_none(id=asked.id, agency_id=agency_id)
        if earlier is not None:
            return earlier
        week = await _proposal(agency_id, asked)
        content, _ = await content_of(agency_id, week.version)
        content = with_numbers(content, from_data(week.after))
        adoption = Adoption(asked.id, content, week.version, asked.words)
        made = await policy_change.adopt(actor, agency_id, adoption, now)
        await _decided(actor, week, WeekState.ADOPTED, now)
    return made


async def decline(actor: Actor, agency_id: UUID, asked: Decision, now: datetime) -> None:
    """The numbers stay. Twice by the same person is once.

    Raises NotFound, Refused without a reason, Conflict where the proposal is over.
    """
    if not asked.words:
        raise Refused(N_("Give a reason, for the people who come after you."), field="why_not")
    if len(asked.words) > LONGEST_WHY:
        raise Refused(N_("Write up to {most} characters."), field="why_not", most=LONGEST_WHY)
    async with write():
        await lock_numbers(agency_id)
        before = await BudgetWeek.get_or_none(id=asked.week, agency_id=agency_id)
        is_mine = before is not None and before.decided_by == actor.id
        if before is not None and is_mine and before.state == WeekState.DECLINED:
            return
        week = await _proposal(agency_id, asked)
        await _decided(actor, week, WeekState.DECLINED, now, words=asked.words)
        about = ("budget_week", week.id)
        await note(actor, "policy:decline", about=about, agency_id=agency_id, now=now)


async def _proposal(agency_id: UUID, asked: Decision) -> BudgetWeek:
    week = await BudgetWeek.get_or_none(id=asked.week, agency_id=agency_id)
    if week is None:
        raise NotFound("There is no such week.")
    if week.state != WeekState.PROPOSED:
        raise Conflict(_OVER.get(WeekState(week.state), _OVERTAKEN))
    return week


async def _decided(
    actor: Actor, week: BudgetWeek, state: WeekState, now: datetime, **more: str
) -> None:
    decided = {"state": state.value, "decided_by": actor.id, "decided_at": now}
    await BudgetWeek.filter(id=week.id).update(**decided, **more)


def with_numbers(content: Mapping[str, Any], factors: Factors) -> dict[str, Any]:
    """The data of a policy with the line of each level times its factor, as people write numbers.
    Adults are never called before the carer is asked."""
    new = deepcopy(dict(content))
    for tier in Tier:
        habit = new[tier]["habit"]
        if habit is not None and factors[tier] != 1:
            page = float(f"{habit['page'] * factors[tier]:.3g}")
            new[tier]["habit"] = {**habit, "page": page, "ask": min(habit["ask"], page)}
    return new

"""Adopting a policy: the next version, and every watch looks again by it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.people.models import Agency, Home
from server.policy import parser as policies
from server.policy.adapting import carried
from server.policy.models import BudgetWeek, Policy, WeekState
from server.policy.versions import NewVersion, add_version, as_written, factors_of
from server.storage.db import write
from server.watch.calendar.milestone_actions import reckon_anew
from server.watch.models import Watch
from server.web.live import announce

LONGEST_WHY = 2_000
_AT_ONCE = 500


class Adoption(msgspec.Struct, frozen=True):
    """A policy that replaces version `base`, and the reason for it."""

    id: UUID
    content: Mapping[str, Any]
    base: int
    words: str


async def adopt(actor: Actor, agency_id: UUID, asked: Adoption, now: datetime) -> Policy:
    """From now on this policy says what follows silence.

    What is under way keeps what it began with: an alert its ladder, a question its time. The same
    form sent twice is one version. Raises Refused for a policy that makes no sense or has no
    reason, Conflict if another change came first, IdReused for a known id with other content.
    """
    policy = policies.read(asked.content)
    if not asked.words:
        raise Refused(N_("Give a reason, for the people who come after you."), field="why")
    if len(asked.words) > LONGEST_WHY:
        raise Refused(N_("Write up to {most} characters."), field="why", most=LONGEST_WHY)
    async with write():
        await lock_numbers(agency_id)
        before, row = await as_written(agency_id)
        new = NewVersion(
            id=asked.id,
            content=asked.content,
            base=asked.base,
            words=asked.words,
            factors=carried(before, policy, await factors_of(before, row)),
        )
        made, is_new = await add_version(agency_id, new, actor.id, now)
        if is_new:
            await overtake(agency_id)
            await look_again(agency_id, now)
            await reckon_anew(agency_id, policy, now)
            homes = Home.filter(Home.to_plan_anew(now), agency_id=agency_id)
            await homes.update(next_roll_call_at=now)
            about = ("policy", made.id)
            await note(actor, "policy:adopt", about=about, agency_id=agency_id, now=now)
            await announce(agency_id, "watch")
    return made


async def lock_numbers(agency_id: UUID) -> None:
    """Until the end of this write nobody else changes by which numbers the agency goes."""
    await Agency.filter(id=agency_id).select_for_update(no_key=True).first()


async def overtake(agency_id: UUID) -> None:
    """A proposal that waits does not fit any more."""
    waiting = BudgetWeek.filter(agency_id=agency_id, state=WeekState.PROPOSED.value)
    await waiting.update(state=WeekState.OVERTAKEN.value)


async def look_again(agency_id: UUID, now: datetime, at_once: int = _AT_ONCE) -> None:
    """The numbers have changed. What a watch decides next was worked out by those before. The next
    tick works it out again, so that a tighter policy is not late for the current round."""
    watches = Watch.filter(agency_id=agency_id, next_action_at__gt=now).order_by("child_id")
    part = watches
    while True:
        # In the order in which a roll call locks them: else the two deadlock.
        locked = await part.limit(at_once).select_for_update(no_key=True)
        ids = [watch.child_id for watch in locked]
        if not ids:
            return
        await Watch.filter(child_id__in=ids).update(next_action_at=now)
        part = watches.filter(child_id__gt=ids[-1])

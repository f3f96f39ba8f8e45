"""The calendar of a child: days are marked, taken back, and begin to count by themselves."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.recipients import policy_of
from server.audit.actions import SYSTEM, Actor
from server.audit.repeats import first_made
from server.clock import known_zone
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.events import Happening
from server.people.models import Child
from server.policy.model import Policy, Tier
from server.storage import bulk
from server.storage.db import write
from server.storage.due_rows import DueRows
from server.storage.ids import uuid7
from server.watch.calendar.milestones import BY_HAND, What, around, coming_of_age, raised
from server.watch.calendar.models import Milestone
from server.watch.models import Watch
from server.watch.rhythm.agreements import TierRequest, allows, set_tier
from server.watch.rhythm.rules import Span
from server.watch.watch_state import WatchState, passed
from server.watch.writing import lock, note_about, state_of, watch_of

# Nobody knows what a child needs in more than two years.
FARTHEST = timedelta(days=731)
_FOLLOWS = {Happening.TRANSFER: What.TRANSFER, Happening.RETURN: What.RETURN}


class MilestoneRequest(msgspec.Struct, frozen=True):
    """A day: a hearing, a refusal or a transfer. The client makes the id. `child_knows`: only then
    the child's phone shows it."""

    id: UUID
    what: What
    day: date
    child_knows: bool = False


async def mark(actor: Actor, child_id: UUID, asked: MilestoneRequest, now: datetime) -> Milestone:
    """Write a day into the calendar. The same id again: the first one counts.

    Raises Refused for a kind of day that a person may not mark, a day in the past, and a day more
    than two years away; IdReused.
    """
    what, day = asked.what, asked.day
    if what not in BY_HAND:
        raise Refused(N_("Choose one from the list."), field="what")
    async with write():
        watch = await lock(child_id)
        existing = await first_made(Milestone, asked.id, asked, child_id=child_id)
        if existing is not None:
            return existing
        case, _ = passed(await state_of(watch, now), now)
        span = around(case.policy.milestones, what, day, case.terms.zone)
        if span.end <= now or span.begin - now > FARTHEST:
            raise Refused(N_("Enter a day between today and two years from now."), field="day")
        made = await _add(child_id, asked, span, now, by=actor.id)
        await note_about(actor, child_id, "milestone:add", ["what", "day"], now, about=made.id)
        await _count(made, now)
    return made


async def say_known(
    actor: Actor, child_id: UUID, milestone_id: UUID, child_knows: bool, now: datetime
) -> Milestone:
    """The child knows of this day, or does not: their phone shows it only if they know. Twice is
    once. Raises NotFound."""
    async with write():
        await lock(child_id)
        row = await Milestone.get_or_none(id=milestone_id, child_id=child_id)
        if row is None:
            raise NotFound(N_("This day does not exist."))
        if (row.known_at is not None) != child_knows:
            row.known_at = now if child_knows else None
            await row.save(update_fields=["known_at"])
            what = "milestone:known" if child_knows else "milestone:not_known"
            await note_about(actor, child_id, what, ["known_at"], now, about=row.id)
    return row


async def take_back(actor: Actor, child_id: UUID, milestone_id: UUID, now: datetime) -> None:
    """The day was wrong. A watch that this day made tighter stays so until its end, or until a
    person sets another tier. Twice is once. Raises NotFound."""
    async with write():
        await lock(child_id)
        mine = Milestone.filter(id=milestone_id, child_id=child_id)
        if not await mine.exists():
            raise NotFound(N_("This day does not exist."))
        if await mine.filter(ended_at__isnull=True).update(ended_at=now, next_action_at=None):
            names = ["ended_at"]
            await note_about(actor, child_id, "milestone:take_back", names, now, about=milestone_id)


async def hear(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None,
    at: datetime,
) -> None:
    """A child moved or came back, or we learned their birthday: put that day in the calendar.

    This only writes the row; the next tick applies it. The caller may already hold a lock: moving a
    child locks the child, and ending a placement takes its watch before that.
    """
    del actor, about  # It follows from what happened; who did it does not matter.
    watch = await Watch.get_or_none(child_id=child_id)
    if watch is None or watch.is_over:
        return
    zone = known_zone(watch.zone)
    policy, _ = await policy_of(watch.agency_id)
    if what is Happening.BIRTHDAY:
        await _birthday(child_id, policy, zone, now)
    elif what in _FOLLOWS:
        day = at.astimezone(zone).date()
        span = around(policy.milestones, _FOLLOWS[what], day, zone)
        await _add(child_id, MilestoneRequest(uuid7(), _FOLLOWS[what], day), span, now)


async def _birthday(child_id: UUID, policy: Policy, zone: ZoneInfo, now: datetime) -> None:
    """The eighteenth birthday, by the date we know now. A date known earlier stops counting."""
    before = Milestone.filter(child_id=child_id, what=What.TURNING_18, ended_at__isnull=True)
    await before.update(ended_at=now, next_action_at=None)
    birthday = (await Child.get(id=child_id)).birthday
    if birthday is None:
        return
    day = coming_of_age(birthday)
    span = around(policy.milestones, What.TURNING_18, day, zone)
    if span.end > now:
        await _add(child_id, MilestoneRequest(uuid7(), What.TURNING_18, day), span, now)


async def _add(
    child_id: UUID, asked: MilestoneRequest, span: Span, now: datetime, *, by: UUID | None = None
) -> Milestone:
    return await Milestone.create(
        id=asked.id,
        child_id=child_id,
        what=asked.what.value,
        on_day=asked.day,
        next_action_at=span.begin,
        until_at=span.end,
        made_by=by,
        made_at=now,
        known_at=now if asked.child_knows else None,
    )


def tightens(row: Milestone, case: WatchState, now: datetime) -> bool:
    """Whether this day makes the watch tighter now, or would do so under today's agreements."""
    if row.next_action_at is None:
        return case.watch.tier_until_at == row.until_at
    return _raised(row, case, now) is not None


def _raised(row: Milestone, case: WatchState, now: datetime) -> tuple[Tier, Tier] | None:
    then = Tier(case.watch.tier_then) if case.watch.tier_then else None
    return raised(
        (case.terms.tier, case.watch.tier_until_at, then),
        case.policy.milestones[row.what].tier,
        row.until_at,
        lambda tier: allows(case, tier, now),
    )


# --- time


async def _go_on(rows: Sequence[Milestone], now: datetime) -> None:
    """Days whose time has come count from now on. A tick that is later than the time around a day
    skips that day."""
    for row in rows:
        await lock(row.child_id)
        await row.refresh_from_db()
        await _count(row, now)


MILESTONES = DueRows("milestone", Milestone, _go_on, at_once=100, locks=False)


async def _count(row: Milestone, now: datetime) -> None:
    """Once the day's time has come, make the watch as tight as the rhythm allows."""
    if row.next_action_at is None or row.next_action_at > now:
        return
    await Milestone.filter(id=row.id).update(next_action_at=None)
    watch = await watch_of(row.child_id)
    if watch.is_over or row.until_at <= now:
        return
    case, _ = passed(await state_of(watch, now), now)
    tiers = _raised(row, case, now)
    if tiers is None:
        return
    tier, after = tiers
    asked = TierRequest(tier, row.until_at, after, row.what)
    await set_tier(SYSTEM, row.child_id, asked, now)


async def reckon_anew(agency_id: UUID, policy: Policy, now: datetime) -> None:
    """After a change of policy: the days that have not begun follow its windows. In the caller's
    transaction."""
    zones = dict(await Watch.filter(agency_id=agency_id).values_list("child_id", "zone"))
    waiting = Milestone.filter(child_id__in=list(zones), next_action_at__gt=now)
    rows = []
    for row in await waiting:
        zone = known_zone(zones[row.child_id])
        span = around(policy.milestones, What(row.what), row.on_day, zone)
        rows.append({"id": row.id, "next_action_at": span.begin, "until_at": span.end})
    await bulk.update(Milestone, rows)

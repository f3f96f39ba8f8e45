"""Another rhythm for a time (Ramadan, holidays, a journey): agreed with its end, taken back."""

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import NotFound, Refused
from server.i18n import N_
from server.storage.db import write
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.agreements import check_rhythm_of, reschedule
from server.watch.rhythm.models import Season
from server.watch.rhythm.rules import Rhythm, Span
from server.watch.watch_state import WatchState, load, passed
from server.watch.wire import RhythmIn, Words, Zone
from server.watch.writing import lock, note_about, state_of

LONGEST_DAYS = 92
ONE_DAY_MISSING = N_("Enter the first and the last day.")
# Nobody knows what a child needs in more than a year.
FARTHEST = timedelta(days=366)


class SeasonRequest(msgspec.Struct, frozen=True):
    """Another rhythm from a first to a last day, by the clock in `zone` (without one: that of the
    watch). The id is made by the client."""

    id: UUID
    first: date
    last: date
    rhythm: RhythmIn
    zone: Zone | None = None
    words: Words | None = None


async def shift(actor: Actor, child_id: UUID, asked: SeasonRequest, now: datetime) -> Season:
    """Another rhythm for some days; then the previous one returns by itself. The same id again: the
    first one counts.

    An open round stays as it was agreed. Raises Refused if the season has no end in reach, is in
    the past, or overlaps another one; code `too_slow` if a silence could last longer than the tier
    allows, at its edges too. IdReused; Conflict `ended`.
    """
    rhythm = rhythms.read(asked.rhythm)
    async with write():
        watch = await lock(child_id)
        existing = await first_made(Season, asked.id, asked, child_id=child_id)
        if existing is not None:
            return existing
        case, changes = passed(await state_of(watch, now), now)
        wanted = wished(case, rhythm, asked.zone, asked.first, asked.last, now)
        terms = replace(case.terms, seasons=(*case.terms.seasons, wanted))
        check_rhythm_of(case, terms, now)
        made = await _add(actor, child_id, asked, wanted, now)
        await reschedule(replace(case, terms=terms), changes, "replaced", now, before=case.terms)
        names = ["from_at", "until_at", "rhythm", "zone"]
        await note_about(actor, child_id, "season:add", names, now, about=made.id)
    return made


async def _add(
    actor: Actor, child_id: UUID, asked: SeasonRequest, wanted: rhythms.Season, now: datetime
) -> Season:
    assert actor.id is not None
    return await Season.create(
        id=asked.id,
        child_id=child_id,
        from_at=wanted.span.begin,
        until_at=wanted.span.end,
        rhythm=rhythms.as_data(wanted.rhythm),
        zone=wanted.zone.key,
        words=asked.words,
        made_by=actor.id,
        made_at=now,
    )


def wished(
    case: WatchState, rhythm: Rhythm, zone: str | None, first: date, last: date, now: datetime
) -> rhythms.Season:
    """The other times that a person asks for, from now on at the earliest. Raises Refused for days
    that make no sense, or (code `taken`) days that already have other agreed times."""
    if rhythm.every is not None or case.terms.rhythm.every is not None:
        raise Refused(
            N_("Check-in times in seconds are only for trying out. They cannot have other times.")
        )
    place = rhythms.read_zone(zone or case.watch.zone)
    _check_days(first, last, now.astimezone(place).date())
    wanted = rhythms.season(first, last, rhythm, place)
    span = Span(max(wanted.span.begin, now), wanted.span.end)
    if any(
        other.span.begin < span.end and span.begin < other.span.end for other in case.terms.seasons
    ):
        raise Refused(
            N_("Other times are already agreed for some of these days. Take those back first."),
            field="first",
            code="taken",
        )
    return replace(wanted, span=span)


def _check_days(first: date, last: date, today: date) -> None:
    if last < first or last < today:
        raise Refused(
            N_("The last day cannot be before the first day or before today."), field="last"
        )
    if (last - first).days >= LONGEST_DAYS:
        raise Refused(N_("Other times can last up to 92 days."), field="last")
    if first - today > FARTHEST:
        raise Refused(N_("The first day must be within a year from now."), field="first")


async def end_shift(actor: Actor, child_id: UUID, season_id: UUID, now: datetime) -> None:
    """The previous rhythm applies again from now on. Twice is once. Raises NotFound."""
    async with write():
        watch = await lock(child_id)
        if not await Season.filter(id=season_id, child_id=child_id).exists():
            raise NotFound(N_("These times do not exist."))
        case, changes = passed(await state_of(watch, now), now)
        ended = await Season.filter(id=season_id, ended_at__isnull=True, until_at__gt=now).update(
            ended_at=now
        )
        if not ended:
            return
        moved = replace(case, terms=(await load([case.watch], now))[0].terms)
        await reschedule(moved, changes, "replaced", now, before=case.terms)
        await note_about(actor, child_id, "season:end", ["ended_at"], now, about=season_id)

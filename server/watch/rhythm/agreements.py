"""Agreements about a watch, and changes to them: the rhythm, the tier, absences."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.audit.actions import Actor
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.notify.actions import withdraw
from server.people.models import Child
from server.policy.model import Tier
from server.security import encryption
from server.storage.db import as_id, fetch, write
from server.storage.ids import uuid7
from server.watch.machine import advancing, changing
from server.watch.machine.rounds import lasts_too_long
from server.watch.machine.standing import Change, Terms
from server.watch.models import SETTLED, Pause, Round, Watch
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.rules import Rhythm, Span
from server.watch.watch_state import WatchState, load, passed
from server.watch.writing import lock, locked, note_about, state_of, watch_of, write_down

LONGEST_PAUSE = timedelta(days=92)


async def set_rhythm(
    actor: Actor, child_id: UUID, data: Mapping[str, Any], zone: str, now: datetime
) -> Watch:
    """Another rhythm, from the next round on. Raises Refused if it is slower than the tier
    allows, or what follows it, or wrong."""
    rhythm, place = rhythms.read(data), rhythms.read_zone(zone)
    async with write():
        case, changes = passed(await locked(child_id, now), now)
        terms = replace(case.terms, rhythm=rhythm, zone=place)
        check_rhythm_of(case, terms, now)
        case.watch.rhythm, case.watch.zone = rhythms.as_data(rhythm), zone
        moved = replace(case, terms=terms)
        await reschedule(moved, changes, "replaced", now, before=case.terms)
        await note_about(actor, child_id, "rhythm:set", ["rhythm", "zone"], now)
    return await Watch.get(child_id=child_id)


async def reschedule(
    case: WatchState,
    changes: tuple[Change, ...],
    why: str,
    now: datetime,
    *,
    before: Terms,
) -> None:
    """The terms of a watch have changed: write the new state of its rounds. `before`: the old
    terms."""
    was = case.standing
    settled = (
        await Round.filter(child_id=case.watch.child_id, due_at__gt=now, state__in=SETTLED)
        .order_by("-due_at")
        .first()
    )
    until = settled.due_at if settled is not None else None
    child = await Child.get(id=case.watch.child_id)
    after = changing.reschedule(
        was, case.terms, now, before=before, begun_at=child.placed_at, settled_until=until
    )
    await write_down(replace(case, standing=after), changes, now, quietly=False)
    if after.due_at != was.due_at:
        gone = await fetch(
            "UPDATE round SET state = $3, settled_at = $4"
            " WHERE child_id = $1 AND due_at = $2 AND state = 'open' RETURNING id",
            [case.watch.child_id, was.due_at, why, now],
        )
        await withdraw([as_id(row["id"]) for row in gone], why, now)


async def set_tier(
    actor: Actor,
    child_id: UUID,
    tier: Tier,
    *,
    until_at: datetime | None = None,
    then: Tier | None = None,
    why: str | None = None,
    rhythm: Mapping[str, Any] | None = None,
    now: datetime,
) -> Watch:
    """A person sets how tight the watch is; if that ends by itself, they name what follows.

    An alarm under way may come earlier by a tighter tier, never later by any. `rhythm`: another one
    in the same step. Raises Refused, code `too_slow`, if the rhythm is slower than one of the tiers
    allows.
    """
    if (until_at is None) != (then is None) or (until_at is not None and until_at <= now):
        raise Refused(
            "To set an end, enter a future time and the watch level that follows.", field="until_at"
        )
    async with write():
        if rhythm is not None:
            return await _set_both(actor, child_id, tier, until_at, then, why, rhythm, now)
        case, changes = passed(await locked(child_id, now), now)
        for wanted in (tier, then or tier):
            if _is_too_slow(case.terms.rhythm, in_tier(case, wanted)):
                raise Refused(
                    N_(
                        "The check-in times are too far apart for this watch level. Change"
                        " both together, or the times first."
                    ),
                    field="tier",
                    code="too_slow",
                )
            check_seasons(in_tier(case, wanted), now)
        terms = in_tier(case, tier)
        standing = case.standing
        if tier.is_tighter_than(case.terms.tier):
            standing = changing.retune(standing, terms, now, before=case.terms)
        case.watch.tier, case.watch.tier_until_at = tier.value, until_at
        case.watch.tier_then = then.value if then else None
        standing, more = advancing.advance(standing, terms, now, since=now)
        moved = replace(case, terms=terms, standing=standing)
        await write_down(moved, (*changes, *more), now, quietly=False)
        sealed = encryption.seal(why) if why else None
        await note_about(actor, child_id, "tier:set", ["tier", "tier_until_at"], now, why=sealed)
    return await Watch.get(child_id=child_id)


async def _set_both(
    actor: Actor,
    child_id: UUID,
    tier: Tier,
    until_at: datetime | None,
    then: Tier | None,
    why: str | None,
    rhythm: Mapping[str, Any],
    now: datetime,
) -> Watch:
    """The looser of the two changes comes second, so that each is checked against the other as it
    will be."""
    watch = await watch_of(child_id)
    tightest = then if then is not None and then.is_tighter_than(tier) else tier
    is_tighter = not Tier(watch.tier).is_tighter_than(tightest)
    if is_tighter:
        await set_rhythm(actor, child_id, rhythm, watch.zone, now)
    await set_tier(actor, child_id, tier, until_at=until_at, then=then, why=why, now=now)
    if not is_tighter:
        await set_rhythm(actor, child_id, rhythm, watch.zone, now)
    return await Watch.get(child_id=child_id)


def allows(case: WatchState, tier: Tier, now: datetime) -> bool:
    """Whether a tier allows what is agreed."""
    wanted = in_tier(case, tier)
    try:
        check_rhythm(wanted.rhythm, wanted)
        check_seasons(wanted, now)
    except Refused:
        return False
    return True


def in_tier(case: WatchState, tier: Tier) -> Terms:
    """The terms of a case as they would be in a tier."""
    return replace(case.terms, tier=tier, steps=case.policy.tiers[tier].steps)


async def pause(
    actor: Actor,
    child_id: UUID,
    from_at: datetime,
    until_at: datetime,
    words: str | None,
    *,
    returns: bool = False,
    id: UUID | None = None,
    now: datetime,
) -> Pause:
    """An agreed absence. It always ends, it silences nothing that is already late, and the child
    stays on the board. `returns`: a check-in is due at its end, and without one adults are called
    sooner than on other days.

    Raises Refused if it has no end, ends in the past, or is longer than 92 days.
    """
    assert actor.id is not None
    if not from_at < until_at or until_at <= now:
        raise Refused("An absence must end after it begins, and not in the past.", field="until_at")
    if until_at - from_at > LONGEST_PAUSE:
        raise Refused("An absence can last up to 92 days.", field="until_at")
    async with write():
        watch = await lock(child_id)
        existing = await Pause.filter(id=id).first() if id is not None else None
        if existing is not None:
            if existing.child_id != child_id:
                raise Conflict("This ID is already in use.", code="id_reused")
            return existing
        case, changes = passed(await state_of(watch, now), now)
        made = await Pause.create(
            id=id or uuid7(),
            child_id=child_id,
            from_at=max(from_at, now),
            until_at=until_at,
            returns=returns,
            words=words,
            made_by=actor.id,
            made_at=now,
        )
        # `passed` used the previous pauses: what was late by now stays late.
        terms = replace(
            case.terms, pauses=(*case.terms.pauses, Span(made.from_at, made.until_at, returns))
        )
        try:
            moved = replace(case, terms=terms)
            await reschedule(moved, changes, "excused", now, before=case.terms)
        except ValueError:
            # One after the other, they would leave nothing due within a year.
            raise Refused("An absence can last up to 92 days.", field="until_at") from None
        await note_about(actor, child_id, "pause:add", ["from_at", "until_at"], now, about=made.id)
    return made


async def end_pause(actor: Actor, child_id: UUID, pause_id: UUID, now: datetime) -> None:
    """Back earlier than agreed: rounds begin again. Twice is once. Raises NotFound."""
    async with write():
        if not await Pause.filter(id=pause_id, child_id=child_id).exists():
            raise NotFound("This absence does not exist.")
        case, changes = passed(await locked(child_id, now), now)
        ended = await Pause.filter(id=pause_id, ended_at__isnull=True, until_at__gt=now).update(
            ended_at=now
        )
        if not ended:
            return
        moved = replace(case, terms=(await load([case.watch], now))[0].terms)
        await reschedule(moved, changes, "replaced", now, before=case.terms)
        await note_about(actor, child_id, "pause:end", ["ended_at"], now, about=pause_id)


def check_rhythm_of(case: WatchState, terms: Terms, now: datetime) -> None:
    """Raises Refused if the rhythm of these terms, or an agreed temporary one, is slower than the
    tier of the watch allows, or than the tier that follows it."""
    tiers = [case.terms.tier, *([Tier(case.watch.tier_then)] if case.watch.tier_then else [])]
    for tier in tiers:
        wanted = in_tier(replace(case, terms=terms), tier)
        check_rhythm(terms.rhythm, wanted)
        check_seasons(wanted, now)


def check_seasons(terms: Terms, now: datetime) -> None:
    """Raises Refused if a silence in a season, or at its edges, could last longer than the tier
    allows."""
    for season in terms.seasons:
        gap = rhythms.longest_gap_around(terms.rhythm, terms.zone, terms.seasons, season)
        if season.span.end > now and lasts_too_long(gap, terms.steps):
            raise Refused(
                N_(
                    "With the other times agreed for some days, a silence could last longer"
                    " than the watch level allows."
                ),
                field="rhythm",
                code="too_slow",
            )


def check_rhythm(rhythm: Rhythm, terms: Terms) -> None:
    """Raises Refused if a silence by this rhythm could last longer than the tier allows."""
    if _is_too_slow(rhythm, terms):
        raise Refused(
            "These check-in times are too far apart for the watch level.",
            field="rhythm",
            code="too_slow",
        )


def _is_too_slow(rhythm: Rhythm, terms: Terms) -> bool:
    return lasts_too_long(rhythms.longest_gap(rhythm), terms.steps)

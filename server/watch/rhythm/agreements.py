"""Agreements about a watch, and changes to them: the rhythm, the tier, absences."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.approvals.models import Approval
from server.approvals.rules import Times
from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import NotFound, Refused
from server.i18n import N_
from server.notify.actions import queue, withdraw
from server.notify.rules import Kind as Message
from server.people.models import Child
from server.policy.model import Tier
from server.security import encryption
from server.storage.db import as_id, fetch, write
from server.storage.ids import uuid7
from server.tasks import news
from server.tasks.news import News
from server.watch.absence.models import AbsenceRequest
from server.watch.machine import advancing, changing
from server.watch.machine.rounds import lasts_too_long
from server.watch.machine.standing import Change, Terms
from server.watch.models import SETTLED, Pause, Round, Watch
from server.watch.passes.rules import Reason
from server.watch.passes.ticking import follow
from server.watch.rhythm import long_pass, too_slow
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.rules import Rhythm, Span
from server.watch.watch_state import WatchState, load, passed
from server.watch.wire import Moment, RhythmIn, Words
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


class TierRequest(msgspec.Struct, frozen=True):
    """How tight the watch is. If that ends by itself, `then` says what follows. A tier that the
    rhythm is too slow for is refused (`too_slow`): `rhythm` changes both in one step."""

    tier: Tier
    until_at: Moment | None = None
    then: Tier | None = None
    why: Words | None = None
    rhythm: RhythmIn | None = None

    @property
    def tightest(self) -> Tier:
        """The tighter of the tier and the one that follows it."""
        return self.then if self.then and self.then.is_tighter_than(self.tier) else self.tier


async def set_tier(actor: Actor, child_id: UUID, asked: TierRequest, now: datetime) -> Watch:
    """A person sets how tight the watch is; if that ends by itself, they name what follows.

    An alarm under way may come earlier by a tighter tier, never later by any. Raises Refused, code
    `too_slow`, if the rhythm is slower than one of the tiers allows.
    """
    until_at, then = asked.until_at, asked.then
    if (until_at is None) != (then is None) or (until_at is not None and until_at <= now):
        raise Refused(
            "To set an end, enter a future time and the watch level that follows.", field="until_at"
        )
    async with write():
        if asked.rhythm is None:
            await _set_tier(actor, child_id, asked, now)
        else:
            await _set_both(actor, child_id, asked, asked.rhythm, now)
    return await Watch.get(child_id=child_id)


async def _set_tier(actor: Actor, child_id: UUID, asked: TierRequest, now: datetime) -> None:
    case, changes = passed(await locked(child_id, now), now)
    for tier in (asked.tier, asked.then or asked.tier):
        _check_tier(case, tier, now)
    terms, standing = in_tier(case, asked.tier), case.standing
    if asked.tier.is_tighter_than(case.terms.tier):
        standing = changing.retune(standing, terms, now, before=case.terms)
    case.watch.tier, case.watch.tier_until_at = asked.tier.value, asked.until_at
    case.watch.tier_then = asked.then.value if asked.then else None
    standing, more = advancing.advance(standing, terms, now, since=now)
    moved = replace(case, terms=terms, standing=standing)
    await write_down(moved, (*changes, *more), now, quietly=False)
    await note(
        actor,
        "tier:set",
        child_id=child_id,
        about=("watch", child_id),
        names=["tier", "tier_until_at"],
        why=encryption.seal(asked.why) if asked.why else None,
        now=now,
    )


def _check_tier(case: WatchState, tier: Tier, now: datetime) -> None:
    wanted = in_tier(case, tier)
    if _is_too_slow(wanted.rhythm, wanted):
        raise too_slow.for_level(wanted.rhythm, tier, wanted.steps)
    check_seasons(wanted, now)


async def _set_both(
    actor: Actor, child_id: UUID, asked: TierRequest, rhythm: Mapping[str, Any], now: datetime
) -> None:
    """The looser of the two changes comes second, so that each is checked against the other as it
    will be."""
    watch = await watch_of(child_id)
    is_tighter = not Tier(watch.tier).is_tighter_than(asked.tightest)
    if is_tighter:
        await set_rhythm(actor, child_id, rhythm, watch.zone, now)
    await _set_tier(actor, child_id, asked, now)
    if not is_tighter:
        await set_rhythm(actor, child_id, rhythm, watch.zone, now)


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


class PauseRequest(msgspec.Struct, frozen=True):
    """An agreed absence with its end. The client makes the id. `returns`: at its end a check-in is
    due, and without one adults are called sooner than on other days. A `reason` is needed, or words
    that say it: without one of the choices they count as `other`."""

    id: UUID
    from_at: Moment
    until_at: Moment
    returns: bool = False
    words: Words | None = None
    reason: Reason | None = None


async def pause(
    actor: Actor,
    child_id: UUID,
    asked: PauseRequest,
    now: datetime,
    *,
    answer: str | None = None,
) -> Pause:
    """An agreed absence. It always ends, it silences nothing that is already late, and the child
    stays on the board. `answer`: what the child reads once a second person has agreed.

    Raises Refused if it has no reason or no end, ends in the past, or is longer than 92 days;
    SecondPersonNeeded if it is longer than an agency lets one person alone agree to.
    """
    async with write():
        if not await Pause.exists(id=asked.id):
            _check_absence(asked, now)
        times, content = Times(asked.from_at, asked.until_at), msgspec.to_builtins(asked)
        if answer:
            content["answer"] = answer
        waits = await long_pass.ask_first(actor, child_id, asked.id, times, content, now)
        if waits is None:
            return await pause_now(actor, child_id, asked, now)
    raise waits


async def pause_now(actor: Actor, child_id: UUID, asked: PauseRequest, now: datetime) -> Pause:
    """The same, without asking a second person: they have agreed, or are not needed."""
    async with write():
        watch = await lock(child_id)
        existing = await first_made(Pause, asked.id, asked, child_id=child_id)
        if existing is not None:
            return existing
        _check_absence(asked, now)
        case, changes = passed(await state_of(watch, now), now)
        made = await _add_pause(actor, child_id, asked, now)
        span = Span(made.from_at, made.until_at, made.returns)
        # `passed` used the previous pauses: what was late by now stays late.
        terms = replace(case.terms, pauses=(*case.terms.pauses, span))
        try:
            moved = replace(case, terms=terms)
            await reschedule(moved, changes, "excused", now, before=case.terms)
        except ValueError:
            # One after the other, they would leave nothing due within a year.
            raise Refused("An absence can last up to 92 days.", field="until_at") from None
        names = ["from_at", "until_at", "reason"]
        await note_about(actor, child_id, "pause:add", names, now, about=made.id)
        await follow(actor, child_id, now)
    return made


async def pause_approved(approval: Approval, actor: Actor, now: datetime) -> None:
    """A second person has agreed. Raises Refused where it is over by now. In the caller's
    transaction."""
    asked = msgspec.convert(approval.content, PauseRequest)
    await pause_now(actor, approval.child_id, asked, now)


def _check_absence(asked: PauseRequest, now: datetime) -> None:
    if not asked.from_at < asked.until_at or asked.until_at <= now:
        raise Refused("An absence must end after it begins, and not in the past.", field="until_at")
    if asked.until_at - asked.from_at > LONGEST_PAUSE:
        raise Refused("An absence can last up to 92 days.", field="until_at")
    if asked.reason in (None, Reason.OTHER) and not (asked.words or "").strip():
        raise Refused(
            N_("Choose why the child is away, or write it in your own words."),
            field="words" if asked.reason is Reason.OTHER else "reason",
            code="no_reason",
        )


async def _add_pause(actor: Actor, child_id: UUID, asked: PauseRequest, now: datetime) -> Pause:
    assert actor.id is not None
    return await Pause.create(
        id=asked.id,
        child_id=child_id,
        from_at=max(asked.from_at, now),
        until_at=asked.until_at,
        returns=asked.returns,
        reason=(asked.reason or Reason.OTHER).value,
        words=asked.words,
        made_by=actor.id,
        made_at=now,
    )


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
        await follow(actor, child_id, now)
        # The child reads what became of what they asked for.
        if actor.id != child_id and await AbsenceRequest.exists(id=pause_id):
            await withdraw([pause_id], "news", now, kinds=[Message.NEWS_CHILD])
            # A message of its own: the one about the answer may have been read.
            about = News("absence", uuid7())
            await queue([await news.for_child(child_id, case.watch.agency_id, about, now)], now)


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
            raise too_slow.for_season(gap, terms.tier, terms.steps)


def check_rhythm(rhythm: Rhythm, terms: Terms) -> None:
    """Raises Refused if a silence by this rhythm could last longer than the tier allows."""
    if _is_too_slow(rhythm, terms):
        raise too_slow.for_times(rhythm, terms.tier, terms.steps)


def _is_too_slow(rhythm: Rhythm, terms: Terms) -> bool:
    return lasts_too_long(rhythms.longest_gap(rhythm), terms.steps)

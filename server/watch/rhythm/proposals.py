"""Proposing a new rhythm, and agreeing to it or not. A proposal alone never changes the watch."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, Denied, NotFound, Refused
from server.i18n import N_
from server.people.models import Child
from server.people.rules import Role
from server.storage.db import write
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import REPLY_WITHIN, Kind, Setting
from server.tasks.rules import State as DueState
from server.watch.actions import heard, heard_anyway
from server.watch.machine.standing import Terms
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.agreements import check_rhythm_of, set_rhythm
from server.watch.rhythm.models import Proposal
from server.watch.rhythm.temporary_rhythm import ONE_DAY_MISSING, SeasonRequest, shift, wished
from server.watch.watch_state import WatchState, passed
from server.watch.wire import RhythmIn, Words, Zone
from server.watch.writing import lock, note_about, state_of, watch_of

# From a first to a last day.
Days = tuple[date, date]
# For a child, who knows no tiers, and takes nothing back that was agreed.
TOO_SELDOM = N_(
    "That's not often enough. It could take us too long to notice. Add a time or a day."
)
TAKEN = N_("Other times are already agreed for some of these days. Choose other days.")


def as_proposed(
    case: WatchState, data: Mapping[str, Any], zone: str | None, days: Days | None, now: datetime
) -> Terms:
    """The terms of a watch with this rhythm instead; for these days only, it is the last of their
    seasons. Raises Refused if it is wrong, or slower than the tier allows, in words for a child.
    """
    rhythm = rhythms.read(data)
    try:
        if days is None:
            place = rhythms.read_zone(zone or case.watch.zone)
            terms = replace(case.terms, rhythm=rhythm, zone=place)
        else:
            season = wished(case, rhythm, zone, *days, now)
            terms = replace(case.terms, seasons=(*case.terms.seasons, season))
        check_rhythm_of(case, terms, now)
    except Refused as fault:
        if fault.code == "taken":
            raise Refused(TAKEN, field="first", code=fault.code) from None
        if fault.code == "too_slow":
            raise Refused(TOO_SELDOM, field="rhythm", code=fault.code) from None
        raise
    return terms


class ProposalRequest(msgspec.Struct, frozen=True):
    """Another rhythm; with `first` and `last` for these days only. The id is made by the client;
    without a zone, that of now."""

    id: UUID
    rhythm: RhythmIn
    zone: Zone | None = None
    first: date | None = None
    last: date | None = None
    words: Words | None = None


def days_of(first: date | None, last: date | None) -> Days | None:
    """Both days, or none. Raises Refused."""
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise Refused(ONE_DAY_MISSING, field="first" if first is None else "last")
    return first, last


async def propose(
    actor: Actor, role: Role, child_id: UUID, asked: ProposalRequest, now: datetime
) -> Proposal:
    """Propose a rhythm, for good or for some days; the caseworker is asked for an answer. The same
    id again: the first proposal counts. Another proposal by the same person for the same days
    replaces the one before.

    Raises Refused if the rhythm is wrong, or slower than the tier allows (code `too_slow`);
    IdReused; Conflict `ended` if the placement has ended.
    """
    if role is not Role.CHILD:
        return await _propose(actor, role, child_id, asked, now)
    async with heard_anyway(child_id, asked.id, now):
        return await _propose(actor, role, child_id, asked, now)


async def _propose(
    actor: Actor, role: Role, child_id: UUID, asked: ProposalRequest, now: datetime
) -> Proposal:
    days = days_of(asked.first, asked.last)
    async with write():
        watch = await lock(child_id)
        whose = {"child_id": child_id, "by_id": actor.id}
        existing = await first_made(Proposal, asked.id, asked, **whose)
        if existing is not None:
            return existing
        case, _ = passed(await state_of(watch, now), now)
        terms = as_proposed(case, asked.rhythm, asked.zone, days, now)
        wanted = terms.seasons[-1] if days is not None else terms
        replaced = await _replace(actor, child_id, days, now)
        made = await Proposal.create(
            id=asked.id,
            child_id=child_id,
            by_id=actor.id,
            by_role=role.value,
            rhythm=rhythms.as_data(wanted.rhythm),
            zone=wanted.zone.key,
            first_day=asked.first,
            last_day=asked.last,
            words=asked.words,
            made_at=now,
        )
        await _no_answer_needed(actor, replaced, "replaced", now)
        if role is Role.CHILD:
            await _ask_for_an_answer(actor, made, now)
        await note_about(actor, child_id, "rhythm:propose", ["rhythm", "zone"], now, about=made.id)
        if role is Role.CHILD:
            await heard(child_id, made.id, now)
    return made


async def _replace(
    actor: Actor, child_id: UUID, days: Days | None, now: datetime
) -> list[Proposal]:
    """The open proposals of this person about the same days are replaced by a new one."""
    rows = await Proposal.filter(child_id=child_id, by_id=actor.id, state="open")
    same = [row for row in rows if _is_about_the_same(row.days, days)]
    ids = [row.id for row in same]
    await Proposal.filter(id__in=ids).update(state="replaced", decided_at=now)
    return same


def _is_about_the_same(days: Days | None, other: Days | None) -> bool:
    """Whether two proposals are alternatives: both for good, or with a day in common."""
    if days is None or other is None:
        return days is other
    return days[0] <= other[1] and other[0] <= days[1]


async def agree(
    actor: Actor, child_id: UUID, proposal_id: UUID, version: str, now: datetime
) -> Proposal:
    """The proposal becomes the rhythm, from the next round on, or for its days. Twice is once.

    `version` names the rhythm that was current when the person agreed (`rhythm.version`). Raises
    NotFound; Conflict `decided` if it is not open any more, `moved_on` if the current rhythm is
    another one by now, with both; Refused `too_slow` if the tier has become tighter since, and if
    its days are over or have other agreed times.
    """
    async with write():
        watch = await watch_of(child_id)
        proposal = await _proposal(child_id, proposal_id)
        if proposal.state == "agreed":
            return proposal
        _check_open(proposal)
        if rhythms.version(rhythms.read(watch.rhythm), watch.zone) != version:
            raise Conflict(
                N_("The check-in times have just changed. Look at both again."),
                code="moved_on",
                content={
                    "stands": {"rhythm": watch.rhythm, "zone": watch.zone},
                    "proposed": {"rhythm": proposal.rhythm, "zone": proposal.zone},
                },
            )
        rhythm, zone, days = proposal.rhythm, proposal.zone, proposal.days
        if days is None:
            await set_rhythm(actor, child_id, rhythm, zone, now)
        else:
            asked = SeasonRequest(proposal.id, *days, rhythm, zone, proposal.words)
            await shift(actor, child_id, asked, now)
        await _decide(actor, proposal, "agreed", None, now)
    return await Proposal.get(id=proposal_id)


async def decline(
    actor: Actor, child_id: UUID, proposal_id: UUID, words: str | None, now: datetime
) -> Proposal:
    """The rhythm stays as it is, and the words say why. Twice is once: the first words count.

    Raises NotFound; Conflict `decided` if it is not open any more.
    """
    async with write():
        await lock(child_id)
        proposal = await _proposal(child_id, proposal_id)
        if proposal.state == "declined":
            return proposal
        _check_open(proposal)
        await _decide(actor, proposal, "declined", words, now)
    return await Proposal.get(id=proposal_id)


async def take_back(actor: Actor, child_id: UUID, proposal_id: UUID, now: datetime) -> Proposal:
    """The person who proposed it takes it back: it needs no answer now. Twice is once.

    Raises NotFound; Denied if another person proposed it; Conflict `decided` if it has an answer,
    or does not wait for one.
    """
    async with write():
        await lock(child_id)
        proposal = await _proposal(child_id, proposal_id)
        if proposal.by_id != actor.id:
            raise Denied(
                N_("Only the person who suggested this can take it back. Answer it instead.")
            )
        if proposal.state == "recalled":
            return proposal
        if proposal.state != "open":
            raise Conflict(
                N_("It's too late to take this back."),
                code="decided",
                state=proposal.state,
            )
        await Proposal.filter(id=proposal_id).update(
            state="recalled", decided_at=now, decided_by=actor.id
        )
        await _no_answer_needed(actor, [proposal], "recalled", now)
        await note_about(actor, child_id, "rhythm:take_back", [], now, about=proposal_id)
    return await Proposal.get(id=proposal_id)


async def end_all(actor: Actor, child_id: UUID, now: datetime) -> None:
    """The placement has ended: nothing is left to agree on. In the caller's transaction."""
    rows = await Proposal.filter(child_id=child_id, state="open")
    await Proposal.filter(id__in=[row.id for row in rows]).update(state="ended", decided_at=now)
    await _no_answer_needed(actor, rows, "replaced", now)


async def _proposal(child_id: UUID, proposal_id: UUID) -> Proposal:
    proposal = await Proposal.get_or_none(id=proposal_id, child_id=child_id)
    if proposal is None:
        raise NotFound(N_("This suggestion does not exist."))
    return proposal


def _check_open(proposal: Proposal) -> None:
    if proposal.state == "recalled":
        raise Conflict(
            N_("This suggestion was taken back. Nothing has changed."),
            code="decided",
            state=proposal.state,
        )
    if proposal.state != "open":
        raise Conflict(
            N_("This suggestion is no longer open. Check what became of it."),
            code="decided",
            state=proposal.state,
        )


async def _decide(
    actor: Actor, proposal: Proposal, state: str, words: str | None, now: datetime
) -> None:
    await Proposal.filter(id=proposal.id).update(
        state=state, answer=words, decided_at=now, decided_by=actor.id
    )
    for due in await Task.filter(kind=Kind.RHYTHM, subject_id=proposal.id, state=DueState.OPEN):
        await dues.done(actor, due, now, by=proposal.id)
    what = f"rhythm:{state}"
    await note_about(actor, proposal.child_id, what, [], now, about=proposal.id)


async def _ask_for_an_answer(actor: Actor, made: Proposal, now: datetime) -> None:
    setting = Setting(
        kind=Kind.RHYTHM,
        subject_id=made.id,
        owner_id=None,
        owner_role=Role.CASEWORKER.value,
        due_at=now + REPLY_WITHIN,
        zone=made.zone,
    )
    await dues.set_task(actor, await Child.get(id=made.child_id), setting, now)


async def _no_answer_needed(
    actor: Actor, proposals: list[Proposal], why: str, now: datetime
) -> None:
    subjects = [proposal.id for proposal in proposals]
    for due in await Task.filter(kind=Kind.RHYTHM, subject_id__in=subjects, state=DueState.OPEN):
        await dues.drop(actor, due, why, now)

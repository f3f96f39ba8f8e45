"""The return interview in writing: version by version, nothing is ever lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.errors import Conflict, Denied, Refused
from server.i18n import N_
from server.missing.returns import interview
from server.missing.returns.interview import Answer
from server.missing.search import entry_kinds, rules
from server.missing.search.actions import EARLY, apply, locked
from server.missing.search.clocks.actions import ClockChange, clocks_of
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode, ReturnInterview, TimelineEntry
from server.missing.search.timeline import NewEntry, append
from server.missing.search.wording import way_to_found
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.security import encryption
from server.storage.db import write
from server.tasks.models import Task
from server.tasks.rules import Kind
from server.tasks.rules import State as TaskState

_HOUR_S = 3600


async def latest(episode_id: UUID) -> ReturnInterview | None:
    """The interview in its latest version."""
    return await ReturnInterview.filter(episode_id=episode_id).order_by("-version").first()


async def save(
    actor: Actor, episode_id: UUID, base: int, raw_answers: Mapping[str, Any], now: datetime
) -> ReturnInterview:
    """Save the next version. The same answers again are the same version.

    Raises Refused, naming the field; Conflict `not_yet` before the return, `other_base` (with the
    current version and its answers) where another person has saved since `base`.
    """
    answers = interview.read(raw_answers)
    async with write():
        episode = await _returned(actor, episode_id)
        held = await latest(episode_id)
        if held is not None and held.answers == answers:
            return held
        if base != (held.version if held else 0):
            raise _moved_on(held)
        return await _add(actor, episode, held, answers, now)


async def save_group(
    actor: Actor, episode_id: UUID, group: str, base: int, answers: Mapping[str, Any], now: datetime
) -> ReturnInterview:
    """Save one screen. What other people saved on other screens in between stays.

    Raises as `save` does; `other_base` only where another person answered this screen differently.
    """
    mine = interview.read(answers)
    async with write():
        episode = await _returned(actor, episode_id)
        held = await latest(episode_id)
        before = await ReturnInterview.get_or_none(episode_id=episode_id, version=base)
        theirs = _part(held, group)
        if theirs == mine and held is not None:
            return held
        if theirs != _part(before, group):
            raise _moved_on(held)
        names = {question.name for question in interview.BY_NAME[group].questions}
        others = held.answers if held is not None else {}
        rest = {name: value for name, value in others.items() if name not in names}
        return await _add(actor, episode, held, {**rest, **mine}, now)


def _part(row: ReturnInterview | None, group: str) -> dict[str, Answer]:
    names = {question.name for question in interview.BY_NAME[group].questions}
    answers = row.answers if row is not None else {}
    return {name: value for name, value in answers.items() if name in names}


async def hold(actor: Actor, episode_id: UUID, now: datetime) -> ReturnInterview:
    """The interview took place: its clock ends, and the timeline says so, without its words. Sent
    again it is the same.

    Raises Refused, naming the question that has no answer yet.
    """
    async with write():
        episode = await _returned(actor, episode_id)
        held = await latest(episode_id)
        if held is not None and held.held_at is not None:
            return held
        answers = held.answers if held is not None else {}
        interview.check_held(answers)
        at = interview.moment_of(answers)
        assert at is not None, "check_held asks for it"
        if at > now + EARLY:
            raise Refused(N_("This time is in the future."), field="at")
        row = await _add(actor, episode, held, answers, now, held_at=at)
        hours = _hours(at, episode)
        details = {"independent": answers["independent"], "hours": str(hours)}
        line = await append(
            actor,
            episode,
            NewEntry(entry_kinds.INTERVIEW_HELD, at, details=details, about=row.id),
            now,
        )
        ends = {Kind.RETURN_INTERVIEW}
        await apply(actor, episode, ClockChange(ends=ends, by=line.id), {}, now)
    return row


def _hours(at: datetime, episode: Episode) -> int:
    assert episode.found_at is not None
    return max(int((at - episode.found_at).total_seconds() // _HOUR_S), 0)


async def refused(actor: Actor, episode_id: UUID, now: datetime) -> None:
    """The child did not want to talk: we record that once per version, and offer it again."""
    async with write():
        episode = await _returned(actor, episode_id)
        held = await latest(episode_id)
        if held is None or held.answers.get("answer") != "refused":
            raise Refused(N_("First log that the child did not want to talk."), field="answer")
        if held.held_at is not None or await TimelineEntry.exists(about_id=held.id):
            return
        who = str(held.answers.get("interviewer", ""))
        details = {"answer": "refused", **({"who": who} if who else {})}
        line = await append(
            actor,
            episode,
            NewEntry(Act.INTERVIEW_OFFERED.value, now, details=details, about=held.id),
            now,
        )
        clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
        again = rules.clock(Kind.RETURN_INTERVIEW, now + clocks.offer_again)
        sets = [again] if await is_offered(episode.id) else []
        ends = {Kind.RETURN_INTERVIEW}
        await apply(actor, episode, ClockChange(ends=ends, sets=sets, by=line.id), {}, now)


async def end_offers(actor: Actor, episode_id: UUID, now: datetime) -> None:
    """The child said no again and again: nobody has to offer the interview any more. The child can
    still have it. Sent again it is the same.

    Raises Refused `too_early` before the child said no twice, a day apart.
    """
    async with write():
        episode = await _returned(actor, episode_id)
        if not await is_offered(episode.id):
            return
        if not interview.may_end_offers(await refusals(episode.id)):
            raise Refused(
                N_("Offer the interview again first. The child may want it another day."),
                code="too_early",
            )
        line = await append(actor, episode, NewEntry(entry_kinds.OFFERS_ENDED, now), now)
        ends = {Kind.RETURN_INTERVIEW}
        await apply(actor, episode, ClockChange(ends=ends, by=line.id), {}, now)


async def is_offered(episode_id: UUID) -> bool:
    """Whether a person still has to offer the interview."""
    return await Task.exists(
        subject_id=episode_id, kind=Kind.RETURN_INTERVIEW, state=TaskState.OPEN
    )


async def refusals(episode_id: UUID) -> list[datetime]:
    """When the child did not want to talk, the first time first."""
    lines = TimelineEntry.filter(episode_id=episode_id, what=Act.INTERVIEW_OFFERED.value)
    offers = await lines.order_by("-number").limit(_MOST_TALKS)
    return [line.at for line in reversed(offers) if line.details.get("answer") == "refused"]


async def _returned(actor: Actor, episode_id: UUID) -> Episode:
    episode = await locked(episode_id)
    if episode.is_open:
        raise Conflict(
            N_("You can log this after the return. First log that the child was found."),
            code="not_yet",
            see=way_to_found(episode.id),
        )
    if actor.id in await _carers(episode.child_id):
        raise Denied(N_("A carer of this child cannot record the return interview."))
    return episode


def _moved_on(held: ReturnInterview | None) -> Conflict:
    return Conflict(
        N_("Someone else saved this in the meantime. Compare both versions, then save again."),
        code="other_base",
        version=held.version if held else 0,
        content={"answers": held.answers if held else {}},
    )


async def _add(
    actor: Actor,
    episode: Episode,
    held: ReturnInterview | None,
    answers: dict[str, Answer],
    now: datetime,
    *,
    held_at: datetime | None = None,
) -> ReturnInterview:
    interviewer = answers.get("interviewer")
    if isinstance(interviewer, str):
        carers = await _carers(episode.child_id)
        interview.check_leader(interviewer, carers.values())
    row = await ReturnInterview.create(
        agency_id=episode.agency_id,
        episode_id=episode.id,
        version=(held.version if held else 0) + 1,
        answers=answers,
        made_at=now,
        made_by=actor.id,
        made_role=actor.role,
        held_at=held_at or (held.held_at if held else None),
    )
    await note(
        actor,
        "episode:interview",
        child_id=episode.child_id,
        about=("return_interview", row.id),
        agency_id=episode.agency_id,
        now=now,
    )
    return row


async def _carers(child_id: UUID) -> dict[UUID, str]:
    """Everyone who cares for the child, or for any child in their home, or did so: by tie."""
    child = await Child.get(id=child_id)
    of_whom = Q(child_id=child_id)
    if child.home_id is not None:
        of_whom |= Q(child__home_id=child.home_id)
    ids = await Tie.filter(of_whom, role=Role.CARER).values_list("person_id", flat=True)
    return {person.id: person.name for person in await Person.filter(id__in=list(set(ids)))}


# For a child who was away more often, only the latest.
_MOST_TALKS = 20


async def held_talks(child_id: UUID) -> list[tuple[Episode, ReturnInterview]]:
    """The interviews that took place, each in its latest version, the newest episode first."""
    episodes = Episode.filter(child_id=child_id, found_at__isnull=False).order_by("-opened_at")
    talks = []
    for episode in await episodes.limit(_MOST_TALKS):
        row = await latest(episode.id)
        if row is not None and row.held_at is not None:
            talks.append((episode, row))
    return talks


def reason_id(episode_id: UUID, kind: str, code: str = "") -> UUID:
    """The id of one reason, which never changes. A goal that came of the reason names it; a reader
    of the goal alone cannot tell from the id which reason it was."""
    return UUID(hex=encryption.blind(f"return reason {episode_id} {kind} {code}")[:32], version=4)

"""What people enter into an episode, and what that does to its clocks and its stage."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from server.audit.actions import Actor
from server.db import swapped, write
from server.due.rules import STRATEGY, Kind
from server.errors import Conflict, IdReused, NotFound, Refused
from server.i18n import N_
from server.live import announce
from server.missing import acts, rules
from server.missing.acts import Act
from server.missing.clocks import clocks_of, move, open_of, zone_of_child
from server.missing.lines import append
from server.missing.models import Episode, Line
from server.missing.opening import TOPIC
from server.missing.rules import Clock, Decision, Facts, Stage
from server.watch.writing import lock

# Clocks of phones differ; beyond this a moment has not come yet.
EARLY = timedelta(minutes=5)


async def enter(
    actor: Actor,
    episode_id: UUID,
    act: Act,
    *,
    id: UUID,
    at: datetime | None,
    words: str | None,
    details: Mapping[str, str],
    now: datetime,
) -> Line:
    """One entry: what was done or learned, and when. The same id again is the same.

    Raises NotFound, Refused (naming the field), IdReused, Conflict `not_yet` for what belongs to
    the time after the return.
    """
    clean, when = acts.read(act, details, words), at or now
    if when > now + EARLY:
        raise Refused(N_("This time has not come yet."), field="at")
    async with write():
        episode = await locked(episode_id)
        known = await Line.get_or_none(id=id)
        if known is not None:
            if (known.episode_id, known.what, known.words, known.details) != (
                episode.id,
                act.value,
                words,
                clean,
            ):
                raise IdReused("This id is known already, with other content.")
            return known
        if not acts.ENTRIES[act].is_search and episode.is_open:
            raise Conflict(
                N_("This comes after the return. First say that the child was found."),
                code="not_yet",
            )
        line = await append(
            actor, episode, act.value, id=id, at=min(when, now), now=now, words=words, details=clean
        )
        await _follow(actor, episode, act, clean, line.id, now)
    return line


async def locked(episode_id: UUID) -> Episode:
    """The episode as it was written last; nobody else writes it until the transaction ends."""
    episode = await Episode.get_or_none(id=episode_id)
    if episode is None:
        raise NotFound("There is no such episode.")
    await lock(episode.child_id)
    return await Episode.get(id=episode_id)


async def _follow(
    actor: Actor, episode: Episode, act: Act, details: Mapping[str, str], by: UUID, now: datetime
) -> None:
    clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
    held = await open_of(episode.id)
    ends, sets, changed = set(acts.ENTRIES[act].ends), list[Clock](), dict[str, object]()
    if act is Act.STRATEGY:
        ends = _next_meeting(held)
        if Kind.STRATEGY_3M in ends and episode.is_open:
            sets.append(rules.clock(Kind.STRATEGY_3M, rules.three_months(now)))
    if act is Act.ATTEMPT and episode.is_open:
        sets.append(rules.tried(clocks, episode.tier, episode.opened_at, now))
    if act is Act.DECISION and episode.is_open:
        zone = await zone_of_child(episode.child_id)
        what = Decision(details["decision"])
        found = rules.decided(what, clocks, episode.opened_at, now, zone)
        # Whoever has told the police already is not asked to tell them again.
        sets += [one for one in found if one.what is not Kind.REPORT or not episode.reported_at]
        changed["decided_at"] = episode.decided_at or now
    flag = acts.raises_flag(act, details)
    if flag is not None and flag not in episode.flags:
        changed["flags"] = [*episode.flags, flag.value]
        if Kind.DECISION in held:
            sets.append(rules.flagged(held[Kind.DECISION].due_at, now))
    if act is Act.REPORT and details["to"] == "police":
        # Telling the police is a decision too, and nobody asks for one after it.
        ends |= {Kind.REPORT, Kind.DECISION, Kind.TELL_FOUND}
        changed["reported_at"] = episode.reported_at or now
        changed["decided_at"] = episode.decided_at or now
    if act is Act.INTERVIEW_OFFERED:
        ends.add(Kind.RETURN_INTERVIEW)
        wait = clocks.interview if details["answer"] == "accepted" else clocks.offer_again
        sets.append(rules.clock(Kind.RETURN_INTERVIEW, now + wait))
    await apply(actor, episode, ends=ends, sets=sets, changed=changed, by=by, now=now)


def _next_meeting(held: Mapping[Kind, object]) -> set[Kind]:
    """The talk that is next: open_of has them in the order of their moments."""
    return set([kind for kind in held if kind in STRATEGY][:1])


async def apply(
    actor: Actor,
    episode: Episode,
    *,
    ends: set[Kind],
    sets: list[Clock],
    changed: Mapping[str, object],
    by: UUID,
    now: datetime,
    drops: frozenset[Kind] = frozenset(),
) -> None:
    """Move the clocks, and the stage with them, in the caller's transaction."""
    running = await move(actor, episode, ends=ends, drops=drops, sets=sets, by=by, now=now)
    values = {**changed}
    reported = values.get("reported_at", episode.reported_at)
    is_found = values.get("found_at", episode.found_at) is not None
    facts = Facts(
        is_reported=reported is not None,
        is_searched=episode.reported_at is not None,
        is_found=is_found,
        open=running,
    )
    stage = rules.stage(facts)
    values["stage"] = stage.value
    if stage is Stage.FOLLOWED_UP and episode.followed_up_at is None:
        values["followed_up_at"] = now
    same = Episode.filter(id=episode.id, version=episode.version)
    swapped(await same.update(**values, version=episode.version + 1))
    await announce(episode.agency_id, TOPIC)

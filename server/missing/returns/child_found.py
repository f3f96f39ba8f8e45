"""The child is found: only a person who has seen them ends a search, and then the return begins."""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Ask, Conflict, Incomplete, Refused
from server.i18n import N_
from server.missing.search import entry_kinds, rules
from server.missing.search.actions import EARLY, apply, locked
from server.missing.search.clocks.actions import ClockChange, clocks_of, open_of, zone_of_child
from server.missing.search.handover import ends as handover_ends
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import open_of_child
from server.missing.search.timeline import NewEntry, append
from server.missing.search.together.actions import tell
from server.people.events import Happening
from server.people.models import Person
from server.storage.db import write
from server.tasks.rules import OF_A_SEARCH, Kind
from server.watch import watch_alerts
from server.watch.writing import lock


class Found(msgspec.Struct, frozen=True):
    """When and where a person saw the child, who that was, and how the child was."""

    at: datetime
    where: str
    by: str
    condition: str


def checked(what: Found) -> Found:
    """The same, once every text is there. Raises Refused, naming the field; Incomplete."""
    for field, value in (("by", what.by), ("where", what.where)):
        if len(value) > entry_kinds.LONGEST:
            raise Refused(N_("Write up to 500 characters."), field=field)
    if asks := missing(what.by, what.where, what.condition):
        raise Incomplete(asks)
    return what


def missing(by: str, where: str, condition: str) -> dict[str, Ask]:
    """How the form asks for each of these that is empty."""
    asks = {
        "by": (by, N_("Say who saw the child.")),
        "where": (where, N_("Say where the child was seen.")),
        "words": (condition, N_("Say how the child is.")),
    }
    return {field: Ask(detail) for field, (value, detail) in asks.items() if not value}


async def record_found(
    actor: Actor, episode_id: UUID, id: UUID, what: Found, now: datetime
) -> Episode:
    """Record that a person has seen the child. The clocks of the search end, those of the return
    begin. The same id again is the same.

    Raises Refused for a time in the future or before the episode, IdReused, and Conflict `found`
    where another person has said so.
    """
    if what.at > now + EARLY:
        raise Refused(N_("This time is in the future."), field="at")
    episode, line_id = await _found(actor, episode_id, id, what, now)
    # Searches locked at the first attempt are told now; a repeated request tells them only once.
    await tell(episode, line_id, now, waits=True)
    return episode


async def _found(
    actor: Actor, episode_id: UUID, id: UUID, what: Found, now: datetime
) -> tuple[Episode, UUID]:
    async with write():
        episode = await locked(episode_id)
        whose = {"episode_id": episode.id, "what": entry_kinds.FOUND}
        if await first_made(TimelineEntry, id, what, **whose) is not None:
            return episode, id
        if not episode.is_open:
            raise Conflict(
                N_("The child is already marked as found. Read that entry first."),
                code="found",
                by=await _who_found(episode),
            )
        await _write_down(actor, episode, id, what, now)
        alert = await Alert.get_or_none(id=episode.alert_id, closed_at__isnull=True)
        if alert is not None:
            await watch_alerts.close_alert(actor, alert.id, Outcome.SEEN, what.condition, now)
        return await Episode.get(id=episode_id), id


def _details(what: Found) -> dict[str, str]:
    return {"where": what.where, "by": what.by, "at": what.at.isoformat()}


async def _who_found(episode: Episode) -> UUID | None:
    line = await TimelineEntry.filter(episode_id=episode.id, what=entry_kinds.FOUND).first()
    return line.who_id if line is not None else None


async def _write_down(actor: Actor, episode: Episode, id: UUID, what: Found, now: datetime) -> None:
    # Seen before the episode was opened: the child came back while a person was still writing. The
    # search ends, and the clocks of the return count from the opening at the earliest.
    seen_at = max(min(what.at, now), episode.opened_at)
    line = await append(
        actor,
        episode,
        NewEntry(
            entry_kinds.FOUND,
            min(what.at, now),
            words=what.condition,
            details=_details(what),
            id=id,
        ),
        now,
    )
    clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
    zone = await zone_of_child(episode.child_id)
    changed: dict[str, object] = {
        "found_at": seen_at,
        "found_said_at": now,
        "found": {**_details(what), "condition": what.condition},
        "hand_at": None,
    }
    await apply(
        actor,
        episode,
        ClockChange(
            drops=OF_A_SEARCH,
            sets=rules.returned(clocks, seen_at, zone, is_reported=episode.reported_at is not None),
            by=line.id,
        ),
        changed,
        now,
    )
    await handover_ends.over(actor, episode.id, now)
    await tell(episode, line.id, now, waits=False)


# --- closing an alert


async def ends(
    actor: Actor, alert: Alert, outcome: Outcome | None, words: str | None, now: datetime
) -> None:
    """Before an alert about a missing child is closed. While the search goes on, only a person who
    has seen the child may close it. In the transaction of the closing."""
    await lock(alert.child_id)
    episode = await open_of_child(alert.child_id)
    if episode is None or episode.alert_id != alert.id or outcome is None:
        return
    if outcome is not Outcome.SEEN:
        raise Refused(
            N_(
                "The search ends only when a person has seen the child. Say when, where and"
                " who saw them. Until then, log everything else as an entry."
            ),
            field="outcome",
            code="not_seen",
        )
    by = await Person.get_or_none(id=actor.id) if actor.id is not None else None
    what = Found(now, "", by.name if by is not None else "", words or "")
    await _write_down(actor, episode, _from_alert(alert.id), what, now)


def _from_alert(alert_id: UUID) -> UUID:
    """The id of the line: one closing is one line, even if it is sent again."""
    return uuid5(alert_id, entry_kinds.FOUND)


# --- events in rooms below


async def hear(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None,
    at: datetime,
) -> None:
    """A review of the life project ends the clock that asks for one after a return."""
    del at
    if what is Happening.REVIEWED:
        await _reviewed(actor, child_id, about, now)


async def _reviewed(actor: Actor, child_id: UUID, review_id: UUID | None, now: datetime) -> None:
    episodes = Episode.filter(child_id=child_id, found_at__isnull=False, followed_up_at=None)
    for episode in await episodes.order_by("opened_at"):
        if Kind.PLAN_REVIEW not in await open_of(episode.id):
            continue
        line = await append(
            actor, episode, NewEntry(entry_kinds.PLAN_REVIEW, now, about=review_id), now
        )
        ended = {Kind.PLAN_REVIEW}
        await apply(actor, episode, ClockChange(ends=ended, by=line.id), {}, now)

"""What people do with a watch: begin it, see the child.

Answers are in hearing/settling.py, agreements in rhythm/agreements.py, the passing of time in
ticking.py, the carer's question in carer/questions.py, and alerts about a watch in watch_alerts.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from server.alerts.recipients import policy_of
from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.people.events import Happening, happened
from server.people.models import Child
from server.people.rules import Role
from server.policy.levels import Does, Evidence
from server.policy.model import Policy, Tier
from server.storage import bulk
from server.storage.db import write
from server.watch.hearing.settling import Sign, settle_all, sign_of_life
from server.watch.machine import advancing, answering, rounds
from server.watch.machine.standing import Terms
from server.watch.models import Sighting, Watch
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.agreements import check_rhythm
from server.watch.rhythm.rules import Rhythm
from server.watch.spoken import COUNTS_FOR, EVIDENCE
from server.watch.watch_state import as_row, passed
from server.watch.wire import Moment, Place, Words
from server.watch.wording import TEXT
from server.watch.writing import lock, locked, note_about, state_of, watch_of, write_down

# What was said longer ago has waited on the phone: nobody need have the app open when it arrives.
JUST_NOW = timedelta(minutes=10)


class Beginning(msgspec.Struct, frozen=True):
    """How a watch begins."""

    tier: Tier
    rhythm: Rhythm
    zone: str
    tier_until_at: datetime | None = None
    tier_then: Tier | None = None


def first_row(beginning: Beginning, policy: Policy, now: datetime) -> dict[str, Any]:
    """The first row of a watch, but for whose it is. Raises Refused, code `too_slow`, if the
    rhythm is slower than the tier allows."""
    steps = policy.tiers[beginning.tier].steps
    terms = Terms(
        beginning.tier,
        steps,
        beginning.rhythm,
        rhythms.read_zone(beginning.zone),
        (),
        has_carer=False,
    )
    check_rhythm(beginning.rhythm, terms)
    watch = Watch(
        tier=beginning.tier.value,
        tier_until_at=beginning.tier_until_at,
        tier_then=beginning.tier_then.value if beginning.tier_then else None,
        zone=beginning.zone,
        rhythm=rhythms.as_data(beginning.rhythm),
        version=0,
    )
    return {**as_row(rounds.begin(terms, now), terms, watch, now), "version": 0}


async def begin(actor: Actor, child: Child, beginning: Beginning, now: datetime) -> Watch:
    """The watch over a placed child begins now, whether or not a phone is ever paired: a child who
    never checks in from the start alarms too.

    Raises Refused if the rhythm is slower than the tier allows. In the caller's transaction.
    """
    policy, _ = await policy_of(child.agency_id)
    row = first_row(beginning, policy, now)
    await bulk.insert(
        Watch,
        [{"child_id": child.id, "agency_id": child.agency_id, **row}],
        returning="child_id",
    )
    await note_about(actor, child.id, "watch:begin", ["tier", "rhythm", "zone"], now)
    return await Watch.get(child_id=child.id)


# --- something that is no answer, or a sighting


async def heard(
    child_id: UUID, by_id: UUID, now: datetime, *, said_at: datetime | None = None
) -> None:
    """The child has said something that is not an answer, whether or not it was granted. It settles
    nothing; for a missing child it is a sign of life, once for each `by_id`. Said just now, by the
    phone's clock, it counts as an open app. In a transaction that has locked the watch."""
    if said_at is not None and abs(now - said_at) <= JUST_NOW:
        await note_app_seen(child_id, now)
        await app_opened(child_id, now)
    watch = await Watch.get_or_none(child_id=child_id, is_missing=True)
    if watch is not None:
        await sign_of_life(watch, by_id, now)


@asynccontextmanager
async def heard_anyway(
    child_id: UUID, asked_id: UUID, now: datetime, *, said_at: datetime | None = None
) -> AsyncIterator[None]:
    """What is refused in here shows all the same that the child has written. Adults who look for
    the child hear that alone: what was refused is stored nowhere."""
    try:
        yield
    except (Conflict, NotFound, Refused):
        async with write():
            await lock(child_id)
            await heard(child_id, uuid5(asked_id, "refused"), now, said_at=said_at)
        raise


class SightingRequest(msgspec.Struct, frozen=True):
    """An adult saw the child, or looked and did not find them. `place`: where, for the picture of
    the places of a search. The client makes the id."""

    id: UUID
    answer: Literal["seen", "not_seen"]
    seen_at: Moment | None = None
    words: Words | None = None
    place: Place | None = None


async def note_sighting(
    actor: Actor, child_id: UUID, role: Role, asked: SightingRequest, now: datetime
) -> Sighting:
    """Note it; without a time it was just now. The same id twice is one sighting.

    Raises Refused for a time in the future, IdReused.
    """
    assert actor.id is not None
    seen_at = asked.seen_at or now
    async with write():
        watch = await watch_of(child_id)
        whose = {"child_id": child_id, "by_id": actor.id}
        existing = await first_made(Sighting, asked.id, asked, **whose)
        if existing is not None:
            return existing
        if seen_at > now + timedelta(minutes=5):
            raise Refused("This time is in the future.", field="seen_at")
        sighting = await Sighting.create(
            id=asked.id,
            child_id=child_id,
            by_id=actor.id,
            by_role=role.value,
            answer=asked.answer,
            at=now,
            seen_at=min(seen_at, now),
            place=(asked.place or "").strip() or None,
            words=asked.words,
        )
        await _heed(watch, sighting, EVIDENCE[role], now)
        if sighting.answer == "not_seen":
            at, about = sighting.seen_at, sighting.id
            await happened(actor, child_id, Happening.NOT_FOUND, now, about=about, at=at)
        await note_about(actor, child_id, f"sighting:{asked.answer}", [], now, about=sighting.id)
    return sighting


async def _heed(watch: Watch, sighting: Sighting, evidence: Evidence, now: datetime) -> None:
    if sighting.answer == "seen":
        # An old sighting says little about now: it is kept, and settles nothing. Those who look for
        # the child hear of it all the same: it may be the only place there is.
        if now - sighting.seen_at <= COUNTS_FOR:
            await settle_all([Sign(watch, evidence, sighting.id)], now)
        elif watch.is_missing:
            await sign_of_life(watch, sighting.id, now)
        return
    if watch.is_over:
        return  # The placement has ended: kept, and no alarm.
    case, changes = passed(await state_of(watch, now), now)
    standing = answering.not_seen(case.standing, case.terms, now)
    standing, more = advancing.advance(standing, case.terms, now, since=now)
    await write_down(replace(case, standing=standing), (*changes, *more), now, quietly=False)


async def somebody_texted(child_id: UUID, now: datetime) -> None:
    """A text came from the agreed number, but with none of the agreed words: a person has the
    phone. It counts as an open app does. In the caller's transaction."""
    await lock(child_id)
    await Watch.filter(child_id=child_id).update(heard_at=now, heard_way=TEXT)
    await app_opened(child_id, now)


async def note_app_seen(child_id: UUID, now: datetime) -> None:
    """The child's app was open at this moment. Without the version: no decision depends on it."""
    await Watch.filter(child_id=child_id).update(app_seen_at=now)


async def app_opened(child_id: UUID, now: datetime) -> None:
    """The child's app was open. If the policy allows, that softens an alarm; it never settles
    anything."""
    watch = await Watch.get_or_none(child_id=child_id)
    if watch is None or watch.next_action_at is None or watch.is_alerted:
        return
    # Most often nothing is late, and nothing more is read or written.
    if watch.missed_due_at is None and watch.next_action_at > now:
        return
    policy, _ = await policy_of(watch.agency_id)
    if not any(tier.steps.levels.app_seen is Does.SOFTENS for tier in policy.tiers.values()):
        return
    async with write():
        case, changes = passed(await locked(child_id, now), now)
        standing = answering.heed(case.standing, case.terms, Evidence.APP_SEEN, now)
        await write_down(replace(case, standing=standing), changes, now, quietly=False)

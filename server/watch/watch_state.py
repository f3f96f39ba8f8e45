"""A watch with all that its rules need, read from rows and written back. No decisions here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.recipients import policy_of
from server.clock import known_zone
from server.notify.devices import reached_of
from server.policy.model import LONGEST, Policy, Signal, Tier
from server.storage.db import among, as_document, as_id, as_moment, fetch
from server.watch import spoken
from server.watch.carer.asked import asked_of
from server.watch.machine.advancing import advance, next_action_at
from server.watch.machine.alarms import called_by, ceiling_at
from server.watch.machine.changing import past_tier_end
from server.watch.machine.habit import REMEMBERED, UNTOLD, Knowledge, Past, learned
from server.watch.machine.rounds import opens_of
from server.watch.machine.standing import Change, Standing, State, Terms, Why, state
from server.watch.models import Watch
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.rules import Rhythm, Season, Span
from server.watch.signals import drift
from server.watch.signals.models import Observation
from server.watch.signals.rules import that_ask


class WatchState(msgspec.Struct, frozen=True):
    """One watch as it was read, and its terms."""

    watch: Watch
    standing: Standing
    terms: Terms
    policy: Policy
    carers: tuple[UUID, ...]


async def load(
    watches: Sequence[Watch], now: datetime, *, is_heard: bool = False
) -> list[WatchState]:
    """The cases of these watches, with a handful of queries for all of them.

    `is_heard`: to settle what was heard of these children. Where adults have been called, that
    weighs nothing and asks nobody, so we need not read what a silence is weighed by.
    """
    pauses, seasons = await _absences([watch.child_id for watch in watches], now)
    policies: dict[UUID, Policy] = {}
    for agency_id in {watch.agency_id for watch in watches}:
        policies[agency_id], _ = await policy_of(agency_id)
    silent = [watch for watch in watches if not (is_heard and watch.is_alerted)]
    carers, workers = await asked_of(silent, policies, now)
    weighed = [watch for watch in silent if _learns(policies[watch.agency_id])]
    knowledge = await _known(weighed, policies, now)
    words = await spoken.since_sign([watch.child_id for watch in weighed])
    phones = {w.child_id for w in weighed if _asks_of_silent_phones(policies[w.agency_id])}
    for child_id, push in (await reached_of(phones, now)).items():
        knowledge[child_id] = replace(knowledge[child_id], unreached_since=push.unreached_since)
    asking = {agency_id: that_ask(policy.signals) for agency_id, policy in policies.items()}
    for watch in weighed:
        if await _drifts(watch, policies[watch.agency_id], asking[watch.agency_id], now):
            knowledge[watch.child_id] = replace(knowledge[watch.child_id], drifts=True)
    cases = [
        case(
            watch,
            policies[watch.agency_id],
            pauses.get(watch.child_id, ()),
            {**carers, **workers},
            knowledge.get(watch.child_id, UNTOLD),
            seasons.get(watch.child_id, ()),
        )
        for watch in watches
    ]
    cases = [_asking(state, workers) for state in cases]
    return [_knowing(state, words.get(state.watch.child_id)) for state in cases]


def _asking(state: WatchState, workers: Mapping[UUID, object]) -> WatchState:
    """The case, knowing whether it is the home that is asked."""
    if state.watch.child_id not in workers:
        return state
    return replace(state, terms=replace(state.terms, asks_home=True))


def _knowing(state: WatchState, words: spoken.ByCall | None) -> WatchState:
    """The case with what homes said since the last sign; most often that is nothing."""
    if not words:
        return state
    return replace(state, terms=with_words(state.terms, words, state.policy))


def _learns(policy: Policy) -> bool:
    return any(tier.steps.doubt is not None for tier in policy.tiers.values())


def _asks_of_silent_phones(policy: Policy) -> bool:
    doubts = [tier.steps.doubt for tier in policy.tiers.values()]
    return any(doubt is not None and doubt.silent_phone for doubt in doubts)


async def _drifts(
    watch: Watch, policy: Policy, asking: Mapping[str, Signal], now: datetime
) -> bool:
    """Whether a round is late now, and a signal that asks held at the moment it became late. Not at
    the moment of a page view: how often people look must make no difference."""
    if not asking or watch.missed_due_at is not None or watch.due_at is None:
        return False
    late_at = watch.due_at + policy.tiers[Tier(watch.tier)].steps.grace
    return late_at <= now and await drift.holds(watch.child_id, asking, late_at)


async def _known(
    watches: Sequence[Watch], policies: Mapping[UUID, Policy], now: datetime
) -> dict[UUID, Knowledge]:
    """What a policy weighs about a silence, beside the rounds of the silence."""
    if not watches:
        return {}
    ids = [watch.child_id for watch in watches]
    past, sightings = await _past(ids), await spoken.sightings_since_sign(watches)
    warned, missing = await _warned(ids, now), await _were_missing(ids)
    steps = {w.child_id: policies[w.agency_id].tiers[Tier(w.tier)].steps for w in watches}
    return {
        watch.child_id: Knowledge(
            habit=learned(past.get(watch.child_id, ()), known_zone(watch.zone)),
            unseen=spoken.unseen(sightings.get(watch.child_id, ())),
            seen=spoken.seen(sightings.get(watch.child_id, ()), steps[watch.child_id]),
            warned_at=warned.get(watch.child_id),
            missing=missing[watch.child_id],
        )
        for watch in watches
    }


async def _warned(ids: Sequence[UUID], now: datetime) -> dict[UUID, datetime]:
    """When adults last noticed a warning sign, as far back as a policy may look."""
    held = Observation.filter(
        child_id__in=list(ids), taken_back_at__isnull=True, at__gt=now - LONGEST
    )
    # Of several the latest is what stays.
    return dict(await held.order_by("at").values_list("child_id", "at"))


async def _were_missing(ids: Sequence[UUID]) -> Counter[UUID]:
    """How often each of them was missing, and is not any more."""
    rows = Alert.filter(child_id__in=list(ids), cause=Cause.MISSING, closed_at__isnull=False)
    return Counter(as_id(child_id) for child_id in await rows.values_list("child_id", flat=True))


async def _past(ids: Sequence[UUID]) -> dict[UUID, list[Past]]:
    """What we learn a child's habit from: the last rounds that are over. Rounds of the current
    silence do not count, so that the habit stays what it was when the silence began.

    Read only where it is needed, and only under a policy that asks for it: an answer is settled
    without a read, and has nothing more to write for it.
    """
    rows = await fetch(_PAST.format(any=among()), [list(ids), REMEMBERED])
    rounds_by_child: dict[UUID, list[Past]] = {}
    for row in rows:
        past = Past(as_moment(row["due_at"]), row["state"] == "answered")
        rounds_by_child.setdefault(as_id(row["child_id"]), []).append(past)
    return rounds_by_child


# Of the rounds that an adult settled by seeing the child, the late ones were missed; the others
# tell nothing.
_PAST = """
SELECT child_id, due_at, state FROM (
  SELECT child_id, due_at, state,
         ROW_NUMBER() OVER (PARTITION BY child_id ORDER BY due_at DESC) AS place
  FROM round WHERE child_id {any} AND settled_at IS NOT NULL
  AND (state IN ('answered', 'answered_late') OR (state = 'seen' AND settled_at >= late_at))
) AS latest WHERE place <= $2
"""


def case(
    watch: Watch,
    policy: Policy,
    pauses: tuple[Span, ...],
    carers: Mapping[UUID, tuple[UUID, ...]],
    knowledge: Knowledge = UNTOLD,
    seasons: tuple[Season, ...] = (),
) -> WatchState:
    """One case. Raises if a row makes no sense: the tick then sets that row apart."""
    asked = carers.get(watch.child_id, ())
    tier = Tier(watch.tier)
    terms = Terms(
        tier=tier,
        steps=policy.tiers[tier].steps,
        rhythm=_rhythm_of(msgspec.json.encode(watch.rhythm)),
        zone=known_zone(watch.zone),
        pauses=pauses,
        has_carer=bool(asked),
        knowledge=knowledge,
        seasons=seasons,
    )
    return WatchState(watch, standing_of(watch), terms, policy, asked)


@lru_cache(maxsize=8192)  # Many children share a rhythm.
def _rhythm_of(data: bytes) -> Rhythm:
    return rhythms.read(msgspec.json.decode(data))


def with_words(terms: Terms, words: spoken.ByCall, policy: Policy) -> Terms:
    """The terms, knowing what homes said since the last sign."""
    looks = spoken.looks(words.values(), policy, terms)
    return replace(terms, knowledge=replace(terms.knowledge, looks=looks))


_Pauses = dict[UUID, tuple[Span, ...]]
_Seasons = dict[UUID, tuple[Season, ...]]


async def _absences(ids: Sequence[UUID], now: datetime) -> tuple[_Pauses, _Seasons]:
    """The pauses and the seasons of these children, of which most have neither."""
    pauses: _Pauses = {}
    seasons: _Seasons = {}
    # Those that ended lately still count: the ceiling on silence begins at the end of a pause, and
    # rounds of a season may be missed.
    for row in await fetch(_ABSENCES.format(any=among()), [list(ids), now - LONGEST]):
        child_id, begin, end = as_id(row["child_id"]), *_from_until(row)
        if end <= begin:
            continue
        if row["rhythm"] is None:
            # A child who was back before the end has nothing to report then.
            returns = bool(row["returns"]) and row["ended_at"] is None
            pauses[child_id] = (*pauses.get(child_id, ()), Span(begin, end, returns))
        else:
            rhythm, zone = rhythms.read(as_document(row["rhythm"])), known_zone(row["zone"])
            season = Season(Span(begin, end), rhythm, zone)
            seasons[child_id] = (*seasons.get(child_id, ()), season)
    return pauses, seasons


def _from_until(row: Mapping[str, Any]) -> tuple[datetime, datetime]:
    until, ended = as_moment(row["until_at"]), row["ended_at"]
    return as_moment(row["from_at"]), until if ended is None else min(as_moment(ended), until)


_ABSENCES = """
SELECT child_id, from_at, until_at, ended_at, rhythm, zone, false AS returns
FROM season WHERE child_id {any} AND until_at > $2
UNION ALL
SELECT child_id, from_at, until_at, ended_at, NULL, NULL, returns
FROM pause WHERE child_id {any} AND until_at > $2
"""


def standing_of(watch: Watch) -> Standing:
    """The slice of the row that the rules need."""
    assert watch.due_at is not None
    assert watch.opens_at is not None
    return Standing(
        due_at=watch.due_at,
        opens_at=watch.opens_at,
        following_due_at=watch.following_due_at,
        prompted=watch.prompted,
        sign_at=watch.sign_at,
        missed_due_at=watch.missed_due_at,
        late_at=watch.late_at,
        ask_at=watch.ask_at,
        asked_at=watch.asked_at,
        alarm_at=watch.alarm_at,
        alarm_why=Why(watch.alarm_why) if watch.alarm_why else None,
        is_alerted=watch.is_alerted,
        last_call_at=watch.last_call_at,
        held_at=watch.held_at,
        misses=watch.misses,
    )


def as_row(standing: Standing, terms: Terms, watch: Watch, now: datetime) -> dict[str, Any]:
    """What is written back: the standing, and what it makes of the next moments."""
    then = standing.following_due_at
    then_opens = opens_of(terms, then, standing.due_at) if then is not None else None
    seen = State.MISSING if watch.is_missing else state(standing, terms, now)
    return {
        "tier": watch.tier,
        "tier_until_at": watch.tier_until_at,
        "tier_then": watch.tier_then,
        "standing": seen.value,
        "due_at": standing.due_at,
        "opens_at": standing.opens_at,
        "following_due_at": then,
        "following_opens_at": then_opens,
        "following_action_at": _then_act_at(standing, terms, watch, then_opens, now),
        "prompted": standing.prompted,
        "missed_due_at": standing.missed_due_at,
        "late_at": standing.late_at,
        "ask_at": standing.ask_at,
        "asked_at": standing.asked_at,
        "alarm_at": standing.alarm_at,
        "alarm_why": standing.alarm_why.value if standing.alarm_why else None,
        "call_at": _call_at(standing, terms),
        "is_alerted": standing.is_alerted,
        "last_call_at": standing.last_call_at,
        "held_at": standing.held_at,
        "misses": standing.misses,
        "heard_at": watch.heard_at,
        "heard_way": watch.heard_way,
        "old_came_at": watch.old_came_at,
        "old_said_at": watch.old_said_at,
        "sign_at": standing.sign_at,
        "answered_at": watch.answered_at,
        "is_missing": watch.is_missing,
        "rhythm": watch.rhythm,
        "zone": watch.zone,
        "next_action_at": _min(next_action_at(standing, terms, now), watch.tier_until_at),
        "quarantined_at": None,
    }


def _call_at(standing: Standing, terms: Terms) -> datetime | None:
    if standing.missed_due_at is None or standing.is_alerted:
        return None
    return called_by(standing, terms)[0]


def _then_act_at(
    standing: Standing, terms: Terms, watch: Watch, then_opens: datetime | None, now: datetime
) -> datetime | None:
    """When to decide next, if the current round is settled before then: stored, so that settling
    needs no read. An answer comes after the round has opened, so the ceiling cannot come earlier.
    """
    if then_opens is None:
        return None
    ceiling = ceiling_at(replace(standing, sign_at=standing.opens_at), terms)
    edges = [edge for p in terms.pauses for edge in (p.begin, p.end) if edge > now]
    return _min(min([then_opens, ceiling, *edges]), watch.tier_until_at)


def _min(moment: datetime, other: datetime | None) -> datetime:
    return moment if other is None else min(moment, other)


def passed(case: WatchState, now: datetime) -> tuple[WatchState, tuple[Change, ...]]:
    """The case as time has made it by `now`; a tier that ends in between ends at its moment."""
    until, watch = case.watch.tier_until_at, case.watch
    if until is None or until > now:
        standing, changes = advance(case.standing, case.terms, now)
        return replace(case, standing=standing), changes
    tier = Tier(watch.tier_then or watch.tier)
    watch.tier, watch.tier_until_at, watch.tier_then = tier.value, None, None
    terms = replace(case.terms, tier=tier, steps=case.policy.tiers[tier].steps)
    standing, changes = past_tier_end(case.standing, case.terms, now, until=until, then=terms)
    return replace(case, standing=standing, terms=terms), changes

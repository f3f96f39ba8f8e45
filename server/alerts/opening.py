"""Opening alerts, or joining open ones, and calling their first rung."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from tortoise.expressions import F, Q

from server.alerts import ladder as rules
from server.alerts.bundles import NONE_COMING, Coming
from server.alerts.causes import ladder_for
from server.alerts.climbing import advance, climb, climb_of, say, still_held, swap
from server.alerts.cries import rules as cries
from server.alerts.ladder import Call, Cause, Climb, Reachable
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.audit.actions import SYSTEM, Actor, note
from server.audit.models import Entry
from server.notify.actions import withdraw
from server.notify.contact_routes import without_a_way
from server.notify.rules import Kind
from server.policy.model import Ladder, Policy, Tier, ladder_as_data, ladder_from_data
from server.storage import bulk, instances
from server.storage.db import as_id
from server.storage.ids import uuid7


class Shared(msgspec.Struct, frozen=True):
    """What the alerts about several children have in common. One message calls adults about all of
    them; everything else belongs to each alert."""

    id: UUID
    cause: str  # home, outage, provider
    window: timedelta  # Calls within this time of each other go out as one.
    until: datetime | None = None  # The first call waits until then for others.


# People and agencies in, and how many more children each of them will be called about now.
StillComing = Callable[[Collection[UUID], Collection[UUID], datetime], Awaitable[Coming]]


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """An alert to open, or to join where one is open for that child and cause."""

    child_id: UUID
    agency_id: UUID
    cause: Cause
    tier: Tier
    reason: str
    opened_at: datetime
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)
    words: str | None = None
    actor: Actor = SYSTEM
    shared: Shared | None = None  # What several silences have in common, if anything.
    misses: int = 1  # 0 where the longest silence ended before anything was late.
    said_at: datetime | None = None  # Where it reached us much later.
    is_wish: bool = False  # It only adds how the child wants to be met.

    @property
    def is_call(self) -> bool:
        """Whether the child calls: for help, or to talk."""
        return self.is_help or self.cause is Cause.TALK

    @property
    def is_help(self) -> bool:
        """Whether the child calls for help, by a call or by the agreed sign."""
        return self.cause in cries.CRIES


async def open_alerts(
    openings: Sequence[Opening],
    policies: Mapping[UUID, Policy],
    now: datetime,
    still: StillComing | None = None,
) -> list[Alert]:
    """Open these alerts and call their first rung, in the caller's transaction.

    Where one is open already for that child and cause, the new miss joins it and nobody is called
    twice. `still` says who will be called about more children by later batches of this tick.
    Returns the alerts, opened or joined, in the order of the openings.
    """
    if not openings:
        return []
    # Take the first step before writing the alert, so that it is written once.
    reach = await reach_of({opening.child_id: opening.agency_id for opening in openings}, now)
    ladders = _ladders(openings, policies)
    begun = [
        await _begin(opening, *ladders[_kind(opening)], reach[opening.child_id], now)
        for opening in openings
    ]
    rows = [row for row, _, _ in begun]
    made = {as_id(key) for key in await bulk.insert(Alert, rows, skip_known=True)}
    by_key = {(alert.child_id, alert.cause): alert for alert in await _standing(rows, made)}
    alerts = [by_key[(opening.child_id, opening.cause.value)] for opening in openings]
    pairs = list(zip(openings, alerts, strict=True))
    await _enter([pair for pair in pairs if pair[1].id in made], now)
    for opening, alert in pairs:
        if alert.id not in made:
            await _join(alert, opening, now)
    called = [
        (alert, climb, await _with_others(alert, calls, reach[alert.child_id], now))
        for alert, (row, climb, calls) in zip(alerts, begun, strict=True)
        if alert.id in made and alert.id == row["id"] and calls
    ]
    if called:
        await say(called, now, await _coming(called, still, now))
    return alerts


async def _with_others(
    alert: Alert, calls: tuple[Call, ...], reach: Reachable, now: datetime
) -> tuple[Call, ...]:
    """A call for help while adults are called about this child for another cause: those who have
    that alert, or were called about it, hear of this one at once, and by every channel. An answer
    to a silence has closed that alert a moment ago; for them it is not over."""
    if alert.cause not in cries.CRIES:
        return calls
    is_open = Q(closed_at__isnull=True) | Q(closed_at=now, closed_by__isnull=True)
    others = Alert.filter(is_open, child_id=alert.child_id, agency_id=alert.agency_id)
    hearing: list[Call] = []
    for other in await others.exclude(id=alert.id):
        ladder = ladder_from_data(other.ladder)
        there = reach.on(*ladder.rungs)
        before = await still_held(other, now)
        if rules.is_ended(before, now):
            before = replace(before, acknowledged_by=None)
        hearers = cries.hearers(before, ladder, there, now)
        for person in {person for call in hearers for person in call.people}:
            clear = [Kind.ALL_CLEAR]
            await withdraw([other.id], "called_again", now, kinds=clear, person_id=person)
        hearing += hearers
    if not hearing:
        return calls
    first = calls[0]
    beside = (replace(call, rung=first.rung, turn=first.turn, why=first.why) for call in hearing)
    return tuple(replace(call, cries=1) for call in (*calls, *beside))


async def _coming(
    called: Sequence[tuple[Alert, Climb, tuple[Call, ...]]],
    still: StillComing | None,
    now: datetime,
) -> Coming:
    if still is None:
        return NONE_COMING
    people = {person for _, _, calls in called for call in calls for person in call.people}
    return await still(people, {alert.agency_id for alert, _, _ in called}, now)


async def _standing(rows: Sequence[dict[str, Any]], made: Collection[UUID]) -> list[Alert]:
    """The alerts just made, and the open ones of the children whose alert was there before."""
    new = [row for row in rows if row["id"] in made]
    standing = [instances.built(Alert, row, _NOT_YET) for row in new]
    joining = [row["child_id"] for row in rows if row["id"] not in made]
    if joining:
        # Locked, so that a miss that joins never loses to an acknowledgement in the same moment.
        open_ = Alert.filter(child_id__in=joining, closed_at__isnull=True).order_by("id")
        standing += await open_.select_for_update()
    return standing


# Fields that the row of a new alert leaves out, as the database has them.
_NOT_YET = {"held_by_call": False, "untold": 0, "is_beside": False} | dict.fromkeys(
    (
        "called_said_at",
        "called_at",
        "tell_at",
        "react_at",
        "acknowledged_by",
        "acknowledged_at",
        "held_until",
        "answered_at",
        "contacted_at",
        "contacted_by",
        "closed_at",
        "closed_by",
        "outcome",
        "closing_words",
    )
)


_Kind = tuple[UUID, Cause, Tier]


def _kind(opening: Opening) -> _Kind:
    """What decides on the ladder."""
    return opening.agency_id, opening.cause, opening.tier


def _ladders(
    openings: Iterable[Opening], policies: Mapping[UUID, Policy]
) -> dict[_Kind, tuple[Ladder, dict[str, Any]]]:
    """The ladder of each kind, also as an alert keeps it: hundreds of alerts share a few."""
    kinds = {_kind(opening) for opening in openings}
    ladders = {kind: ladder_for(kind[1], policies[kind[0]], kind[2]) for kind in kinds}
    return {kind: (ladder, ladder_as_data(ladder)) for kind, ladder in ladders.items()}


async def _begin(
    opening: Opening, ladder: Ladder, data: Mapping[str, Any], reach: Reachable, now: datetime
) -> tuple[dict[str, Any], Climb, tuple[Call, ...]]:
    """The row of a new alert on its first rung, and the people called."""
    # The ladder begins when we can call, not when it became true: after our server was down the
    # first rung has its whole time to answer.
    begun, calls = await advance(
        opening.cause, opening.child_id, rules.begin(ladder, now), ladder, reach, now
    )
    return _alert_row(opening, data, begun, now), begun, calls


def _alert_row(
    opening: Opening, ladder: Mapping[str, Any], begun: Climb, now: datetime
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "agency_id": opening.agency_id,
        "child_id": opening.child_id,
        "cause": opening.cause.value,
        "tier": opening.tier.value,
        "opened_at": opening.opened_at,
        "noticed_at": now,
        "opened_by": opening.actor.id,
        "reason": opening.reason,
        "words": opening.words,
        "said_at": opening.said_at,
        "facts": {**opening.facts, **_shared_facts(opening.shared)},
        "ladder": ladder,
        "state": begun.state.value,
        "rung": begun.rung,
        "turn": begun.turn,
        "next_action_at": begun.next_action_at,
        "decide_at": begun.decide_at,
        "misses": opening.misses,
        "version": 0,
    }


def _shared_facts(shared: Shared | None) -> dict[str, Any]:
    if shared is None:
        return {}
    until = shared.until.isoformat() if shared.until is not None else None
    window = shared.window.total_seconds()
    return {
        "shared": {
            "id": str(shared.id),
            "cause": shared.cause,
            "window_s": window,
            "until": until,
        }
    }


async def _join(alert: Alert, opening: Opening, now: datetime) -> None:
    before = climb_of(alert)
    if opening.is_help and not (opening.is_wish and before.acknowledged_by is None):
        # A wish alone stands on the page that those who were called a moment ago open.
        gone = await without_a_way([who] if (who := before.acknowledged_by) else [], now)
        joined = cries.cry(before, now, is_reachable=not gone)
    else:
        joined = rules.rejoin(before, ladder_from_data(alert.ladder), now)
    again = {"called_at": now, "called_said_at": opening.said_at} if opening.is_call else {}
    await swap(alert, joined, misses=alert.misses + 1, **again)
    await note(
        opening.actor,
        "alert:join",
        child_id=alert.child_id,
        about=("alert", alert.id),
        agency_id=alert.agency_id,
        why=opening.reason,
        now=now,
    )
    if joined.rung == -1 or joined.cry != before.cry:
        await climb([await Alert.get(id=alert.id)], now)


async def join_misses(children: Iterable[UUID], now: datetime) -> None:
    """Further rounds of these children are late while their alert is open: each joins it. After a
    time when our server was down, a child is listed once for each late round."""
    how_many = Counter(children)
    for misses in set(how_many.values()):
        ids = [child for child, count in how_many.items() if count == misses]
        await Alert.filter(
            child_id__in=ids, cause=Cause.SILENCE.value, closed_at__isnull=True
        ).update(misses=F("misses") + misses)


async def _enter(opened: Sequence[tuple[Opening, Alert]], now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "at": now,
            "agency_id": alert.agency_id,
            "who_id": opening.actor.id,
            "who_role": opening.actor.role,
            "what": "alert:open",
            "child_id": alert.child_id,
            "about_kind": "alert",
            "about_id": alert.id,
            "names": [],
            "why": alert.reason,
        }
        for opening, alert in opened
    ]
    await bulk.insert(Entry, rows)

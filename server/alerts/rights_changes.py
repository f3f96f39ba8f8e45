"""What changes of ties, deputies and the rota do to open alerts: the holder may have lost the right
to one, and a new caseworker must hear of it.

All of it happens in the transaction of the change. What time alone changes is stored: the end of a
right in the alert's `next_action_at`. `arrivals` finds what begins later, by its stored beginning.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import F, Q

from server.alerts.climbing import AT_ONCE, CALLING, climb
from server.alerts.drills.actions import interrupt
from server.alerts.ladder import State
from server.alerts.models import Alert
from server.alerts.silences.reading import together_of
from server.notify.actions import Saying, queue
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.events import Rights
from server.people.models import Tie
from server.people.rules import Role
from server.rota.calendar import stand_in
from server.rota.duty import INSTANT, rotas_of
from server.storage.db import as_id, fetch, write
from server.web.live import announce

# How many taken alerts a change of the rota looks at. The next ticks do the rest.
WITH_A_CHANGE = 50
# A right may begin in a moment that is stored while another tick looks: the next tick finds it.
OVERLAP = timedelta(seconds=5)


async def hear(rights: Rights, now: datetime) -> None:
    """The rights of a person have changed, or who is on duty."""
    if rights.rota_of is not None:
        await rota_changed(rights.rota_of, now)
        return
    if rights.child_id is not None:
        # Lock all of them: either a person who takes one now sees the change, or we see that.
        alerts = await _locked(Q(child_id=rights.child_id))
    elif rights.deputy_of is not None:
        alerts = await _locked(_of_caseworker(rights.deputy_of, now))
    else:
        alerts = []
        await look_again(Q(acknowledged_by=rights.person_id), now)
    await climb([alert for alert in alerts if alert.acknowledged_by is not None], now)
    if rights.came is not None and alerts:
        ids = [alert.id for alert in alerts]
        await tell(await _open(Q(id__in=ids)), rights.came, now)


def _of_caseworker(person_id: UUID, now: datetime) -> Q:
    standing = Q(child__ties__until_at__isnull=True) | Q(child__ties__until_at__gt=now)
    return standing & Q(
        child__ties__person_id=person_id,
        child__ties__role=Role.CASEWORKER,
        child__ties__from_at__lte=now,
    )


async def _open(which: Q) -> list[Alert]:
    return await Alert.filter(which, closed_at__isnull=True).order_by("id").limit(AT_ONCE)


async def _locked(which: Q) -> list[Alert]:
    ids = [alert.id for alert in await _open(which)]
    return await Alert.filter(id__in=ids).order_by("id").select_for_update()


async def look_again(which: Q, now: datetime) -> None:
    """The holder of one of these may have lost the right: check some here, the tick does the
    rest."""
    held = Alert.filter(which, closed_at__isnull=True, acknowledged_by__isnull=False)
    first = await held.order_by("id").limit(WITH_A_CHANGE).select_for_update()
    await climb(first, now)
    if len(first) == WITH_A_CHANGE:
        rest = held.filter(id__gt=first[-1].id, next_action_at__gt=now)
        await rest.update(next_action_at=now, version=F("version") + 1)


async def rota_changed(agency_id: UUID, now: datetime) -> None:
    """Other people are on duty, or cover for those on leave. In the transaction of that change."""
    await look_again(Q(agency_id=agency_id, held_by_call=False), now)


async def tell(alerts: Sequence[Alert], newcomer: UUID, now: datetime) -> None:
    """The newcomer is the caseworker of this child now, or the deputy of one. They hear of open
    alerts at once, on whichever rung the ladder is; while they are away, their cover does. Not
    twice."""
    sayings = []
    for alert in alerts:
        rota = (await rotas_of([alert.agency_id], now, now + INSTANT))[alert.agency_id]
        who = stand_in(rota, newcomer, now)
        # Nobody has been called yet: the first rung will be.
        if who is None or alert.rung < 0 or await _has_been_told(alert, who, now):
            continue
        sayings.append(_saying(alert, who))
    await interrupt(sayings, now)
    await queue(sayings, now)
    for agency_id in {saying.agency_id for saying in sayings if saying.agency_id is not None}:
        await announce(agency_id, "alert")


async def _has_been_told(alert: Alert, who: UUID, now: datetime) -> bool:
    """A message withdrawn before it went out has told nobody, and makes room."""
    kinds = [kind.value for kind in CALLING]
    held = Message.filter(subject_id=alert.id, person_id=who, kind__in=kinds)
    if await held.filter(~Q(state="withdrawn") | Q(attempts__gt=0)).exists():
        return True
    # Messages are unique by turn. A real turn is never below zero, so this one is free.
    await held.filter(turn=alert.turn).update(turn=-int(now.timestamp()))
    return False


def _saying(alert: Alert, who: UUID) -> Saying:
    is_answered = alert.state == State.ANSWERED
    return Saying(
        kind=Kind.CONFIRM_ANSWERED if is_answered else Kind.ALERT,
        agency_id=alert.agency_id,
        subject_kind="alert",
        subject_id=alert.id,
        person_id=who,
        rung=alert.rung,
        turn=alert.turn,
        child_id=alert.child_id,
        urgency="high",
        together=together_of(alert),
    )


# --- rights that begin by themselves

_CAME = """
SELECT a.id, t.person_id FROM tie t
JOIN alert a ON a.child_id = t.child_id AND a.agency_id = t.agency_id AND a.closed_at IS NULL
WHERE t.role = $3 AND t.from_at > $1 AND t.from_at <= $2
AND (t.until_at IS NULL OR t.until_at > $2)
UNION
SELECT a.id, t.person_id FROM leave l
JOIN tie t ON t.person_id = l.person_id AND t.role = $3 AND t.from_at <= $2
AND (t.until_at IS NULL OR t.until_at > $2)
JOIN alert a ON a.child_id = t.child_id AND a.agency_id = t.agency_id AND a.closed_at IS NULL
WHERE l.from_at > $1 AND l.from_at <= $2 AND l.until_at > $2 AND l.ended_at IS NULL
"""


async def arrivals(since: datetime, now: datetime) -> int:
    """Tell people of open alerts who have become a caseworker since then, or cover for one on
    leave; returns about how many alerts there were to look at."""
    rows = await fetch(_CAME, [since - OVERLAP, now, Role.CASEWORKER.value])
    for row in rows:
        async with write():
            alerts = await _locked(Q(id=as_id(row["id"])))
            await tell(
                [alert for alert in alerts if alert.closed_at is None], as_id(row["person_id"]), now
            )
    return len(rows)


async def tell_caseworkers(alerts: Collection[Alert], now: datetime) -> None:
    """These alerts have new caseworkers: each of them hears of it. In the transaction of that
    change."""
    for alert in alerts:
        standing = Tie.filter(
            Tie.standing_at(now), child_id=alert.child_id, role=Role.CASEWORKER
        ).filter(person__disabled_at__isnull=True)
        for person_id in await standing.values_list("person_id", flat=True):
            await tell([alert], as_id(person_id), now)

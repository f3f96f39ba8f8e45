"""Alerts over the API: who is called, which messages went out, acknowledging and closing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.alerts import actions as alerts
from server.alerts.attempt_rules import LONGEST, STILL, Result, Target, Tried, Way
from server.alerts.called_access import was_called
from server.alerts.ladder import Cause, Outcome, State
from server.alerts.models import Alert
from server.alerts.tried import attempts_by_alert
from server.alerts.weighed import visible
from server.checkin.calls import calls_of
from server.desk.alerts.wire import (
    AttemptOut,
    CallOut,
    SentOut,
    attempt_out,
    call_out,
    named_as,
    sent_by_alert,
)
from server.desk.ladder import Named, RungOut, rungs_out
from server.errors import Conflict, IdReused, NotFound, Refused
from server.notify.models import Message
from server.people.access import (
    Roles,
    called_about,
    child_for,
    is_only_called,
    looked,
    may_read,
    nothing_here,
    now_of,
    staff_of,
    visitor_of,
)
from server.people.models import Person
from server.people.rules import Action, Role
from server.policy.model import Tier
from server.storage.parts import QUERY, part_after
from server.watch import children, evidence, watch_alerts
from server.watch.wire import Moment, Words
from server.web.openapi import api, query_of
from server.web.rendering import language_of, zone_of
from server.web.requests import json_body
from server.web.responses import json_answer


class AlertOut(msgspec.Struct):
    """A call to adults, with its evidence and the messages that were sent. `said_at`: when the
    child said it, where it reached us much later. `calls`: what they said, the last 20.
    `called_at`: when they last called again; `is_unread`: the person who has the alert has not
    reacted to it, and others are called at `react_at`, and then again and again."""

    id: UUID
    child: Named
    cause: Cause
    tier: Tier
    state: State
    opened_at: datetime
    noticed_at: datetime
    reason: str
    words: str | None
    misses: int
    sentence: str
    facts: dict[str, Any]
    rung: int
    turn: int
    next_at: datetime | None
    decide_at: datetime | None
    acknowledged_by: Named | None
    acknowledged_at: datetime | None
    held_until: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    closed_by: Named | None
    outcome: Outcome | None
    contacted_at: datetime | None
    contacted_by: Named | None
    rungs: list[RungOut]
    sent: list[SentOut]
    attempts: list[AttemptOut]
    said_at: datetime | None
    called_at: datetime | None
    is_unread: bool
    react_at: datetime | None
    calls: list[CallOut]


class CalledOut(msgspec.Struct):
    """That people are called, or were, for a person who may not read the alert."""

    id: UUID
    state: State
    opened_at: datetime
    closed_at: datetime | None
    outcome: Outcome | None


class AlertsOut(msgspec.Struct):
    """Open alerts, the oldest first. `next`: where there are more, the `after` of the next part."""

    alerts: list[AlertOut]
    next: UUID | None


class Nothing(msgspec.Struct):
    """Nothing needs to be said."""


class CloseRequest(msgspec.Struct):
    """How it ended, and in whose words. `misses`: of the alert as it was read; where the child has
    called since, it stays open (409 `called_again`)."""

    outcome: Outcome
    words: Words | None = None
    misses: Annotated[int, msgspec.Meta(ge=0)] | None = None


class AttemptRequest(msgspec.Struct):
    """What you tried. `result` `reached`: you reached the child, on whatever number. Without `at`
    it was just now."""

    id: UUID
    way: Way
    target: Target
    result: Result
    at: Moment | None = None
    words: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None


async def open_alerts(request: Request) -> Response:
    """Open alerts of the children the visitor is tied to, and alerts to which they were called."""
    asked, roles = query_of(request, **QUERY), await children.alerted(request)
    rows = Alert.filter(child_id__in=list(roles), closed_at__isnull=True)
    pick = partial(those_for, request, roles)
    shown, following = await part_after(rows, "opened_at", asked["after"], asked["limit"], pick)
    # Evidence and what was sent: more than a list.
    ids = [alert.child_id for alert in shown]
    await looked(await visitor_of(request), ids, f"look:{Action.ALERT_SEE}", now_of(request))
    return json_answer(AlertsOut(await alerts_out(shown, request), following))


async def those_for(
    request: Request, roles: Mapping[UUID, Roles], candidates: Sequence[Alert]
) -> list[Alert]:
    """The alerts among these that the visitor may see. If they were only called about a child: just
    the alert that called them."""
    called = await called_about(request)
    return [
        alert
        for alert in candidates
        if alert.id in called
        or Role.GLASS in roles[alert.child_id]
        or not is_only_called(roles[alert.child_id], Action.ALERT_SEE)
    ]


async def one_alert(request: Request) -> Response:
    """One alert."""
    alert, _ = await alert_for(request, Action.ALERT_SEE)
    return json_answer((await alerts_out([alert], request))[0])


async def acknowledge(request: Request) -> Response:
    """ "I have it." """
    await json_body(request, Nothing)
    alert, _ = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    alert = await alerts.acknowledge(await visitor_of(request), alert.id, now_of(request))
    return await answer(request, alert)


async def close(request: Request) -> Response:
    """It is over, and how."""
    payload = await json_body(request, CloseRequest)
    alert = await alert_to_close(request)
    alert = await watch_alerts.close_alert(
        await visitor_of(request),
        alert.id,
        payload.outcome,
        payload.words,
        now_of(request),
        misses=payload.misses,
    )
    return await answer(request, alert)


async def log_attempt(request: Request) -> Response:
    """Log that one tried to reach the child."""
    payload = await json_body(request, AttemptRequest)
    alert = await alert_to_log(request)
    tried = Tried(
        payload.id, payload.way, payload.target, payload.result, payload.words, payload.at
    )
    await watch_alerts.log_attempt(await visitor_of(request), alert.id, tried, now_of(request))
    await alert.refresh_from_db()
    return await answer(request, alert)


async def alert_to_log(request: Request) -> Alert:
    """The alert of the path, for an adult who may log what they tried. For some hours after it has
    closed also for those it had called: what they tried must not get lost."""
    try:
        alert, _ = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    except NotFound:
        visitor, since = await staff_of(request), now_of(request) - STILL
        ended = Alert.filter(agency_id=visitor.agency_id, closed_at__gt=since)
        closed = await ended.get_or_none(id=request.path_params["alert_id"])
        if closed is None or not await was_called(visitor.person_id, closed.id):
            raise
        return closed
    return alert


async def alert_for(request: Request, action: Action) -> tuple[Alert, Roles]:
    """The alert of the path and the visitor's roles for its child, if the visitor may do this about
    that child. Anyone else gets NotFound, as does a visitor in an emergency once it is closed."""
    visitor = await staff_of(request)
    alert = await Alert.get_or_none(id=request.path_params["alert_id"], agency_id=visitor.agency_id)
    if alert is None:
        raise nothing_here()
    _, roles = await child_for(request, alert.child_id, action, by_call=True, alert_id=alert.id)
    if alert.closed_at is not None and is_only_called(roles, action):
        raise nothing_here()
    return alert, roles


async def alert_to_close(request: Request) -> Alert:
    """The alert of the path, for an adult who may close it. Also for the adult who closed it,
    although that ended their call: the same request again gets the first answer."""
    try:
        alert, _ = await alert_for(request, Action.ALERT_CLOSE)
    except NotFound:
        visitor = await staff_of(request)
        own = Alert.filter(agency_id=visitor.agency_id, closed_by=visitor.person_id)
        closed = await own.get_or_none(id=request.path_params["alert_id"])
        if closed is None:
            raise
        return closed
    return alert


async def answer(request: Request, alert: Alert, *, status: int = 200) -> Response:
    """The alert after a write, if the writer may read it now: a call ends with the alert."""
    is_open = alert.closed_at is None
    roles = await may_read(
        request, alert.child_id, Action.ALERT_SEE, by_call=is_open, alert_id=alert.id
    )
    if roles is not None:
        return json_answer((await alerts_out([alert], request))[0], status=status)
    state, outcome = State(alert.state), Outcome(alert.outcome) if alert.outcome else None
    out = CalledOut(alert.id, state, alert.opened_at, alert.closed_at, outcome)
    return json_answer(out, status=status)


async def alerts_out(alert_rows: list[Alert], request: Request) -> list[AlertOut]:
    """Alerts as the reader sees them, with a handful of queries for all."""
    now, language, zone = now_of(request), language_of(request), zone_of(request)
    facts = await evidence.of([alert.child_id for alert in alert_rows], now)
    messages = await Message.filter(subject_id__in=[a.id for a in alert_rows]).order_by("queued_at")
    tried = await attempts_by_alert([a.id for a in alert_rows])
    calls = await calls_of(alert_rows)
    who = [t.who_id for some in tried.values() for t in some]
    who += [call.by_id for some in calls.values() for call in some]
    names = await _names(alert_rows, messages, who)
    rungs, sent = rungs_out(alert_rows, messages, names), await sent_by_alert(messages, names)
    return [
        _out(
            alert,
            names,
            evidence.sentence(facts[alert.child_id], language, zone, now),
            rungs=rungs[alert.id],
            sent=sent.get(alert.id, []),
            attempts=[attempt_out(attempt, names) for attempt in tried.get(alert.id, [])],
            calls=[call_out(call, names) for call in calls.get(alert.id, [])],
        )
        for alert in alert_rows
    ]


async def _names(
    alert_rows: Sequence[Alert], messages: Sequence[Message], who: Sequence[UUID]
) -> dict[UUID, str]:
    people = {a.child_id for a in alert_rows} | {m.person_id for m in messages if m.person_id}
    people |= {
        person
        for a in alert_rows
        for person in (a.acknowledged_by, a.contacted_by, a.closed_by, *who)
        if person is not None
    }
    return {p.id: p.name for p in await Person.filter(id__in=list(people))}


def _out(alert: Alert, names: dict[UUID, str], sentence: str, **lists: Any) -> AlertOut:
    return AlertOut(
        id=alert.id,
        child=Named(alert.child_id, names[alert.child_id]),
        cause=Cause(alert.cause),
        tier=Tier(alert.tier),
        state=State(alert.state),
        opened_at=alert.opened_at,
        noticed_at=alert.noticed_at,
        reason=alert.reason,
        words=alert.words,
        misses=alert.misses,
        sentence=sentence,
        # A list of alerts is read by people called to one of them, too.
        facts=visible(alert.facts, sees_signs=False),
        rung=max(alert.rung, 0),
        turn=alert.turn,
        next_at=alert.next_action_at,
        decide_at=alert.decide_at,
        acknowledged_by=named_as(alert.acknowledged_by, names),
        acknowledged_at=alert.acknowledged_at,
        held_until=alert.has_until,
        answered_at=alert.answered_at,
        closed_at=alert.closed_at,
        closed_by=named_as(alert.closed_by, names),
        outcome=Outcome(alert.outcome) if alert.outcome else None,
        contacted_at=alert.contacted_at,
        contacted_by=named_as(alert.contacted_by, names),
        said_at=alert.said_at,
        called_at=alert.called_at,
        is_unread=alert.react_at is not None,
        react_at=alert.react_at,
        **lists,
    )


WRITTEN = (AlertOut, CalledOut)
_ALERT = "/api/v1/alerts/{alert_id:uuid}"

routes = [
    api("GET", "/api/v1/alerts", open_alerts, "Open alerts", query=QUERY, gives={200: AlertsOut}),
    api("GET", _ALERT, one_alert, "One alert", gives={200: AlertOut}),
    api(
        "POST",
        f"{_ALERT}/acknowledge",
        acknowledge,
        "Acknowledge an alert",
        takes=Nothing,
        gives={200: WRITTEN},
        problems=(Conflict,),
    ),
    api(
        "POST",
        f"{_ALERT}/close",
        close,
        "Close an alert",
        takes=CloseRequest,
        gives={200: WRITTEN},
        problems=(Conflict, Refused),
    ),
    api(
        "POST",
        f"{_ALERT}/attempts",
        log_attempt,
        "Log an attempt",
        takes=AttemptRequest,
        gives={200: WRITTEN},
        problems=(IdReused, Refused),
    ),
]

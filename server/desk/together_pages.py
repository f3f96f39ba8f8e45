"""The page that one message about several children opens: each child with their own clock.

Only the page and one button are shared: each child has an alert of their own, and "I have them all"
takes each alert separately.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts import actions as alerts
from server.alerts.bundles import told_as_one
from server.alerts.ladder import Reachable, people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.desk import alert_pages
from server.desk.alert_api import alert_for, those_for
from server.desk.ladder import NOBODY_TO_CALL, next_call
from server.errors import Conflict, Denied, NotFound
from server.i18n import N_, format_list, gettext, ngettext
from server.notify.contact_routes import ways_of
from server.people.access import Roles, called_about, looked, now_of, staff_of
from server.people.children_access import children_for
from server.people.models import Child, Home, Person
from server.people.rules import Action, may
from server.policy.model import Rung
from server.watch import evidence
from server.watch.shared import HOME, OUTAGE, PROVIDER, others_of
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of


class Line(msgspec.Struct, frozen=True):
    """One child on this page. `state`: free, mine, theirs, closed."""

    alert: Alert
    name: str
    sentence: str
    state: str
    next: str
    may_take: bool


async def show(request: Request) -> Response:
    """All children of the message that the reader may see."""
    try:
        alert, _ = await alert_for(request, Action.ALERT_SEE)
    except NotFound:
        if (other := await _another(request)) is not None:
            return RedirectResponse(f"/desk/alerts/{other}/together", status_code=303)
        # A deputy who has no tie: the page of the alert names the person to ask.
        return await alert_pages.show(request)
    return await _page(request, alert)


async def _another(request: Request) -> UUID | None:
    """Another open alert of the same message, where the one that led it is over: that ended the
    right of a person who was only called. Or where that child went to another agency."""
    visitor = await staff_of(request)
    assert visitor.agency_id is not None
    called = await called_about(request)
    others = await told_as_one(
        request.path_params["alert_id"], visitor.agency_id, visitor.person_id
    )
    return min((other.id for other in others if other.id in called), default=None)


async def take(request: Request) -> Response:
    """ "I have them all": takes each untaken alert separately. An adult who was faster keeps
    theirs."""
    try:
        alert, _ = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    except NotFound:
        if (other := await _another(request)) is None:
            return await alert_pages.over(request)
        alert = await Alert.get(id=other)
    visitor, now = await staff_of(request), now_of(request)
    shared_alerts, roles = await _all(request, alert)
    refused: list[UUID] = []
    for shared_alert in shared_alerts:
        is_free = shared_alert.closed_at is None and shared_alert.acknowledged_by is None
        if is_free and may(roles[shared_alert.child_id], Action.ALERT_ACKNOWLEDGE):
            try:
                await alerts.acknowledge(visitor, shared_alert.id, now)
            except Conflict:
                refused.append(shared_alert.id)
    if refused:
        return await _page(request, await Alert.get(id=alert.id), refused=len(refused), status=409)
    return RedirectResponse(f"/desk/alerts/{alert.id}/together", status_code=303)


async def _all(request: Request, alert: Alert) -> tuple[list[Alert], dict[UUID, Roles]]:
    """This alert, those that share its cause, and those of the same message, as far as the reader
    may see them; and the reader's roles for their children."""
    reader = (await staff_of(request)).person_id
    told = await told_as_one(alert.id, alert.agency_id, reader)
    beside = [alert, *await others_of(alert), *told]
    candidates = list({candidate.id: candidate for candidate in beside}.values())
    among = {candidate.child_id for candidate in candidates}
    still = {candidate.child_id for candidate in candidates if candidate.closed_at is None}
    roles = await children_for(request, Action.ALERT_SEE, also=still, among=among, by_call=True)
    seen = [candidate for candidate in candidates if candidate.child_id in roles]
    return await those_for(request, roles, seen), roles


async def _page(request: Request, alert: Alert, *, refused: int = 0, status: int = 200) -> Response:
    visitor, now = await staff_of(request), now_of(request)
    language, zone = language_of(request), zone_of(request)
    shared_alerts, roles = await _all(request, alert)
    if not shared_alerts:
        raise Denied(N_("You can see this child, but you cannot do this."))
    ids = [shared_alert.child_id for shared_alert in shared_alerts]
    await looked(visitor, ids, f"look:{Action.ALERT_SEE}", now)
    lines = await _lines(request, shared_alerts, roles, visitor.person_id)
    free = [line for line in lines if line.state == "free" and line.may_take]
    context: dict[str, Any] = {
        "alert": alert,
        "title": ngettext(
            language,
            "{n} child has not answered",
            "{n} children have not answered",
            len(shared_alerts),
        ),
        "why": await _why(shared_alerts, language),
        "groups": [
            (title, some)
            for title, some in (
                (gettext(language, N_("Not taken yet")), _of(lines, "free")),
                (gettext(language, N_("With you")), _of(lines, "mine")),
                (gettext(language, N_("With someone else")), _of(lines, "theirs")),
                (gettext(language, N_("Closed")), _of(lines, "closed")),
            )
            if some
        ],
        "free": len(free),
        "refused": refused,
        "shown": partial(when, language, zone=zone, now=now),
        "now": now,
    }
    return page(request, "desk/together.html", context, status=status)


def _of(lines: Sequence[Line], state: str) -> list[Line]:
    return [line for line in lines if line.state == state]


async def _lines(
    request: Request, shared_alerts: Sequence[Alert], roles: dict[UUID, Roles], reader: UUID
) -> list[Line]:
    now, language, zone = now_of(request), language_of(request), zone_of(request)
    facts = await evidence.of([alert.child_id for alert in shared_alerts], now)
    reach = await reach_of({alert.child_id: alert.agency_id for alert in shared_alerts}, now)
    people = {alert.child_id for alert in shared_alerts}
    people |= {
        alert.acknowledged_by for alert in shared_alerts if alert.acknowledged_by is not None
    }
    for who in reach.values():
        people |= {id_ for some in (who.there, who.away) for id_ in people_on(Rung.EVERYONE, some)}
    names = {person.id: person.name for person in await Person.filter(id__in=list(people))}
    reached = (await ways_of(names, now)).keys() & names.keys()
    lines = [
        Line(
            alert=alert,
            name=names[alert.child_id],
            sentence=evidence.sentence(facts[alert.child_id], language, zone, now),
            state=_state(alert, reader),
            next=_next(
                request, alert, _state(alert, reader), reach[alert.child_id], names, reached
            ),
            may_take=may(roles[alert.child_id], Action.ALERT_ACKNOWLEDGE),
        )
        for alert in shared_alerts
    ]
    return sorted(lines, key=lambda line: line.name.casefold())


def _state(alert: Alert, reader: UUID) -> str:
    if alert.closed_at is not None:
        return "closed"
    if alert.held_until is None:
        return "free"
    return "mine" if alert.acknowledged_by == reader else "theirs"


def _next(
    request: Request,
    alert: Alert,
    state: str,
    reach: Reachable,
    names: Mapping[UUID, str],
    reached: Collection[UUID],
) -> str:
    """Until when which adult has it, or when the ladder goes on, and to which adult."""
    now, language, zone = now_of(request), language_of(request), zone_of(request)
    if alert.closed_at is None and alert.held_until is not None:
        word = N_("With you until {time}") if state == "mine" else N_("With {name} until {time}")
        name = names.get(alert.acknowledged_by, "") if alert.acknowledged_by else ""
        until = when(language, alert.has_until or alert.held_until, zone, now)
        return gettext(language, word, name=name, time=until)
    call = next_call(alert, reach) if state == "free" else None
    if call is None:
        return ""
    time = when(language, call.at, zone, now)
    called = sorted(names[id_] for id_ in call.people if id_ in reached)
    if call.people and not called:
        lost = format_list(language, sorted(names[id_] for id_ in call.people if id_ in names))
        return gettext(language, NOBODY_TO_CALL, time=time, names=lost)
    who = format_list(language, called) or gettext(language, call.who.label)
    return gettext(language, N_("If not taken by {time}, we call {who}."), time=time, who=who)


async def _why(shared_alerts: Sequence[Alert], language: str) -> str:
    """What they have in common, and what that may mean."""
    alert = shared_alerts[0]
    if len({each.facts.get("shared", {}).get("id") for each in shared_alerts}) > 1:
        return gettext(language, N_("They do not all have the same cause. Look at each child."))
    cause = alert.facts.get("shared", {}).get("cause")
    if cause == HOME:
        child = await Child.get(id=alert.child_id)
        home = await Home.get_or_none(id=child.home_id) if child.home_id is not None else None
        if home is not None:
            word = N_("All of them live in {home}. Ask there first. Perhaps it is the place.")
            return gettext(language, word, home=home.name)
    words = {
        OUTAGE: N_("Our server was down. Perhaps their answers could not reach us."),
        PROVIDER: N_("A push service did not accept our reminders. Perhaps none was shown."),
    }
    return gettext(language, words[cause]) if cause in words else ""


routes = [
    Route("/desk/alerts/{alert_id:uuid}/together", show, methods=["GET"]),
    Route("/desk/alerts/{alert_id:uuid}/together", take, methods=["POST"]),
]

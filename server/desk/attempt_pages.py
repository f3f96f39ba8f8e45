"""On the page of an alert: opening the numbers, and logging what was tried."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.attempt_rules import Result, Target, Tried, Way, is_contact
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.desk.alert_api import alert_for, alert_to_log
from server.desk.alert_pages import Problem, alert_page, over
from server.desk.numbers import Number, numbers_of
from server.errors import IdReused, NotFound, Refused, WaymarkError
from server.i18n import N_
from server.people.access import Roles, looked, now_of, staff_of
from server.people.desk_forms import id_or_new, when_of
from server.people.models import Person
from server.people.rules import Action, may
from server.people.words import entered, form_fault
from server.watch import watch_alerts
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body

LOOK = "look:alert:numbers"
_FIELDS = ("id", "tried", "words", "ago", "at")


async def numbers(request: Request) -> Response:
    """The page of the alert with the numbers to call. Leaves a look. When the alert is over, they
    are sealed again."""
    try:
        alert, roles = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    except NotFound:
        return await over(request)
    if alert.closed_at is not None:
        return RedirectResponse(f"/desk/alerts/{alert.id}", status_code=303)
    return await alert_page(request, alert, roles, numbers=await _numbers(request, alert, roles))


async def _numbers(request: Request, alert: Alert, roles: Roles) -> list[Number]:
    visitor, now = await staff_of(request), now_of(request)
    await looked(visitor, [alert.child_id], LOOK, now)
    name = (await Person.get(id=alert.child_id)).name
    may_add = may(roles, Action.PACK_CHANGE)
    return await numbers_of(alert.child_id, name, language_of(request), now, may_add=may_add)


async def log(request: Request) -> Response:
    """Log an attempt. After the end also those who were called may, for what they had tried."""
    alert, form = await alert_to_log(request), await form_body(request)
    visitor, now = await staff_of(request), now_of(request)
    try:
        tried = _tried(request, form)
        await watch_alerts.log_attempt(visitor, alert.id, tried, now)
    except (Refused, IdReused) as fault:
        return await _again(request, form, fault)
    try:
        alert, _ = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    except NotFound:
        return await over(request, is_logged=True)
    place = "/numbers" if entered(form, "numbers") and alert.closed_at is None else ""
    path = f"/desk/alerts/{alert.id}{place}?done={_done(alert, tried)}"
    return RedirectResponse(path, status_code=303)


def _done(alert: Alert, tried: Tried) -> str:
    if alert.closed_at is not None:
        return "late"
    if is_contact(tried.way, tried.result, Cause(alert.cause)):
        return "contacted"
    is_met = tried.way is Way.VISIT and tried.result is Result.REACHED
    return "met" if is_met else "logged"


def _tried(request: Request, form: FormData) -> Tried:
    """What the form says. Raises Refused."""
    way, _, target = entered(form, "tried").partition(":")
    result, now = entered(form, "result"), now_of(request)
    if way not in set(Way) or target not in set(Target):
        raise Refused(N_("Choose what you tried."), field="tried")
    if result not in set(Result):
        raise Refused(N_("Choose what came of it."), field="result")
    return Tried(
        id_or_new(form),
        Way(way),
        Target(target),
        Result(result),
        entered(form, "words") or None,
        when_of(form, zone_of(request), "at", now),
    )


async def _again(request: Request, form: FormData, fault: WaymarkError) -> Response:
    """The page with what was typed."""
    given: dict[str, Any] = {name: entered(form, name) for name in _FIELDS}
    if isinstance(fault, IdReused):
        del given["id"]
    error = form_fault(fault, language_of(request))
    problem = Problem(fault.status, given=given, error=error, is_log=True)
    try:
        alert, roles = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    except NotFound:
        return await over(request, problem=problem)
    is_open = entered(form, "numbers") and alert.closed_at is None
    numbers = await _numbers(request, alert, roles) if is_open else []
    return await alert_page(request, alert, roles, problem, numbers=numbers)


_ALERT = "/desk/alerts/{alert_id:uuid}"

routes = [
    Route(f"{_ALERT}/numbers", numbers, methods=["GET"]),
    Route(f"{_ALERT}/attempts", log, methods=["POST"]),
]

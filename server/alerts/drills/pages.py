"""Drills at the desk: begin one, plan them, see each rung's answer; and the link that people
tap."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.drills import actions
from server.alerts.drills.models import Drill, DrillCall, DrillPlan
from server.alerts.drills.rules import Every, Why
from server.alerts.sent import (
    STATES,
    CalledRung,
    RungState,
    lost_in_words,
    messages_of,
    rungs_called,
)
from server.errors import Conflict, NotFound, Refused, WaymarkError
from server.i18n import N_, gettext, supported_language
from server.notify.arrivals import try_ways
from server.notify.contact_routes import ways_of
from server.notify.models import Message
from server.notify.wording import channel_title
from server.people.access import Visitor, agency_for, nothing_here, now_of
from server.people.models import Agency, Person
from server.people.rules import STAFF, AgencyAction, Role
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import form_body

LATEST = 20
ENDS: Mapping[str, str] = {
    Why.DONE: N_("It ran to the end."),
    Why.STOPPED: N_("Stopped by hand."),
    Why.REAL_ALERT: N_("It stopped early: a real alert called one of these people."),
}
DAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
OFTEN = (("", N_("Never")), (Every.WEEK, N_("Every week")), (Every.MONTH, N_("Every month")))


async def show(request: Request) -> Response:
    """Begin a drill, plan them, test one person; and the latest drills."""
    return await _page(request, await agency_for(request, AgencyAction.DRILL))


async def begin(request: Request) -> Response:
    """Try the ladder of one caseworker now."""
    visitor, form = await agency_for(request, AgencyAction.DRILL), await form_body(request)
    given = {key: entered(form, key) for key in ("id", "worker_id", "each")}
    try:
        drill = await actions.begin(
            visitor,
            _id(given["id"], "id"),
            _id(given["worker_id"], "worker_id"),
            timedelta(minutes=_minutes(given["each"])),
            now_of(request),
        )
    except (Refused, Conflict, NotFound) as fault:
        return await _page(request, visitor, given, fault)
    return _to(f"/desk/drills/{drill.id}")


async def plan(request: Request) -> Response:
    """Set when drills start by themselves."""
    visitor, form = await agency_for(request, AgencyAction.DRILL), await form_body(request)
    given = {key: entered(form, key) for key in ("every", "weekday", "at")}
    try:
        every = Every(given["every"]) if given["every"] in list(Every) else None
        weekday = int(given["weekday"]) if given["weekday"] in "0123456" else -1
        await actions.set_plan(visitor, every, weekday, _time(given["at"]), now_of(request))
    except (Refused, ValueError) as fault:
        wrong = fault if isinstance(fault, Refused) else Refused(_NO_DAY, field="weekday")
        return await _page(request, visitor, given, wrong)
    return _to("/desk/drills?saved=plan")


async def test(request: Request) -> Response:
    """Send another person a test alarm, by all their ways or by one."""
    visitor, form = await agency_for(request, AgencyAction.DRILL), await form_body(request)
    given = {key: entered(form, key) for key in ("person_id", "channel")}
    try:
        person = await _adult(visitor, _id(given["person_id"], "person_id"))
        ids = await try_ways(visitor, person.id, given["channel"] or None, now_of(request))
    except Refused as fault:
        return await _page(request, visitor, given, fault)
    message = await Message.get(id=ids[0])
    return _to(f"/desk/test/{message.subject_id}")


async def result(request: Request) -> Response:
    """One drill, rung by rung. The page refreshes itself while it runs."""
    visitor = await agency_for(request, AgencyAction.DRILL)
    drill = await Drill.get_or_none(id=request.path_params["drill_id"], agency_id=visitor.agency_id)
    if drill is None:
        raise nothing_here()
    worker = await Person.get(id=drill.worker_id)
    context = {
        "drill": drill,
        "worker": worker.name,
        "lines": await _lines(drill, language_of(request)),
        "end": gettext(language_of(request), ENDS[drill.why]) if drill.why else "",
        "path": request.url.path,
        "now": now_of(request),
    }
    return page(request, "alerts/drills/drill.html", context)


async def stop(request: Request) -> Response:
    """Stop a drill."""
    visitor = await agency_for(request, AgencyAction.DRILL)
    drill_id = request.path_params["drill_id"]
    await actions.stop(visitor, drill_id, now_of(request))
    return _to(f"/desk/drills/{drill_id}")


async def _page(
    request: Request,
    visitor: Visitor,
    given: Mapping[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    assert visitor.agency_id is not None
    language, agency = language_of(request), await Agency.get(id=visitor.agency_id)
    adults = sorted(
        await Person.filter(agency_id=agency.id, disabled_at__isnull=True, role__in=list(STAFF)),
        key=lambda person: person.name.casefold(),
    )
    planned = await DrillPlan.get_or_none(id=agency.id)
    latest = await Drill.filter(agency_id=agency.id).order_by("-begun_at").limit(LATEST)
    names = {person.id: person.name for person in await Person.filter(agency_id=agency.id)}
    context = {
        "new_id": uuid4(),
        "on_clock": agency.zone,
        "workers": [(p.id, p.name) for p in adults if p.role == Role.CASEWORKER],
        "people": [(p.id, p.name) for p in adults],
        "channels": [(name, channel_title(name, language)) for name in request.app.state.channels],
        "often": [(key, gettext(language, word)) for key, word in OFTEN],
        "days": [(number, gettext(language, word)) for number, word in enumerate(DAYS)],
        "next_at": planned.next_action_at if planned is not None else None,
        "drills": [(drill, names.get(drill.worker_id, "")) for drill in latest],
        "unreached": await _unreached(adults, request),
        "given": {**_EMPTY, **_planned(planned), **(given or {})},
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "alerts/drills/drills.html", context, status=status)


_EMPTY = {"worker_id": "", "each": "3", "person_id": "", "channel": ""}
_NO_DAY = N_("Choose a day of the week.")


def _planned(planned: DrillPlan | None) -> dict[str, str]:
    if planned is None:
        return {"every": "", "weekday": "2", "at": "10:00"}
    return {"every": planned.every or "", "weekday": str(planned.weekday), "at": planned.at}


async def _unreached(adults: list[Person], request: Request) -> list[str]:
    """The names of people that no proven way reaches."""
    ways = await ways_of([person.id for person in adults], now_of(request))
    return [p.name for p in adults if p.id not in ways or not ways[p.id].proven]


async def _adult(visitor: Visitor, person_id: UUID) -> Person:
    here = Person.filter(id=person_id, agency_id=visitor.agency_id, disabled_at__isnull=True)
    person = await here.exclude(role=Role.CHILD).first()
    if person is None:
        raise Refused(N_("Choose a person from the list."), field="person_id")
    return person


async def _lines(drill: Drill, language: str) -> list[dict[str, Any]]:
    """Each rung: who was on it, when it was called, and how long until a person answered."""
    stood, calls = actions.stood_in(drill), (await actions.calls_of([drill.id]))[drill.id]
    ids = {person for place in stood for person in place.people}
    names = {person.id: person.name for person in await Person.filter(id__in=list(ids))}
    sent = rungs_called(await messages_of(drill.id))
    return [
        {
            "rung": gettext(language, place.rung.label),
            "people": [names[id_] for id_ in place.people],
            "is_hole": not place.is_somebody,
            **_called(calls.get(number), names),
            # Its time was not over: it runs, or ended early.
            "is_short": drill.place == number and drill.why != Why.DONE,
            "unsent": _unsent(sent.get(number), names, language),
            "lost": lost_in_words(sent.get(number), names, language),
        }
        for number, place in enumerate(stood)
    ]


def _unsent(sent: CalledRung | None, names: Mapping[UUID, str], language: str) -> str:
    """What became of the messages to a rung, where none of them has gone out."""
    if sent is not None and sent.state is RungState.CALLED:
        return ""
    if sent is not None and sent.state is RungState.NOT_REACHED:
        return lost_in_words(sent, names, language) or gettext(language, STATES["failed"])
    return gettext(language, STATES["withheld" if sent is None else "waiting"])


def _called(call: DrillCall | None, names: Mapping[UUID, str]) -> dict[str, Any]:
    if call is None:
        return {"called_at": None, "took_s": None, "by": None}
    took = call.answered_at - call.called_at if call.answered_at is not None else None
    return {
        "called_at": call.called_at,
        "took_s": round(took.total_seconds()) if took is not None else None,
        "by": names.get(call.answered_by) if call.answered_by is not None else None,
    }


def _id(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(N_("Choose a person from the list."), field=field) from None


def _minutes(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Refused(N_("Enter a time such as 22:00."), field="at") from None


# --- the link


async def show_tap(request: Request) -> Response:
    """Says at once that it is a drill. Opening it answers nothing: machines open links too."""
    try:
        tapped = await actions.read_tap(request.path_params["tap"], now_of(request))
    except NotFound:
        return _tap_page(request, None, "over")
    return _tap_page(request, tapped, "done" if tapped.is_answered else "ask")


async def tap(request: Request) -> Response:
    """ "It has reached me." """
    try:
        tapped = await actions.tap(request.path_params["tap"], now_of(request))
    except NotFound:
        return _tap_page(request, None, "over")
    return _tap_page(request, tapped, "done" if tapped.is_answered else "late")


def _tap_page(request: Request, tapped: actions.Tapped | None, state: str) -> Response:
    context = {"state": state, "display_name": request.app.state.settings.display_name}
    person: Any = tapped.person if tapped is not None else None
    if person is not None:
        context["language"] = supported_language(person.language)
        context["display_name"] = person.agency.display_name or context["display_name"]
    status = 404 if state == "over" else 200
    return page(request, "alerts/drills/tap.html", context, status=status)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


routes = [
    Route("/desk/drills", show, methods=["GET"]),
    Route("/desk/drills", begin, methods=["POST"]),
    Route("/desk/drills/plan", plan, methods=["POST"]),
    Route("/desk/drills/test", test, methods=["POST"]),
    Route("/desk/drills/{drill_id:uuid}", result, methods=["GET"]),
    Route("/desk/drills/{drill_id:uuid}/stop", stop, methods=["POST"]),
    Route("/drill/{tap}", show_tap, methods=["GET"]),
    Route("/drill/{tap}", tap, methods=["POST"]),
]

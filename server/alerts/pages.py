""" "Send me a test alarm", with what became of it. The page of an alert is in the room of watches,
which knows the evidence."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.sent import sent_about
from server.errors import Refused
from server.notify.arrivals import send_test
from server.notify.contact_routes import NOWHERE, refused_channels, ways_of
from server.notify.models import Message
from server.notify.rules import Kind
from server.notify.wording import channel_title, channel_word
from server.people.access import Visitor, nothing_here, now_of, staff_of
from server.people.rules import AgencyAction, Role, may_agency
from server.people.words import form_fault
from server.web.rendering import language_of, page


async def show(request: Request) -> Response:
    """The ways by which an alert would reach me, and a button that tries them."""
    return await _page(request, await staff_of(request))


async def send(request: Request) -> Response:
    """Send one test message on every channel that reaches me."""
    visitor, now = await staff_of(request), now_of(request)
    try:
        ids = await send_test(visitor, visitor.person_id, now)
    except Refused as fault:
        return await _page(request, visitor, fault)
    message = await Message.get(id=ids[0])
    return RedirectResponse(f"/desk/test/{message.subject_id}", status_code=303)


async def result(request: Request) -> Response:
    """What became of a test: the caller's own or, for people who may begin drills, a
    colleague's."""
    visitor, subject = await staff_of(request), request.path_params["subject_id"]
    theirs = Message.filter(subject_id=subject, kind=Kind.TEST.value, subject_kind="test")
    if _may_drill(visitor):
        theirs = theirs.filter(person__agency_id=visitor.agency_id)
    else:
        theirs = theirs.filter(person_id=visitor.person_id)
    messages = await theirs
    if not messages:
        raise nothing_here()
    language = language_of(request)
    context = {
        "sent": await sent_about([subject], language),
        "is_mine": bool(messages) and messages[0].person_id == visitor.person_id,
        "is_waiting": any(message.state in ("waiting", "sending") for message in messages),
        "path": request.url.path,
        "now": now_of(request),
    }
    return page(request, "alerts/test_result.html", context)


def _may_drill(visitor: Visitor) -> bool:
    return may_agency(Role(visitor.role), AgencyAction.DRILL)


async def _page(request: Request, visitor: Visitor, fault: Refused | None = None) -> Response:
    language = language_of(request)
    ways = (await ways_of({visitor.person_id}, now_of(request))).get(visitor.person_id, NOWHERE)
    working = set(request.app.state.channels) - await refused_channels(visitor.person_id)
    context = {
        "channels": [channel_title(way, language) for way in ways.proven if way in working],
        "may_drill": _may_drill(visitor),
        "unproven": [channel_word(way, language) for way in ways.unproven if way in working],
        "broken": [channel_word(way, language) for way in ways.every if way not in working],
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "alerts/test.html", context, status=status)


routes = [
    Route("/desk/test", show, methods=["GET"]),
    Route("/desk/test", send, methods=["POST"]),
    Route("/desk/test/{subject_id:uuid}", result, methods=["GET"]),
]

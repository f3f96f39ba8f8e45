"""For what an agency wants a second person: read by its workers, set by a supervisor."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.approvals import actions as approvals
from server.approvals.rules import What
from server.i18n import N_, gettext
from server.people.access import agency_for, now_of
from server.people.rules import AgencyAction, Role, may_agency
from server.people.words import entered
from server.web.rendering import language_of, page
from server.web.requests import form_body

PATH = "/desk/policies/second-person"
CHOICES = (
    (
        What.END,
        N_("Ending a placement"),
        N_("Until a second person agrees, the watch over the child goes on."),
    ),
    (
        What.ABSENCE,
        N_("An absence of more than 14 days"),
        N_("Absences that follow each other count together. Ending one early needs nobody."),
    ),
    (
        What.CLOSE,
        N_("Closing an alert of the high level when nobody has seen the child"),
        N_("Until a second person agrees, the alert stays open. “Seen” needs nobody."),
    ),
)


async def show(request: Request) -> Response:
    """What is chosen."""
    visitor, language = await agency_for(request, AgencyAction.POLICY_SEE), language_of(request)
    assert visitor.agency_id is not None
    wanted = await approvals.wanted_by(visitor.agency_id)
    context = {
        "path": PATH,
        "choices": [
            (what.value, gettext(language, word), gettext(language, hint), what in wanted)
            for what, word, hint in CHOICES
        ],
        "may_set": may_agency(Role(visitor.role), AgencyAction.POLICY_CHANGE),
        "saved": "saved" in request.query_params,
    }
    return page(request, "approvals/settings.html", context)


async def save(request: Request) -> Response:
    """Save another choice, from now on."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    form = await form_body(request)
    assert visitor.agency_id is not None
    wanted = [what for what in What if entered(form, what.value) == "yes"]
    await approvals.set_wanted(visitor, visitor.agency_id, wanted, now_of(request))
    return RedirectResponse(f"{PATH}?saved=1", status_code=303)


routes = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, save, methods=["POST"]),
]

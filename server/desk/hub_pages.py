"""Pages that only lead on: what is under Reports and Admin, and what is mine.

Each role sees what it may open. `tests/desk/test_ways.py` opens every link as each role.
"""

from collections.abc import Iterable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.frame import head_of
from server.i18n import N_, gettext
from server.people.access import Visitor, not_yours, now_of, staff_of
from server.people.agencies.last_resort_pages import out_of_reach
from server.people.models import Agency, Person
from server.people.rules import PROFESSIONAL, Role
from server.people.words import ROLES
from server.web.help_links import help_link
from server.web.rendering import language_of, page

_WORKERS = PROFESSIONAL
_PLANNERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
_SUPERVISORS = frozenset({Role.SUPERVISOR})
_CASEWORKERS = frozenset({Role.CASEWORKER})
_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})


class Way(msgspec.Struct, frozen=True):
    """A link with a sentence that says what is there, and the roles that may open it."""

    path: str
    title: str
    says: str
    roles: frozenset[Role]


Group = tuple[str, tuple[Way, ...]]

REPORTS: tuple[Group, ...] = (
    (
        N_("How the watch works"),
        (
            Way(
                "/desk/quality",
                N_("Is the watch working?"),
                N_("How fast we noticed, how often we called for no reason, who was reached."),
                _WORKERS,
            ),
            Way(
                "/desk/policies/replay",
                N_("Compare policies"),
                N_("What other numbers would have done in the last months."),
                _WORKERS,
            ),
            Way(
                "/desk/children",
                N_("Why an alert, or why none"),
                N_("Choose a child. The page is under Safety."),
                _SUPERVISORS,
            ),
            Way(
                "/desk/texts",
                N_("Texts we could not place"),
                N_("From unknown numbers, or of colleagues who answer nothing we asked."),
                _SUPERVISORS,
            ),
            Way(
                "/desk/roll-calls",
                N_("Roll calls"),
                N_("Each home: last done, missed, and the next one. Add people who work there."),
                _SUPERVISORS,
            ),
        ),
    ),
    (
        N_("Missing children"),
        (
            Way(
                "/desk/searches",
                N_("Searches"),
                N_("Each search, open or ended, and what is still to do."),
                _WORKERS,
            ),
            Way(
                "/desk/patterns",
                N_("Patterns to discuss"),
                N_("Places, people and hours that several searches have in common."),
                _WORKERS,
            ),
            Way(
                "/desk/indicators",
                N_("Missing children in figures"),
                N_("The numbers of each quarter, without names."),
                _PLANNERS,
            ),
        ),
    ),
    (
        N_("Colleagues"),
        (
            Way(
                "/desk/load",
                N_("Workload"),
                N_("Open alerts, tasks and children of each person. Hand children over here."),
                _SUPERVISORS,
            ),
        ),
    ),
)
ADMIN: tuple[Group, ...] = (
    (
        N_("People and homes"),
        (
            Way(
                "/desk/people",
                N_("People"),
                N_("Add a colleague, change their role, end their access."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/people/children",
                N_("Children"),
                N_("Who looks after each child. Nothing that is written about them."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/children/new",
                N_("Add a child"),
                N_("Their name, home, check-in times and caseworker."),
                _WORKERS | _ADMINISTRATORS,
            ),
            Way(
                "/desk/people/children/import",
                N_("Add children from a list"),
                N_("A file with one child in each line."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/people/homes",
                N_("Homes"),
                N_("Names, time zones and phone numbers."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/transfers",
                N_("Transfers"),
                N_("Take over a child from another agency, or see what you have offered."),
                _WORKERS,
            ),
            Way(
                "/desk/front",
                N_("Front desk"),
                N_("Shared devices in a home, where children check in."),
                _CASEWORKERS | _SUPERVISORS,
            ),
        ),
    ),
    (
        N_("How we watch"),
        (
            Way(
                "/desk/policies",
                N_("When a child doesn't answer"),
                N_("When we remind, ask the carer and call, for each watch level."),
                _WORKERS,
            ),
            Way(
                "/desk/policies/search",
                N_("When a child is missing: deadlines"),
                N_("What has to be done by when in a search."),
                _WORKERS,
            ),
            Way(
                "/desk/policies/second-person",
                N_("A second pair of eyes"),
                N_("What nobody does alone: ending a placement, a long absence, closing an alert."),
                _WORKERS,
            ),
            Way(
                "/desk/policies/definitions",
                N_("What we call away and missing"),
                N_("Your agency's own words, shown where someone decides."),
                _WORKERS,
            ),
            Way(
                "/desk/drills",
                N_("Drills"),
                N_("Try the whole call chain, and see how the last drills went."),
                _PLANNERS,
            ),
            Way(
                "/desk/templates",
                N_("Templates"),
                N_("Words for goals and steps that your agency offers."),
                _PLANNERS,
            ),
        ),
    ),
    (
        N_("The agency"),
        (
            Way(
                "/desk/people/agency",
                N_("The agency"),
                N_("Name, language, time zone, and a phone number for help."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/people/last-resort",
                N_("Last resort"),
                N_("Who we call when nobody else can be reached."),
                _PLANNERS,
            ),
            Way(
                "/desk/people/channels",
                N_("Channels"),
                N_("Whether messages get through, by email, SMS and push."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/people/second-keys",
                N_("Second keys"),
                N_("Who needs a second key to sign in, and who has set one up."),
                _ADMINISTRATORS,
            ),
            Way(
                "/desk/people/accounts",
                N_("Single sign-on"),
                N_("Sign-in by your organisation's provider."),
                _ADMINISTRATORS,
            ),
        ),
    ),
)


async def reports(request: Request) -> Response:
    """What can be read about the watch, missing children and the work."""
    return await _hub(request, N_("Reports"), REPORTS)


async def admin(request: Request) -> Response:
    """What is arranged for all."""
    return await _hub(request, N_("Admin"), ADMIN)


async def _hub(request: Request, title: str, groups: Iterable[Group]) -> Response:
    """The ways that this role may take. Raises Denied where there is none."""
    visitor = await staff_of(request)
    shown = [(name, ways) for name, all_ways in groups if (ways := _open_to(visitor, all_ways))]
    if not shown:
        raise not_yours()
    language = language_of(request)
    context = {
        "title": gettext(language, title),
        **await out_of_reach(request),
        "groups": [
            (
                gettext(language, name),
                [
                    (way.path, gettext(language, way.title), gettext(language, way.says))
                    for way in ways
                ],
            )
            for name, ways in shown
        ],
    }
    return page(request, "desk/hub.html", context)


def _open_to(visitor: Visitor, ways: Sequence[Way]) -> list[Way]:
    return [way for way in ways if visitor.role in way.roles]


async def mine(request: Request) -> Response:
    """Who I am here, when I am on duty, and what I can set for myself. The Help is that of the page
    I come from."""
    visitor, language = await staff_of(request), language_of(request)
    person = await Person.get(id=visitor.person_id)
    providers = request.app.state.settings.oidc.values()
    context = {
        "person": person,
        "agency": await Agency.get(id=person.agency_id),
        "role": gettext(language, ROLES[Role(visitor.role)]),
        "duty": await head_of(request),
        "help": help_link(request.query_params.get("from", request.url.path), visitor.role),
        "is_above": visitor.role == Role.OVERSIGHT,
        "has_shifts": visitor.role in PROFESSIONAL,
        "has_account": any(provider.agency_id == person.agency_id for provider in providers),
        "now": now_of(request),
    }
    return page(request, "desk/me.html", context)


routes = [
    Route("/desk/reports", reports, methods=["GET"]),
    Route("/desk/admin", admin, methods=["GET"]),
    Route("/desk/me", mine, methods=["GET"]),
]

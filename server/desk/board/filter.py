"""The filter of the board: a page to choose from, and the words for what is chosen."""

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.board import large
from server.desk.board.home_names import homes_of
from server.desk.board.order import Order
from server.desk.board.parts import TITLES
from server.desk.board.rows import names_of
from server.desk.board.view import MINE, NO_HOME, Group, View, read
from server.i18n import N_, gettext
from server.people.access import staff_of, visitor_of
from server.people.finding.scope import SEEING, Scope, scope_of
from server.people.models import Home, Person
from server.people.rules import STAFF, Role
from server.policy.model import Tier
from server.storage.db import as_id, fetch
from server.storage.statement import Statement
from server.watch.wording import TIERS
from server.web.rendering import language_of, page

# Who works with children of their own, and may want to see these alone.
HAVE_OWN = frozenset({Role.CASEWORKER, Role.SUPERVISOR})


class Filter(msgspec.Struct, frozen=True):
    """What is chosen, in words, and the ways on."""

    words: list[str]
    has_own: bool  # Whether the reader may have children of their own.
    choose: str


async def words_of(request: Request, view: View, homes: dict[UUID, str]) -> Filter:
    """The filter of this view, in words."""
    visitor, language = await visitor_of(request), language_of(request)
    words = []
    if view.whose == MINE:
        words.append(gettext(language, N_("My children")))
    elif view.whose:
        worker = await Person.get_or_none(
            id=view.whose, agency_id=visitor.agency_id, role__in=list(STAFF)
        )
        name = "?" if worker is None else worker.name
        words.append(gettext(language, N_("Children of {name}"), name=name))
    if view.home == NO_HOME:
        words.append(gettext(language, N_("No home")))
    elif view.home:
        words.append(await _home(view.home, visitor.agency_id, homes))
    if view.level:
        level = gettext(language, TIERS[Tier(view.level)][0])
        words.append(gettext(language, N_("Watch level: {level}"), level=level))
    if view.group is not None:
        words.append(gettext(language, TITLES[view.group]))
    query = view.path().partition("?")[2]
    return Filter(words, Role(visitor.role) in HAVE_OWN, f"/desk/filter?{query}")


async def _home(home_id: str, agency_id: UUID | None, homes: dict[UUID, str]) -> str:
    if UUID(home_id) in homes:
        return homes[UUID(home_id)]
    home = await Home.get_or_none(id=home_id, agency_id=agency_id)
    return "?" if home is None else home.name


async def choose(request: Request) -> Response:
    """The filter as a page."""
    visitor, language = await staff_of(request), language_of(request)
    scope, view = await scope_of(request), read(request.query_params)
    everything = await large.order(scope, View(group=Group.MISSING), request.app.state.tallies)
    homes, left_out = await _homes(everything, view, language)
    is_supervisor = Role(visitor.role) is Role.SUPERVISOR
    workers = await _workers(scope) if is_supervisor and not everything.is_large else []
    mine = [(MINE, gettext(language, N_("My children")))] if Role(visitor.role) in HAVE_OWN else []
    context = {
        "view": view,
        "homes": homes,
        "left_out": left_out,
        "leads_to_load": is_supervisor and everything.is_large,
        "levels": [(tier.value, gettext(language, words[0])) for tier, words in TIERS.items()],
        "whose": [*mine, *workers],
        "groups": [(group.value, gettext(language, title)) for group, title in TITLES.items()],
    }
    return page(request, "desk/board_filter.html", context)


async def _homes(order: Order, view: View, language: str) -> tuple[list[tuple[str, str]], int]:
    """The homes to choose from, by name; and of how many we show none. Of hundreds we show the
    first ones, and the one that is chosen."""
    ids = set(order.well_by_home()) | {home for _, home in order.counts}
    if order.is_large:
        ids = set(order.well_by_home())
        ids |= {UUID(view.home)} if view.home not in ("", NO_HOME) else set()
    many = order.counted.many_homes if order.counted is not None else len(ids)
    homes = sorted((await homes_of(ids)).items(), key=lambda pair: pair[1].casefold())
    none = [(NO_HOME, gettext(language, N_("No home")))] if None in ids and homes else []
    return [*((str(id_), name) for id_, name in homes), *none], max(many - len(ids), 0)


async def _workers(scope: Scope) -> list[tuple[str, str]]:
    """The caseworkers of the children in the scope, by name."""
    statement = Statement()
    cte, now = scope.cte(statement, SEEING), statement.of(scope.now)
    rows = await fetch(
        f"WITH {cte} SELECT DISTINCT t.person_id FROM tie t"  # noqa: S608
        " JOIN scope s ON s.child_id = t.child_id WHERE t.role = 'caseworker'"
        f" AND t.from_at <= {now} AND (t.until_at IS NULL OR t.until_at > {now})",
        statement.params,
    )
    names = await names_of([as_id(row["person_id"]) for row in rows])
    return sorted(((str(id_), name) for id_, name in names.items()), key=lambda pair: pair[1])


routes = [Route("/desk/filter", choose, methods=["GET"])]

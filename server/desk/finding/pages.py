"""The search for a child, and the list of all children the visitor may see."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.desk.finding.rows import rows_of
from server.i18n import gettext
from server.people.access import Visitor, now_of, staff_of
from server.people.finding import listing, sealed_query, search
from server.people.finding.scope import scope_of, why_none
from server.people.rules import AgencyAction, Role, may_agency
from server.people.words import entered
from server.policy.model import Tier
from server.watch.wording import TIERS
from server.web.rendering import language_of, page
from server.web.requests import form_body

_FIND = "/desk/find"
_SEALED_FOR = "find"
# The furthest place in a list; a larger number in a link is nonsense.
_FURTHEST = 100_000


async def find(request: Request) -> Response:
    """The children with these words in their name, their home's name or their reference. A name in
    an address looks for nothing, and leaves the address at once."""
    visitor, scope = await staff_of(request), await scope_of(request)
    if "q" in request.query_params:
        return RedirectResponse(f"{_FIND}?typed=1", status_code=303)
    query = sealed_query.query_of(request, visitor, _SEALED_FOR)
    hits = await search.find(scope, query, _after(request)) if query else search.Hits([], None)
    context = {
        "query": query,
        "is_typed": "typed" in request.query_params,
        "here": _here(visitor, query),
        "hits": hits,
        "after": _after(request),
        "rows": await rows_of(request, scope, [(hit.child, hit.name) for hit in hits.hits]),
        "is_prepared": await search.is_prepared(scope.agency_id),
        "may_break_glass": may_agency(Role(visitor.role), AgencyAction.GLASS_BREAK),
        "arranges": may_agency(Role(visitor.role), AgencyAction.PEOPLE_SEE),
        "now": now_of(request),
    }
    return page(request, "desk/find.html", context)


async def ask(request: Request) -> Response:
    """To the page with what was found."""
    visitor = await staff_of(request)
    query = entered(await form_body(request), "q")
    return RedirectResponse(_here(visitor, sealed_query.folded(query)), status_code=303)


def _here(visitor: Visitor, query: str) -> str:
    """The address of a search, with its words sealed."""
    sealed = sealed_query.seal(visitor, _SEALED_FOR, query)
    return f"{_FIND}?s={sealed}" if sealed else _FIND


async def children(request: Request) -> Response:
    """All of the visitor's children by home and name, in parts; and those who have left."""
    visitor, scope = await staff_of(request), await scope_of(request)
    language, wanted = language_of(request), _wanted(request)
    has_left = request.query_params.get("left") == "1"
    part = await (
        listing.left(scope, _after(request))
        if has_left
        else listing.listed(scope, wanted, _after(request))
    )
    gone = part if has_left else await listing.left(scope)
    context = {
        "part": part,
        "rows": await rows_of(request, scope, [(each.child, each.name) for each in part.children]),
        "has_left": has_left,
        "left": [] if has_left else [(each.child.id, each.name) for each in gone.children],
        "more_left": gone.next_after is not None,
        "wanted": wanted,
        "levels": [(tier.value, gettext(language, words[0])) for tier, words in TIERS.items()],
        "may_add": may_agency(Role(visitor.role), AgencyAction.CHILD_ADD),
        "arranges": may_agency(Role(visitor.role), AgencyAction.PEOPLE_SEE),
        "empty": "" if part.children else await why_none(visitor),
        "now": now_of(request),
    }
    return page(request, "desk/children.html", context)


def _wanted(request: Request) -> listing.Wanted:
    """The filter; a part of it that makes no sense is none."""
    level = request.query_params.get("level", "")
    return listing.Wanted(_home(request), level if level in set(Tier) else "")


def _home(request: Request) -> UUID | None:
    try:
        return UUID(request.query_params.get("home", ""))
    except ValueError:
        return None


def _after(request: Request) -> int:
    text = request.query_params.get("after", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_FURTHEST))
    return min(int(text), _FURTHEST) if is_number else 0


routes = [
    Route(_FIND, find, methods=["GET"]),
    Route(_FIND, ask, methods=["POST"]),
    Route("/desk/children", children, methods=["GET"]),
]

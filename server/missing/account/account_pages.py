"""One child's time on paper: a page for printing."""

from datetime import datetime, timedelta
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tortoise.expressions import Q

from server.audit.models import Seal
from server.errors import WaymarkError
from server.i18n import format_date, format_moment
from server.missing.account.account import account
from server.missing.search.models import Episode
from server.missing.search.paths import others_for
from server.missing.search.pictures import search_line
from server.missing.search.pictures.time_line import TimeLine
from server.missing.search.view import names_of, others_in, view
from server.people.access import Roles, desk_child, looked, now_of, staff_of
from server.people.desk_forms import day_of
from server.people.models import Person
from server.people.rules import Action
from server.people.words import form_fault
from server.web.rendering import language_of, page, zone_of

DAYS = 7  # The page goes back this far where the reader has not chosen.
_DAY = timedelta(days=1)


async def show(request: Request) -> Response:
    """Who knew what when, in order, for some days; of an episode from its first day on."""
    child, roles = await desk_child(request, Action.EPISODE_WORK)
    visitor, now = await staff_of(request), now_of(request)
    language, zone = language_of(request), zone_of(request)
    await looked(visitor, [child.id], "look:account:see", now)
    fault: WaymarkError | None = None
    begin, end = await _chosen(child.id, now), now
    try:
        first = day_of(request.query_params.get("from", ""), "from")
        last = day_of(request.query_params.get("until", ""), "until")
        if first is not None:
            begin = datetime(first.year, first.month, first.day, tzinfo=zone)
        if last is not None:
            end = datetime(last.year, last.month, last.day, tzinfo=zone) + _DAY
    except WaymarkError as wrong:
        fault = wrong
    seen = await others_for(request, await others_in(await Episode.filter(child_id=child.id)))
    names_by_child = await names_of(seen)
    facts = [] if fault else await account(child.id, begin, end, language, names_by_child)
    seal = await Seal.all().order_by("-id").first()
    since, until = (edge.astimezone(zone).date() for edge in (begin, end - timedelta(seconds=1)))
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "facts": facts,
        "line": await _line(request, child.id, roles, begin, end),
        "first": since.isoformat(),
        "last": until.isoformat(),
        "first_day": format_date(language, since),
        "last_day": format_date(language, until),
        "seal": seal,
        "zone_name": str(zone),
        "at": lambda moment: format_moment(language, moment, zone),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    return page(
        request, "missing/account/account.html", context, status=fault.status if fault else 200
    )


async def _line(
    request: Request, child_id: UUID, roles: Roles, begin: datetime, end: datetime
) -> TimeLine | None:
    """The last search of these days as a line of time."""
    is_on = Q(found_at__isnull=True) | Q(found_at__gte=begin)
    held = Episode.filter(is_on, child_id=child_id, opened_at__lt=end)
    episode = await held.order_by("-opened_at", "-id").first()
    if episode is None:
        return None
    language, now = language_of(request), now_of(request)
    [seen] = await view([episode], roles, (await staff_of(request)).person_id, now)
    return (
        search_line.of(seen, language, now)
        if episode.is_open
        else search_line.after(seen, language)
    )


async def _chosen(child_id: object, now: datetime) -> datetime:
    """From a day before the last episode on; else the last days."""
    last = await Episode.filter(child_id=child_id).order_by("-opened_at").first()
    return (last.opened_at if last is not None else now - (DAYS - 1) * _DAY) - _DAY


routes = [Route("/desk/children/{child_id:uuid}/account", show, methods=["GET"])]

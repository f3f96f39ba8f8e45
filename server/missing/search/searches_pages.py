"""The searches for all children of a reader: open and ended, the newest first."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.errors import Refused
from server.i18n import N_, gettext
from server.missing.search.models import Episode
from server.missing.search.searches import AT_ONCE, rows_of
from server.missing.search.view import names_of
from server.people.access import looked, now_of, staff_of
from server.people.children_access import children_for
from server.people.rules import Action
from server.storage.db import as_id
from server.web.rendering import language_of, page
from server.web.requests import form_id

SHOWN = {
    "all": N_("All"),
    "open": N_("Missing now"),
    "back": N_("Back, still to do"),
    "done": N_("All done"),
}


async def show(request: Request) -> Response:
    """One part of them. A look at each child whose search is on it."""
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    chosen = request.query_params.get("show", "all")
    chosen = chosen if chosen in SHOWN else "all"
    child_id, before = _id(request, "child"), _id(request, "before")
    part = await _part(request, chosen, child_id, before=before)
    episodes = part[:AT_ONCE]
    children = {episode.child_id for episode in episodes}
    await looked(visitor, sorted(children), f"look:{Action.EPISODE_SEE}", now)
    names = await names_of(children)
    rest = f"&child={child_id}" if child_id in children else ""
    context: dict[str, Any] = {
        "rows": await rows_of(request, episodes),
        "names": names,
        "child": names.get(child_id) if child_id is not None else None,
        "child_id": child_id,
        "ways": [(code, gettext(language, word)) for code, word in SHOWN.items()],
        "chosen": chosen,
        "rest": rest,
        "older": f"?show={chosen}&before={episodes[-1].id}{rest}" if len(part) > AT_ONCE else None,
        "is_first": before is None,
        "now": now,
    }
    return page(request, "missing/search/searches.html", context)


def _id(request: Request, name: str) -> UUID | None:
    """An id from the address; nonsense there is as if it were not there."""
    try:
        return form_id(request.query_params.get(name, ""), name)
    except Refused:
        return None


async def _part(
    request: Request, chosen: str, child_id: UUID | None, *, before: UUID | None
) -> list[Episode]:
    """A part of the visible searches, and one more where there are older ones."""
    visitor = await staff_of(request)
    held = Episode.filter(agency_id=visitor.agency_id)
    if child_id is not None:
        held = held.filter(child_id=child_id)
    # Only these: a person on duty leaves no look at children who were never missing.
    ids = await held.distinct().values_list("child_id", flat=True)
    among = {as_id(id_) for id_ in ids}
    seen = await children_for(request, Action.EPISODE_SEE, among=among)
    held = _filtered(held.filter(child_id__in=list(seen)), chosen)
    last = await Episode.get_or_none(id=before, child_id__in=list(seen)) if before else None
    if last is not None:
        is_same_moment = Q(opened_at=last.opened_at, id__lt=last.id)
        held = held.filter(Q(opened_at__lt=last.opened_at) | is_same_moment)
    return await held.order_by("-opened_at", "-id").limit(AT_ONCE + 1)


def _filtered(held: QuerySet[Episode], chosen: str) -> QuerySet[Episode]:
    if chosen == "open":
        return held.filter(found_at__isnull=True)
    if chosen == "back":
        return held.filter(found_at__isnull=False, followed_up_at__isnull=True)
    return held.filter(followed_up_at__isnull=False) if chosen == "done" else held


routes = [Route("/desk/searches", show, methods=["GET"])]

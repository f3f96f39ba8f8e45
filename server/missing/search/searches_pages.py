"""The searches for all children of a reader: open and ended, the newest first."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_, gettext
from server.missing.search.models import Episode
from server.missing.search.searches import AT_ONCE, rows_of
from server.missing.search.view import names_of
from server.people.access import looked, now_of, staff_of
from server.people.children_access import children_for
from server.people.finding.scope import scope_of, who_may
from server.people.rules import Action
from server.storage.db import as_id, fetch
from server.storage.statement import Statement
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


_PART = """
WITH {scope}
SELECT e.id FROM episode e JOIN scope s ON s.child_id = e.child_id
WHERE e.agency_id = {agency} AND {which} ORDER BY e.opened_at DESC, e.id DESC LIMIT {most}
"""
_WHICH = {
    "all": "1 = 1",
    "open": "e.found_at IS NULL",
    "back": "e.found_at IS NOT NULL AND e.followed_up_at IS NULL",
    "done": "e.followed_up_at IS NOT NULL",
}


async def _part(
    request: Request, chosen: str, child_id: UUID | None, *, before: UUID | None
) -> list[Episode]:
    """A part of the visible searches, and one more where there are older ones."""
    scope, statement = await scope_of(request), Statement()
    with_scope = scope.cte(statement, who_may(Action.EPISODE_SEE))
    which = [_WHICH[chosen]]
    if child_id is not None:
        which.append(f"e.child_id = {statement.of(child_id)}")
    if before is not None and (last := await _last(request, before)) is not None:
        at, id_ = statement.moment(last.opened_at), statement.of(last.id)
        which.append(f"(e.opened_at, e.id) < ({at}, {id_}::uuid)")
    sql = _PART.format(
        scope=with_scope,
        agency=statement.of(scope.agency_id),
        which=" AND ".join(which),
        most=AT_ONCE + 1,
    )
    ids = [as_id(row["id"]) for row in await fetch(sql, statement.params)]
    episodes = {episode.id: episode for episode in await Episode.filter(id__in=ids)}
    part = [episodes[id_] for id_ in ids]
    # A person on duty leaves a look at the children of this part, and at no others.
    shown = {episode.child_id for episode in part[:AT_ONCE]}
    await children_for(request, Action.EPISODE_SEE, also=shown, among=shown)
    return part


async def _last(request: Request, id_: UUID) -> Episode | None:
    """The last search of the part before, if the visitor may see it."""
    episode = await Episode.get_or_none(id=id_)
    if episode is None:
        return None
    among = {episode.child_id}
    seen = await children_for(request, Action.EPISODE_SEE, also=among, among=among)
    return episode if episode.child_id in seen else None


routes = [Route("/desk/searches", show, methods=["GET"])]

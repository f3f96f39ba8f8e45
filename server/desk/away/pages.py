"""Everyone who is away, in parts: until when, why, who agreed, and one tap for each look."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.away.words import Reader, people_of, shown
from server.desk.board.rows import names_of
from server.people.access import now_of, staff_of
from server.people.children_access import children_for
from server.people.desk_forms import done
from server.people.finding.scope import scope_of
from server.people.rules import Action, may
from server.watch.passes.reading import away, away_of
from server.web.rendering import language_of, page, zone_of
from server.web.requests import page_number, parts

AT_ONCE = 50


async def show(request: Request) -> Response:
    """The children who are away now, the nearest look first."""
    await staff_of(request)
    now, number = now_of(request), page_number(request)
    ids, many = await away(await scope_of(request), AT_ONCE, number)
    roles = await children_for(request, Action.HISTORY_SEE, also=ids, among=ids)
    # A right, or an absence, may have ended since they were read.
    away_now = await away_of([id_ for id_ in ids if id_ in roles], now)
    rows = [away_now[id_] for id_ in ids if id_ in away_now]
    names = await names_of({*away_now, *people_of(rows)})
    reader = Reader(language_of(request), zone_of(request), now)
    context: dict[str, Any] = {
        "rows": [shown(row, names, reader) for row in rows],
        "names": names,
        "may_change": {id_ for id_ in away_now if may(roles[id_], Action.PAUSE)},
        "many": many,
        "number": number,
        "pages": parts(many, AT_ONCE),
        "done": done(request),
    }
    return page(request, "desk/away.html", context)


routes = [Route("/desk/away", show, methods=["GET"])]

"""The board, and the routes of the watch's pages. Each kind of page has a module of its own."""

import asyncio
import gzip
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from server.desk import duty_pages
from server.desk.advocacy import reading as advocacy
from server.desk.board import filter as board_filter
from server.desk.board import large as board_order
from server.desk.board import parts as board_parts
from server.desk.board import roll_calls, witness_lists
from server.desk.board import rows as board
from server.desk.board import view as board_view
from server.desk.board.home_names import homes_of
from server.desk.marks import MARK_WORDS, marks_one_by_one
from server.i18n import gettext
from server.notify.channel_counts import broken_channels
from server.notify.devices import reached_of
from server.notify.push_health import Health
from server.notify.wording import channel_word
from server.people.access import Roles, Visitor, looked, now_of, staff_of, still_in
from server.people.agencies.last_resort_pages import out_of_reach
from server.people.agencies.oversight import HOME
from server.people.children_access import children_for
from server.people.desk_forms import done
from server.people.finding.scope import scope_of, why_none
from server.people.models import Person
from server.people.rules import Action, AgencyAction, Role, may, may_agency
from server.records.transfer.access import offers_of
from server.watch import children, evidence
from server.watch.wording import span
from server.web import live
from server.web.rendering import language_of, page, render_in_turns, zone_of
from server.web.requests import page_number, parts

# Below this, what compressing saves is less than what it costs.
_WORTH_IT = 4_000


async def show_board(request: Request) -> Response:
    """The board: who needs help now, first."""
    visitor, view = await staff_of(request), board_view.read(request.query_params)
    if visitor.role == Role.OVERSIGHT:
        return RedirectResponse(HOME, status_code=303)
    scope = await scope_of(request)
    # The large statement has a connection of its own: at the same time we read what is around.
    around = _nothing() if view.part else _around(request, visitor)
    placed, surroundings = await asyncio.gather(
        board_order.order(scope, view, request.app.state.tallies), around
    )
    cared, spoken = await children.with_cards(scope)
    shown = [row.child_id for row in placed.rows]
    roles = await _roles(request, shown, {*placed.left, *cared, *spoken})
    now = now_of(request)
    reader = board.Reader(
        visitor.person_id, language_of(request), zone_of(request), now, scope.called
    )
    rows = await board.read(_of(roles, shown), reader, changes=partial(children.changed, request))
    homes = await homes_of(board_parts.named_homes(placed, view))
    shown_board = board_parts.board_of(placed, rows, view, reader, homes=homes)
    groups = await render_in_turns(
        "desk/board_rows.html", {"board": shown_board, "zone": reader.zone}, reader.language
    )
    if view.part:
        return tight(request, HTMLResponse(groups))
    context = {
        "board": shown_board,
        "rows": groups,
        "view": view,
        "filter": await board_filter.words_of(request, view, homes),
        "cared": await board.cared(visitor.person_id, _of(roles, cared), now),
        "spoken": await advocacy.cards(request, _of(roles, spoken)),
        "left": await _left(_of(roles, placed.left)),
        "n_left": placed.n_left,
        "empty": "" if shown else await why_none(visitor),
        **surroundings,
    }
    return tight(request, page(request, "desk/board.html", context))


async def _nothing() -> dict[str, Any]:
    return {}


async def _around(request: Request, visitor: Visitor) -> dict[str, Any]:
    """What the page shows around the rows."""
    now = now_of(request)
    looked_at, is_stale = await board.last_look(now)
    return {
        **_rights(Role(visitor.role)),
        "looked_at": looked_at,
        "is_stale": is_stale,
        "is_live": live.is_live(),
        "is_unseen": await _shows_nothing(visitor.person_id, now),
        "offers": await offers_of(visitor),
        "done": done(request),
        "now": now,
        **await _out_of_order(request, visitor),
    }


def _rights(role: Role) -> dict[str, bool]:
    return {
        "may_add": may_agency(role, AgencyAction.CHILD_ADD),
        "may_see_searches": may(frozenset({role}), Action.EPISODE_SEE),
        "arranges": may_agency(role, AgencyAction.PEOPLE_SEE),
        "may_see_load": may_agency(role, AgencyAction.LOAD_SEE),
    }


async def _roles(
    request: Request, shown: Collection[UUID], others: Collection[UUID]
) -> dict[UUID, Roles]:
    """The visitor's roles for the children they are about to see. That is a look, where they have
    no tie; to be counted is none."""
    among = {*shown, *others}
    roles = await children_for(request, Action.CHILD_SEE, also=shown, among=among, by_call=True)
    for id_, held in (await children.called(request, among)).items():
        roles[id_] = roles.get(id_, frozenset()) | held
    return roles


def _of(roles: Mapping[UUID, Roles], ids: Collection[UUID]) -> dict[UUID, Roles]:
    # In the order of the ids; a right may have ended since they were read.
    return {id_: roles[id_] for id_ in ids if id_ in roles}


async def _shows_nothing(person_id: UUID, now: datetime) -> bool:
    """Whether alarms go to the reader's browsers, and none of them shows any."""
    push = (await reached_of([person_id], now)).get(person_id)
    return push is not None and push.health is Health.STALE


async def _out_of_order(request: Request, visitor: Visitor) -> dict[str, Any]:
    """What keeps calls from arriving, and roll calls that wait, for those who can see to it."""
    return {
        "broken": await _broken(request, Role(visitor.role)),
        **await out_of_reach(request),
        "gap": await duty_pages.first_gap(request, visitor),
        **await roll_calls.on_board(request, visitor),
        "lists_undone": await witness_lists.not_filled_in(request, visitor),
    }


async def _broken(request: Request, role: Role) -> list[str]:
    """The channels that are broken now, for the roles that can repair them."""
    if role not in (Role.SUPERVISOR, Role.ADMINISTRATOR):
        return []
    broken = await broken_channels(request.app.state.channels, now_of(request))
    return [channel_word(name, language_of(request)) for name in sorted(broken)]


async def _left(left: Mapping[UUID, Roles]) -> list[tuple[UUID, str]]:
    """Children whose placement has ended, for readers who may see their history: a way to their
    pages."""
    ids = [id_ for id_, roles in left.items() if may(roles, Action.HISTORY_SEE)]
    names = await board.names_of(ids)
    return [(id_, names[id_]) for id_ in ids]


async def rounds(request: Request) -> Response:
    """The board's marks as a table, for people who use a screen reader. It has more than a board:
    each answer, and what was forgotten."""
    visitor = await staff_of(request)
    number, now, language = page_number(request), now_of(request), language_of(request)
    ids, many = await children.here(await scope_of(request), board_view.AT_ONCE, number)
    roles = await children_for(request, Action.HISTORY_SEE, also=ids, among=ids)
    facts = await evidence.of(roles, now)
    await looked(visitor, facts, f"look:{Action.HISTORY_SEE}", now)
    names = {person.id: person.name for person in await Person.filter(id__in=list(facts))}
    forgotten = await evidence.said_forgot(facts, now)
    rows = [
        {
            "id": child,
            "name": names[child],
            "sums": [child_facts.marks.count(mark) for mark in MARK_WORDS],
            "forgot": forgotten.get(child, 0),
            "usual": span(language, child_facts.usual_delay)
            if child_facts.usual_delay is not None
            else "",
            "marks": marks_one_by_one(child_facts.marks, language),
        }
        for child, child_facts in facts.items()
    ]
    rows.sort(key=lambda row: str(row["name"]).casefold())
    words = [gettext(language, word) for word in MARK_WORDS.values()]
    pages = parts(many, board_view.AT_ONCE)
    context = {
        **_rights(Role(visitor.role)),
        "rows": rows,
        "words": words,
        "number": number,
        "pages": pages,
        "empty": "" if rows else await why_none(visitor),
    }
    return tight(request, page(request, "desk/rounds.html", context))


async def listen(request: Request) -> Response:
    """Which topics of the agency have news: the board looks again when it hears of one."""
    visitor = await staff_of(request)
    assert visitor.agency_id is not None
    still = partial(still_in, request)
    return live.stream(visitor.agency_id, visitor.person_id, still=still)


def tight(request: Request, response: Response) -> Response:
    """The page compressed, if the browser takes that.

    No page of ours has a secret that an attacker could guess by making the page longer: the session
    is in a cookie, and forms have no tokens.
    """
    body = bytes(response.body)
    response.headers.append("vary", "Accept-Encoding")
    if len(body) < _WORTH_IT or "gzip" not in request.headers.get("accept-encoding", ""):
        return response
    response.body = gzip.compress(body, 4, mtime=0)
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
    return response


routes = [
    Route("/desk/", show_board, methods=["GET"]),
    Route("/desk/live", listen, methods=["GET"]),
    Route("/desk/rounds", rounds, methods=["GET"]),
]

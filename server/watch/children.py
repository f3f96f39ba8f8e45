"""Which children a page or a list shows: the placed ones, and those who left but have an open
alert."""

from collections.abc import Collection, Mapping
from uuid import UUID

from starlette.requests import Request

from server.people.access import Roles, called_about, now_of, visitor_of
from server.people.children_access import children_for
from server.people.finding.scope import SEEING, Scope, scope_of
from server.people.rules import Action, Role, may
from server.storage.db import as_id, fetch
from server.storage.statement import Statement
from server.watch.signals.drift import OnBoard
from server.web.rendering import language_of

_CALLED = frozenset({Role.CALLED, Role.GLASS})


async def alerted(request: Request) -> dict[UUID, Roles]:
    """The visitor's roles for each child with an open alert, as far as they may see it."""
    if (await visitor_of(request)).agency_id is None:
        return {}
    scope, statement = await scope_of(request), Statement()
    rows = await fetch(
        f"WITH {scope.cte(statement, SEEING | _CALLED)}"  # noqa: S608
        " SELECT DISTINCT a.child_id FROM alert a JOIN scope s ON s.child_id = a.child_id"
        f" WHERE a.agency_id = {statement.of(scope.agency_id)} AND a.closed_at IS NULL",
        statement.params,
    )
    ids = {as_id(row["child_id"]) for row in rows}
    if not ids:
        return {}
    return await children_for(request, Action.ALERT_SEE, also=ids, among=ids, by_call=True)


async def called(request: Request, among: Collection[UUID]) -> dict[UUID, Roles]:
    """The children among these whose open alert has called the visitor, and the visitor's roles by
    that call."""
    about = set((await called_about(request, among)).values()) & set(among)
    if not about:
        return {}
    return await children_for(request, Action.ALERT_SEE, among=about, by_call=True)


async def changed(request: Request, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What has changed about each of these children, in a few words of the reader's language."""
    visitor = await visitor_of(request)
    assert visitor.agency_id is not None
    on_board: OnBoard = request.app.state.changed_on_board
    return await on_board.lines(visitor.agency_id, ids, language_of(request), now_of(request))


_HISTORY = frozenset(role for role in Role if may(frozenset({role}), Action.HISTORY_SEE))
_NOT_CALLED_FOR = """
NOT EXISTS (SELECT 1 FROM alert a WHERE a.child_id = c.id AND a.closed_at IS NULL)
"""


async def here(scope: Scope, at_once: int, page: int) -> tuple[list[UUID], int]:
    """One part of the children in the scope who have not left, for readers who may see their
    history; and how many there are in all."""
    statement = Statement()
    rows = await fetch(
        f"WITH {scope.cte(statement, _HISTORY)}"  # noqa: S608
        " SELECT c.id, COUNT(*) OVER () AS n FROM scope s JOIN child c ON c.id = s.child_id"
        f" WHERE c.left_at IS NULL OR NOT {_NOT_CALLED_FOR}"
        f" ORDER BY c.id LIMIT {statement.of(at_once)} OFFSET {statement.of(at_once * (page - 1))}",
        statement.params,
    )
    return [as_id(row["id"]) for row in rows], rows[0]["n"] if rows else 0


# As many cards as one page shows.
_FEW = 200
_CARDS = """
SELECT role, child_id FROM (
  SELECT held.role, held.child_id,
    ROW_NUMBER() OVER (PARTITION BY held.role ORDER BY held.child_id) AS place
  FROM (SELECT DISTINCT ways.role, ways.child_id FROM ({ways}) AS ways) AS held
  JOIN child c ON c.id = held.child_id
  WHERE held.role = '{advocate}' OR c.left_at IS NULL OR NOT {not_called_for}
) AS placed WHERE place <= {few} ORDER BY place
"""


async def with_cards(scope: Scope) -> tuple[list[UUID], list[UUID]]:
    """The children who have the person as their carer: those of a home, so there are few. And those
    who have them as their advocate; one who left the placement is among these, as long as the time
    lasts."""
    statement = Statement()
    sql = _CARDS.format(
        ways=scope.ways(statement, [Role.CARER, Role.ADVOCATE]),
        advocate=Role.ADVOCATE,
        not_called_for=_NOT_CALLED_FOR,
        few=_FEW,
    )
    rows = await fetch(sql, statement.params)
    by_role: dict[str, list[UUID]] = {Role.CARER: [], Role.ADVOCATE: []}
    for row in rows:
        by_role[row["role"]].append(as_id(row["child_id"]))
    return by_role[Role.CARER], by_role[Role.ADVOCATE]

"""The counts of an area as JSON, and the area that the visitor asks for."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.areas import tree
from server.areas.counting import Column
from server.areas.hiding import Figure
from server.areas.kept import Numbers
from server.areas.tree import Node
from server.areas.view import Figures, Table, table
from server.people.access import agency_for, nothing_here, now_of
from server.people.rules import AgencyAction
from server.web.openapi import api, query_of
from server.web.responses import json_answer


class FigureOut(msgspec.Struct):
    """A number of an agency or area. Null: hidden, since it is small or would tell a small one.
    Not exact: at least so many, without the numbers that are hidden."""

    n: int | None
    is_exact: bool


class AreaRowOut(msgspec.Struct):
    """An agency or an area, with its numbers by name."""

    id: UUID
    name: str
    is_area: bool
    figures: dict[str, FigureOut]


class AreaOut(msgspec.Struct):
    """An area: the sum, and what is within it. `children`, `late`, `alert_open` and `missing` are
    children as of `at`; the other numbers are of the four weeks from `begin` to `end`."""

    id: UUID
    name: str
    at: datetime
    begin: datetime
    end: datetime
    total: dict[str, FigureOut]
    rows: list[AreaRowOut]


class Asked(msgspec.Struct, frozen=True):
    """What a request gets: the way to the area from the visitor's own, and its table."""

    way: list[Node]
    numbers: Numbers
    table: Table

    @property
    def area(self) -> Node:
        """The area itself."""
        return self.way[-1]


async def read(request: Request) -> Response:
    """The visitor's own area, or one within it."""
    asked = await asked_for(request)
    return json_answer(_out(asked))


async def asked_for(request: Request) -> Asked:
    """The area that the query names, else the visitor's own. Raises Denied; NotFound for one that
    is not within theirs; Refused for a text that is no id."""
    visitor = await agency_for(request, AgencyAction.AREA_SEE)
    assert visitor.agency_id is not None
    own = await tree.read(visitor.agency_id, now_of(request))
    wanted = query_of(request, area=UUID)["area"]
    way = [] if own is None else own.way_to(wanted or own.id)
    if own is None or not way:
        raise nothing_here()
    # All of one's own: whichever part is opened then, it is counted once.
    numbers = await request.app.state.area_counts.of(own.agencies(), now_of(request))
    return Asked(way, numbers, table(way[-1], _both(numbers)))


def _both(numbers: Numbers) -> dict[UUID, dict[Column, Any]]:
    return {id_: {**now, **numbers.weeks[id_]} for id_, now in numbers.now.items()}


def shown(figure: Figure) -> int | None:
    """The number to show; None where there is none."""
    return figure.n if figure.is_exact or figure.n else None


def _out(asked: Asked) -> AreaOut:
    return AreaOut(
        id=asked.area.id,
        name=asked.area.name,
        at=asked.numbers.at,
        begin=asked.numbers.period.begin,
        end=asked.numbers.period.end,
        total=_figures(asked.table.total),
        rows=[
            AreaRowOut(row.id, row.name, row.is_area, _figures(row.figures))
            for row in asked.table.rows
        ],
    )


def _figures(figures: Figures) -> dict[str, FigureOut]:
    return {
        column.value: FigureOut(shown(figure), figure.is_exact)
        for column, figure in figures.items()
    }


routes: list[Any] = [
    api(
        "GET",
        "/api/v1/areas",
        read,
        "Counts of the agencies within an area, small numbers hidden",
        gives={200: AreaOut},
        query={"area": UUID},
    )
]

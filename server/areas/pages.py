"""The counts of an area: on the desk, and as a file."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.areas.api import Asked, asked_for, shown
from server.areas.counting import Column
from server.areas.hiding import FEW, Figure
from server.areas.kept import KEPT_NOW
from server.areas.view import Row
from server.i18n import N_, format_short_date, gettext
from server.people.agencies.oversight import HOME
from server.reports.indicators import FEWEST
from server.web.csv_files import csv_answer
from server.web.rendering import language_of, page
from server.web.requests import part_of

# The heads of the columns, as they are read alone on a phone.
WORDS = {
    Column.PLACED: N_("Children"),
    Column.LATE: N_("Late now"),
    Column.ALERTED: N_("With an open alert now"),
    Column.MISSING: N_("Missing now"),
    Column.ALERTS: N_("Alerts in four weeks"),
    Column.TOLD: N_("Told within a minute"),
    Column.EPISODES: N_("Times missing in four weeks"),
    Column.BACK: N_("Came back"),
}


# On a phone a row is a card with all its numbers.
AT_ONCE = 25


class Part(msgspec.Struct, frozen=True):
    """One page of the rows."""

    rows: Sequence[Row]
    count: int
    number: int
    pages: int


def _part(request: Request, rows: Sequence[Row]) -> Part:
    number, pages = part_of(request, len(rows), AT_ONCE)
    return Part(rows[(number - 1) * AT_ONCE : number * AT_ONCE], len(rows), number, pages)


async def show(request: Request) -> Response:
    """One's own area, or one within it."""
    asked, language = await asked_for(request), language_of(request)
    period = asked.numbers.period
    last = (period.end - timedelta(days=1)).date()
    context: dict[str, Any] = {
        "area": asked.area,
        "above": [(f"{HOME}?area={node.id}", node.name) for node in asked.way[:-1]],
        "total": asked.table.total,
        "part": _part(request, asked.table.rows),
        "columns": [(column, gettext(language, words)) for column, words in WORDS.items()],
        "shown": shown,
        "at": asked.numbers.at,
        "begins": format_short_date(language, period.begin.date()),
        "ends": format_short_date(language, last),
        "fewest": FEWEST,
        "fewest_now": FEW.stop,
        "minutes": KEPT_NOW // timedelta(minutes=1),
        "home": HOME,
    }
    return page(request, "areas/area.html", context)


async def download(request: Request) -> Response:
    """The same as a CSV file. Hidden: an empty field. At least so many: `28+`."""
    asked = await asked_for(request)
    return csv_answer("area.csv", ("name", "kind", *Column), map(_line, _with_total(asked)))


def _with_total(asked: Asked) -> list[Row]:
    area = asked.area
    return [Row(area.id, area.name, is_area=True, figures=asked.table.total), *asked.table.rows]


def _line(row: Row) -> tuple[str, ...]:
    kind = "area" if row.is_area else "agency"
    return (row.name, kind, *(_field(row.figures[column]) for column in Column))


def _field(figure: Figure) -> str:
    n = shown(figure)
    return "" if n is None else f"{n}" if figure.is_exact else f"{n}+"


routes: list[Any] = [
    Route(HOME, show, methods=["GET"]),
    Route(f"{HOME}.csv", download, methods=["GET"]),
]

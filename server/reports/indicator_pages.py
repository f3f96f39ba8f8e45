"""The indicators of a quarter: on the desk, and as a file."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.alerts.ladder import Outcome
from server.alerts.words import OUTCOMES
from server.i18n import N_, format_short_date, format_span, gettext
from server.people.access import now_of
from server.reports.indicator_api import asked, name_of, out, today
from server.reports.indicator_rows import of_quarter
from server.reports.indicators import FEWEST, ends_of, quarter_of
from server.web.csv_files import csv_answer
from server.web.rendering import language_of, page

QUARTERS_BACK = 8


async def show(request: Request) -> Response:
    """One quarter, on a page."""
    agency_id, year, quarter = await asked(request)
    language, now = language_of(request), now_of(request)
    figures = await of_quarter(agency_id, year, quarter, now)
    words = gettext(language, N_("too few"))

    def number(n: int | None) -> str:
        return words if n is None else str(n)

    def span(delta: timedelta | None) -> str:
        return words if delta is None else format_span(language, delta)

    first, after = ends_of(year, quarter)
    begins, ends = (format_short_date(language, day) for day in (first, after - timedelta(days=1)))
    newest = quarter_of((await today(agency_id, now)).date())
    earlier, later = _beside(year, quarter, newest)
    context: dict[str, Any] = {
        "name": name_of(year, quarter),
        "span_of_days": gettext(language, N_("{first} to {last}"), first=begins, last=ends),
        "runs": (year, quarter) == newest,
        "earlier": earlier,
        "later": later,
        "has_endings": any(n != 0 for n in figures.endings.values()),
        "found": figures,
        "number": number,
        "span": span,
        "endings": [
            (gettext(language, OUTCOMES[Outcome(code)][0]), n)
            for code, n in figures.endings.items()
        ],
        "fewest": FEWEST,
    }
    return page(request, "reports/indicators.html", context)


async def download(request: Request) -> Response:
    """The same as a CSV file; spans in minutes. Too few: an empty field."""
    agency_id, year, quarter = await asked(request)
    figures = await of_quarter(agency_id, year, quarter, now_of(request))
    rows = _rows(msgspec.to_builtins(out(year, quarter, figures)))
    return csv_answer(f"{name_of(year, quarter)}.csv", ("indicator", "value"), rows)


def _beside(year: int, quarter: int, newest: tuple[int, int]) -> tuple[str | None, str | None]:
    """The quarters before and after this one, where there is any data in them."""
    this, last = (y * 4 + q - 1 for y, q in ((year, quarter), newest))
    before, after = (name_of(n // 4, n % 4 + 1) for n in (this - 1, this + 1))
    return (
        before if last - QUARTERS_BACK < this - 1 <= last else None,
        after if last - QUARTERS_BACK < this + 1 <= last else None,
    )


def _rows(told: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from _rows(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


routes: list[Any] = [
    Route("/desk/indicators", show, methods=["GET"]),
    Route("/desk/indicators.csv", download, methods=["GET"]),
]

"""The indicators of a quarter: on the desk, as a file, and by the API."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.alert.ladder import Outcome
from server.clock import known_zone
from server.errors import Refused
from server.i18n import N_, format_span, gettext
from server.missing.indicating import of_quarter
from server.missing.indicators import FEWEST, Indicators, Wait, ends_of, quarter_of
from server.openapi import api, query_of
from server.people.access import agency_for, now_of
from server.people.models import Agency
from server.people.rules import AgencyAction
from server.watch.alert_pages import OUTCOMES
from server.web import json_answer, language_of, page

QUARTERS_BACK = 8
_NAME = re.compile(r"(\d{4})-([1-4])\Z")
Quarter = Annotated[str, msgspec.Meta(max_length=6)]


class WaitOut(msgspec.Struct):
    """Minutes from the child's last answer. Null: too few."""

    median: int | None
    ninth_of_ten: int | None


class IndicatorsOut(msgspec.Struct):
    """The figures of a quarter. Null: fewer than five, or it would give such a number away."""

    quarter: str
    episodes: int | None
    children: int | None
    missing_again: int | None
    to_told: WaitOut
    to_report: WaitOut
    to_found: WaitOut
    interviews_due: int | None
    interviews_offered_in_time: int | None
    interviews_held_in_time: int | None
    alerts_by_outcome: dict[str, int | None]


async def show(request: Request) -> Response:
    """One quarter, on a page."""
    agency_id, year, quarter = await _asked(request)
    language, now = language_of(request), now_of(request)
    found = await of_quarter(agency_id, year, quarter, now)
    words = gettext(language, N_("too few"))

    def number(n: int | None) -> str:
        return words if n is None else str(n)

    def span(one: timedelta | None) -> str:
        return words if one is None else format_span(language, one)

    context: dict[str, Any] = {
        "name": _name(year, quarter),
        "quarters": _choices(*quarter_of((await _today(agency_id, now)).date())),
        "found": found,
        "number": number,
        "span": span,
        "endings": [
            (gettext(language, OUTCOMES[Outcome(code)][0]), n) for code, n in found.endings.items()
        ],
        "fewest": FEWEST,
    }
    return page(request, "missing/indicators.html", context)


async def download(request: Request) -> Response:
    """The same as a CSV file; spans in minutes. Too few: an empty field."""
    agency_id, year, quarter = await _asked(request)
    found = await of_quarter(agency_id, year, quarter, now_of(request))
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("indicator", "value"))
    writer.writerows(_rows(msgspec.to_builtins(_out(year, quarter, found))))
    headers = {"content-disposition": f'attachment; filename="{_name(year, quarter)}.csv"'}
    return Response(file.getvalue(), media_type="text/csv", headers=headers)


async def read(request: Request) -> Response:
    """The same as JSON."""
    agency_id, year, quarter = await _asked(request)
    found = await of_quarter(agency_id, year, quarter, now_of(request))
    return json_answer(_out(year, quarter, found))


async def _asked(request: Request) -> tuple[UUID, int, int]:
    visitor = await agency_for(request, AgencyAction.INDICATORS_SEE)
    assert visitor.agency_id is not None
    said = query_of(request, quarter=Quarter)["quarter"]
    if not said:
        today = await _today(visitor.agency_id, now_of(request))
        return visitor.agency_id, *quarter_of(today.date())
    found = _NAME.match(said)
    try:
        year, quarter = int(found[1]), int(found[2])  # type: ignore[index]
        ends_of(year, quarter)
    except (TypeError, ValueError):
        raise Refused(N_("Name a quarter such as 2026-1."), field="quarter") from None
    return visitor.agency_id, year, quarter


async def _today(agency_id: UUID, now: datetime) -> datetime:
    return now.astimezone(known_zone((await Agency.get(id=agency_id)).zone))


def _name(year: int, quarter: int) -> str:
    return f"{year:04}-{quarter}"


def _choices(year: int, quarter: int) -> list[str]:
    """The quarter that runs, and those before it."""
    last = year * 4 + quarter - 1
    return [_name(n // 4, n % 4 + 1) for n in range(last, last - QUARTERS_BACK, -1)]


def _out(year: int, quarter: int, found: Indicators) -> IndicatorsOut:
    return IndicatorsOut(
        quarter=_name(year, quarter),
        episodes=found.episodes,
        children=found.children,
        missing_again=found.again,
        to_told=_wait(found.to_told),
        to_report=_wait(found.to_report),
        to_found=_wait(found.to_found),
        interviews_due=found.found,
        interviews_offered_in_time=found.offered,
        interviews_held_in_time=found.held,
        alerts_by_outcome=dict(found.endings),
    )


def _wait(one: Wait) -> WaitOut:
    return WaitOut(_minutes(one.median), _minutes(one.ninth))


def _minutes(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds() / 60)


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
api_routes = [
    api(
        "GET",
        "/api/v1/indicators",
        read,
        "How soon missing children were told of, reported and found, in a quarter",
        gives={200: IndicatorsOut},
        problems=(Refused,),
        query={"quarter": Quarter},
    )
]

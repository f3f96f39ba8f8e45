"""The indicators of a quarter as JSON, and the quarter that the visitor asks for."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.clock import known_zone
from server.errors import Refused
from server.i18n import N_
from server.people.access import agency_for, now_of
from server.people.models import Agency
from server.people.rules import AgencyAction
from server.reports.indicator_rows import of_quarter
from server.reports.indicators import Indicators, Wait, ends_of, quarter_of
from server.web.openapi import api, query_of
from server.web.responses import json_answer

_NAME = re.compile(r"(\d{4})-([1-4])\Z")
Quarter = Annotated[str, msgspec.Meta(max_length=6)]


class WaitOut(msgspec.Struct):
    """Minutes from the child's last answer. Null: too few."""

    median: int | None
    ninth_of_ten: int | None


class IndicatorsOut(msgspec.Struct):
    """The figures of a quarter. Null: fewer than five, or the figure would reveal such a number."""

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


async def read(request: Request) -> Response:
    """The same as JSON."""
    agency_id, year, quarter = await asked(request)
    figures = await of_quarter(agency_id, year, quarter, now_of(request))
    return json_answer(out(year, quarter, figures))


async def asked(request: Request) -> tuple[UUID, int, int]:
    """The agency and the quarter of the request; the present quarter where none is named. Raises
    Denied, and Refused for a text that is no quarter."""
    visitor = await agency_for(request, AgencyAction.INDICATORS_SEE)
    assert visitor.agency_id is not None
    text = query_of(request, quarter=Quarter)["quarter"]
    if not text:
        day = (await today(visitor.agency_id, now_of(request))).date()
        return visitor.agency_id, *quarter_of(day)
    match = _NAME.match(text)
    try:
        year, quarter = int(match[1]), int(match[2])  # type: ignore[index]
        ends_of(year, quarter)
    except (TypeError, ValueError):
        raise Refused(N_("Enter a quarter, for example 2026-1."), field="quarter") from None
    return visitor.agency_id, year, quarter


async def today(agency_id: UUID, now: datetime) -> datetime:
    """The present day, by the agency's own clock."""
    return now.astimezone(known_zone((await Agency.get(id=agency_id)).zone))


def name_of(year: int, quarter: int) -> str:
    """The form in which a quarter is named: 2026-1."""
    return f"{year:04}-{quarter}"


def out(year: int, quarter: int, figures: Indicators) -> IndicatorsOut:
    """The figures in the form in which they are sent."""
    return IndicatorsOut(
        quarter=name_of(year, quarter),
        episodes=figures.episodes,
        children=figures.children,
        missing_again=figures.again,
        to_told=_wait(figures.to_told),
        to_report=_wait(figures.to_report),
        to_found=_wait(figures.to_found),
        interviews_due=figures.found,
        interviews_offered_in_time=figures.offered,
        interviews_held_in_time=figures.held,
        alerts_by_outcome=dict(figures.endings),
    )


def _wait(wait: Wait) -> WaitOut:
    return WaitOut(_minutes(wait.median), _minutes(wait.ninth))


def _minutes(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds() / 60)


routes: list[Any] = [
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

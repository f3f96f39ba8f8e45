"""The figures of the watch, on the desk and as a file: how soon, and how often a false alarm."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.i18n import N_, NAMES, format_number, format_short_date, format_span, gettext
from server.people.access import Visitor, agency_for, now_of
from server.people.models import Home
from server.people.rules import AgencyAction, Role, may_agency
from server.policy.model import Tier
from server.reports import quality, quality_curves, quality_rows
from server.reports.quality import Figures, Place, Shift
from server.reports.quality_rows import Quality, Read
from server.watch.wording import TIERS
from server.web.csv_files import csv_answer
from server.web.rendering import language_of, page
from server.web.requests import page_number, part_of

HOMES_AT_ONCE = 25


class Line(msgspec.Struct, frozen=True):
    """One group of children, and its figures."""

    by: str
    group: str
    figures: Figures


async def show(request: Request) -> Response:
    """The last 90 days. The further parts have the homes alone."""
    visitor = await agency_for(request, AgencyAction.POLICY_SEE)
    language, now = language_of(request), now_of(request)
    is_theirs = may_agency(Role(visitor.role), AgencyAction.POLICY_CHANGE)
    is_further = is_theirs and page_number(request) > 1
    shown = {Read.HOMES} if is_further else {Read.FIGURES, Read.WEEKS}
    what = frozenset({*shown, *([Read.HOMES] if is_theirs else [])})
    report = await quality_rows.read(_agency(visitor), now, what)
    context = {
        "is_first": not is_further,
        "shows_places": is_theirs,
        **(await _places(request, report) if is_theirs else {}),
        **({} if is_further else _figures(report, language)),
        "since": report.since,
        "fewest": quality.FEWEST,
        "now": now,
    }
    return page(request, "reports/quality.html", context)


def _figures(report: Quality, language: str) -> dict[str, Any]:
    groups = _groups(report, language)
    return {
        "all": _words(groups[0].figures, language),
        "parts": [
            (by, [(line.group, _words(line.figures, language)) for line in groups if line.by == by])
            for by in dict.fromkeys(line.by for line in groups[1:])
        ],
        **_curves(report, language),
    }


def _curves(report: Quality, language: str) -> dict[str, Any]:
    """The curves of the whole agency; none for so few children that a count could identify one."""
    if report.all.children < quality.FEWEST:
        return {"curves": [], "weeks": []}
    weeks = report.weeks
    counts = (
        (N_("Missed check-ins"), [week.misses for week in weeks]),
        (N_("Alerts"), [week.alerts for week in weeks]),
        (N_("False alarms"), [week.false for week in weeks]),
    )
    lines = [(gettext(language, name), quality_curves.curve(count)) for name, count in counts]
    return {
        "curves": [line for line in lines if line[1] is not None],
        "weeks": [(format_short_date(language, week.begin), week) for week in weeks],
    }


async def download(request: Request) -> Response:
    """The same figures as a CSV file. Too few: an empty field."""
    visitor = await agency_for(request, AgencyAction.POLICY_SEE)
    report = await quality_rows.read(_agency(visitor), now_of(request), frozenset({Read.FIGURES}))
    return csv_answer("quality.csv", _HEADER, map(_row, _groups(report, "en")))


_HEADER = (
    "by",
    "group",
    "children",
    "child_months",
    "alerts",
    "open",
    "real",
    "false",
    "false_per_child_month",
    "precision",
    "minutes_to_acknowledge",
    "minutes_to_contact",
    "minutes_of_silence_before_the_call",
)


def _row(line: Line) -> list[object]:
    figures = line.figures
    if line.group and figures.children < quality.FEWEST:
        # In a small group even a count could identify one child.
        return [line.by, line.group, *[""] * (len(_HEADER) - 2)]
    spans = (figures.to_take, figures.to_contact, figures.delay)
    rates = (figures.false_per_month, figures.precision)
    return [
        line.by,
        line.group,
        figures.children,
        f"{figures.months:.1f}" if figures.months else "",
        *(figures.alerts, figures.open, figures.real, figures.false),
        *("" if rate is None else f"{rate:.3f}" for rate in rates),
        *("" if span is None else round(span.total_seconds() / 60) for span in spans),
    ]


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


# --- in words


def _groups(report: Quality, language: str) -> list[Line]:
    """All children first, then by tier, language and phone."""
    lines = [Line("", "", report.all.figures())]
    by = gettext(language, N_("By watch level"))
    for tier in Tier:
        figures = replace(report.levels[tier].figures(), months=0, false_per_month=None)
        lines.append(Line(by, gettext(language, TIERS[tier][0]), figures))
    languages = {NAMES.get(code, code): tally for code, tally in report.languages.items()}
    phones = {gettext(language, phone): tally for phone, tally in report.phones.items()}
    for by, groups in ((N_("By language"), languages), (N_("By phone"), phones)):
        for group, tally in sorted(groups.items()):
            lines.append(Line(gettext(language, by), group, tally.figures()))
    return lines


def _words(figures: Figures, language: str) -> dict[str, str]:
    """Every figure in words, or "too few"."""
    few = gettext(language, N_("too few"))

    def span(delta: timedelta | None) -> str:
        return few if delta is None else format_span(language, delta)

    def number(value: float | None) -> str:
        return few if value is None else format_number(language, round(value, 2))

    share = None if figures.precision is None else round(100 * figures.precision)
    return {
        "is_small": "yes" if figures.children < quality.FEWEST else "",
        "children": format_number(language, figures.children),
        "months": format_number(language, round(figures.months, 1)),
        "alerts": format_number(language, figures.alerts),
        "open": format_number(language, figures.open),
        "real": format_number(language, figures.real),
        "false": format_number(language, figures.false),
        "false_per_month": number(figures.false_per_month),
        "precision": few if share is None else f"{format_number(language, share)} %",
        "to_take": span(figures.to_take),
        "to_contact": span(figures.to_contact),
        "delay": span(figures.delay),
    }


async def _places(request: Request, report: Quality) -> dict[str, Any]:
    """Where and when check-ins are missed, home by home: one part of the homes."""
    language = language_of(request)
    homes = quality.places(report.homes)
    number, pages = part_of(request, len(homes), HOMES_AT_ONCE)
    part = homes[HOMES_AT_ONCE * (number - 1) : HOMES_AT_ONCE * number]
    held = Home.filter(id__in=[place.home for place in part])
    names = dict(await held.values_list("id", "name"))
    return {
        "places": [_place(place, names.get(place.home, ""), language) for place in part],
        "number": number,
        "pages": pages,
    }


def _place(place: Place, home: str, language: str) -> dict[str, Any]:
    def rate(value: float | None) -> str:
        return "-" if value is None else format_number(language, round(value, 1))

    return {
        "home": home,
        "misses": place.misses,
        "per_month": rate(place.per_month),
        "elsewhere": rate(place.elsewhere),
        "together": place.together,
        "stands_out": place.stands_out,
        "shifts": [_shift(shift, language) for shift in place.shifts],
    }


def _shift(shift: Shift, language: str) -> dict[str, Any]:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{format_number(language, round(100 * value))} %"

    return {
        "begin": f"{shift.begin:02}:00",
        "end": f"{shift.end:02}:00",
        "asked": shift.asked,
        "misses": shift.misses,
        "share": share(shift.share),
        "at_other_hours": share(shift.at_other_hours),
        "stands_out": shift.stands_out,
    }


routes = [
    Route("/desk/quality", show, methods=["GET"]),
    Route("/desk/quality.csv", download, methods=["GET"]),
]

"""The figures of the watch, on the desk and as a file: how soon, and how often a false alarm."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.audit.models import Entry
from server.clock import known_zone
from server.i18n import N_, NAMES, format_number, format_short_date, format_span, gettext
from server.notify.models import Address
from server.people.access import Visitor, agency_for, now_of
from server.people.models import Child, Home, Person
from server.people.rules import AgencyAction, Role, may_agency
from server.policy.model import Tier
from server.reports import quality, quality_curves
from server.reports.quality import Called, Figures, Kept
from server.watch.models import Pause, Round, Watch
from server.watch.wording import TIERS
from server.web.rendering import language_of, page

DAYS = 90
_PHONES = (
    ("push.apple.com", N_("iPhone")),
    ("mozilla", N_("Firefox")),
    ("google", N_("Android or Chrome")),
)
_OTHER, _NONE = N_("Another phone"), N_("Phone without reminders")


@dataclass(frozen=True, slots=True)
class Quality:
    """The data of the page and the file."""

    since: datetime
    calls: list[Called]
    kept: list[Kept]
    misses: list[tuple[str, Any]]
    rounds: list[tuple[str, int, bool]]  # Child, hour by their clock, whether missed.


@dataclass(frozen=True, slots=True)
class Line:
    """One group of children, and its figures."""

    by: str
    group: str
    figures: Figures


async def show(request: Request) -> Response:
    """The last 90 days."""
    visitor = await agency_for(request, AgencyAction.POLICY_SEE)
    language, now = language_of(request), now_of(request)
    report = await _read(_agency(visitor), now)
    groups = _groups(report, language)
    is_theirs = may_agency(Role(visitor.role), AgencyAction.POLICY_CHANGE)
    context = {
        "all": _words(groups[0].figures, language),
        "parts": [
            (by, [(line.group, _words(line.figures, language)) for line in groups if line.by == by])
            for by in dict.fromkeys(line.by for line in groups[1:])
        ],
        "places": _places(report, language) if is_theirs else [],
        "shifts": _shifts(report, language) if is_theirs else [],
        "shows_places": is_theirs,
        **_curves(report, now, language),
        "since": report.since,
        "fewest": quality.FEWEST,
        "now": now,
    }
    return page(request, "reports/quality.html", context)


def _curves(report: Quality, now: datetime, language: str) -> dict[str, Any]:
    """The curves of the whole agency; none for so few children that a count could identify one."""
    if len({record.child for record in report.kept}) < quality.FEWEST:
        return {"curves": [], "weeks": []}
    until = now.date() + timedelta(days=1)
    weeks = quality_curves.weeks(report.calls, report.misses, report.since.date(), until)
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
    report = await _read(_agency(visitor), now_of(request))
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows(map(_row, _groups(report, "en")))
    headers = {"content-disposition": 'attachment; filename="quality.csv"'}
    return Response(file.getvalue(), media_type="text/csv", headers=headers)


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


# --- reading


async def _read(agency_id: UUID, now: datetime) -> Quality:
    since = now - timedelta(days=DAYS)
    children = [
        child
        for child in await Child.filter(agency_id=agency_id, placed_at__lt=now)
        if child.left_at is None or child.left_at > since
    ]
    ids = [child.id for child in children]
    rounds = await Round.filter(
        child_id__in=ids, late_at__gt=since, late_at__lte=now, state__in=quality.MISSED
    ).values_list("child_id", "due_at")
    return Quality(
        since=since,
        calls=await _calls(ids, since),
        kept=await _kept(children, since, now),
        misses=[(str(child_id), due_at.date()) for child_id, due_at in rounds],
        rounds=await _rounds(children, since, now),
    )


async def _rounds(
    children: Sequence[Child], since: datetime, now: datetime
) -> list[tuple[str, int, bool]]:
    """The rounds of the children who live in a home, by the hour of their clock when they were
    due."""
    ids = [child.id for child in children if child.home_id is not None]
    zones = {
        child_id: known_zone(zone)
        for child_id, zone in await Watch.filter(child_id__in=ids).values_list("child_id", "zone")
    }
    rows = await Round.filter(
        child_id__in=list(zones),
        due_at__gt=since,
        late_at__lte=now,
        state__in=(*quality.MISSED, *quality.KEPT),
    ).values_list("child_id", "due_at", "state")
    return [
        (str(child_id), due_at.astimezone(zones[child_id]).hour, state in quality.MISSED)
        for child_id, due_at, state in rows
    ]


async def _calls(ids: list[UUID], since: datetime) -> list[Called]:
    alerts = await Alert.filter(
        child_id__in=ids, cause=Cause.SILENCE.value, noticed_at__gt=since
    ).order_by("noticed_at")
    taken: dict[UUID, datetime] = {}
    entries = Entry.filter(what="alert:acknowledge", about_id__in=[alert.id for alert in alerts])
    for about_id, at in await entries.order_by("at").values_list("about_id", "at"):
        taken.setdefault(about_id, at)
    return [_called(alert, taken.get(alert.id)) for alert in alerts]


def _called(alert: Alert, taken_at: datetime | None) -> Called:
    answered = alert.facts.get("answered_at")
    return Called(
        child=str(alert.child_id),
        tier=alert.tier,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
        to_take=taken_at - alert.noticed_at if taken_at is not None else None,
        to_end=alert.closed_at - alert.noticed_at if alert.closed_at is not None else None,
        silence=alert.noticed_at - datetime.fromisoformat(answered) if answered else None,
        day=alert.noticed_at.date(),
    )


async def _kept(children: Sequence[Child], since: datetime, now: datetime) -> list[Kept]:
    ids = [child.id for child in children]
    watches = set(await Watch.filter(child_id__in=ids).values_list("child_id", flat=True))
    people = {person.id: person.language for person in await Person.filter(id__in=ids)}
    homes = {home.id: home.name for home in await Home.filter(id__in=_homes(children))}
    phones = await _phones(ids)
    pauses: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for pause in await Pause.filter(child_id__in=ids, until_at__gt=since, from_at__lt=now):
        end = min(pause.until_at, pause.ended_at or pause.until_at)
        pauses.setdefault(pause.child_id, []).append((pause.from_at, end))
    return [
        Kept(
            child=str(child.id),
            watched=quality.watched(
                max(child.placed_at, since), child.left_at or now, pauses.get(child.id, ())
            ),
            language=people[child.id],
            phone=phones.get(child.id, _NONE),
            home=homes.get(child.home_id, "") if child.home_id is not None else "",
        )
        for child in children
        if child.id in watches
    ]


def _homes(children: Sequence[Child]) -> set[UUID]:
    return {child.home_id for child in children if child.home_id is not None}


async def _phones(ids: list[UUID]) -> dict[UUID, str]:
    """What reminds each child, by the service that their phone is reached through."""
    phones: dict[UUID, str] = {}
    rows = Address.filter(person_id__in=ids, channel="push", dropped_at__isnull=True)
    for address in await rows.order_by("made_at"):
        if address.person_id is not None:
            kinds = (word for part, word in _PHONES if part in address.value)
            phones[address.person_id] = next(kinds, _OTHER)
    return phones


# --- in words


def _groups(report: Quality, language: str) -> list[Line]:
    """All children first, then by tier, language and phone."""
    lines = [Line("", "", quality.figures(report.calls, report.kept))]
    by = gettext(language, N_("By watch level"))
    for tier in Tier:
        calls = [call for call in report.calls if call.tier == tier]
        word = gettext(language, TIERS[tier][0])
        lines.append(Line(by, word, _of_tier(quality.figures(calls, report.kept), calls)))
    for by, of in (
        (N_("By language"), lambda child: NAMES.get(child.language, child.language)),
        (N_("By phone"), lambda child: gettext(language, child.phone)),
    ):
        groups: dict[str, list[Kept]] = {}
        for record in report.kept:
            groups.setdefault(of(record), []).append(record)
        for group, kept in sorted(groups.items()):
            lines.append(Line(gettext(language, by), group, quality.figures(report.calls, kept)))
    return lines


def _of_tier(figures: Figures, calls: Sequence[Called]) -> Figures:
    """Without a rate: we do not record how long each child was in which tier."""
    children = len({call.child for call in calls})
    return replace(figures, children=children, months=0, false_per_month=None)


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


def _places(report: Quality, language: str) -> list[dict[str, Any]]:
    """Where check-ins are missed, home by home."""

    def rate(value: float | None) -> str:
        return "-" if value is None else format_number(language, round(value, 1))

    return [
        {
            "home": place.home,
            "children": place.children,
            "misses": place.misses,
            "per_month": rate(place.per_month),
            "elsewhere": rate(place.elsewhere),
            "together": place.together,
            "stands_out": place.stands_out,
        }
        for place in quality.places(report.kept, report.misses)
    ]


def _shifts(report: Quality, language: str) -> list[dict[str, Any]]:
    """When check-ins are missed in each home, shift by shift."""

    def share(value: float | None) -> str:
        return "-" if value is None else f"{format_number(language, round(100 * value))} %"

    return [
        {
            "home": shift.home,
            "begin": f"{shift.begin:02}:00",
            "end": f"{shift.end:02}:00",
            "asked": shift.asked,
            "misses": shift.misses,
            "share": share(shift.share),
            "at_other_hours": share(shift.at_other_hours),
            "stands_out": shift.stands_out,
        }
        for shift in quality.shifts(report.kept, report.rounds)
    ]


routes = [
    Route("/desk/quality", show, methods=["GET"]),
    Route("/desk/quality.csv", download, methods=["GET"]),
]

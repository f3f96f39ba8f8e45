"""Policies compared on real events: from a file, or from the agency's own last days.

It works without a script: the page arrives in pieces and shows its progress. Nothing is stored, so
loading it again replays it again and does no harm.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TextIO
from uuid import UUID

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from server import logs
from server.desk.picture import HEIGHT, LEFT, WIDTH, Point, drawn
from server.desk.policies.pages import name_of, shipped, shipped_content
from server.errors import Refused, WaymarkError
from server.i18n import N_, format_number, format_span, gettext
from server.people.access import agency_for, now_of
from server.people.rules import AgencyAction
from server.people.words import FormFault, entered
from server.policy import parser as policies
from server.policy.model import SHIPPED, Policy
from server.policy.parser import filled
from server.policy.versions import content_of, versions_of
from server.simulation import history, trial
from server.simulation.evaluation import truth_of
from server.simulation.events import events_of, in_words
from server.simulation.trial import Past, Run, Tried
from server.web.letters import letters
from server.web.rendering import language_of, page, render, zone_of
from server.web.requests import form_body

log = logs.get("trial")

DAYS = (7, 30, 90)
MOST_POLICIES = 6
# Versions of the agency that are offered, the newest first.
MOST_VERSIONS = 8
_PLAIN = "period-and-grace"
_EACH_MISS = "each-miss"
_HERE = "<!-- here -->"
EMPTY = "empty"
HOUR = timedelta(hours=1)

# What the thread says to the page: a policy begins (its number), or all are done, or a fault.
Said = int | list[Tried] | Exception


class Choice(msgspec.Struct, frozen=True):
    """One policy that can be chosen."""

    key: str
    name: str
    content: Mapping[str, Any]


# --- asking


async def ask(request: Request) -> Response:
    """Which policies, and on what."""
    visitor = await agency_for(request, AgencyAction.POLICY_SEE)
    assert visitor.agency_id is not None
    choices = await _choices(visitor.agency_id, language_of(request))
    _, version = await content_of(visitor.agency_id)
    return _form(request, choices, [str(version), _EACH_MISS, _PLAIN])


def _form(
    request: Request,
    choices: Sequence[Choice],
    chosen: Sequence[str],
    days: str = "30",
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    error = None
    if isinstance(fault, Refused):
        error = FormFault(fault.field or "events", in_words(fault, language))
    context = {
        "choices": choices,
        "chosen": chosen,
        "days": [(str(n), format_span(language, timedelta(days=n))) for n in DAYS],
        "day": days,
        "most": MOST_POLICIES,
        "most_rows": trial.MOST_ROWS,
        "error": error,
        "now": now_of(request),
    }
    # Where there was nothing to replay, nothing was wrong with the question.
    status = fault.status if fault is not None and fault.code != EMPTY else 200
    return page(request, "desk/trial.html", context, status=status)


async def _choices(agency_id: UUID, language: str) -> list[Choice]:
    """The versions of the agency, what ships, and the plain rules beside it."""
    rows = await versions_of(agency_id)
    word = N_("Version {n}")
    choices = [
        Choice(str(row.version), gettext(language, word, n=row.version), filled(row.content))
        for row in rows[:MOST_VERSIONS]
    ]
    choices.append(Choice("0", gettext(language, N_("Default")), SHIPPED))
    return choices + [
        Choice(name, name_of(name, language), shipped_content(name)) for name in shipped()
    ]


# --- looking


async def run(request: Request) -> Response:
    """Each policy over the same events, beside each other."""
    visitor = await agency_for(request, AgencyAction.POLICY_SEE)
    assert visitor.agency_id is not None
    form = await form_body(request, files=2)
    choices = await _choices(visitor.agency_id, language_of(request))
    keys, days = [str(key) for key in form.getlist("policy")], entered(form, "days")
    try:
        chosen = _chosen(choices, keys)
        past = await _past(form, visitor.agency_id, days, now_of(request))
    except Refused as fault:
        return _form(request, choices, keys, days, fault)
    finally:
        await form.close()
    context = {
        "is_file": past.real is None,
        "children": sum(event.kind == "placed" for event in past.events),
        "since": past.events[0].at,
        "until": past.until,
        "now": now_of(request),
    }
    whole = bytes(page(request, "desk/trial_run.html", context).body).decode()
    head, _, tail = whole.partition(_HERE)
    return StreamingResponse(_pieces(request, head, tail, past, chosen), media_type="text/html")


def _chosen(choices: Sequence[Choice], keys: Sequence[str]) -> list[tuple[str, Policy]]:
    picked = [choice for choice in choices if choice.key in keys]
    if not picked:
        raise Refused(N_("Choose at least one policy."), field="policy")
    if len(picked) > MOST_POLICIES:
        raise Refused(N_("Choose up to {n} policies."), field="policy", n=MOST_POLICIES)
    return [(choice.name, policies.read(choice.content)) for choice in picked]


async def _past(form: FormData, agency_id: UUID, days: str, now: datetime) -> Past:
    """The events of the file, or those of the agency's own last days."""
    events, truth = _file(form, "events"), _file(form, "truth")
    if events is not None:
        return await asyncio.to_thread(_read, events, truth)
    if truth is not None:
        raise Refused(N_("Add the events file that the absences belong to."), field="events")
    if days not in map(str, DAYS):
        raise Refused(N_("Choose how many days to look back."), field="days")
    own = await history.read(agency_id, now - timedelta(days=int(days)), now)
    return await asyncio.to_thread(_own, own)


def _file(form: FormData, name: str) -> UploadFile | None:
    """What was chosen there; browsers send an empty one where nothing was."""
    upload = form.get(name)
    return upload if isinstance(upload, UploadFile) and upload.size else None


def _read(events: UploadFile, truth: UploadFile | None) -> Past:
    rows = []
    for event in events_of(_text(events)):
        rows.append(event)
        if len(rows) > trial.MOST_ROWS:
            break
    trial.check_size(rows)
    gone = None
    if truth is not None:
        try:
            gone = truth_of(_text(truth))
        except Refused as fault:
            fault.field = "truth"
            raise
    return Past(rows, rows[-1].at, truth=gone)


def _text(file: UploadFile) -> TextIO:
    return io.TextIOWrapper(file.file, encoding="utf-8-sig", newline="")


def _own(own: history.History) -> Past:
    rows = list(events_of(history.as_csv(own.events)))
    if not rows:
        raise Refused(N_("We watched over no child in this time."), field="days", code=EMPTY)
    try:
        trial.check_size(rows, own.until)
    except Refused as fault:
        fault.field = "days"
        raise
    return Past(rows, own.until, real=own.real)


# --- the page, piece by piece


async def _pieces(
    request: Request, head: str, tail: str, past: Past, chosen: Sequence[tuple[str, Policy]]
) -> AsyncIterator[str]:
    language = language_of(request)
    yield head
    async for report in replayed(past, chosen, Run()):
        if isinstance(report, int):
            word = N_("{number} of {all}: {name} …")
            name = chosen[report][0]
            line = gettext(language, word, number=report + 1, all=len(chosen), name=name)
            yield render("desk/trial_step.html", {"line": line}, language)
        elif isinstance(report, list):
            context = {**_context(report, past, language), "zone": zone_of(request)}
            yield render("desk/trial_result.html", context, language)
        else:
            yield render("desk/trial_fault.html", {"line": _fault(report, language)}, language)
    yield tail


def _fault(fault: Exception, language: str) -> str:
    if isinstance(fault, Refused):
        return in_words(fault, language)
    return gettext(language, N_("Something went wrong on our side. Nothing was changed."))


async def replayed(
    past: Past, chosen: Sequence[tuple[str, Policy]], this: Run
) -> AsyncGenerator[Said]:
    """What the thread reports. It stops early when the reader has gone."""
    loop, reports = asyncio.get_running_loop(), asyncio.Queue[Said]()

    def tell(what: Said) -> None:
        # The loop is gone where the server ends in this moment.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(reports.put_nowait, what)

    work = asyncio.ensure_future(asyncio.to_thread(_work, past, chosen, this, tell))
    try:
        while True:
            what = await reports.get()
            yield what
            if not isinstance(what, int):
                return
    finally:
        this.is_stopped = True
        await asyncio.wait({work}, timeout=0)


def _work(
    past: Past, chosen: Sequence[tuple[str, Policy]], this: Run, tell: Callable[[Said], None]
) -> None:
    results = []
    try:
        for number, (name, policy) in enumerate(chosen):
            tell(number)
            with this.turn():
                results.append(trial.tried(name, policy, past, this.go_on))
    except Refused as fault:
        tell(fault)
    except Exception as fault:
        log.exception("trial.failed")
        tell(fault)
    else:
        tell(results)


# --- in words


def _context(results: Sequence[Tried], past: Past, language: str) -> dict[str, Any]:
    named = [(letter, result.name) for letter, result in zip(letters(), results, strict=False)]
    across, up = _axes(past)
    points = [
        Point(letter, *place)
        for (letter, _), result in zip(named, results, strict=True)
        if (place := _place(result)) is not None
    ]
    return {
        "letters": named,
        "lines": _lines(results, past, language),
        "across": gettext(language, across),
        "up": gettext(language, up),
        "picture": drawn(points),
        "points": [
            (
                point.letter,
                format_number(language, _short(point.x)),
                format_number(language, _short(point.y)),
            )
            for point in points
        ],
        "missing": [letter for letter, _ in named if letter not in {p.letter for p in points}],
        "number": lambda value: format_number(language, value),
        "size": (WIDTH, HEIGHT, LEFT),
        "knows": past.truth is not None or past.real is not None,
        "is_own": past.real is not None,
    }


def _axes(past: Past) -> tuple[str, str]:
    """What the picture sets against each other."""
    across = N_("False alarms per child per month")
    if past.truth is not None:
        return across, N_("Median hours from leaving until we call an adult")
    if past.real is None:
        across = N_("Alerts to adults per child per month")
    return across, N_("Median hours of silence until we call an adult")


def _place(result: Tried) -> tuple[float, float] | None:
    """The place of a policy in the picture; None if it called nobody, or too few."""
    calls = result.did.alerts if result.for_nothing is None else result.for_nothing
    delay = result.did.silence if result.told is None else result.told.delay
    if delay is None or result.months <= 0:
        return None
    return calls / result.months, delay / HOUR


def _short(value: float) -> float:
    return round(value, 2 if value < 10 else 1)


Row = tuple[str, Callable[[Tried], object]]

_ALERTS: Row = N_("Alerts to adults"), lambda result: result.did.alerts
_ALERTS_PER_MONTH: Row = (
    N_("Alerts to adults per child per month"),
    lambda result: _per_month(result, result.did.alerts),
)
_FALSE_ALARMS: Row = N_("False alarms"), lambda result: result.for_nothing
_STILL_OPEN: Row = N_("Still open"), lambda result: result.still_open
_FALSE_ALARMS_PER_MONTH: Row = (
    N_("False alarms per child per month"),
    lambda result: _per_month(result, result.for_nothing),
)
_ABSENCES: Sequence[Row] = (
    (N_("Absences"), lambda result: result.told and result.told.absences),
    (N_("Absences an adult was told about"), lambda result: result.told and result.told.told),
    (N_("… within 6 hours"), lambda result: result.told and result.told.within[6]),
    (N_("… within 24 hours"), lambda result: result.told and result.told.within[24]),
    (
        N_("Median time from leaving until an adult was told"),
        lambda result: result.told and result.told.delay,
    ),
)
_SILENCES: Sequence[Row] = (
    (N_("Silence until we call an adult"), lambda result: result.did.silence),
    (N_("Longest such silence"), lambda result: result.did.longest),
    (N_("Questions to carers"), lambda result: result.did.questions),
    (N_("Reminders to children"), lambda result: result.did.reminders),
    (N_("Reminders delayed by quiet hours"), lambda result: result.did.waited),
)


def _lines(results: Sequence[Tried], past: Past, language: str) -> list[tuple[str, list[str]]]:
    """The table: what, by each policy."""
    return [
        (gettext(language, word), [_shown(value(result), language) for result in results])
        for word, value in _rows(past)
    ]


def _rows(past: Past) -> Sequence[Row]:
    """What can be said of these events: false alarms only where it is known what was one."""
    if past.truth is None and past.real is None:
        return (_ALERTS, _ALERTS_PER_MONTH, *_SILENCES)
    still_open = (_STILL_OPEN,) if past.real is not None else ()
    absences = _ABSENCES if past.truth is not None else ()
    alarms = (_ALERTS, _FALSE_ALARMS, *still_open, _FALSE_ALARMS_PER_MONTH)
    return (*alarms, *absences, *_SILENCES)


def _per_month(result: Tried, count: int | None) -> float | None:
    return None if count is None or result.months <= 0 else _short(count / result.months)


def _shown(value: object, language: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, timedelta):
        return format_span(language, value)
    return format_number(language, value) if isinstance(value, int | float) else str(value)


routes = [
    Route("/desk/policies/replay", ask, methods=["GET"]),
    Route("/desk/policies/replay", run, methods=["POST"]),
]

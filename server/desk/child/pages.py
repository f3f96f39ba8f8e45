"""The four pages of a child: now, the plan, people and phone, safety.

Each has an address of its own, and opening one is a look at what is on it.
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.auth.pairing import devices_of
from server.desk.child.head import agreed_of, show_tab
from server.desk.child.history import history_of, noticed_of
from server.desk.child.month import month_of, weekdays_of
from server.desk.child.project import project_of
from server.desk.circle.drawing import drawn
from server.desk.marks import MARK_WORDS, strip
from server.errors import Denied, NotFound
from server.flags.reading import open_lines
from server.i18n import N_, format_day, format_short_date, gettext, ngettext
from server.missing.profile.actions import current
from server.missing.profile.rules import guardian_may_read
from server.missing.search.searches import of_child, places_of
from server.people.access import Roles, broken_for, desk_child, looked, now_of, staff_of
from server.people.models import Child, Home, Person
from server.people.reads.actions import Kind
from server.people.reads.reading import shows
from server.people.rules import PROFESSIONAL, Action, may
from server.plan.offboarding import quarantine
from server.questions.reading import waiting as questions_waiting
from server.roll_calls.rules import path_of
from server.roll_calls.said import last_words
from server.roll_calls.words import WORDS
from server.tasks.rules import Kind as TaskKind
from server.tasks.turns import lines
from server.watch.absence import reading as absences
from server.watch.signals import drift
from server.watch.signals.wording import sentence as signal_sentence
from server.watch.trusted.contacts import waiting
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of


async def show(request: Request) -> Response:
    """How a child is, at a glance, what they said lately, and whose turn it is."""
    try:
        child, roles = await desk_child(request, Action.HISTORY_SEE)
    except (NotFound, Denied):
        # Who broke the glass has a page in short.
        if request.path_params["child_id"] in await broken_for(request):
            return RedirectResponse(f"{request.url.path}/emergency", status_code=303)
        raise
    language, now = language_of(request), now_of(request)
    await looked(await staff_of(request), [child.id], f"look:{Action.HISTORY_SEE}", now)
    history = await history_of(child, language, zone_of(request), now)
    month = await month_of(child.id, language, now)
    await shows(request, child, Kind.CHECK_IN, [line.to_read for line in history if line.to_read])
    context = {
        "agreed": await agreed_of(request, child),
        "month": month,
        "weekdays": weekdays_of(month, language),
        "history": history,
        "legend": [
            (strip(mark, language, alone=True), gettext(language, word))
            for mark, word in MARK_WORDS.items()
        ],
        "flags": await open_lines(child.id, now) if may(roles, Action.FLAG) else [],
        "changed": await _changed(request, child, roles),
        **await _turns(request, child, roles),
        **await of_child(request, child, roles),
        "trusted_waiting": await waiting(child.id),
        "absences": await absences.waiting(child.id, now),
        "questions_waiting": await questions_waiting(child.id, roles),
        "home_says": await _home_says(child, roles, language_of(request)),
    }
    return await show_tab(request, "desk/child.html", child, roles, context)


async def _home_says(child: Child, roles: Roles, language: str) -> list[dict[str, Any]]:
    """What the home said lately, for those who may read its roll calls: with the page of each, of
    the home where the child lives now."""
    if not roles & PROFESSIONAL:
        return []
    return [
        {
            "once": once,
            "word": gettext(language, WORDS[once.word]),
            "path": f"{path_of(once.home_id)}?call={once.roll_call_id}"
            if once.home_id == child.home_id
            else "",
        }
        for once in await last_words(child.id)
    ]


async def plan(request: Request) -> Response:
    """The life project in short, and what was agreed about the watch."""
    child, roles = await desk_child(request, Action.HISTORY_SEE)
    visitor = await staff_of(request)
    context = {
        "agreed": await agreed_of(request, child),
        "project": await project_of(child, visitor.person_id, roles, language_of(request)),
        "kept_apart": await _kept_apart(child, roles),
        "absence": await absences.latest(child.id) if may(roles, Action.PAUSE) else None,
    }
    return await show_tab(request, "desk/child_plan.html", child, roles, context)


async def people(request: Request) -> Response:
    """Who looks after the child, their phones, and their home."""
    child, roles = await desk_child(request, Action.HISTORY_SEE)
    language, now = language_of(request), now_of(request)
    devices = await devices_of(child.id) if may(roles, Action.DEVICES_SEE) else []
    context = {
        "circle": await drawn(request, child, roles),
        "phones": len(devices),
        "birthday_words": _born(child, language, now),
        "reference": child.reference,
        "home": await Home.get_or_none(id=child.home_id) if child.home_id else None,
    }
    return await show_tab(request, "desk/child_people.html", child, roles, context)


async def safety(request: Request) -> Response:
    """What we keep ready, what adults noticed, and what happened so far."""
    child, roles = await desk_child(request, Action.HISTORY_SEE)
    context = {
        "agreed": await agreed_of(request, child),
        "noticed": await noticed_of(child, roles, language_of(request)),
        "reads_own_words": await _reads_own_words(child, roles),
        **await of_child(request, child, roles),
        "places": await places_of(request, child, roles),
        "placed_at": child.placed_at,
    }
    return await show_tab(request, "desk/child_safety.html", child, roles, context)


async def turns(request: Request) -> Response:
    """Only whose turn it is: the child's page asks for this again when it changes."""
    child, roles = await desk_child(request, Action.HISTORY_SEE)
    return page(request, "desk/turns.html", await _turns(request, child, roles))


def _born(child: Child, language: str, now: datetime) -> str:
    """The birthday and the age that it makes."""
    born = child.birthday
    if born is None:
        return ""
    today = now.date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    day = format_short_date(language, born)
    return ngettext(language, "{day}, {n} year old", "{day}, {n} years old", age, day=day)


async def _turns(request: Request, child: Child, roles: Roles) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    me = (await staff_of(request)).person_id
    turn_lines = await lines(child, me, roles, language, now) if child.left_at is None else []
    return {
        # Flags stand at the head of the page.
        "turns": [line for line in turn_lines if line.kind is not TaskKind.FLAG],
        "path": f"/desk/children/{child.id}",
        "shown": lambda at: when(language, at, zone, now),
    }


async def _kept_apart(child: Child, roles: Roles) -> quarantine.Part | None:
    """The first words from people whose tie is over that wait for this reader's decision."""
    if not may(roles, Action.QUARANTINE_DECIDE):
        return None
    return await quarantine.waiting(child.id, roles)


async def _reads_own_words(child: Child, roles: Roles) -> bool:
    """Whether a guardian may read what the child wrote in the pack: the caseworker decides it."""
    if may(roles, Action.PACK_CHANGE) or not may(roles, Action.PACK_SEE):
        return False
    return guardian_may_read((await current(child.id)).fields)


async def _changed(request: Request, child: Child, roles: Roles) -> list[tuple[str, str]]:
    """What has changed, each in a sentence, and since when."""
    if child.left_at is not None or not may(roles, Action.OBSERVATION_SEE):
        return []
    name = (await Person.get(id=child.id)).name
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    signals_by_child = await drift.of(child.agency_id, [child.id], now)
    return [
        (
            signal_sentence(signal, name, language),
            gettext(language, N_("since {day}"), day=format_day(language, signal.since, zone, now)),
        )
        for signal in signals_by_child[child.id]
    ]


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(_CHILD, show, methods=["GET"]),
    Route(f"{_CHILD}/plan", plan, methods=["GET"]),
    Route(f"{_CHILD}/people", people, methods=["GET"]),
    Route(f"{_CHILD}/safety", safety, methods=["GET"]),
    Route(f"{_CHILD}/turns", turns, methods=["GET"]),
]

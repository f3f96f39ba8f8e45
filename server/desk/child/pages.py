"""The page of a child: how they are, what they said, what was agreed."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.words import CAUSES
from server.desk.board import group_of, look_of
from server.desk.child.history import history_of, noticed_of
from server.desk.marks import MARK_WORDS, marks_one_by_one, strip
from server.errors import Denied, NotFound
from server.i18n import N_, format_day, format_short_date, gettext, ngettext
from server.people.access import Roles, broken_for, desk_child, looked, now_of, staff_of
from server.people.desk_forms import done
from server.people.models import Child, Home, Person, Tie
from server.people.rules import Action, Role, may
from server.people.ties import unsupervised
from server.people.words import ROLES
from server.placements.actions import why_left
from server.plan.offboarding import quarantine
from server.tasks.turns import lines
from server.watch import evidence
from server.watch.evidence_wording import reminders
from server.watch.rhythm import summary
from server.watch.rhythm.summary import left_in_words
from server.watch.signals import drift
from server.watch.signals.wording import sentence as signal_sentence
from server.watch.trusted.contacts import waiting
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of


async def show(request: Request) -> Response:
    """How a child is, at a glance, and everything that can be done about it."""
    try:
        child, roles = await desk_child(request, Action.HISTORY_SEE)
    except (NotFound, Denied):
        # Who broke the glass has a page in short.
        if request.path_params["child_id"] in await broken_for(request):
            return RedirectResponse(f"{request.url.path}/emergency", status_code=303)
        raise
    visitor, now = await staff_of(request), now_of(request)
    look = f"look:{Action.HISTORY_SEE}"
    await looked(visitor, [child.id], look, now)
    context = {
        **await _standing(request, child),
        **await _terms(request, child),
        "history": await history_of(child, language_of(request), zone_of(request), now),
        "legend": [
            (strip(mark, language_of(request), alone=True), gettext(language_of(request), word))
            for mark, word in MARK_WORDS.items()
        ],
        "changed": await _changed(request, child, roles),
        "noticed": await noticed_of(child, roles, language_of(request)),
        "people": await _people(child, now, language_of(request)),
        "left": await _left(request, child),
        "is_unsupervised": child.left_at is None and bool(await unsupervised([child.id], now)),
        **await _turns(request, child, roles),
        "kept_apart": await _kept_apart(request, child, roles),
        "trusted_waiting": await waiting(child.id),
        "birthday_words": _born(child, language_of(request), now),
        "reference": child.reference,
        "placed_at": child.placed_at,
        "home": await Home.get_or_none(id=child.home_id) if child.home_id else None,
        "may": {action.name.lower(): may(roles, action) for action in Action},
        "done": done(request),
        "now": now,
    }
    return page(request, "desk/child.html", context)


def _born(child: Child, language: str, now: datetime) -> str:
    """The birthday and the age that it makes."""
    born = child.birthday
    if born is None:
        return ""
    today = now.date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    day = format_short_date(language, born)
    return ngettext(language, "{day}, {n} year old", "{day}, {n} years old", age, day=day)


async def turns(request: Request) -> Response:
    """Only whose turn it is: the child's page asks for this again when it changes."""
    child, roles = await desk_child(request, Action.HISTORY_SEE)
    return page(request, "desk/turns.html", await _turns(request, child, roles))


async def _turns(request: Request, child: Child, roles: Roles) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    me = (await staff_of(request)).person_id
    turn_lines = await lines(child, me, roles, language, now) if child.left_at is None else []
    return {
        "turns": turn_lines,
        "path": f"/desk/children/{child.id}",
        "shown": lambda at: when(language, at, zone, now),
    }


async def _kept_apart(request: Request, child: Child, roles: Roles) -> int:
    """How many words from people whose tie is over wait for this reader's decision."""
    if not may(roles, Action.QUARANTINE_DECIDE):
        return 0
    return await quarantine.count(child.id, roles)


async def _left(request: Request, child: Child) -> str:
    """That the placement has ended, and why; empty while it has not."""
    if child.left_at is None:
        return ""
    why = await why_left(child)
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    return left_in_words(child.left_at, why, language, zone, now)


async def _standing(request: Request, child: Child) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    facts = (await evidence.of([child.id], now)).get(child.id)
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "facts": facts,
        "shown": lambda at: when(language, at, zone, now),
        "sighting_id": uuid4(),
    }
    if facts is None:
        return context
    alert = facts.alerts[0] if facts.alerts else None
    group = group_of(facts, alert)
    icon, word = look_of(group, alert)
    return {
        **context,
        "group": group.value,
        "icon_name": icon,
        "word": gettext(language, word),
        "sentence": evidence.sentence(facts, language, zone, now),
        # In an alert the sentence says it already.
        "reminders": "" if facts.is_silent else reminders(facts, language, zone, now),
        "strip": strip(facts.marks, language),
        "marks": marks_one_by_one(facts.marks, language),
        "alerts": facts.alerts,
        "causes": {
            open_alert.id: gettext(language, CAUSES[open_alert.cause])
            for open_alert in facts.alerts
        },
    }


async def _terms(request: Request, child: Child) -> dict[str, Any]:
    now = now_of(request)
    case = await summary.case_of(child.id, now)
    if case is None:
        return {"agreed": None}
    return {"agreed": await summary.read(case, language_of(request), zone_of(request), now)}


async def _people(child: Child, now: datetime, language: str) -> list[tuple[str, str]]:
    held = await Tie.filter(Tie.standing_at(now), child_id=child.id).order_by("from_at", "id")
    names = {p.id: p.name for p in await Person.filter(id__in=[tie.person_id for tie in held])}
    return [(names[tie.person_id], gettext(language, ROLES[Role(tie.role)])) for tie in held]


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
    Route(f"{_CHILD}/turns", turns, methods=["GET"]),
]

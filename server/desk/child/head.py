"""What the four pages of a child share: how the child is, what to do now, and the tabs."""

from typing import Any
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.alerts.words import title_of
from server.approvals.actions import waiting_about
from server.approvals.rules import What
from server.clock import known_zone
from server.desk.approvals.words import IN_SHORT
from server.desk.board.rows import group_of, shown_as
from server.desk.board.still_to_do import returns_of
from server.desk.marks import marks_one_by_one, strip
from server.i18n import N_, gettext
from server.people.access import Roles, now_of
from server.people.desk_forms import done
from server.people.models import Child, Person
from server.people.rules import Action, may
from server.people.ties import unsupervised
from server.placements.actions import why_left
from server.watch import evidence
from server.watch.evidence_wording import reminders
from server.watch.facts import by_urgency
from server.watch.rhythm import summary
from server.watch.rhythm.summary import left_in_words
from server.watch.wording import clock_there, when
from server.web.rendering import language_of, page, zone_of

# Four short words, so that they fit beside each other at 320 pixels, in every language.
TABS = (
    ("", N_("Now")),
    ("/plan", N_("Plan")),
    ("/people", N_("People and phone")),
    ("/safety", N_("Safety")),
)


class Tab(msgspec.Struct, frozen=True):
    """One of the four pages."""

    path: str
    name: str
    is_here: bool


async def show_tab(
    request: Request, template: str, child: Child, roles: Roles, context: dict[str, Any]
) -> Response:
    """One of the four pages, with its head."""
    now = now_of(request)
    tabs = _tabs(request, child)
    shared = {
        **await _standing(request, child, roles),
        "tabs": tabs,
        "tab": next((tab.name for tab in tabs[1:] if tab.is_here), ""),
        "left": await _left(request, child),
        "is_unsupervised": child.left_at is None and bool(await unsupervised([child.id], now)),
        "may": {action.name.lower(): may(roles, action) for action in Action},
        "second": await _second(request, child, roles),
        "done": done(request),
        "now": now,
    }
    return page(request, template, {**shared, **context})


async def agreed_of(request: Request, child: Child) -> summary.Agreed | None:
    """What was agreed about the watch; None where nobody watches."""
    now = now_of(request)
    case = await summary.case_of(child.id, now)
    if case is None:
        return None
    return await summary.read(case, language_of(request), zone_of(request), now)


async def _second(request: Request, child: Child, roles: Roles) -> list[tuple[str, str]]:
    """What waits for a second person: where they answer, and what is asked by which person."""
    if not may(roles, Action.APPROVAL_DECIDE):
        return []
    waiting = await waiting_about(child.id)
    people = Person.filter(id__in=[approval.asked_by for approval in waiting])
    names = {id_: name for id_, name in await people.values_list("id", "name")}
    return [
        (
            f"/desk/approvals/{approval.id}",
            gettext(
                language_of(request),
                IN_SHORT[What(approval.what)],
                name=names.get(approval.asked_by, ""),
            ),
        )
        for approval in waiting
    ]


def _tabs(request: Request, child: Child) -> list[Tab]:
    path, language = f"/desk/children/{child.id}", language_of(request)
    return [
        Tab(path + rest, gettext(language, name), is_here=request.url.path == path + rest)
        for rest, name in TABS
    ]


async def _left(request: Request, child: Child) -> str:
    """That the placement has ended, and why; empty while it has not."""
    if child.left_at is None:
        return ""
    why = await why_left(child)
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    return left_in_words(child.left_at, why, language, zone, now)


async def _standing(request: Request, child: Child, roles: Roles) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    to_do = (await returns_of({child.id: roles}, language, zone, now=now)).get(child.id)
    facts = (await evidence.of([child.id], now)).get(child.id)
    person = await Person.get(id=child.id)
    context: dict[str, Any] = {
        "child": person,
        "path": f"/desk/children/{child.id}",
        "facts": facts,
        "to_do": to_do,
        "shown": lambda at: when(language, at, zone, now),
        "sighting_id": uuid4(),
    }
    if facts is None:
        return context
    alert = facts.alerts[0] if facts.alerts else None
    group = group_of(facts, alert, is_back=to_do is not None)
    icon, word = shown_as(facts, group, alert)
    return {
        **context,
        "group": group.value,
        "icon_name": icon,
        "word": gettext(language, word),
        "sentence": evidence.sentence(facts, language, zone, now),
        "clock": clock_there(person.name, known_zone(facts.zone), zone, language=language, now=now),
        # In an alert the sentence says it already.
        "reminders": "" if facts.is_silent else reminders(facts, language, zone, now),
        "strip": strip(facts.marks, language),
        "marks": marks_one_by_one(facts.marks, language),
        # Here none hides another, so one that a person has keeps its place.
        "alerts": by_urgency(facts.alerts),
        "causes": {
            open_alert.id: gettext(language, title_of(open_alert.cause, open_alert.reason))
            for open_alert in facts.alerts
        },
    }

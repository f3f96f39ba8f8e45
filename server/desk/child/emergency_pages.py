"""The page of a child in short, for a person without a tie who broke the glass: how the child is,
who looks after them, and what can be done now."""

from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.alerts.glass.models import Glass
from server.alerts.glass.reading import of_person
from server.alerts.words import title_of
from server.desk.board.rows import group_of, shown_as
from server.desk.child.forms import show as show_page
from server.i18n import gettext
from server.missing.search.opening import open_of_child
from server.people.access import desk_child, has_broken_glass, nothing_here, now_of, staff_of
from server.people.models import Child, Home, Person, Tie
from server.people.rules import PROFESSIONAL, Action, Role
from server.people.words import ROLES
from server.phone_numbers import tel
from server.watch import evidence
from server.watch.facts import by_urgency
from server.web.rendering import language_of, zone_of


async def show(request: Request) -> Response:
    """What an emergency needs, as long as the glass is broken."""
    child, _ = await desk_child(request, Action.CHILD_SEE, by_call=True)
    if not await has_broken_glass(request, child):
        raise nothing_here()
    home = await Home.get_or_none(id=child.home_id) if child.home_id else None
    context = {
        "glass": await _glass(request, child.id),
        **await _standing(request, child),
        "people": await _people(request, child),
        "home": home,
        "home_tel": tel(home.phone) if home is not None and home.phone else None,
        "search": await open_of_child(child.id),
        "sighting_id": uuid4(),
    }
    return await show_page(request, "desk/emergency.html", child.id, context)


async def _glass(request: Request, child_id: UUID) -> Glass:
    visitor = await staff_of(request)
    assert visitor.agency_id is not None
    opened = await of_person(visitor.person_id, visitor.agency_id, now_of(request))
    return next(glass for glass in opened if glass.child_id == child_id)


async def _standing(request: Request, child: Child) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    facts = (await evidence.of([child.id], now)).get(child.id)
    if facts is None:
        return {"facts": None, "group": "unheard", "alerts": ()}
    alert = facts.alerts[0] if facts.alerts else None
    group = group_of(facts, alert)
    icon, word = shown_as(facts, group, alert)
    return {
        "facts": facts,
        "group": group.value,
        "icon_name": icon,
        "word": gettext(language, word),
        "sentence": evidence.sentence(facts, language, zone, now),
        "points": evidence.points(facts, language, zone, now),
        "alerts": by_urgency(facts.alerts),
        "causes": {
            alert.id: gettext(language, title_of(alert.cause, alert.reason))
            for alert in facts.alerts
        },
    }


async def _people(request: Request, child: Child) -> list[tuple[str, str]]:
    """Who looks after the child: the caseworkers and supervisors first."""
    held = await Tie.filter(Tie.standing_at(now_of(request)), child_id=child.id).order_by("from_at")
    names = {p.id: p.name for p in await Person.filter(id__in=[tie.person_id for tie in held])}
    held.sort(key=lambda tie: tie.role not in PROFESSIONAL)
    language = language_of(request)
    return [(names[tie.person_id], gettext(language, ROLES[Role(tie.role)])) for tie in held]


routes = [
    Route("/desk/children/{child_id:uuid}/emergency", show, methods=["GET"]),
]

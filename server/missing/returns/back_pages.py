"""The page of a child who is back: what is still to do, with one link each, and what is done."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.i18n import N_, gettext
from server.missing.returns.tasks_left import done_of, left_of
from server.missing.search.models import Episode
from server.missing.search.opening import open_of_child
from server.missing.search.pages import LinksAbout, seen_by, shown
from server.missing.search.pictures import place_reports
from server.missing.search.view import View
from server.people.access import Roles
from server.people.models import Person
from server.people.rules import Action, may
from server.watch.wording import lasted
from server.web.rendering import language_of, page


async def show(
    request: Request, episode: Episode, roles: Roles, links_about: LinksAbout
) -> Response:
    """The sentence, what is still to do, what is done, and the timeline folded."""
    seen, language = await seen_by(request, episode, roles), language_of(request)
    again = await open_of_child(episode.child_id)
    context = {
        **await shown(request, seen, roles, links_about),
        "left": await left_of(seen, roles, language),
        "done_tasks": await done_of(seen, language),
        "places": await place_reports.drawing(seen, roles, language),
        "again": again,
        "may_open": again is None and may(roles, Action.EPISODE_OPEN),
    }
    context |= await _sentence(seen, language, context["shown"])
    return page(request, "missing/returns/back.html", context)


async def _sentence(seen: View, language: str, when: Any) -> dict[str, str]:
    """When, where and by which person the child was seen, and how long they were missing."""
    episode, finding = seen.episode, seen.episode.found or {}
    assert episode.found_at is not None
    name = (await Person.get(id=episode.child_id)).name
    time, where, by = when(episode.found_at), finding.get("where"), finding.get("by")
    if where and by:
        words = N_("{name} was seen {time} by {by}: {where}.")
        says = gettext(language, words, by=by, name=name, time=time, where=where)
    elif by:
        says = gettext(language, N_("{name} was seen {time} by {by}."), by=by, name=name, time=time)
    else:
        says = gettext(language, N_("Child found {time}."), time=time)
    long = lasted(language, episode.found_at - episode.opened_at)
    return {
        "sentence": says,
        "long": gettext(language, N_("Found {long} after the report."), long=long),
        "condition": finding.get("condition", ""),
    }

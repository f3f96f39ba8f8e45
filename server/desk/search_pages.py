"""The page of a search or of a return, with links to related searches and places of the pack."""

import re
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.i18n import gettext
from server.missing.profile import actions
from server.missing.profile.fields import FIELDS
from server.missing.profile.rules import Fields
from server.missing.returns import back_pages
from server.missing.search import pages as search
from server.missing.search.models import Episode
from server.missing.search.paths import desk_episode
from server.missing.search.pictures.places import Known, Report
from server.people.access import Roles, looked, now_of, staff_of
from server.people.rules import Action, may
from server.reports.patterns_pages import about
from server.web.rendering import language_of

_LINES = re.compile(r"[\r\n;؛]+")
# One place a line. What is longer is a sentence, and is shortened here.
_FIELDS = ("places_found", "places_often", "places_risky")
MOST_OF_ONE, LONGEST = 12, 120


async def show(request: Request) -> Response:
    """The search; once the child was seen, what is still to do."""
    episode, roles = await desk_episode(request, Action.EPISODE_SEE, by_call=True)
    if episode.is_open:
        return await search.show(request, episode, roles, about, likely_places)
    return await back_pages.show(request, episode, roles, about)


async def likely_places(request: Request, episode: Episode, roles: Roles) -> list[Report]:
    """The places of the pack, for a reader who may read it; while a search is on it is open to
    them. It is a look at the pack, where it names any."""
    if not episode.is_open or not may(roles, Action.PACK_READ):
        return []
    fields = (await actions.current(episode.child_id)).fields
    reports = list(_reports(fields, language_of(request)))
    if reports:
        visitor = await staff_of(request)
        await looked(visitor, [episode.child_id], actions.LOOK_ALERTED, now_of(request))
    return reports


def _reports(fields: Fields, language: str) -> Iterator[Report]:
    for name in _FIELDS:
        word = gettext(language, FIELDS[name].label)
        lines = [line.strip(" -–•*\t") for line in _LINES.split(fields.get(name, ""))]
        for line in [line for line in lines if line][:MOST_OF_ONE]:
            place = line if len(line) <= LONGEST else f"{line[:LONGEST].rstrip()}…"
            yield Report(place, Known.LIKELY, word)


routes = [Route("/desk/episodes/{episode_id:uuid}", show, methods=["GET"])]

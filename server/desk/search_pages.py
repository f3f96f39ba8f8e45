"""The page of a search or of a return, with links to related searches and places of the pack."""

import re
from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.i18n import gettext
from server.missing.profile import actions
from server.missing.profile.fields import FIELDS, HOME_SAYS
from server.missing.profile.pages import reader_of
from server.missing.profile.paper_head import label_of, said_by
from server.missing.profile.reading import home_of
from server.missing.profile.rules import Fields
from server.missing.returns import back_pages
from server.missing.search import pages as search
from server.missing.search.models import Episode
from server.missing.search.pages import FromPack
from server.missing.search.paths import desk_episode
from server.missing.search.pictures.places import Known, Report
from server.people.access import Roles, looked, now_of, staff_of
from server.people.rules import Action, may
from server.reports.patterns_pages import about
from server.web.rendering import language_of

_LINES = re.compile(r"[\r\n;؛]+")
# One place a line. What is longer is a sentence, and is shortened here.
_FIELDS = ("places_found", "places_often", "home_places", "places_risky")
MOST_OF_ONE, LONGEST = 12, 120


async def show(request: Request) -> Response:
    """The search; once the child was seen, what is still to do."""
    episode, roles = await desk_episode(request, Action.EPISODE_SEE, by_call=True)
    if episode.is_open:
        return await search.show(request, episode, roles, about, from_pack)
    return await back_pages.show(request, episode, roles, about)


async def from_pack(request: Request, episode: Episode, roles: Roles) -> FromPack:
    """The places of the pack and what the home knows, for a reader who may read it; while a search
    is on it is open to them. It is a look at the pack, where it says any of this."""
    if not episode.is_open or not may(roles, Action.PACK_READ):
        return FromPack()
    stands, language = await actions.current(episode.child_id), language_of(request)
    by_field = said_by(await home_of(stands), await reader_of(request))
    places = list(_reports(stands.fields, by_field, language))
    home = [
        (gettext(language, FIELDS[name].label), stands.fields[name], by_field.get(name, ""))
        for name in HOME_SAYS
        if name in stands.fields
    ]
    if places or home:
        visitor = await staff_of(request)
        await looked(visitor, [episode.child_id], actions.LOOK_ALERTED, now_of(request))
    return FromPack(places, home)


def _reports(fields: Fields, by_field: Mapping[str, str], language: str) -> Iterator[Report]:
    for name in _FIELDS:
        word = label_of(name, by_field, language)
        lines = [line.strip(" -–•*\t") for line in _LINES.split(fields.get(name, ""))]
        for line in [line for line in lines if line][:MOST_OF_ONE]:
            place = line if len(line) <= LONGEST else f"{line[:LONGEST].rstrip()}…"
            yield Report(place, Known.LIKELY, word)


routes = [Route("/desk/episodes/{episode_id:uuid}", show, methods=["GET"])]

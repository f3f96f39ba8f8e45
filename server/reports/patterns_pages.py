"""What may belong together, at the desk: sentences that say what is the same."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.i18n import N_, format_list, gettext, ngettext
from server.missing.profile.fields import FIELDS
from server.missing.profile.marks import SAYS
from server.missing.search.models import Episode
from server.people.access import Roles, looked, now_of, staff_of
from server.people.children_access import children_by_ties, children_for
from server.people.rules import Action
from server.reports.patterns import Cluster, Hours, Often, OnShift, Shared
from server.reports.patterns_rows import Patterns, patterns_of
from server.web.rendering import language_of, page


class LinkOut(msgspec.Struct):
    """Something to look at: of which children, and what is the same, in the reader's language."""

    kind: str
    children: list[UUID]
    says: str


async def read_links(request: Request) -> tuple[list[LinkOut], Mapping[UUID, str]]:
    """All links for this reader, and the names in them. It is a look at each child that a sentence
    is about."""
    visitor, now = await staff_of(request), now_of(request)
    seen = await children_for(request, Action.EPISODE_WORK)
    assert visitor.agency_id is not None
    patterns = await patterns_of(visitor.agency_id, seen, now)
    links = as_links(patterns, language_of(request))
    children = {id_ for link in links for id_ in link.children}
    what = f"look:{Action.EPISODE_SEE}"
    await looked(visitor, sorted(children), what, now)
    return links, patterns.names


async def about(request: Request, episode: Episode, roles: Roles) -> list[LinkOut]:
    """The links about the child of an episode, for the box on its page. Of other children only
    those that the reader has a tie to: a page that is opened at night must not count as a look at
    all of them."""
    seen = await children_by_ties(request) | {episode.child_id: roles}
    now, child_id = now_of(request), episode.child_id
    patterns = await patterns_of(episode.agency_id, seen, now, about=child_id)
    return as_links(patterns, language_of(request))


async def show(request: Request) -> Response:
    """All of it on one page."""
    links, names = await read_links(request)
    context = {"links": links, "names": names, "now": now_of(request)}
    return page(request, "reports/patterns.html", context)


# --- in words


def as_links(seen: Patterns, language: str) -> list[LinkOut]:
    """Each as a sentence, those about children first."""
    return [
        *(_often(repeat, seen, language) for repeat in seen.often),
        *(_shared(pair, seen, language) for pair in seen.shared),
        *(_home(cluster, seen, language) for cluster in seen.homes),
        *(_hours(hours, language) for hours in seen.hours),
        *(_shift(shift, seen, language) for shift in seen.shifts),
    ]


def _often(repeat: Often, seen: Patterns, language: str) -> LinkOut:
    says = ngettext(
        language,
        "{name} went missing {n} time in 30 days.",
        "{name} went missing {n} times in 30 days.",
        repeat.times,
        name=seen.names[repeat.child_id],
    )
    return LinkOut("often", [repeat.child_id], says)


def _shared(pair: Shared, seen: Patterns, language: str) -> LinkOut:
    fields = [gettext(language, FIELDS[name].label) for name in pair.fields]
    says = gettext(
        language,
        N_("{what} is in the grab packs of {names}, under: {fields}."),
        what=gettext(language, SAYS[pair.what]),
        names=format_list(language, [seen.names[pair.one], seen.names[pair.other]]),
        fields=format_list(language, fields),
    )
    return LinkOut(f"same_{pair.what.value}", [pair.one, pair.other], says)


def _home(cluster: Cluster, seen: Patterns, language: str) -> LinkOut:
    says = gettext(
        language,
        N_(
            "In 90 days children went missing {of_times} times. In {times} of these the"
            " child lived in {home}, where {children} of {of_children} children live now."
        ),
        times=cluster.times,
        of_times=cluster.of_times,
        home=seen.names[cluster.home_id],
        children=cluster.children,
        of_children=cluster.of_children,
    )
    return LinkOut("home", [], says)


def _hours(hours: Hours, language: str) -> LinkOut:
    says = gettext(
        language,
        N_(
            "In 90 days children went missing {of_times} times. {times} of these began"
            " between {begin} and {end}, a third of the day."
        ),
        times=hours.times,
        of_times=hours.of_times,
        begin=f"{hours.begin:02}:00",
        end=f"{hours.end:02}:00",
    )
    return LinkOut("hours", [], says)


def _shift(shift: OnShift, seen: Patterns, language: str) -> LinkOut:
    says = gettext(
        language,
        N_(
            "In 90 days, {missed} of {asked} check-ins were missed on {name}'s shifts. At"
            " the same hours on other people's shifts, about {usual} would have been"
            " missed. Perhaps these were the hard days: ask what this shift needs."
        ),
        missed=shift.missed,
        asked=shift.asked,
        name=seen.names[shift.person_id],
        usual=round(shift.usual),
    )
    return LinkOut("shift", [], says)


routes = [Route("/desk/patterns", show, methods=["GET"])]

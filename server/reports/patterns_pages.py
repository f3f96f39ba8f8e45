"""What may belong together, at the desk: sentences that say what is the same."""

from collections.abc import Mapping, Sequence
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
from server.people.children_access import children_for
from server.people.finding.scope import scope_of
from server.people.rules import Action, may
from server.reports.patterns import MOST_SHARED, Cluster, Hours, Often, OnShift, Shared
from server.reports.patterns_rows import Link, children_of, names_of, patterns_about, patterns_of
from server.web.rendering import language_of, page
from server.web.requests import part_of

AT_ONCE = 50
IN_A_BOX = 20
Names = Mapping[UUID, str]


class LinkOut(msgspec.Struct):
    """Something to look at: of which children, and what is the same, in the reader's language."""

    kind: str
    children: list[UUID]
    says: str


async def read_links(request: Request) -> list[LinkOut]:
    """All links for this reader. It is a look at each child that a sentence is about."""
    await staff_of(request)
    links = await patterns_of(await scope_of(request))
    shown, _ = await _say(request, links)
    return shown


async def about(request: Request, episode: Episode, roles: Roles) -> list[LinkOut]:
    """The links about the child of an episode, for the box on its page. Of other children only
    those that the reader has a tie to: a page that is opened at night must not count as a look at
    all of them."""
    if not may(roles, Action.EPISODE_WORK):
        return []
    links = (await patterns_about(await scope_of(request), episode.child_id))[:IN_A_BOX]
    names, language = await names_of(links), language_of(request)
    return [as_link(link, names, language) for link in links]


async def show(request: Request) -> Response:
    """One part of it."""
    await staff_of(request)
    links = await patterns_of(await scope_of(request))
    number, pages = part_of(request, len(links), AT_ONCE)
    shown, names = await _say(request, links[AT_ONCE * (number - 1) : AT_ONCE * number])
    context = {
        "links": shown,
        "names": names,
        "has_more": sum(isinstance(link, Shared) for link in links) == MOST_SHARED,
        "number": number,
        "pages": pages,
        "now": now_of(request),
    }
    return page(request, "reports/patterns.html", context)


async def _say(request: Request, links: Sequence[Link]) -> tuple[list[LinkOut], Names]:
    """These links in words, and the names in them. A look at each child who is named."""
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    children = {id_ for link in links for id_ in children_of(link)}
    await children_for(request, Action.EPISODE_WORK, also=children, among=children)
    await looked(visitor, sorted(children), f"look:{Action.EPISODE_SEE}", now)
    names = await names_of(links)
    return [as_link(link, names, language) for link in links], names


# --- in words


def as_link(link: Link, names: Names, language: str) -> LinkOut:
    """A link as a sentence."""
    match link:
        case Often():
            return _often(link, names, language)
        case Shared():
            return _shared(link, names, language)
        case Cluster():
            return _home(link, names, language)
        case Hours():
            return _hours(link, language)
        case OnShift():
            return _shift(link, names, language)


def _often(repeat: Often, names: Names, language: str) -> LinkOut:
    says = ngettext(
        language,
        "{name} went missing {n} time in 30 days.",
        "{name} went missing {n} times in 30 days.",
        repeat.times,
        name=names[repeat.child_id],
    )
    return LinkOut("often", [repeat.child_id], says)


def _shared(pair: Shared, names: Names, language: str) -> LinkOut:
    fields = [gettext(language, FIELDS[name].label) for name in pair.fields]
    says = gettext(
        language,
        N_("{what} is in the grab packs of {names}, under: {fields}."),
        what=gettext(language, SAYS[pair.what]),
        names=format_list(language, [names[pair.one], names[pair.other]]),
        fields=format_list(language, fields),
    )
    return LinkOut(f"same_{pair.what.value}", [pair.one, pair.other], says)


def _home(cluster: Cluster, names: Names, language: str) -> LinkOut:
    says = gettext(
        language,
        N_(
            "In 90 days children went missing {of_times} times. In {times} of these the"
            " child lived in {home}, where {children} of {of_children} children live now."
        ),
        times=cluster.times,
        of_times=cluster.of_times,
        home=names[cluster.home_id],
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


def _shift(shift: OnShift, names: Names, language: str) -> LinkOut:
    says = gettext(
        language,
        N_(
            "In 90 days, {missed} of {asked} check-ins were missed on {name}'s shifts. At"
            " the same hours on other people's shifts, about {usual} would have been"
            " missed. Perhaps these were the hard days: ask what this shift needs."
        ),
        missed=shift.missed,
        asked=shift.asked,
        name=names[shift.person_id],
        usual=round(shift.usual),
    )
    return LinkOut("shift", [], says)


routes = [Route("/desk/patterns", show, methods=["GET"])]

"""The searches for a child, open and ended, as rows of a list: when, how long, how the child was
found, and what is still to do after the return."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request

from server.i18n import N_, gettext, ngettext
from server.missing.search.entry_kinds import RETURN
from server.missing.search.models import Episode
from server.missing.search.pictures.place_reports import MOST_SEARCHES, seen_in
from server.missing.search.pictures.places import Drawing, drawn
from server.missing.search.rules import Stage
from server.missing.search.wording import STAGES
from server.people.access import Roles, looked, now_of, visitor_of
from server.people.models import Child
from server.people.rules import Action, may
from server.storage.db import as_id
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.tasks.turns import WORDS
from server.watch.wording import lasted, when
from server.web.rendering import language_of, zone_of

AT_ONCE = 50
ON_A_CHILDS_PAGE = 5
Shown = Callable[[datetime], str]


class Row(msgspec.Struct, frozen=True):
    """One search in a list. `still`: what of the return is open, in words."""

    episode: Episode
    href: str
    stage: str
    times: str
    how_seen: str
    still: str

    @property
    def is_open(self) -> bool:
        """Whether the child is still missing."""
        return self.episode.is_open

    @property
    def is_complete(self) -> bool:
        """Whether everything after the return is done."""
        return self.episode.followed_up_at is not None


async def rows_of(request: Request, episodes: Sequence[Episode]) -> list[Row]:
    """These searches, in the order given."""
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    still = await _still_open([episode.id for episode in episodes])

    def shown(at: datetime) -> str:
        return when(language, at, zone, now)

    return [
        Row(
            episode,
            href_of(episode),
            gettext(language, STAGES[Stage(episode.stage)]),
            _times(episode, language, shown, now),
            how_seen(episode, language),
            _still(still.get(episode.id, ()), language),
        )
        for episode in episodes
    ]


def href_of(episode: Episode) -> str:
    """The page to read: once everything is done, the summary."""
    path = f"/desk/episodes/{episode.id}"
    return f"{path}/summary" if episode.followed_up_at is not None else path


async def _still_open(ids: Collection[UUID]) -> Mapping[UUID, list[Kind]]:
    """The tasks of each return that are open, the most urgent first."""
    open_tasks = Task.filter(subject_id__in=list(ids), kind__in=list(RETURN), state=State.OPEN)
    rows = await open_tasks.values_list("subject_id", "kind", "due_at")
    by_episode: dict[UUID, list[Kind]] = {}
    # Where several are due at one moment, the earlier step of the workflow comes first.
    for subject, kind, _ in sorted(rows, key=lambda row: (row[2], RETURN.index(Kind(row[1])))):
        by_episode.setdefault(as_id(subject), []).append(Kind(kind))
    return by_episode


def _still(kinds: Sequence[Kind], language: str) -> str:
    """How much of the return is open, and what comes first."""
    if not kinds:
        return ""
    return ngettext(
        language,
        "{n} task still to do: {first}",
        "{n} tasks still to do. First: {first}",
        len(kinds),
        first=gettext(language, WORDS[kinds[0]]),
    )


def _times(episode: Episode, language: str, shown: Shown, now: datetime) -> str:
    if episode.found_at is None:
        since, long = shown(episode.opened_at), lasted(language, now - episode.opened_at)
        return gettext(language, N_("Since {time} · {long}"), time=since, long=long)
    return gettext(
        language,
        N_("{begin} to {end} · {long}"),
        begin=shown(episode.opened_at),
        end=shown(episode.found_at),
        long=lasted(language, episode.found_at - episode.opened_at),
    )


def how_seen(episode: Episode, language: str) -> str:
    """Where and by which person the child was seen, as far as it is known."""
    seen = episode.found or {}
    where, by = seen.get("where"), seen.get("by")
    if where and by:
        return gettext(language, N_("Seen by {name}: {where}"), name=by, where=where)
    return gettext(language, N_("Seen by {name}"), name=by) if by else ""


async def of_child(request: Request, child: Child, roles: Roles) -> dict[str, Any]:
    """For the child's page: their last searches, which is a look at them where there are any. The
    template is `missing/search/of_child.html`."""
    if not may(roles, Action.EPISODE_SEE):
        return {"searches": [], "has_more_searches": False}
    last = Episode.filter(child_id=child.id).order_by("-opened_at", "-id")
    episodes = await last.limit(ON_A_CHILDS_PAGE + 1)
    if episodes:
        visitor = await visitor_of(request)
        await looked(visitor, [child.id], f"look:{Action.EPISODE_SEE}", now_of(request))
    return {
        "searches": await rows_of(request, episodes[:ON_A_CHILDS_PAGE]),
        "has_more_searches": len(episodes) > ON_A_CHILDS_PAGE,
    }


async def places_of(request: Request, child: Child, roles: Roles) -> Drawing:
    """The places of their last searches, for the same readers; `of_child` has left the look."""
    if not may(roles, Action.EPISODE_SEE):
        return drawn(())
    held = Episode.filter(child_id=child.id, agency_id=child.agency_id)
    episodes = await held.order_by("-opened_at", "-id").limit(MOST_SEARCHES)
    return drawn(await seen_in(episodes, language_of(request)))

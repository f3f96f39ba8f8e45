"""Search handovers at the desk: the note of the person who leaves, and what the next one reads."""

from datetime import datetime
from uuid import uuid4

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Denied, NotFound, Refused, WaymarkError
from server.missing.search.entry_kinds import Act
from server.missing.search.handover import actions as handovers
from server.missing.search.handover.ends import OUT
from server.missing.search.models import Episode, SearchHandover, TimelineEntry
from server.missing.search.paths import others_for
from server.missing.search.pictures import search_line
from server.missing.search.summary import how_it_stands
from server.missing.search.view import names_of, others_in, view
from server.people.access import Roles, child_for, looked, nothing_here, now_of, staff_of
from server.people.desk_forms import id_or_new, words_of
from server.people.models import Person
from server.people.rules import Action
from server.people.words import entered, form_fault
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """A note to write, or the state of the search."""
    row, episode, roles = await _passing(request)
    return await _page(request, row, episode, roles)


async def say(request: Request) -> Response:
    """Save the note for the next person; or: "I have read it"."""
    row, episode, roles = await _passing(request)
    visitor, now = await staff_of(request), now_of(request)
    if row.person_id != visitor.person_id:
        raise nothing_here()
    form = await form_body(request)
    try:
        if row.part == OUT:
            await handovers.write_note(visitor, row.id, id_or_new(form), words_of(form), now)
        else:
            await handovers.confirm(visitor, row.id, now)
    except Refused as fault:
        return await _page(request, row, episode, roles, form, fault)
    if row.part == OUT and not roles:
        return RedirectResponse(f"/desk/handovers/{row.id}", status_code=303)
    return RedirectResponse(f"/desk/episodes/{episode.id}", status_code=303)


class Asked(msgspec.Struct, frozen=True):
    """A person whose note we ask for, or who has the search now and has not read its state."""

    row: SearchHandover
    name: str
    is_note: bool


async def open_of(episode: Episode) -> list[Asked]:
    """The people we ask now."""
    held = SearchHandover.filter(
        episode_id=episode.id, done_at__isnull=True, dropped_at__isnull=True
    )
    rows = await held.order_by("at", "part", "id")
    names = await names_of({row.person_id for row in rows})
    return [Asked(row, names.get(row.person_id, ""), row.part == OUT) for row in rows]


async def _passing(request: Request) -> tuple[SearchHandover, Episode, Roles]:
    """The row of the path, for a person who works on the search. Also for the one who had it, after
    their shift is over, but only as far as their note."""
    visitor = await staff_of(request)
    held = SearchHandover.filter(id=request.path_params["passing_id"], agency_id=visitor.agency_id)
    row = await held.first()
    if row is None:
        raise nothing_here()
    episode = await Episode.get(id=row.episode_id)
    try:
        _, roles = await child_for(request, episode.child_id, Action.EPISODE_WORK)
    except (NotFound, Denied):
        if row.part != OUT or row.person_id != visitor.person_id:
            raise
        roles = frozenset()
    return row, episode, roles


async def _page(
    request: Request,
    row: SearchHandover,
    episode: Episode,
    roles: Roles,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    visitor, language = await staff_of(request), language_of(request)
    zone, now = zone_of(request), now_of(request)

    def shown(at: datetime) -> str:
        return when(language, at, zone, now)

    context = {
        "path": f"/desk/handovers/{row.id}",
        "row": row,
        "is_note": row.part == OUT,
        "is_mine": row.person_id == visitor.person_id,
        "person": (await Person.get(id=row.person_id)).name,
        "child": await Person.get(id=episode.child_id) if roles else None,
        "episode": episode,
        "id": entered(form, "id") if form is not None else str(uuid4()),
        "words": entered(form, "words") if form is not None else "",
        "shown": shown,
        "now": now,
        "error": form_fault(fault, language) if fault is not None else None,
    }
    if roles:
        what = f"look:{Action.EPISODE_SEE}"
        await looked(visitor, [episode.child_id], what, now)
        visible_names = await names_of(await others_for(request, await others_in([episode])))
        [seen] = await view([episode], roles, visitor.person_id, now, visible_names)
        context["sentences"] = how_it_stands(seen, language, shown)
        context["line"] = search_line.of(seen, language, now)
        context["notes"] = await _notes(row, episode)
    return page(
        request, "missing/search/handover.html", context, status=fault.status if fault else 200
    )


async def _notes(row: SearchHandover, episode: Episode) -> list[tuple[str, TimelineEntry]]:
    """The notes of those who had the search before, the latest first."""
    held = TimelineEntry.filter(episode_id=episode.id, what=Act.HANDOVER.value)
    lines = await held.order_by("-number").limit(3)
    names = await names_of({line.who_id for line in lines if line.who_id is not None})
    return [(names.get(line.who_id, "") if line.who_id else "", line) for line in lines]


routes = [
    Route("/desk/handovers/{passing_id:uuid}", show, methods=["GET"]),
    Route("/desk/handovers/{passing_id:uuid}", say, methods=["POST"]),
]

"""The desk while a child is missing: one step to say so, the next step, and the timeline."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, NotFound, WaymarkError
from server.i18n import N_, format_list, gettext
from server.missing.search import actions, entry_kinds
from server.missing.search.actions import EntryRequest
from server.missing.search.clocks.actions import lines_of
from server.missing.search.definitions.reading import Aside, aside_of
from server.missing.search.entry_kinds import ENTRIES, FLAGS, RETURN, SHARED, Act
from server.missing.search.handover import pages as handover_pages
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.paths import desk_episode, frame, others_for
from server.missing.search.pictures import place_reports, search_line
from server.missing.search.pictures.places import Report
from server.missing.search.rules import Flag, Stage
from server.missing.search.searches import href_of
from server.missing.search.signs_of_life import was_logged_late
from server.missing.search.together import pages as together_pages
from server.missing.search.view import Running, Told, View, names_of, others_in, view
from server.missing.search.wording import STAGES, details_of, icon_of, title_of
from server.people.access import Roles, looked, nothing_here, now_of, staff_of
from server.people.desk_forms import id_or_new, when_of, words_of
from server.people.rules import Action, Role, may
from server.people.words import ROLES, entered, form_fault
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.tasks.turns import WORDS
from server.tasks.ways import way_for
from server.watch.models import Pause
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body

LinksAbout = Callable[[Request, Episode, Roles], Awaitable[Sequence[Any]]]


class FromPack(msgspec.Struct, frozen=True):
    """What the grab pack tells of where to look: places, and what the home knows besides, each with
    its name, its words, and who said it when."""

    places: Sequence[Report] = ()
    home: Sequence[tuple[str, str, str]] = ()


TellsPack = Callable[[Request, Episode, Roles], Awaitable[FromPack]]

# --- the episode


async def show(
    request: Request,
    episode: Episode,
    roles: Roles,
    links_about: LinksAbout,
    from_pack: TellsPack,
) -> Response:
    """The next step, whose turn it is, and everything that was done.

    `links_about` finds what may belong together, `from_pack` where the child may be. Later rooms
    know this, and pass it in where the routes are put together.
    """
    seen, language = await seen_by(request, episode, roles), language_of(request)
    clocks = [_clock(clock, episode, roles, language) for clock in seen.clocks]
    pack = await from_pack(request, episode, roles)
    context = {
        **await shown(request, seen, roles, links_about),
        "flags": [gettext(language, FLAGS[Flag(flag)]) for flag in episode.flags],
        "next": clocks[0] if clocks else None,
        "clocks": clocks[1:],
        "line": search_line.of(seen, language, now_of(request)),
        "places": await place_reports.drawing(seen, roles, language, pack.places),
        "home_knows": pack.home,
        "passings": await handover_pages.open_of(episode),
        "absence": await _absence(request, episode),
        "may_find": may(roles, Action.EPISODE_FOUND),
    }
    return page(request, "missing/search/episode.html", context)


async def seen_by(request: Request, episode: Episode, roles: Roles) -> View:
    """The search as this reader sees it. It is a look."""
    visitor, now = await staff_of(request), now_of(request)
    await looked(visitor, [episode.child_id], f"look:{Action.EPISODE_SEE}", now)
    visible_names = await names_of(await others_for(request, await others_in([episode])))
    [seen] = await view([episode], roles, visitor.person_id, now, visible_names)
    return seen


async def shown(
    request: Request, seen: View, roles: Roles, links_about: LinksAbout
) -> dict[str, Any]:
    """What the pages of a search and of a return share."""
    episode, language = seen.episode, language_of(request)
    works = may(roles, Action.EPISODE_WORK)
    # The alert opens this search to those called without a tie, and nothing else of the child.
    has_page = may(roles, Action.CHILD_SEE)
    return {
        **await frame(request, episode),
        "stage": gettext(language, STAGES[Stage(episode.stage)]),
        "lines": [_line(line, language) for line in reversed(seen.timeline)],
        "acts": _acts(episode, language) if works else [],
        **await together_pages.shown(request, episode, roles),
        "me": (await staff_of(request)).person_id,
        "links": await links_about(request, episode, roles) if works and has_page else [],
        "done": _done(request),
        "works": works,
        "has_page": has_page,
    }


async def _absence(request: Request, episode: Episode) -> str | None:
    """That an agreed absence changes nothing about the search, where there is one."""
    during = Pause.filter(child_id=episode.child_id, ended_at=None, from_at__lte=now_of(request))
    pause = await during.filter(until_at__gt=episode.opened_at).order_by("-until_at").first()
    if pause is None:
        return None
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    words = (
        N_("An absence is agreed until {time}. The search goes on all the same.")
        if pause.until_at > now
        else N_("The agreed absence ended {time}. The search goes on.")
    )
    return gettext(language, words, time=when(language, pause.until_at, zone, now))


DONE: Mapping[str, str] = {
    "found_already": N_("The child is already marked as found. Nothing was saved twice."),
    "together": N_("Logged in both timelines: missing together."),
    "apart": N_("Logged in both timelines: not missing together."),
    "not_together": N_(
        "These two are from different homes, or their searches do not overlap. Write a note"
        " instead."
    ),
}


def _done(request: Request) -> str | None:
    code = request.query_params.get("done", "")
    return gettext(language_of(request), DONE[code]) if code in DONE else None


def _clock(clock: Running, episode: Episode, roles: Roles, language: str) -> dict[str, Any]:
    names = format_list(language, [person.name for person in clock.people])
    return {
        "word": gettext(language, WORDS[clock.what]),
        "due_at": clock.due_at,
        "is_over": clock.is_over,
        "who": names or gettext(language, ROLES[Role(clock.role)]),
        "href": way_for(roles, clock.what, episode.child_id, subject_id=episode.id),
    }


def _line(line: Told, language: str) -> dict[str, Any]:
    return {
        "title": title_of(line.what, language),
        "icon": icon_of(line.what),
        "at": line.at,
        "received_at": line.received_at,
        "is_late": was_logged_late(line.at, line.received_at),
        "who": line.who.name,
        "details": details_of(line.what, line.details, language),
        "words": line.words,
    }


def _acts(episode: Episode, language: str) -> list[tuple[str, str, str]]:
    """The entries that are possible now."""
    return [
        (act.value, gettext(language, entry.title), entry.icon)
        for act, entry in ENTRIES.items()
        # Each task of the return has its own way to say that it must wait.
        if act is not Act.NOT_POSSIBLE
        and (
            (entry.is_search and episode.is_open)
            or (not entry.is_search and not episode.is_open)
            or act in (Act.NOTE, Act.REPORT)
        )
    ]


# --- an entry


async def entry(request: Request) -> Response:
    """One entry on a page of its own."""
    episode, roles = await desk_episode(request, Action.EPISODE_WORK, by_call=True)
    act = _act(request)
    visitor, now = await staff_of(request), now_of(request)
    await looked(visitor, [episode.child_id], f"look:{Action.EPISODE_SEE}", now)
    return await _entry_page(request, episode, roles, act)


async def enter(request: Request) -> Response:
    """It is in the timeline."""
    episode, roles = await desk_episode(request, Action.EPISODE_WORK, by_call=True)
    form, act = await form_body(request), _act(request)
    details = {detail.name: entered(form, detail.name) for detail in ENTRIES[act].details}
    missing = entry_kinds.missing(act, details, words_of(form))
    try:
        await actions.enter(
            await staff_of(request),
            episode.id,
            EntryRequest(
                id_or_new(form),
                act,
                at=when_of(form, zone_of(request), "at", now_of(request), missing),
                words=words_of(form),
                details={name: value for name, value in details.items() if value},
                also=await _also(request, episode, form),
            ),
            now_of(request),
        )
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _entry_page(request, episode, roles, act, form, fault)
    return await onward(episode.id)


async def onward(episode_id: UUID) -> Response:
    """To the page of the search; to the summary, once everything after the return is done."""
    return RedirectResponse(href_of(await Episode.get(id=episode_id)), status_code=303)


async def _also(request: Request, episode: Episode, form: FormData) -> list[UUID]:
    """The other children of this entry: those named beside the one tick. Raises Conflict where that
    is no longer so."""
    wanted = [UUID(other_id) for other_id in entered(form, "also").split() if _is_id(other_id)]
    theirs = {other.episode.id for other in await together_pages.shared(request, episode)}
    if set(wanted) <= theirs:
        return wanted
    # Sent again, the entry stays as it is, whatever has become of the others since.
    if await TimelineEntry.exists(id=id_or_new(form)):
        return wanted
    raise Conflict(
        N_("This has changed: one of them was seen, or is not with this child. Check again."),
        code="apart",
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _act(request: Request) -> Act:
    act = request.path_params["act"]
    if act not in set(Act):
        raise nothing_here()
    return Act(act)


async def _entry_page(
    request: Request,
    episode: Episode,
    roles: Roles,
    act: Act,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, kind = language_of(request), ENTRIES[act]
    names = ["id", "ago", "at", "words", *(detail.name for detail in kind.details)]
    # A page that knows some of the details already puts them into its link.
    prefilled = {detail.name: request.query_params.get(detail.name, "") for detail in kind.details}
    given: Mapping[str, str] = {"words": "", "ago": "", "at": "", "id": str(uuid4()), **prefilled}
    if form is not None:
        given = {name: entered(form, name) for name in names}
    others = await together_pages.shared(request, episode) if act in SHARED else []
    _, missing_line = await lines_of(episode.agency_id) if act is Act.REPORT else ("", "")
    about = await frame(request, episode)
    context = {
        **about,
        **_asked(act, about["child"].name, await _task_of(act, given, episode), language=language),
        "others": format_list(language, [other.name or "" for other in others]),
        "also": " ".join(str(other.episode.id) for other in others),
        "is_also": form is not None and bool(entered(form, "also")),
        "act": act.value,
        "details": [
            _field(detail, language, missing_line) for detail in kind.details if detail.is_asked
        ],
        "needs_words": kind.needs_words,
        "places": await _named(request, episode, roles) if act in _OF_PLACES else [],
        "aside": await _aside(request, episode) if act is Act.DECISION else None,
        "zone_name": str(zone_of(request)),
        "given": given,
        "fields": names,
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(
        request, "missing/search/entry.html", context, status=fault.status if fault else 200
    )


# These ask for a place. One that is named as before becomes one dot with two times.
_OF_PLACES = frozenset({Act.PLACE, Act.ATTEMPT})


async def _named(request: Request, episode: Episode, roles: Roles) -> list[str]:
    """The names of the places so far. It is a look at the search."""
    seen = await seen_by(request, episode, roles)
    drawing = await place_reports.drawing(seen, roles, language_of(request))
    return [place.name for place in drawing.places]


async def _aside(request: Request, episode: Episode) -> Aside | None:
    language, zone = language_of(request), zone_of(request)
    return await aside_of(episode.agency_id, episode.child_id, language, zone, now_of(request))


def _asked(act: Act, name: str, task: Task | None, *, language: str) -> dict[str, Any]:
    """What a form is about, and what it asks. A task of the return is called by its own name."""
    kind = ENTRIES[act]
    ask = kind.ask or (N_("In a few words") if kind.needs_words else N_("A few words (optional)"))
    word = gettext(language, WORDS[Kind(task.kind)]) if task is not None else ""
    title = gettext(language, kind.title)
    return {
        "title": title if act is Act.NOT_POSSIBLE else word or title,
        "hint": gettext(language, kind.hint, name=name) if kind.hint else "",
        "ask": gettext(language, ask, name=name),
        "task": task,
        "task_word": word,
    }


async def _task_of(act: Act, given: Mapping[str, str], episode: Episode) -> Task | None:
    """The open task of the return that a form is about."""
    kinds = [given.get("task", "")] if act is Act.NOT_POSSIBLE else sorted(ENTRIES[act].ends)
    if ENTRIES[act].is_search or len(kinds) != 1 or kinds[0] not in set(RETURN):
        return None
    return await Task.get_or_none(subject_id=episode.id, kind=kinds[0], state=State.OPEN)


def _field(detail: Any, language: str, missing_line: str) -> dict[str, Any]:
    choices = detail.choices or {}
    options = [(code, gettext(language, words)) for code, words in choices.items()]
    if missing_line:
        named = gettext(language, N_("Missing children helpline ({number})"), number=missing_line)
        options = [(code, named if code == "line" else words) for code, words in options]
    return {
        "name": detail.name,
        "label": gettext(language, detail.label),
        "options": options,
        "is_needed": detail.is_needed,
    }


_CHILD, _EPISODE = "/desk/children/{child_id:uuid}", "/desk/episodes/{episode_id:uuid}"

routes = [
    Route(f"{_EPISODE}/enter/{{act}}", entry, methods=["GET"]),
    Route(f"{_EPISODE}/enter/{{act}}", enter, methods=["POST"]),
]

"""The desk while a child is missing: one step to say so, the next step, and the timeline."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.ladder import people_on
from server.alerts.recipients import reach_of
from server.errors import Conflict, NotFound, WaymarkError
from server.i18n import N_, format_list, gettext
from server.missing.search import actions, opening
from server.missing.search.actions import EntryRequest
from server.missing.search.clocks.actions import lines_of
from server.missing.search.entry_kinds import ENTRIES, FLAGS, SAID, SHARED, Act
from server.missing.search.handover import pages as handover_pages
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import Saying
from server.missing.search.paths import desk_episode, frame, others_for
from server.missing.search.rules import Flag, Stage
from server.missing.search.together import pages as together_pages
from server.missing.search.view import Running, Told, names_of, others_in, view
from server.missing.search.wording import ENDED_BY, STAGES, details_of, icon_of, title_of
from server.people.access import Roles, desk_child, looked, nothing_here, now_of, staff_of
from server.people.desk_forms import LONGEST_WORDS, back_to, id_or_new, moment_of, words_of
from server.people.models import Child, Person
from server.people.rules import Action, Role, may
from server.people.words import ROLES, entered, form_fault
from server.policy.model import Rung
from server.tasks.rules import Kind
from server.tasks.turns import WORDS
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body

LinksAbout = Callable[[Request, Episode, Roles], Awaitable[Sequence[Any]]]

# --- saying so


async def missing(request: Request) -> Response:
    """Before everyone is called: one page, one button. Nothing on it may cause a delay."""
    child, roles = await desk_child(request, Action.EPISODE_OPEN, by_call=True)
    held = await opening.open_of_child(child.id)
    if held is not None and may(roles, Action.EPISODE_SEE):
        return RedirectResponse(f"/desk/episodes/{held.id}", status_code=303)
    language = language_of(request)
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "called": format_list(language, await _all_called(child, now_of(request))),
        "id": str(uuid4()),
        "flags": [(flag.value, gettext(language, FLAGS[flag])) for flag in SAID],
    }
    return page(request, "missing/search/missing.html", context)


async def _all_called(child: Child, now: datetime) -> list[str]:
    """The names of everyone that one tap calls now, for this child."""
    reach = (await reach_of({child.id: child.agency_id}, now))[child.id]
    ids = people_on(Rung.EVERYONE, reach.on(Rung.EVERYONE))
    names = {person.id: person.name for person in await Person.filter(id__in=list(ids))}
    return [names[id_] for id_ in ids if id_ in names]


async def open_missing(request: Request) -> Response:
    """Open the search: everyone is called at once. Nothing else is required, and an entry that does
    not fit causes no delay: it is left out."""
    child, roles = await desk_child(request, Action.EPISODE_OPEN, by_call=True)
    visitor, now = await staff_of(request), now_of(request)
    form = await _form_if_any(request)
    id_ = _id(form)
    saying = _said(form, now)
    try:
        episode, _ = await opening.open_episode(visitor, child.id, id_, saying, now)
    except WaymarkError:
        # An id that is known already with other words: the call matters, the id does not.
        episode, _ = await opening.open_episode(visitor, child.id, uuid4(), saying, now)
    if may(roles, Action.EPISODE_SEE):
        return RedirectResponse(f"/desk/episodes/{episode.id}", status_code=303)
    return back_to(child.id, roles, "missing")


async def _form_if_any(request: Request) -> FormData:
    try:
        return await form_body(request)
    except WaymarkError:
        return FormData()


def _id(form: FormData) -> UUID:
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        return uuid4()


def _said(form: FormData, now: datetime) -> Saying:
    words = entered(form, "words")[:LONGEST_WORDS] or None
    seen = {name: entered(form, name)[:500] for name in ("where", "by") if entered(form, name)}
    flags = tuple(flag for flag in SAID if flag.value in form.getlist("flag"))
    return Saying(now, words, seen or None, flags, is_timed=False)


# --- the episode


async def show(request: Request, *, links_about: LinksAbout) -> Response:
    """The next step, whose turn it is, and everything that was done.

    `links_about` finds what may belong together. A later room knows this, and passes it in where
    the routes are put together.
    """
    episode, roles = await desk_episode(request, Action.EPISODE_SEE, by_call=True)
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    what = f"look:{Action.EPISODE_SEE}"
    await looked(visitor, [episode.child_id], what, now)
    visible_names = await names_of(await others_for(request, await others_in([episode])))
    [seen] = await view([episode], roles, visitor.person_id, now, visible_names)
    clocks = [_clock(clock, episode, language) for clock in seen.clocks]
    works = may(roles, Action.EPISODE_WORK)
    # The alert opens this search to those called without a tie, and nothing else of the child.
    has_page = may(roles, Action.CHILD_SEE)
    context = {
        **await frame(request, episode),
        "stage": gettext(language, STAGES[Stage(episode.stage)]),
        "flags": [gettext(language, FLAGS[Flag(flag)]) for flag in episode.flags],
        "next": clocks[0] if clocks else None,
        "clocks": clocks[1:],
        "lines": [_line(line, language) for line in reversed(seen.timeline)],
        "acts": _acts(episode, language) if works else [],
        **await together_pages.shown(request, episode, roles),
        "passings": await handover_pages.open_of(episode),
        "me": visitor.person_id,
        "links": await links_about(request, episode, roles) if works and has_page else [],
        "done": _done(request),
        "works": works,
        "has_page": has_page,
        "may_find": may(roles, Action.EPISODE_FOUND),
    }
    return page(request, "missing/search/episode.html", context)


DONE: Mapping[str, str] = {
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


def _clock(clock: Running, episode: Episode, language: str) -> dict[str, Any]:
    names = format_list(language, [person.name for person in clock.people])
    return {
        "word": gettext(language, WORDS[clock.what]),
        "due_at": clock.due_at,
        "is_over": clock.is_over,
        "who": names or gettext(language, ROLES[Role(clock.role)]),
        "href": _way_to(clock.what, episode),
    }


def _way_to(what: Kind, episode: Episode) -> str | None:
    """Where to do it: an entry on a page of its own, the project, or the grab pack, where the
    review is the entry."""
    if what is Kind.PLAN_REVIEW:
        return f"/desk/children/{episode.child_id}/project#review"
    if what is Kind.PACK_UPDATE:
        return f"/desk/children/{episode.child_id}/pack"
    act = ENDED_BY.get(what)
    return None if act is None else f"/desk/episodes/{episode.id}/enter/{act.value}"


def _line(line: Told, language: str) -> dict[str, Any]:
    return {
        "title": title_of(line.what, language),
        "icon": icon_of(line.what),
        "at": line.at,
        "received_at": line.received_at,
        "is_late": (line.received_at - line.at).total_seconds() > 90,
        "who": line.who.name,
        "details": details_of(line.what, line.details, language),
        "words": line.words,
    }


def _acts(episode: Episode, language: str) -> list[tuple[str, str, str]]:
    """The entries that are possible now."""
    return [
        (act.value, gettext(language, entry.title), entry.icon)
        for act, entry in ENTRIES.items()
        if (entry.is_search and episode.is_open)
        or (not entry.is_search and not episode.is_open)
        or act in (Act.NOTE, Act.REPORT)
    ]


# --- an entry


async def entry(request: Request) -> Response:
    """One entry on a page of its own."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK, by_call=True)
    return await _entry_page(request, episode, _act(request))


async def enter(request: Request) -> Response:
    """It is in the timeline."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK, by_call=True)
    form, act = await form_body(request), _act(request)
    details = {detail.name: entered(form, detail.name) for detail in ENTRIES[act].details}
    try:
        await actions.enter(
            await staff_of(request),
            episode.id,
            EntryRequest(
                id_or_new(form),
                act,
                at=moment_of(entered(form, "at"), zone_of(request), "at"),
                words=words_of(form),
                details={name: value for name, value in details.items() if value},
                also=await _also(request, episode, form),
            ),
            now_of(request),
        )
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _entry_page(request, episode, act, form, fault)
    return RedirectResponse(f"/desk/episodes/{episode.id}", status_code=303)


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
    act: Act,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, kind = language_of(request), ENTRIES[act]
    names = ["id", "at", "words", *(detail.name for detail in kind.details)]
    # A page that knows some of the details already puts them into its link.
    prefilled = {detail.name: request.query_params.get(detail.name, "") for detail in kind.details}
    given: Mapping[str, str] = {"words": "", "at": "", "id": str(uuid4()), **prefilled}
    if form is not None:
        given = {name: entered(form, name) for name in names}
    others = await together_pages.shared(request, episode) if act in SHARED else []
    _, missing_line = await lines_of(episode.agency_id) if act is Act.REPORT else ("", "")
    context = {
        **await frame(request, episode),
        "others": format_list(language, [other.name or "" for other in others]),
        "also": " ".join(str(other.episode.id) for other in others),
        "is_also": form is not None and bool(entered(form, "also")),
        "act": act.value,
        "title": gettext(language, kind.title),
        "details": [_field(detail, language, missing_line) for detail in kind.details],
        "needs_words": kind.needs_words,
        "zone_name": str(zone_of(request)),
        "given": given,
        "fields": names,
        "error": _in_words(fault, language),
    }
    return page(
        request, "missing/search/entry.html", context, status=fault.status if fault else 200
    )


def _in_words(fault: WaymarkError | None, language: str) -> Any:
    if fault is None:
        return None
    if "label" in fault.extra:
        fault.extra["label"] = gettext(language, str(fault.extra["label"]))
    return form_fault(fault, language)


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
    Route(f"{_CHILD}/missing", missing, methods=["GET"]),
    Route(f"{_CHILD}/missing", open_missing, methods=["POST"]),
    Route(f"{_EPISODE}/enter/{{act}}", entry, methods=["GET"]),
    Route(f"{_EPISODE}/enter/{{act}}", enter, methods=["POST"]),
]

"""The return interview at the desk: one group of questions a screen, each saved by itself."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, NotFound, WaymarkError
from server.i18n import format_date, format_list, format_moment, format_number, gettext
from server.missing.returns import interview, interview_actions
from server.missing.returns.interview import GROUPS, Answer, Group, Question
from server.missing.search.models import Episode
from server.missing.search.paths import desk_episode
from server.people.access import Roles, nothing_here, now_of, staff_of
from server.people.models import Person
from server.people.rules import Action, may
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_count, form_day, form_moment


async def show(request: Request) -> Response:
    """What was written down, group by group; on paper the same."""
    return await _whole(request, *await desk_episode(request, Action.EPISODE_SEE))


async def finish(request: Request) -> Response:
    """The interview took place, or the child did not want it."""
    episode, roles = await desk_episode(request, Action.EPISODE_WORK)
    visitor, now, form = await staff_of(request), now_of(request), await form_body(request)
    try:
        if entered(form, "what") == "refused":
            await interview_actions.refused(visitor, episode.id, now)
        else:
            await interview_actions.hold(visitor, episode.id, now)
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _whole(request, episode, roles, fault)
    return RedirectResponse(f"/desk/episodes/{episode.id}/interview", status_code=303)


async def ask(request: Request) -> Response:
    """One group."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK)
    return await _group_page(request, episode, _group(request))


async def save(request: Request) -> Response:
    """Save it, and go to the next group."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK)
    group, form = _group(request), await form_body(request)
    try:
        said = _said(form, group, zone_of(request))
        visitor, now = await staff_of(request), now_of(request)
        base = form_count(entered(form, "base")) or 0
        await interview_actions.save_group(visitor, episode.id, group.name, base, said, now)
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _group_page(request, episode, group, form, fault)
    after = GROUPS.index(group) + 1
    path = f"/desk/episodes/{episode.id}/interview"
    onward = f"{path}/{GROUPS[after].name}" if after < len(GROUPS) else path
    return RedirectResponse(path if "close" in form else onward, status_code=303)


def _group(request: Request) -> Group:
    group = interview.BY_NAME.get(request.path_params["group"])
    if group is None:
        raise nothing_here()
    return group


def _said(form: FormData, group: Group, zone: ZoneInfo) -> dict[str, Any]:
    """What the form contains; times are on the clock of the writer."""
    found: dict[str, Any] = {}
    for one in group.questions:
        if one.is_many:
            found[one.name] = [str(code) for code in form.getlist(one.name)]
        elif one.kind == "datetime-local" and entered(form, one.name):
            found[one.name] = form_moment(entered(form, one.name), one.name, zone).isoformat()
        elif one.kind == "date" and entered(form, one.name):
            found[one.name] = form_day(entered(form, one.name), one.name).isoformat()
        else:
            found[one.name] = entered(form, one.name)
    return found


# --- everything


async def _whole(
    request: Request, episode: Episode, roles: Roles, fault: WaymarkError | None = None
) -> Response:
    language, zone = language_of(request), zone_of(request)
    row = await interview_actions.latest(episode.id)
    answers = row.answers if row is not None else {}
    seen, groups = interview.seen_by(roles, answers), interview.groups_for(roles, answers)
    context = {
        "child": await Person.get(id=episode.child_id),
        "episode": episode,
        "path": f"/desk/episodes/{episode.id}/interview",
        "groups": [_shown(group, seen, language, zone) for group in GROUPS if group.name in groups],
        "works": may(roles, Action.EPISODE_WORK) and not episode.is_open,
        "held_at": row.held_at if row is not None else None,
        "is_refused": answers.get("answer") == "refused",
        "field": _place_of(fault),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(
        request, "missing/returns/interview.html", context, status=fault.status if fault else 200
    )


def _place_of(fault: WaymarkError | None) -> str | None:
    """The group in which the mistake can be corrected."""
    if fault is None or fault.field is None:
        return None
    return next((g.name for g in GROUPS if any(q.name == fault.field for q in g.questions)), None)


def _shown(group: Group, seen: dict[str, Answer], language: str, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": group.name,
        "title": gettext(language, group.title),
        "answers": [
            (_label(one, language), _in_words(one, seen[one.name], language, zone))
            for one in group.questions
            if one.name in seen
        ],
    }


def _label(one: Question, language: str) -> str:
    label = gettext(language, one.label)
    return f"{label} {format_number(language, one.row)}" if one.row else label


def _in_words(one: Question, answer: Answer, language: str, zone: ZoneInfo) -> str:
    choices = one.choices or {}
    if isinstance(answer, list):
        return format_list(language, [gettext(language, choices[code]) for code in answer])
    if one.kind == "datetime-local":
        at = interview.moment_of({"at": answer})
        return format_moment(language, at, zone) if at is not None else ""
    if one.kind == "date":
        return format_date(language, form_day(answer, one.name))
    return gettext(language, choices[answer]) if choices else answer


# --- one group


async def _group_page(
    request: Request,
    episode: Episode,
    group: Group,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, zone = language_of(request), zone_of(request)
    if episode.is_open:
        raise nothing_here()
    row = await interview_actions.latest(episode.id)
    answers = row.answers if row is not None else {}
    given = _kept(answers, zone) if form is None else _typed(form, group)
    is_moved = isinstance(fault, Conflict) and fault.code == "other_base"
    if is_moved and fault is not None:
        fault.extra.clear()  # The page shows the other person's answers in words.
    number = GROUPS.index(group)
    context = {
        "child": await Person.get(id=episode.child_id),
        "path": f"/desk/episodes/{episode.id}/interview",
        "group": group.name,
        "title": gettext(language, group.title),
        "number": number + 1,
        "of": len(GROUPS),
        "before": GROUPS[number - 1].name if number else None,
        "questions": [_question(one, given, language) for one in group.questions],
        "fields": [one.name for one in group.questions],
        # A writer who has seen both versions and saves again replaces the other one.
        "base": row.version if row is not None else 0,
        "theirs": _shown(group, answers, language, zone)["answers"] if is_moved else [],
        "zone_name": str(zone),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "missing/returns/interview_group.html", context, status=status)


def _kept(answers: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    at = interview.moment_of(answers)
    local = {"at": f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"} if at is not None else {}
    return {**answers, **local}


def _typed(form: FormData, group: Group) -> dict[str, Any]:
    return {
        one.name: form.getlist(one.name) if one.is_many else entered(form, one.name)
        for one in group.questions
    }


def _question(one: Question, given: dict[str, Any], language: str) -> dict[str, Any]:
    choices = (one.choices or {}).items()
    return {
        "name": one.name,
        "label": _label(one, language),
        "row": one.row,
        "hint": gettext(language, one.hint) if one.hint else "",
        "options": [(code, gettext(language, words)) for code, words in choices],
        "is_many": one.is_many,
        "is_long": one.is_long,
        "kind": one.kind,
        "value": given.get(one.name, [] if one.is_many else ""),
    }


_INTERVIEW = "/desk/episodes/{episode_id:uuid}/interview"

routes = [
    Route(_INTERVIEW, show, methods=["GET"]),
    Route(_INTERVIEW, finish, methods=["POST"]),
    Route(f"{_INTERVIEW}/{{group}}", ask, methods=["GET"]),
    Route(f"{_INTERVIEW}/{{group}}", save, methods=["POST"]),
]

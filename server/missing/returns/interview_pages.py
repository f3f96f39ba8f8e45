"""The return interview at the desk: one group of questions a screen, each saved by itself."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.audit.actions import Actor
from server.errors import Conflict, Incomplete, NotFound, WaymarkError
from server.i18n import N_, format_date, format_moment, format_number, gettext
from server.missing.returns import interview, interview_actions
from server.missing.returns.interview import GROUPS, Answer, Group, Question
from server.missing.search.models import Episode
from server.missing.search.paths import desk_episode
from server.people.access import Roles, nothing_here, now_of, staff_of
from server.people.desk_forms import moment_said
from server.people.models import Person
from server.people.rules import Action, may
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_count, form_day


async def show(request: Request) -> Response:
    """What was written down, group by group; on paper the same."""
    return await _whole(request, *await desk_episode(request, Action.EPISODE_SEE))


_FINISHES: Mapping[str, Callable[[Actor, UUID, datetime], Awaitable[object]]] = {
    "refused": interview_actions.refused,
    "ended": interview_actions.end_offers,
}


async def finish(request: Request) -> Response:
    """The interview took place, the child did not want it, or does not want to be asked again."""
    episode, roles = await desk_episode(request, Action.EPISODE_WORK)
    visitor, now, form = await staff_of(request), now_of(request), await form_body(request)
    try:
        act = _FINISHES.get(entered(form, "what"), interview_actions.hold)
        await act(visitor, episode.id, now)
    except WaymarkError as fault:
        return await _not_finished(request, episode, roles, fault)
    return await _finished(episode)


async def _not_finished(
    request: Request, episode: Episode, roles: Roles, fault: WaymarkError
) -> Response:
    """The screen on which everything that is missing is asked; else the whole interview."""
    if isinstance(fault, NotFound):
        raise fault
    if isinstance(fault, Incomplete):
        return await _group_page(request, episode, interview.BY_NAME[interview.HELD], fault=fault)
    return await _whole(request, episode, roles, fault)


async def _finished(episode: Episode) -> Response:
    is_complete = await Episode.exists(id=episode.id, followed_up_at__isnull=False)
    page_ = "summary" if is_complete and episode.followed_up_at is None else "interview"
    return RedirectResponse(f"/desk/episodes/{episode.id}/{page_}", status_code=303)


async def ask(request: Request) -> Response:
    """One group."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK)
    return await _group_page(request, episode, _group(request))


async def save(request: Request) -> Response:
    """Save it, and go to the next group; or log as well that the interview was held."""
    episode, roles = await desk_episode(request, Action.EPISODE_WORK)
    group, form = _group(request), await form_body(request)
    try:
        visitor, now = await staff_of(request), now_of(request)
        answers = _said(form, group, zone_of(request), now)
        base = form_count(entered(form, "base")) or 0
        await interview_actions.save_group(visitor, episode.id, group.name, base, answers, now)
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _group_page(request, episode, group, form, fault)
    if "held" in form:
        try:
            await interview_actions.hold(visitor, episode.id, now)
        except WaymarkError as fault:
            return await _not_finished(request, episode, roles, fault)
        return await _finished(episode)
    after = GROUPS.index(group) + 1
    path = f"/desk/episodes/{episode.id}/interview"
    if after == len(GROUPS):
        # An empty screen is not stored: only this says that the writer has been through them all.
        return RedirectResponse(f"{path}?end=1", status_code=303)
    onward = path if "close" in form else f"{path}/{GROUPS[after].name}"
    return RedirectResponse(onward, status_code=303)


def _group(request: Request) -> Group:
    group = interview.BY_NAME.get(request.path_params["group"])
    if group is None:
        raise nothing_here()
    return group


def _said(form: FormData, group: Group, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """What the form contains; times are on the clock of the writer, to the minute."""
    answers: dict[str, Any] = {}
    for question in group.questions:
        if question.is_many:
            answers[question.name] = [str(code) for code in form.getlist(question.name)]
        elif question.kind == "datetime-local":
            at = moment_said(form, zone, question.name, now)
            minute = at.replace(second=0, microsecond=0) if at is not None else None
            answers[question.name] = minute.isoformat() if minute is not None else ""
        elif question.kind == "date" and entered(form, question.name):
            answers[question.name] = form_day(
                entered(form, question.name), question.name
            ).isoformat()
        else:
            answers[question.name] = entered(form, question.name)
    return answers


# --- everything


async def _whole(
    request: Request, episode: Episode, roles: Roles, fault: WaymarkError | None = None
) -> Response:
    language, zone = language_of(request), zone_of(request)
    row = await interview_actions.latest(episode.id)
    answers = row.answers if row is not None else {}
    seen, groups = interview.seen_by(roles, answers), interview.groups_for(roles, answers)
    works = may(roles, Action.EPISODE_WORK) and not episode.is_open
    noes = await interview_actions.refusals(episode.id) if works else []
    is_offered = works and await interview_actions.is_offered(episode.id)
    context = {
        "child": await Person.get(id=episode.child_id),
        "episode": episode,
        "path": f"/desk/episodes/{episode.id}/interview",
        "groups": [_shown(group, seen, language, zone) for group in GROUPS if group.name in groups],
        "works": works,
        "noes": len(noes),
        "may_end": is_offered and interview.may_end_offers(noes),
        "is_ended": works and bool(noes) and not is_offered,
        "held_at": row.held_at if row is not None else None,
        "is_refused": answers.get("answer") == "refused",
        "is_begun": bool(answers),
        # Each group can be changed below; what is left is to say that it was held.
        "is_through": (is_through := _is_through(request, answers)),
        "missing": len(interview.missing(answers)) if is_through else 0,
        "held": interview.HELD,
        "goes_on": _goes_on(answers),
        "field": _place_of(fault),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(
        request, "missing/returns/interview.html", context, status=fault.status if fault else 200
    )


def _goes_on(answers: Mapping[str, Answer]) -> str:
    """The group after the last one that was saved; after all of them, the first."""
    answered = [_is_saved(group, answers) for group in GROUPS]
    after = max((place for place, has in enumerate(answered) if has), default=-1) + 1
    return GROUPS[after % len(GROUPS)].name


def _is_through(request: Request, answers: Mapping[str, Answer]) -> bool:
    is_at_end = "end" in request.query_params or _is_saved(GROUPS[-1], answers)
    return bool(answers) and is_at_end and answers.get("answer") != "refused"


def _is_saved(group: Group, answers: Mapping[str, Answer]) -> bool:
    return any(question.name in answers for question in group.questions)


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
            (_label(question, language), _in_words(question, seen[question.name], language, zone))
            for question in group.questions
            if question.name in seen
        ],
    }


def _label(question: Question, language: str) -> str:
    label = gettext(language, question.label)
    return f"{label} {format_number(language, question.row)}" if question.row else label


def _in_words(question: Question, answer: Answer, language: str, zone: ZoneInfo) -> str:
    choices = question.choices or {}
    if isinstance(answer, list):
        # Answers have an "or" of their own: "and" between them would be read wrong.
        return gettext(language, N_("; ")).join(gettext(language, choices[code]) for code in answer)
    if question.kind == "datetime-local":
        at = interview.moment_of({"at": answer})
        return format_moment(language, at, zone) if at is not None else ""
    if question.kind == "date":
        return format_date(language, form_day(answer, question.name))
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
    number = GROUPS.index(group)
    context = {
        "child": await Person.get(id=episode.child_id),
        "path": f"/desk/episodes/{episode.id}/interview",
        "group": group.name,
        "title": gettext(language, group.title),
        "number": number + 1,
        "of": len(GROUPS),
        "before": GROUPS[number - 1].name if number else None,
        "questions": [_question(question, given, language) for question in group.questions],
        "fields": [question.name for question in group.questions],
        "missing": len(fault.asks) if isinstance(fault, Incomplete) else 0,
        # Who came here to log that the interview was held can do so from here.
        "logs": isinstance(fault, Incomplete) or (form is not None and "held" in form),
        # A writer who has seen both versions and saves again replaces the other one.
        "base": row.version if row is not None else 0,
        "theirs": _shown(group, answers, language, zone)["answers"] if is_moved else [],
        "zone_name": str(zone),
        "ago": entered(form, "ago") if form is not None else "",
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
        question.name: form.getlist(question.name)
        if question.is_many
        else entered(form, question.name)
        for question in group.questions
    }


def _question(question: Question, given: dict[str, Any], language: str) -> dict[str, Any]:
    choices = (question.choices or {}).items()
    return {
        "name": question.name,
        "label": _label(question, language),
        "row": question.row,
        "hint": gettext(language, question.hint) if question.hint else "",
        "options": [(code, gettext(language, words)) for code, words in choices],
        "is_many": question.is_many,
        "is_long": question.is_long,
        "kind": question.kind,
        "value": given.get(question.name, [] if question.is_many else ""),
    }


_INTERVIEW = "/desk/episodes/{episode_id:uuid}/interview"

routes = [
    Route(_INTERVIEW, show, methods=["GET"]),
    Route(_INTERVIEW, finish, methods=["POST"]),
    Route(f"{_INTERVIEW}/{{group}}", ask, methods=["GET"]),
    Route(f"{_INTERVIEW}/{{group}}", save, methods=["POST"]),
]

"""The summary of a return: on a page, on paper, and corrected by a note."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import NotFound, WaymarkError
from server.i18n import N_, format_date, format_moment, gettext
from server.missing.returns import closing, closing_paper, interview, interview_actions
from server.missing.returns.closing import Return
from server.missing.returns.interview import Reasons
from server.missing.returns.tasks_left import done_of
from server.missing.search import actions
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode
from server.missing.search.pages import seen_by
from server.missing.search.paths import desk_episode, frame
from server.missing.search.pictures import search_line
from server.missing.search.view import View
from server.people.access import Roles, looked, now_of, staff_of
from server.people.desk_forms import id_or_new, words_of
from server.people.models import Person
from server.people.rules import Action, may
from server.people.words import entered, form_fault
from server.plan.changes import stored
from server.plan.models import LifeProject
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_day


async def show(request: Request) -> Response:
    """The summary; before everything is done, the page that says what is still to do."""
    episode, roles = await desk_episode(request, Action.EPISODE_SEE)
    if episode.followed_up_at is None:
        return RedirectResponse(f"/desk/episodes/{episode.id}", status_code=303)
    return await _page(request, episode, roles)


async def add(request: Request) -> Response:
    """A note below it: the entries stay as they are. The same form again adds it once."""
    episode, roles = await desk_episode(request, Action.EPISODE_WORK)
    form = await form_body(request)
    try:
        note = EntryRequest(id_or_new(form), Act.NOTE, words=words_of(form))
        await actions.enter(await staff_of(request), episode.id, note, now_of(request))
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _page(request, episode, roles, form, fault)
    return RedirectResponse(f"/desk/episodes/{episode.id}/summary", status_code=303)


async def on_paper(request: Request) -> Response:
    """The same as a PDF."""
    episode, roles = await desk_episode(request, Action.EPISODE_SEE)
    if episode.followed_up_at is None:
        return RedirectResponse(f"/desk/episodes/{episode.id}", status_code=303)
    language = language_of(request)
    at = format_moment(language, now_of(request), zone_of(request))
    footer = gettext(language, N_("Printed {time}."), time=at)
    told = await _told(request, episode, roles)
    make = partial(closing_paper.pdf, **told, language=language, footer=footer)
    # Inline, since a phone opens what it can show; the name identifies no one.
    headers = {"content-disposition": 'inline; filename="summary.pdf"'}
    made = await asyncio.to_thread(make)
    return Response(made, media_type="application/pdf", headers=headers)


async def _told(request: Request, episode: Episode, roles: Roles) -> dict[str, Any]:
    """The title, who ended it, and the sections. It is a look, also at the interview."""
    language, zone = language_of(request), zone_of(request)
    seen = await seen_by(request, episode, roles)
    row = await interview_actions.latest(episode.id)
    answers = row.answers if row is not None else {}
    if row is not None:
        visitor = await staff_of(request)
        await looked(visitor, [episode.child_id], "look:interview:see", now_of(request))
    reasons = interview.reasons(roles, answers)
    what = Return(
        seen=seen,
        name=(await Person.get(id=episode.child_id)).name,
        done=await done_of(seen, language),
        answers=interview.seen_by(roles, answers),
        reasons=reasons,
        follows=await _follows(episode, reasons) if may(roles, Action.PROJECT_SEE) else [],
    )
    shown = partial(format_moment, language, zone=zone)
    title = N_("The return of {name} is complete")
    return {
        "title": gettext(language, title, name=what.name),
        "lead": _closed(seen, language, zone),
        "line": search_line.on_paper(search_line.after(seen, language), language, zone),
        "sections": closing.sections(what, language, shown, partial(_day, language)),
    }


def _closed(seen: View, language: str, zone: ZoneInfo) -> str:
    assert seen.episode.followed_up_at is not None
    at, who = format_moment(language, seen.episode.followed_up_at, zone), closing.closed_by(seen)
    if who is None:
        return gettext(language, N_("The last task was done {time}."), time=at)
    words = N_("{name} finished the last task {time}.")
    return gettext(language, words, time=at, name=who)


def _day(language: str, day: str) -> str:
    return format_date(language, form_day(day, "day"))


async def _follows(episode: Episode, reasons: Reasons) -> Sequence[str]:
    """Goals and steps that came of the child's reasons, in their own words first."""
    if not reasons or not await LifeProject.exists(child_id=episode.child_id):
        return []
    state = await stored.state_of(episode.child_id)
    reason = partial(interview_actions.reason_id, episode.id)
    ids = {
        *(str(reason("push", code)) for code in reasons.push),
        *(str(reason("pull", code)) for code in reasons.pull),
        str(reason("stop")),
    }
    words = [
        state.value("goal", id_, "child_words") or state.value("goal", id_, "worker_words")
        for id_ in state.things("goal")
        if state.value("goal", id_, "reason_id") in ids
    ]
    words += [
        state.value("step", id_, "text")
        for id_ in state.things("step")
        if state.value("step", id_, "reason_id") in ids
    ]
    return [text for text in words if text]


async def _page(
    request: Request,
    episode: Episode,
    roles: Roles,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    context = {
        **await frame(request, episode),
        **await _told(request, episode, roles),
        "works": may(roles, Action.EPISODE_WORK),
        "has_page": may(roles, Action.CHILD_SEE),
        "id": entered(form, "id") if form is not None else str(uuid4()),
        "words": entered(form, "words") if form is not None else "",
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(
        request, "missing/returns/closing.html", context, status=fault.status if fault else 200
    )


_SUMMARY = "/desk/episodes/{episode_id:uuid}/summary"

routes = [
    Route(_SUMMARY, show, methods=["GET"]),
    Route(_SUMMARY, add, methods=["POST"]),
    Route(f"{_SUMMARY}.pdf", on_paper, methods=["GET"]),
]

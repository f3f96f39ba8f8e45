"""The page of an alert: why, what was sent, who is next; take it, close it.

It is here and not in the room of alerts, because its evidence is the watch's, and closing an alert
about silence begins the watch anew.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts import actions as alerts
from server.alerts import attempt_rules as attempts
from server.alerts.called_access import was_called
from server.alerts.ladder import Cause, Outcome, outcomes_of
from server.alerts.models import Alert
from server.alerts.sent import sent_about
from server.alerts.words import OUTCOMES, title_of
from server.approvals.models import Approval
from server.approvals.rules import State as Waiting
from server.approvals.rules import What
from server.clock import known_zone
from server.desk.alert_api import alert_for
from server.desk.alert_words import calls_in_words, points_of, weighed_of, wishes_of
from server.desk.approvals.words import IN_SHORT
from server.desk.board.rows import group_of, look_of
from server.desk.ladder import has_heard_again, next_call_in_words, steps
from server.desk.numbers import Number
from server.desk.tried import all_tried
from server.errors import Conflict, NotFound, Refused, SecondPersonNeeded
from server.i18n import N_, gettext
from server.missing.search.definitions.reading import Aside, aside_of
from server.people.access import Roles, is_only_called, looked, nothing_here, now_of, staff_of
from server.people.models import Person
from server.people.rules import Action, may
from server.people.words import FormFault, entered, form_fault
from server.policy.model import Tier
from server.tasks.reach import told_instead
from server.watch import evidence, watch_alerts
from server.watch.carer.models import Question
from server.watch.models import round_id
from server.watch.shared import others_of
from server.watch.trusted.contacts import asked_about
from server.watch.wording import clock_there, when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_count

LONGEST_WORDS = 20_000

# --- looking


async def show(request: Request) -> Response:
    """One alert. A deputy who was not called to it reads which adult to ask instead; an adult
    whose call is over reads that it is over."""
    try:
        alert, roles = await alert_for(request, Action.ALERT_SEE)
    except NotFound:
        return await _instead(request)
    return await alert_page(request, alert, roles)


async def _instead(request: Request) -> Response:
    visitor, now = await staff_of(request), now_of(request)
    alert = await _of_path(request)
    if alert.closed_at is not None and await was_called(visitor.person_id, alert.id):
        return await over(request)
    instead = await told_instead(alert.child_id, visitor.person_id, now)
    if instead is None:
        raise nothing_here()
    context = {
        "word": gettext(language_of(request), N_("An alert about a child")),
        "is_open": alert.closed_at is None,
        "owners": instead.owners,
        "can_tie": instead.can_tie,
        "now": now,
    }
    return page(request, "tasks/instead.html", context)


class Problem(msgspec.Struct, frozen=True):
    """Why the page comes back: what is wrong with what was typed (to close it, or to log an
    attempt), or that another adult was faster."""

    status: int
    words: str | None = None
    given: Mapping[str, str] = msgspec.field(default_factory=dict)
    error: FormFault | None = None
    is_log: bool = False


async def over(
    request: Request, *, is_logged: bool = False, problem: Problem | None = None
) -> Response:
    """Tell an adult whose call ended with the alert that it is over, and whether what they tried
    was logged all the same; with a problem, the form comes back with what they typed. Raises
    NotFound for all others."""
    visitor, alert = await staff_of(request), await _of_path(request)
    if alert.closed_at is None or not await was_called(visitor.person_id, alert.id):
        raise nothing_here()
    context = {
        "now": now_of(request),
        "is_logged": is_logged,
        "alert_id": alert.id,
        "numbers": (),
        "log": _log(problem, language_of(request)) if problem is not None else None,
        "zone_name": str(zone_of(request)),
    }
    status = problem.status if problem is not None else 404
    return page(request, "desk/over.html", context, status=200 if is_logged else status)


async def _of_path(request: Request) -> Alert:
    visitor, id_ = await staff_of(request), request.path_params["alert_id"]
    alert = await Alert.get_or_none(id=id_, agency_id=visitor.agency_id)
    if alert is None:
        raise nothing_here()
    return alert


async def alert_page(
    request: Request,
    alert: Alert,
    roles: Roles,
    problem: Problem | None = None,
    *,
    numbers: Sequence[Number] = (),
) -> Response:
    """The page of an alert; `numbers` where the reader has opened them."""
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    await looked(visitor, [alert.child_id], f"look:{Action.ALERT_SEE}", now)
    facts = (await evidence.of([alert.child_id], now))[alert.child_id]
    names, problem = await _names(alert), problem or Problem(200)
    shown = partial(when, language, zone=zone_of(request), now=now)
    context: dict[str, Any] = {
        **_typed(problem),
        **_head(alert, facts, language, zone_of(request), now),
        "weighed": weighed_of(alert, roles, language, shown),
        **_rights(roles),
        "alert": alert,
        "child": names[alert.child_id],
        "clock": _clock(request, names[alert.child_id], facts),
        "sent": await sent_about([alert.id], language),
        "trusted": await asked_about(alert.id),
        "wishes": wishes_of(alert, names, language),
        "before": await sent_about(await _asked_before(alert), language),
        "steps": await steps(alert, visitor.person_id, language, now),
        "tried": await all_tried(alert, language),
        "numbers": numbers,
        "log": _log(problem, language),
        "zone_name": str(zone_of(request)),
        "done": _done(request, names[alert.child_id]),
        **await _beside(alert, language, shown),
        "next": await next_call_in_words(alert, language, now),
        "names": names,
        "is_mine": alert.acknowledged_by == visitor.person_id,
        "shown": shown,
        "aside": await _aside(request, alert),
    }
    return page(request, "desk/alert.html", {**context, "now": now}, status=problem.status)


def _typed(problem: Problem) -> dict[str, Any]:
    """What was typed to close it, and what is wrong with it."""
    is_other = problem.is_log
    return {
        "given": {"outcome": "", "words": "", **({} if is_other else problem.given)},
        "problem": problem.words,
        "error": None if is_other else problem.error,
    }


async def _beside(alert: Alert, language: str, shown: Callable[..., str]) -> dict[str, Any]:
    return {
        "others": len(await others_of(alert)),
        "second": await _second(alert, language),
        "calls": await calls_in_words(alert, language, shown),
        "has_heard": alert.is_beside and await has_heard_again(alert),
    }


async def _second(alert: Alert, language: str) -> dict[str, Any] | None:
    """The request to a second person to close this alert: while it waits, and once they agreed."""
    counts = [Waiting.WAITING, Waiting.YES]
    held = Approval.filter(what=What.CLOSE, subject_id=alert.id, state__in=counts)
    approval = await held.order_by("-asked_at").first()
    if approval is None:
        return None
    is_waiting = approval.state == Waiting.WAITING
    person = await Person.get_or_none(id=approval.asked_by if is_waiting else approval.decided_by)
    words = IN_SHORT[What.CLOSE] if is_waiting else N_("{name} agreed as the second person.")
    text = gettext(language, words, name=person.name if person is not None else "")
    return {"id": approval.id, "text": text, "is_waiting": is_waiting}


def _log(problem: Problem, language: str) -> dict[str, Any]:
    """The form that logs an attempt, with what was typed where it comes back."""
    given = problem.given if problem.is_log else {}
    return {
        "targets": [
            (target.value, gettext(language, word)) for target, word in attempts.TARGETS.items()
        ],
        "ways": [(way.value, gettext(language, word)) for way, word in attempts.WAYS.items()],
        "results": [
            (result.value, gettext(language, word)) for result, word in attempts.RESULTS.items()
        ],
        "given": {"id": str(uuid4()), "tried": "", "words": "", "ago": "", "at": "", **given},
        "error": problem.error if problem.is_log else None,
    }


async def _aside(request: Request, alert: Alert) -> Aside | None:
    """What the agency calls missing, as long as there is something to decide."""
    if alert.closed_at is not None or alert.cause == Cause.MISSING:
        return None
    language, zone = language_of(request), zone_of(request)
    return await aside_of(alert.agency_id, alert.child_id, language, zone, now_of(request))


DONE: Mapping[str, str] = {
    "logged": N_("Saved."),
    "contacted": N_("Saved. The alert stays open until someone has seen {name}."),
    "met": N_("Saved. You have seen {name}: close the alert below."),
    "late": N_("Saved. The alert had already been closed."),
}


def _done(request: Request, name: str) -> str | None:
    code = request.query_params.get("done", "")
    return gettext(language_of(request), DONE[code], name=name) if code in DONE else None


def _clock(request: Request, name: str, facts: evidence.Facts) -> str:
    """What the child's clock shows, where the reader's shows another time."""
    there, here = known_zone(facts.zone), zone_of(request)
    return clock_there(name, there, here, language=language_of(request), now=now_of(request))


def _head(
    alert: Alert, facts: evidence.Facts, language: str, zone: ZoneInfo, now: datetime
) -> dict[str, Any]:
    """What it is about, the evidence, and how it can end or has ended."""
    # The label is that of the sentence: of what is most urgent about the child, as on the board.
    called = facts.alerts[0] if facts.alerts and alert.closed_at is None else None
    group, cause = group_of(facts, called), Cause(alert.cause)
    icon, word = look_of(group, called)
    return {
        "title": gettext(language, title_of(cause, alert.reason)),
        "cause": cause.value,
        "icon_name": icon,
        "word": gettext(language, word),
        "tone": group.value,
        "sentence": evidence.sentence(facts, language, zone, now),
        "points": points_of(alert, facts, language, zone, now),
        "outcomes": _outcomes(alert, language),
        "outcome": gettext(language, OUTCOMES[Outcome(alert.outcome)][0]) if alert.outcome else "",
    }


def _rights(roles: Roles) -> dict[str, bool]:
    """What the reader may do. An adult called to this alert sees only what the alert needs."""
    return {
        "may_act": may(roles, Action.ALERT_ACKNOWLEDGE),
        "may_close": may(roles, Action.ALERT_CLOSE),
        "has_page": may(roles, Action.CHILD_SEE),
        "sees_history": may(roles, Action.HISTORY_SEE),
        "carries": may(roles, Action.PACK_CHANGE),
        "explains": may(roles, Action.ALERT_EXPLAIN),
    }


async def _names(alert: Alert) -> dict[UUID, str]:
    adults = (alert.acknowledged_by, alert.contacted_by, alert.closed_by, alert.opened_by)
    wanted = [id_ for id_ in (alert.child_id, *adults) if id_ is not None]
    if "who" in alert.facts:
        wanted.append(UUID(alert.facts["who"]))
    people = Person.filter(id__in=wanted, agency_id=alert.agency_id)
    return {person.id: person.name for person in await people}


async def _asked_before(alert: Alert) -> list[UUID]:
    """The round that went by, and the questions about it: what was tried before."""
    due = alert.facts.get("due_at")
    if due is None:
        return []
    due_at = datetime.fromisoformat(due)
    questions = Question.filter(child_id=alert.child_id, about_due_at=due_at)
    asked = [question.id for question in await questions]
    return [round_id(alert.child_id, due_at), *asked]


def _outcomes(alert: Alert, language: str) -> list[tuple[str, str, str]]:
    cause, is_answered = Cause(alert.cause), alert.answered_at is not None
    possible = outcomes_of(cause, Tier(alert.tier), is_answered=is_answered)
    return [
        (outcome.value, gettext(language, title), gettext(language, hint))
        for outcome, (title, hint) in OUTCOMES.items()
        if outcome in possible
        # A missing child is found by being seen; until then the alert stays open.
        and (cause is not Cause.MISSING or outcome is Outcome.SEEN)
    ]


# --- acting


async def acknowledge(request: Request) -> Response:
    """ "I have it." """
    try:
        alert, roles = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    except NotFound:
        return await over(request)
    visitor = await staff_of(request)
    try:
        await alerts.acknowledge(visitor, alert.id, now_of(request))
    except Conflict as fault:
        return await _too_late(request, roles, fault)
    return RedirectResponse(f"/desk/alerts/{alert.id}", status_code=303)


async def close(request: Request) -> Response:
    """Close the alert: an outcome, and words for a later reader."""
    try:
        alert, roles = await alert_for(request, Action.ALERT_CLOSE)
    except NotFound:
        return await over(request)
    visitor, form = await staff_of(request), await form_body(request)
    given = {"outcome": entered(form, "outcome"), "words": entered(form, "words")}
    try:
        outcome, words = _checked(given, Cause(alert.cause)), given["words"]
        misses = form_count(entered(form, "misses"))
        await watch_alerts.close_alert(
            visitor, alert.id, outcome, words, now_of(request), misses=misses
        )
    except SecondPersonNeeded as asked:
        return RedirectResponse(f"/desk/approvals/{asked.extra['approval']}", status_code=303)
    except Conflict as fault:
        return await _too_late(request, roles, fault, **given)
    except Refused as fault:
        error = form_fault(fault, language_of(request))
        return await alert_page(request, alert, roles, Problem(422, given=given, error=error))
    if is_only_called(roles, Action.ALERT_SEE):
        # When the alert closes, the call is over, and so is the right to its page.
        return RedirectResponse("/desk/?done=alert-closed", status_code=303)
    return RedirectResponse(f"/desk/alerts/{alert.id}", status_code=303)


def _checked(given: Mapping[str, str], cause: Cause) -> Outcome:
    is_missing = cause is Cause.MISSING
    if given["outcome"] not in set(Outcome) or (is_missing and given["outcome"] != Outcome.SEEN):
        raise Refused(N_("Choose how it ended."), field="outcome")
    if not given["words"]:
        raise Refused(N_("Say in a few words how you know."), field="words")
    if len(given["words"]) > LONGEST_WORDS:
        raise Refused(N_("Write up to 20,000 characters."), field="words")
    return Outcome(given["outcome"])


async def _too_late(request: Request, roles: Roles, fault: Conflict, **given: str) -> Response:
    """Another adult was faster, or the child called again: the current alert, and who it was."""
    alert = await _of_path(request)
    if alert.closed_at is not None and is_only_called(roles, Action.ALERT_SEE):
        return await over(request)
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    names = await _names(alert)
    if alert.closed_at is not None and alert.closed_by in names:
        problem = gettext(
            language,
            N_("{name} closed this alert ({time}). Nothing you did was changed or lost."),
            name=names[alert.closed_by],
            time=when(language, alert.closed_at, zone, now),
        )
    elif fault.code == "taken" and alert.acknowledged_by in names and alert.acknowledged_at:
        problem = gettext(
            language,
            N_("{name} has already taken this alert ({time})."),
            name=names[alert.acknowledged_by],
            time=when(language, alert.acknowledged_at, zone, now),
        )
    else:
        problem = gettext(language, fault.detail)
    return await alert_page(request, alert, roles, Problem(409, problem, given))


routes = [
    Route("/desk/alerts/{alert_id:uuid}", show, methods=["GET"]),
    Route("/desk/alerts/{alert_id:uuid}/acknowledge", acknowledge, methods=["POST"]),
    Route("/desk/alerts/{alert_id:uuid}/close", close, methods=["POST"]),
]

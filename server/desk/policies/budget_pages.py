"""The budget of false alarms at the desk: what the weeks came to, and what they call for."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, WaymarkError
from server.i18n import N_, format_number, format_short_date, gettext
from server.people.access import Visitor, agency_for, now_of
from server.people.models import UNPLANNED, Agency, Person
from server.people.rules import AgencyAction
from server.people.words import entered, form_fault
from server.policy import learned
from server.policy.adapting import WEEKS, from_data, with_factors
from server.policy.budget import Adapt
from server.policy.learned import Source, of_source
from server.policy.model import Policy, Tier
from server.policy.models import BudgetWeek, WeekState
from server.policy.tally import Alike, alike
from server.policy.versions import as_written, in_force
from server.reports.quality_curves import Curve, curve
from server.simulation.outlook import Outlook, outlook
from server.watch.budgets import deciding
from server.watch.budgets.deciding import Decision
from server.watch.wording import TIERS
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_id

PATH = "/desk/policies/budget"
SHOWN = 12  # Weeks.
LEARNS = 6  # So many weeks the numbers of a new agency still move to its budget.
ADOPT, DECLINE = "adopt", "decline"
_ADAPTS: Mapping[Adapt, str] = {
    Adapt.NEVER: N_("Your policy leaves the numbers as they are."),
    Adapt.PROPOSE: N_(
        "After each week we propose numbers. They apply once a supervisor adopts them."
    ),
    Adapt.WITHIN_LIMITS: N_("After each week we change the numbers, within limits."),
}
_STATES: Mapping[WeekState, str] = {
    WeekState.COUNTED: N_("counted"),
    WeekState.KEPT: N_("nothing to change"),
    WeekState.PROPOSED: N_("numbers proposed"),
    WeekState.ADOPTED: N_("proposal adopted"),
    WeekState.DECLINED: N_("proposal declined"),
    WeekState.OVERTAKEN: N_("proposal not decided"),
    WeekState.ADAPTED: N_("numbers changed"),
}
_DONE: Mapping[str, str] = {
    ADOPT: N_("These numbers apply from now on."),
    DECLINE: N_("Declined. The numbers stay as they are."),
}


async def show(request: Request) -> Response:
    """The last weeks, the numbers of now, and what is proposed."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    return await _page(request, visitor)


async def decide(request: Request) -> Response:
    """Adopt what is proposed, or decline it."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    form, now = await form_body(request), now_of(request)
    which = entered(form, "do")
    why = entered(form, "why_not" if which == DECLINE else "why")
    try:
        if which not in _DONE:
            raise Refused(N_("“{field}” is not valid here."), field="do")
        id_, week = (form_id(entered(form, name), name) for name in ("id", "week"))
        decision = Decision(week, id_, why)
        if which == ADOPT:
            await deciding.adopt(visitor, _agency(visitor), decision, now)
        else:
            await deciding.decline(visitor, _agency(visitor), decision, now)
    except WaymarkError as fault:
        return await _page(request, visitor, which, why, fault)
    return RedirectResponse(f"{PATH}?done={which}", status_code=303)


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


class _Shown(msgspec.Struct, frozen=True):
    """What the page is made from; the newest week first."""

    policy: Policy  # As written.
    in_force: Policy
    weeks: Sequence[BudgetWeek]

    @property
    def proposal(self) -> BudgetWeek | None:
        newest = self.weeks[0] if self.weeks else None
        return newest if newest is not None and newest.state == WeekState.PROPOSED else None

    @property
    def proposed(self) -> Policy | None:
        week = self.proposal
        if week is None:
            return None
        by_cell = learned.from_data(week.told)
        return with_factors(learned.with_learned(self.policy, by_cell), from_data(week.after))


async def _page(
    request: Request,
    visitor: Visitor,
    which: str = "",
    why: str = "",
    fault: WaymarkError | None = None,
) -> Response:
    language, agency = language_of(request), await Agency.get(id=_agency(visitor))
    policy, row = await as_written(agency.id)
    weeks = await BudgetWeek.filter(agency_id=agency.id).order_by("-ends_at").limit(SHOWN)
    shown = _Shown(policy, await in_force(policy, row), weeks)
    ahead = await _outlook(agency.id, shown)
    context = {
        **_budget(shown, language),
        "next_at": agency.next_budget_at if agency.next_budget_at != UNPLANNED else None,
        "picture": _picture(shown),
        "weeks": await _weeks(shown, language),
        "alike": _alike(weeks),
        "levels": _levels(shown, language),
        "wrong_words": _how_wrong(shown, language),
        "learns_words": shown.policy.budget.learns,
        "week": shown.proposal,
        "sentences": _sentences(shown, ahead, language),
        "id": uuid4(),
        "why": {
            ADOPT: why if which == ADOPT else _reason(shown, ahead, language),
            DECLINE: why if which == DECLINE else "",
        },
        "which": which,
        "done": _done(request, language),
        "error": form_fault(fault, language) if fault is not None else None,
        "path": PATH,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/budget.html", context, status=status)


def _done(request: Request, language: str) -> str | None:
    words = _DONE.get(request.query_params.get("done", ""))
    return gettext(language, words) if words else None


def _budget(shown: _Shown, language: str) -> dict[str, Any]:
    budget, weeks = shown.policy.budget, shown.weeks
    return {
        "pages": _number(budget.pages, language),
        "rate": _number(weeks[0].rate, language) if weeks else None,
        "adapts": gettext(language, _ADAPTS[budget.adapt]),
        "is_on": budget.adapt is not Adapt.NEVER,
        "learns": len(weeks) < LEARNS,
    }


async def _outlook(agency_id: UUID, shown: _Shown) -> Outlook | None:
    """What the proposed numbers would have done; None where there are none, or too much to try."""
    week, proposed = shown.proposal, shown.proposed
    if week is None or proposed is None:
        return None
    try:
        return await outlook(week.id, agency_id, week.ends_at, shown.in_force, proposed)
    except Refused:
        return None


# --- in words


def _number(value: float | None, language: str) -> str | None:
    return None if value is None else format_number(language, round(value, 1))


def _picture(shown: _Shown) -> Curve | None:
    rates = [week.rate for week in reversed(shown.weeks) if week.rate is not None]
    return curve(rates, beside=shown.policy.budget.pages)


async def _weeks(shown: _Shown, language: str) -> list[dict[str, Any]]:
    deciders = {week.decided_by for week in shown.weeks if week.decided_by is not None}
    names = {person.id: person.name for person in await Person.filter(id__in=list(deciders))}
    return [
        {
            "until": format_short_date(language, week.ends_at.date()),
            "cells": [
                sum(week.calls.values()),
                sum(of for _, of in week.closings.values()),
                week.answered,
                _number(week.rate, language) or "-",
                _state(week, language),
            ],
            "who": names.get(week.decided_by, "") if week.decided_by is not None else "",
            "words": week.words or "",
        }
        for week in shown.weeks
    ]


def _state(week: BudgetWeek, language: str) -> str:
    state = WeekState(week.state)
    if state is WeekState.ADAPTED and week.before == week.after:
        state = WeekState.KEPT
    return gettext(language, _STATES[state])


def _alike(weeks: Sequence[BudgetWeek]) -> Alike | None:
    return alike(
        {UUID(person): (here, of) for person, (here, of) in week.closings.items()}
        for week in weeks[:WEEKS]
    )


def _levels(shown: _Shown, language: str) -> dict[str, Any]:
    """Each level that goes by habit, and the risk from which adults are called: in the policy where
    that is not what holds, now, and as proposed."""
    columns = [(N_("Now"), shown.in_force)]
    if shown.policy.budget.adapts:
        columns.insert(0, (N_("In the policy"), shown.policy))
    if shown.proposed is not None:
        columns.append((N_("Proposed"), shown.proposed))
    rows = []
    for tier in Tier:
        doubts = [policy.tiers[tier].steps.doubt for _, policy in columns]
        pages = [doubt.page for doubt in doubts if doubt is not None]
        if pages:
            numbers = [format_number(language, float(f"{page:.3g}")) for page in pages]
            rows.append((gettext(language, TIERS[tier][0]), numbers))
    return {"heads": [gettext(language, word) for word, _ in columns], "rows": rows}


_SOURCES: Mapping[Source, str] = {
    Source.HOME: N_("The home, at roll calls"),
    Source.CARER: N_("Carers, when we ask"),
    Source.WITNESS: N_("Schools and other witnesses"),
    Source.CHILD: N_("Children: a missed check-in is “not here”"),
}


def _how_wrong(shown: _Shown, language: str) -> list[tuple[str, list[str]]]:
    """How often each kind of witness was wrong: of children who were there, and who had gone."""
    by_cell = learned.from_data(shown.weeks[0].told if shown.weeks else None)
    rows = []
    for source, name in _SOURCES.items():
        counts = of_source(by_cell, source)
        if counts.there + counts.gone >= 1:
            cells = [(counts.absent, counts.there), (counts.present, counts.gone)]
            words = [_of(wrong, every, language) for wrong, every in cells]
            rows.append((gettext(language, name), words))
    return rows


def _of(wrong: float, every: float, language: str) -> str:
    if round(every) == 0:
        return "-"
    numbers = [format_number(language, round(number)) for number in (wrong, every)]
    return gettext(language, N_("{n} of {of}"), n=numbers[0], of=numbers[1])


def _sentences(shown: _Shown, ahead: Outlook | None, language: str) -> list[str]:
    """What is known of the proposed numbers."""
    if shown.proposal is None:
        return []
    if ahead is None or ahead.before is None or ahead.after is None:
        return [gettext(language, N_("We could not try these numbers on your last month."))]
    rates = gettext(
        language,
        N_("Last month a worker had {before} false alarms a week. With these numbers: {after}."),
        before=_number(ahead.before, language),
        after=_number(ahead.after, language),
    )
    if not ahead.tells_absences:
        word = N_("Too few children had really gone to tell whether we would notice it as soon.")
        return [rates, gettext(language, word)]
    word = N_("Of {n} absences that we noticed, we would have noticed {soon} as soon.")
    return [rates, gettext(language, word, n=ahead.absences, soon=ahead.as_soon)]


def _reason(shown: _Shown, ahead: Outlook | None, language: str) -> str:
    """What the form has as the reason, to be changed by the person who adopts."""
    if shown.proposal is None:
        return ""
    if ahead is not None and ahead.before is not None and ahead.after is not None:
        return gettext(
            language,
            N_(
                "Budget of false alarms: {before} a week for each worker, {after} with these"
                " numbers."
            ),
            before=_number(ahead.before, language),
            after=_number(ahead.after, language),
        )
    return gettext(
        language,
        N_("Budget of false alarms: {rate} a week for each worker. The budget is {pages}."),
        rate=_number(shown.proposal.rate, language) or "-",
        pages=_number(shown.policy.budget.pages, language),
    )


routes = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, decide, methods=["POST"]),
]

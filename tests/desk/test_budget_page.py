"""The budget of false alarms at the desk: what supervisors read, and do in one tap."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.desk.policies.form import typed_of
from server.policy.adapting import AS_WRITTEN, as_data
from server.policy.model import SHIPPED, over
from server.policy.models import BudgetWeek, Policy, week_id
from server.policy.versions import content_of
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.watch.test_budgets import FIRST, proposed

PATH = "/desk/policies/budget"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)


def form_of(page: str, which: str) -> dict[str, str]:
    """The hidden fields of one of the two forms, and the reason that it comes with."""
    [form] = [part for part in page.split("<form")[1:] if f'name="do" value="{which}"' in part]
    why = re.search(r"<textarea[^>]*>\n?([^<]*)</textarea>", form)
    assert why is not None
    return {**dict(HIDDEN.findall(form)), "why" if which == "adopt" else "why_not": why[1]}


async def read(cast: Cast, name: str = "ines") -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(PATH)
    assert answer.status_code == 200
    return answer.text


async def a_week(cast: Cast, **more: Any) -> None:
    row = {
        "agency_id": cast.agency.id,
        "ends_at": FIRST,
        "made_at": FIRST,
        "version": 0,
        "children": {"mid": 20},
        "calls": {"mid": 8},
        "closings": {str(cast.tom.id): [12, 12], str(cast.ines.id): [1, 4]},
        "answered": 1,
        "figures": {"pages": 4, "rate": 7.31},
        "before": as_data(AS_WRITTEN),
        "after": as_data(AS_WRITTEN),
        "state": "counted",
    }
    row |= more
    await BudgetWeek.create(id=week_id(cast.agency.id, row["ends_at"]), **row)


@SQLITE
async def test_an_agency_without_history_reads_what_its_budget_is_and_when_we_count(
    cast: Cast,
) -> None:
    page = await read(cast)
    assert "The budget is 4 false alarms a week for each worker." in page
    assert "Your policy leaves the numbers as they are." in page
    assert "Proposed numbers" not in page
    data = over(SHIPPED, {"budget": {"adapt": "within_limits"}})
    await Policy.create(agency_id=cast.agency.id, version=1, content=data, made_at=cast.clock())
    page = await read(cast)
    assert "In the first six weeks we learn what fits you." in page


@SQLITE
async def test_the_page_says_how_often_each_word_was_right_and_whether_we_go_by_that(
    cast: Cast,
) -> None:
    assert "How often words were wrong" not in await read(cast)
    evening, night = {"2": [1000, 150, 12, 3]}, {"3": [10, 1, 0, 0]}
    await a_week(cast, told={"home": {"mid": evening, "low": night}, "child": {"mid": evening}})
    page = await read(cast)
    assert "The home, at roll calls" in page
    assert "Carers, when we ask" not in page
    assert "151 of 1,010" in page
    assert "3 of 12" in page
    assert "Each word counts as your policy says." in page
    data = over(SHIPPED, {"budget": {"learns": True}})
    await Policy.create(agency_id=cast.agency.id, version=1, content=data, made_at=cast.clock())
    assert "We go by these counts" in await read(cast)


@SQLITE
async def test_the_page_has_the_rate_of_each_week_and_says_if_one_person_closes_all_alike(
    cast: Cast,
) -> None:
    await a_week(cast)
    page = await read(cast)
    assert "A worker had 7.3 false alarms a week, by the last four weeks. The budget is 4." in page
    assert "One person closed 75 % of the alerts of the last four weeks" in page
    assert "Verhoeven" not in page, "it names nobody"
    assert "<polyline" not in page, "one week is no curve"
    await a_week(cast, ends_at=FIRST + timedelta(days=7), closings={}, state="adapted")
    page = await read(cast)
    assert '<line class="level"' in page
    assert "nothing to change" in page


async def test_a_supervisor_adopts_what_is_proposed_in_one_tap(cast: Cast) -> None:
    await proposed(cast)
    page = await read(cast)
    assert "Proposed numbers" in page
    assert "Last month a worker had" in page
    assert "Too few children had really gone" in page
    form = form_of(page, "adopt")
    assert form["why"].startswith("Budget of false alarms:")
    async with at_desk(cast, "ines") as browser:
        answer = await browser.post(PATH, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?done=adopt")
        # The same form sent twice is one version.
        assert (await browser.post(PATH, data=form)).status_code == 303
        after = await browser.get(f"{PATH}?done=adopt")
        versions = await browser.get("/desk/policies")
    content, version = await content_of(cast.agency.id)
    assert (version, content["low"]["habit"]["page"]) == (2, 1.2)
    assert "These numbers apply from now on." in after.text
    assert "proposal adopted" in after.text
    assert "Quintanar" in after.text
    assert "Budget of false alarms:" in versions.text


@SQLITE
async def test_a_refused_decision_comes_back_with_its_words(cast: Cast) -> None:
    await proposed(cast)
    form = form_of(await read(cast), "decline")
    async with at_desk(cast, "ines") as browser:
        answer = await browser.post(PATH, data=form)
        assert answer.status_code == 422
        assert "Give a reason, for the people who come after you." in answer.text
        long = "x" * 2001
        answer = await browser.post(PATH, data={**form, "why_not": long})
        assert answer.status_code == 422
        assert long in answer.text
        assert (await browser.post(PATH, data={**form, "why_not": "Summer."})).status_code == 303
        # A colleague comes later, with a page of before.
        answer = await browser.post(PATH, data={**form, "do": "adopt", "why": "Mine."})
        assert answer.status_code == 409
        assert "A colleague has already declined these numbers." in answer.text
        assert "Summer." in answer.text
        for wrong in ({"do": "both"}, {"week": "x"}, {"id": ""}):
            answer = await browser.post(PATH, data={**form, "why_not": "W.", **wrong})
            assert answer.status_code == 422
        answer = await browser.post(PATH, data={**form, "why_not": "W.", "week": str(uuid4())})
        assert answer.status_code == 404


@SQLITE
async def test_the_policy_form_asks_for_the_budget_and_what_becomes_of_the_numbers(
    cast: Cast,
) -> None:
    form = typed_of(SHIPPED)
    async with at_desk(cast, "ines") as browser:
        page = await browser.get("/desk/policies/new?level=budget")
        assert 'name="budget.pages" type="text" value="4"' in page.text
        assert '<option value="within_limits"' in page.text
        for pages in ("0", "-3", "0.01", "1000", "many"):
            answer = await browser.post("/desk/policies/look", data={**form, "budget.pages": pages})
            assert answer.status_code == 422, pages
            assert f'value="{pages}"' in answer.text
            assert 'id="budget.pages-error"' in answer.text
            if pages == "0":
                assert "No policy finds a child without false alarms." in answer.text
        for adapt in ("propose", "within_limits"):
            new = {**form, "budget.pages": "2,5", "budget.adapt": adapt}
            look = await browser.post("/desk/policies/look", data=new)
            assert look.status_code == 200
            adopted = await browser.post(
                "/desk/policies", data={**dict(HIDDEN.findall(look.text)), "why": "To try it."}
            )
            assert adopted.status_code == 303
    content, version = await content_of(cast.agency.id)
    wanted = {"pages": 2.5, "adapt": "within_limits", "learns": False}
    assert (version, content["budget"]) == (2, wanted)
    answer = await read(cast)
    assert "After each week we change the numbers, within limits." in answer

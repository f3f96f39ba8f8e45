"""Words of somebody whose tie is over, at the desk: read, let in, left out."""

from __future__ import annotations

from typing import Any

import pytest

from server.audit.actions import SYSTEM
from server.people import actions as people
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.models import Quarantined
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.plan.said import Phone


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


async def goal_of(mia: Phone) -> str:
    area = mia.make("area", kind="education")
    goal = mia.make("goal", area_id=area["entity_id"], child_words="I want to be a nurse")
    assert await mia.sync(area, goal) == ["applied"] * 2
    return str(goal["entity_id"])


async def former(mia: Phone, name: str = "ada", role: Role = Role.GUARDIAN) -> Phone:
    """Somebody who was tied to Mia until a minute ago."""
    cast = mia.cast
    child, person = cast.children["mia"], cast.persons[name]
    tie = await add_tie(SYSTEM, child, AddTie(person_id=person.id, role=role), cast.clock())
    await end_tie(SYSTEM, child, tie.id, cast.clock())
    cast.clock.advance(minutes=1)
    return Phone(cast, name)


def path(cast: Cast, rest: str = "") -> str:
    return f"/desk/children/{cast.mia.id}{rest}"


async def decide(cast: Cast, name: str, change: dict[str, Any], what: str) -> int:
    async with at_desk(cast, name) as browser:
        answer = await browser.post(path(cast, f"/quarantine/{change['id']}"), data={"what": what})
    return answer.status_code


async def page(cast: Cast, name: str, rest: str = "/quarantine") -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path(cast, rest))
    assert answer.status_code == 200
    return " ".join(answer.text.split())


async def test_it_says_who_when_what_and_the_words_and_the_childs_page_leads_there(
    mia: Phone,
) -> None:
    cast, goal = mia.cast, await goal_of(mia)
    assert "no longer assigned" not in await page(cast, "tom", "/plan")
    assert "Nothing to check here" in await page(cast, "tom")
    ada = await former(mia)
    said = ada.say("goal", goal, "why", "<b>Her</b> words")
    assert await ada.sync(said) == ["quarantined"]
    assert "1 change from a person no longer assigned" in await page(cast, "tom", "/plan")
    text = await page(cast, "tom")
    for words in ("Ada Brzezinska", "guardian", "A goal", "I want to be a nurse"):
        assert words in text
    assert "Why it matters" in text
    assert "&lt;b&gt;Her&lt;/b&gt; words" in text
    assert await decide(cast, "tom", said, "let_in") == 303
    assert (await mia.project())["areas"][0]["goals"][0]["why"] == "<b>Her</b> words"
    assert "Nothing to check here" in await page(cast, "tom")


async def test_a_change_left_out_is_kept_but_shown_nowhere_and_a_late_reviewer_is_told(
    mia: Phone,
) -> None:
    cast, goal = mia.cast, await goal_of(mia)
    ada = await former(mia)
    said = ada.say("goal", goal, "why", "Her words")
    await ada.sync(said)
    assert await decide(cast, "tom", said, "burn") == 422
    assert await decide(cast, "tom", said, "leave_out") == 303
    assert await decide(cast, "tom", said, "leave_out") == 303, "twice is once"
    async with at_desk(cast, "ines") as browser:
        late = await browser.post(path(cast, f"/quarantine/{said['id']}"), data={"what": "let_in"})
    assert late.status_code == 422
    assert "This has already been decided." in late.text
    assert (await mia.project())["areas"][0]["goals"][0]["why"] is None
    assert (await Quarantined.get(id=said["id"])).is_let_in is False


async def test_a_change_that_no_longer_fits_says_so_and_keeps_waiting(mia: Phone) -> None:
    cast = mia.cast
    ada = await former(mia)
    lost = ada.make("goal", area_id=str(cast.mia.id), why="Of an area that never came")
    odd = ada.say("goal", str(cast.mia.id), "why", {"deep": ["things"]})
    await ada.sync(lost, odd)
    assert "Of an area that never came" in await page(cast, "tom")
    assert await decide(cast, "tom", lost, "let_in") == 409
    assert await Quarantined.filter(decided_at__isnull=True).count() == 2


async def test_a_house_is_let_in_without_being_read(mia: Phone) -> None:
    cast = mia.cast
    ada = await former(mia)
    house = ada.make("house", kind="worry", text="The man who rings")
    await ada.sync(house)
    for name in ("tom", "ines"):
        text = await page(cast, name)
        assert "You cannot read this." in text
        assert "The man who rings" not in text
    answer = await cast.client_as("tom").get(f"/api/v1/children/{cast.mia.id}/quarantine")
    assert [one["said"] for one in answer.json()["changes"]] == [None]


async def test_a_complaint_goes_round_the_caseworker_here_as_well(mia: Phone) -> None:
    cast = mia.cast
    ada = await former(mia)
    complaint = ada.make("complaint", text="He never calls back", to="supervisor")
    more = ada.say("complaint", complaint["entity_id"], "text", "Never")
    await ada.sync(complaint, more)
    assert "Nothing to check here" in await page(cast, "tom")
    assert "no longer assigned" not in await page(cast, "tom", "/plan")
    for one in (complaint, more):
        assert await decide(cast, "tom", one, "leave_out") == 404
    api = f"/api/v1/children/{cast.mia.id}/quarantine"
    assert (await cast.client_as("tom").get(api)).json() == {"changes": []}
    body = {"let_in": False}
    answer = await cast.client_as("tom").post(f"{api}/{complaint['id']}", json=body)
    assert answer.status_code == 404
    assert "He never calls back" in await page(cast, "ines")
    assert await decide(cast, "ines", complaint, "let_in") == 303
    assert [one["kind"] for one in (await mia.project())["reviews"]] == []
    ines = Phone(cast, "ines")
    assert [one["kind"] for one in (await ines.project())["reviews"]] == ["complaint"]


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_it_reads_in_other_languages(mia: Phone, language: str) -> None:
    cast, goal = mia.cast, await goal_of(mia)
    ada = await former(mia)
    await ada.sync(ada.say("goal", goal, "why", "Her words"), ada.make("area", kind="health"))
    await people.set_language(SYSTEM, cast.tom.id, language, cast.clock())
    text = await page(cast, "tom")
    assert "Her words" in text
    assert "A goal" not in text
    assert "Add it" not in text

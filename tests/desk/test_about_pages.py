"""Where a child lives and when it was born, at the desk."""

from __future__ import annotations

from datetime import date

import pytest

from server.audit.models import Entry
from server.people.models import Child, Home
from server.plan.changes.stored import state_of
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import together


def path(cast: Cast, rest: str = "") -> str:
    return f"/desk/children/{cast.mia.id}{rest}"


async def reviews(cast: Cast) -> list[str]:
    state = await state_of(cast.mia.id)
    return [state.value("review", id_, "kind") for id_ in state.things("review")]


async def test_a_move_to_a_home_that_is_new_makes_it_and_calls_for_a_review(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        shown = (await browser.get(path(cast, "/home"))).text
        assert "The house" in shown
        answer = await browser.post(
            path(cast, "/home"), data={"home_id": "", "home_name": "On the hill"}
        )
        assert answer.headers["location"] == path(cast, "/people?done=home")
        page = (await browser.get(answer.headers["location"])).text
    assert "Home saved." in page
    assert "On the hill" in page
    assert (await Child.get(id=cast.mia.id).prefetch_related("home")).home.name == "On the hill"
    assert await reviews(cast) == ["transfer"]


@pytest.mark.parametrize("is_at_once", [False, True])
async def test_three_taps_on_a_move_make_one_home(cast: Cast, is_at_once: bool) -> None:
    form = {"home_id": "", "home_name": "On the hill"}
    async with at_desk(cast, "tom") as browser:
        taps = [browser.post(path(cast, "/home"), data=form) for _ in range(3)]
        answers = await together(*taps) if is_at_once else [await tap for tap in taps]
        assert [answer.status_code for answer in answers] == [303] * 3
        # So does the sister's move, a minute later.
        sister = f"/desk/children/{cast.noor.id}/home"
        assert (await browser.post(sister, data=form)).status_code == 303
    made = await Home.filter(agency_id=cast.agency.id).exclude(id=cast.home.id)
    assert [home.name for home in made] == ["On the hill"]
    assert await Child.filter(home_id=made[0].id).count() == 2
    assert await Entry.filter(what="home:add", about_id=made[0].id).count() == 1
    assert await reviews(cast) == ["transfer"]


async def test_two_homes_at_once_are_refused_and_nothing_is_made(cast: Cast) -> None:
    form = {"home_id": str(cast.home.id), "home_name": "On the hill"}
    async with at_desk(cast, "tom") as browser:
        answer = await browser.post(path(cast, "/home"), data=form)
    assert answer.status_code == 422
    assert "On the hill" in answer.text
    assert await Home.all().count() == 1
    assert await reviews(cast) == []


@pytest.mark.parametrize(
    ("typed", "kept"), [("2010-05-17", date(2010, 5, 17)), ("", None), ("1999-12-31", None)]
)
async def test_the_birthday_can_be_written_down_and_taken_back(
    cast: Cast, typed: str, kept: date | None
) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post(path(cast, "/birthday"), data={"born_on": "2011-01-01"})
        answer = await browser.post(path(cast, "/birthday"), data={"born_on": typed})
        page = (await browser.get(path(cast, "/people"))).text
    assert answer.status_code == 303
    child = await Child.get(id=cast.mia.id)
    assert child.birthday == (date(1999, 12, 31) if typed == "1999-12-31" else kept)
    assert ("15 years old" in page) == (typed == "2010-05-17")


@pytest.mark.parametrize("typed", ["2027-01-01", "1989-01-01", "soon", "2010-02-30", "0010-01-01"])
async def test_a_day_that_nobody_was_born_on_is_said_at_its_question(
    cast: Cast, typed: str
) -> None:
    async with at_desk(cast, "tom") as browser:
        answer = await browser.post(path(cast, "/birthday"), data={"born_on": typed})
    assert answer.status_code == 422
    assert "Enter a date of birth such as 2010-03-31." in answer.text
    assert typed in answer.text
    assert (await Child.get(id=cast.mia.id)).birthday is None


async def test_a_new_child_may_come_with_its_birthday(cast: Cast) -> None:
    form = {
        "id": "0e5b1c9a-8a9e-4f8e-9d51-2f6f0b8a7c11",
        "name": "Somebody Small",
        "language": "en",
        "zone": "Europe/Paris",
        "at": ["09:00", "18:00"],
        "caseworker_id": str(cast.tom.id),
        "tier": "first",
        "born_on": "2010-05-17",
    }
    async with at_desk(cast, "tom") as browser:
        wrong = await browser.post("/desk/children/new", data=form | {"born_on": "2030-01-01"})
        answer = await browser.post("/desk/children/new", data=form)
    assert wrong.status_code == 422
    assert answer.status_code == 303, answer.text
    child = await Child.get(id=form["id"])
    assert child.birthday == date(2010, 5, 17)
    state = await state_of(child.id)
    [review] = state.things("review")
    assert state.value("review", review, "due_on") == "2027-11-17"

"""Words of somebody whose tie is over, at the desk: read, let in, left out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from server.audit.actions import SYSTEM
from server.people import actions as people
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.models import Quarantined
from server.plan.offboarding.quarantine import PART
from server.plan.rules import KEPT_FOR, MOST_KEPT
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.plan.said import Phone
from tests.races import together


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
    assert await ada.sync(lost) == ["quarantined"]
    assert "Of an area that never came" in await page(cast, "tom")
    assert await decide(cast, "tom", lost, "let_in") == 409
    assert await Quarantined.filter(decided_at__isnull=True).count() == 1


async def test_what_fits_in_no_project_does_not_wait_for_a_person(mia: Phone) -> None:
    ada = await former(mia)
    odd = ada.say("goal", str(mia.cast.mia.id), "why", {"deep": ["things"]})
    long = ada.say("goal", str(mia.cast.mia.id), "why", "x" * 20_001)
    assert await ada.sync(odd, long) == ["invalid"] * 2
    assert not await Quarantined.exists()


def areas(ada: Phone, number: int, letters: int = 10) -> list[dict[str, Any]]:
    return [
        ada.make("area", kind="own", name=f"{n:04} ".ljust(letters, "x")) for n in range(number)
    ]


async def test_an_ended_tie_carries_so_many_words_and_what_comes_after_them_stays_on_the_phone(
    mia: Phone,
) -> None:
    cast, eve = mia.cast, await former(mia, "eve", Role.CASEWORKER)
    said = areas(eve, MOST_KEPT + 1)
    assert await eve.sync(*said[:-1]) == ["quarantined"] * MOST_KEPT
    cast.clock.advance(minutes=1)
    answer = (await eve.send(said[0], said[-1])).json()["results"]
    assert [result["status"] for result in answer] == ["known", "refused"], "what came is known"
    assert answer[1]["problem"]["code"] == "not_allowed"
    assert answer[1]["problem"]["detail"] == (
        "We already keep 200 changes from after your time with this child. Tell the child's "
        "caseworker what this one says."
    )
    assert await Quarantined.all().count() == MOST_KEPT
    ada = await former(mia)
    assert await ada.sync(*areas(ada, 1)) == ["quarantined"], "for each author"


async def test_two_batches_at_once_carry_no_more_than_an_ended_tie_does(mia: Phone) -> None:
    ada = await former(mia)
    first, second = areas(ada, MOST_KEPT - 1), areas(ada, 3)
    answers = await together(ada.send(*first), ada.send(*second))
    assert {answer.status_code for answer in answers} == {200}
    assert await Quarantined.all().count() == MOST_KEPT


async def test_long_after_its_end_nothing_is_taken_over_a_tie(mia: Phone) -> None:
    cast, eve = mia.cast, await former(mia, "eve", Role.CASEWORKER)
    early, *late = areas(eve, 2)
    cast.clock.advance(days=KEPT_FOR.days - 1)
    await cast.new_token("eve")
    assert await Phone(cast, "eve").sync(early) == ["quarantined"]
    cast.clock.advance(days=1)
    await cast.new_token("eve")
    answer = (await Phone(cast, "eve").send(early, *late)).json()["results"]
    assert [result["status"] for result in answer] == ["known", "refused"]
    assert answer[1]["problem"]["detail"] == (
        "Your time with this child ended more than 90 days ago. We cannot take this. Tell the "
        "child's caseworker what it says."
    )
    assert await Quarantined.all().count() == 1


async def test_what_waits_is_read_in_parts(mia: Phone) -> None:
    cast, ada = mia.cast, await former(mia)
    said = areas(ada, 2 * PART + 1)
    complaint = ada.make("complaint", text="He never calls back", to="supervisor")
    await ada.sync(*said, complaint)
    api = f"/api/v1/children/{cast.mia.id}/quarantine"
    for name, wanted in (("tom", said), ("ines", [*said, complaint])):
        seen, after = [], ""
        for number in (PART, PART, len(wanted) - 2 * PART):
            part = (await cast.client_as(name).get(api + after)).json()
            assert len(part["changes"]) == number
            seen += [change["id"] for change in part["changes"]]
            after = f"?after={part['next']}"
        assert part["next"] is None, "what one may not decide about leads to no further part"
        assert sorted(seen) == sorted(change["id"] for change in wanted)
    assert f"More than {PART} changes" in await page(cast, "tom", "/plan")
    first = await page(cast, "tom")
    [link] = re.findall(r'href="([^"]+after=[^"]+)"', first)
    second = await page(cast, "tom", "/quarantine" + link[link.index("?") :])
    assert first.count("arrived") >= PART
    assert "Show more" in second
    assert not set(re.findall(r'id="k([^"]+)"', first)) & set(re.findall(r'id="k([^"]+)"', second))
    assert (await cast.client_as("tom").get(f"{api}?after=word")).status_code == 422


async def test_a_part_of_long_words_is_shorter(mia: Phone) -> None:
    cast, ada = mia.cast, await former(mia)
    said = [ada.make("message", text="x" * 19_000) for _ in range(20)]
    assert await ada.sync(*said) == ["quarantined"] * 20
    api = f"/api/v1/children/{cast.mia.id}/quarantine"
    answer = await cast.client_as("tom").get(api)
    assert len(answer.content) < 300_000
    assert 0 < len(answer.json()["changes"]) < 20
    assert answer.json()["next"] is not None


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
    assert (await cast.client_as("tom").get(api)).json() == {"changes": [], "next": None}
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

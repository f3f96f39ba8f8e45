"""A child who has never answered is not said to be on time: "Not heard from yet", and what is
missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.auth.models import Device
from server.desk.board import order as board_order
from server.desk.board.view import Group, View
from server.policy.levels import Way
from server.storage.db import write
from server.watch import actions as watch
from server.watch import evidence
from server.watch.hearing.settling import settle
from tests.cast import Cast
from tests.copies import replace
from tests.desk.test_board import board, groups
from tests.desk.test_board_order import scope
from tests.desk.test_find_pages import look_for
from tests.desk.walking import PARIS, answer, at, run_until


async def answered(child_id: UUID, way: Way, now: datetime) -> None:
    async with write():
        await settle(child_id, way, uuid4(), now)


async def test_who_has_never_answered_is_not_on_time(cast: Cast) -> None:
    page = await board(cast, "tom")
    assert groups(page) == ["unheard"]
    assert "2 not heard from yet" in page
    assert "Not heard from yet" in page
    assert "n time" not in page
    assert "#well" not in page, "neither the green sign"
    await run_until(cast, at(17))
    await answer(cast, "mia")
    page = await board(cast, "tom")
    assert groups(page) == ["due", "well"]
    assert "1 on time" in page


async def test_a_child_without_a_phone_is_said_to_have_none(cast: Cast) -> None:
    assert "no phone paired" not in await board(cast, "tom")
    await Device.filter(person_id=cast.mia.id).update(shut_out_at=cast.clock())
    page = await board(cast, "tom")
    assert page.count("no phone paired") == 1
    assert "Has never answered, no phone paired, next check-in" in page
    async with cast.browser_as("tom") as browser:
        child = (await browser.get(f"/desk/children/{cast.mia.id}")).text
    assert "Not heard from yet" in child
    assert "Has never answered, no phone paired" in child
    assert 'class="is-unheard head"' in child
    assert "Not heard from yet" in await look_for(cast, "tom", "castel")


async def test_an_answer_by_another_way_is_heard_though_it_settles_nothing(cast: Cast) -> None:
    cast.clock.advance(minutes=5)
    await watch.somebody_texted(cast.mia.id, cast.clock())
    page = await board(cast, "tom")
    assert groups(page) == ["unheard", "well"]
    assert "Has never answered, a text came from the agreed number" in page
    await answered(cast.noor.id, Way.CARD, cast.clock())
    assert groups(await board(cast, "tom")) == ["well"]


async def test_who_answered_in_a_way_that_does_not_count_is_not_said_to_have_never_answered(
    cast: Cast,
) -> None:
    cast.clock.advance(minutes=5)
    silent = (await evidence.of([cast.mia.id], cast.clock()))[cast.mia.id]
    heard = replace(silent, heard_at=cast.clock(), heard_way="sms")
    said = evidence.sentence(heard, "en", PARIS, cast.clock())
    assert "never" not in said
    assert "but this does not count as the check-in" in said


async def test_who_is_due_late_or_away_keeps_that_word(cast: Cast) -> None:
    await run_until(cast, at(17))
    assert groups(await board(cast, "tom")) == ["due"]
    await run_until(cast, at(19, 5))
    assert groups(await board(cast, "tom")) == ["late", "due"]


async def test_the_board_shows_those_not_heard_from_alone(cast: Cast) -> None:
    await answer(cast, "noor")
    order = await board_order.order(scope(cast, "tom"), View(group=Group.UNHEARD))
    assert [row.child_id for row in order.rows] == [cast.mia.id]
    assert order.count(Group.UNHEARD) == order.count(Group.WELL) == 1


@pytest.mark.parametrize("way", [Way.APP, Way.SMS])
async def test_the_api_says_when_a_child_was_heard_from_last(cast: Cast, way: Way) -> None:
    assert await heard(cast) == {"tom": [None, None], "mia": [None, None, None]}
    await answered(cast.mia.id, way, cast.clock())
    own = cast.clock()
    assert await heard(cast) == {"tom": [own] * 2, "mia": [own] * 3}
    cast.clock.advance(minutes=5)
    # A phone tells another person who holds it of nothing that adults or another phone did.
    await watch.somebody_texted(cast.mia.id, cast.clock())
    later = cast.clock()
    assert await heard(cast) == {"tom": [later] * 2, "mia": [own] * 3}


async def heard(cast: Cast) -> dict[str, list[datetime | None]]:
    """`heard_at` wherever the API gives a standing of Mia."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for name in ("tom", "mia"):
        async with cast.client_as(name) as reader:
            children = (await reader.get("/api/v1/children")).json()["children"]
            answers[name] = [child for child in children if child["id"] == str(cast.mia.id)]
            answers[name].append((await reader.get(f"/api/v1/children/{cast.mia.id}/watch")).json())
            if name == "mia":
                answers[name].append((await reader.get("/api/v1/me")).json())
    assert {answer["standing"] for many in answers.values() for answer in many} == {"well"}
    return {
        name: [at and datetime.fromisoformat(at) for at in (answer["heard_at"] for answer in many)]
        for name, many in answers.items()
    }


async def test_who_may_not_read_check_in_times_is_not_told_when_an_answer_came(
    cast: Cast,
) -> None:
    await answer(cast, "mia")
    async with cast.client_as("sam") as sam:
        [child] = (await sam.get("/api/v1/children")).json()["children"]
    assert "standing" in child
    assert "heard_at" not in child

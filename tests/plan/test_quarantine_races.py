"""Over an ended tie, at once: the same batch twice, and two people who decide."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from server.plan.models import Change, Quarantined
from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_sync import a_goal, with_a_guardian
from tests.races import no_fault, together


@pytest.fixture
async def gone(cast: Cast) -> tuple[Phone, dict[str, str]]:
    """Ada, whose tie to Mia has ended, and what there is to speak of."""
    mia = Phone(cast, "mia")
    ids = await a_goal(mia)
    ada = await with_a_guardian(mia)
    tie = cast.ties["ada", "mia"]
    ended = await cast.client_as("ines").delete(f"/api/v1/children/{cast.mia.id}/ties/{tie}")
    assert ended.status_code == 204
    cast.clock.advance(minutes=1)
    return ada, ids


async def test_the_same_batch_twice_at_once_lies_there_once(
    gone: tuple[Phone, dict[str, str]],
) -> None:
    ada, ids = gone
    said = ada.say("goal", ids["goal"], "why", "Her words")
    answers: list[Any] = await together(ada.send(said), ada.send(said))
    no_fault(answers)
    told = sorted(one.json()["results"][0]["status"] for one in answers)
    assert all(one.status_code == 200 for one in answers)
    assert set(told) <= {"quarantined", "known"}
    assert "quarantined" in told
    assert await Quarantined.filter(id=said["id"]).count() == 1


@pytest.mark.parametrize("also", [True, False])
async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(
    cast: Cast, gone: tuple[Phone, dict[str, str]], also: bool
) -> None:
    ada, ids = gone
    said = ada.say("goal", ids["goal"], "why", "Her words")
    assert await ada.sync(said) == ["quarantined"]
    path = f"/api/v1/children/{cast.mia.id}/quarantine/{said['id']}"
    tom, ines = cast.client_as("tom"), cast.client_as("ines")
    answers: list[httpx2.Response] = await together(
        tom.post(path, json={"let_in": True}), ines.post(path, json={"let_in": also})
    )
    no_fault(answers)
    statuses = sorted(one.status_code for one in answers)
    # Who decides the same may hear that it is known; who decides otherwise, that it is over.
    assert statuses[0] == 200
    assert statuses[1] in ((200, 409) if also else (409, 422))
    kept = await Quarantined.get(id=said["id"])
    assert kept.is_let_in is not None
    assert await Change.filter(id=said["id"]).count() == int(kept.is_let_in)

"""A call for help says how it wants to be met, and by whom: wishes, that never hold anybody up."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.notify.models import Message
from tests.cast import Cast


async def call(cast: Cast, **how: Any) -> httpx2.Response:
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "want": "help", **how}
    return await cast.client_as("mia").post("/api/v1/check-ins", json=said)


async def called(cast: Cast) -> set[UUID | None]:
    return {message.person_id for message in await Message.filter(kind="alert")}


async def test_the_first_tap_calls_and_the_wish_that_follows_stands_on_the_alert(
    cast: Cast,
) -> None:
    assert (await call(cast)).status_code == 201
    assert await called(cast) == {cast.tom.id}
    cast.clock.advance(seconds=20)
    assert (await call(cast, how="quiet")).status_code == 201
    [alert] = await Alert.all()
    assert alert.facts["how"] == "quiet"
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "Do not call. Text only when Mia Castellane says so." in page.text
    assert "missed check-ins" not in page.text
    assert (await call(cast, how="come")).status_code == 201
    await alert.refresh_from_db()
    assert alert.facts["how"] == "come", "the last wish counts"


async def test_the_adult_the_child_would_like_best_is_called_beside_the_others(cast: Cast) -> None:
    assert (await call(cast, who=str(cast.ines.id), how="call")).status_code == 201
    assert await called(cast) == {cast.tom.id, cast.ines.id}
    [alert] = await Alert.all()
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "Would prefer Ines Quintanar." in page.text


@pytest.mark.parametrize("who", ["sam", "eve", "uwe", "root"])
async def test_an_adult_who_may_not_act_is_not_called_and_help_still_comes(
    cast: Cast, who: str
) -> None:
    assert (await call(cast, who=str(cast.persons[who].id))).status_code == 201
    assert await called(cast) == {cast.tom.id}
    assert (await CheckIn.get()).who_id == cast.persons[who].id, "what was said is kept"
    [alert] = await Alert.all()
    page = await cast.browser_as("tom").get(f"/desk/alerts/{alert.id}")
    assert "Brandvold" not in page.text


async def test_a_wish_without_a_call_for_help_is_refused(cast: Cast) -> None:
    for wish in ({"how": "call"}, {"who": str(cast.tom.id)}):
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), **wish}
        refused = await cast.client_as("mia").post("/api/v1/check-ins", json=said)
        assert refused.status_code == 422
        assert refused.json()["field"] in wish


async def test_the_same_call_with_another_wish_is_another_content(cast: Cast) -> None:
    id_ = str(uuid4())
    assert (await call(cast, id=id_, how="call")).status_code == 201
    assert (await call(cast, id=id_, how="come")).status_code == 409

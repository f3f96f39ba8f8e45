"""A call for help says how it wants to be met, and by whom: wishes, that never hold anybody up."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.notify.models import Message
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.walks.stage import Stage


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


async def heard(stage: Stage) -> Any:
    """What Mia's phone may say of its call."""
    return (await stage.call("mia", "GET", "/api/v1/me/help"))["call"]


async def told(stage: Stage) -> list[Any]:
    """The same in short: the stage and the names."""
    call = await heard(stage)
    return [call["stage"], call["who"]]


async def test_the_phone_that_called_hears_who_is_called_and_who_has_it(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("tom")
    assert await heard(stage) is None
    sent = await stage.check_in("mia", want="help")
    assert await heard(stage) == {
        "id": sent["id"],
        "received_at": sent["received_at"].replace(".000", ""),
        "stage": "calling",
        "who": ["Tom"],
        "since": None,
        "sent_at": None,
    }
    await stage.beat()
    assert (await heard(stage))["sent_at"] is not None
    [alert] = await stage.alerts("mia")
    await stage.acknowledge("tom", alert.id)
    call = await heard(stage)
    assert (call["stage"], call["who"]) == ("taken", ["Tom"])
    assert call["since"] is not None
    await stage.close("tom", alert.id)
    assert await told(stage) == ["over", []]


async def test_nobody_is_said_to_be_called_where_no_message_could_go_out(stage: Stage) -> None:
    await stage.only("mia")
    await stage.check_in("mia", want="help")
    assert await told(stage) == ["unreached", []]
    # The last resort has no name.
    await stage.beat()
    assert await told(stage) == ["calling", []]
    await stage.subscribe("ines")
    await stage.until(hours=1)
    assert await told(stage) == ["calling", ["Ines"]]


async def test_who_had_an_earlier_call_is_not_said_to_have_taken_the_new_one(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("tom")
    await stage.check_in("mia", want="help")
    [alert] = await stage.alerts("mia")
    await stage.acknowledge("tom", alert.id)
    before = await heard(stage)
    stage.clock.advance(minutes=3)
    again = await stage.check_in("mia", want="help", note="He is at the door.")
    call = await heard(stage)
    assert (call["id"], call["stage"], call["since"]) == (again["id"], "taken", before["since"])
    assert call["since"] < call["received_at"]


async def test_a_call_by_another_phone_is_told_to_that_phone_alone(stage: Stage) -> None:
    await stage.only("mia")
    await stage.check_in("mia", want="help")
    await CheckIn.all().update(device_id=uuid4())
    assert await heard(stage) is None
    await CheckIn.all().update(device_id=None)
    assert await heard(stage) is None


async def test_two_hours_after_the_call_the_phone_hears_nothing_of_it(stage: Stage) -> None:
    await stage.only("mia")
    await stage.check_in("mia", want="help")
    stage.clock.advance(minutes=119)
    assert await heard(stage) is not None
    stage.clock.advance(minutes=2)
    assert await heard(stage) is None


async def test_what_adults_do_about_anything_else_is_not_told(stage: Stage) -> None:
    """An ordinary answer calls nobody, and who has another alert does not have this call."""
    await stage.only("mia")
    await stage.subscribe("tom", "ines")
    missing = await open_missing(stage.cast.actor("tom"), stage.cast.mia.id, None, stage.clock())
    await stage.acknowledge("ines", missing.id)
    await stage.check_in("mia", want="talk")
    assert await heard(stage) is None
    await stage.check_in("mia", want="help")
    assert await told(stage) == ["calling", ["Ines", "Tom"]], "who has the search hears of it too"


async def test_adults_have_no_call_of_their_own(cast: Cast) -> None:
    for name in ("tom", "sam", "root"):
        answer = await cast.client_as(name).get("/api/v1/me/help")
        assert answer.status_code == 404, name

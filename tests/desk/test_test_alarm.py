""" "Send me a test alarm", and what became of it."""

from __future__ import annotations

import pytest

from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Delivery, Message
from tests.cast import Cast
from tests.desk.walking import at_desk


async def reach(cast: Cast, name: str) -> None:
    await add_address(
        cast.actor(name),
        cast.persons[name].id,
        AddAddress(channel="email", value=f"{name}@example.org"),
        cast.clock(),
    )


async def test_who_cannot_be_reached_is_told_so(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        page = await browser.get("/desk/test")
        assert "So far, we can reach you only on these pages" in page.text
        refused = await browser.post("/desk/test")
    assert refused.status_code == 422
    assert "We cannot reach you yet." in refused.text


@pytest.mark.parametrize("why", ["closed", "refused"])
async def test_a_way_that_does_not_work_now_is_not_listed_as_one_that_we_use(
    cast: Cast, why: str
) -> None:
    await reach(cast, "tom")
    cast.app.state.channels = ["push", "email"]
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/test")).text
        assert "We send you alerts by:" in page
        assert "do not reach you now" not in page
        if why == "closed":
            cast.app.state.channels = ["push"]
        else:
            await Address.filter(person_id=cast.tom.id).update(refused_at=cast.clock())
        page = (await browser.get("/desk/test")).text
    assert "We send you alerts by:" not in page
    assert "These do not reach you now: email." in page


@pytest.mark.parametrize("name", ["tom", "ines", "ada", "sam", "root"])
async def test_a_test_alarm_goes_out_and_its_result_is_shown(cast: Cast, name: str) -> None:
    await reach(cast, name)
    async with at_desk(cast, name) as browser:
        sent = await browser.post("/desk/test")
        assert sent.status_code == 303
        waiting = (await browser.get(sent.headers["location"])).text
        assert 'data-hx-trigger="every 2s"' in waiting
        message = await Message.get(person_id=cast.persons[name].id, kind="test")
        await Delivery.create(
            message=message, channel="email", attempt=1, started_at=cast.clock(), result="accepted"
        )
        await Message.filter(id=message.id).update(state="done", next_action_at=None)
        done = (await browser.get(sent.headers["location"])).text
        assert "data-hx-trigger" not in done


async def test_the_result_is_nobody_elses(cast: Cast) -> None:
    await reach(cast, "tom")
    async with at_desk(cast, "tom") as browser:
        sent = await browser.post("/desk/test")
    for name, status in (("eve", 404), ("sam", 404), ("uwe", 404), ("ines", 200)):
        async with at_desk(cast, name) as browser:
            # Whoever may begin drills sees what became of a colleague's.
            assert (await browser.get(sent.headers["location"])).status_code == status, name
    async with at_desk(cast, "mia") as browser:
        assert (await browser.get("/desk/test")).status_code == 404

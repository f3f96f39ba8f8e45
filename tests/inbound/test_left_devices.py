"""A front desk that a person set up who has left the home: it may be in their own pocket."""

from __future__ import annotations

import httpx2
import pytest

from server.inbound import desk_pins, left_devices
from server.inbound.models import FrontDesk
from server.notify.models import Message
from server.people.actions import disable_person
from server.people.models import Person, Tie
from server.people.rules import Role
from server.people.ties import end_tie
from server.roll_calls import actions
from tests.cast import Cast
from tests.inbound.test_desk_roll_call import CHILDREN, PATH, a_desk, pin_of, type_pin

ASKED = "the person who set it up has left the home. Do it on your own phone or computer."


async def leave(cast: Cast, how: str = "the home") -> None:
    """Sam leaves; before, nothing but that tied them to the home."""
    now = cast.clock()
    if how == "the agency":
        await disable_person(cast.actor("root"), cast.agency.id, cast.sam.id, now)
        return
    for tie in await Tie.filter(person_id=cast.sam.id, until_at__isnull=True):
        child = next(child for child in cast.children.values() if child.id == tie.child_id)
        await end_tie(cast.actor("root"), child, tie.id, now)
    await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, now)


async def told(cast: Cast) -> list[tuple[str, str]]:
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(subject_kind="front_desk")
    return sorted((names[row.person_id], (row.data or {})["path"]) for row in rows if row.person_id)


async def colleague_opens(cast: Cast, browser: httpx2.AsyncClient) -> str:
    """Tom, who works there, types his PIN; what the device shows then."""
    await type_pin(cast, browser, name="tom")
    return (await browser.get(PATH)).text


@pytest.mark.parametrize("how", ["the home", "the agency"])
async def test_no_roll_call_opens_on_the_device_of_a_person_who_has_left(
    cast: Cast, how: str
) -> None:
    browser = await a_desk(cast)
    await pin_of(cast, "tom")
    assert "Mia" in await colleague_opens(cast, browser)
    await leave(cast, how)
    # Not even in the page that a colleague has open, and with the right PIN.
    for page in ((await browser.get(PATH)).text, await colleague_opens(cast, browser)):
        assert ASKED in page
        assert not any(name in page for name in (*CHILDREN, "Tom"))
    assert "PIN" in (await browser.get("/front")).text, "children check in on it all the same"


async def test_supervisors_hear_once_and_keep_or_end_the_device(cast: Cast) -> None:
    browser = await a_desk(cast)
    await pin_of(cast, "tom")
    assert await told(cast) == []
    await leave(cast)
    page = f"/desk/front?home={cast.home.id}"
    assert await told(cast) == [("ines", page)]
    desk = await FrontDesk.get()
    async with cast.browser_as("tom") as tom:
        shown = (await tom.get(page)).text
        assert f"/desk/front/{desk.id}/end" in shown
        assert f"/desk/front/{desk.id}/keep" not in shown
        assert (await tom.post(f"/desk/front/{desk.id}/keep", data={"x": ""})).status_code == 404
    async with cast.browser_as("ines") as ines:
        assert f"/desk/front/{desk.id}/keep" in (await ines.get(page)).text
        for _ in range(2):
            keep = f"/desk/front/{desk.id}/keep?home={cast.home.id}"
            assert (await ines.post(keep, data={"x": ""})).headers["location"] == page
        assert f"/desk/front/{desk.id}/keep" not in (await ines.get(page)).text
    assert "Mia" in await colleague_opens(cast, browser)


async def test_a_device_kept_by_a_supervisor_who_leaves_is_asked_about_again(cast: Cast) -> None:
    await a_desk(cast)
    await leave(cast)
    desk = await FrontDesk.get()
    await left_devices.keep(cast.actor("ines"), desk.id, cast.clock())
    assert not await left_devices.left_of([await FrontDesk.get()], cast.clock())
    await Person.filter(id=cast.ines.id).update(disabled_at=cast.clock())
    assert await left_devices.left_of([await FrontDesk.get()], cast.clock()) == {desk.id}


async def test_who_still_cares_for_a_child_there_has_not_left(cast: Cast) -> None:
    browser = await a_desk(cast)
    await pin_of(cast, "tom")
    await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    assert await Tie.exists(person_id=cast.sam.id, role=Role.CARER)
    assert "Mia" in await colleague_opens(cast, browser)
    assert await told(cast) == []


async def test_who_left_cannot_come_back_by_a_pin_that_they_still_know(cast: Cast) -> None:
    browser = await a_desk(cast)
    await pin_of(cast)
    await pin_of(cast, "tom")
    await leave(cast)
    desk = await FrontDesk.get()
    await left_devices.keep(cast.actor("ines"), desk.id, cast.clock())
    names = [name for _, name in await desk_pins.names_at(await FrontDesk.get(), cast.clock())]
    assert names == ["Tom V."]
    assert "Mia" not in (await browser.get(PATH)).text

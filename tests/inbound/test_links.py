"""A page on any phone: no name, no cookie, nothing without a tap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.errors import Refused
from server.inbound import links
from server.inbound.models import ChildLink
from server.people.models import Agency
from server.watch.models import Round
from tests.cast import SURNAMES, Cast
from tests.inbound.test_texts import at
from tests.races import no_fault, together

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def a_link(cast: Cast, name: str = "mia", days: int = 7) -> tuple[ChildLink, str]:
    made = await links.make(cast.actor("tom"), cast.children[name], days, uuid4(), cast.clock())
    return made, f"/c/{links.token_of(made)}"


def phone(cast: Cast) -> httpx2.AsyncClient:
    return cast.client(headers={"accept": "text/html", "sec-fetch-site": "same-origin"})


async def tap(cast: Cast, path: str, want: str = "nothing", id_: str = "") -> httpx2.Response:
    async with phone(cast) as browser:
        return await browser.post(path, data={"want": want, "id": id_ or str(uuid4())})


async def test_the_page_names_nobody_keeps_nothing_and_needs_no_script(cast: Cast) -> None:
    _, path = await a_link(cast)
    async with phone(cast) as browser:
        response = await browser.get(path)
    page = response.text
    assert response.status_code == 200
    assert "<title>Planner</title>" in page
    assert not any(name in page for name in ("Mia", "Waymark", *SURNAMES))
    assert "set-cookie" not in response.headers
    assert response.headers["cache-control"] == "no-store"
    assert page.count("<button") == 3
    assert re.findall(r'<form[^>]*method="post"', page)
    assert not await CheckIn.all().exists(), "opening it says nothing"


async def test_it_speaks_the_child_s_language(cast: Cast) -> None:
    _, path = await a_link(cast, "noor")
    async with phone(cast) as browser:
        page = (await browser.get(path)).text
    assert 'lang="ar" dir="rtl"' in page


async def test_help_can_be_called_from_it_by_phone(cast: Cast) -> None:
    await Agency.filter(id=cast.agency.id).update(help_phone="+33 1 99 00 12 34")
    _, path = await a_link(cast)
    async with phone(cast) as browser:
        page = (await browser.get(path)).text
    assert 'href="tel:+33199001234"' in page
    assert 'href="tel:112"' in page


async def test_a_tap_is_an_answer_by_a_link(cast: Cast) -> None:
    link, path = await a_link(cast)
    await at(cast, DUE - HOUR)
    said = await tap(cast, path)
    assert (said.status_code, said.headers["location"]) == (303, f"{path}?done=1")
    assert "set-cookie" not in said.headers
    kept = await CheckIn.get(child_id=cast.mia.id)
    assert (kept.by_way, kept.by_role) == ("link", "child")
    assert (await Round.get(child_id=cast.mia.id, due_at=DUE)).state == "answered"
    assert (await ChildLink.get(id=link.id)).last_used_at == cast.clock()
    async with phone(cast) as browser:
        assert "<button" not in (await browser.get(f"{path}?done=1")).text


@pytest.mark.parametrize(("want", "cause"), [("help", "help"), ("talk", "talk")])
async def test_help_and_talk_call_adults(cast: Cast, want: str, cause: str) -> None:
    _, path = await a_link(cast)
    await tap(cast, path, want)
    assert await Alert.filter(child_id=cast.mia.id, cause=cause).count() == 1


async def test_the_same_page_sent_twice_is_one_tap_and_another_button_is_another(
    cast: Cast,
) -> None:
    _, path = await a_link(cast)
    page = str(uuid4())
    no_fault(await together(*(tap(cast, path, "nothing", page) for _ in range(3))))
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 1
    assert (await tap(cast, path, "help", page)).status_code == 303
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


async def test_a_page_that_was_left_open_since_yesterday_still_answers(cast: Cast) -> None:
    _, path = await a_link(cast)
    page = str(uuid4())
    await tap(cast, path, "nothing", page)
    await at(cast, DUE + 23 * HOUR)
    await tap(cast, path, "nothing", page)
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 2


async def test_an_expired_withdrawn_or_forged_link_tells_the_child_who_to_ask(cast: Cast) -> None:
    link, path = await a_link(cast, days=1)
    for wrong in (path[:-1], f"{path}x", "/c/nonsense", "/c/a.b.c"):
        assert (await tap(cast, wrong)).status_code == 404
    cast.clock.set(cast.clock() + DAY)
    assert (await tap(cast, path)).status_code == 404
    link, path = await a_link(cast)
    await links.end(cast.actor("tom"), cast.mia.id, link.id, cast.clock())
    await links.end(cast.actor("tom"), cast.mia.id, link.id, cast.clock())
    over = await tap(cast, path)
    assert over.status_code == 404
    assert "Ask your caseworker for a new one." in over.text
    assert not await CheckIn.all().exists()


async def test_nonsense_leaves_nothing_and_says_what_to_do(cast: Cast) -> None:
    _, path = await a_link(cast)
    said = await tap(cast, path, "everything")
    assert said.status_code == 422
    assert not await CheckIn.all().exists()


async def test_a_flood_is_stopped_and_help_is_not(cast: Cast) -> None:
    _, path = await a_link(cast)
    for _ in range(20):
        assert (await tap(cast, path)).status_code == 303
    stopped = await tap(cast, path)
    assert stopped.status_code == 429
    assert "Juste" not in stopped.text
    assert (await tap(cast, path, "help")).status_code == 303
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1
    cast.clock.set(cast.clock() + HOUR)
    assert (await tap(cast, path)).status_code == 303


async def test_the_form_sent_twice_makes_one_link_and_five_are_enough(cast: Cast) -> None:
    same = uuid4()
    now, tom, mia = cast.clock(), cast.actor("tom"), cast.children["mia"]
    found = await together(*(links.make(tom, mia, 7, same, now) for _ in range(3)))
    no_fault(found)
    assert await ChildLink.all().count() == 1
    for _ in range(4):
        await a_link(cast)
    with pytest.raises(Refused):
        await a_link(cast)
    with pytest.raises(Refused):
        await links.make(tom, mia, 8, uuid4(), now)


async def test_a_link_opens_one_child_only(cast: Cast) -> None:
    _, path = await a_link(cast)
    await tap(cast, path)
    assert not await CheckIn.exclude(child_id=cast.mia.id).exists()
    link, _ = await a_link(cast)
    await links.use(link, Want.NOTHING, uuid4(), cast.clock())
    assert not await CheckIn.exclude(child_id=cast.mia.id).exists()


async def test_the_caseworker_makes_shows_and_takes_back_a_link_on_the_desk(cast: Cast) -> None:
    page = f"/desk/children/{cast.mia.id}/without-app"
    async with cast.browser_as("tom") as tom:
        made = await tom.post(f"{page}/links", data={"id": str(uuid4()), "days": "7"})
        where = made.headers["location"]
        shown = (await tom.get(where)).text
        assert "http://localhost:8000/c/" in shown
        assert "<svg" in shown
        assert (await tom.post(f"{where}/end", data={})).status_code == 303
        assert (await tom.get(where)).status_code == 404
    async with cast.browser_as("sam") as sam:
        assert (await sam.get(page)).status_code == 403
    async with cast.browser_as("eve") as eve:
        assert (await eve.get(page)).status_code == 404

"""Where somebody is signed in, in two words each, and how it ends."""

from __future__ import annotations

from server.audit.models import Entry
from server.auth.models import Session
from tests.auth.test_codes import CHROME, IPHONE
from tests.auth.test_second_key import FROM_PAGE
from tests.cast import Cast, password_of

PAGE = "/desk/settings/sessions"


async def sign_in(cast: Cast, name: str, user_agent: str) -> str:
    """Somebody signs in there: the token of the session."""
    async with cast.client(headers={**FROM_PAGE, "user-agent": user_agent}) as browser:
        await browser.post("/sign-in", data={"name": name, "password": password_of(name)})
        return str(browser.cookies["s"])


async def test_each_place_is_said_in_two_words_and_this_one_stands_first(cast: Cast) -> None:
    token = await sign_in(cast, "tom", CHROME)
    cast.clock.advance(minutes=5)
    await sign_in(cast, "tom", IPHONE)
    async with cast.client(headers=FROM_PAGE) as browser:
        browser.cookies.set("s", token)
        page = (await browser.get(PAGE)).text
    marks = [
        page.index("Chrome on Linux"),
        page.index("You are here now"),
        page.index("Safari on iPhone"),
        page.index("Unknown browser or program"),
    ]
    assert marks == sorted(marks)
    rows = str(await Session.filter(person_id=cast.tom.id).values())
    assert "Mozilla" not in rows
    assert "203.0.113.7" not in rows


async def test_what_has_run_out_is_not_listed(cast: Cast) -> None:
    await sign_in(cast, "tom", IPHONE)
    cast.clock.advance(hours=3)
    token = await sign_in(cast, "tom", CHROME)
    async with cast.client(headers=FROM_PAGE) as browser:
        browser.cookies.set("s", token)
        page = (await browser.get(PAGE)).text
    assert "iPhone" not in page
    assert "You are not signed in anywhere else." in page


async def test_one_is_ended_from_elsewhere_twice_and_only_by_its_own_person(cast: Cast) -> None:
    phone = await sign_in(cast, "tom", IPHONE)
    held = await Session.filter(person_id=cast.tom.id, system="iPhone").get()
    path = f"{PAGE}/{held.id}/end"
    async with cast.browser_as("ines") as ines:
        assert (await ines.post(path, data={})).status_code == 404
    async with cast.browser_as("tom") as tom, cast.client(headers=FROM_PAGE) as there:
        there.cookies.set("s", phone)
        assert (await there.get(PAGE)).status_code == 200
        for _ in range(2):
            assert (await tom.post(path, data={})).status_code == 303
        assert (await there.get(PAGE)).status_code == 303
        assert (await tom.get(PAGE)).status_code == 200
    assert await Entry.filter(what="session:end", about_id=held.id).count() == 1


async def test_ending_this_one_leads_to_the_door(cast: Cast) -> None:
    token = await sign_in(cast, "tom", CHROME)
    held = await Session.filter(person_id=cast.tom.id, browser="Chrome").get()
    async with cast.client(headers=FROM_PAGE) as browser:
        browser.cookies.set("s", token)
        done = await browser.post(f"{PAGE}/{held.id}/end", data={})
        assert done.headers["location"] == "/"
        assert (await browser.get(PAGE)).status_code == 303


async def test_all_others_end_and_this_one_stays(cast: Cast) -> None:
    phone = await sign_in(cast, "tom", IPHONE)
    async with cast.browser_as("tom") as tom, cast.browser_as("ines") as ines:
        for _ in range(2):
            assert (await tom.post(f"{PAGE}/end-others", data={})).status_code == 303
        assert (await tom.get(PAGE)).status_code == 200
        assert (await ines.get(PAGE)).status_code == 200
        tom.cookies.set("s", phone)
        assert (await tom.get(PAGE)).status_code == 303
    assert await Session.filter(person_id=cast.tom.id, ended_at__isnull=True).count() == 1
    assert await Entry.filter(what="session:end_others").count() == 1


def _sign_of(page: str) -> str:
    """The opening tag of the part that tells of the end."""
    start = page.index('<div id="idle"')
    return page[start : page.index(">", start)]


async def test_half_an_hour_before_its_end_each_page_says_when_a_session_ends(cast: Cast) -> None:
    token = await sign_in(cast, "tom", CHROME)
    async with cast.client(headers=FROM_PAGE) as browser:
        browser.cookies.set("s", token)
        for _ in range(22):
            cast.clock.advance(minutes=30)
            page = (await browser.get(PAGE)).text
            assert " hidden" in _sign_of(page)
        cast.clock.advance(minutes=30)
        page = (await browser.get(PAGE)).text
        assert 'data-ends="1800" data-warned="1800"' in _sign_of(page)
        assert "You will be signed out at" in page
        assert 'href="/?again=1"' in page


async def test_who_signs_in_again_before_the_end_goes_on_with_another_twelve_hours(
    cast: Cast,
) -> None:
    token = await sign_in(cast, "tom", CHROME)
    async with cast.client(headers=FROM_PAGE) as browser:
        browser.cookies.set("s", token)
        for _ in range(7):
            cast.clock.advance(minutes=100)
            await browser.get(PAGE)
        form = (await browser.get("/?again=1")).text
        assert 'value="tom"' in form
        assert 'id="idle"' not in form
        await browser.post("/sign-in", data={"name": "tom", "password": password_of("tom")})
        cast.clock.advance(minutes=30)
        page = (await browser.get(PAGE)).text
        assert " hidden" in _sign_of(page)

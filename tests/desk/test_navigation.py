"""The head of each page, the bar, the pages of links, and the four pages of a child."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.desk import hub_pages
from server.people.actions import set_language
from server.people.models import Child
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.web.navigation import bar
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.plan.said import Phone
from tests.plan.test_sync import a_goal

TABS = ("", "/plan", "/people", "/safety")
BARS = {
    "tom": ["Board", "Children", "Rota", "Reports", "Admin"],
    "ines": ["Board", "Children", "Rota", "Reports", "Admin"],
    "ada": ["Board", "Children"],
    "sam": ["Board", "Front desk"],
    "root": ["Admin", "Rota", "Reports", "Board"],
}


def of_mia(cast: Cast, tab: str = "") -> str:
    return f"/desk/children/{cast.mia.id}{tab}"


async def shown(cast: Cast, name: str, path: str, status: int = 200, language: str = "en") -> str:
    """The page as this person reads it."""
    await set_language(cast.actor(name), cast.persons[name].id, language, cast.clock())
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path)
    assert answer.status_code == status
    return answer.text


def places(page: str) -> list[str]:
    """The places in the head; a phone shows the same at its lower edge."""
    head, low = re.findall(r'<nav class="bar[^"]*".*?</nav>', page, re.DOTALL)
    names: list[str] = re.findall(r"<span>([^<]+)</span>", head)
    assert re.findall(r"<span>([^<]+)</span>", low) == names
    return names


# --- the head and the bar


@pytest.mark.parametrize("name", BARS)
async def test_each_role_has_its_own_places(cast: Cast, name: str) -> None:
    page = await shown(cast, name, "/desk/")
    assert places(page) == BARS[name]
    assert page.count('aria-current="page"') == 2


async def test_the_place_of_a_page_is_marked_and_only_the_page_itself_as_the_page(
    cast: Cast,
) -> None:
    page = await shown(cast, "tom", of_mia(cast, "/rhythm"))
    assert re.search(r'href="/desk/children" aria-current="true"', page)
    page = await shown(cast, "tom", "/desk/reports")
    assert re.search(r'href="/desk/reports" aria-current="page"', page)


async def test_the_head_says_who_i_am_and_until_when_i_am_on_duty(cast: Cast) -> None:
    page = await shown(cast, "tom", "/desk/")
    assert "<bdi>Tom Verhoeven</bdi>" in page
    assert 'class="duty"' not in page
    await cast.on_duty("tom", hours=6)
    cast.clock.advance(minutes=1)
    page = await shown(cast, "tom", "/desk/")
    assert re.search(r'class="duty">On duty until \d\d:\d\d</span>', page)


async def test_the_head_says_when_my_next_duty_begins(cast: Cast) -> None:
    begin = cast.clock() + timedelta(days=2)
    cast.clock.set(begin)
    await cast.on_duty("ines", hours=6)
    cast.clock.set(begin - timedelta(days=2))
    assert "Next duty: " in await shown(cast, "ines", "/desk/me")


@pytest.mark.parametrize("name", ["sam", "ada", "root"])
async def test_who_has_no_duty_reads_nothing_of_one(cast: Cast, name: str) -> None:
    page = await shown(cast, name, "/desk/me")
    assert 'class="duty"' not in page
    assert "duty" not in re.sub(r"<[^>]+>", "", page).lower()


async def test_a_carers_pages_do_not_tell_the_name_of_what_this_is(cast: Cast) -> None:
    for path in ("/desk/", "/desk/me", "/desk/front", "/desk/settings"):
        assert "Waymark" not in await shown(cast, "sam", path)


@pytest.mark.parametrize(
    ("origin", "leads"),
    [
        ("/desk/alerts/0b9e4f3a-6a55-4c34-9a3e-0c7f31f8f3a1", "/desk/help#an-alert"),
        ("https://example.org/desk/", "/desk/help"),
        ("'><script>", "/desk/help"),
    ],
)
async def test_the_help_of_my_own_page_is_that_of_the_page_i_come_from(
    cast: Cast, origin: str, leads: str
) -> None:
    page = await shown(cast, "tom", f"/desk/me?from={quote(origin)}")
    [main] = re.findall(r"<main.*?</main>", page, re.DOTALL)
    assert f'href="{leads}" rel="help"' in main
    assert "<script>" not in main


async def test_a_page_that_refuses_a_form_keeps_its_head(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        answer = await browser.post(of_mia(cast, "/rhythm"), data={"at": "nonsense"})
    assert answer.status_code == 422
    assert "<bdi>Tom Verhoeven</bdi>" in answer.text


async def test_a_stranger_is_asked_to_sign_in(cast: Cast) -> None:
    async with cast.client(headers={"accept": "text/html"}) as browser:
        for path in ("/desk/me", "/desk/reports", "/desk/admin"):
            answer = await browser.get(path)
            assert (answer.status_code, answer.headers["location"][:2]) == (303, "/?")


def test_the_bar_speaks_the_readers_language() -> None:
    assert [place.name for place in bar("/desk/", "guardian", "fr")] == ["Tableau", "Enfants"]


# --- the pages of links


async def test_a_role_reads_only_of_what_it_may_open(cast: Cast) -> None:
    reports = await shown(cast, "tom", "/desk/reports")
    assert "/desk/quality" in reports
    assert "/desk/indicators" not in reports
    assert "/desk/load" not in reports
    assert "/desk/load" in await shown(cast, "ines", "/desk/reports")
    admin = await shown(cast, "root", "/desk/admin")
    assert "/desk/people/channels" in admin
    assert "/desk/policies" not in admin
    assert 'href="/desk/people"' not in await shown(cast, "ines", "/desk/admin")


@pytest.mark.parametrize("name", ["sam", "ada"])
@pytest.mark.parametrize("path", ["/desk/reports", "/desk/admin"])
async def test_where_nothing_is_open_to_a_role_the_page_is_not_theirs(
    cast: Cast, name: str, path: str
) -> None:
    await shown(cast, name, path, status=403)


# --- the four pages of a child


@pytest.mark.parametrize("tab", TABS)
async def test_the_head_and_the_tabs_are_the_same_on_all_four(cast: Cast, tab: str) -> None:
    page = await shown(cast, "tom", of_mia(cast, tab))
    first = await shown(cast, "tom", of_mia(cast))
    [head] = re.findall(r'<div class="is-\w+ head">.*?</div>', page, re.DOTALL)
    assert head in first
    [tabs] = re.findall(r'<nav class="tabs".*?</nav>', page, re.DOTALL)
    assert tabs.count("<li>") == 4
    assert re.findall(r'href="([^"]+)" aria-current="page"', tabs) == [of_mia(cast, tab)]
    assert 'data-hx-sse:connect="/desk/live"' in page


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("name", ["eve", "root", "uwe", "mia"])
async def test_to_strangers_no_page_of_the_child_is_there(cast: Cast, name: str, tab: str) -> None:
    await shown(cast, name, of_mia(cast, tab), status=404)


@pytest.mark.parametrize("tab", TABS)
async def test_a_tie_without_the_right_opens_none_of_them(cast: Cast, tab: str) -> None:
    await shown(cast, "sam", of_mia(cast, tab), status=403)


@pytest.mark.parametrize(
    ("tab", "code"),
    [
        ("", "look:history:see"),
        ("/plan", "look:project:see"),
        ("/people", "look:ties:see"),
        ("/safety", "look:observation:see"),
    ],
)
async def test_opening_a_tab_is_a_look_at_what_is_on_it_and_at_nothing_else(
    cast: Cast, tab: str, code: str
) -> None:
    await shown(cast, "tom", of_mia(cast, tab))
    await shown(cast, "tom", of_mia(cast, tab))
    looks = await Entry.filter(child_id=cast.mia.id, what__startswith="look:")
    assert [look.what for look in looks] == [code]


async def test_what_a_reader_may_not_do_is_on_no_tab(cast: Cast) -> None:
    tie = AddTie(person_id=cast.ada.id, role=Role.GUARDIAN)
    await add_tie(SYSTEM, cast.children["mia"], tie, cast.clock())
    pages = "".join([await shown(cast, "ada", of_mia(cast, tab)) for tab in TABS])
    for closed in ("/tier", "/pauses", "/invite", "/devices", "/placement", "/why", "/account"):
        assert f'href="{of_mia(cast, closed)}"' not in pages
    assert f'href="{of_mia(cast, "/looks")}"' in pages


async def test_supervisors_and_caseworkers_are_led_to_why(cast: Cast) -> None:
    link = f'href="{of_mia(cast, "/why")}"'
    for name in ("ines", "tom"):
        assert link in await shown(cast, name, of_mia(cast, "/safety"))


async def test_the_plan_shows_goals_in_the_childs_words(cast: Cast) -> None:
    before = await shown(cast, "tom", of_mia(cast, "/plan"))
    assert "No goal yet." in before
    phone = Phone(cast, "mia")
    await a_goal(phone, child_words="I want to <b>cook</b>")
    page = await shown(cast, "tom", of_mia(cast, "/plan"))
    assert "No goal yet." not in page
    assert "I want to &lt;b&gt;cook&lt;/b&gt;" in page
    assert "Ask at the school" in page


async def test_the_plan_of_a_child_who_has_left_is_still_there(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    for tab in TABS:
        page = await shown(cast, "tom", of_mia(cast, tab))
        assert f'href="{of_mia(cast, "/sighting")}"' not in page


async def test_old_links_to_what_was_said_and_agreed_lead_to_a_place_that_exists(
    cast: Cast,
) -> None:
    page = await shown(cast, "tom", of_mia(cast))
    for anchor in ("history", "agreed"):
        assert f'id="{anchor}"' in page
    assert f'href="{of_mia(cast, "/plan")}"' in page


async def test_what_is_saved_is_shown_on_the_tab_that_has_it(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        saved = await browser.post(of_mia(cast, "/tier"), data={"tier": "low"})
        assert saved.headers["location"] == of_mia(cast, "/plan?done=tier")
        page = (await browser.get(saved.headers["location"])).text
    assert "Watch level saved." in page
    assert page.count('role="status"') >= 1


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_crumbs_lead_up_in_the_readers_language(cast: Cast, language: str) -> None:
    page = await shown(cast, "tom", of_mia(cast, "/rhythm"), language=language)
    [crumbs] = re.findall(r'<nav class="crumbs".*?</nav>', page, re.DOTALL)
    assert re.findall(r'href="([^"]+)"', crumbs) == ["/desk/", of_mia(cast, "/plan")]
    assert "Check-in times" not in crumbs


@pytest.mark.parametrize("name", ["ines", "root"])
async def test_a_page_has_the_name_of_the_link_that_leads_there(cast: Cast, name: str) -> None:
    role = cast.persons[name].role
    ways = [way for _, all_ways in (*hub_pages.REPORTS, *hub_pages.ADMIN) for way in all_ways]
    async with at_desk(cast, name) as browser:
        for way in (way for way in ways if role in way.roles and way.path != "/desk/children"):
            page = html.unescape((await browser.get(way.path)).text)
            [title] = re.findall(r"<title>([^<]+)</title>", page)
            assert title.startswith(way.title), way.path
    titles = [way.title for way in ways]
    assert len(titles) == len(set(titles))


# --- the address of a form that was shown again


async def test_a_reload_after_a_form_was_refused_leads_to_the_page_it_was_on(cast: Cast) -> None:
    child = of_mia(cast)
    above = {
        f"{child}/seasons/{cast.mia.id}/end": child,
        f"{child}/sign/end": f"{child}/sign",
        "/desk/rota/terms": "/desk/rota",
        "/desk/settings/quiet": "/desk/settings",
    }
    async with at_desk(cast, "tom") as browser:
        for address, page in above.items():
            answer = await browser.get(address)
            assert (answer.status_code, answer.headers["location"]) == (303, page)
            assert (await browser.get(page)).status_code == 200
    async with cast.client() as stranger:
        reader = {"accept": "text/html"}
        answer = await stranger.get("/sign-in", headers=reader)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await stranger.get("/sign-in")).status_code == 405
        assert (await stranger.put("/sign-in", headers=reader)).status_code == 405

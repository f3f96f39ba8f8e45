"""The page of a roll call: for the people who work in the home, and for those who only read."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from server.alerts.models import Alert
from server.people.actions import set_language
from server.people.models import Child, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.roll_calls import actions
from server.roll_calls.models import RollCall
from server.watch.models import Pause, RollCallWord
from tests.cast import SURNAMES, Cast
from tests.desk.scenes import crowd
from tests.roll_calls.homes import asked, furnish, latest, say, tick

LIVE_THERE = ("mia", "noor")


@pytest_asyncio.fixture(autouse=True)
async def english(cast: Cast) -> None:
    await set_language(cast.actor("sam"), cast.sam.id, "en", cast.clock())


def path_of(cast: Cast) -> str:
    return f"/desk/homes/{cast.home.id}/roll-call"


def fields_of(page: str) -> dict[str, object]:
    """What the form would send if it was sent at once."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    fields: dict[str, object] = {name: value for name, value in hidden if name != "child"}
    return {**fields, "child": [value for name, value in hidden if name == "child"]}


async def open_page(cast: Cast, browser: httpx2.AsyncClient, query: str = "") -> str:
    answer = await browser.get(path_of(cast) + query)
    assert answer.status_code == 200
    return answer.text


async def words(cast: Cast) -> dict[str, str]:
    names = {child.id: name for name, child in cast.persons.items()}
    return {names[row.child_id]: row.word for row in await RollCallWord.all().order_by("at", "id")}


async def test_all_here_is_one_tap_and_what_was_said_is_shown_with_who_and_when(
    cast: Cast,
) -> None:
    await asked(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        assert "Roll call, 13:30" in page
        assert page.count("All here") == 1
        answer = await browser.post(path_of(cast), data=fields_of(page))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path_of(cast)}?sent=0")
        done = await open_page(cast, browser, "?sent=0")
    assert await words(cast) == dict.fromkeys(LIVE_THERE, "here")
    assert (await latest(cast)).state == "done"
    assert "Thank you. We have it." in done
    assert "2 here. Sam Oyelaran finished the roll call at 13:30." in done
    assert "data-roll-call" not in done


async def test_one_who_is_away_is_tapped_and_the_rest_are_here(cast: Cast) -> None:
    await asked(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        tapped = fields_of(page) | {f"word-{cast.noor.id}": "not_here"}
        await browser.post(path_of(cast), data=tapped)
        done = await open_page(cast, browser)
    assert await words(cast) == {"mia": "here", "noor": "not_here"}
    assert "Not here" in done
    called = await Alert.filter(child_id=cast.noor.id, closed_at__isnull=True).exists()
    follows = "An alert is open." if called else "No check-in is late, so we call nobody yet."
    assert follows in done


async def test_the_next_roll_call_says_who_was_out_the_last_time(cast: Cast) -> None:
    first = await asked(cast, "13:30", "14:30", "16:30")
    await say(cast, first, {"mia": "not_here"})
    until = cast.clock() + timedelta(hours=2)
    await say(cast, first, {"noor": "excused"}, until_at=until)
    await tick(cast.clock.advance(hours=1))
    await cast.new_token("sam")
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
    assert "Last time: not here" in page
    assert "Last time: with permission until 15:30" in page
    await say(cast, await latest(cast), {"mia": "here", "noor": "excused"}, until_at=until)
    # At the third the permission is over.
    await tick(cast.clock.advance(hours=2))
    await cast.new_token("sam")
    async with cast.browser_as("sam") as browser:
        assert "Last time" not in await open_page(cast, browser)


async def test_a_form_that_is_sent_twice_is_once_and_one_that_was_held_up_counts_from_the_tap(
    cast: Cast,
) -> None:
    await asked(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        begin = cast.clock()
        form = fields_of(page) | {"after": "60", f"word-{cast.mia.id}": "unknown"}
        cast.clock.advance(minutes=15)
        for _ in range(2):
            assert (await browser.post(path_of(cast), data=form)).status_code == 303
    rows = await RollCallWord.all()
    assert len(rows) == 2
    assert {row.said_at for row in rows} == {begin + timedelta(seconds=60)}
    assert {row.at for row in rows} == {cast.clock()}


async def test_a_refused_form_comes_back_with_all_that_was_tapped(cast: Cast) -> None:
    await asked(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        form = fields_of(page) | {
            f"word-{cast.mia.id}": "permission",
            f"until-{cast.mia.id}": "other",
            f"at-{cast.mia.id}": "2020-01-01T10:00",
            f"word-{cast.noor.id}": "not_here",
        }
        answer = await browser.post(path_of(cast), data=form)
        assert answer.status_code == 422
        assert "Choose a time that is still to come." in answer.text
        assert 'value="2020-01-01T10:00"' in answer.text
        assert answer.text.count(" checked>") == 3
        for broken in (
            {"id": ""},
            {"roll_call_id": "x"},
            {"roll_call_id": str(uuid4()), "id": "x"},
        ):
            answer = await browser.post(path_of(cast), data=broken)
            assert answer.status_code == 422
            assert "Open it again." in answer.text
    assert await words(cast) == {}


async def test_a_second_person_sees_what_the_first_said_and_a_disagreement_shows_both(
    cast: Cast,
) -> None:
    call = await asked(cast, workers=("sam", "tom"))
    async with cast.browser_as("tom") as browser:
        stale = await open_page(cast, browser)
        await say(cast, call, {"mia": "not_here"})
        page = await open_page(cast, browser)
        assert "Not here, 13:30" in page
        assert "The other child is here" in page
        await browser.post(path_of(cast), data=fields_of(stale))
        done = await open_page(cast, browser)
    assert "These answers differ" in done
    assert "Sam Oyelaran" in done
    assert "Tom Verhoeven" in done
    assert "1 here, 1 not here" in done


async def test_a_correction_is_a_new_word_of_that_child_alone(cast: Cast) -> None:
    call = await asked(cast)
    await say(cast, call, dict.fromkeys(LIVE_THERE, "here"))
    async with cast.browser_as("sam") as browser:
        assert f"{path_of(cast)}?correct=yes" in await open_page(cast, browser)
        page = await open_page(cast, browser, "?correct=yes")
        nothing = await browser.post(path_of(cast), data=fields_of(page))
        assert nothing.status_code == 422
        assert "choose what is right" in nothing.text
        cast.clock.advance(minutes=1)
        form = fields_of(page) | {f"word-{cast.noor.id}": "unknown"}
        assert (await browser.post(path_of(cast), data=form)).status_code == 303
    assert await words(cast) == {"mia": "here", "noor": "unknown"}
    assert await RollCallWord.all().count() == 3


async def test_a_child_on_an_agreed_absence_is_shown_as_excused_and_not_asked_about(
    cast: Cast,
) -> None:
    await asked(cast)
    now = cast.clock()
    await Pause.create(
        child_id=cast.noor.id,
        from_at=now - timedelta(hours=1),
        until_at=now + timedelta(days=1),
        made_by=cast.tom.id,
        made_at=now - timedelta(days=1),
    )
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        assert "Agreed absence until" in page
        assert fields_of(page)["child"] == [str(cast.mia.id)]
        await browser.post(path_of(cast), data=fields_of(page))
    assert await words(cast) == {"mia": "here"}
    assert (await latest(cast)).state == "done"


async def test_a_child_who_moved_away_is_left_out_and_the_rest_counts(cast: Cast) -> None:
    await asked(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        await Child.filter(id=cast.noor.id).update(home_id=None)
        answer = await browser.post(path_of(cast), data=fields_of(page))
        assert answer.headers["location"].endswith("?sent=1")
        assert "1 child no longer lives here" in await open_page(cast, browser, "?sent=1")
    assert await words(cast) == {"mia": "here"}


async def test_a_home_with_more_children_than_a_page_is_done_page_by_page(cast: Cast) -> None:
    await furnish(cast)
    await crowd(cast, 100)
    await tick(cast.clock.advance(minutes=30))
    async with cast.browser_as("sam") as browser:
        for _ in range(2):
            page = await open_page(cast, browser)
            assert "All on this page are here" in page
            await browser.post(path_of(cast), data=fields_of(page))
    assert (await latest(cast)).state == "done"
    away = await Pause.all().count()
    assert await RollCallWord.all().count() == 102 - away


async def test_those_who_answer_for_a_child_read_of_that_child_and_cannot_send(cast: Cast) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "not_here"})
    async with cast.browser_as("tom") as browser:
        page = await open_page(cast, browser)
        assert "Mia Castellane" in page
        assert "Not finished: 1 of 2 children" in page
        assert f'href="/desk/children/{cast.mia.id}"' in page
        assert (await browser.post(path_of(cast), data={})).status_code == 404
        assert (await browser.get(f"{path_of(cast)}/list")).status_code == 404
    for stranger in ("ada", "eve", "root", "uwe"):
        async with cast.browser_as(stranger) as browser:
            assert (await browser.get(path_of(cast))).status_code == 404


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("eve", "Of the children assigned to you: 1 here."),
        ("ines", "You see none of the children here."),
    ],
)
async def test_no_number_tells_of_a_child_whom_the_reader_may_not_see(
    cast: Cast, who: str, says: str
) -> None:
    call = await asked(cast)
    tie = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("root"), cast.children["mia"], tie, cast.clock())
    await Tie.filter(person_id=cast.ines.id).update(until_at=cast.clock())
    before = await say(cast, call, {"mia": "here"})
    async with cast.browser_as(who) as browser:
        first = await open_page(cast, browser)
        assert f"Not finished. {says}" in first
        await say(cast, before.roll_call, {"noor": "not_here"})
        then = await open_page(cast, browser)
    assert says in then
    assert "not here" not in then
    assert "of 2" not in then


async def test_a_supervisor_without_a_tie_reads_how_far_it_is_and_no_name_of_a_child(
    cast: Cast,
) -> None:
    await asked(cast)
    await Tie.filter(person_id=cast.ines.id).update(until_at=cast.clock())
    async with cast.browser_as("ines") as browser:
        page = await open_page(cast, browser)
    assert "Nobody has done it yet." in page
    assert "They can do it: Sam Oyelaran" in page
    assert not any(name in page for name in ("Mia", "Noor", *SURNAMES[:2]))


async def test_a_person_whose_seat_has_ended_finds_nothing(cast: Cast) -> None:
    await asked(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
        assert (await browser.get(path_of(cast))).status_code == 404
        assert (await browser.post(path_of(cast), data=fields_of(page))).status_code == 404
    assert await words(cast) == {}


async def test_without_a_roll_call_or_a_child_the_page_says_so(cast: Cast) -> None:
    await furnish(cast)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        assert "There has been no roll call here yet." in page
        assert "Next roll call: 13:30" in page
        await Child.filter(home_id=cast.home.id).update(home_id=None)
        assert "No child lives here" in await open_page(cast, browser)
        assert "No child lives here" in (await browser.get(f"{path_of(cast)}/list")).text


async def test_one_that_nobody_did_in_time_can_still_be_done(cast: Cast) -> None:
    call = await asked(cast)
    await RollCall.filter(id=call.id).update(state="missed", step=3, next_action_at=None)
    async with cast.browser_as("sam") as browser:
        page = await open_page(cast, browser)
        assert "Nobody did this roll call in time." in page
        await browser.post(path_of(cast), data=fields_of(page))
    assert await words(cast) == dict.fromkeys(LIVE_THERE, "here")


async def test_the_list_for_the_night_has_the_names_and_the_times_of_the_home(cast: Cast) -> None:
    await furnish(cast, "21:30", "07:45")
    async with cast.browser_as("sam") as browser:
        page = (await browser.get(f"{path_of(cast)}/list")).text
    assert [name for name in ("Mia Castellane", "Noor Haddadin") if name in page]
    assert page.count('class="box"') == 2 * 2 * 3
    assert "07:45</th>" in page
    for words in ("The house</bdi></h1>", "Shift", "With permission", "data-print"):
        assert words in page, words


# --- the board


async def test_the_board_of_a_worker_begins_with_the_open_roll_call(cast: Cast) -> None:
    await furnish(cast)
    async with cast.browser_as("sam") as browser:
        board = (await browser.get("/desk/")).text
        assert "Next roll call at The house: 13:30" in board
        await tick(cast.clock.advance(minutes=30))
        board = (await browser.get("/desk/")).text
        assert "Roll call at The house, 13:30" in board
        assert board.index("Do the roll call") < board.index("Mia Castellane")
        assert f'href="{path_of(cast)}"' in board


async def test_supervisors_and_the_person_on_duty_see_what_is_not_done_and_others_do_not(
    cast: Cast,
) -> None:
    await asked(cast)
    for minutes in (20, 20):
        await tick(cast.clock.advance(minutes=minutes))
    sentence = "The house: nobody has done the roll call of 13:30."
    # The clock of Ines shows another time than that of the home.
    of_another_clock = "The house: nobody has done the roll call of 13:30 there."
    for name, sees in (("ines", True), ("tom", False), ("root", False)):
        async with cast.browser_as(name) as browser:
            board = (await browser.get("/desk/", follow_redirects=True)).text
            assert (of_another_clock in board) is sees, name
    await cast.on_duty("tom")
    async with cast.browser_as("tom") as browser:
        assert sentence in (await browser.get("/desk/")).text


async def test_the_board_names_three_that_are_not_done_and_counts_the_rest(cast: Cast) -> None:
    await asked(cast)
    now = cast.clock()
    for number in range(5):
        due = now - timedelta(hours=number + 1)
        await RollCall.create(
            id=uuid4(),
            agency_id=cast.agency.id,
            home_id=cast.home.id,
            due_at=due,
            asked_at=due,
            zone="Europe/Paris",
            state="missed",
            step=3,
        )
    async with cast.browser_as("ines") as browser:
        board = (await browser.get("/desk/")).text
    assert board.count("nobody has done the roll call") == 3
    assert "2 more roll calls are not done." in board

"""Who works in a home and when its roll calls are, as administrators and supervisors arrange it."""

from __future__ import annotations

from server.audit.models import Entry
from server.people import actions as people
from server.people.models import Home, Person
from server.roll_calls import actions, reading
from server.roll_calls.models import HomeWorker, RollCall
from server.roll_calls.overview.reading import overview
from server.roll_calls.rules import Step
from tests.cast import Cast
from tests.roll_calls.homes import asked, say


def path_of(cast: Cast) -> str:
    return f"/desk/people/homes/{cast.home.id}/roll-call"


async def test_a_person_is_added_once_shown_and_ended(cast: Cast) -> None:
    path = path_of(cast)
    async with cast.browser_as("root") as browser:
        assert f'href="{path}"' in (await browser.get("/desk/people/homes")).text
        page = (await browser.get(path)).text
        assert "Nobody yet." in page
        assert "<select" not in page
        for _ in range(2):
            answer = await browser.post(f"{path}/workers", data={"person_id": str(cast.sam.id)})
            assert answer.headers["location"] == f"{path}?saved=yes"
        page = (await browser.get(f"{path}?saved=yes")).text
        assert "Saved." in page
        assert "Sam Oyelaran no longer works here" in page
        for _ in range(2):
            ended = await browser.post(f"{path}/workers/{cast.sam.id}/end", data={})
            assert ended.status_code == 303
    [worker] = await HomeWorker.filter(home_id=cast.home.id)
    assert worker.until_at == cast.clock()


async def test_whoever_cannot_work_in_a_home_is_refused_with_a_sentence(cast: Cast) -> None:
    async with cast.browser_as("root") as browser:
        for person in ("", "x", str(cast.root.id), str(cast.mia.id), str(cast.uwe.id)):
            answer = await browser.post(f"{path_of(cast)}/workers", data={"person_id": person})
            assert answer.status_code in (404, 422), person
            assert 'class="error"' in answer.text or answer.status_code == 404
    assert await HomeWorker.all().count() == 0


async def test_the_times_are_those_of_the_policy_the_homes_own_or_none(cast: Cast) -> None:
    for form, stored in (
        ({"how": "own", "times": ["21:30", "", "07:45"]}, ["07:45", "21:30"]),
        ({"how": "none", "times": ["21:30"]}, []),
        ({"how": "policy", "times": []}, None),
    ):
        async with cast.browser_as("root") as browser:
            answer = await browser.post(f"{path_of(cast)}/times", data=form)
            assert answer.status_code == 303
            page = (await browser.get(path_of(cast))).text
        assert (await Home.get(id=cast.home.id)).roll_call_at == stored
        assert f'value="{form["how"]}" checked' in page


async def test_times_that_make_no_sense_come_back_as_they_were_typed(cast: Cast) -> None:
    async with cast.browser_as("root") as browser:
        for form in (
            {"how": "own", "times": ["", ""]},
            {"how": "own", "times": ["soon", "21:30"]},
            {"how": "own", "times": [f"0{hour}:00" for hour in range(1, 8)]},
            {"how": "x"},
        ):
            answer = await browser.post(f"{path_of(cast)}/times", data=form)
            assert answer.status_code == 422
            for typed in form.get("times", [])[:6]:
                assert f'value="{typed}"' in answer.text
    assert (await Home.get(id=cast.home.id)).roll_call_at is None


async def test_a_supervisor_finds_a_person_by_name_adds_them_and_sees_nobody_else(
    cast: Cast,
) -> None:
    path = path_of(cast)
    async with cast.browser_as("ines") as browser:
        assert f'href="{path}"' in (await browser.get("/desk/roll-calls")).text
        assert "Tom Verhoeven" not in (await browser.get(path)).text
        to = (await browser.post(f"{path}/find", data={"q": " verh "})).headers["location"]
        assert "verh" not in to.casefold()
        page = (await browser.get(to)).text
        assert f'name="person_id" value="{cast.tom.id}"' in page
        assert str(cast.sam.id) not in page
        await browser.post(f"{path}/workers", data={"person_id": str(cast.tom.id)})
        assert "Tom Verhoeven no longer works here" in (await browser.get(path)).text
        for nobody in ("zamboni", "castellane", "xyz"):
            to = (await browser.post(f"{path}/find", data={"q": nobody})).headers["location"]
            assert "We found nobody of that name" in (await browser.get(to)).text


async def test_a_person_who_leaves_or_changes_to_another_role_works_there_no_longer(
    cast: Cast,
) -> None:
    for person in (cast.sam, cast.tom):
        await actions.add_worker(cast.actor("root"), cast.home.id, person.id, cast.clock())
    agency_id = cast.agency.id
    await people.disable_person(cast.actor("root"), agency_id, cast.sam.id, cast.clock())
    worker = await HomeWorker.get(person_id=cast.sam.id)
    assert worker.until_at == cast.clock()
    # The account comes back, and the seat does not.
    await Person.filter(id=cast.sam.id).update(disabled_at=None)
    assert not await reading.works_in(cast.sam.id, cast.home.id, cast.clock())
    assert await Entry.filter(what="home_worker:end", about_id=worker.id).count() == 1


async def test_the_page_of_all_homes_has_what_waits_what_is_missed_and_what_comes_next(
    cast: Cast,
) -> None:
    async with cast.browser_as("ines") as browser:
        assert "None done in the last 7 days" in (await browser.get("/desk/roll-calls")).text
    call = await asked(cast, "13:30", "16:30")
    async with cast.browser_as("ines") as browser:
        page = (await browser.get("/desk/roll-calls")).text
        assert "Open since 13:30" in page
        await say(cast, call, {"mia": "here", "noor": "here"})
        page = (await browser.get("/desk/roll-calls")).text
        assert "Open since" not in page
        assert "Last done: 13:30, Sam Oyelaran" in page
        assert "Next: 16:30" in page
        assert f'href="/desk/homes/{cast.home.id}/roll-call"' in page
        await RollCall.filter(id=call.id).update(state="missed")
        assert "Missed in 7 days: 1" in (await browser.get("/desk/roll-calls")).text
        reports = (await browser.get("/desk/reports")).text
    assert 'href="/desk/roll-calls"' in reports


async def test_many_homes_come_in_parts_with_those_that_are_not_done_first(cast: Cast) -> None:
    for number in range(30):
        await Home.create(
            agency_id=cast.agency.id,
            name=f"Annex {number:02}",
            zone="Europe/Paris",
            made_at=cast.clock(),
        )
    call = await asked(cast)
    await RollCall.filter(id=call.id).update(state="missed", step=Step.MISSED)
    first = await overview(cast.agency.id, 1, cast.clock())
    second = await overview(cast.agency.id, 2, cast.clock())
    assert (len(first), len(second)) == (25, 6)
    assert [line.home.name for line in first[:2]] == ["The house", "Annex 00"]

"""Who works in a home and when its roll calls are, as an administrator arranges it."""

from __future__ import annotations

from server.people.models import Home
from server.roll_calls.models import HomeWorker
from tests.cast import Cast


def path_of(cast: Cast) -> str:
    return f"/desk/people/homes/{cast.home.id}/roll-call"


async def test_a_person_is_added_once_shown_and_ended(cast: Cast) -> None:
    path = path_of(cast)
    async with cast.browser_as("root") as browser:
        assert f'href="{path}"' in (await browser.get("/desk/people/homes")).text
        page = (await browser.get(path)).text
        assert "Nobody yet." in page
        assert "Root Zamboni" not in page.partition("<select")[2].partition("</select>")[0]
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

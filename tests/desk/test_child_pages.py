"""The pages of a child: who may open them, and what each of them does."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin import actions as checkin
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, Want
from server.people.rules import Role
from server.policy.model import Tier
from server.watch.models import Pause, Sighting, Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.desk.walking import answer, at, at_desk, leave_the_others_out, run_until

# What is at Mia's path, who may open it (403: a tie without this right), and a POST that is right.
EVERYONE = ("tom", "ines", "sam", "eve", "root", "uwe", "mia")
PAGES: dict[str, tuple[dict[str, int], dict[str, str] | None]] = {
    "": ({"tom": 200, "ines": 200, "sam": 403}, None),
    "/rhythm": (
        {"tom": 200, "ines": 200, "sam": 403},
        {"at": "17:30", "day": "0", "zone": "Europe/Paris"},
    ),
    "/tier": ({"tom": 200, "ines": 200, "sam": 403}, {"tier": "low"}),
    "/pauses": (
        {"tom": 200, "ines": 200, "sam": 403},
        {"until": "2026-03-04T18:00", "reason": "family"},
    ),
    "/sighting": ({"tom": 200, "ines": 200, "sam": 200}, {"answer": "seen"}),
    "/missing": ({"tom": 200, "ines": 200, "sam": 200}, {"words": ""}),
    "/placement": ({"tom": 200, "ines": 200, "sam": 403}, None),
    "/check-in": ({"tom": 200, "ines": 403, "sam": 200}, {"mood": "4"}),
}
CASES = [(page, name) for page in PAGES for name in EVERYONE]


def path(cast: Cast, rest: str = "", child: str = "mia") -> str:
    return f"/desk/children/{cast.persons[child].id}{rest}"


@pytest.mark.parametrize(("page", "name"), CASES)
async def test_each_page_is_there_for_those_who_may(cast: Cast, page: str, name: str) -> None:
    statuses, post = PAGES[page]
    status = statuses.get(name, 404)
    async with at_desk(cast, name) as browser:
        assert (await browser.get(path(cast, page))).status_code == status
        if post is None:
            return
        # A rhythm of Mondays alone is too slow for any tier: refused, but to nobody else.
        right = 422 if page == "/rhythm" else 303
        assert (await browser.post(path(cast, page), data=post)).status_code == (
            right if status == 200 else status
        )


async def test_a_page_from_another_site_does_nothing(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        response = await browser.post(
            path(cast, "/missing"), headers={"sec-fetch-site": "cross-site"}
        )
    assert response.status_code == 403
    assert not await Alert.exists(child_id=cast.mia.id)


# --- the child's page


async def test_the_page_shows_what_was_said_who_said_it_and_how_it_came(cast: Cast) -> None:
    await run_until(cast, at(17))
    await answer(cast, "mia", want=Want.TALK, mood=2)
    cast.clock.set(at(17, 30))
    async with at_desk(cast, "sam") as browser:
        await browser.post(
            path(cast, "/check-in"),
            data={"id": str(uuid4()), "mood": "4", "note": "All <b>good"},
        )
        await browser.post(path(cast, "/sighting"), data={"answer": "seen"})
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path(cast))).text
    for piece in (
        "Asked to talk 17:00",
        "#mood-2",
        ">Bad<",
        "wants to talk",
        "Answered for the child by Sam Oyelaran, carer",
        "All &lt;b&gt;good",
        "By Sam Oyelaran, carer",
        "Last 1 check-ins: 1 answered",
    ):
        assert piece in page


async def test_the_page_says_by_when_a_person_is_told(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path(cast))).text
        # Due 18:00, late 19:00 in the mid tier, and the carer has 45 minutes.
        assert "we tell an adult by 19:45 at the latest" in page
        noor = (await browser.get(path(cast, child="noor"))).text
        # Due 18:00 in Lisbon, late 18:30, no carer: 19:30 on Tom's clock.
        assert "we tell an adult by 19:30 at the latest" in noor
    await run_until(cast, at(19, 50))
    assert (await Alert.get(child_id=cast.mia.id)).opened_at == at(19, 45)


async def test_the_promise_holds_with_tier_and_absence(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        said = {"tier": "high", "times": ["09:00", "18:00"]}
        await browser.post(path(cast, "/tier"), data=said)
        page = (await browser.get(path(cast))).text
        assert "we tell an adult by 18:45 at the latest" in page
        await browser.post(
            path(cast, "/pauses"), data={"until": "2026-03-04T12:00", "reason": "family"}
        )
        page = (await browser.get(path(cast))).text
    assert "we tell an adult by Wed 4 Mar 18:45 at the latest" in page


async def test_an_absence_with_a_return_says_by_when_a_person_is_told(cast: Cast) -> None:
    said = {"until": "2026-03-04T12:00", "returns": "yes", "reason": "family"}
    async with at_desk(cast, "tom") as browser:
        assert (
            'name="returns" value="yes" checked' in (await browser.get(path(cast, "/pauses"))).text
        )
        await browser.post(path(cast, "/pauses"), data=said)
        page = (await browser.get(path(cast, "/pauses"))).text
        assert "we tell an adult by Wed 4 Mar 12:40." in page
        page = (await browser.get(path(cast))).text
        assert "then a check-in" in page
        board = (await browser.get("/desk/")).text
    assert "Away until Wed 4 Mar 12:00, then a check-in." in board


async def test_looking_leaves_an_entry(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.get(path(cast))
        await browser.get(path(cast))
    assert await Entry.filter(who_id=cast.tom.id, what="look:history:see").count() == 1


async def test_a_guardian_sees_and_changes_nothing(cast: Cast) -> None:
    async with at_desk(cast, "ada") as browser:
        page = (await browser.get(path(cast, child="noor"))).text
        assert "Noor Haddadin" in page
        for hidden in ("/tier", "/rhythm", "/pauses", "/check-in", "/invite", "/ties"):
            assert f'href="{path(cast, hidden, "noor")}"' not in page
        assert f'href="{path(cast, "/missing", "noor")}"' in page


# --- what is agreed


async def test_a_rhythm_is_set_and_said_in_words(cast: Cast) -> None:
    days = [str(day) for day in range(7)]
    said = {"at": ["09:00", "", "18:30", ""], "day": days, "zone": "Europe/Lisbon"}
    async with at_desk(cast, "tom") as browser:
        saved = await browser.post(path(cast, "/rhythm"), data=said)
        assert saved.headers["location"] == path(cast, "/plan?done=rhythm")
        page = (await browser.get(saved.headers["location"])).text
    assert "Every day at 09:00 and 18:30" in page
    assert "Check-in times saved." in page
    assert "Europe/Lisbon" in page


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"at": "", "day": "0", "zone": "Europe/Paris"}, "Enter at least one time."),
        ({"at": "25:00", "day": "0", "zone": "Europe/Paris"}, "Enter a time such as 18:00."),
        ({"at": "18:00", "zone": "Europe/Paris"}, "Choose at least one day."),
        (
            {"at": "18:00", "day": "0", "zone": "Europe/Paris"},
            "Up to 7 days would pass between two of these check-ins. The medium watch level allows",
        ),
        (
            {"at": "18:00", "day": list("0123456"), "zone": "Mars/Olympus"},
            "not in the tz database",
        ),
    ],
)
async def test_a_wrong_rhythm_is_refused_at_its_question(
    cast: Cast, said: dict[str, str], sentence: str
) -> None:
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path(cast, "/rhythm"), data=said)
    assert refused.status_code == 422
    assert sentence in refused.text
    assert 'aria-invalid="true"' in refused.text or "day" not in said
    assert (await Watch.get(child_id=cast.mia.id)).rhythm == {"at": ["18:00"]}


async def test_a_tier_ends_and_says_what_follows(cast: Cast) -> None:
    said: dict[str, object] = {
        "tier": "high",
        "until": "2026-03-05T12:00",
        "then": "low",
        "why": "A hearing.",
        "times": ["09:00", "18:00", "", ""],
    }
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path(cast, "/tier"))).text
        assert "Next check-in due 18:00. If there is no answer, we tell an adult by 18:45." in page
        await browser.post(path(cast, "/tier"), data=said)
        page = (await browser.get(path(cast))).text
    assert "High, until Thu 5 Mar 12:00, then Low" in page
    row = await Watch.get(child_id=cast.mia.id)
    assert (row.tier, row.tier_then, row.tier_until_at) == ("high", "low", at(12, day=5))


async def test_a_tier_that_needs_another_rhythm_asks_for_it_in_the_same_form(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        assert 'name="times"' not in (await browser.get(path(cast, "/tier"))).text
        refused = await browser.post(path(cast, "/tier"), data={"tier": "high", "why": "Alone."})
        slow = await browser.post(path(cast, "/tier"), data={"tier": "high", "times": "18:00"})
        assert (refused.status_code, slow.status_code) == (422, 422)
        sentence = (
            "Up to 1 day would pass between two check-ins. The high watch level allows 23 hrs"
        )
        assert sentence in refused.text
        assert 'name="times" value="09:00"' in refused.text
        assert "Alone." in refused.text
        assert f'id="times-error">{sentence}' in slow.text
        assert 'name="times" value="18:00"' in slow.text
        right = {"tier": "high", "times": ["09:00", "18:00"]}
        assert (await browser.post(path(cast, "/tier"), data=right)).status_code == 303
    row = await Watch.get(child_id=cast.mia.id)
    assert (row.tier, row.rhythm) == ("high", {"at": ["09:00", "18:00"]})


@pytest.mark.parametrize(
    "said",
    [
        {"tier": "x"},
        {"tier": ""},
        {"tier": "high", "until": "soon", "then": "mid"},
        {"tier": "high", "until": "2026-03-01T12:00", "then": "mid"},
        {"tier": "high", "until": "2026-03-05T12:00", "then": "?"},
    ],
)
async def test_a_wrong_tier_is_refused(cast: Cast, said: dict[str, str]) -> None:
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path(cast, "/tier"), data=said)
    assert refused.status_code == 422
    assert 'class="error"' in refused.text
    assert (await Watch.get(child_id=cast.mia.id)).tier == Tier.MID


async def test_an_absence_is_added_once_and_taken_back(cast: Cast) -> None:
    said = {
        "id": str(uuid4()),
        "from": "2026-03-03T08:00",
        "until": "2026-03-05T20:00",
        "reason": "family",
        "words": "At her aunt's.",
    }
    async with at_desk(cast, "tom") as browser:
        for _ in range(2):
            assert (await browser.post(path(cast, "/pauses"), data=said)).is_redirect
        page = (await browser.get(path(cast, "/pauses"))).text
        assert "At her aunt&#39;s." in page
        assert "tomorrow 08:00" in page
        pause = await Pause.get(child_id=cast.mia.id)
        assert (pause.from_at, pause.until_at) == (at(8, day=3), at(20, day=5))
        ended = await browser.post(path(cast, f"/pauses/{pause.id}/end"))
        assert ended.headers["location"] == path(cast, "/plan?done=pause-ended")
        unknown = await browser.post(path(cast, f"/pauses/{uuid4()}/end"))
        assert unknown.status_code == 404
    assert (await Pause.get(id=pause.id)).ended_at is not None


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "Enter when the child will be back."),
        ({"until": "2026-03-01T20:00"}, "must end after it begins, and not in the past"),
        ({"until": "2026-09-01T20:00"}, "up to 92 days"),
        ({"from": "2026-03-06T20:00", "until": "2026-03-05T20:00"}, "must end after it begins"),
        ({"until": "never"}, "Enter a date and a time."),
        ({"until": "2026-03-05T20:00", "reason": ""}, "Choose why the child is away."),
    ],
)
async def test_an_absence_without_a_good_end_is_refused_and_kept(
    cast: Cast, said: dict[str, str], sentence: str
) -> None:
    async with at_desk(cast, "tom") as browser:
        typed = {"reason": "friends", **said, "words": "With Luan"}
        refused = await browser.post(path(cast, "/pauses"), data=typed)
    assert refused.status_code == 422
    assert sentence in refused.text
    assert "With Luan" in refused.text
    assert not await Pause.exists()


# --- seen, or missing


async def test_one_tap_notes_that_the_child_was_seen(cast: Cast) -> None:
    await run_until(cast, at(19, 5))
    async with at_desk(cast, "sam") as browser:
        noted = await browser.post(path(cast, "/sighting"), data={"answer": "seen"})
        assert noted.headers["location"] == "/desk/?done=seen"
        page = (await browser.get("/desk/?done=seen")).text
        assert 'class="saved" role="status"' in page
    assert (await Watch.get(child_id=cast.mia.id)).standing == "well"


async def test_not_seen_calls_the_caseworker_at_once(cast: Cast) -> None:
    await run_until(cast, at(19, 5))
    async with at_desk(cast, "sam") as browser:
        noted = await browser.post(path(cast, "/sighting"), data={"answer": "not_seen"})
    assert noted.headers["location"] == "/desk/?done=not_seen"
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.reason == "not_seen"


async def test_not_seen_while_nothing_is_late_says_that_nobody_is_called(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        noted = await browser.post(path(cast, "/sighting"), data={"answer": "not_seen"})
        page = (await browser.get(noted.headers["location"])).text
    assert "This alone does not call anyone." in page
    assert not await Alert.exists(child_id=cast.mia.id)


async def test_a_sighting_has_its_own_time_and_is_noted_once(cast: Cast) -> None:
    said = {"id": str(uuid4()), "answer": "seen", "at": "2026-03-02T11:00", "words": "At school."}
    async with at_desk(cast, "tom") as browser:
        for _ in range(2):
            assert (await browser.post(path(cast, "/sighting"), data=said)).is_redirect
    noted = await Sighting.get(child_id=cast.mia.id)
    assert noted.seen_at == at(11)
    assert noted.words == "At school."


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"answer": "perhaps"}, "Choose “Seen” or “Could not find”."),
        ({"answer": "seen", "at": "2026-03-03T11:00"}, "This time is in the future."),
        ({"answer": "seen", "at": "noon"}, "Enter a date and a time."),
    ],
)
async def test_a_wrong_sighting_is_refused(cast: Cast, said: dict[str, str], sentence: str) -> None:
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path(cast, "/sighting"), data=said)
    assert refused.status_code == 422
    assert sentence in refused.text


async def test_missing_is_one_tap_and_words_stop_nobody(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        said = await browser.post(path(cast, "/missing"), data={"words": "x" * 30_000})
        assert said.status_code == 303
        page = (await browser.get(said.headers["location"])).text
        assert "Reported missing" in page
        again = await browser.post(path(cast, "/missing"))  # Without any form at all.
        assert again.headers["location"] == said.headers["location"]
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.cause == "missing"
    async with at_desk(cast, "sam") as browser:
        said = await browser.post(path(cast, "/missing"), data={"words": "Her bed is empty."})
        assert said.headers["location"] == "/desk/?done=missing"


# --- the placement ends, and begins again


async def test_a_placement_ends_on_a_form_and_the_page_of_the_child_stays(cast: Cast) -> None:
    await run_until(cast, at(17))
    await answer(cast, "mia")
    said = {"why": "home", "at": "2026-03-02T16:30", "shut_out": ""}
    async with at_desk(cast, "tom") as browser:
        assert (
            f'href="{path(cast, "/placement")}"' in (await browser.get(path(cast, "/safety"))).text
        )
        assert (
            "End Mia Castellane&#39;s placement?"
            in (await browser.get(path(cast, "/placement"))).text
        )
        ended = await browser.post(path(cast, "/placement/end"), data=said)
        assert ended.headers["location"] == path(cast, "?done=placement-ended")
        page = (await browser.get(ended.headers["location"])).text
        board = (await browser.get("/desk/")).text
        table = (await browser.get("/desk/rounds")).text
        for rest in ("/rhythm", "/tier", "/pauses"):
            assert (await browser.get(path(cast, rest))).status_code == 409
    assert (
        "The placement ended 16:30. Back with the family. We no longer ask for check-ins." in page
    )
    assert "#mood-4" in page
    assert "we tell an adult by" not in page
    for gone in ("/sighting", "/check-in", "/rhythm"):
        assert f'href="{path(cast, gone)}"' not in page
    for tab in ("/plan", "/people", "/safety"):
        async with at_desk(cast, "ines") as browser:
            page += (await browser.get(path(cast, tab))).text
    for there in ("/placement", "/missing", "/ties", "/devices"):
        assert f'href="{path(cast, there)}"' in page
    assert "1 placement has ended" in board
    assert f'href="{path(cast)}"' in board
    assert f'id="c{cast.mia.id.hex}"' not in board
    assert "Mia Castellane" not in table
    async with at_desk(cast, "sam") as browser:
        assert "Mia Castellane" not in (await browser.get("/desk/")).text


async def test_a_placement_begins_again_with_times_that_are_often_enough(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post(path(cast, "/placement/end"), data={"why": "other"})
        form = (await browser.get(path(cast, "/placement"))).text
        # Once a day is too slow for the first days, so the form proposes what a new child has.
        assert 'name="times" value="09:00"' in form
        slow = await browser.post(path(cast, "/placement/begin"), data={"times": "18:00"})
        assert slow.status_code == 422
        assert "The high watch level allows 23 hrs" in slow.text
        right = {"at": "", "times": ["08:00", "", "20:00"]}
        begun = await browser.post(path(cast, "/placement/begin"), data=right)
        assert begun.headers["location"] == path(cast, "?done=placement-begun")
        page = (await browser.get(begun.headers["location"])).text
        await browser.post(path(cast, "/placement/end"), data={"why": "other"})
        form = (await browser.get(path(cast, "/placement"))).text
    assert "Every day at 08:00 and 20:00" in page
    assert "High, until Thu 5 Mar 13:00, then Medium" in page
    assert 'name="times" value="08:00"' in form


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"why": ""}, "Choose why the placement ends."),
        ({"why": "bored"}, "Choose why the placement ends."),
        ({"why": "home", "at": "soon"}, "Enter a date and a time."),
        ({"why": "home", "at": "2026-03-03T12:00"}, "This time is in the future."),
        ({"why": "home", "at": "2026-03-01T12:00"}, "The placement began after that time."),
    ],
)
async def test_an_end_that_makes_no_sense_is_refused(
    cast: Cast, said: dict[str, str], sentence: str
) -> None:
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path(cast, "/placement/end"), data=said)
    assert refused.status_code == 422
    assert sentence in refused.text
    assert not (await Watch.get(child_id=cast.mia.id)).is_over


async def test_an_open_alert_stands_before_the_end_and_the_page_says_so(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path(cast, "/placement/end"), data={"why": "home"})
    assert refused.status_code == 409
    assert "An alert about this child is open. Close it first" in refused.text


async def test_help_of_a_child_who_has_left_stands_on_the_board_and_its_page(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post(path(cast, "/placement/end"), data={"why": "home"})
    await answer(cast, "mia", want=Want.HELP)
    async with at_desk(cast, "tom") as browser:
        board = (await browser.get("/desk/")).text
        page = (await browser.get(path(cast))).text
    assert f'id="c{cast.mia.id.hex}"' in board
    assert "Asked for help 13:00" in board
    assert "Asked for help 13:00" in page
    assert "The placement ended 13:00." in page


async def test_of_several_alerts_the_most_urgent_is_first_and_the_one_main_button(
    cast: Cast,
) -> None:
    for want in (Want.TALK, Want.HELP):
        await answer(cast, "mia", want=want)
    help_ = await Alert.get(child_id=cast.mia.id, cause=Cause.HELP)
    async with at_desk(cast, "tom") as browser:
        for _ in range(2):
            page = (await browser.get(path(cast))).text
            buttons = re.findall(r'class="(button[^"]*)" href="/desk/alerts/([^"]+)"', page)
            assert [look for look, _ in buttons] == ["button main", "button"]
            assert buttons[0][1] == str(help_.id)
            # One that a person has keeps its place.
            await browser.post(f"/desk/alerts/{help_.id}/acknowledge")


# --- checking in for a child


async def test_checking_in_for_a_child_is_marked_and_settles(cast: Cast) -> None:
    await run_until(cast, at(17))
    said = {"id": str(uuid4()), "mood": "3", "note": "I lost my phone", "want": "talk"}
    async with at_desk(cast, "sam") as browser:
        page = (await browser.get(path(cast, "/check-in"))).text
        assert 'name="mood"' in page
        for _ in range(2):
            assert (await browser.post(path(cast, "/check-in"), data=said)).is_redirect
            cast.clock.advance(seconds=10)
    kept = await CheckIn.get(child_id=cast.mia.id)
    assert (kept.by_role, kept.mood, kept.note) == ("carer", 3, "I lost my phone")
    assert (await Alert.get(child_id=cast.mia.id)).cause == "talk"
    assert (await Watch.get(child_id=cast.mia.id)).standing == "well"


async def test_a_second_thought_in_the_same_form_is_heard_too(cast: Cast) -> None:
    await run_until(cast, at(17))
    fine = {"id": str(uuid4()), "mood": "", "note": "", "want": "nothing"}
    async with at_desk(cast, "sam") as browser:
        for said in (fine, fine | {"want": "help"}):
            assert (await browser.post(path(cast, "/check-in"), data=said)).is_redirect
    assert (await Alert.get(child_id=cast.mia.id)).cause == "help"


@pytest.mark.parametrize("said", [{"mood": "9"}, {"want": "pizza"}, {"note": "x" * 20_001}])
async def test_a_check_in_that_makes_no_sense_is_refused(cast: Cast, said: dict[str, str]) -> None:
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path(cast, "/check-in"), data=said)
    assert refused.status_code == 422
    assert 'class="error"' in refused.text
    assert not await CheckIn.exists()


# --- a new child


NEW = {
    "name": "Bilal Rahimi",
    "home_name": "Hill House",
    "language": "fr",
    "placed": "2026-03-01",
    "tier": "first",
    "at": ["09:00", "18:00"],
    "zone": "Europe/Paris",
}


async def test_a_child_is_added_with_its_watch_in_one_step(cast: Cast) -> None:
    said = {**NEW, "id": str(uuid4()), "caseworker_id": str(cast.tom.id)}
    async with at_desk(cast, "tom") as browser:
        assert "Add a child" in (await browser.get("/desk/children/new")).text
        for _ in range(2):
            added = await browser.post("/desk/children/new", data=said)
            assert added.status_code == 303
        page = (await browser.get(added.headers["location"])).text
        tab = await browser.get(f"/desk/children/{said['id']}/people")
    assert "Bilal Rahimi" in page
    assert "Hill House" in tab.text
    assert "has never answered" in page.lower()
    row = await Watch.get(child_id=UUID(said["id"]))
    assert (row.tier, row.tier_then) == ("high", "mid")
    assert row.tier_until_at == cast.clock() + timedelta(hours=72)


@pytest.mark.parametrize(
    ("name", "status"),
    [("tom", 200), ("ines", 200), ("root", 200), ("ada", 403), ("sam", 403), ("mia", 404)],
)
async def test_who_may_add_a_child(cast: Cast, name: str, status: int) -> None:
    async with at_desk(cast, name) as browser:
        assert (await browser.get("/desk/children/new")).status_code == status
        said = {**NEW, "caseworker_id": str(cast.tom.id)}
        added = await browser.post("/desk/children/new", data=said)
    assert added.status_code == (303 if status == 200 else status)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Enter a name of 1 to 120 characters."),
        ({"language": "xx"}, "Choose a language from the list."),
        ({"zone": "Nowhere"}, "not in the tz database"),
        ({"caseworker_id": ""}, "Choose a caseworker."),
        ({"caseworker_id": "tom"}, "Choose one from the list."),
        ({"tier": ""}, "Choose a watch level."),
        ({"at": ["", ""]}, "Enter at least one time."),
        ({"placed": "yesterday"}, "Enter a day such as 2026-03-31."),
        ({"home_id": str(uuid4()), "home_name": ""}, "This home does not belong to the agency."),
        ({"home_id": str(uuid4())}, "Choose “Somewhere else” above, or leave this empty."),
    ],
)
async def test_nothing_of_a_wrong_child_is_kept(
    cast: Cast, wrong: dict[str, str], sentence: str
) -> None:
    said = {**NEW, "caseworker_id": str(cast.tom.id), **wrong}
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post("/desk/children/new", data=said)
    assert refused.status_code == 422
    assert sentence in refused.text
    assert await Watch.all().count() == 3
    if "name" not in wrong:
        assert "Bilal Rahimi" in refused.text


async def test_a_carer_cannot_be_made_the_caseworker(cast: Cast) -> None:
    said = {**NEW, "caseworker_id": str(cast.sam.id)}
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post("/desk/children/new", data=said)
    assert refused.status_code == 422
    assert "This person cannot have this role for a child." in refused.text


async def test_the_rounds_of_all_children_stand_in_a_table(cast: Cast) -> None:
    await run_until(cast, at(17))
    await answer(cast, "mia")
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/rounds")).text
    assert '<th scope="row"' in page
    assert "1 answered" in page
    async with at_desk(cast, "sam") as browser:
        assert "Mia" not in (await browser.get("/desk/rounds")).text
    looks = Entry.filter(what="look:history:see", child_id=cast.mia.id)
    assert await looks.values_list("who_id", flat=True) == [cast.tom.id]


async def test_a_pause_of_another_child_cannot_be_ended_through_this_one(cast: Cast) -> None:
    pause = await agreements.pause(
        cast.actor("tom"),
        cast.noor.id,
        agreements.PauseRequest(uuid4(), cast.clock(), at(20, day=5), words="With her aunt."),
        cast.clock(),
    )
    async with at_desk(cast, "tom") as browser:
        response = await browser.post(path(cast, f"/pauses/{pause.id}/end"))
    assert response.status_code == 404


async def test_an_old_answer_stands_in_the_history_with_both_times(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20, 30, day=3))
    await answer(cast, "mia", said_at=at(14))
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path(cast))).text
    [line] = [part for part in page.split("<li") if "too old to say how the child is" in part]
    assert "answered yesterday 14:00, arrived later" in line
    assert ">early<" not in line


async def test_an_answer_that_was_not_old_by_our_clock_has_one_time(cast: Cast) -> None:
    """The clock of the phone is a day behind."""
    await run_until(cast, at(17))
    behind = cast.clock() - timedelta(days=1)
    answered = Answer(uuid4(), behind, sent_at=behind + timedelta(seconds=1))
    await checkin.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answered, cast.clock())
    async with at_desk(cast, "tom") as browser:
        assert "arrived later" not in (await browser.get(path(cast))).text

"""Several children of one home are missing: who says that they are together, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import actions, opening, timeline
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode, MissingTogether, TimelineEntry
from server.missing.search.opening import Saying
from server.missing.search.rules import Away, may_be_together
from server.missing.search.together import actions as together_actions
from server.people.models import Child, Home
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.missing.test_episodes import clocks, enter, path_of, post, seen
from tests.races import no_fault, together

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def opened(cast: Cast, child: str) -> Episode:
    now = cast.clock()
    found, _ = await opening.open_episode(
        cast.actor("tom"), cast.children[child].id, uuid4(), Saying(now), now
    )
    return found


async def both_missing(cast: Cast, **later: float) -> tuple[Episode, Episode]:
    """Mia and Noor live in one home, and are missing."""
    await Child.filter(id=cast.noor.id).update(home_id=cast.home.id)
    mia = await opened(cast, "mia")
    cast.clock.advance(**(later or {"minutes": 20}))
    return mia, await opened(cast, "noor")


async def linked(cast: Cast) -> tuple[Episode, Episode]:
    mia, noor = await both_missing(cast)
    assert await together_actions.link(cast.actor("tom"), mia.id, noor.id, cast.clock())
    return mia, noor


async def only_mias(cast: Cast, name: str = "eve") -> None:
    """Somebody who works with Mia, and has nothing to do with Noor."""
    await add_tie(
        cast.actor("root"),
        cast.children["mia"],
        AddTie(person_id=cast.persons[name].id, role=Role.CASEWORKER),
        cast.clock(),
    )


async def read(cast: Cast, name: str, episode: Episode, child: str = "mia") -> dict[str, Any]:
    await cast.new_token(name)
    async with cast.client_as(name) as client:
        answer = await client.get(f"{path_of(cast, child)}/{episode.id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [line["what"] for line in found["timeline"]]


# --- who is asked


def test_two_who_are_both_away_may_be_together_however_long_apart() -> None:
    start = datetime(2026, 3, 1, tzinfo=None)  # noqa: DTZ001
    one, other = Away(start, is_open=True), Away(start + 9 * DAY, is_open=True)
    assert may_be_together(one, other, DAY)
    assert may_be_together(other, one, DAY)


def test_those_who_are_back_count_only_where_both_left_in_one_time() -> None:
    start = datetime(2026, 3, 1, tzinfo=None)  # noqa: DTZ001
    gone = Away(start, is_open=True)
    assert may_be_together(gone, Away(start + DAY, is_open=False), DAY)
    assert not may_be_together(gone, Away(start + DAY + HOUR, is_open=False), DAY)
    assert may_be_together(Away(start, is_open=False), Away(start, is_open=False), DAY)


async def test_an_adult_who_looks_for_both_is_asked_and_no_search_is_linked_by_itself(
    cast: Cast,
) -> None:
    mia, noor = await both_missing(cast)
    here, there = await read(cast, "tom", mia), await read(cast, "tom", noor, "noor")
    assert [one["name"] for one in here["together_offered"]] == ["Noor Haddadin"]
    assert [one["episode_id"] for one in there["together_offered"]] == [str(mia.id)]
    assert (here["together"], kinds(here)) == ([], ["opened"])
    assert await MissingTogether.all().count() == 0


async def test_children_of_other_homes_are_not_asked_about(cast: Cast) -> None:
    elsewhere = await Home.create(
        agency_id=cast.agency.id, name="The mill", zone="Europe/Paris", made_at=cast.clock()
    )
    await Child.filter(id=cast.noor.id).update(home_id=elsewhere.id)
    mia, noor = await opened(cast, "mia"), await opened(cast, "noor")
    assert (await read(cast, "tom", mia))["together_offered"] == []
    answer = await post(
        cast, "tom", f"{path_of(cast)}/{mia.id}/together", {"episode_id": str(noor.id)}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_together")


async def test_the_home_is_that_in_which_the_child_lived_when_it_went(cast: Cast) -> None:
    mia, noor = await both_missing(cast)
    await Child.filter(id=cast.noor.id).update(home_id=None)
    assert await together_actions.link(cast.actor("tom"), mia.id, noor.id, cast.clock())


async def test_children_without_a_home_are_not_of_one_home(cast: Cast) -> None:
    await Child.filter(id__in=[cast.mia.id, cast.noor.id]).update(home_id=None)
    mia, _ = await opened(cast, "mia"), await opened(cast, "noor")
    assert (await read(cast, "tom", mia))["together_offered"] == []


async def test_when_both_are_back_nobody_is_asked_and_it_may_be_said_all_the_same(
    cast: Cast,
) -> None:
    mia, noor = await both_missing(cast)
    for episode in (mia, noor):
        what = Found(cast.clock(), "Here", "Sam", "Well.")
        await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, cast.clock())
    assert (await read(cast, "tom", mia))["together_offered"] == []
    assert await together_actions.link(cast.actor("tom"), mia.id, noor.id, cast.clock())
    assert kinds(await read(cast, "tom", mia)) == ["opened", "found", "together"]


# --- saying so


async def test_one_tap_stands_in_both_timelines_and_touches_no_clock(cast: Cast) -> None:
    mia, noor = await both_missing(cast)
    before = [await read(cast, "tom", mia), await read(cast, "tom", noor, "noor")]
    for _ in range(2):
        answer = await post(
            cast, "tom", f"{path_of(cast)}/{mia.id}/together", {"episode_id": str(noor.id)}
        )
        assert answer.status_code == 200
    after = [await read(cast, "tom", mia), await read(cast, "tom", noor, "noor")]
    assert [kinds(one) for one in after] == [["opened", "together"]] * 2
    assert [clocks(one) for one in after] == [clocks(one) for one in before]
    assert after[0]["timeline"][1]["details"]["name"] == "Noor Haddadin"
    assert [one["name"] for one in after[1]["together"]] == ["Mia Castellane"]
    assert after[0]["together_offered"] == []
    assert await timeline.verify() is None


async def test_said_from_both_sides_in_one_moment_it_is_one_link(cast: Cast) -> None:
    mia, noor = await both_missing(cast)
    now = cast.clock()
    both = await together(
        together_actions.link(cast.actor("tom"), mia.id, noor.id, now),
        together_actions.link(cast.actor("ines"), noor.id, mia.id, now),
    )
    no_fault(both)
    assert sorted(both) == [False, True]  # type: ignore[type-var]
    assert await MissingTogether.all().count() == 1
    assert await TimelineEntry.filter(what="together").count() == 2


async def test_taken_back_it_stays_in_the_timeline_and_can_be_said_again(cast: Cast) -> None:
    mia, noor = await linked(cast)
    await cast.new_token("tom")
    async with cast.client_as("tom") as client:
        for _ in range(2):
            answer = await client.delete(f"{path_of(cast)}/{mia.id}/together/{noor.id}")
            assert answer.status_code == 200
    assert kinds(answer.json()) == ["opened", "together", "apart"]
    assert answer.json()["together"] == []
    assert await together_actions.link(cast.actor("tom"), noor.id, mia.id, cast.clock())
    assert kinds(await read(cast, "tom", mia)) == ["opened", "together", "apart", "together"]


async def test_a_caseworker_of_only_one_of_the_children_can_say_nothing_about_both(
    cast: Cast,
) -> None:
    mia, noor = await both_missing(cast)
    await only_mias(cast)
    where, body = f"{path_of(cast)}/{mia.id}/together", {"episode_id": str(noor.id)}
    assert (await post(cast, "eve", where, body)).status_code == 404
    nowhere = await post(cast, "tom", where, {"episode_id": str(uuid4())})
    assert nowhere.status_code == 404
    assert await MissingTogether.all().count() == 0


async def test_who_the_other_child_is_is_for_those_who_may_see_both(cast: Cast) -> None:
    mia, noor = await linked(cast)
    await only_mias(cast)
    cast.clock.advance(minutes=1)
    found = await read(cast, "eve", mia)
    assert kinds(found) == ["opened", "together"]
    assert found["timeline"][1]["details"] == {}
    assert found["timeline"][1]["about_id"] is None
    assert [(one["name"], one["child_id"]) for one in found["together"]] == [(None, None)]
    async with at_desk(cast, "eve") as browser:
        pages = [
            (await browser.get(f"/desk/episodes/{mia.id}")).text,
            (await browser.get(f"/desk/children/{cast.mia.id}/account")).text,
        ]
    for page in pages:
        assert "nother child from the home" in page
        assert "Noor" not in page
        assert str(noor.id) not in page
        assert str(cast.noor.id) not in page
    async with at_desk(cast, "tom") as browser:
        account = (await browser.get(f"/desk/children/{cast.mia.id}/account")).text
    assert "Who: Noor Haddadin" in account


async def test_the_end_of_a_tie_hides_the_name_at_once(cast: Cast) -> None:
    mia, _ = await linked(cast)
    await only_mias(cast)
    # As a guardian: a new caseworker is called about what is open, and has that until it is closed.
    tie = await add_tie(
        cast.actor("root"),
        cast.children["noor"],
        AddTie(person_id=cast.eve.id, role=Role.GUARDIAN),
        cast.clock(),
    )
    assert (await read(cast, "eve", mia))["together"][0]["name"] == "Noor Haddadin"
    cast.clock.advance(hours=1)
    await type(tie).filter(id=tie.id).update(until_at=cast.clock())
    found = await read(cast, "eve", mia)
    assert found["together"][0]["name"] is None
    assert found["timeline"][1]["details"] == {}


# --- entered for both


async def test_what_was_done_for_both_is_entered_once_and_stands_in_both(cast: Cast) -> None:
    mia, noor = await linked(cast)
    where = f"{path_of(cast)}/{mia.id}/entries"
    body = {
        "id": str(uuid4()),
        "what": "report",
        "details": {
            "to": "police",
            "way": "phone",
            "reference": "A 17",
            "level": "high",
            "pack": "3",
        },
        "also": [str(noor.id)],
    }
    for _ in range(2):
        assert (await post(cast, "tom", where, body)).status_code == 201
    here, there = await read(cast, "tom", mia), await read(cast, "tom", noor, "noor")
    assert [here["stage"], there["stage"]] == ["reported", "reported"]
    assert not {"report", "decision"} & (set(clocks(here)) | set(clocks(there)))
    told = [one["timeline"][-1] for one in (here, there)]
    assert [one["about_id"] for one in told] == [body["id"]] * 2
    assert told[0]["details"]["pack"] == "3"
    # What belongs to one child alone stays with it.
    assert told[1]["details"] == {"to": "police", "way": "phone", "reference": "A 17"}
    assert await TimelineEntry.filter(what="report").count() == 2
    assert await timeline.verify() is None
    alone = await post(cast, "tom", where, {**body, "also": []})
    assert (alone.status_code, alone.json()["code"]) == (409, "id_reused")


async def test_each_of_both_has_its_own_next_clock_afterwards(cast: Cast) -> None:
    mia, noor = await linked(cast)
    cast.clock.advance(minutes=10)
    await actions.enter(
        cast.actor("tom"),
        mia.id,
        EntryRequest(
            uuid4(),
            Act.ATTEMPT,
            details={"how": "visit", "whom": "Station", "result": "not_there"},
            also=[noor.id],
        ),
        cast.clock(),
    )
    dues = {
        due.subject_id: due.due_at
        for due in await Task.filter(kind=Kind.KEEP_TRYING, state=State.OPEN)
    }
    # Noor is in the high tier, Mia in the middle one.
    assert dues == {
        mia.id: cast.clock() + 6 * HOUR,
        noor.id: cast.clock() + 2 * HOUR,
    }


async def test_what_is_of_one_child_alone_is_entered_for_it_alone(cast: Cast) -> None:
    mia, noor = await linked(cast)
    where = f"{path_of(cast)}/{mia.id}/entries"
    body: dict[str, Any] = {"id": str(uuid4()), "what": "flag", "details": {"flag": "threat"}}
    answer = await post(cast, "tom", where, {**body, "also": [str(noor.id)]})
    assert (answer.status_code, answer.json()["field"]) == (422, "also")


async def test_nothing_is_entered_for_a_child_that_is_not_with_this_one(cast: Cast) -> None:
    mia, noor = await both_missing(cast)
    where = f"{path_of(cast)}/{mia.id}/entries"
    body = {"id": str(uuid4()), "what": "note", "words": "A car.", "also": [str(noor.id)]}
    answer = await post(cast, "tom", where, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "apart")
    await together_actions.link(cast.actor("tom"), mia.id, noor.id, cast.clock())
    await only_mias(cast)
    assert (await post(cast, "eve", where, body)).status_code == 404
    assert await TimelineEntry.filter(what="note").count() == 0


async def test_two_who_enter_for_both_crosswise_do_not_wait_for_each_other(cast: Cast) -> None:
    mia, noor = await linked(cast)

    def says(name: str, here: Episode, there: Episode) -> Any:
        return actions.enter(
            cast.actor(name),
            here.id,
            EntryRequest(uuid4(), Act.NOTE, words=f"By {name}.", also=[there.id]),
            cast.clock(),
        )

    no_fault(await together(says("tom", mia, noor), says("ines", noor, mia)))
    for episode in (mia, noor):
        assert await TimelineEntry.filter(episode_id=episode.id, what="note").count() == 2
    assert await timeline.verify() is None


async def test_one_tick_of_the_form_enters_it_for_both(cast: Cast) -> None:
    mia, noor = await linked(cast)
    where = f"/desk/episodes/{mia.id}/enter/strategy"
    form = {"id": str(uuid4()), "who": "Police, Tom", "words": "We look at the station."}
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(where)).text
        assert "Also log this for Noor Haddadin" in page
        assert f'value="{noor.id}"' in page
        done = await browser.post(where, data={**form, "also": str(noor.id)})
        assert done.status_code == 303
        again = await browser.post(where, data={**form, "also": str(noor.id)})
        assert again.status_code == 303
        assert "Also log this for" not in (await browser.get(f"{where[:-8]}room")).text
    assert await TimelineEntry.filter(what="strategy").count() == 2


async def test_a_form_of_before_the_other_was_seen_is_shown_again(cast: Cast) -> None:
    mia, noor = await linked(cast)
    await child_found.record_found(
        cast.actor("tom"),
        noor.id,
        uuid4(),
        Found(cast.clock(), "Here", "Sam", "Well."),
        cast.clock(),
    )
    where = f"/desk/episodes/{mia.id}/enter/note"
    form = {"id": str(uuid4()), "words": "A white car.", "also": str(noor.id)}
    async with at_desk(cast, "tom") as browser:
        answer = await browser.post(where, data=form)
    assert answer.status_code == 409
    assert "This has changed" in answer.text
    assert "A white car." in answer.text
    assert await TimelineEntry.filter(what="note").count() == 0


# --- one of them is seen


async def test_seen_is_each_child_alone_and_the_others_are_asked_about_at_once(cast: Cast) -> None:
    mia, noor = await linked(cast)
    cast.clock.advance(minutes=5)
    body = seen(cast)
    for _ in range(2):
        answer = await post(cast, "sam", f"{path_of(cast)}/{mia.id}/found", body)
        assert answer.status_code == 200
    assert (await Episode.get(id=mia.id)).stage == "found"
    still = await read(cast, "tom", noor, "noor")
    assert still["stage"] == "deciding"
    assert kinds(still) == ["opened", "together", "other_seen"]
    assert clocks(still)["keep_trying"] == cast.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    async with at_desk(cast, "tom") as browser:
        back = (await browser.get(f"/desk/episodes/{mia.id}")).text
        other = (await browser.get(f"/desk/episodes/{noor.id}")).text
    assert "Ask them kindly where the other child is" in back
    assert f'href="/desk/episodes/{noor.id}/enter/note"' in back
    assert "The other child was seen: ask them kindly" in other
    assert await timeline.verify() is None


async def test_seen_by_closing_the_alert_says_so_to_the_others_too(cast: Cast) -> None:
    mia, noor = await linked(cast)
    alert = (await Episode.get(id=mia.id)).alert_id
    answer = await post(
        cast, "tom", f"/api/v1/alerts/{alert}/close", {"outcome": "seen", "words": "Here."}
    )
    assert answer.status_code == 200
    assert await TimelineEntry.filter(episode_id=noor.id, what="other_seen").count() == 1


async def test_both_are_seen_in_one_moment_and_nobody_waits_for_the_other(cast: Cast) -> None:
    mia, noor = await linked(cast)
    what, now = Found(cast.clock(), "Here", "Sam", "Well."), cast.clock()
    no_fault(
        await together(
            child_found.record_found(cast.actor("tom"), mia.id, uuid4(), what, now),
            child_found.record_found(cast.actor("ines"), noor.id, uuid4(), what, now),
        )
    )
    assert await Episode.filter(found_at__isnull=False).count() == 2
    assert await timeline.verify() is None


async def test_what_the_others_hear_is_made_up_for_when_it_was_cut_off(cast: Cast) -> None:
    mia, noor = await linked(cast)
    id_, what = UUID(int=7), Found(cast.clock(), "Here", "Sam", "Well.")
    await child_found.record_found(cast.actor("tom"), mia.id, id_, what, cast.clock())
    await TimelineEntry.filter(what="other_seen").delete()  # As if the process had ended before it.
    await child_found.record_found(cast.actor("tom"), mia.id, id_, what, cast.clock())
    assert await TimelineEntry.filter(episode_id=noor.id, what="other_seen").count() == 1


async def test_one_tap_at_the_desk_links_them_and_another_takes_it_back(cast: Cast) -> None:
    mia, noor = await both_missing(cast)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/episodes/{mia.id}")).text
        assert "Missing together?" in page
        form = {"episode_id": str(noor.id)}
        done = await browser.post(f"/desk/episodes/{mia.id}/together", data=form)
        after = (await browser.get(done.headers["location"])).text
        assert "Logged in both timelines: missing together." in after
        undone = await browser.post(f"/desk/episodes/{mia.id}/apart", data=form)
        assert undone.headers["location"].endswith("?done=apart")
        nonsense = await browser.post(f"/desk/episodes/{mia.id}/together", data={"episode_id": ""})
        assert nonsense.status_code == 404
    assert await enter(cast, {"id": str(mia.id)}, "note", "Still here.")

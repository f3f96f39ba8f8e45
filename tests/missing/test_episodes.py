"""A child is missing: said in one step, once, by whoever may; and found only by being seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import Conflict, IdReused
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import opening, timeline
from server.missing.search.models import Alias, Episode, TimelineEntry
from server.missing.search.opening import Saying
from server.people.models import Child
from server.tasks import actions as dues
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import OF_A_RETURN, OF_A_SEARCH, State
from server.watch.models import Watch
from tests.advocates.made import advocate
from tests.cast import SURNAMES, Cast
from tests.races import no_fault, together

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def path_of(cast: Cast, child: str = "mia") -> str:
    return f"/api/v1/children/{cast.children[child].id}/episodes"


def says(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "said_at": (cast.clock() - timedelta(minutes=3)).isoformat(),
        "why": "Not in her bed at midnight.",
        **more,
    }


async def post(cast: Cast, name: str, path: str, body: dict[str, Any]) -> Any:
    # A session at the desk runs out over night: they sign in again.
    await cast.new_token(name)
    async with cast.client_as(name) as client:
        return await client.post(path, json=body)


async def opened(cast: Cast, name: str = "tom", **more: Any) -> dict[str, Any]:
    answer = await post(cast, name, path_of(cast), says(cast, **more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def enter(
    cast: Cast, episode: dict[str, Any], what: str, words: str | None = None, **details: str
) -> dict[str, Any]:
    body = {"id": str(uuid4()), "what": what, "words": words, "details": details}
    answer = await post(cast, "tom", f"{path_of(cast)}/{episode['id']}/entries", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def seen(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "at": cast.clock().isoformat(),
        "where": "At the station",
        "by": "Sam",
        "condition": "Tired and cold, not hurt.",
        **more,
    }


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def clocks(episode: dict[str, Any]) -> dict[str, str]:
    return {one["what"]: one["due_at"] for one in episode["clocks"]}


async def test_everyone_is_called_and_every_clock_begins_in_one_step(cast: Cast) -> None:
    now = cast.clock()
    made = await opened(cast, last_seen={"where": "Kitchen", "by": "Sam"})
    assert made["stage"] == "deciding"
    assert made["opened_at"] == wire(now)
    assert made["said_at"] < made["opened_at"]
    assert set(clocks(made)) == {
        "decision",
        "report",
        "keep_trying",
        "strategy_24h",
        "strategy_72h",
        "strategy_7d",
        "strategy_14d",
        "strategy_28d",
        "strategy_3m",
    }
    assert all(one["owner"]["people"] for one in made["clocks"])
    assert [line["what"] for line in made["timeline"]] == ["opened"]
    assert made["timeline"][0]["who"]["id"] == str(cast.tom.id)
    alert = await Alert.get(child_id=cast.mia.id, cause=Cause.MISSING)
    assert alert.closed_at is None
    assert (await Watch.get(child_id=cast.mia.id)).is_missing


async def test_the_same_request_again_is_the_same_answer(cast: Cast) -> None:
    body = says(cast)
    first = await post(cast, "tom", path_of(cast), body)
    again = await post(cast, "tom", path_of(cast), body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await post(cast, "tom", path_of(cast), {**body, "why": "Another reason"})
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    elsewhere = await post(cast, "tom", path_of(cast, "noor"), body)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "id_reused")


async def test_a_child_is_missing_once_and_a_second_id_stays_a_name_of_it(cast: Cast) -> None:
    first = await opened(cast)
    body = says(cast, why="I miss her too.")
    joined = await post(cast, "ines", path_of(cast), body)
    assert joined.status_code == 200
    assert joined.json()["id"] == first["id"]
    assert [line["what"] for line in joined.json()["timeline"]] == ["opened", "joined"]
    await post(cast, "sam", f"{path_of(cast)}/{body['id']}/found", seen(cast))
    # Sent again after the return, it opens nothing.
    later = await post(cast, "ines", path_of(cast), body)
    assert (later.status_code, later.json()["id"]) == (200, first["id"])
    assert later.json()["stage"] == "found"
    assert await Episode.filter(child_id=cast.mia.id).count() == 1


async def test_two_who_say_it_in_the_same_moment_open_one(cast: Cast) -> None:
    now = cast.clock()
    both = await together(
        *(
            opening.open_episode(cast.actor(name), cast.mia.id, uuid4(), Saying(now), now)
            for name in ("tom", "ines")
        )
    )
    no_fault(both)
    assert {episode.id for episode, _ in both} == {(await Episode.get()).id}  # type: ignore[misc]
    assert sorted(is_new for _, is_new in both) == [False, True]  # type: ignore[misc]
    assert await Alias.all().count() == 2
    assert await Alert.filter(cause=Cause.MISSING).count() == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("tom", 201), ("ines", 201), ("sam", 201), ("eve", 404), ("root", 404), ("mia", 403)],
)
async def test_a_person_assigned_to_the_child_may_report_them_missing(
    cast: Cast, name: str, status: int
) -> None:
    assert (await post(cast, name, path_of(cast), says(cast))).status_code == status


async def test_a_guardian_says_it_of_her_own_child(cast: Cast) -> None:
    answer = await post(cast, "ada", path_of(cast, "noor"), says(cast))
    assert answer.status_code == 201
    assert clocks(answer.json())


@pytest.mark.parametrize("who", ["sam", "ruth"])
async def test_a_carer_and_an_advocate_hear_that_people_are_called_and_read_nothing_of_it(
    cast: Cast, who: str
) -> None:
    await advocate(cast)
    first = await opened(cast)
    told = {name: first[name] for name in ("id", "stage", "opened_at")}
    body = says(cast, why="The window is open.")
    for _ in range(2):
        assert (await post(cast, who, path_of(cast), body)).json() == told
        missing = await post(cast, who, path_of(cast).replace("episodes", "missing"), {})
        assert missing.status_code == 201
        assert {*missing.json()} == {"id", "state", "opened_at", "closed_at", "outcome"}
    async with cast.client_as(who) as client:
        assert (await client.get(path_of(cast))).status_code == 403
    who_id = cast.persons[who].id
    assert not await Entry.filter(who_id=who_id, what__startswith="look").exists()


async def test_a_carer_who_found_the_child_reads_nothing_of_the_search(cast: Cast) -> None:
    first = await opened(cast)
    now = cast.clock().isoformat()
    seen = {"id": str(uuid4()), "at": now, "where": "Here", "by": "Sam", "condition": "Well."}
    answer = await post(cast, "sam", f"{path_of(cast)}/{first['id']}/found", seen)
    assert answer.json() == {**answer.json(), "id": first["id"], "stage": "found"}
    assert {*answer.json()} == {"id", "stage", "opened_at"}


async def test_the_page_of_an_alert_that_says_missing_is_an_episode_too(cast: Cast) -> None:
    async with cast.client_as("tom") as client:
        await client.post(
            f"/api/v1/children/{cast.mia.id}/missing", json={"words": "Her bed is empty."}
        )
        listed = (await client.get(path_of(cast))).json()["episodes"]
    assert [one["why"] for one in listed] == ["Her bed is empty."]
    assert (await Episode.get()).alert_id == (await Alert.get(cause=Cause.MISSING)).id


# --- deciding and telling


async def test_something_that_makes_it_urgent_makes_the_decision_due_at_once(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(placed_at=cast.clock() - 30 * DAY)
    made = await opened(cast)
    assert clocks(made)["decision"] > made["opened_at"]
    cast.clock.advance(minutes=5)
    room = await enter(cast, made, "room", phone="here", documents="gone", bag="gone")
    assert room["flags"] == ["belongings"]
    assert clocks(room)["decision"] == wire(cast.clock())


async def test_the_first_hours_of_a_placement_are_urgent_by_themselves(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(placed_at=cast.clock() - HOUR)
    made = await opened(cast)
    assert made["flags"] == ["first_hours"]
    assert clocks(made)["decision"] == made["opened_at"]


async def test_the_police_can_be_told_before_anybody_has_decided(cast: Cast) -> None:
    made = await opened(cast)
    told = await enter(cast, made, "report", to="police", way="phone", reference="A 17")
    assert told["stage"] == "reported"
    assert not {"decision", "report"} & set(clocks(told))
    after = await enter(cast, made, "attempt", how="call", whom="Her friend", result="no_answer")
    assert after["stage"] == "searching"
    assert [line["what"] for line in after["timeline"]] == ["opened", "report", "attempt"]
    assert after["timeline"][1]["details"]["reference"] == "A 17"


async def test_a_decision_gives_the_report_a_quarter_of_an_hour(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(placed_at=cast.clock() - 30 * DAY)
    made = await opened(cast)
    cast.clock.advance(minutes=10)
    decided = await enter(cast, made, "decision", "Nobody knows where.", decision="report")
    by = cast.clock() + timedelta(minutes=15)
    assert clocks(decided)["report"] == wire(by)
    assert "decision" not in clocks(decided)
    assert decided["stage"] == "deciding"


async def test_a_known_place_that_is_not_safe_stops_no_report(cast: Cast) -> None:
    made = await opened(cast)
    decided = await enter(cast, made, "decision", "At her cousin's.", decision="known_place")
    assert {"bring_back", "report"} <= set(clocks(decided))
    assert clocks(decided)["report"] == wire(cast.clock() + DAY)


async def test_each_attempt_sets_the_next_one(cast: Cast) -> None:
    made = await opened(cast)
    before = clocks(made)["keep_trying"]
    cast.clock.advance(minutes=20)
    after = await enter(cast, made, "attempt", how="visit", whom="Station", result="not_there")
    assert clocks(after)["keep_trying"] > before
    assert await Task.filter(kind="keep_trying").count() == 2
    assert await Task.filter(kind="keep_trying", state=State.OPEN).count() == 1


async def test_nonsense_is_refused_and_named(cast: Cast) -> None:
    made = await opened(cast)
    where = f"{path_of(cast)}/{made['id']}/entries"
    for details, words, field in (
        ({"how": "telepathy", "result": "heard"}, None, "how"),
        ({"how": "call"}, None, "result"),
        ({"how": "call", "result": "heard", "shoe": "42"}, None, "shoe"),
    ):
        body = {"id": str(uuid4()), "what": "attempt", "words": words, "details": details}
        answer = await post(cast, "tom", where, body)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    late = {"id": str(uuid4()), "what": "note", "words": "x", "at": "2999-01-01T00:00:00Z"}
    assert (await post(cast, "tom", where, late)).json()["field"] == "at"
    early = {"id": str(uuid4()), "what": "medical", "details": {"needed": "no"}}
    answer = await post(cast, "tom", where, early)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_yet")
    assert await TimelineEntry.all().count() == 1


async def test_an_entry_sent_twice_is_there_once(cast: Cast) -> None:
    made = await opened(cast)
    where = f"{path_of(cast)}/{made['id']}/entries"
    body = {"id": str(uuid4()), "what": "note", "words": "A neighbour saw a white car."}
    for _ in range(2):
        assert (await post(cast, "tom", where, body)).status_code == 201
    other = await post(cast, "tom", where, {**body, "words": "Another car."})
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    assert await TimelineEntry.filter(what="note").count() == 1


# --- signs of life, and being found


async def test_a_sign_of_life_stands_in_the_timeline_and_ends_nothing(cast: Cast) -> None:
    made = await opened(cast)
    async with cast.client_as("mia") as client:
        body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "want": "nothing"}
        for _ in range(2):
            assert (await client.post("/api/v1/check-ins", json=body)).status_code in (200, 201)
    async with cast.client_as("tom") as client:
        now = (await client.get(f"{path_of(cast)}/{made['id']}")).json()
    assert [line["what"] for line in now["timeline"]] == ["opened", "sign_of_life"]
    assert now["timeline"][1]["about_id"] == body["id"]
    assert now["stage"] == "deciding"
    assert clocks(now) == clocks(made)


async def test_being_seen_ends_the_search_and_begins_the_return(cast: Cast) -> None:
    made = await opened(cast)
    await enter(cast, made, "report", to="police", way="phone")
    cast.clock.advance(hours=5)
    body = seen(cast)
    where = f"{path_of(cast)}/{made['id']}/found"
    first, again = [await post(cast, "tom", where, body) for _ in range(2)]
    assert first.status_code == again.status_code == 200
    back = first.json()
    assert back == again.json()
    assert back["stage"] == "found"
    assert set(clocks(back)) == {kind.value for kind in OF_A_RETURN}
    assert clocks(back)["return_interview"] == wire(cast.clock() + 3 * DAY)
    assert not await Task.exists(kind__in=list(OF_A_SEARCH), state=State.OPEN)
    alert = await Alert.get(cause=Cause.MISSING)
    assert (alert.outcome, alert.closing_words) == ("seen", body["condition"])
    assert not (await Watch.get(child_id=cast.mia.id)).is_missing
    reused = await post(cast, "tom", where, {**body, "condition": "Another."})
    assert (reused.status_code, reused.json()["code"]) == (409, "id_reused")
    other = await post(cast, "ines", where, seen(cast))
    assert (other.status_code, other.json()["code"]) == (409, "found")


async def test_a_return_before_the_report_asks_for_no_report(cast: Cast) -> None:
    made = await opened(cast)
    back = (await post(cast, "sam", f"{path_of(cast)}/{made['id']}/found", seen(cast))).json()
    assert back["stage"] == "found"
    left = set(await Task.filter(state=State.OPEN).values_list("kind", flat=True))
    assert not {"report", "decision", "tell_found"} & left


async def test_the_alert_of_a_missing_child_closes_by_being_seen_and_no_other_way(
    cast: Cast,
) -> None:
    await opened(cast)
    alert = await Alert.get(cause=Cause.MISSING)
    close = f"/api/v1/alerts/{alert.id}/close"
    for outcome in ("spoke_to", "late_answer", "known_elsewhere", "technical"):
        answer = await post(cast, "tom", close, {"outcome": outcome, "words": "By phone."})
        assert (answer.status_code, answer.json()["code"]) == (422, "not_seen")
    assert (await Episode.get()).is_open
    for _ in range(2):
        answer = await post(cast, "tom", close, {"outcome": "seen", "words": "I hold her hand."})
        assert answer.status_code == 200
    episode = await Episode.get()
    assert episode.stage == "found"
    assert episode.found is not None
    assert episode.found["condition"] == "I hold her hand."
    assert await TimelineEntry.filter(what="found").count() == 1


async def test_two_who_found_the_child_in_one_moment_are_one_return(cast: Cast) -> None:
    made, now = await opened(cast), cast.clock()
    what = Found(now, "Here", "Sam", "Well.")
    both = await together(
        *(
            child_found.record_found(cast.actor(name), UUID(made["id"]), uuid4(), what, now)
            for name in ("tom", "ines")
        )
    )
    assert sum(isinstance(one, Episode) for one in both) == 1
    assert sum(isinstance(one, Conflict) for one in both) == 1
    assert await TimelineEntry.filter(what="found").count() == 1
    assert await Task.filter(kind="return_interview").count() == 1


async def test_an_episode_outlasts_the_end_of_a_placement_and_a_birthday(cast: Cast) -> None:
    made = await opened(cast)
    cast.clock.advance(days=29)
    await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    await telling.TASKS.tick(cast.clock())
    told = await Task.filter(kind="strategy_28d").get()
    assert told.told >= 0
    await cast.new_token("tom")
    async with cast.client_as("tom") as client:
        listed = (await client.get(path_of(cast))).json()["episodes"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert listed[0]["stage"] == "deciding"


async def test_a_refused_talk_is_offered_again(cast: Cast) -> None:
    made = await opened(cast)
    await post(cast, "tom", f"{path_of(cast)}/{made['id']}/found", seen(cast))
    after = await enter(cast, made, "interview_offered", answer="refused", who="Rana, advocate")
    assert "return_interview" in clocks(after)
    assert after["stage"] == "found"


async def test_a_talk_that_was_held_is_not_asked_for_again_by_an_old_offer(cast: Cast) -> None:
    made = await opened(cast)
    await post(cast, "tom", f"{path_of(cast)}/{made['id']}/found", seen(cast))
    [due] = await Task.filter(kind="return_interview", state=State.OPEN)
    await dues.done(cast.actor("tom"), due, cast.clock())
    after = await enter(cast, made, "interview_offered", answer="refused", who="Rana, advocate")
    assert "return_interview" not in clocks(after)


async def test_who_saw_the_child_is_answered_as_it_was_said_with_times_as_everywhere(
    cast: Cast,
) -> None:
    made, said = await opened(cast), seen(cast)
    await post(cast, "tom", f"{path_of(cast)}/{made['id']}/found", said)
    async with cast.client_as("tom") as client:
        [back] = (await client.get(path_of(cast))).json()["episodes"]
    found = back["found"]
    assert found["at"].endswith("Z")
    assert datetime.fromisoformat(found.pop("at")) == datetime.fromisoformat(str(said["at"]))
    assert found == {name: said[name] for name in ("where", "by", "condition")}


# --- what the child reads


async def test_the_child_reads_of_it_after_the_return_and_nobodys_words(cast: Cast) -> None:
    made = await opened(cast)
    async with cast.client_as("mia") as client:
        assert (await client.get(path_of(cast))).json() == {"episodes": []}
        one = await client.get(f"{path_of(cast)}/{made['id']}")
        assert one.status_code == 404
        dues = await client.get(f"/api/v1/children/{cast.mia.id}/dues")
        assert not {"decision", "report"} & {due["kind"] for due in dues.json()["dues"]}
    await post(cast, "tom", f"{path_of(cast)}/{made['id']}/found", seen(cast))
    async with cast.client_as("mia") as client:
        [back] = (await client.get(path_of(cast))).json()["episodes"]
    assert [line["what"] for line in back["timeline"]] == ["opened", "found"]
    assert {line["words"] for line in back["timeline"]} == {None}
    assert (back["why"], back["found"], back["clocks"]) == (None, None, [])


async def test_nobody_of_another_agency_learns_that_there_is_an_episode(cast: Cast) -> None:
    made = await opened(cast)
    for name in ("uwe", "eve", "root", "lia"):
        async with cast.client_as(name) as client:
            answers = [
                await client.get(path_of(cast)),
                await client.get(f"{path_of(cast)}/{made['id']}"),
            ]
        assert [one.status_code for one in answers] == [404, 404]
        assert not any(surname in one.text for one in answers for surname in SURNAMES)


# --- the timeline is only ever longer


async def test_a_changed_line_is_found_out(cast: Cast) -> None:
    made = await opened(cast)
    await enter(cast, made, "note", "A white car.")
    assert await timeline.verify() is None
    line = await TimelineEntry.get(what="note")
    await TimelineEntry.filter(id=line.id).update(words="A black car.")
    assert (
        await timeline.verify()
        == f"line 2 of episode {made['id']} was changed, added or taken away"
    )


async def test_an_id_of_an_episode_is_no_id_of_another_childs(cast: Cast) -> None:
    made = await opened(cast)
    with pytest.raises(IdReused):
        await opening.open_episode(
            cast.actor("tom"), cast.noor.id, UUID(made["id"]), Saying(cast.clock()), cast.clock()
        )

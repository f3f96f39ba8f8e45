"""A child that is looked for says something: it reaches whoever looks at once, and ends nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import open_of_child
from server.notify.models import Message
from server.people.rules import Leaving
from server.placements import actions
from server.tasks.models import Task
from server.watch.absence import actions as absences
from server.watch.absence.actions import AgreeRequest
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.missing.test_episodes import opened, path_of, post, wire
from tests.missing.test_episodes import says as said_missing


async def says(cast: Cast, **more: Any) -> Any:
    body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), **more}
    async with cast.client_as("mia") as client:
        return await client.post("/api/v1/check-ins", json=body)


async def me(cast: Cast) -> dict[str, Any]:
    async with cast.client_as("mia") as client:
        found: dict[str, Any] = (await client.get("/api/v1/me")).json()
        return found


async def timeline(cast: Cast, episode: dict[str, Any]) -> list[dict[str, Any]]:
    async with cast.client_as("tom") as client:
        found = (await client.get(f"{path_of(cast)}/{episode['id']}")).json()
    lines: list[dict[str, Any]] = found["timeline"]
    return lines


async def told(about: str) -> set[Any]:
    return set(await Message.filter(subject_id=about).values_list("person_id", flat=True))


async def test_the_phone_learns_of_the_door_and_of_nothing_else(cast: Cast) -> None:
    assert "door" not in await me(cast)
    await opened(cast)
    now = await me(cast)
    assert now["door"] is True
    assert now["standing"] in ("well", "due", "late")
    assert "missing" not in str(now)
    async with cast.client_as("tom") as client:
        assert "door" not in (await client.get("/api/v1/me")).json()


async def test_the_door_closes_when_an_adult_has_seen_the_child(cast: Cast) -> None:
    made = await opened(cast)
    body = {
        "id": str(uuid4()),
        "at": cast.clock().isoformat(),
        "where": "At the station",
        "by": "Sam",
        "condition": "Tired.",
    }
    async with cast.client_as("tom") as client:
        answer = await client.post(f"{path_of(cast)}/{made['id']}/found", json=body)
    assert answer.status_code == 200, answer.text
    assert "door" not in await me(cast)


async def test_i_am_safe_reaches_the_adults_who_search_and_settles_nothing(cast: Cast) -> None:
    made = await opened(cast)
    id_ = str(uuid4())
    body = {"id": id_, "want": "safe", "note": "With a friend. I am cold."}
    first, again = await says(cast, **body), await says(cast, **body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["standing"] in ("well", "due", "late")
    last = (await timeline(cast, made))[-1]
    assert (last["what"], last["details"], last["words"]) == (
        "sign_of_life",
        {"said": "safe"},
        "With a friend. I am cold.",
    )
    assert await TimelineEntry.filter(what="sign_of_life").count() == 1
    assert {cast.tom.id, cast.ines.id} <= await told(id_)
    assert await open_of_child(cast.mia.id) is not None
    assert (await Watch.get(child_id=cast.mia.id)).is_missing
    # Nobody is called beside the search: everyone who could be is looking already.
    causes = await Alert.filter(child_id=cast.mia.id, closed_at=None).values_list(
        "cause", flat=True
    )
    assert list(causes) == ["missing"]


async def test_an_old_answer_stands_in_the_timeline_at_the_moment_it_was_said(cast: Cast) -> None:
    made = await opened(cast)
    cast.clock.advance(minutes=40)
    said_at = cast.clock() - timedelta(minutes=30)
    await cast.new_token("mia")
    answer = await says(cast, said_at=said_at.isoformat(), sent_at=cast.clock().isoformat())
    assert answer.status_code == 201
    [line] = [line for line in await timeline(cast, made) if line["what"] == "sign_of_life"]
    assert (line["at"], line["received_at"]) == (wire(said_at), wire(cast.clock()))


async def test_the_page_for_the_police_says_what_the_missing_child_said(cast: Cast) -> None:
    await opened(cast)
    path = f"/api/v1/children/{cast.mia.id}/pack"
    async with cast.client_as("tom") as tom:
        before = (await tom.get(f"{path}.txt?language=en")).text
        assert "I'm safe" not in before
        await says(cast, want="safe", note="With a friend. I am cold.")
        cast.clock.advance(minutes=20)
        await cast.new_token("tom")
        answer = await cast.client_as("tom").get(f"{path}.txt?language=en")
        shown = answer.text
    assert "“I'm safe. I'm not ready to come back yet”; With a friend. I am cold." in shown
    assert "Sign of life" in shown
    # "None" is said of the time after that alone.
    assert "Signs of life since" not in shown
    assert "Signs of life after the last answer" in shown
    for language, words in (("fr", "Je suis en sécurité"), ("ar", "أنا")):
        made = await cast.client_as("tom").get(f"{path}.txt?language={language}")
        assert words in made.text
    partner = await cast.client_as("tom").get(f"{path}.txt?language=en&for=partner")
    assert "With a friend" not in partner.text


async def test_what_else_the_child_says_is_named_in_the_timeline(cast: Cast) -> None:
    made = await opened(cast)
    for want in ("nothing", "talk", "help"):
        assert (await says(cast, want=want, note=f"note {want}")).status_code == 201
    said = [
        (line["details"].get("said"), line["words"])
        for line in await timeline(cast, made)
        if line["what"] == "sign_of_life"
    ]
    assert said == [("ok", "note nothing"), ("talk", "note talk"), ("help", "note help")]


async def test_a_message_in_the_talk_is_a_sign_of_life_once(cast: Cast) -> None:
    made = await opened(cast)
    id_, thing = str(uuid4()), str(uuid4())
    change = {
        "id": id_,
        "entity": "message",
        "entity_id": thing,
        "field": "*",
        "base": None,
        "value": {"text": "Please do not be angry."},
        "said_at": cast.clock().isoformat(),
    }
    async with cast.client_as("mia") as client:
        for _ in range(2):
            body = {"cursor": None, "changes": [change]}
            answer = await client.post("/api/v1/sync", json=body)
            assert answer.status_code == 200, answer.text
    last = (await timeline(cast, made))[-1]
    assert (last["what"], last["details"]) == ("sign_of_life", {"said": "message"})
    assert await TimelineEntry.filter(what="sign_of_life").count() == 1
    assert {cast.tom.id, cast.ines.id} <= await told(thing)
    assert await open_of_child(cast.mia.id) is not None


async def test_a_message_of_a_child_that_nobody_misses_calls_nobody(cast: Cast) -> None:
    thing = str(uuid4())
    change = {
        "id": str(uuid4()),
        "entity": "message",
        "entity_id": thing,
        "field": "*",
        "base": None,
        "value": {"text": "Hello."},
        "said_at": cast.clock().isoformat(),
    }
    async with cast.client_as("mia") as client:
        await client.post("/api/v1/sync", json={"cursor": None, "changes": [change]})
    assert await told(thing) == set()
    assert await Episode.all().count() == 0


async def test_said_where_nobody_looks_it_is_kept_as_an_answer(cast: Cast) -> None:
    answer = await says(cast, want="safe", note="Too late to be a sign.")
    assert answer.status_code == 201
    [row] = await CheckIn.filter(want="safe")
    assert row.note == "Too late to be a sign."
    assert await Alert.all().count() == 0


async def test_the_door_is_open_after_the_placement_has_ended(cast: Cast) -> None:
    now = cast.clock()
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)
    made = await opened(cast)
    assert (await me(cast))["door"] is True
    assert (await says(cast, want="safe")).status_code == 201
    assert (await timeline(cast, made))[-1]["details"] == {"said": "safe"}


async def test_a_carer_does_not_read_what_the_child_said(cast: Cast) -> None:
    await opened(cast)
    await says(cast, want="safe", note="Do not tell Sam.")
    answer = await post(cast, "sam", path_of(cast), said_missing(cast))
    assert answer.status_code == 200
    assert {*answer.json()} == {"id", "stage", "opened_at"}


async def asks_to_be_away(cast: Cast, id_: str) -> Any:
    body = {
        "id": id_,
        "said_at": cast.clock().isoformat(),
        "from_at": (cast.clock() + timedelta(hours=1)).isoformat(),
        "until_at": (cast.clock() + timedelta(days=2)).isoformat(),
        "place": "At a friend's in Lille",
        "words": "I am well.",
    }
    async with cast.client_as("mia") as client:
        return await client.post("/api/v1/absences", json=body)


async def takes_back(cast: Cast, id_: str) -> Any:
    async with cast.client_as("mia") as client:
        return await client.delete(f"/api/v1/absences/{id_}")


async def woken(cast: Cast) -> int:
    """How often Tom was called about a sign of life."""
    return await Message.filter(subject_kind="sign", person_id=cast.tom.id).count()


async def test_asking_to_be_away_and_taking_it_back_are_signs_of_life_once_each(
    cast: Cast,
) -> None:
    made = await opened(cast)
    id_ = str(uuid4())
    for _ in range(2):
        assert (await asks_to_be_away(cast, id_)).status_code in (200, 201)
    last = (await timeline(cast, made))[-1]
    assert (last["what"], last["details"], last["words"]) == (
        "sign_of_life",
        {"said": "message", "where": "At a friend's in Lille"},
        "I am well.",
    )
    assert {cast.tom.id, cast.ines.id} <= await told(id_)
    for _ in range(2):
        assert (await takes_back(cast, id_)).json()["state"] == "recalled"
    assert await TimelineEntry.filter(what="sign_of_life").count() == 2
    assert await woken(cast) == 2
    assert await open_of_child(cast.mia.id) is not None


async def test_i_am_back_of_a_missing_child_is_a_sign_of_life_also_when_the_absence_is_over(
    cast: Cast,
) -> None:
    ids = [str(uuid4()), str(uuid4())]
    for id_ in ids:
        await asks_to_be_away(cast, id_)
        row = await AbsenceRequest.get(id=id_)
        await absences.agree(cast.actor("tom"), cast.mia.id, row.id, AgreeRequest(), cast.clock())
        if id_ == ids[0]:
            await agreements.end_pause(cast.actor("tom"), cast.mia.id, row.id, cast.clock())
    await opened(cast)
    for number, id_ in enumerate(ids, 1):
        for _ in range(2):
            assert (await takes_back(cast, id_)).json()["state"] == "back"
        assert await TimelineEntry.filter(what="sign_of_life").count() == number
        assert await woken(cast) == number


async def test_after_the_placement_ended_a_missing_childs_request_is_kept_and_heard(
    cast: Cast,
) -> None:
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, cast.clock(), now=cast.clock())
    refused = await asks_to_be_away(cast, str(uuid4()))
    assert (refused.status_code, refused.json()["code"]) == (409, "ended")
    await opened(cast)
    id_ = str(uuid4())
    answers = [await asks_to_be_away(cast, id_) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert {answer.json()["state"] for answer in answers} == {"ended"}
    assert not await Task.filter(kind="absence").exists()
    assert {cast.tom.id, cast.ines.id} <= await told(id_)
    assert await TimelineEntry.filter(what="sign_of_life").count() == 1


async def test_what_a_missing_child_sends_is_a_sign_of_life_also_where_it_is_refused(
    cast: Cast,
) -> None:
    made = await opened(cast)
    now = cast.clock().isoformat()
    period = {"said_at": now, "from_at": now, "until_at": now, "place": "In Lille"}
    times = {"rhythm": {"at": ["09:00"], "every": "P9D"}, "words": "Less often."}
    wishes: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "absences", period),
        ("POST", "rhythm/proposals", times),
        ("DELETE", f"absences/{uuid4()}", None),
    ]
    for number, (method, path, body) in enumerate(wishes, 1):
        sent = {"id": str(uuid4()), **body} if body is not None else None
        for _ in range(2):
            async with cast.client_as("mia") as client:
                answer = await client.request(method, f"/api/v1/{path}", json=sent)
            assert answer.status_code in (404, 422), answer.text
        assert await TimelineEntry.filter(what="sign_of_life").count() == number, path
        assert await woken(cast) == number
    last = (await timeline(cast, made))[-1]
    assert (last["details"], last["words"]) == ({"said": "message"}, None)
    assert not await AbsenceRequest.exists()


async def test_a_question_about_the_record_is_a_sign_of_life_once(cast: Cast) -> None:
    made = await opened(cast)
    id_ = str(uuid4())
    about = {"kind": "look", "id": "7", "at": cast.clock().isoformat(), "shown": "Your page"}
    body = {"id": id_, "about": about, "words": "Why did you look?"}
    async with cast.client_as("mia") as client:
        for status in (201, 200):
            answer = await client.post("/api/v1/record-questions", json=body)
            assert answer.status_code == status, answer.text
    last = (await timeline(cast, made))[-1]
    assert (last["what"], last["details"]) == ("sign_of_life", {"said": "message"})
    assert await TimelineEntry.filter(what="sign_of_life").count() == 1
    assert {cast.tom.id, cast.ines.id} <= await told(id_)


async def test_a_question_without_words_is_refused_and_heard_all_the_same(cast: Cast) -> None:
    await opened(cast)
    about = {"kind": "look", "id": "7", "at": cast.clock().isoformat(), "shown": "Your page"}
    body = {"id": str(uuid4()), "about": about, "words": "   "}
    async with cast.client_as("mia") as client:
        for _ in range(2):
            answer = await client.post("/api/v1/record-questions", json=body)
            assert answer.status_code == 422, answer.text
    assert await TimelineEntry.filter(what="sign_of_life").count() == 1
    assert await woken(cast) == 1

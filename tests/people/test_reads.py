""" "Read by Tom, 18:40": the child sees it, of their own workers alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from server.audit.actions import SYSTEM
from server.people.models import Tie
from server.people.reads.actions import Kind, note_read
from server.people.reads.models import Reading
from server.people.ties import end_tie
from tests.advocates.made import advocate
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.plan.said import Phone
from tests.races import no_fault, together


async def written(cast: Cast, words: str = "Are you there?", by: str = "mia", **to: Any) -> str:
    """A message in Mia's thread, or to her advocate, by its id."""
    phone = Phone(cast, by)
    made = phone.make("message", text=words, **to)
    assert await phone.sync(made) == ["applied"]
    return str(made["entity_id"])


async def show(cast: Cast, name: str, *messages: str) -> int:
    """That person's app has these on the screen."""
    async with cast.client_as(name) as app:
        path = f"/api/v1/children/{cast.mia.id}/talk/read"
        return (await app.post(path, json={"messages": list(messages)})).status_code


async def read_by(cast: Cast) -> dict[str, list[tuple[str, str]]]:
    """What Mia's phone shows."""
    async with cast.client_as("mia") as phone:
        told = (await phone.get("/api/v1/talk/read")).json()["messages"]
    return {one["message"]: [(who["name"], who["at"]) for who in one["read"]] for one in told}


async def test_the_child_sees_who_read_a_message_and_when_first(cast: Cast) -> None:
    message = await written(cast)
    assert await read_by(cast) == {}
    first = cast.clock()
    for _ in range(2):
        assert await show(cast, "tom", message) == 204
        cast.clock.advance(minutes=5)
    assert await show(cast, "ines", message) == 204
    [(tom, at), (ines, later)] = (await read_by(cast))[message]
    assert (tom, ines) == ("Tom Verhoeven", "Ines Quintanar")
    assert at == first.isoformat().replace("+00:00", "Z")
    assert at < later


async def test_a_colleague_without_a_tie_does_not_count_and_others_may_not_say_so(
    cast: Cast,
) -> None:
    message = await written(cast)
    await cast.on_duty("eve")
    assert await show(cast, "eve", message) == 204, "on duty one reads, as a stranger to the child"
    assert await read_by(cast) == {}
    got = {name: await show(cast, name, message) for name in ("sam", "mia", "root", "uwe")}
    assert got == {"sam": 403, "mia": 403, "root": 404, "uwe": 404}


async def test_the_child_sees_that_their_advocate_has_read_and_only_what_each_could_read(
    cast: Cast,
) -> None:
    await advocate(cast)
    to_ruth = {"advocate_id": str(cast.ruth.id)}
    thread, both = await written(cast), await written(cast, "To all", **to_ruth)
    alone = await written(cast, "To Ruth", **to_ruth, is_private=True)
    for name in ("ruth", "tom"):
        assert await show(cast, name, thread, both, alone) == 204
        cast.clock.advance(minutes=1)
        # The second time changes nothing.
        assert await show(cast, name, thread, both, alone) == 204
    readers = {id_: [name for name, _ in by] for id_, by in (await read_by(cast)).items()}
    assert readers == {
        thread: ["Tom Verhoeven"],
        both: ["Ruth Okonjo", "Tom Verhoeven"],
        alone: ["Ruth Okonjo"],
    }


async def test_an_advocate_whose_time_is_over_reads_nothing_more(cast: Cast) -> None:
    tie_id = await advocate(cast)
    alone = await written(cast, "Hi", advocate_id=str(cast.ruth.id), is_private=True)
    await end_tie(SYSTEM, cast.children["mia"], tie_id, cast.clock())
    assert await show(cast, "ruth", alone) == 404
    assert await read_by(cast) == {}


async def test_only_messages_of_this_child_are_read(cast: Cast) -> None:
    own, adults = await written(cast), await written(cast, "Yes.", "tom")
    phone = Phone(cast, "noor", "noor")
    others = phone.make("message", text="Hello")
    await phone.sync(others)
    assert await show(cast, "tom", own, adults, others["entity_id"], str(uuid4())) == 204
    assert list(await read_by(cast)) == [own]
    assert await Reading.all().count() == 1


async def test_six_pages_at_once_leave_one_line(cast: Cast) -> None:
    message = await written(cast)
    found = await together(*(show(cast, "tom", message) for _ in range(6)))
    no_fault(found)
    assert len((await read_by(cast))[message]) == 1


async def _check_in(cast: Cast, **said: Any) -> str:
    body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), **said}
    async with cast.client_as("mia") as phone:
        assert (await phone.post("/api/v1/check-ins", json=body)).status_code == 201
    return str(body["id"])


async def _days(cast: Cast, name: str = "mia") -> dict[str, Any]:
    path = "/api/v1" if name == "mia" else f"/api/v1/children/{cast.mia.id}"
    async with cast.client_as(name) as app:
        rows = (await app.get(f"{path}/check-ins")).json()["check_ins"]
    return {row["id"]: row.get("read") for row in rows}


async def test_words_of_a_check_in_are_read_where_the_desk_shows_them(cast: Cast) -> None:
    note, plain = await _check_in(cast, note="I slept badly."), await _check_in(cast)
    talk = await _check_in(cast, want="talk")
    assert set(map(len, (await _days(cast)).values())) == {0}
    async with at_desk(cast, "tom") as browser:
        page = await browser.get(f"/desk/children/{cast.mia.id}")
        assert "I slept badly." in page.text
        # Within the hour too, which leaves no second look.
        cast.clock.advance(minutes=10)
        late = await _check_in(cast, note="And now?")
        await browser.get(f"/desk/children/{cast.mia.id}")
    days = await _days(cast)
    assert [who["name"] for who in days[note]] == ["Tom Verhoeven"]
    assert days[talk]
    assert days[late]
    assert days[plain] == [], "there is nothing in it to be read"


async def test_adults_do_not_see_who_has_read_and_a_refused_page_reads_nothing(cast: Cast) -> None:
    note = await _check_in(cast, note="I slept badly.")
    async with at_desk(cast, "eve") as browser:
        assert (await browser.get(f"/desk/children/{cast.mia.id}")).status_code == 404
    assert (await _days(cast))[note] == []
    assert (await _days(cast, "ines"))[note] is None
    assert [who["name"] for who in (await _days(cast))[note]] == ["Ines Quintanar"]


async def test_what_was_read_before_a_tie_ended_stays_read(cast: Cast) -> None:
    message = await written(cast)
    now = cast.clock.advance(minutes=1)
    await note_read(cast.actor("tom"), cast.children["mia"], Kind.MESSAGE, [UUID(message)], now)
    await Tie.filter(id=cast.ties["mia", "tom"]).update(until_at=now + timedelta(minutes=1))
    cast.clock.set(now + timedelta(days=1))
    later = await written(cast, "Still there?")
    await note_read(
        cast.actor("tom"), cast.children["mia"], Kind.MESSAGE, [UUID(later)], cast.clock()
    )
    assert list(await read_by(cast)) == [message]

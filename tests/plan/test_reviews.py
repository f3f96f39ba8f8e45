"""What happens to a child has its life project looked at together, and the child hears of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.alerts.ladder import Outcome
from server.audit.actions import SYSTEM
from server.auth import actions as doors
from server.errors import Refused
from server.notify.models import Message
from server.notify.wording import neutral
from server.people import actions as people
from server.people.agencies.actions import add_home
from server.people.models import Child, Tie
from server.people.rules import Leaving, Role
from server.people.ties import AddTie, add_tie, end_tie
from server.placements import actions
from server.plan.changes.stored import state_of
from server.plan.models import Change
from server.storage.db import write
from server.tasks.models import Task
from server.watch import watch_alerts
from tests.cast import Cast
from tests.plan.said import Phone
from tests.races import no_fault, together


async def reviews(cast: Cast, child: str = "mia") -> list[tuple[str, str | None]]:
    """Kind and day of each review, in the order of their making."""
    state = await state_of(cast.persons[child].id)
    return [
        (state.value("review", id_, "kind"), state.value("review", id_, "due_on"))
        for id_ in state.things("review")
    ]


async def dues(kind: str = "review") -> list[Task]:
    return await Task.filter(kind=kind, state="open").order_by("due_at")


async def news(cast: Cast, name: str = "mia") -> list[Message]:
    return await Message.filter(person_id=cast.persons[name].id, kind="news_child").order_by("id")


async def tie(cast: Cast, name: str, child: str = "mia", **how: Any) -> Tie:
    return await add_tie(
        cast.actor("ines"),
        cast.children[child],
        AddTie(person_id=cast.persons[name].id, role=how.pop("role", Role.CASEWORKER), **how),
        cast.clock(),
    )


async def end(cast: Cast, tie_id: UUID, child: str = "mia") -> None:
    await end_tie(cast.actor("ines"), cast.children[child], tie_id, cast.clock())


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


@pytest.fixture
def tom(cast: Cast) -> Phone:
    return Phone(cast, "tom")


# --- another worker


async def test_a_new_caseworker_calls_for_a_handover_and_the_child_is_told(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    assert await reviews(cast) == [], "the first caseworker is no change of worker"
    await tie(cast, "eve")
    assert await reviews(cast) == [("new_worker", "2026-03-09")]
    await mia.sync()
    await tom.sync()
    assert [one["entity"] for one in mia.heard] == [one["entity"] for one in tom.heard]
    assert mia.heard[0]["who"] == {"id": str(cast.ines.id), "role": "supervisor"}
    [due] = await dues()
    assert (due.owner_role, due.due_at) == ("caseworker", datetime(2026, 3, 9, 23, tzinfo=UTC))
    [said] = await news(cast)
    assert (said.data or {})["path"] == "/app/"
    assert "Eve" not in str(said.data)
    assert "Eve" not in neutral("en")
    there = {one["name"]: one["is_here"] for one in (await mia.project())["people"]}
    assert there["Eve Thackeray"]
    assert there["Tom Verhoeven"]


async def test_a_caseworker_who_leaves_makes_no_second_review_and_is_no_longer_here(
    mia: Phone,
) -> None:
    cast = mia.cast
    await tie(cast, "eve")
    cast.clock.advance(hours=1)
    await end(cast, cast.ties["mia", "tom"])
    await end(cast, cast.ties["mia", "tom"])
    assert len(await reviews(cast)) == 1
    assert len(await news(cast)) == 2
    there = {one["name"]: one["is_here"] for one in (await mia.project())["people"]}
    assert there["Eve Thackeray"]
    assert not there["Tom Verhoeven"]
    state = await state_of(cast.mia.id)
    [review] = state.things("review")
    # Once it was held, the next change of worker has one of its own.
    await mia.sync(mia.say("review", review, "held_on", "2026-03-03"))
    await tie(cast, "tom")
    assert [kind for kind, _ in await reviews(cast)] == ["new_worker", "new_worker"]


async def test_standing_in_while_another_is_away_is_no_change_of_worker(mia: Phone) -> None:
    cast = mia.cast
    cover = await tie(cast, "eve", until_at=cast.clock() + timedelta(days=14))
    cast.clock.advance(days=3)
    await end(cast, cover.id)
    await tie(cast, "ada", role=Role.GUARDIAN)
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    assert (await reviews(cast), await news(cast)) == ([], [])


async def test_who_leaves_the_agency_leaves_a_handover_behind_with_every_child(cast: Cast) -> None:
    for child in ("mia", "noor"):
        await tie(cast, "eve", child)
    cast.clock.advance(hours=1)
    for child in ("mia", "noor"):
        phone = Phone(cast, child, child=child)
        [review] = (await state_of(cast.persons[child].id)).things("review")
        await phone.sync(phone.say("review", review, "held_on", "2026-03-02"))
    await doors.disable_person(SYSTEM, cast.agency.id, cast.tom.id, cast.clock())
    for child in ("mia", "noor"):
        assert len(await reviews(cast, child)) == 2
        last = await Change.filter(child_id=cast.persons[child].id).order_by("-number").first()
        assert last is not None
        assert (last.who_id, last.who_role) == (cast.agency.id, "agency")


async def test_at_night_the_child_hears_of_it_in_the_morning(cast: Cast) -> None:
    cast.clock.set(datetime(2026, 3, 2, 22, 30, tzinfo=UTC))
    await tie(cast, "eve")
    [said] = await news(cast)
    assert said.next_action_at == datetime(2026, 3, 3, 7, tzinfo=UTC), "eight in Paris"


async def test_a_tie_that_is_to_begin_is_told_when_it_begins_and_taken_back_it_is_not(
    cast: Cast,
) -> None:
    later = cast.clock() + timedelta(days=10)
    new = await tie(cast, "eve", from_at=later)
    assert [one.next_action_at for one in await news(cast)] == [later]
    assert await reviews(cast) == [("new_worker", "2026-03-19")]
    await end(cast, new.id)
    assert [one.state for one in await news(cast)] == ["withdrawn"]


async def test_a_change_that_is_rolled_back_leaves_nothing_behind(cast: Cast) -> None:
    async def both_or_none() -> None:
        async with write():
            await tie(cast, "eve")
            await tie(cast, "eve")

    with pytest.raises(Refused):
        await both_or_none()
    assert (await reviews(cast), await news(cast)) == ([], [])
    await tie(cast, "eve")
    assert len(await reviews(cast)) == 1


async def test_a_handover_and_words_from_a_phone_at_once_are_both_there(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    areas = [mia.make("area", kind="own") for _ in range(4)]
    new = [tie(cast, name) for name in ("eve", "ines")]
    found = await together(*new, *(mia.send(area) for area in areas))
    no_fault(found)
    assert [kind for kind, _ in await reviews(cast)] == ["new_worker"]
    assert len((await mia.project())["areas"]) == 4


# --- another home, and coming back


async def test_another_home_calls_for_a_look_and_the_same_one_for_none(cast: Cast) -> None:
    now, agency = cast.clock(), cast.agency.id
    home = await add_home(SYSTEM, agency, name="Hill", zone="Europe/Paris", now=now)
    await people.move(cast.actor("tom"), cast.mia.id, cast.home.id, now)
    assert await reviews(cast) == []
    await people.move(cast.actor("tom"), cast.mia.id, home.id, now)
    await people.move(cast.actor("tom"), cast.mia.id, None, now)
    assert await reviews(cast) == [("transfer", "2026-03-09")]
    assert await news(cast) == []
    other = await add_home(SYSTEM, cast.other_agency.id, name="Far", zone="Europe/Rome", now=now)
    with pytest.raises(Refused):
        await people.move(cast.actor("tom"), cast.mia.id, other.id, now)


async def test_who_was_missing_and_is_found_has_a_review_within_a_week(cast: Cast) -> None:
    alert = await watch_alerts.open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    cast.clock.advance(hours=5)
    for _ in range(2):
        await watch_alerts.close_alert(
            cast.actor("tom"), alert.id, Outcome.SEEN, "At the station", cast.clock()
        )
    assert [kind for kind, _ in await reviews(cast)] == ["return"]


async def test_a_placement_that_begins_again_is_a_return(cast: Cast) -> None:
    now = cast.clock()
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)
    now = cast.clock.advance(days=3)
    for _ in range(2):
        rhythm = {"at": ["09:00", "18:00"]}
        await actions.begin(cast.actor("tom"), cast.mia.id, now, rhythm=rhythm, now=now)
    assert await reviews(cast) == [("return", "2026-03-12")]


# --- complaints


async def test_a_complaint_leads_to_a_review_hidden_from_the_people_the_complaint_bypasses(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    complaint = mia.make("complaint", text="He never calls back", to="supervisor")
    assert await mia.sync(complaint) == ["applied"]
    assert await mia.sync(complaint) == ["known"]
    assert [one["value"]["kind"] for one in mia.heard] == ["complaint"], "the phone gets it too"
    ines = Phone(cast, "ines")
    await ines.sync()
    await tom.sync()
    assert [one["entity"] for one in ines.heard] == ["complaint", "review"]
    assert tom.heard == []
    assert (await tom.project())["reviews"] == []
    [seen] = (await mia.project())["reviews"]
    assert (seen["about"], seen["due_on"]) == (complaint["entity_id"], "2026-03-16")
    [due] = await dues()
    assert due.owner_role == "supervisor"
    for name, many in (("tom", 0), ("sam", 0), ("ines", 2)):
        answer = await cast.client_as(name).get(f"/api/v1/children/{cast.mia.id}/dues")
        assert len(answer.json()["dues"]) == many, name
    # Whoever it is for sees to it, and changes nothing else of the project.
    held = ines.say("review", seen["id"], "held_on", "2026-03-10")
    assert await ines.sync(held, ines.say("review", seen["id"], "about", None)) == [
        "applied",
        "not_allowed",
    ]
    assert await dues() == []


async def test_a_second_complaint_makes_a_second_review_only_for_another_recipient(
    mia: Phone,
) -> None:
    for to in ("supervisor", "supervisor", "guardian"):
        assert await mia.sync(mia.make("complaint", text="Again", to=to)) == ["applied"]
    assert [kind for kind, _ in await reviews(mia.cast)] == ["complaint", "complaint"]


# --- half a year before 18


async def born(cast: Cast, day: date | None) -> None:
    await people.set_birthday(cast.actor("tom"), cast.mia.id, day, cast.clock())


async def test_the_birthday_gives_the_review_at_17_and_a_half_its_day(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    await born(cast, date(2011, 8, 31))
    assert await reviews(cast) == [("turning_17_half", "2029-02-28")]
    await born(cast, date(2011, 8, 31))
    await born(cast, date(2010, 1, 15))
    assert await reviews(cast) == [("turning_17_half", "2027-07-15")]
    assert (await Child.get(id=cast.mia.id)).birthday == date(2010, 1, 15)
    await born(cast, None)
    assert await reviews(cast) == [("turning_17_half", None)]
    assert await dues() == []
    await born(cast, date(2010, 1, 15))
    assert (await mia.project())["status"] == "getting_to_know", "a meeting is no text"
    # A day that a person has chosen stays.
    await tom.sync()
    review = tom.heard[0]["entity_id"]
    last = tom.heard[-1]["id"]
    assert await tom.sync(tom.say("review", review, "due_on", "2027-06-01", base=last)) == [
        "applied"
    ]
    await born(cast, date(2010, 2, 15))
    assert await reviews(cast) == [("turning_17_half", "2027-06-01")]


@pytest.mark.parametrize(
    ("day", "due_on"),
    [
        (date(2008, 5, 1), "2026-03-09"),  # 17½ has passed: a week.
        (date(2008, 3, 5), "2026-03-04"),  # 18 in three days: before that.
        (date(2008, 3, 2), None),  # Of age today.
        (date(1999, 3, 2), None),
    ],
)
async def test_a_birthday_that_is_heard_of_late_leaves_what_time_there_is(
    cast: Cast, day: date, due_on: str | None
) -> None:
    await born(cast, day)
    assert await reviews(cast) == ([("turning_17_half", due_on)] if due_on else [])


@pytest.mark.parametrize("day", [date(2026, 3, 3), date(1990, 1, 1)])
async def test_a_day_on_which_no_child_was_born_is_refused(cast: Cast, day: date) -> None:
    with pytest.raises(Refused):
        await born(cast, day)
    assert await reviews(cast) == []


async def test_the_birthday_is_sealed(cast: Cast) -> None:
    from server.storage.db import fetch

    await born(cast, date(2010, 1, 15))
    [row] = await fetch("SELECT born_on FROM child WHERE id = $1", [cast.mia.id])
    assert "2010" not in row["born_on"]


async def test_a_project_that_is_closed_is_called_to_nothing(tom: Phone) -> None:
    cast = tom.cast
    await tom.sync(tom.say("life_project", str(cast.mia.id), "closing", "She is of age."))
    await tie(cast, "eve")
    await born(cast, date(2010, 1, 15))
    assert await reviews(cast) == []
    assert len(await news(cast)) == 1, "who is there is told all the same"

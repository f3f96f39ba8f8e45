"""What has changed, read from rows on both databases, on the page of the child and on the board."""

from __future__ import annotations

import copy
from datetime import timedelta
from uuid import UUID, uuid4

from server.audit.actions import SYSTEM
from server.auth.models import Device
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.people.models import Person
from server.people.rules import Role
from server.policy.model import EACH_MISS
from server.policy.models import Policy
from server.storage import bulk
from server.storage.db import write
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import Kind, Setting
from server.watch.models import Noted, Round, round_id
from server.watch.signals import drift, observations
from server.watch.signals.rules import Changed, Code
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.plan.said import Phone

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def rounds(
    cast: Cast, *, later: timedelta = MINUTE, missed: bool = False, child: str = "mia"
) -> None:
    """Six weeks of daily rounds: five minutes late, and in the last two weeks so much later."""
    id_, now = cast.persons[child].id, cast.clock()
    rows = []
    for day in range(1, 45):
        due = now - day * DAY
        is_recent = day < 14
        state = "late" if missed and is_recent else "answered"
        settled = due + 5 * MINUTE + (later if is_recent else timedelta(0))
        rows.append(
            {
                "id": round_id(id_, due),
                "child_id": id_,
                "opens_at": due - HOUR,
                "due_at": due,
                "late_at": due + HOUR,
                "state": state,
                "settled_at": settled if state == "answered" else None,
            }
        )
    async with write():
        await bulk.insert(Round, rows)


async def moods(cast: Cast, first: int, then: int) -> None:
    """Six weeks of faces, the last two of them other ones."""
    rows = [
        {
            "id": uuid4(),
            "agency_id": cast.agency.id,
            "child_id": cast.mia.id,
            "by_id": cast.mia.id,
            "by_role": Role.CHILD.value,
            "said_at": cast.clock() - day * DAY,
            "received_at": cast.clock() - day * DAY,
            "mood": then if day < 14 else first,
            "want": Want.NOTHING.value,
            "mark": "a",
            "is_late": False,
            "is_early": False,
            "content_hash": "",
            "answer": {},
        }
        for day in range(1, 45)
    ]
    async with write():
        await bulk.insert(CheckIn, rows)


async def due(cast: Cast, kind: Kind, role: str, at: timedelta) -> Task:
    """Something about Mia that was to be done by then."""
    one = Setting(
        kind=kind,
        subject_id=uuid4(),
        owner_id=None,
        owner_role=role,
        due_at=cast.clock() + at,
        zone="Europe/Paris",
    )
    await dues.set_task(SYSTEM, cast.children["mia"], one, cast.clock())
    return await Task.get(subject_id=one.subject_id)


async def adopt(cast: Cast, *names: str, is_on: bool, version: int = 1) -> None:
    """A policy in which these signals are on, or off."""
    content = copy.deepcopy(EACH_MISS)
    for name in names:
        content["signals"][name]["on"] = is_on
    await Policy.create(
        agency_id=cast.agency.id, version=version, content=content, made_at=cast.clock()
    )


async def found(cast: Cast, child: str = "mia") -> list[Changed]:
    id_ = cast.persons[child].id
    return (await drift.of(cast.agency.id, [id_], cast.clock()))[id_]


async def codes(cast: Cast) -> list[Code]:
    return [one.code for one in await found(cast)]


async def page_of(cast: Cast, name: str, path: str = "") -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path or f"/desk/children/{cast.mia.id}")
    assert answer.status_code == 200
    return answer.text


async def test_nothing_is_said_where_nothing_has_changed(cast: Cast) -> None:
    await rounds(cast)
    await moods(cast, 3, 3)
    assert await found(cast) == []
    assert "What has changed" not in await page_of(cast, "tom")
    assert "Changed:" not in await page_of(cast, "tom", "/desk/")


async def test_later_answers_are_said_on_the_page_and_on_the_board(cast: Cast) -> None:
    await rounds(cast, later=2 * HOUR)
    [one] = await found(cast)
    assert (one.code, one.span) == (Code.LATER_ANSWERS, 2 * HOUR)
    page = await page_of(cast, "tom")
    assert "Mia Castellane answers about 2 hrs later than in the month before." in page
    assert "since Mon 16 Feb" in page
    assert "Changed: answers later" in await page_of(cast, "tom", "/desk/")


async def test_missed_check_ins_and_sadder_faces_are_said(cast: Cast) -> None:
    await rounds(cast, missed=True)
    await moods(cast, 4, 2)
    assert await codes(cast) == [Code.FEWER_ANSWERS, Code.LOWER_MOOD]


async def test_what_an_adult_said_for_the_child_is_no_mood_of_its_own(cast: Cast) -> None:
    await moods(cast, 4, 2)
    await CheckIn.filter(child_id=cast.mia.id).update(by_role=Role.CARER.value)
    assert await found(cast) == []


async def test_missed_meetings_and_broken_promises_are_those_of_adults(cast: Cast) -> None:
    await due(cast, Kind.STEP, Role.CHILD, -DAY)
    await due(cast, Kind.REPLY, Role.CASEWORKER, -DAY)
    # A review about a complaint is of the supervisor, and goes round the caseworker.
    await due(cast, Kind.REVIEW, Role.SUPERVISOR, -DAY)
    await due(cast, Kind.REVIEW, Role.CASEWORKER, DAY)
    assert await found(cast) == []
    review = await due(cast, Kind.REVIEW, Role.CASEWORKER, -DAY)
    await due(cast, Kind.STEP, "agency", -2 * DAY)
    await due(cast, Kind.STEP, Role.GUARDIAN, -3 * DAY)
    assert [(one.code, one.n) for one in await found(cast)] == [
        (Code.MISSED_DATES, 1),
        (Code.BROKEN_PROMISES, 2),
    ]
    # Held late, it was missed all the same.
    await dues.done(SYSTEM, review, cast.clock())
    assert await codes(cast) == [Code.MISSED_DATES, Code.BROKEN_PROMISES]


async def test_two_signs_are_said_and_one_that_was_taken_back_is_none(cast: Cast) -> None:
    ids = [uuid4(), uuid4()]
    for id_, sign in zip(ids, ("packed_bag", "injuries"), strict=True):
        await observations.note(
            cast.actor("sam"),
            cast.children["mia"],
            Role.CARER,
            observations.ObservationRequest(id_, sign),
            cast.clock(),
        )
    assert await codes(cast) == [Code.OBSERVATIONS]
    # A board that has just read the answers says it at once all the same.
    assert "Changed: adults noticed something" in await page_of(cast, "tom", "/desk/")
    await observations.take_back(cast.actor("sam"), cast.children["mia"], ids[0], cast.clock())
    assert await found(cast) == []
    assert "Changed:" not in await page_of(cast, "tom", "/desk/")


async def test_another_phone_is_said_for_a_week(cast: Cast) -> None:
    await Device.filter(person_id=cast.mia.id).update(paired_at=cast.clock() - 50 * DAY)
    await Device.create(
        id=uuid4(), agency_id=cast.agency.id, person_id=cast.mia.id, paired_at=cast.clock()
    )
    assert await codes(cast) == [Code.NEW_PHONE]
    cast.clock.advance(days=8)
    assert await found(cast) == []


async def test_another_language_is_said_where_the_phone_is_not_new(cast: Cast) -> None:
    mia = cast.client_as("mia")
    assert (await mia.patch("/api/v1/me", json={"language": "fr"})).status_code == 200
    assert await found(cast) == [], "whoever has just been given a phone chooses a language"
    await Device.filter(person_id=cast.mia.id).update(paired_at=cast.clock() - 50 * DAY)
    cast.clock.advance(minutes=1)
    assert (await mia.patch("/api/v1/me", json={"language": "ar"})).status_code == 200
    assert await codes(cast) == [Code.OTHER_LANGUAGE]
    cast.clock.advance(days=8)
    assert await found(cast) == []


async def test_a_goal_nobody_mentions_counts_as_stalled_until_the_child_acts_on_it(
    cast: Cast,
) -> None:
    mia = Phone(cast, "mia")
    area = mia.make("area", kind="education")
    goal = mia.make("goal", area_id=area["entity_id"], child_words="Learn to swim")
    other = mia.make("goal", area_id=area["entity_id"], child_words="A bicycle")
    assert set(await mia.sync(area, goal, other)) == {"applied"}
    assert await Noted.filter(child_id=cast.mia.id, ended_at__isnull=True).count() == 2
    begun = cast.clock()
    cast.clock.advance(days=29)
    step = mia.make("step", goal_id=goal["entity_id"], text="Find a pool")
    await mia.sync(step)
    cast.clock.advance(days=2)
    assert await found(cast) == [Changed(Code.STALLED_GOALS, begun, n=1)]
    rests = mia.say("goal", other["entity_id"], "lifecycle", "on-hold")
    assert await mia.sync(rests) == ["applied"]
    assert await found(cast) == []
    held = await Noted.get(child_id=cast.mia.id, about_id=UUID(other["entity_id"]))
    assert held.ended_at == cast.clock()
    again = mia.say("goal", other["entity_id"], "lifecycle", "active", base=rests["id"])
    assert await mia.sync(again) == ["applied"]
    await held.refresh_from_db()
    assert (held.ended_at, held.at) == (None, cast.clock())


async def test_a_policy_switches_a_signal_off(cast: Cast) -> None:
    await rounds(cast, later=2 * HOUR)
    await adopt(cast, "later_answers", "fewer_answers", "lower_mood", is_on=False)
    assert await found(cast) == []


async def test_carers_read_none_of_it_and_nobody_after_the_placement(cast: Cast) -> None:
    await rounds(cast, later=2 * HOUR)
    assert "Changed:" not in await page_of(cast, "sam", "/desk/")
    await cast.children["mia"].refresh_from_db()
    await type(cast.children["mia"]).filter(id=cast.mia.id).update(left_at=cast.clock())
    assert "What has changed" not in await page_of(cast, "tom")


async def test_a_list_for_other_programs_says_what_the_board_says_and_to_the_same_readers(
    cast: Cast,
) -> None:
    await rounds(cast, later=2 * HOUR)

    async def changed(name: str) -> str | None:
        path = "/api/v1/children"
        listed = (await cast.client_as(name).get(path)).json()["children"]
        return {child["name"].split()[0]: child["changed"] for child in listed}["Mia"]

    says = await changed("tom")
    assert says is not None
    assert "answers later" in says
    assert says in await page_of(cast, "tom", "/desk/")
    await Person.filter(id=cast.tom.id).update(language="fr")
    assert "réponses plus tardives" in (await changed("tom") or "")
    assert await changed("sam") is None
    assert await changed("mia") is None
    await adopt(cast, "later_answers", "fewer_answers", "lower_mood", is_on=False)
    assert await changed("tom") is None


async def test_a_board_reads_the_answers_anew_after_ten_minutes_and_no_child_twice(
    cast: Cast,
) -> None:
    on_board = drift.OnBoard()

    async def line() -> str:
        lines = await on_board.lines(
            cast.agency.id, [cast.mia.id, cast.noor.id], "en", cast.clock()
        )
        return lines.get(cast.mia.id, "")

    assert await line() == ""
    await rounds(cast, later=2 * HOUR)
    cast.clock.advance(minutes=9)
    assert await line() == ""
    cast.clock.advance(minutes=1)
    assert await line() == "Changed: answers later"
    await adopt(cast, "later_answers", is_on=False)
    assert await line() == ""
    await adopt(cast, "later_answers", is_on=True, version=2)
    cast.clock.advance(minutes=-30)
    assert await line() == "Changed: answers later"
    assert await on_board.lines(cast.agency.id, [], "en", cast.clock()) == {}

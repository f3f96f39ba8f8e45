"""What may belong together: said in a sentence, to whoever works with every child in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.models import Entry
from server.errors import Conflict
from server.missing.profile import actions, mark_actions
from server.missing.profile.marks import Same, marks_of
from server.missing.profile.models import PackMark
from server.missing.search.models import Episode
from server.people.actions import set_language
from server.people.models import Child, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.reports import patterns
from server.reports.patterns import Due, Held, OnShift, Time
from server.rota.calendar import Shift
from server.rota.models import FixedShift as RotaShift
from server.storage import bulk
from server.watch.models import Round, round_id
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at_desk

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
MIA, NOOR, JOY = UUID(int=1), UUID(int=2), UUID(int=3)
HOUSE, MILL = UUID(int=11), UUID(int=12)


def texts(what: Same, **fields: str) -> set[str]:
    return {one.text for one in marks_of(fields) if one.what is what}


# --- what can be compared


ARABIC = "".join(chr(0x660 + int(one)) for one in "0611223344")


@pytest.mark.parametrize(
    "written",
    ["+33 6 11 22 33 44", "06.11.22.33.44", "0033 (6) 11-22-33-44", ARABIC, "His: 0611223344!"],
)
def test_one_number_is_the_same_however_it_is_written(written: str) -> None:
    assert texts(Same.NUMBER, persons_of_concern=written) == {"611223344"}


@pytest.mark.parametrize(
    "written", ["2026-03-31", "31.03.2026", "born 3/4/2009", "room 12", "40 years"]
)
def test_a_day_or_an_age_is_no_number(written: str) -> None:
    assert texts(Same.NUMBER, friends=written) == set()


def test_what_a_home_has_in_common_is_no_link() -> None:
    said = {"doctor": "01 44 55 66 77", "professionals": "Tom, 01 44 55 66 78"}
    assert marks_of({**said, "address": "3 Quay Street"}) == frozenset()


def test_an_account_is_found_without_its_sign_and_a_word_is_none() -> None:
    said = texts(Same.ACCOUNT, handles="Insta: @Mimi_Dance, her other name mimi_dance")
    assert said == {"mimi_dance"}


def test_a_place_and_a_person_are_the_same_whatever_the_accents() -> None:
    said = "12 Rue de l'Échiquier, Paris"
    assert texts(Same.PLACE, places_found=said) == {"12 rue de l echiquier"}
    assert texts(Same.PERSON, controllers="KARIM  Bénali; drives") == {"karim benali"}


# --- what is said, and beside what


def times(*hours: int, child: UUID = MIA, home: UUID | None = HOUSE) -> list[Time]:
    """Of these days ago, at that hour in Paris."""
    return [
        Time(child, NOW.replace(hour=hour - 1) - (number + 1) * DAY, home, PARIS)
        for number, hour in enumerate(hours)
    ]


def test_three_times_in_thirty_days_are_said_and_a_fourth_of_before_is_not_counted() -> None:
    old = [Time(MIA, NOW - 30 * DAY, HOUSE, PARIS)]
    [one] = patterns.often([*times(9, 9, 9), *old, *times(9, 9, child=NOOR)], NOW)
    assert (one.child_id, one.times) == (MIA, 3)


def test_a_home_is_said_with_how_many_live_there_and_only_where_it_is_more_than_its_share() -> None:
    living: dict[UUID | None, int] = {HOUSE: 1, MILL: 2}
    some = [*times(9, 9, 9), *times(9, child=NOOR, home=MILL)]
    [one] = patterns.by_home(some, living, NOW)
    assert (one.home_id, one.times, one.of_times) == (HOUSE, 3, 4)
    assert (one.children, one.of_children) == (1, 3)
    assert patterns.by_home(times(9, 9, 9), {HOUSE: 2}, NOW) == []
    assert patterns.by_home(times(9, 9), living, NOW) == []
    assert patterns.by_home(times(9, 9, 9, home=None), living, NOW) == []


def test_hours_are_those_of_the_childs_clock_and_more_than_half() -> None:
    [one] = patterns.by_hours(times(23, 3, 22, 10), NOW)
    assert (one.begin, one.end, one.times, one.of_times) == (22, 6, 3, 4)
    assert patterns.by_hours(times(23, 3, 22, 10, 11, 12), NOW) == []


# --- who had the shift


EVE, TOM, SAM = UUID(int=21), UUID(int=22), UUID(int=23)
CHILDREN = [UUID(int=100 + n) for n in range(6)]
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """One check-in."""

    child_id: UUID
    at: datetime
    zone: ZoneInfo
    is_missed: bool


def by_shift(rounds: list[Asked], shifts: list[Shift]) -> list[OnShift]:
    """As the page asks for it: added up by moment first, then without what one or two missed."""
    by_moment: dict[datetime, list[Asked]] = {}
    for one in rounds:
        by_moment.setdefault(one.at, []).append(one)
    due = [
        Due(at, ZoneInfo("UTC"), len(some), sum(one.is_missed for one in some))
        for at, some in by_moment.items()
    ]
    return [
        shift
        for shift in patterns.by_shift(due, shifts)
        if len(
            {one.child_id for one in rounds if one.is_missed and ("UTC", one.at) in shift.moments}
        )
        >= patterns.FEWEST_CHILDREN
    ]


def asked(day: int, hour: int, child: int = 0, *, is_missed: bool = False) -> Asked:
    return Asked(CHILDREN[child], BEGIN + day * DAY + hour * HOUR, ZoneInfo("UTC"), is_missed)


def on_shift(who: UUID, day: int, begin: int = 0, end: int = 24) -> Shift:
    return Shift(who, BEGIN + day * DAY + begin * HOUR, BEGIN + day * DAY + end * HOUR)


def a_month(missed_by: Callable[[int, int], bool]) -> tuple[list[Asked], list[Shift]]:
    """Twelve days, Eve and Tom in turn, two check-ins of each of three children in each evening."""
    shifts = [on_shift(EVE if day % 2 else TOM, day) for day in range(12)]
    rounds = [
        asked(day, hour, child, is_missed=missed_by(day, child))
        for day in range(12)
        for hour in (18, 19)
        for child in range(3)
    ]
    return rounds, shifts


def test_a_shift_in_which_much_more_is_missed_is_said_beside_what_is_usual() -> None:
    def missed_by(day: int, child: int) -> bool:
        return (day // 2 + child) % 2 == 0 if day % 2 else day == 2 and child == 0

    [one] = by_shift(*a_month(missed_by))
    assert (one.person_id, one.asked) == (EVE, 36)
    assert (one.missed, one.usual) == (18, 2)


def test_where_one_child_alone_misses_it_is_not_the_shift() -> None:
    assert by_shift(*a_month(lambda day, child: day % 2 == 1 and child == 0)) == []


def test_who_has_the_nights_is_compared_with_other_nights() -> None:
    """At night everybody misses: who has the nights more often stands out by nothing."""
    shifts = [on_shift(EVE if day % 4 else TOM, day, 18) for day in range(24)]
    shifts += [on_shift(TOM, day, 0, 18) for day in range(24)]
    rounds = [
        asked(day, hour, child, is_missed=hour == 23)
        for day in range(24)
        for hour in (9, 23)
        for child in range(3)
    ]
    assert by_shift(rounds, shifts) == []
    # Where nobody else has ever had a night there is nothing beside which it could stand.
    alone = [on_shift(EVE, day, 18) for day in range(24)]
    assert by_shift(rounds, [*alone, *shifts[24:]]) == []


ROUNDS = st.lists(
    st.builds(
        asked,
        st.integers(0, 9),
        st.sampled_from([1, 9, 18, 23]),
        st.integers(0, 5),
        is_missed=st.booleans(),
    ),
    max_size=150,
)
SHIFTS = st.lists(
    st.builds(
        on_shift,
        st.sampled_from([EVE, TOM, SAM]),
        st.integers(0, 9),
        st.sampled_from([0, 8, 18]),
        st.sampled_from([20, 24, 32]),
    ),
    max_size=20,
)


@given(ROUNDS, SHIFTS, st.randoms())
def test_whatever_was_missed_only_what_stands_out_is_said_and_counted_right(
    rounds: list[Asked], shifts: list[Shift], random: Any
) -> None:
    found = by_shift(rounds, shifts)
    for one in found:
        here, beside = _by_hand(one.person_id, rounds, shifts)
        theirs = [one for part, one in here if any(other == part for other, _ in beside)]
        assert len(theirs) == one.asked
        missed = [one.child_id for one in theirs if one.is_missed]
        assert len(missed) == one.missed >= patterns.FEWEST_MISSED
        assert len(set(missed)) >= patterns.FEWEST_CHILDREN
        usual = 0.0
        for part in {part for part, _ in beside}:
            others = [other.is_missed for place, other in beside if place == part]
            usual += sum(place == part for place, _ in here) * sum(others) / len(others)
        assert one.usual == pytest.approx(usual)
        assert one.missed >= patterns.STANDS_OUT * one.usual
    mixed = random.sample(rounds, len(rounds)), random.sample(shifts, len(shifts))
    assert by_shift(*mixed) == found


def _by_hand(who: UUID, rounds: list[Asked], shifts: list[Shift]) -> tuple[Any, Any]:
    """Each check-in with its third of the day: of this person's shifts, and of others alone."""
    here, beside = [], []
    for one in rounds:
        there = {shift.who for shift in shifts if shift.begin <= one.at < shift.end}
        part = {1: 2, 23: 2, 9: 0, 18: 1}[one.at.hour]
        if who in there:
            here.append((part, one))
        elif there:
            beside.append((part, one))
    return here, beside


@given(ROUNDS, SHIFTS)
def test_where_one_person_has_every_shift_nobody_stands_out(
    rounds: list[Asked], shifts: list[Shift]
) -> None:
    alone = [Shift(EVE, one.begin, one.end) for one in shifts]
    assert by_shift(rounds, alone) == []


def test_two_packs_share_a_thing_once_however_often_it_stands_there() -> None:
    held = [
        Held(child, Same.NUMBER, field, "x")
        for child, field in ((MIA, "friends"), (MIA, "partner"), (NOOR, "friends"))
    ]
    [one] = patterns.shared([*held, Held(MIA, Same.PLACE, "places_found", "y")])
    assert (one.one, one.other, one.fields) == (MIA, NOOR, ("friends", "partner"))


def test_a_thing_in_many_packs_makes_no_list_without_end() -> None:
    many = [Held(UUID(int=n), Same.NUMBER, "friends", "x") for n in range(200)]
    assert len(patterns.shared(many)) == patterns.MOST_SHARED
    about = patterns.shared(many, UUID(int=7))
    assert len(about) == 199
    assert all(UUID(int=7) in (pair.one, pair.other) for pair in about)


# --- the marks


async def pack(cast: Cast, child: str, base: int = 0, **fields: str) -> None:
    await actions.put(
        cast.actor("tom"),
        cast.children[child],
        [Role.CASEWORKER],
        base=base,
        given=fields,
        now=cast.clock(),
    )


async def both_packs(cast: Cast) -> None:
    await pack(cast, "mia", persons_of_concern="A man, +33 6 11 22 33 44")
    await pack(cast, "noor", second_phones="06 11 22 33 44")


async def links(cast: Cast, name: str) -> list[dict[str, Any]]:
    await cast.new_token(name)
    async with cast.client_as(name) as client:
        answer = await client.get("/api/v1/patterns")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["links"]
    return found


async def test_marks_are_hashes_and_change_with_the_pack_in_one_transaction(cast: Cast) -> None:
    await both_packs(cast)
    marks = await PackMark.filter(what="number").values_list("mark", flat=True)
    assert len(set(marks)) == 1
    assert all(len(one) == 64 and "611223344" not in one for one in marks)
    with pytest.raises(Conflict):
        await pack(cast, "mia", base=0, persons_of_concern="Another, 06 99 88 77 66")
    assert len(await links(cast, "tom")) == 1
    await pack(cast, "mia", base=1, persons_of_concern="Another, 06 99 88 77 66")
    assert await links(cast, "tom") == []
    assert await PackMark.filter(child_id=cast.mia.id, what="version").values_list(
        "mark", flat=True
    ) == ["2"]


async def test_packs_of_before_are_marked_once(cast: Cast) -> None:
    await both_packs(cast)
    await PackMark.all().delete()
    assert await mark_actions.fill() == 2
    assert await mark_actions.fill() == 0
    assert [one["kind"] for one in await links(cast, "tom")] == ["same_number"]


# --- who reads it


async def test_it_says_what_is_the_same_and_not_what_it_is(cast: Cast) -> None:
    await both_packs(cast)
    [one] = await links(cast, "tom")
    assert one["says"] == (
        "The same number is in the grab packs of Mia Castellane and Noor Haddadin, under:"
        " People to worry about and Other phones."
    )
    assert set(one["children"]) == {str(cast.mia.id), str(cast.noor.id)}
    assert await Entry.filter(child_id=cast.noor.id, what="look:episode:see").count() == 1


async def test_a_person_who_works_with_one_of_two_children_reads_nothing_of_the_pattern(
    cast: Cast,
) -> None:
    await both_packs(cast)
    await add_tie(
        cast.actor("root"),
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER),
        cast.clock(),
    )
    for name in ("eve", "ada", "sam", "root", "uwe"):
        assert await links(cast, name) == []
    await cast.on_duty("eve")
    assert len(await links(cast, "eve")) == 1


async def test_the_end_of_a_tie_hides_it_at_once(cast: Cast) -> None:
    await both_packs(cast)
    assert len(await links(cast, "ines")) == 1
    await Tie.filter(id=cast.ties["noor", "ines"]).update(until_at=cast.clock())
    assert await links(cast, "ines") == []


async def test_a_pack_of_another_agency_never_meets_ours(cast: Cast) -> None:
    await pack(cast, "mia", second_phones="06 11 22 33 44")
    await actions.put(
        cast.actor("uwe"),
        cast.children["lia"],
        [Role.CASEWORKER],
        base=0,
        given={"second_phones": "06 11 22 33 44"},
        now=cast.clock(),
    )
    assert (await PackMark.filter(what="number").count()) == 2
    assert len(set(await PackMark.filter(what="number").values_list("mark", flat=True))) == 2
    assert await links(cast, "tom") == await links(cast, "uwe") == []


async def missing_thrice(cast: Cast) -> Episode:
    """Mia, by night, from the house; the last time is not over."""
    rows = []
    for number in range(3):
        at = cast.clock() - (number * 5 + 1) * DAY
        rows.append(
            await Episode.create(
                id=uuid4(),
                agency_id=cast.agency.id,
                child_id=cast.mia.id,
                home_id=cast.home.id,
                opened_at=at.replace(hour=1),
                said_at=at,
                opened_role="caseworker",
                tier="mid",
                found_at=at if number else None,
                stage="found" if number else "deciding",
            )
        )
    return rows[0]


async def test_homes_and_hours_are_counted_for_who_supervises(cast: Cast) -> None:
    await missing_thrice(cast)
    says = [one["says"] for one in await links(cast, "ines")]
    assert says == [
        "Mia Castellane went missing 3 times in 30 days.",
        "In 90 days children went missing 3 times. In 3 of these the child lived in The"
        " house, where 1 of 2 children live now.",
        "In 90 days children went missing 3 times. 3 of these began between 22:00 and"
        " 06:00, a third of the day.",
    ]
    assert [one["kind"] for one in await links(cast, "tom")] == ["often"]


async def rounds_and_shifts(cast: Cast) -> None:
    """Twenty evenings, Eve and Ines in turn; in those of Eve half of the check-ins are missed."""
    now, rows = cast.clock(), []
    more = [cast.mia.id, cast.noor.id, *await scenes.crowd(cast, 2)]
    await Round.all().delete()
    for day in range(1, 21):
        due_at = (now - day * DAY).replace(hour=19)
        name = "eve" if day % 2 else "ines"
        await RotaShift.create(
            agency_id=cast.agency.id,
            person_id=cast.persons[name].id,
            from_at=due_at - 2 * HOUR,
            until_at=due_at + 2 * HOUR,
        )
        for number, child_id in enumerate(more):
            is_missed = (number + day // 2) % 2 == 0 if name == "eve" else (day, number) == (4, 0)
            state = "answered_late" if is_missed else "answered"
            rows.append(a_round(child_id, due_at, state))
    await bulk.insert(Round, rows)


def a_round(child_id: UUID, due_at: datetime, state: str) -> dict[str, Any]:
    return {
        "id": round_id(child_id, due_at),
        "child_id": child_id,
        "opens_at": due_at - 2 * HOUR,
        "due_at": due_at,
        "late_at": due_at + HOUR,
        "state": state,
    }


async def test_a_shift_is_said_to_the_supervisor_with_its_base_and_to_nobody_else(
    cast: Cast,
) -> None:
    await rounds_and_shifts(cast)
    [one] = await links(cast, "ines")
    assert (one["kind"], one["children"]) == ("shift", [])
    assert one["says"] == (
        "In 90 days, 20 of 40 check-ins were missed on Eve Thackeray's shifts. At the same"
        " hours on other people's shifts, about 1 would have been missed. Perhaps these"
        " were the hard days: ask what this shift needs."
    )
    for name in ("tom", "ada", "sam", "root", "uwe"):
        assert await links(cast, name) == []
    # Whoever is on duty stands in for a supervisor for that time, of every child of the agency.
    await cast.on_duty("eve")
    assert [one["kind"] for one in await links(cast, "eve")] == ["shift"]


async def test_children_are_counted_over_all_weeks_of_a_shift(cast: Cast) -> None:
    await rounds_and_shifts(cast)
    ids = sorted({one.child_id for one in await Round.all()})
    for several, kinds in ((2, []), (3, ["shift"])):
        await Round.all().update(state="answered")
        # One child in each of Eve's weeks.
        for day in range(1, 20, 2):
            due_at = (cast.clock() - day * DAY).replace(hour=19)
            missed = Round.filter(child_id=ids[day * several // 20], due_at=due_at)
            await missed.update(state="answered_late")
        assert [one["kind"] for one in await links(cast, "ines")] == kinds


async def test_a_rota_that_says_nothing_of_those_evenings_names_nobody(cast: Cast) -> None:
    await rounds_and_shifts(cast)
    await RotaShift.all().delete()
    assert await links(cast, "ines") == []


async def test_names_in_two_scripts_keep_their_order_in_arabic(cast: Cast) -> None:
    await both_packs(cast)
    await set_language(cast.actor("tom"), cast.tom.id, "ar", cast.clock())
    [one] = await links(cast, "tom")
    for name in ("Mia Castellane", "Noor Haddadin"):
        assert f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" in one["says"]


async def test_the_page_and_the_box_of_a_search_say_the_same(cast: Cast) -> None:
    await both_packs(cast)
    episode = await missing_thrice(cast)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/patterns")).text
        box = (await browser.get(f"/desk/episodes/{episode.id}")).text
    for text in (page, box):
        assert "Mia Castellane went missing 3 times in 30 days." in text
        assert "The same number is in the grab packs" in text
        assert "11 22 33 44" not in text
    assert "It may be chance" in page
    assert "It may be chance" in box


async def test_nothing_to_look_at_is_said_too(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        assert "No patterns stand out now." in (await browser.get("/desk/patterns")).text
    assert await Child.filter(id=cast.mia.id).exists()


async def test_on_duty_only_the_children_who_are_named_are_looked_at(cast: Cast) -> None:
    await both_packs(cast)
    await scenes.crowd(cast, 30)
    await cast.on_duty("eve")
    assert len(await links(cast, "eve")) == 1
    looks = await Entry.filter(who_id=cast.eve.id, what__startswith="look").values_list(
        "child_id", "why"
    )
    assert {child_id for child_id, _ in looks} == {cast.mia.id, cast.noor.id}
    assert "on_duty" in {why for _, why in looks}


async def test_many_patterns_come_in_parts(cast: Cast) -> None:
    for child_id in await scenes.crowd(cast, 60):
        for _ in range(3):
            at = cast.clock() - DAY
            await Episode.create(
                id=uuid4(),
                agency_id=cast.agency.id,
                child_id=child_id,
                opened_at=at,
                said_at=at,
                opened_role="caseworker",
                tier="mid",
                stage="found",
                found_at=at,
            )
    async with at_desk(cast, "tom") as browser:
        first = (await browser.get("/desk/patterns")).text
        rest = (await browser.get("/desk/patterns?page=2")).text
    assert (first.count("3 times in 30 days"), rest.count("3 times in 30 days")) == (50, 10)
    assert 'href="/desk/patterns?page=2"' in first

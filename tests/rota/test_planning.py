"""Planning who is on duty, and what stands on the ladder by it, on both databases."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.recipients import reach_of
from server.audit.models import Entry
from server.errors import IdReused, NotFound, Refused
from server.notify.actions import set_last_resorts
from server.people.models import Person
from server.people.rules import Role
from server.people.ties import end_tie
from server.policy.model import Rung
from server.rota import planning
from server.rota.duty import on_duty, on_rota
from server.rota.models import Duty, FixedShift, Handover, Leave, RotaTerms
from tests.cast import Cast
from tests.races import no_fault, together

HOUR = timedelta(hours=1)
ALL_DAY = list(range(7))


def local(cast: Cast, text: str) -> datetime:
    """A moment as the wall clock of the agency shows it."""
    zone = ZoneInfo(cast.agency.zone)
    return datetime.fromisoformat(text).replace(tzinfo=zone)


async def nights(cast: Cast, *who: str, **how: Any) -> Duty:
    """Nights from 18:00 to 08:00, every day from today on, taken in turn."""
    given: dict[str, Any] = {
        "id": uuid4(),
        "days": ALL_DAY,
        "begins": "18:00",
        "ends": "08:00",
        "zone": "Europe/Paris",
        "people": [cast.persons[name].id for name in who],
        "first_on": cast.clock().date(),
    }
    new = planning.DutyRequest(**{**given, **how})
    return await planning.add_duty(cast.actor("ines"), cast.agency.id, new, cast.clock())


async def away(cast: Cast, name: str, cover: str | None = None, **how: Any) -> Leave:
    """That person is on leave from now on, for a day."""
    given: dict[str, Any] = {
        "id": uuid4(),
        "person_id": cast.persons[name].id,
        "cover_id": cast.persons[cover].id if cover else None,
        "from_at": cast.clock(),
        "until_at": cast.clock() + 24 * HOUR,
    }
    new = planning.LeaveRequest(**{**given, **how})
    return await planning.add_leave(cast.actor(name), cast.agency.id, new, cast.clock())


async def handed(cast: Cast, who: str | None, to: str, begin: datetime, end: datetime) -> Handover:
    new = planning.HandoverRequest(
        id=uuid4(),
        who_id=cast.persons[who].id if who else None,
        to_id=cast.persons[to].id,
        from_at=begin,
        until_at=end,
    )
    return await planning.hand_over(cast.actor("ines"), cast.agency.id, new, cast.clock())


async def on(cast: Cast, moment: datetime) -> set[str]:
    """Who is on duty at a moment, by name."""
    found = (await on_duty([cast.agency.id], moment))[cast.agency.id]
    return {name for name, person in cast.persons.items() if person.id in found}


async def reach(cast: Cast, *rungs: Rung) -> dict[Rung, set[str]]:
    """Whom a ladder of these rungs calls about Mia now, by name."""
    mia = cast.mia.id
    found = (await reach_of({mia: cast.agency.id}, cast.clock()))[mia].on(*(rungs or tuple(Rung)))
    names = {person.id: name for name, person in cast.persons.items()}
    return {rung: {names[who] for who in who_all} for rung, who_all in found.items() if who_all}


# --- who is on duty


async def test_a_weekly_shift_has_its_person_on_duty_by_the_wall_clock(cast: Cast) -> None:
    await nights(cast, "eve")
    day = cast.clock().date()
    assert await on(cast, local(cast, f"{day}T18:00")) == {"eve"}
    assert await on(cast, local(cast, f"{day}T17:59")) == set()
    assert await on(cast, local(cast, f"{day + timedelta(days=1)}T07:59")) == {"eve"}
    assert await on(cast, local(cast, f"{day + timedelta(days=1)}T08:00")) == set()


async def test_a_fixed_shift_and_a_weekly_one_stand_side_by_side(cast: Cast) -> None:
    await FixedShift.create(
        agency_id=cast.agency.id, person_id=cast.ines.id, from_at=cast.clock(), until_at=None
    )
    await nights(cast, "eve")
    assert await on(cast, local(cast, f"{cast.clock().date()}T20:00")) == {"ines", "eve"}


async def test_an_ended_weekly_shift_no_longer_recurs_but_the_running_shift_goes_on(
    cast: Cast,
) -> None:
    row = await nights(cast, "eve")
    day = cast.clock().date()
    cast.clock.set(local(cast, f"{day + timedelta(days=1)}T02:00"))
    for _ in range(2):
        await planning.end_duty(cast.actor("ines"), cast.agency.id, row.id, cast.clock())
    assert await on(cast, cast.clock()) == {"eve"}
    assert await on(cast, local(cast, f"{day + timedelta(days=1)}T20:00")) == set()
    assert await Entry.filter(what="rota:duty_end").count() == 1


async def test_a_person_who_left_the_agency_is_not_on_duty(cast: Cast) -> None:
    await nights(cast, "eve")
    await Person.filter(id=cast.eve.id).update(disabled_at=cast.clock())
    assert await on(cast, local(cast, f"{cast.clock().date()}T20:00")) == set()


async def test_a_handover_is_taken_back_from_now_on(cast: Cast) -> None:
    await nights(cast, "eve")
    day = cast.clock().date()
    begin, end = local(cast, f"{day}T18:00"), local(cast, f"{day + timedelta(days=1)}T08:00")
    row = await handed(cast, "eve", "tom", begin, end)
    assert await on(cast, begin) == {"tom"}
    cast.clock.set(begin + HOUR)
    for _ in range(2):
        await planning.take_back_handover(cast.actor("ines"), cast.agency.id, row.id, cast.clock())
    assert await on(cast, cast.clock()) == {"eve"}
    # What it has been stays on record.
    assert await on(cast, begin) == {"tom"}


async def test_nothing_is_planned_backwards(cast: Cast) -> None:
    begin = cast.clock() - 5 * HOUR
    row = await handed(cast, None, "tom", begin, cast.clock() + HOUR)
    assert row.from_at == cast.clock()
    assert await on(cast, cast.clock() - HOUR) == set()


# --- the ladder


async def test_a_person_who_covers_is_on_the_rungs_of_the_person_on_leave(cast: Cast) -> None:
    await away(cast, "tom", "eve")
    assert await reach(cast) == {
        Rung.CASEWORKER: {"eve"},
        Rung.DEPUTY: {"ines"},
        Rung.MANAGER: {"ines"},
    }
    cast.clock.advance(hours=24)
    assert (await reach(cast))[Rung.CASEWORKER] == {"tom"}


async def test_without_a_named_cover_the_deputy_stands_in(cast: Cast) -> None:
    await away(cast, "tom")
    assert (await reach(cast))[Rung.CASEWORKER] == {"ines"}


async def test_a_deputy_on_leave_is_skipped(cast: Cast) -> None:
    await away(cast, "ines")
    assert await reach(cast) == {Rung.CASEWORKER: {"tom"}}


async def test_where_everyone_is_on_leave_they_are_called_rather_than_nobody(cast: Cast) -> None:
    set_last_resorts(1)
    await away(cast, "tom")
    await away(cast, "ines")
    found = await reach(cast)
    assert found[Rung.CASEWORKER] == {"tom"}
    assert found[Rung.DEPUTY] == {"ines"}
    mia = cast.mia.id
    standing = (await reach_of({mia: cast.agency.id}, cast.clock()))[mia]
    assert Rung.LAST_RESORT in standing.on(*Rung)
    set_last_resorts(0)


async def test_a_ladder_that_ends_at_those_on_leave_calls_them_though_others_are_there(
    cast: Cast,
) -> None:
    """An agency may have left rungs out: what counts is whom this ladder reaches."""
    await Person.filter(id=cast.tom.id).update(deputy_id=None)
    await away(cast, "tom")
    assert await reach(cast, Rung.CASEWORKER, Rung.LAST_RESORT) == {
        Rung.CASEWORKER: {"tom"},
        Rung.MANAGER: {"ines"},
    }
    assert Rung.CASEWORKER not in await reach(cast, Rung.CASEWORKER, Rung.MANAGER)


async def test_managers_are_the_supervisors_tied_to_the_child(cast: Cast) -> None:
    assert (await reach(cast))[Rung.MANAGER] == {"ines"}
    await end_tie(cast.actor("root"), cast.children["mia"], cast.ties["mia", "ines"], cast.clock())
    assert Rung.MANAGER not in await reach(cast)


# --- whoever covers may come in


async def test_a_person_who_covers_sees_the_absent_persons_children_and_each_look_is_recorded(
    cast: Cast,
) -> None:
    path = f"/api/v1/children/{cast.mia.id}/watch"
    async with cast.client_as("eve") as client:
        assert (await client.get(path)).status_code == 404
        await away(cast, "tom", "eve")
        assert (await client.get(path)).status_code == 200
        listed = (await client.get("/api/v1/children")).json()["children"]
        assert {one["id"] for one in listed} == {str(cast.mia.id), str(cast.noor.id)}
        cast.clock.advance(hours=24)
        await cast.new_token("eve")
    async with cast.client_as("eve") as client:
        assert (await client.get(path)).status_code == 404
    async with cast.client_as("mia") as client:
        looks = (await client.get("/api/v1/looks")).json()["looks"]
    assert "They were covering for your caseworker." in {look["why"] for look in looks}


async def test_leave_ends_no_tie(cast: Cast) -> None:
    await away(cast, "tom", "eve")
    async with cast.client_as("tom") as client:
        assert (await client.get(f"/api/v1/children/{cast.mia.id}/watch")).status_code == 200


async def test_a_cover_for_nobody_now_is_nothing(cast: Cast) -> None:
    later = cast.clock() + 48 * HOUR
    await away(cast, "tom", "eve", from_at=later, until_at=later + HOUR)
    found = await on_rota(cast.eve.id, cast.clock())
    assert (found.is_on_duty, found.covers) == (False, frozenset())
    assert (await on_rota(cast.eve.id, later)).covers == {cast.tom.id}


# --- what cannot be


@pytest.mark.parametrize("who", ["sam", "ada", "root", "mia", "uwe"])
async def test_only_those_who_work_for_the_agency_stand_on_its_rota(cast: Cast, who: str) -> None:
    with pytest.raises(Refused) as refused:
        await nights(cast, "tom", who)
    assert refused.value.field == "people"
    with pytest.raises(Refused) as refused:
        await away(cast, "tom", who)
    assert refused.value.field == "cover_id"
    with pytest.raises(Refused) as refused:
        await handed(cast, None, who, cast.clock(), cast.clock() + HOUR)
    assert refused.value.field == "to_id"
    assert not await Duty.exists()
    assert not await Leave.exists()
    assert not await Handover.exists()


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"days": []}, "days"),
        ({"days": [7]}, "days"),
        ({"people": []}, "people"),
        ({"first_on": date(2001, 1, 1)}, "first_on"),
        ({"first_on": date(2199, 1, 1)}, "first_on"),
    ],
)
async def test_a_weekly_shift_that_no_week_holds_is_refused(
    cast: Cast, how: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        await nights(cast, "tom", **how)
    assert refused.value.field == field
    assert not await Duty.exists()


@pytest.mark.parametrize(
    ("begin", "end", "field"),
    [
        (1, 1, "until_at"),
        (-3, -1, "until_at"),
        (1, 24 * 400, "until_at"),
        (24 * 800, 24 * 801, "from_at"),
    ],
)
async def test_leave_at_a_time_that_cannot_be_is_refused(
    cast: Cast, begin: int, end: int, field: str
) -> None:
    now = cast.clock()
    with pytest.raises(Refused) as refused:
        await away(cast, "tom", from_at=now + begin * HOUR, until_at=now + end * HOUR)
    assert refused.value.field == field


async def test_nobody_covers_for_themselves_or_takes_over_from_themselves(cast: Cast) -> None:
    with pytest.raises(Refused):
        await away(cast, "tom", "tom")
    with pytest.raises(Refused):
        await handed(cast, "tom", "tom", cast.clock(), cast.clock() + HOUR)


async def test_a_person_cannot_hand_over_a_shift_they_do_not_have(cast: Cast) -> None:
    with pytest.raises(Refused) as refused:
        await handed(cast, "tom", "eve", cast.clock(), cast.clock() + HOUR)
    assert refused.value.field == "who_id"


async def test_nobody_on_leave_is_given_a_shift(cast: Cast) -> None:
    await away(cast, "eve")
    with pytest.raises(Refused) as refused:
        await handed(cast, None, "eve", cast.clock() + HOUR, cast.clock() + 2 * HOUR)
    assert refused.value.field == "to_id"


async def test_what_is_of_another_agency_is_not_there(cast: Cast) -> None:
    row = await nights(cast, "eve")
    with pytest.raises(NotFound):
        await planning.end_duty(cast.actor("uwe"), cast.other_agency.id, row.id, cast.clock())


@pytest.mark.parametrize("seconds", [899, 43_201])
async def test_a_lead_that_helps_nobody_is_refused(cast: Cast, seconds: int) -> None:
    with pytest.raises(Refused):
        await planning.set_terms(
            cast.actor("ines"),
            cast.agency.id,
            is_always=True,
            lead=timedelta(seconds=seconds),
            now=cast.clock(),
        )


# --- twice, and at once


async def test_the_same_id_twice_makes_one(cast: Cast) -> None:
    id_: UUID = uuid4()
    first = await nights(cast, "eve", id=id_)
    again = await nights(cast, "eve", id=id_)
    assert first.id == again.id
    with pytest.raises(IdReused):
        await nights(cast, "tom", id=id_)
    assert await Entry.filter(what="rota:duty_add").count() == 1


async def test_several_who_plan_at_once_all_succeed_and_are_seen_by_the_next_look(
    cast: Cast,
) -> None:
    now = cast.clock()
    found = await together(
        *(nights(cast, name) for name in ("eve", "tom", "ines")),
        *(handed(cast, None, "eve", now + n * HOUR, now + (n + 1) * HOUR) for n in range(3)),
    )
    no_fault(found)
    terms = await RotaTerms.get(id=cast.agency.id)
    assert terms.next_action_at == now
    assert terms.version == 6
    assert await Duty.all().count() == 3


async def test_an_action_that_fails_leaves_nothing(cast: Cast) -> None:
    with pytest.raises(Refused):
        await nights(cast, "tom", "sam")
    assert not await RotaTerms.exists()
    assert not await Entry.filter(what__startswith="rota").exists()


async def test_a_role_that_does_not_work_here_any_more_gives_no_right(cast: Cast) -> None:
    await nights(cast, "eve")
    at = local(cast, f"{cast.clock().date()}T20:00")
    assert (await on_rota(cast.eve.id, at)).is_on_duty
    await Person.filter(id=cast.eve.id).update(role=Role.CARER)
    assert not (await on_rota(cast.eve.id, at)).is_on_duty
    assert await on(cast, at) == set()

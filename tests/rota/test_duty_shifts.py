"""What time does with the rota: asked before a shift, told when it begins, warned of gaps. On both
databases."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from server.errors import NotFound
from server.notify.actions import set_last_resorts, tell_operators
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Message
from server.people.models import Person
from server.rota import duty_shifts, planning
from server.rota.models import DutyShift, FixedShift, Handover, Leave, RotaTerms
from tests.cast import Cast
from tests.races import no_fault, together

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PARIS = ZoneInfo("Europe/Paris")


def at(cast: Cast, hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    """A time of today's clock in Paris, or of a later day."""
    today = cast.agency.made_at.astimezone(PARIS).date() + timedelta(days=day)
    return datetime.combine(today, time(hour, minute), tzinfo=PARIS).astimezone(UTC)


async def nights(cast: Cast, *who: str, **how: Any) -> None:
    given: dict[str, Any] = {
        "id": uuid4(),
        "days": list(range(7)),
        "begins": "18:00",
        "ends": "08:00",
        "zone": "Europe/Paris",
        "people": [cast.persons[name].id for name in who],
        "first_on": cast.clock().astimezone(PARIS).date(),
    }
    new = planning.DutyRequest(**{**given, **how})
    await planning.add_duty(cast.actor("ines"), cast.agency.id, new, cast.clock())
    await planning.set_terms(
        cast.actor("ines"), cast.agency.id, is_always=False, lead=2 * HOUR, now=cast.clock()
    )


async def until(cast: Cast, end: datetime) -> None:
    """Time passes, as a ticker sees it that is never late."""
    for _ in range(200):
        await duty_shifts.ROTAS.tick(cast.clock())
        moments = await RotaTerms.filter(next_action_at__lte=end).order_by("next_action_at").first()
        if moments is None:
            cast.clock.set(end)
            return
        assert moments.next_action_at is not None
        cast.clock.set(max(moments.next_action_at, cast.clock()))
    raise AssertionError("time does not pass")


async def said(cast: Cast, *kinds: str) -> list[tuple[str, str]]:
    """What was said to whom, in order; "the last resort" for what goes to no person."""
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(kind__in=kinds or shift_kinds()).order_by("queued_at", "id")
    return [(row.kind, names.get(row.person_id, "the last resort")) for row in rows]  # type: ignore[arg-type]


def shift_kinds() -> list[str]:
    return ["reach", "shift", "unreached", "rota_gap", "operators"]


async def mail(cast: Cast, *names: str) -> None:
    for name in names:
        person = cast.persons[name]
        await add_address(
            cast.actor(name),
            person.id,
            AddAddress(channel="email", value=f"{name}@example.org"),
            cast.clock(),
        )


async def test_a_shift_is_asked_about_two_hours_before_and_told_when_it_begins(cast: Cast) -> None:
    await nights(cast, "eve")
    await until(cast, at(cast, 15, 59))
    assert await said(cast) == []
    await until(cast, at(cast, 16))
    await duty_shifts.ROTAS.tick(cast.clock())
    assert await said(cast) == [("reach", "eve")]
    await duty_shifts.say_reached((await DutyShift.get(begins_at=at(cast, 18))).id, cast.clock())
    await until(cast, at(cast, 18))
    await duty_shifts.ROTAS.tick(cast.clock())
    assert await said(cast) == [("reach", "eve"), ("shift", "eve")]
    [begun] = await Message.filter(kind="shift")
    assert begun.data == {"path": "/desk/duty", "open_alerts": 0}


async def test_the_test_alarm_goes_by_every_channel_and_leads_to_one_tap(cast: Cast) -> None:
    await mail(cast, "eve")
    await add_address(
        cast.actor("eve"),
        cast.eve.id,
        AddAddress(channel="sms", value="+33600000000"),
        cast.clock(),
    )
    await nights(cast, "eve")
    await until(cast, at(cast, 17))
    rows = await Message.filter(kind="reach")
    assert {row.channel for row in rows} == {"email", "sms"}
    assert {row.urgency for row in rows} == {"high"}
    [path] = {row.data["path"] for row in rows}
    async with cast.client() as client:
        page = await client.get(path, headers={"accept": "text/html"})
        assert "Can we reach you?" in page.text
        assert not any(surname in page.text for surname in ("Thackeray", "Castellane", "Harbour"))
        # A mail server that looks at links has not said yes.
        assert (await DutyShift.get(begins_at=at(cast, 18))).reached_at is None
        for _ in range(2):
            answer = await client.post(path, headers={"sec-fetch-site": "same-origin"})
            assert answer.status_code == 303
        assert "You said that we can reach you" in (await client.get(path)).text
    assert (await DutyShift.get(begins_at=at(cast, 18))).reached_at == cast.clock()
    assert {row.state for row in await Message.filter(kind="reach")} == {"withdrawn"}


async def test_without_a_yes_those_who_plan_and_the_operators_hear_of_it(cast: Cast) -> None:
    set_last_resorts(1)
    await nights(cast, "eve")
    await until(cast, at(cast, 18))
    await duty_shifts.ROTAS.tick(cast.clock())
    assert sorted(await said(cast)) == [
        ("operators", "the last resort"),
        ("reach", "eve"),
        ("shift", "eve"),
        ("unreached", "ines"),
        ("unreached", "root"),
    ]
    set_last_resorts(0)


async def test_many_tickers_say_each_thing_once(cast: Cast) -> None:
    await nights(cast, "eve")
    for moment in (at(cast, 16), at(cast, 18)):
        await duty_shifts.ROTAS.tick(cast.clock())
        cast.clock.set(moment)
        no_fault(await together(*(duty_shifts.ROTAS.tick(cast.clock()) for _ in range(4))))
    assert sorted(await said(cast)) == [
        ("reach", "eve"),
        ("shift", "eve"),
        ("unreached", "ines"),
        ("unreached", "root"),
    ]
    assert await DutyShift.filter(begins_at=at(cast, 18)).count() == 1


async def test_after_blindness_only_what_still_matters_is_said(cast: Cast) -> None:
    await nights(cast, "eve")
    await duty_shifts.ROTAS.tick(cast.clock())
    # Down from before the question until the middle of the second night.
    cast.clock.set(at(cast, 23, day=1))
    await duty_shifts.ROTAS.tick(cast.clock())
    assert await said(cast) == [("shift", "eve")]
    assert await DutyShift.filter(begun_at__isnull=False).count() == 1


async def test_a_shift_in_the_early_morning_is_asked_about_the_evening_before(cast: Cast) -> None:
    await nights(cast, "eve", begins="08:00", ends="18:00")
    await until(cast, at(cast, 20, 59))
    assert await Message.filter(kind="reach").count() == 0
    await until(cast, at(cast, 21))
    await duty_shifts.ROTAS.tick(cast.clock())
    [asked] = await Message.filter(kind="reach")
    assert asked.expires_at == at(cast, 8, day=1)


@pytest.mark.parametrize(
    ("begin", "now", "asked"),
    [
        ("2026-03-02T18:00", "2026-03-01T12:00", "2026-03-02T16:00"),
        ("2026-03-02T08:00", "2026-03-01T12:00", "2026-03-01T21:00"),
        ("2026-03-02T00:00", "2026-03-01T12:00", "2026-03-01T21:00"),
        ("2026-03-02T09:00", "2026-03-01T12:00", "2026-03-02T07:00"),
        # Planned at short notice: at once, or as soon as they are awake.
        ("2026-03-02T18:00", "2026-03-02T17:00", "2026-03-02T17:00"),
        ("2026-03-02T08:00", "2026-03-01T23:00", "2026-03-02T07:00"),
        ("2026-03-02T03:00", "2026-03-02T01:00", "2026-03-02T01:00"),
        # The night in which the clocks go forward.
        ("2026-03-29T09:30", "2026-03-28T12:00", "2026-03-29T07:30"),
    ],
)
def test_when_the_person_on_duty_is_asked(begin: str, now: str, asked: str) -> None:
    moments = [datetime.fromisoformat(one).replace(tzinfo=PARIS) for one in (begin, now, asked)]
    first, second, third = (one.astimezone(UTC) for one in moments)
    assert duty_shifts.ask_at(first, 2 * HOUR, "Europe/Paris", second) == third


def test_nobody_is_asked_about_what_has_begun() -> None:
    now = datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert duty_shifts.ask_at(now, 2 * HOUR, "Europe/Paris", now) is None


async def test_who_takes_a_shift_over_is_asked_and_who_gave_it_is_not(cast: Cast) -> None:
    await nights(cast, "eve")
    await until(cast, at(cast, 12))
    new = planning.HandoverRequest(
        id=uuid4(),
        who_id=cast.eve.id,
        to_id=cast.tom.id,
        from_at=at(cast, 18),
        until_at=at(cast, 8, day=1),
    )
    await planning.hand_over(cast.actor("eve"), cast.agency.id, new, cast.clock())
    await until(cast, at(cast, 17))
    assert await said(cast) == [("reach", "tom")]


async def test_a_shift_that_is_handed_over_while_it_runs_is_told_at_once(cast: Cast) -> None:
    await nights(cast, "eve")
    await until(cast, at(cast, 23))
    new = planning.HandoverRequest(
        id=uuid4(),
        who_id=cast.eve.id,
        to_id=cast.tom.id,
        from_at=at(cast, 22),
        until_at=at(cast, 8, day=1),
    )
    await planning.hand_over(cast.actor("eve"), cast.agency.id, new, cast.clock())
    await duty_shifts.ROTAS.tick(cast.clock())
    assert (await said(cast, "shift"))[-1] == ("shift", "tom")
    cast.clock.advance(minutes=10)
    await Handover.all().update(ended_at=None)
    await RotaTerms.all().update(next_action_at=cast.clock())
    await duty_shifts.ROTAS.tick(cast.clock())
    assert len(await said(cast, "shift")) == 2, "nobody is told twice"


async def test_a_question_about_a_shift_that_no_longer_exists_is_withdrawn(cast: Cast) -> None:
    await nights(cast, "eve")
    await until(cast, at(cast, 17))
    [asked] = await Message.filter(kind="reach")
    await Person.filter(id=cast.eve.id).update(disabled_at=cast.clock())
    await until(cast, at(cast, 18))
    await duty_shifts.ROTAS.tick(cast.clock())
    assert (await Message.get(id=asked.id)).state == "withdrawn"
    assert await said(cast, "shift", "unreached") == []
    async with cast.client() as client:
        gone = await client.get(asked.data["path"], headers={"accept": "text/html"})
    assert gone.status_code == 404
    assert "This shift is no longer yours" in gone.text


async def test_whose_shift_is_cut_short_is_told_of_the_next_one_anew(cast: Cast) -> None:
    row = await FixedShift.create(
        agency_id=cast.agency.id, person_id=cast.eve.id, from_at=cast.clock()
    )
    await nights(cast, "eve")
    await duty_shifts.ROTAS.tick(cast.clock())
    assert await said(cast, "shift") == [("shift", "eve")]
    await until(cast, at(cast, 12))
    await planning.end_shift(cast.actor("ines"), cast.agency.id, row.id, cast.clock())
    await until(cast, at(cast, 18))
    await duty_shifts.ROTAS.tick(cast.clock())
    assert await said(cast, "reach", "shift") == [
        ("shift", "eve"),
        ("reach", "eve"),
        ("shift", "eve"),
    ]


async def test_who_goes_on_where_they_left_off_is_not_told_anew(cast: Cast) -> None:
    await nights(cast, "eve")
    await nights(cast, "eve", begins="08:00", ends="18:00")
    await until(cast, at(cast, 20, day=3))
    assert len(await said(cast, "shift")) == 1


async def test_a_link_that_is_none_of_ours_opens_nothing(cast: Cast) -> None:
    with pytest.raises(NotFound):
        duty_shifts.read_token("nonsense", cast.clock())
    with pytest.raises(NotFound):
        await duty_shifts.say_reached(uuid4(), cast.clock())
    async with cast.client() as client:
        for method in ("GET", "POST"):
            answer = await client.request(
                method, "/ready/nonsense", headers={"sec-fetch-site": "same-origin"}
            )
            assert answer.status_code == 404


# --- gaps


async def leave(cast: Cast, name: str, begin: datetime, end: datetime) -> Leave:
    new = planning.LeaveRequest(
        id=uuid4(),
        person_id=cast.persons[name].id,
        cover_id=None,
        from_at=begin,
        until_at=end,
    )
    return await planning.add_leave(cast.actor(name), cast.agency.id, new, cast.clock())


async def test_a_gap_is_said_once_a_day_to_those_who_plan(cast: Cast) -> None:
    await nights(cast, "eve")
    await until(cast, at(cast, 12))
    await leave(cast, "eve", at(cast, 12, day=4), at(cast, 12, day=6))
    await until(cast, at(cast, 20))
    assert await said(cast, "rota_gap") == []
    await until(cast, at(cast, 20, day=2))
    no_fault(await together(*(duty_shifts.ROTAS.tick(cast.clock()) for _ in range(3))))
    assert Counter(await said(cast, "rota_gap")) == {
        ("rota_gap", "ines"): 2,
        ("rota_gap", "root"): 2,
    }
    [gap] = [one for one in await duty_shifts.gaps_ahead(cast.agency.id, cast.clock())][:1]
    assert (gap.begin, gap.end) == (at(cast, 18, day=4), at(cast, 8, day=5))


async def test_a_new_gap_before_the_next_morning_is_said_at_once_and_once(cast: Cast) -> None:
    await nights(cast, "eve")
    await until(cast, at(cast, 12))
    await leave(cast, "eve", at(cast, 15), at(cast, 9, day=1))
    await until(cast, at(cast, 23))
    assert sorted(await said(cast, "rota_gap")) == [("rota_gap", "ines"), ("rota_gap", "root")]


async def test_after_days_of_blindness_a_gap_is_said_once(cast: Cast) -> None:
    await nights(cast, "eve")
    await duty_shifts.ROTAS.tick(cast.clock())
    await leave(cast, "eve", at(cast, 12, day=5), at(cast, 12, day=9))
    cast.clock.set(at(cast, 14, day=4))
    await duty_shifts.ROTAS.tick(cast.clock())
    await duty_shifts.ROTAS.tick(cast.clock())
    assert len(await said(cast, "rota_gap")) == 2


async def test_an_agency_without_a_rota_is_not_told_of_it_each_day(cast: Cast) -> None:
    await leave(cast, "tom", cast.clock(), cast.clock() + 24 * HOUR)
    await until(cast, at(cast, 12, day=3))
    assert await said(cast) == []
    assert await duty_shifts.gaps_ahead(cast.agency.id, cast.clock()) == []


async def test_where_a_person_must_always_be_on_duty_each_hour_without_one_is_a_gap(
    cast: Cast,
) -> None:
    await nights(cast, "eve")
    await planning.set_terms(
        cast.actor("ines"), cast.agency.id, is_always=True, lead=2 * HOUR, now=cast.clock()
    )
    gaps = await duty_shifts.gaps_ahead(cast.agency.id, at(cast, 18))
    assert (gaps[0].begin, gaps[0].end) == (at(cast, 8, day=1), at(cast, 18, day=1))
    await FixedShift.create(agency_id=cast.agency.id, person_id=cast.ines.id, from_at=cast.clock())
    assert await duty_shifts.gaps_ahead(cast.agency.id, at(cast, 18)) == []


async def test_where_the_planned_shifts_alone_count_a_rota_that_is_over_leaves_no_gap(
    cast: Cast,
) -> None:
    now = cast.clock()
    await planning.set_terms(
        cast.actor("ines"), cast.agency.id, is_always=False, lead=2 * HOUR, now=now
    )
    row = await FixedShift.create(agency_id=cast.agency.id, person_id=cast.ines.id, from_at=now)
    await planning.end_shift(cast.actor("ines"), cast.agency.id, row.id, now)
    assert await duty_shifts.gaps_ahead(cast.agency.id, now + HOUR) == []


# --- a row that raises


async def test_a_rota_that_raises_is_set_apart_and_the_others_go_on(cast: Cast) -> None:
    set_last_resorts(1)
    await nights(cast, "eve")
    now = cast.clock()
    assert await duty_shifts.ROTAS.due_now(now) == [cast.agency.id]
    await duty_shifts.ROTAS.set_apart(cast.agency.id, now, tell_operators)
    assert await duty_shifts.ROTAS.due_now(now) == []
    assert await said(cast) == [("operators", "the last resort")]
    await duty_shifts.ROTAS.tick_one(cast.agency.id, now + MINUTE)
    assert (await RotaTerms.get(id=cast.agency.id)).looked_at == now + MINUTE
    set_last_resorts(0)

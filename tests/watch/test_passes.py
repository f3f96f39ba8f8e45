"""An absence over seven days is looked at again, and its end is no surprise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import Conflict, NotFound, Refused
from server.missing.search import opening
from server.notify.models import Message
from server.people.models import Person, Tie
from server.people.rules import Leaving, Role
from server.people.ties import AddTie, add_tie
from server.placements import actions as placements
from server.records.transfer import acceptance
from server.records.transfer.acceptance import Acceptance
from server.records.transfer.models import Transfer
from server.storage.db import fetch, write
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import OF_AN_ABSENCE, Kind
from server.ticker import Ticker
from server.watch.models import AT_ONCE, Pause, Watch
from server.watch.passes import actions, rules, ticking
from server.watch.passes.rules import Absence, Pass, Reason
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.races import no_fault, together
from tests.records.made import a_transfer

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


# --- the rules


def absence(begin: timedelta, end: timedelta, **how: Any) -> Absence:
    values: dict[str, Any] = {"id": uuid4(), "made_at": START, **how}
    return Absence(begin=START + begin, end=START + end, **values)


def the_pass(*absences: Absence) -> Pass:
    [found] = rules.passes(absences)
    return found


minutes = st.integers(1, 60 * 24 * 40).map(lambda n: n * MINUTE)
gaps = st.integers(-60 * 24, 60 * 24).map(lambda n: n * MINUTE)


@given(st.lists(st.tuples(gaps, minutes), min_size=1, max_size=8), st.data())
def test_no_stretch_of_a_pass_is_longer_than_its_weeks_without_a_look_that_is_due(
    pieces: list[tuple[timedelta, timedelta]], data: st.DataObject
) -> None:
    """However it is cut into touching absences, and whenever people looked."""
    absences: list[Absence] = []
    end = timedelta(0)
    for gap, length in pieces:
        begin = end + (gap if absences else timedelta(0))
        absences.append(absence(begin, max(begin + length, end + MINUTE)))
        end = max(end, begin + length, end + MINUTE)
    pass_ = the_pass(*absences)
    for kind in OF_AN_ABSENCE:
        looks = data.draw(st.lists(st.integers(0, int(end / MINUTE)), max_size=5))
        since = pass_.begin
        for at in sorted(START + look * MINUTE for look in looks):
            due = rules.next_look(pass_, kind)
            assert (due is None) == (pass_.end - since <= rules.EVERY[kind])
            assert due is None or due == since + rules.EVERY[kind] < pass_.end
            field = "looked_at" if kind is Kind.AWAY else "reviewed_at"
            looked = absence(
                pass_.absences[0].begin - START, pass_.absences[0].end - START, **{field: at}
            )
            pass_, since = Pass((looked, *pass_.absences[1:])), max(since, at)
    whole = the_pass(absence(pass_.begin - START, pass_.end - START))
    assert whole.is_long == pass_.is_long == (pass_.end - pass_.begin > 7 * DAY)


@given(minutes, minutes)
def test_we_remind_of_the_end_once_it_is_agreed_and_before_it_comes(
    ahead: timedelta, length: timedelta
) -> None:
    one = absence(ahead, ahead + length)
    at = rules.remind_at(one)
    assert one.begin <= at < one.end
    assert one.end - at == min(DAY, length / 2)


@pytest.mark.parametrize(
    ("spans", "passes"),
    [
        ([(0, 5), (5, 9)], [(0, 9)]),
        ([(0, 5), (6, 9)], [(0, 9)]),  # A day at home.
        ([(0, 5), (6.1, 9)], [(0, 5), (6.1, 9)]),
        ([(0, 9), (2, 3), (9.5, 10)], [(0, 10)]),
        ([(3, 3), (5, 9)], [(5, 9)]),  # Taken back before it began.
    ],
)
def test_absences_that_touch_are_one_pass(
    spans: list[tuple[float, float]], passes: list[tuple[float, float]]
) -> None:
    found = rules.passes(absence(begin * DAY, end * DAY) for begin, end in spans)
    assert [((p.begin - START) / DAY, (p.end - START) / DAY) for p in found] == passes


# --- rows


async def agree(cast: Cast, begin: timedelta, end: timedelta, **how: Any) -> Pause:
    now = cast.clock()
    values: dict[str, Any] = {"reason": Reason.FAMILY, "words": "Grandmother.", **how}
    by, child = values.pop("by", "tom"), values.pop("child", "mia")
    asked = agreements.PauseRequest(uuid4(), now + begin, now + end, **values)
    return await agreements.pause(cast.actor(by), cast.persons[child].id, asked, now)


async def pass_time(cast: Cast, **how_long: float) -> None:
    """One tick, late: as after a time in which the server was down."""
    cast.clock.advance(**how_long)
    await ticking.PASSES.tick(cast.clock())
    await telling.TASKS.tick(cast.clock())


async def looks(cast: Cast, state: str = "open") -> dict[Kind, datetime]:
    """The looks of this state, and the day of each: they are due at its end."""
    kinds = [kind.value for kind in OF_AN_ABSENCE]
    rows = await Task.filter(child_id=cast.mia.id, kind__in=kinds, state=state)
    found = {Kind(row.kind): row.due_at for row in rows}
    assert len(found) == len(rows), "one of each"
    return found


def end_of_day(days: int) -> datetime:
    """In Paris, where Mia lives, so many days from the second of March."""
    return (datetime(2026, 3, 3, tzinfo=ZoneInfo("Europe/Paris")) + days * DAY).astimezone(UTC)


async def keep(cast: Cast, pause: Pause, who: str = "tom", look: UUID | None = None) -> Any:
    return await actions.keep(
        cast.actor(who), pause.child_id, pause.id, look or uuid4(), cast.clock()
    )


async def told(cast: Cast, kind: Kind) -> set[str]:
    """Who heard of this task."""
    names = {person.id: name for name, person in cast.persons.items()}
    tasks = await Task.filter(child_id=cast.mia.id, kind=kind).values_list("id", flat=True)
    rows = await Message.filter(subject_id__in=list(tasks), kind="due")
    return {names[row.person_id] for row in rows if row.person_id is not None}


async def reminded(cast: Cast) -> list[tuple[str, str]]:
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(kind="away_ends").order_by("queued_at", "id")
    return [(names[row.person_id], row.state) for row in rows if row.person_id is not None]


async def test_a_pass_over_seven_days_is_put_before_the_caseworker_and_the_supervisor(
    cast: Cast,
) -> None:
    short = await agree(cast, timedelta(0), 7 * DAY, child="noor")
    assert not await Task.filter(child_id=short.child_id).exists()
    made = await agree(cast, timedelta(0), 30 * DAY)
    assert await looks(cast) == {Kind.AWAY: end_of_day(7), Kind.AWAY_REVIEW: end_of_day(14)}
    cast.clock.set(end_of_day(6) + 9 * HOUR)
    await pass_time(cast)
    assert await told(cast, Kind.AWAY) == {"tom"}
    assert await told(cast, Kind.AWAY_REVIEW) == set()
    cast.clock.set(end_of_day(13) + 9 * HOUR)
    await pass_time(cast)
    assert await told(cast, Kind.AWAY) == {"tom", "ines"}
    assert await told(cast, Kind.AWAY_REVIEW) == {"ines"}
    assert (await Pause.get(id=made.id)).ended_at is None


async def test_a_caseworkers_look_counts_for_their_weeks_and_a_supervisors_for_both(
    cast: Cast,
) -> None:
    made, look = await agree(cast, timedelta(0), 60 * DAY), uuid4()
    await pass_time(cast, days=7)
    for _ in range(2):
        assert await keep(cast, made, look=look) == end_of_day(14)
    assert await looks(cast) == {
        Kind.AWAY: end_of_day(14),
        Kind.AWAY_REVIEW: end_of_day(14),
    }
    assert await looks(cast, "done") == {Kind.AWAY: end_of_day(7)}
    await pass_time(cast, days=3)
    await keep(cast, made, "ines")
    assert await looks(cast) == {
        Kind.AWAY: end_of_day(17),
        Kind.AWAY_REVIEW: end_of_day(24),
    }
    row = await Pause.get(id=made.id)
    assert (row.looked_at, row.looked_by) == (cast.clock(), cast.ines.id)
    assert await Entry.filter(what="pause:keep", about_id=made.id).count() == 2
    # Three days before its end there is no further look.
    await pass_time(cast, days=47)
    assert await keep(cast, made, "ines") is None
    assert await looks(cast) == {}


async def test_a_caseworker_alone_looks_for_both_and_is_a_supervisor_nowhere_else(
    cast: Cast,
) -> None:
    made = await agree(cast, timedelta(0), 60 * DAY)
    await keep(cast, made)
    assert (await Pause.get(id=made.id)).reviewed_at is None
    await Tie.filter(child_id=cast.mia.id, role=Role.SUPERVISOR).update(until_at=cast.clock())
    await keep(cast, made)
    assert (await Pause.get(id=made.id)).reviewed_at == cast.clock()


@pytest.mark.parametrize("down", [1, 21])
async def test_a_server_that_was_down_asks_once_and_not_for_each_week(
    cast: Cast, down: int
) -> None:
    """Also for absences from before looks: their row is due at once, and asked about today."""
    made = await agree(cast, timedelta(0), 80 * DAY)
    await Task.all().delete()
    await Pause.all().update(next_action_at=AT_ONCE)
    await pass_time(cast, days=7 + down)
    assert (await looks(cast))[Kind.AWAY] == end_of_day(7 + down)
    first = await Task.all().order_by("id").values_list("id", flat=True)
    await Pause.all().update(next_action_at=AT_ONCE)
    await pass_time(cast, days=1)
    assert await Task.all().order_by("id").values_list("id", flat=True) == first
    await keep(cast, made)
    assert (await looks(cast))[Kind.AWAY] == end_of_day(15 + down)


async def test_several_tickers_and_one_that_dies_in_the_middle_ask_once(cast: Cast) -> None:
    made = await agree(cast, HOUR, 30 * DAY)
    assert await looks(cast) == {}
    cast.clock.advance(hours=1)

    class Died(Exception):
        pass

    async def dies() -> None:
        async with write():
            await ticking.PASSES.tick(cast.clock())
            raise Died

    with pytest.raises(Died):
        await dies()
    assert await looks(cast) == {}
    no_fault(await together(*(ticking.PASSES.tick(cast.clock()) for _ in range(4))))
    assert len(await looks(cast)) == 2
    cast.clock.set(made.until_at - DAY)
    no_fault(await together(*(ticking.PASSES.tick(cast.clock()) for _ in range(4))))
    assert await reminded(cast) == [("tom", "waiting")]


async def test_prolonging_again_and_again_evades_no_look(cast: Cast) -> None:
    await agree(cast, timedelta(0), 6 * DAY)
    assert await looks(cast) == {}
    await pass_time(cast, days=5)
    await agree(cast, DAY + HOUR, 6 * DAY)
    assert (await looks(cast))[Kind.AWAY] == end_of_day(7)
    await pass_time(cast, days=5)
    last = await agree(cast, DAY, 9 * DAY)
    assert await looks(cast) == {
        Kind.AWAY: end_of_day(7),
        Kind.AWAY_REVIEW: end_of_day(14),
    }
    await keep(cast, last)
    assert (await looks(cast))[Kind.AWAY] == end_of_day(17)


async def test_ended_or_shortened_the_look_is_settled_and_the_watch_runs_again(
    cast: Cast,
) -> None:
    first = await agree(cast, timedelta(0), 10 * DAY)
    further = await agree(cast, 10 * DAY, 20 * DAY)
    await agreements.end_pause(cast.actor("tom"), cast.mia.id, first.id, cast.clock())
    assert await looks(cast) == {}, "what is left begins in ten days"
    again = await agree(cast, timedelta(0), 10 * DAY)
    assert len(await looks(cast)) == 2
    await pass_time(cast, days=1)
    for _ in range(2):
        await actions.end(cast.actor("ines"), cast.mia.id, again.id, cast.clock())
    assert await looks(cast) == {}
    ended = await Pause.filter(id__in=[again.id, further.id]).values_list("ended_at", flat=True)
    assert ended == [cast.clock(), cast.clock()]
    assert (await Watch.get(child_id=cast.mia.id)).standing == "well"
    assert await Entry.filter(what="pause:end").count() == 3
    with pytest.raises(Conflict) as over:
        await keep(cast, again)
    assert over.value.code == "over"
    for child, pause in ((cast.noor.id, again.id), (cast.mia.id, uuid4())):
        with pytest.raises(NotFound):
            await actions.keep(cast.actor("tom"), child, pause, uuid4(), cast.clock())


async def test_two_people_who_look_at_once_do_no_harm(cast: Cast) -> None:
    made = await agree(cast, timedelta(0), 30 * DAY)
    await pass_time(cast, days=7)
    no_fault(
        await together(
            keep(cast, made), keep(cast, made, "ines"),
            actions.end(cast.actor("tom"), cast.mia.id, made.id, cast.clock()),
        ),
        Conflict,
    )  # fmt: skip
    assert await looks(cast) == {}
    assert (await Pause.get(id=made.id)).ended_at == cast.clock()


async def test_a_pass_that_ends_by_itself_or_in_a_search_asks_nothing_any_more(
    cast: Cast,
) -> None:
    await agree(cast, timedelta(0), 9 * DAY)
    await pass_time(cast, days=7)
    now = cast.clock()
    await opening.open_episode(cast.actor("tom"), cast.mia.id, uuid4(), opening.Saying(now), now)
    assert len(await looks(cast)) == 1
    await pass_time(cast, days=2)
    assert await looks(cast) == {}
    assert await looks(cast, "dropped") == {Kind.AWAY: end_of_day(7)}
    assert await Alert.filter(child_id=cast.mia.id, cause="missing", closed_at=None).exists()
    assert not await Pause.filter(next_action_at__isnull=False).exists()


async def test_nobody_is_asked_about_a_child_who_has_left(cast: Cast) -> None:
    await agree(cast, timedelta(0), 30 * DAY)
    now = cast.clock.advance(days=1)
    await placements.end(cast.actor("tom"), cast.mia.id, Leaving.OF_AGE, now, now=now)
    assert await looks(cast) == {}
    await pass_time(cast, days=28)
    assert await reminded(cast) == []


async def test_another_agency_takes_the_looks_over_and_is_reminded_of_the_end(cast: Cast) -> None:
    transfer = await Transfer.get(id=await a_transfer(cast))
    now, uwe = cast.clock(), cast.actor("uwe")
    asked = agreements.PauseRequest(uuid4(), now, now + 9 * DAY, reason=Reason.HOLIDAY)
    made = await agreements.pause(uwe, transfer.child_id, asked, now)
    cast.clock.set(made.until_at - DAY)
    await pass_time(cast)
    assert await reminded(cast) == [("uwe", "waiting")]
    await acceptance.accept(cast.actor("tom"), transfer.id, Acceptance(cast.tom.id), cast.clock())
    await pass_time(cast, minutes=1)
    assert await reminded(cast) == [("uwe", "withdrawn"), ("tom", "waiting")]
    task = await Task.get(kind="away", subject_id=transfer.child_id, state="open")
    assert task.agency_id == cast.agency.id
    await pass_time(cast, hours=22)
    assert await Message.filter(subject_id=task.id, person_id=cast.tom.id).exists()


async def test_rows_from_before_this_column_are_looked_at_once_and_then_rest(cast: Cast) -> None:
    old, now = uuid4(), cast.clock()
    async with write():
        for id_, begin, end in ((uuid4(), 20, -5), (old, 900, 890)):
            await fetch(
                "INSERT INTO pause (id, child_id, from_at, until_at, made_by, made_at)"
                " VALUES ($1, $2, $3, $4, $5, $3) RETURNING id",
                [id_, cast.mia.id, now - begin * DAY, now - end * DAY, cast.tom.id],
            )
    assert await Pause.filter(next_action_at=AT_ONCE).count() == 2
    await pass_time(cast)
    assert await looks(cast) == {Kind.AWAY: end_of_day(0), Kind.AWAY_REVIEW: end_of_day(0)}
    assert (await Pause.get(id=old)).next_action_at is None
    assert await ticking.PASSES.tick(cast.clock()) == 0


# --- reminders


async def test_the_author_is_reminded_a_day_before_the_end_or_at_half_of_a_short_one(
    cast: Cast,
) -> None:
    await agree(cast, timedelta(0), 4 * DAY, by="ines")
    await agree(cast, timedelta(0), 4 * HOUR, child="noor")
    await pass_time(cast, hours=2)
    assert await reminded(cast) == [("tom", "waiting")]
    await pass_time(cast, days=2, hours=21, minutes=59)
    assert len(await reminded(cast)) == 1
    await pass_time(cast, minutes=1)
    assert (await reminded(cast))[1:] == [("ines", "waiting")]
    message = await Message.get(kind="away_ends", person_id=cast.ines.id)
    assert message.data == {"path": f"/desk/children/{cast.mia.id}/pauses"}
    await pass_time(cast, hours=20)
    assert len(await reminded(cast)) == 2


@pytest.mark.parametrize("gone", ["disabled", "tie"])
async def test_without_the_author_the_caseworker_is_reminded(cast: Cast, gone: str) -> None:
    await agree(cast, timedelta(0), 3 * DAY)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER),
        cast.clock(),
    )
    if gone == "disabled":
        await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    else:
        await Tie.filter(child_id=cast.mia.id, person_id=cast.tom.id).update(until_at=cast.clock())
    await pass_time(cast, days=2)
    assert await reminded(cast) == [("eve", "waiting")]


async def test_an_end_that_is_none_any_more_reminds_nobody(cast: Cast) -> None:
    made = await agree(cast, timedelta(0), 4 * DAY)
    await pass_time(cast, days=3)
    further = await agree(cast, DAY, 6 * DAY)
    assert await reminded(cast) == [("tom", "withdrawn")]
    await pass_time(cast, days=5)
    assert await reminded(cast) == [("tom", "withdrawn"), ("tom", "waiting")]
    await actions.end(cast.actor("tom"), cast.mia.id, further.id, cast.clock())
    assert await reminded(cast) == [("tom", "withdrawn"), ("tom", "withdrawn")]
    assert (await Pause.get(id=made.id)).ended_at is None


# --- the reason


@pytest.mark.parametrize(
    ("how", "stored"),
    [
        ({"reason": Reason.HOSPITAL, "words": None}, "hospital"),
        ({"reason": None, "words": "At my cousin's."}, "other"),
        ({"reason": Reason.OTHER, "words": "A wedding."}, "other"),
        ({"reason": None, "words": " "}, None),
        ({"reason": Reason.OTHER, "words": None}, None),
    ],
)
async def test_every_absence_has_a_reason_chosen_or_in_own_words(
    cast: Cast, how: dict[str, Any], stored: str | None
) -> None:
    if stored is None:
        with pytest.raises(Refused) as why:
            await agree(cast, timedelta(0), DAY, **how)
        assert why.value.code == "no_reason"
    else:
        row = await agree(cast, timedelta(0), DAY, **how)
        assert (row.reason, row.made_by, row.made_at) == (stored, cast.tom.id, cast.clock())


async def test_the_whole_ticker_asks_in_the_tick_in_which_it_is_due(cast: Cast) -> None:
    await agree(cast, MINUTE, 30 * DAY)
    cast.clock.advance(minutes=1)
    await Ticker(cast.settings, {}, cast.clock).tick()
    assert len(await looks(cast)) == 2

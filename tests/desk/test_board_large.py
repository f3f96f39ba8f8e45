"""The board of a reader with thousands of children: it costs what it shows, and everyone who is
waited for is there, as on any board."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from server.alerts.models import Alert
from server.desk.board import large
from server.desk.board import order as exact
from server.desk.board.order import UNCOUNTED, Order
from server.desk.board.tally import Tallies, count
from server.desk.board.view import AT_ONCE, MOST, Group, View
from server.people.finding.scope import SEEING, Scope
from server.people.models import Child, Home, Tie
from server.storage.db import dialect, fetch, sqlite_file, write
from server.storage.engines.parameters import for_sqlite, to_sqlite
from server.storage.statement import Statement
from server.tasks.rules import Kind
from server.watch.models import Watch
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.test_board_order import crowd_in_homes, returned, scope, stir
from tests.desk.walking import at_desk


async def on_large(reader: Scope, view: View, most: int = 0, **limits: int) -> Order:
    """The board as a reader of thousands gets it, once the others were counted."""
    tallies = Tallies()
    for counted in (view, View()) if limits else (view,):
        await tallies.of(reader, counted)
        await tallies.waiting(reader, counted)
    await tallies.settled()
    return await large.order(reader, view, tallies, most=most, **limits)


async def in_a_crowd(reader: Scope, view: View) -> Order:
    """The same where thousands are waited for, too."""
    return await on_large(reader, view, most_waiting=-1)


def ids(order: Order, group: Group) -> list[UUID]:
    return [row.child_id for row in order.rows if row.group is group]


async def everything(**more: Any) -> View:
    homes = (*(str(home.id) for home in await Home.all()), "none")
    return View(open=homes, more=dict.fromkeys((*homes, *Group), MOST), **more)


async def readers(cast: Cast) -> list[Scope]:
    alert = (await Alert.filter(closed_at__isnull=True))[0]
    return [
        scope(cast, "tom"),
        scope(cast, "ines", is_on_duty=True),
        scope(cast, "eve", is_on_duty=True, called={alert.id: alert.child_id}),
        scope(cast, "eve", covers=frozenset({cast.tom.id})),
        scope(cast, "tom", broken=frozenset({cast.mia.id})),
        scope(cast, "uwe"),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_a_large_board_places_and_counts_as_a_small_one(cast: Cast, seed: int) -> None:
    await any_state(cast, Random(seed))  # noqa: S311
    for reader in await readers(cast):
        for view in (await everything(), await everything(level="high")):
            small, many = await exact.order(reader, view), await on_large(reader, view)
            for group in Group:
                assert many.count(group) == small.count(group), (reader, group)
                if group in UNCOUNTED:
                    assert set(ids(many, group)) == set(ids(small, group))
                    continue
                assert ids(many, group) == ids(small, group)
                assert many.beside.get(group, 0) == small.beside.get(group, 0)
            assert many.well_by_home() == small.well_by_home()
            assert (many.left, many.n_left) == (small.left, small.n_left)


async def any_state(cast: Cast, random: Random) -> None:
    """Forty children in any state; some left, some are no longer Tom's."""
    crowd = await crowd_in_homes(cast, 40)
    await stir(cast, crowd, random)
    for id_ in random.sample(crowd, 6):
        await returned(cast, id_, Kind.SAFE_AND_WELL)
    await Child.filter(id__in=random.sample(crowd, 4)).update(left_at=cast.clock())
    lost = Tie.filter(child_id__in=random.sample(crowd, 9), person_id=cast.tom.id)
    await lost.update(until_at=cast.clock())


@pytest.mark.parametrize("seed", range(4))
async def test_in_a_crowd_everyone_is_placed_and_counted_as_on_a_small_board(
    cast: Cast, seed: int
) -> None:
    await any_state(cast, Random(seed))  # noqa: S311
    for reader in await readers(cast):
        for view in (await everything(), await everything(level="high")):
            small, many = await exact.order(reader, view), await in_a_crowd(reader, view)
            assert many.is_crowded
            for group in Group:
                assert many.knows(group)
                assert many.count(group) == small.count(group), (reader, group)
                assert set(ids(many, group)) == set(ids(small, group)), (reader, group)
                assert many.beside.get(group, 0) == small.beside.get(group, 0) or (
                    group in UNCOUNTED
                )
            assert [row.place.rank for row in many.rows if row.group is Group.NOW] == [
                row.place.rank for row in small.rows if row.group is Group.NOW
            ]
            assert ids(many, Group.LATE) == ids(small, Group.LATE)


async def test_in_a_crowd_a_home_is_counted_and_the_others_were(cast: Cast) -> None:
    await any_state(cast, Random(5))  # noqa: S311
    reader = scope(cast, "ines")
    for home in [*(str(home.id) for home in await Home.all()), ""]:
        for whose in ("", str(cast.tom.id)):
            view = await everything(home=home, whose=whose)
            if not (home or whose):
                continue
            small = await exact.order(reader, view)
            many = await on_large(reader, view, most=100, most_waiting=-1)
            for group in set(Group) - UNCOUNTED:
                assert ids(many, group) == ids(small, group)
                assert many.count(group) == small.count(group)
                assert many.beside.get(group, 0) == small.beside.get(group, 0)


async def call_for(cast: Cast, ids: list[UUID]) -> None:
    """An open alert about each of them, of several kinds; one in three is held."""
    now = cast.clock()
    await Alert.filter(child_id__in=ids).delete()
    alerts = [
        Alert(
            agency_id=cast.agency.id,
            child_id=id_,
            cause=("help", "silence", "talk", "concern")[place % 4],
            state=("open", "contacted", "answered")[place % 5 % 3],
            tier="mid",
            reason="grace_over",
            ladder={},
            opened_at=now - timedelta(minutes=place % 7),
            noticed_at=now,
            next_action_at=now,
            acknowledged_by=cast.tom.id,
            held_until=now if place % 3 == 0 else None,
        )
        for place, id_ in enumerate(ids)
    ]
    await Alert.bulk_create(alerts)


async def test_in_a_crowd_rows_come_in_parts_without_gaps(cast: Cast) -> None:
    crowd = await scenes.crowd(cast, 130)
    await call_for(cast, crowd[:100])
    late = {"standing": "late", "missed_due_at": cast.clock() - timedelta(hours=2)}
    await Watch.filter(child_id__in=crowd[100:]).update(**late)
    reader = scope(cast, "tom")
    everyone = await exact.order(reader, await everything())
    for group in (Group.NOW, Group.HELD, Group.LATE):
        seen, view = list[UUID](), View(group=group)
        while order := await in_a_crowd(reader, view):
            seen += ids(order, group)
            if len(order.rows) < AT_ONCE:
                break
            view = View(group=group, after=order.rows[-1].place)
        assert len(seen) == len(set(seen))
        assert set(seen) == set(ids(everyone, group))
        assert len(seen) > AT_ONCE


async def silent(cast: Cast, ids: list[UUID]) -> None:
    """An open alert about each of them; who has been silent the longest was called for last."""
    now, alerts = cast.clock(), []
    await Alert.filter(child_id__in=ids).delete()
    for place, id_ in enumerate(ids):
        missed = {"missed_due_at": now - timedelta(hours=2, minutes=place)}
        await Watch.filter(child_id=id_).update(standing="alerted", is_alerted=True, **missed)
        alerts.append(
            Alert(
                agency_id=cast.agency.id,
                child_id=id_,
                cause="silence",
                state="open",
                tier="mid",
                reason="grace_over",
                ladder={},
                opened_at=now - timedelta(minutes=len(ids) - place),
                noticed_at=now,
                next_action_at=now,
            )
        )
    await Alert.bulk_create(alerts)


async def test_the_next_page_leaves_nobody_out_where_the_crowd_has_gone(
    cast: Cast,
) -> None:
    await silent(cast, await scenes.crowd(cast, 130))
    reader = scope(cast, "tom")
    everyone = set(ids(await exact.order(reader, await everything()), Group.NOW))
    page = await in_a_crowd(reader, View(group=Group.NOW))
    seen = ids(page, Group.NOW)
    while len(page.rows) == AT_ONCE:
        page = await on_large(reader, View(group=Group.NOW, after=page.rows[-1].place))
        assert not page.is_crowded
        seen += ids(page, Group.NOW)
    assert len(seen) == len(set(seen))
    assert set(seen) == everyone


async def test_where_nobody_was_counted_the_board_does_not_say_that_nobody_waits(
    cast: Cast,
) -> None:
    await call_for(cast, await scenes.crowd(cast, 30))
    reader = scope(cast, "tom")
    for view in (View(), View(group=Group.LATE), View(home=str(cast.home.id))):
        tallies = Tallies()
        shown = await large.order(reader, view, tallies, most=10, most_waiting=-1)
        await tallies.settled()
        await tallies.close()
        assert not shown.is_calm()


async def test_who_sees_few_of_a_crowd_is_shown_all_of_these(cast: Cast) -> None:
    crowd = await scenes.crowd(cast, 300)
    await call_for(cast, crowd)
    await Tie.filter(child_id__in=crowd[:290], person_id=cast.tom.id).delete()
    small = await exact.order(scope(cast, "tom"), View())
    order = await in_a_crowd(scope(cast, "tom"), View())
    assert set(ids(order, Group.NOW)) == set(ids(small, Group.NOW))
    assert ids(small, Group.NOW)


async def test_each_filter_of_a_large_board_shows_what_fits(cast: Cast) -> None:
    crowd = await crowd_in_homes(cast, 60)
    await Watch.filter(child_id__in=crowd[::3]).update(tier="high")
    await Tie.filter(child_id__in=crowd[::4], person_id=cast.tom.id).update(person_id=cast.eve.id)
    reader = scope(cast, "ines")
    for home in [*(str(home.id) for home in await Home.all()), "none", ""]:
        for level in ("", "high"):
            for whose in ("", str(cast.eve.id)):
                view = await everything(home=home, level=level, whose=whose)
                small, many = await exact.order(reader, view), await on_large(reader, view)
                for group in Group:
                    assert set(ids(many, group)) == set(ids(small, group))
                    assert many.count(group) == small.count(group)


async def test_the_way_to_one_child_is_as_in_the_list_of_all(cast: Cast) -> None:
    crowd = await scenes.crowd(cast, 20)
    await Child.filter(id__in=crowd[:5]).update(left_at=cast.clock())
    for reader in await readers(cast):
        statement = Statement()
        sql = f"WITH {reader.cte(statement, SEEING)} SELECT child_id, is_full FROM scope"  # noqa: S608
        listed = {str(r["child_id"]): r["is_full"] for r in await fetch(sql, statement.params)}
        statement = Statement()
        sql = f"SELECT c.id, {reader.is_full(statement, SEEING)} AS is_full FROM child c"  # noqa: S608
        rows = await fetch(sql, statement.params)
        reached = {str(r["id"]): r["is_full"] for r in rows if r["is_full"] is not None}
        assert reached == listed


async def test_rows_come_in_parts_without_gaps_also_where_few_are_the_readers(cast: Cast) -> None:
    crowd = await scenes.crowd(cast, 300)
    await Alert.filter(child_id__in=crowd).delete()
    due = {"standing": "due", "missed_due_at": None}
    await Watch.filter(child_id__in=crowd).update(**due)
    for place, id_ in enumerate(crowd):
        at = cast.clock() + timedelta(minutes=place % 50)
        await Watch.filter(child_id=id_).update(due_at=at)
    own = crowd[240:]
    await Tie.filter(child_id__in=crowd[:240], person_id=cast.tom.id).delete()
    reader, seen = scope(cast, "tom"), list[UUID]()
    view = View(group=Group.DUE)
    while True:
        order = await on_large(reader, view)
        seen += ids(order, Group.DUE)
        if len(order.rows) < AT_ONCE:
            break
        view = View(group=Group.DUE, after=order.rows[-1].place)
    assert len(seen) == len(set(seen))
    assert set(own) <= set(seen)
    at = {watch.child_id: watch.due_at for watch in await Watch.all()}
    assert [at[id_] for id_ in seen] == sorted(at[id_] for id_ in seen)


async def settled(cast: Cast, many: int) -> None:
    crowd = await scenes.crowd(cast, many)
    await Alert.filter(child_id__in=crowd).delete()
    await Watch.filter(child_id__in=crowd).update(
        standing="well", missed_due_at=None, is_alerted=False
    )


async def work(sql: str, params: Any) -> int:
    """How much the database does: rows that it visits, or steps of its machine."""
    if dialect() == "sqlite":
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        connection = sqlite3.connect(sqlite_file())
        connection.set_progress_handler(step, 10)
        connection.execute(to_sqlite(sql), [for_sqlite(each) for each in params]).fetchall()
        connection.close()
        return steps
    async with write():
        # Of tables as small as these it would read the whole.
        await fetch("SET LOCAL enable_seqscan = off")
        await fetch("SET LOCAL enable_bitmapscan = off")
        [row] = await fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
    [plan] = row.values()
    return visited((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def visited(plan: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in plan:
        each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = round(each * plan["Actual Loops"])
    return own + sum(visited(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize("is_on_duty", [False, True])
async def test_children_who_are_not_shown_cost_nothing(cast: Cast, is_on_duty: bool) -> None:
    async def asked() -> int:
        if dialect() == "postgres":
            await fetch("ANALYZE")
        reader = scope(cast, "ines", is_on_duty=is_on_duty)
        statement, _ = large.walked(reader, View(open=(str(cast.home.id),)))
        return await work(statement.sql, statement.params)

    late = {"standing": "late", "missed_due_at": cast.clock() - timedelta(hours=2)}
    await settled(cast, 300)
    await Watch.filter(child_id=cast.mia.id).update(**late)
    few = await asked()
    await settled(cast, 1500)
    assert few * 0.9 <= await asked() <= few * 1.1 + 5


async def test_a_board_of_thousands_says_when_the_others_were_counted(cast: Cast) -> None:
    await settled(cast, large.MOST_AT_ONCE + 100)
    late = {"standing": "late", "missed_due_at": cast.clock() - timedelta(hours=2)}
    await Watch.filter(child_id=cast.mia.id).update(**late)
    async with at_desk(cast, "tom") as browser:
        first = (await browser.get("/desk/")).text
        await cast.app.state.tallies.settled()
        page = (await browser.get("/desk/")).text
    assert "No children here yet" not in first
    assert "Mia Castellane" in first
    assert re.search(r"Children who are not late: counted at \d\d:\d\d", page)
    assert f"{large.MOST_AT_ONCE + 100:,} on time" in page
    assert "1 not heard from yet" in page
    assert page.count('class="opens') == 1


async def test_a_board_in_a_crowd_shows_at_once_who_is_called_for_after_the_count(
    cast: Cast,
) -> None:
    await settled(cast, large.MOST_WAITING + 100)
    late = {"standing": "late", "missed_due_at": cast.clock() - timedelta(hours=2)}
    await Watch.all().update(**late)
    async with at_desk(cast, "ines") as browser:
        await browser.get("/desk/")
        await cast.app.state.tallies.settled()
        page = (await browser.get("/desk/")).text
        await call_for(cast, [cast.mia.id, cast.noor.id])
        called = (await browser.get("/desk/")).text
    assert re.search(r"Counted at \d\d:\d\d. The children below are shown as they are now", page)
    assert re.search(r"2,10\d late", page)
    # The count of those who are called for is some seconds old: nobody says that there are none.
    assert "No alert is waiting for an adult now" not in page
    assert "1 needs action now" in called
    assert "No alert is waiting for an adult now" not in called
    assert "Mia Castellane" in called


async def test_a_board_of_one_urgent_group_reads_no_index_of_the_others(cast: Cast) -> None:
    await settled(cast, 30)
    tallies = Tallies()
    shown = await large.order(scope(cast, "tom"), View(group=Group.LATE), tallies, most=10)
    await tallies.settled()
    await tallies.close()
    assert not [row for row in shown.rows if row.group is not Group.LATE]


async def test_an_old_count_is_shown_while_it_is_made_anew(cast: Cast) -> None:
    await settled(cast, 30)
    tallies, view = Tallies(), View()
    await tallies.of(scope(cast, "tom"), view)
    await tallies.settled()
    await Watch.filter(child_id=cast.mia.id).update(standing="due")
    cast.clock.advance(hours=1)
    old = await tallies.of(scope(cast, "tom"), view)
    assert old is not None
    assert old.totals[Group.DUE] == 0
    await tallies.settled()
    new = await tallies.of(scope(cast, "tom"), view)
    assert new is not None
    assert new.totals[Group.DUE] == 1
    assert new == await count(scope(cast, "tom"), view)
    await tallies.close()

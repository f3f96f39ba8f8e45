"""What a board costs depends on what it shows, and not on the size of the agency."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.alerts.models import Alert
from server.desk.board import order as board_order
from server.desk.board.view import AT_ONCE, Group, View
from server.people.finding.scope import SEEING, who_may
from server.people.models import Child, Home
from server.people.rules import IN_NEED, Action, Role
from server.watch.models import Watch
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.test_board_order import scope
from tests.desk.walking import at_desk


async def test_a_board_reads_as_much_for_fifty_children_as_for_five_hundred(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    async def settled(many: int, home_id: UUID) -> None:
        ids = await scenes.crowd(cast, many)
        await Alert.filter(child_id__in=ids).delete()
        await Child.filter(id__in=ids).update(home_id=home_id)
        await Watch.filter(child_id__in=ids).update(standing="well", missed_due_at=None)

    async def read(browser: Any) -> tuple[int, int]:
        caplog.clear()
        page = (await browser.get("/desk/")).text
        assert page.count("kid is-late") == 2
        assert page.count('class="opens') == 1
        # A statement that reads about one child names them, unless it counts them all.
        named = [re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", text) for text in caplog.messages]
        return len(named), sum(len(ids) for ids in named)

    caplog.set_level("DEBUG", logger="tortoise.db_client")
    home = await Home.create(
        agency_id=cast.agency.id, name="Harbour", zone="Europe/Paris", made_at=cast.clock()
    )
    await settled(50, home.id)
    late = {"standing": "late", "missed_due_at": cast.clock() - timedelta(hours=2)}
    await Watch.filter(child_id__in=[cast.mia.id, cast.noor.id]).update(**late)
    async with at_desk(cast, "tom") as browser:
        await read(browser)
        few = await read(browser)
        await settled(450, home.id)
        assert await read(browser) == few


async def test_the_latest_of_those_who_left_are_listed_and_all_of_them_counted(
    cast: Cast,
) -> None:
    ids = sorted(await scenes.crowd(cast, 40))
    await Alert.filter(child_id__in=ids).delete()
    for place, id_ in enumerate(ids[:30]):
        await Child.filter(id=id_).update(left_at=cast.clock() - timedelta(hours=place % 10))
    order = await board_order.order(scope(cast, "tom"), View())
    expected = sorted(range(30), key=lambda place: (place % 10, ids[place]))
    assert list(order.left) == [ids[place] for place in expected[:AT_ONCE]]
    assert order.n_left == 30
    assert sum(order.counts.values()) == 12
    filtered = await board_order.order(scope(cast, "tom"), View(level="high", group=Group.LATE))
    assert (filtered.left, filtered.n_left) == (order.left, 30)


def test_who_reads_the_board_in_full_may_read_the_history() -> None:
    # So the statement of the board counts for them who have left, too.
    full = {role for role in SEEING if role not in IN_NEED}
    assert full == who_may(Action.HISTORY_SEE) - {Role.CHILD}

"""What the numbers that a week calls for would have done in the last month."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from server.policy.adapting import with_factors
from server.policy.model import SHIPPED, Policy, Tier
from server.policy.parser import read
from server.simulation import lookback
from server.simulation.outcomes import Result
from server.simulation.outlook import compared, outlook
from server.simulation.replay import replay
from tests.cast import Cast
from tests.simulation.test_budgeting import world

SHIPS = read(SHIPPED)


def moved(times: float) -> Policy:
    return with_factors(SHIPS, dict.fromkeys(Tier, times))


def some_calls(result: Result, most: int) -> list[tuple[str, datetime]]:
    """As if people had said of some calls that the child had gone."""
    told = sorted(lookback.told_of(result).items(), key=lambda one: one[1])
    return [(child, at) for (child, _), at in told[:most]]


def test_the_same_numbers_do_the_same() -> None:
    result = replay(world(), SHIPS)
    same = compared(result, result, some_calls(result, 5))
    assert same.before == same.after
    assert (same.absences, same.as_soon) == (5, 5)
    assert same.tells_absences


def test_a_higher_line_has_fewer_false_alarms_and_notices_no_more_as_soon() -> None:
    now, higher = replay(world(), SHIPS), replay(world(), moved(4))
    ahead = compared(now, higher, some_calls(now, 5))
    assert ahead.before is not None
    assert ahead.after is not None
    assert ahead.after <= ahead.before
    assert ahead.as_soon <= ahead.absences == 5


def test_of_two_absences_nothing_is_said() -> None:
    result = replay(world(), SHIPS)
    assert not compared(result, result, some_calls(result, 2)).tells_absences


def test_where_nobody_was_watched_there_is_no_rate() -> None:
    nothing = Result([], [], [], {}, None, 0)
    assert compared(nothing, nothing, []).before is None


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_it_is_read_from_the_agencys_own_rows_once(cast: Cast) -> None:
    until, key = cast.clock() + timedelta(days=5), uuid4()
    first = await outlook(key, cast.agency.id, until, SHIPS, moved(1.5))
    assert first.before is not None
    assert first.absences == 0
    assert await outlook(key, cast.agency.id, until, SHIPS, moved(0.5)) is first

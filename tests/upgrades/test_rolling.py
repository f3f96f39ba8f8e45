"""From the released version to what is in work and back, under load: nothing lost, doubled, late.

`pytest -s` prints the figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from server.storage.db import close_database, fetch, open_database
from tests.cluster.checker import Story, check
from tests.cluster.figures import gaps, report, told_after
from tests.fixtures import Database
from tests.upgrades.rolling import Try, load, people, story, trying
from tests.upgrades.trees import Version, newer

# Timed: what is told within five seconds hangs on a machine that has time for it.
pytestmark = [pytest.mark.load, pytest.mark.timeout(540)]
BESIDE, TO, BACK = "the migration", "to the new version", "back to the old version"


async def made_up(one: Try) -> list[dict[str, object]]:
    """What the database says of the made-up migration."""
    await open_database(one.url)
    try:
        return await fetch(
            "SELECT lives_with, to_build FROM tortoise_migrations WHERE name LIKE '%made_up'"
        )
    finally:
        await close_database()


def tell(told: Story) -> None:
    """The figures, for people."""
    quiet, met = told_after(told)
    late = [seconds for seconds in quiet + met if seconds > told.terms.told_within_s]
    print(f"\n{report(told)}\nlate by more than 5 s: {len(late)}; breaches: {len(check(told))}")


@pytest.mark.parametrize("empty", ["postgres"], indirect=True)
async def test_a_rolling_upgrade_and_the_way_back_lose_double_and_delay_nothing(
    empty: Database, tmp_path: Path, released: Version
) -> None:
    new = Version("new", newer(tmp_path / "new"))
    async with trying(empty.url, tmp_path, released) as one:
        await one.start(released)
        async with load(one, await people(one, released)):
            await one.goes_on()
            await one.part(BESIDE)
            done = await new.python("-m", "server", "migrate", **one.fleet.settings)
            assert "made_up" in done
            await one.goes_on()
            await one.part(TO)
            await one.start(new)
            await one.stop_oldest()
            await one.goes_on()
            await one.part(BACK)
            await one.start(released)
            await one.stop_oldest()
            await one.goes_on()
        told = await story(one)
        tell(told)
        assert await made_up(one) == [{"lives_with": released.name, "to_build": None}]
        assert check(told) == []
        assert told.outages == []
        assert len(told.thanks) > 1000
        assert len(told_after(told)[0]) > 20
        assert [gap.fault for gap in gaps(told)] == [BESIDE, TO, BACK]


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
async def test_one_process_over_sqlite_goes_to_the_new_version_and_back_without_a_loss(
    empty: Database, tmp_path: Path, released: Version
) -> None:
    """As a checkout does it: stop, other code in the same place, start."""
    new = Version("new", newer(tmp_path / "new"))
    async with trying(empty.url, tmp_path, released) as one:
        await one.replace(released)
        async with load(one, await people(one, released)):
            await one.goes_on()
            await one.part(TO)
            await one.replace(new)
            await one.goes_on()
            await one.part(BACK)
            await one.replace(released)
            await one.goes_on()
        told = await story(one)
        tell(told)
        assert await made_up(one) == [{"lives_with": released.name, "to_build": None}]
        assert check(told) == []
        assert len(told.thanks) > 1000
        assert len(told_after(told)[0]) > 20

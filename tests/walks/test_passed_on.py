"""An evening in which a search is passed on: who is told, who reads, and what if nobody does."""

from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import uuid4

import pytest

from server.missing.search.models import SearchHandover, TimelineEntry
from server.notify.preferences import set_quiet
from server.rota.models import FixedShift
from server.tasks.models import Task
from server.tasks.rules import OF_A_SHIFT, Kind
from server.tasks.ways import path_of
from tests.walks.stage import Stage


def utc(hour: int, minute: int = 0) -> datetime:
    """A moment of that evening in March 2026; Paris is an hour ahead."""
    return datetime(2026, 3, 3, hour, minute, tzinfo=UTC)


async def at(stage: Stage, moment: datetime) -> None:
    """The clock stands there, and everything is looked at and sent."""
    stage.clock.set(moment)
    await stage.beat()


async def to_read(stage: Stage, name: str) -> list[str]:
    """Where messages about passing it on lead that person."""
    told = [path.rpartition("/")[2] for path in stage.paths(name) if "/dues/" in path]
    tasks = {str(task.id): task for task in await Task.filter(id__in=told)}
    kinds = [(Kind(tasks[id_].kind), tasks[id_]) for id_ in told]
    handed = [(kind, task) for kind, task in kinds if kind in OF_A_SHIFT]
    return [path_of(kind, task.child_id, task.subject_id) for kind, task in handed]


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_search_is_passed_on_in_the_evening(stage: Stage, *, is_read: bool) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "eve", "ines")
    cast = stage.cast
    for name, begin, end in (("tom", utc(12), utc(21)), ("eve", utc(21), utc(23, 59))):
        person = cast.persons[name]
        await FixedShift.create(
            agency_id=cast.agency.id, person_id=person.id, from_at=begin, until_at=end
        )
    # She has it at night, and sleeps at other times: what calls her is not held back.
    await set_quiet(cast.actor("eve"), cast.eve.id, time(20), time(7), stage.clock())
    await at(stage, utc(20, 10))
    body = {"id": str(uuid4()), "said_at": stage.clock().isoformat()}
    await cast.new_token("tom")
    await stage.call("tom", "POST", f"/api/v1/children/{cast.mia.id}/episodes", body)
    await at(stage, utc(20, 11))
    assert await to_read(stage, "tom") == []
    await at(stage, utc(20, 31))
    assert len(await to_read(stage, "tom")) == 1
    await at(stage, utc(21, 1))
    [path] = await to_read(stage, "eve")
    if is_read:
        await cast.new_token("eve")
        async with cast.browser_as("eve") as eve:
            assert "Reported missing" in (await eve.get(path)).text
            assert (await eve.post(path, data={"id": str(uuid4())})).status_code == 303
    await at(stage, utc(21, 16))
    await at(stage, utc(21, 31))
    row = await SearchHandover.get(part="in")
    told = [one for one in await to_read(stage, "ines") if one.endswith(str(row.id))]
    assert bool(told) is not is_read
    assert await TimelineEntry.filter(what="handover_read").count() == is_read

"""The long lists of the API come in parts, bounded also where a client asks for none."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.audit.models import Entry
from server.storage import parts
from server.tasks.models import Task
from tests.cast import Cast
from tests.desk import scenes
from tests.tasks.test_actions import setting, stand


async def in_parts(client: httpx2.AsyncClient, path: str, name: str, limit: int) -> list[Any]:
    """Every row of the list, part by part."""
    rows: list[Any] = []
    answer = (await client.get(path, params={"limit": limit})).json()
    while True:
        assert len(answer[name]) <= limit
        rows += answer[name]
        if answer["next"] is None:
            return rows
        query = {"limit": limit, "after": answer["next"]}
        answer = (await client.get(path, params=query)).json()


async def some_dues(cast: Cast) -> None:
    for day in range(7):
        due_at = cast.clock() + timedelta(days=day // 2)
        await stand(cast, setting(cast, subject_id=uuid4(), due_at=due_at))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 3, 200])
@pytest.mark.parametrize("name", ["alerts", "children", "dues"])
async def test_the_parts_are_the_whole_list_once_and_in_order(
    cast: Cast, name: str, limit: int
) -> None:
    await scenes.crowd(cast, 60)
    await some_dues(cast)
    path = f"/api/v1/{name}"
    async with cast.client_as("tom") as tom:
        whole = (await tom.get(path)).json()
        assert whole["next"] is None
        assert len(whole[name]) > 1
        rows = await in_parts(tom, path, name, limit)
    if name == "children":  # Within one part those who are as urgent come by name.
        assert {row["id"] for row in rows} == {row["id"] for row in whole[name]}
        assert len(rows) == len(whole[name])
    else:
        assert rows == whole[name]


async def test_a_part_takes_as_many_statements_and_looks_for_any_number_of_children(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []
    await cast.on_duty("eve", hours=9)
    for many in (40, 260):
        await scenes.crowd(cast, many)
        cast.clock.advance(hours=2)  # Nothing of the last look counts for this one.
        begin = cast.clock()
        await cast.new_token("eve")
        async with cast.client_as("eve") as eve:
            await eve.get("/api/v1/me")
            caplog.clear()
            with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
                answer = (await eve.get("/api/v1/children", params={"limit": 20})).json()
        assert len(answer["children"]) == 20
        asked.append(len([row for row in caplog.records if row.name == "tortoise.db_client"]))
        looks = await Entry.filter(what="look:child:see", at__gte=begin, who_id=cast.eve.id)
        assert {look.child_id for look in looks} == {UUID(one["id"]) for one in answer["children"]}
    assert asked[0] == asked[1] > 0


@pytest.mark.parametrize("name", ["alerts", "children", "dues"])
async def test_nonsense_is_refused_by_name(cast: Cast, name: str) -> None:
    async with cast.client_as("tom") as tom:
        for field, value in (("after", uuid4()), ("after", "x"), ("limit", 0), ("limit", 201)):
            answer = await tom.get(f"/api/v1/{name}", params={field: str(value)})
            assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_what_is_nobodys_turn_is_passed_over_until_a_part_is_full(cast: Cast) -> None:
    await some_dues(cast)
    held = Task.all().order_by("due_at", "id")

    async def odd(tasks: list[Task]) -> list[Task]:
        return [task for task in tasks if task.subject_id.int % 2]

    ours = await odd(await held)
    found, last = [], None
    while True:
        part, following = await parts.part_after(Task.all(), "due_at", last, 2, odd)
        found += part
        if following is None:
            break
        last = following
    assert [task.id for task in found] == [task.id for task in ours]

"""The whole of a project as a file: everything its reader may read, and nothing else."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_sync import with_a_guardian


async def test_a_child_takes_along_all_that_stands_and_all_that_was_said(cast: Cast) -> None:
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    area, goal = str(uuid4()), str(uuid4())
    await mia.sync(
        mia.say("area", area, "*", {"kind": "education"}),
        mia.say("goal", goal, "*", {"area_id": area, "child_words": "Devenir infirmière 🌱"}),
    )
    step = tom.make(
        "step", goal_id=goal, text="Call school", owner_id=str(cast.tom.id), due_on="2026-03-05"
    )
    await tom.sync(step)
    answer = await mia.client.get("/api/v1/project/whole")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="project.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["format"], told["version"]) == ("waymark-life-project", 1)
    assert told["project"] == await mia.project()
    assert [one["id"] for one in told["history"]][-1] == step["id"]
    assert told["history"][-1]["who"]["id"] == str(cast.tom.id)
    assert [one["kind"] for one in told["dues"]] == ["step"]


async def test_a_long_life_comes_whole_and_in_order(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    area, base, said = str(uuid4()), None, []
    said.append(mia.say("area", area, "*", {"kind": "own"}))
    for number in range(1_200):
        said.append(mia.say("area", area, "now", f"{number}", base=base))
        base = said[-1]["id"]
    for begin in range(0, len(said), 500):
        await mia.sync(*said[begin : begin + 500])
    told = (await mia.client.get("/api/v1/project/whole")).json()
    assert [one["id"] for one in told["history"]] == [one["id"] for one in said]


async def test_an_empty_project_is_a_file_too(cast: Cast) -> None:
    told = (await Phone(cast, "mia").client.get("/api/v1/project/whole")).json()
    assert told["history"] == []
    assert told["project"]["areas"] == []


@pytest.mark.parametrize("name", ["tom", "ada", "ines"])
async def test_what_is_not_shown_is_in_nobody_elses_file(cast: Cast, name: str) -> None:
    mia = Phone(cast, "mia")
    await with_a_guardian(mia)
    other = Phone(cast, name)
    await mia.sync(mia.make("house", kind="worry", text="A secret of mine"))
    await mia.sync(mia.make("complaint", text="He shouts", to="guardian"))
    own = (await mia.client.get("/api/v1/project/whole")).text
    assert "A secret of mine" in own
    assert "He shouts" in own
    theirs = (await other.client.get(f"{other.root}/project/whole")).text
    assert "A secret of mine" not in theirs
    assert ("He shouts" in theirs) == (name == "ada")
    assert json.loads(theirs)["project"]["id"] == str(cast.mia.id)

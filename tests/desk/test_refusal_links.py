"""A refusal that names a thing leads to it."""

from __future__ import annotations

from uuid import uuid4

import httpx2
import pytest

from server.alerts.drills.models import Drill
from server.missing.profile.fields import GROUPS, Part
from server.missing.search.opening import Saying, open_episode
from tests.alerts.test_attempts import opened
from tests.cast import Cast
from tests.missing.test_door import asks_to_be_away


async def end_placement(cast: Cast, tom: httpx2.AsyncClient) -> tuple[httpx2.Response, str]:
    alert = await opened(cast)
    path = f"/desk/children/{cast.mia.id}/placement/end"
    return await tom.post(path, data={"why": "of_age"}), f"/desk/alerts/{alert.id}"


async def agree_to_be_away(cast: Cast, tom: httpx2.AsyncClient) -> tuple[httpx2.Response, str]:
    id_ = str(uuid4())
    assert (await asks_to_be_away(cast, id_)).status_code == 201
    alert = await opened(cast)
    path = f"/desk/children/{cast.mia.id}/absences/{id_}/agree"
    return await tom.post(path, data={"answer": ""}), f"/desk/alerts/{alert.id}"


async def look_in_the_pack(cast: Cast, tom: httpx2.AsyncClient) -> tuple[httpx2.Response, str]:
    path = f"/desk/children/{cast.mia.id}"
    group = next(group.name for group in GROUPS if group.part is Part.NOW)
    await tom.post(f"{path}/pack/open", data={"why": "Shift begins."})
    return await tom.get(f"{path}/pack/group/{group}"), f"{path}/missing"


async def log_a_task_of_the_return(
    cast: Cast, tom: httpx2.AsyncClient
) -> tuple[httpx2.Response, str]:
    said = Saying(cast.clock())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, cast.clock())
    path = f"/desk/episodes/{episode.id}"
    form = {"needed": "no", "id": str(uuid4()), "ago": "now"}
    return await tom.post(f"{path}/enter/medical", data=form), f"{path}/found"


@pytest.mark.parametrize(
    "refused", [end_placement, agree_to_be_away, look_in_the_pack, log_a_task_of_the_return]
)
async def test_the_page_that_refuses_leads_to_what_it_names(cast: Cast, refused: object) -> None:
    assert callable(refused)
    async with cast.browser_as("tom") as tom:
        answer, path = await refused(cast, tom)
        assert answer.status_code == 409, answer.text
        assert f'href="{path}"' in answer.text
        assert (await tom.get(path)).status_code == 200


async def test_a_second_drill_leads_to_the_one_that_runs(cast: Cast) -> None:
    async with cast.browser_as("ines") as ines:
        for _ in range(2):
            form = {"id": str(uuid4()), "worker_id": str(cast.tom.id), "each": "3"}
            answer = await ines.post("/desk/drills", data=form)
        drill = await Drill.get(ended_at__isnull=True)
    assert answer.status_code == 409
    assert answer.text.count(f'href="/desk/drills/{drill.id}"') >= 1
    assert "Open the drill" in answer.text

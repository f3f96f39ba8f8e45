"""A look at an absence that lasts, over the API: as at the desk, one call keeps it, one ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from server.watch.models import Pause
from tests.cast import Cast
from tests.watch.test_passes import DAY, agree, end_of_day, looks, pass_time


async def post(cast: Cast, who: str, pause: Pause, verb: str, body: Any = None) -> Any:
    await cast.new_token(who)
    path = f"/api/v1/children/{cast.mia.id}/pauses/{pause.id}/{verb}"
    async with cast.client_as(who) as client:
        return await client.post(path, json=body)


async def test_an_absence_is_kept_once_for_each_look_and_says_when_the_next_comes(
    cast: Cast,
) -> None:
    made, look = await agree(cast, timedelta(0), 60 * DAY), {"id": str(uuid4())}
    await pass_time(cast, days=7)
    for _ in range(2):
        kept = await post(cast, "tom", made, "keep", look)
        assert (kept.status_code, kept.json()) == (
            200,
            {"next_look_at": end_of_day(14).isoformat().replace("+00:00", "Z")},
        )
    await pass_time(cast, days=49)
    assert (await post(cast, "ines", made, "keep", {"id": str(uuid4())})).json() == {
        "next_look_at": None
    }
    assert await looks(cast) == {}


async def test_all_of_an_absence_ends_and_then_there_is_nothing_to_keep(cast: Cast) -> None:
    first = await agree(cast, timedelta(0), 10 * DAY)
    further = await agree(cast, 10 * DAY, 20 * DAY)
    await pass_time(cast, days=1)
    for _ in range(2):
        assert (await post(cast, "tom", first, "end")).status_code == 204
    ended = await Pause.filter(id__in=[first.id, further.id]).values_list("ended_at", flat=True)
    assert ended == [cast.clock(), cast.clock()]
    over = await post(cast, "tom", first, "keep", {"id": str(uuid4())})
    assert (over.status_code, over.json()["code"]) == (409, "over")


async def test_a_carer_keeps_and_ends_nothing_and_a_childs_phone_neither(cast: Cast) -> None:
    made = await agree(cast, timedelta(0), 60 * DAY)
    for who, status in (("sam", 403), ("mia", 403), ("eve", 404)):
        for verb, body in (("keep", {"id": str(uuid4())}), ("end", None)):
            assert (await post(cast, who, made, verb, body)).status_code == status, (who, verb)
    assert (await Pause.get(id=made.id)).looked_at is None

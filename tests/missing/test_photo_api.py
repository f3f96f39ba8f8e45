"""Photos of the grab pack over the wire: as hard to fool as the form, and once is once."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from PIL import Image

from server.audit.models import Entry
from server.missing.profile import rules
from server.missing.profile.models import PackPhoto
from server.watch.watch_alerts import open_missing
from server.web.middleware import PHOTO_LIMIT
from tests.cast import Cast
from tests.missing.pictures import as_bytes, drawn, of_a_phone
from tests.missing.test_photos import HEIC, WHY, bomb
from tests.races import together

JPEG = {"content-type": "image/jpeg"}


def path_of(cast: Cast, id_: UUID | None = None, child: str = "mia") -> str:
    rest = f"/{id_}" if id_ is not None else ""
    return f"/api/v1/children/{cast.children[child].id}/pack/photos{rest}"


async def put(cast: Cast, raw: Any, id_: UUID | None = None, **how: Any) -> httpx2.Response:
    """Tom sends a photo."""
    await cast.new_token(who := how.get("who", "tom"))
    headers = {"content-type": how.get("kind", "image/jpeg")}
    path = path_of(cast, id_ or uuid4(), how.get("child", "mia"))
    async with cast.client_as(who) as client:
        query = how.get("query", "?shows=face")
        return await client.put(f"{path}{query}", content=raw, headers=headers)


async def listed(cast: Cast, who: str = "tom") -> Any:
    await cast.new_token(who)
    async with cast.client_as(who) as client:
        answer = await client.get(path_of(cast), headers=WHY)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_photo_goes_in_is_seen_with_its_age_and_read_without_what_the_camera_wrote(
    cast: Cast,
) -> None:
    id_ = uuid4()
    made = await put(cast, of_a_phone(orientation=6), id_)
    assert made.status_code == 201, made.text
    said = made.json()
    assert (said["id"], said["shows"], said["taken_on"]) == (str(id_), "face", "2026-01-15")
    assert said["path"] == path_of(cast, id_)
    day = cast.clock().date() - timedelta(days=200)
    whole = await put(cast, as_bytes(drawn(), "PNG"), query=f"?shows=whole&taken_on={day}")
    assert whole.json()["shows"] == "whole"
    seen = await listed(cast)
    assert seen["room"] == rules.MOST_PHOTOS - 2
    ages = [(one["shows"], one["days_old"], one["is_old"]) for one in seen["photos"]]
    since = (cast.clock().date() - date(2026, 1, 15)).days
    assert sorted(ages) == [("face", since, False), ("whole", 200, True)]
    async with cast.client_as("tom") as tom:
        raw = (await tom.get(said["path"], headers=WHY)).content
    for word in (b"Exif", b"GPS", b"Lilas", b"Maker", b"Mia"):
        assert word not in raw
    width, height = Image.open(io.BytesIO(raw)).size
    assert width > height  # Turned as the phone was held.


async def test_the_same_photo_sent_again_or_twice_at_once_is_one(cast: Cast) -> None:
    id_, raw = uuid4(), of_a_phone()
    first = await put(cast, raw, id_)
    again = await put(cast, raw, id_)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await put(cast, as_bytes(drawn(), "PNG"), id_)
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    elsewhere = await put(cast, raw, id_, child="noor")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "id_reused")
    assert await PackPhoto.all().count() == 1


async def test_of_two_that_come_at_once_one_is_kept_and_both_are_told_so(cast: Cast) -> None:
    id_, raw = uuid4(), of_a_phone()
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:

        async def send() -> int:
            answer = await tom.put(f"{path_of(cast, id_)}?shows=face", content=raw, headers=JPEG)
            return answer.status_code

        assert set(await together(send(), send(), send())) <= {200, 201}
    assert await PackPhoto.all().count() == 1
    assert await Entry.filter(what="pack:photo_add").count() == 1


async def test_the_same_id_for_two_children_at_once_is_one_of_them(cast: Cast) -> None:
    id_, raw = uuid4(), of_a_phone()
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:

        async def send(child: str) -> int:
            path = path_of(cast, id_, child)
            answer = await tom.put(f"{path}?shows=face", content=raw, headers=JPEG)
            return answer.status_code

        assert sorted(await together(send("mia"), send("noor"))) == [201, 409]
    assert await PackPhoto.all().count() == 1


async def test_taken_out_it_is_gone_for_good_and_twice_is_once(cast: Cast) -> None:
    id_, raw = uuid4(), of_a_phone()
    path = (await put(cast, raw, id_)).json()["path"]
    async with cast.client_as("tom") as tom:
        assert (await tom.delete(path)).status_code == 204
        assert (await tom.delete(path)).status_code == 204
        assert (await tom.get(path, headers=WHY)).status_code == 404
        assert (await tom.delete(path_of(cast, uuid4()))).status_code == 404
        # Of somebody else's pack it is not there.
        assert (await tom.delete(path_of(cast, id_, "noor"))).status_code == 404
    assert await Entry.filter(what="pack:photo_remove").count() == 1
    assert (await listed(cast))["photos"] == []
    # A request that was late brings nothing back.
    assert (await put(cast, raw, id_)).status_code == 200
    assert (await listed(cast))["photos"] == []


async def test_only_those_who_keep_the_pack_put_in_and_take_out(cast: Cast) -> None:
    id_ = uuid4()
    await put(cast, of_a_phone(), id_)
    statuses = {"mia": 403, "sam": 403, "eve": 404, "root": 404, "uwe": 404}
    for who, status in statuses.items():
        assert (await put(cast, of_a_phone(), who=who)).status_code == status
        async with cast.client_as(who) as client:
            assert (await client.delete(path_of(cast, id_))).status_code == status
            assert (await client.get(path_of(cast), headers=WHY)).status_code == status
    async with cast.client() as stranger:
        assert (await stranger.get(path_of(cast))).status_code == 401
    assert (await put(cast, of_a_phone(), who="ines")).status_code == 201


async def test_the_list_is_as_sealed_as_the_pack_and_a_look_at_it_is_left(cast: Cast) -> None:
    await put(cast, of_a_phone())
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:
        sealed = await tom.get(path_of(cast))
        assert (sealed.status_code, sealed.json()["code"]) == (403, "reason_needed")
        looks = Entry.filter(child_id=cast.mia.id, what__startswith="look")
        before = await looks.count()
        assert (await tom.get(path_of(cast), headers=WHY)).status_code == 200
        assert await looks.count() == before + 1
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:
        assert (await tom.get(path_of(cast))).status_code == 200
        assert await looks.count() == before + 2


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "Choose a photo"),
        (b"no photo at all" * 50, "Choose a photo"),
        (HEIC, "HEIC"),
        (as_bytes(drawn())[:-4000], "cannot read this photo"),
        (as_bytes(drawn(150, 900)), "too small"),
        (bomb(), "40 million"),
        (b"\xff" * 15_000_001, "15 MB"),
    ],
    ids=["empty", "text", "heic", "cut", "small", "bomb", "large"],
)
async def test_what_is_no_photo_is_refused_with_what_to_do(
    cast: Cast, raw: bytes, says: str
) -> None:
    answer = await put(cast, raw, kind="application/octet-stream")
    assert (answer.status_code, answer.json()["field"]) == (422, "photo")
    assert says in answer.json()["detail"]
    assert not await PackPhoto.all().exists()


async def test_a_body_beyond_the_limit_is_refused_in_words_before_it_is_read(cast: Cast) -> None:
    answer = await put(cast, b"\xff" * (PHOTO_LIMIT + 1))
    assert answer.status_code == 413
    assert "15 MB" in answer.json()["detail"]

    async def in_pieces() -> Any:
        for _ in range(16):
            yield b"\xff" * 1_000_000

    answer = await put(cast, in_pieces())
    assert answer.status_code == 413
    # No other kind of body may be that large.
    answer = await put(cast, b"\xff" * 1_000_001, kind="application/json")
    assert answer.status_code == 413
    assert not await PackPhoto.all().exists()


@pytest.mark.parametrize(
    ("how", "status", "field"),
    [
        ({"kind": "application/json"}, 415, None),
        ({"kind": "multipart/form-data; boundary=x"}, 415, None),
        ({"kind": "image/svg+xml"}, 415, None),
        ({"query": ""}, 422, "shows"),
        ({"query": "?shows=feet"}, 422, "shows"),
        ({"query": "?shows=face&taken_on=yesterday"}, 422, "taken_on"),
        ({"query": "?shows=face&taken_on=1026-01-01"}, 422, "taken_on"),
        ({"query": "?shows=face&taken_on=2199-01-01"}, 422, "taken_on"),
    ],
)
async def test_what_is_said_of_a_photo_has_to_fit(
    cast: Cast, how: dict[str, str], status: int, field: str | None
) -> None:
    answer = await put(cast, of_a_phone(), **how)
    assert answer.status_code == status, answer.text
    assert answer.json().get("field") == field
    assert not await PackPhoto.all().exists()


async def test_there_is_room_for_six(cast: Cast) -> None:
    for number in range(rules.MOST_PHOTOS):
        assert (await put(cast, as_bytes(drawn(300 + number, 300)))).status_code == 201
    full = await put(cast, as_bytes(drawn(400, 300)))
    assert full.status_code == 409
    assert "Remove an old one first" in full.json()["detail"]
    assert (await listed(cast))["room"] == 0

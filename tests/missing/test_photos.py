"""Photos: nothing of the camera's is kept, and nothing that is wrong gets in."""

from __future__ import annotations

import io
import zlib
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from PIL import Image

from server.audit.models import Entry
from server.errors import Conflict, IdReused, Refused
from server.missing.profile import rules
from server.missing.profile.models import PackPhoto
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows
from server.storage.db import fetch
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.missing.pictures import as_bytes, drawn, of_a_phone

WHY = {"x-waymark-reason": "Looking%20for%20her"}


async def add(
    cast: Cast, raw: bytes, taken_on: date | None = None, id: UUID | None = None
) -> PackPhoto:
    return await photos.add(
        cast.actor("tom"),
        cast.children["mia"],
        raw,
        NewPhoto(id or uuid4(), Shows.FACE, taken_on),
        cast.clock(),
    )


async def test_where_and_how_it_was_taken_is_gone_and_the_day_is_kept(cast: Cast) -> None:
    made = await photos.made(of_a_phone())
    assert made.taken_on == date(2026, 1, 15)
    for raw in (made.page, made.thumb):
        with Image.open(io.BytesIO(raw)) as image:
            assert not dict(image.getexif())
            assert {*image.info} <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        for word in (b"Exif", b"GPS", b"Lilas", b"Maker", b"Mia", b"ICC_PROFILE"):
            assert word not in raw


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
async def test_it_is_turned_as_the_phone_was_held(cast: Cast, orientation: int) -> None:
    """The red corner is where a person would see it."""
    made = await photos.made(of_a_phone(orientation=orientation))
    with Image.open(io.BytesIO(made.page)) as image:
        width, height = image.size
        corners = {1: (30, 30), 3: (width - 30, height - 30)}
        corners |= {6: (width - 30, 30), 8: (30, height - 30)}
        red = image.getpixel(corners[orientation])
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert red[1] < 60


async def test_two_sizes_are_kept_and_neither_is_large(cast: Cast) -> None:
    made = await photos.made(as_bytes(drawn(4000, 3000)))
    sizes = [Image.open(io.BytesIO(raw)).size for raw in (made.page, made.thumb)]
    assert sizes == [(1200, 900), (240, 180)]
    assert len(made.thumb) < 20_000


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "I;16"])
async def test_png_of_every_kind_becomes_a_plain_photo(cast: Cast, mode: str) -> None:
    image = drawn().convert("I;16") if mode == "I;16" else drawn().convert(mode)
    made = await photos.made(as_bytes(image, "PNG"))
    assert Image.open(io.BytesIO(made.page)).mode == "RGB"


async def test_webp_and_colours_for_print_are_taken(cast: Cast) -> None:
    for raw in (as_bytes(drawn(), "WEBP"), as_bytes(drawn().convert("CMYK"))):
        assert Image.open(io.BytesIO((await photos.made(raw)).page)).mode == "RGB"


def bomb() -> bytes:
    """A small file of 400 million points."""
    raw = bytearray(as_bytes(Image.new("1", (300, 300)), "PNG"))
    raw[16:24] = (20_000).to_bytes(4, "big") * 2
    raw[29:33] = zlib.crc32(bytes(raw[12:29])).to_bytes(4, "big")
    return bytes(raw)


HEIC = b"\x00\x00\x00\x18ftypheic" + b"\x00" * 200


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "Choose a photo"),
        (b"no photo at all" * 50, "Choose a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Choose a photo"),
        (as_bytes(drawn(), "GIF"), "Choose a photo"),
        (as_bytes(drawn(), "TIFF"), "Choose a photo"),
        (HEIC, "HEIC"),
        (as_bytes(drawn())[:-4000], "cannot read this photo"),
        (as_bytes(drawn(), "PNG")[:500], "cannot read this photo"),
        (as_bytes(drawn(150, 900)), "too small"),
        (bomb(), "40 million"),
        (b"\xff" * (photos.MOST_BYTES + 1), "15 MB"),
    ],
    ids=["empty", "text", "svg", "gif", "tiff", "heic", "cut", "cut-png", "small", "bomb", "large"],
)
async def test_what_is_no_photo_is_refused_with_what_to_do(
    cast: Cast, raw: bytes, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        await add(cast, raw)
    assert not await PackPhoto.all().exists()


async def test_40_million_points_go_in_and_one_row_more_does_not(cast: Cast) -> None:
    await photos.made(as_bytes(Image.new("L", (8_000, 5_000)), "PNG"))
    with pytest.raises(Refused, match="40 million"):
        await photos.made(as_bytes(Image.new("L", (8_000, 5_001)), "PNG"))


async def test_it_lies_sealed_and_is_read_by_those_alone_who_may(cast: Cast) -> None:
    row = await add(cast, of_a_phone())
    stored = (await fetch("SELECT page FROM pack_photo"))[0]["page"]
    assert stored.startswith("wm1.")
    path = f"/api/v1/children/{cast.mia.id}/pack/photos/{row.id}"
    for who, status in (("tom", 403), ("sam", 403), ("eve", 404), ("root", 404), ("uwe", 404)):
        async with cast.client_as(who) as client:
            assert (await client.get(path)).status_code == status
    async with cast.client_as("mia") as phone:
        assert (await phone.get(path)).status_code == 403
    async with cast.client() as stranger:
        assert (await stranger.get(path)).status_code == 401
    async with cast.client_as("tom") as tom:
        seen = await tom.get(f"{path}?size=thumb", headers=WHY)
        other = f"/api/v1/children/{cast.noor.id}/pack/photos/{row.id}"
        assert (await tom.get(other, headers=WHY)).status_code == 404
    assert seen.content == row.thumb
    assert seen.headers["cache-control"] == "no-store"
    assert seen.headers["content-type"] == "image/jpeg"
    assert seen.headers["x-content-type-options"] == "nosniff"


async def test_its_age_is_said_and_an_old_one_is_called_old(cast: Cast) -> None:
    today = cast.clock().date()
    await add(cast, as_bytes(drawn()), today - timedelta(days=183))
    await add(cast, as_bytes(drawn()), today - timedelta(days=184))
    await add(cast, as_bytes(drawn()))
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    async with cast.client_as("tom") as tom:
        shown = (await tom.get(f"/api/v1/children/{cast.mia.id}/pack")).json()["photos"]
    assert sorted(one["is_old"] for one in shown) == [False, True, True]


async def test_the_same_id_is_the_same_photo_and_another_one_is_refused(cast: Cast) -> None:
    id_, raw = uuid4(), as_bytes(drawn())
    first = await add(cast, raw, id=id_)
    assert (await add(cast, raw, id=id_)).added_at == first.added_at
    with pytest.raises(IdReused):
        await add(cast, of_a_phone(), id=id_)
    assert await PackPhoto.all().count() == 1


async def test_a_day_to_come_is_refused_and_a_camera_that_lies_has_no_day(cast: Cast) -> None:
    with pytest.raises(Refused, match="in the future"):
        await add(cast, as_bytes(drawn()), date(2027, 1, 1))
    exif = Image.Exif()
    exif[0x0132] = "2031:01:01 00:00:00"
    assert (await add(cast, as_bytes(drawn(), exif=exif))).taken_on is None


async def test_a_pack_has_at_most_six_photos_and_a_removed_photo_is_gone(cast: Cast) -> None:
    rows = [await add(cast, as_bytes(drawn())) for _ in range(rules.MOST_PHOTOS)]
    with pytest.raises(Conflict, match="6 photos"):
        await add(cast, as_bytes(drawn()))
    for _ in range(2):
        await photos.remove(cast.actor("tom"), cast.children["mia"], rows[0].id, cast.clock())
    gone = await PackPhoto.get(id=rows[0].id)
    assert (gone.page, gone.thumb) == (None, None)
    assert await Entry.filter(what="pack:photo_remove").count() == 1
    await add(cast, as_bytes(drawn()))
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/children/{cast.mia.id}/pack/photos/{gone.id}"
        assert (await tom.get(path, headers=WHY)).status_code == 404

"""Photos of the grab pack: read with suspicion, made small, and nothing of the camera's left.

A photo of a phone carries where it was taken. What is kept is drawn anew from its points alone, in
two sizes. Pictures are decoded one at a time, in a thread of their own: 40 million points are
160 MB.
"""

import asyncio
import io
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from PIL import UnidentifiedImageError

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.missing.profile import rules
from server.missing.profile.models import PackPhoto
from server.missing.profile.rules import Shows
from server.people.models import Child
from server.people.ties import lock_children
from server.security import encryption
from server.starting import late
from server.storage.db import write

if TYPE_CHECKING:
    from PIL import Image, ImageCms, ImageOps
else:
    Image, ImageCms, ImageOps = map(late, ("PIL.Image", "PIL.ImageCms", "PIL.ImageOps"))

MOST_BYTES = 15_000_000
MOST_POINTS = 40_000_000
# With fewer points no face can be recognised.
FEWEST = 200
PAGE, THUMB, PAPER = 1_200, 240, 620
_QUALITY: Mapping[int, int] = {PAGE: 82, THUMB: 75}
_FORMATS = ("JPEG", "PNG", "WEBP")
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
_TAKEN = (0x9003, 0x0132)  # When it was taken; when the file was changed.
_EXIF = 0x8769


_one_at_a_time = ThreadPoolExecutor(max_workers=1, thread_name_prefix="photo")


class Made(msgspec.Struct, frozen=True):
    """A photo as it is kept."""

    page: bytes
    thumb: bytes
    taken_on: date | None


async def made(raw: bytes) -> Made:
    """The photo as it is kept. Raises Refused, saying what to do."""
    if len(raw) > MOST_BYTES:
        raise Refused(N_("This photo is larger than 15 MB. Send a smaller one."), field="photo")
    return await asyncio.get_running_loop().run_in_executor(_one_at_a_time, _made, raw)


def _opened(raw: bytes, formats: tuple[str, ...]) -> "Image.Image":
    """The photo, not decoded yet. We look at its size ourselves: Pillow's own check warns first."""
    # Its own import: what is set of a late library does not reach it.
    from PIL import Image as library

    library.MAX_IMAGE_PIXELS = None
    return library.open(io.BytesIO(raw), formats=formats)


def _made(raw: bytes) -> Made:
    if raw[4:8] == b"ftyp" and raw[8:12] in _HEIC:
        raise Refused(
            N_(
                "This is a HEIC photo from an iPhone. Send it as JPEG: take a screenshot of"
                " it. Or choose “Most Compatible” in Settings, Camera, Formats, and take"
                " the photo again."
            ),
            field="photo",
        )
    try:
        with _opened(raw, _FORMATS) as image:
            _check_size(image.size)
            taken_on = _taken_on(image)
            # A JPEG can be read at a half, a quarter, an eighth of its size.
            image.draft("RGB", (2 * PAGE, 2 * PAGE))
            plain = _plain(image)
    except UnidentifiedImageError:
        raise Refused(N_("Choose a photo: JPEG, PNG or WebP."), field="photo") from None
    except _UNREADABLE:
        raise Refused(
            N_("We cannot read this photo. Take or send another one."), field="photo"
        ) from None
    return Made(_jpeg(plain, PAGE), _jpeg(plain, THUMB), taken_on)


# What Pillow raises about a file that is broken, on purpose or not.
_UNREADABLE = (
    ArithmeticError,
    EOFError,
    KeyError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MOST_POINTS:
        raise Refused(
            N_("This photo has more than 40 million pixels. Send a smaller one."), field="photo"
        )
    if min(width, height) < FEWEST:
        raise Refused(
            N_("This photo is too small to recognise anyone. Send a larger one."), field="photo"
        )


def _taken_on(image: "Image.Image") -> date | None:
    """The day that the camera wrote down; we keep nothing else of its data."""
    exif = image.getexif()
    for timestamp in (exif.get_ifd(_EXIF).get(_TAKEN[0]), exif.get(_TAKEN[1])):
        try:
            return datetime.strptime(str(timestamp)[:10], "%Y:%m:%d").date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    return None


def _plain(image: "Image.Image") -> "Image.Image":
    """Only its points, turned upright, in ordinary colours, on white."""
    profile = image.info.get("icc_profile")
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "P":
        turned = turned.convert("RGBA")
    turned.thumbnail((PAGE, PAGE))
    if turned.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in turned.info:
        colours = turned.convert("RGBA")
        plain = Image.new("RGB", turned.size, "white")
        plain.paste(colours, mask=colours.getchannel("A"))
        return plain
    plain = Image.new("RGB", turned.size)
    plain.paste(_as_srgb(turned, profile))
    return plain


def _as_srgb(image: "Image.Image", profile: bytes | None) -> "Image.Image":
    """Colours of a phone's wide range as every screen and printer knows them."""
    if profile and image.mode == "RGB":
        try:
            of_camera = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(image, of_camera, srgb, outputMode="RGB")
            return turned if turned is not None else image
        except (ImageCms.PyCMSError, OSError):
            return image
    return image.convert("RGB")


def _jpeg(image: "Image.Image", longest: int) -> bytes:
    small = image.copy()
    small.thumbnail((longest, longest))
    held = io.BytesIO()
    small.save(held, "JPEG", quality=_QUALITY[longest], optimize=True, progressive=False)
    return held.getvalue()


async def small_for_paper(page: bytes) -> bytes:
    """The photo in the size of the printed page; None where it cannot be read."""
    return await asyncio.get_running_loop().run_in_executor(_one_at_a_time, _for_paper, page)


def _for_paper(page: bytes) -> bytes:
    try:
        with _opened(page, ("JPEG",)) as image:
            image.thumbnail((PAPER, PAPER))
            held = io.BytesIO()
            image.save(held, "JPEG", quality=80, optimize=True)
            return held.getvalue()
    except _UNREADABLE:
        return b""


# --- storing them


class NewPhoto(msgspec.Struct, frozen=True):
    """What a person says about a photo. `taken_on` None: the day that the camera wrote down."""

    id: UUID
    shows: Shows
    taken_on: date | None = None


async def add(actor: Actor, child: Child, raw: bytes, photo: NewPhoto, now: datetime) -> PackPhoto:
    """Add a photo. The same id with the same photo is the same one.

    Raises Refused for a file that is no photo, for a day in the future, and for one photo too many.
    """
    digest = encryption.blind(f"photo {child.id} {sha256(raw).hexdigest()}")
    image = await made(raw)
    day = photo.taken_on or image.taken_on
    # Where the day begins first, it is tomorrow already.
    if day is not None and day > now.date() + timedelta(days=1):
        if photo.taken_on is not None:
            raise Refused(
                N_("This date is in the future. When was the photo taken?"), field="taken_on"
            )
        day = None
    made_of = {
        "shows": photo.shows.value,
        "taken_on": day,
        "page": image.page,
        "thumb": image.thumb,
    }
    return await _keep(actor, child, photo, {**made_of, "digest": digest}, now)


async def _keep(
    actor: Actor, child: Child, photo: NewPhoto, made_of: Mapping[str, Any], now: datetime
) -> PackPhoto:
    assert actor.id is not None
    async with write():
        await lock_children([child.id])
        whose = {"child_id": child.id, "digest": made_of["digest"]}
        if (existing := await first_made(PackPhoto, photo.id, photo, **whose)) is not None:
            return existing
        held = PackPhoto.filter(child_id=child.id, removed_at__isnull=True)
        if await held.count() >= rules.MOST_PHOTOS:
            raise Conflict(N_("There are already 6 photos. Remove an old one first."))
        row = await PackPhoto.create(
            id=photo.id,
            agency_id=child.agency_id,
            child_id=child.id,
            added_by=actor.id,
            added_at=now,
            **made_of,
        )
        await _note(actor, child, "pack:photo_add", row.id, now)
    return row


async def remove(actor: Actor, child: Child, photo_id: UUID, now: datetime) -> None:
    """Remove a photo: its pictures are deleted, the row that it existed stays. Twice counts
    once."""
    async with write():
        if not await PackPhoto.filter(id=photo_id, child_id=child.id).exists():
            raise NotFound(N_("This photo does not exist."))
        taken_out = await PackPhoto.filter(id=photo_id, removed_at__isnull=True).update(
            page=None, thumb=None, removed_by=actor.id, removed_at=now
        )
        if taken_out:
            await _note(actor, child, "pack:photo_remove", photo_id, now)


async def _note(actor: Actor, child: Child, what: str, photo_id: UUID, now: datetime) -> None:
    about = ("photo", photo_id)
    await note(actor, what, child_id=child.id, about=about, agency_id=child.agency_id, now=now)

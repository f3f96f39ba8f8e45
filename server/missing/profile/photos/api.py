"""Photos of the grab pack over the wire: shown with their age, added, removed. Each photo itself is
read at `api.photo`, as sealed as the rest of the pack."""

from datetime import date
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused, Refused, WrongType
from server.i18n import N_
from server.missing.profile import reading, rules
from server.missing.profile.access import unsealed
from server.missing.profile.models import PackPhoto
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows
from server.missing.profile.wire import PhotoOut, PhotosOut
from server.people.access import child_for, now_of, visitor_of
from server.people.rules import Action
from server.web.openapi import api, query_of
from server.web.requests import form_day, header
from server.web.responses import json_answer

ShowsWhat = Literal["face", "whole"]
KINDS = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
# We accept the upload, so that we can tell the sender what to do with it.
_OF_IPHONES = ("image/heic", "image/heif")


async def show(request: Request) -> Response:
    """Which photos there are."""
    child, now = await unsealed(request), now_of(request)
    held = await reading.photos_of(child, now)
    return json_answer(PhotosOut(held, max(rules.MOST_PHOTOS - len(held), 0)))


async def put(request: Request) -> Response:
    """Add a photo, under an id of the client's: sent again it is the same one. Adding opens
    nothing, so it needs no reason."""
    # A visitor who may not is told so before 15 MB are read.
    child, _ = await child_for(request, request.path_params["child_id"], Action.PACK_CHANGE)
    asked = query_of(request, shows=ShowsWhat, taken_on=date)
    if asked["shows"] is None:
        raise Refused(N_("Choose what the photo shows."), field="shows")
    _check_kind(request)
    visitor, now, id_ = await visitor_of(request), now_of(request), request.path_params["photo_id"]
    is_known = await PackPhoto.exists(id=id_)
    row = await photos.add(
        visitor,
        child,
        await request.body(),
        NewPhoto(id_, Shows(asked["shows"]), _day(asked["taken_on"])),
        now,
    )
    photo = await reading.photo_of(child, row, now)
    return json_answer(photo, status=200 if is_known else 201)


def _day(day: date | None) -> date | None:
    """The same days that the form takes."""
    return form_day(day.isoformat(), "taken_on") if day is not None else None


def _check_kind(request: Request) -> None:
    kind = header(request.scope, b"content-type").partition(";")[0].strip().lower()
    if kind not in (*KINDS, *_OF_IPHONES):
        raise WrongType(N_("Send the photo alone, as image/jpeg, image/png or image/webp."))


async def remove(request: Request) -> Response:
    """Take one out."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.PACK_CHANGE)
    visitor, id_ = await visitor_of(request), request.path_params["photo_id"]
    await photos.remove(visitor, child, id_, now_of(request))
    return Response(status_code=204)


_PHOTOS = "/api/v1/children/{child_id:uuid}/pack/photos"
_REASON = {"X-Waymark-Reason": "Why it is opened while no alert is open; UTF-8, percent-encoded"}

routes: list[Any] = [
    api(
        "GET",
        _PHOTOS,
        show,
        "The photos of the grab pack, with their age",
        gives={200: PhotosOut},
        problems=(Refused,),
        headers=_REASON,
    ),
    api(
        "PUT",
        f"{_PHOTOS}/{{photo_id:uuid}}",
        put,
        "Put a photo into the grab pack",
        takes_media=KINDS,
        gives={200: PhotoOut, 201: PhotoOut},
        problems=(Conflict, IdReused),
        query={"shows": ShowsWhat, "taken_on": date},
    ),
    api(
        "DELETE",
        f"{_PHOTOS}/{{photo_id:uuid}}",
        remove,
        "Take a photo out of the grab pack",
        gives={204: None},
    ),
]

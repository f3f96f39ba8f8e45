"""Photos of the grab pack at the desk: look at them, add them, remove them."""

from datetime import date
from typing import Any
from uuid import uuid4

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Malformed, Refused, WaymarkError
from server.i18n import N_, gettext
from server.missing.profile import reading, rules
from server.missing.profile.access import is_unsealed
from server.missing.profile.paper_head import age_of_photo
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import id_or_new
from server.people.models import Child, Person
from server.people.rules import Action
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import clean_text, form_body, form_day

SHOWS = {Shows.FACE: N_("Face"), Shows.WHOLE: N_("Full length")}
# A form around the photo, with its other fields.
_LARGEST_FIELD = 10_000


class _InMemory(MultiPartParser):
    """Keeps an upload in memory: the original of a child's photo is never written to a disk."""

    spool_max_size = photos.MOST_BYTES + _LARGEST_FIELD


async def show(request: Request) -> Response:
    """The photos, and a form to add one."""
    child, _ = await desk_child(request, Action.PACK_CHANGE)
    if not await is_unsealed(request, child):
        return _to(child, "")
    return await _page(request, child)


async def add(request: Request) -> Response:
    """One more."""
    child, _ = await desk_child(request, Action.PACK_CHANGE)
    visitor, form = await staff_of(request), await _form(request)
    given = {name: entered(form, name) for name in ("shows", "taken_on")}
    try:
        await photos.add(
            visitor,
            child,
            await _photo(form),
            NewPhoto(id_or_new(form), _shows(given["shows"]), _day(given["taken_on"])),
            now_of(request),
        )
    except WaymarkError as fault:
        if not await is_unsealed(request, child):
            raise
        return await _page(request, child, given, fault)
    finally:
        await form.close()
    return _to(child, "/photos?done=photo")


async def _form(request: Request) -> FormData:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "multipart/form-data":
        return await form_body(request)
    parser = _InMemory(
        request.headers,
        request.stream(),
        max_files=1,
        max_fields=10,
        max_part_size=_LARGEST_FIELD,
    )
    try:
        form = await parser.parse()
    except MultiPartException:
        raise Malformed(N_("We could not read this request.")) from None
    for name, value in form.multi_items():
        clean_text(name)
        if isinstance(value, str):
            clean_text(value)
    return form


async def _photo(form: FormData) -> bytes:
    held = form.get("photo")
    if not isinstance(held, UploadFile):
        raise Refused(N_("Choose a photo: JPEG, PNG or WebP."), field="photo")
    return await held.read()


def _shows(text: str) -> Shows:
    if text not in set(Shows):
        raise Refused(N_("Choose what the photo shows."), field="shows")
    return Shows(text)


def _day(text: str) -> date | None:
    return form_day(text, "taken_on") if text else None


async def remove(request: Request) -> Response:
    """Take one out."""
    child, _ = await desk_child(request, Action.PACK_CHANGE)
    await photos.remove(
        await staff_of(request), child, request.path_params["photo_id"], now_of(request)
    )
    return _to(child, "/photos?done=photo-out")


def _to(child: Child, rest: str) -> Response:
    return RedirectResponse(f"/desk/children/{child.id}/pack{rest}", status_code=303)


async def _page(
    request: Request,
    child: Child,
    given: dict[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    held = await reading.photos_of(child, now)
    path = f"/desk/children/{child.id}/pack"
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "path": path,
        "photos": [
            (
                photo,
                gettext(language, SHOWS[Shows(photo.shows)]),
                age_of_photo(photo.taken_on, language),
            )
            for photo in held
        ],
        "has_room": len(held) < rules.MOST_PHOTOS,
        "shows": [(key.value, gettext(language, word)) for key, word in SHOWS.items()],
        "given": given or {"shows": Shows.FACE.value, "taken_on": ""},
        "latest": now.date().isoformat(),
        "new_id": str(uuid4()),
        "done": request.query_params.get("done", ""),
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "missing/profile/photos.html", context, status=status)


_PHOTOS = "/desk/children/{child_id:uuid}/pack/photos"

routes = [
    Route(_PHOTOS, show, methods=["GET"]),
    Route(_PHOTOS, add, methods=["POST"]),
    Route(f"{_PHOTOS}/{{photo_id:uuid}}/remove", remove, methods=["POST"]),
]

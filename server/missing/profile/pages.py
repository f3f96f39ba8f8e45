"""The grab pack at the desk: read it, change it group by group, review it, print it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.auth.second_factor.reauthentication import fresh
from server.clock import known_zone
from server.errors import Conflict, NotFound, See, WaymarkError
from server.i18n import LANGUAGES, N_, NAMES, gettext
from server.missing.profile import actions, reading, rules
from server.missing.profile.access import Seen, desk_writer, is_unsealed, path_of
from server.missing.profile.actions import Version
from server.missing.profile.fields import BY_GROUP, FIELDS, GROUPS, Group, Part
from server.missing.profile.paper import sighting_in_words
from server.missing.profile.paper_head import age_of_photo, born_in_words, said_by
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy, Fields
from server.people.access import Roles, desk_child, now_of, staff_of
from server.people.desk_forms import id_or_new
from server.people.models import Child, Person
from server.people.rules import Action, may
from server.people.words import ROLES, entered, form_fault
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body

DONE = {
    "saved": N_("Saved as a new version."),
    "checked": N_("Saved: checked today."),
    "photo": N_("Photo added to the pack."),
    "photo-out": N_("Photo removed."),
}


class Shown(msgspec.Struct, frozen=True):
    """One field for the reader: its name in words, what it says, and for one of the home who said
    it and when."""

    label: str
    text: str
    by: str = ""


NO_SOURCES: Mapping[str, str] = {}


class ShownGroup(msgspec.Struct, frozen=True):
    """The fields of a group that have an answer, and how many of the first importance have none."""

    name: str
    title: str
    fields: list[Shown]
    lacks: int


# --- reading


async def whole(request: Request, seen: Seen) -> Response:
    """The pack, or the question why it is opened."""
    if not await is_unsealed(request, seen.child):
        return await _sealed(request, seen.child)
    return await _page(request, seen.child, roles=frozenset(seen.roles))


async def _sealed(request: Request, child: Child, fault: WaymarkError | None = None) -> Response:
    # The reader proves who they are before they type anything: it would be lost on the way.
    await fresh(request, back=path_of(child))
    context = {
        **await frame(request, child),
        "minutes": int(rules.OPEN_FOR.total_seconds() // 60),
        "new_id": str(uuid4()),
        "error": form_fault(fault, language_of(request)) if fault else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "missing/profile/sealed.html", context, status=status)


async def open_it(request: Request) -> Response:
    """Why it is opened."""
    child, _ = await desk_child(request, Action.PACK_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    await fresh(request, back=path_of(child))
    try:
        await actions.say_why(
            visitor,
            child,
            session_id=visitor.session_id,
            why=entered(form, "why"),
            id=id_or_new(form),
            now=now,
        )
    except WaymarkError as fault:
        return await _sealed(request, child, fault)
    return RedirectResponse(path_of(child), status_code=303)


async def _page(
    request: Request, child: Child, fault: WaymarkError | None = None, *, roles: Roles
) -> Response:
    language, now = language_of(request), now_of(request)
    reader = await reader_of(request)
    shown = await reading.whole(child, Copy.POLICE, reader, now)
    assert shown.record is not None
    by_field = said_by(shown.home, reader)
    is_late = shown.verified_at is None or now - shown.verified_at > rules.REVIEW_EVERY
    context = {
        **await frame(request, child),
        "pack": shown,
        "groups": [
            shown_group(group, shown.fields, language, by_field)
            for group in GROUPS
            if group.part is not Part.NOW
        ],
        "now_fields": _now_fields(shown.now.fields if shown.now else {}, language),
        "unknown": [gettext(language, FIELDS[n].label) for n in shown.now.unknown]
        if shown.now
        else [],
        "sightings": [sighting_in_words(sighting, reader) for sighting in shown.now.sightings]
        if shown.now
        else [],
        "born": born_in_words(shown.record, language),
        "photos": [(photo, age_of_photo(photo.taken_on, language)) for photo in shown.photos],
        "is_late": is_late and shown.version > 0,
        "may_change": may(roles, Action.PACK_CHANGE),
        "has_page": may(roles, Action.CHILD_SEE),
        "languages": [(code, NAMES[code]) for code in LANGUAGES if code != language],
        "roles": {role.value: gettext(language, word) for role, word in ROLES.items()},
        "new_id": str(uuid4()),
        "error": form_fault(fault, language) if fault else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "missing/profile/pack.html", context, status=status)


def shown_group(
    group: Group, fields: Fields, language: str, by_field: Mapping[str, str] = NO_SOURCES
) -> ShownGroup:
    """A group in words. `by_field`: who said a field of the home, and when."""
    answers = [
        Shown(
            gettext(language, field.label),
            _in_words(fields[field.name], language, field.kind),
            by_field.get(field.name, ""),
        )
        for field in group.fields
        if field.name in fields
    ]
    lacks = len(rules.lacking(fields, [field.name for field in group.fields]))
    return ShownGroup(group.name, gettext(language, group.title), answers, lacks)


def _in_words(text: str, language: str, kind: str) -> str:
    if kind != "yes":
        return text
    return gettext(language, N_("Yes")) if text == "yes" else gettext(language, N_("No"))


def _now_fields(fields: Fields, language: str) -> list[Shown]:
    return shown_group(BY_GROUP["now"], fields, language).fields


async def reader_of(request: Request) -> Reader:
    """Who reads, in which language and on which clock."""
    return Reader(language_of(request), known_zone((await staff_of(request)).zone))


async def frame(request: Request, child: Child) -> dict[str, Any]:
    """What the pages of the pack share."""
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    code = request.query_params.get("done", "")
    return {
        "child": await Person.get(id=child.id),
        "home": f"/desk/children/{child.id}",
        "path": path_of(child),
        "api": f"/api/v1/children/{child.id}/pack",
        "done": gettext(language, DONE[code]) if code in DONE else None,
        "shown": lambda at: when(language, at, zone, now),
        "now": now,
    }


# --- reviews


async def check(request: Request) -> Response:
    """Nothing has changed."""
    child, roles = await desk_child(request, Action.PACK_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    version = _version(form, "version")
    if not await is_unsealed(request, child):
        return await _sealed(request, child)
    try:
        await actions.check(visitor, child, version=version, id=id_or_new(form), now=now)
    except Conflict as fault:
        return await _page(request, child, fault, roles=roles)
    return RedirectResponse(f"{path_of(child)}?done=checked", status_code=303)


def _version(form: FormData, name: str) -> int:
    typed = entered(form, name)
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0


# --- changing it


class Typed(msgspec.Struct, frozen=True):
    """What a form contains of a group, and which version the writer saw."""

    base: int
    fields: Fields


async def edit(request: Request) -> Response:
    """One group."""
    group = _group(request)
    seen = await desk_writer(request, group.part)
    child = seen.child
    if not seen.is_of_home and not await is_unsealed(request, child):
        return await _sealed(request, child)
    stands = await _current(child, group)
    return await _form(request, seen, group, Typed(stands.number, stands.fields))


async def save(request: Request) -> Response:
    """Another version, with this group as it was typed."""
    group = _group(request)
    seen = await desk_writer(request, group.part)
    child, form = seen.child, await form_body(request)
    typed = Typed(
        _version(form, "base"),
        # This form has no child's own words. A page from an older version may still send some.
        {
            field.name: entered(form, field.name)
            for field in group.fields
            if not field.is_childs or field.name in form
        },
    )
    if not seen.is_of_home and not await is_unsealed(request, child):
        return await _sealed(request, child)
    try:
        await _put(request, child, frozenset(seen.roles), group, typed)
    except WaymarkError as fault:
        return await _form(request, seen, group, typed, fault)
    return RedirectResponse(f"{path_of(child)}?done=saved#{group.name}", status_code=303)


async def _put(request: Request, child: Child, roles: Roles, group: Group, typed: Typed) -> Version:
    visitor, now = await staff_of(request), now_of(request)
    if group.part is Part.NOW:
        since = await reading.open_since(child.id)
        if since is None:
            raise nobody_looks(child)
        return await actions.put_now(
            visitor, child, since, base=typed.base, given=typed.fields, now=now
        )
    stands = await actions.current(child.id)
    # A change in another group is no conflict here.
    base = stands.number if await _is_unchanged(child, group, typed.base, stands) else typed.base
    return await actions.put(visitor, child, roles, base=base, given=typed.fields, now=now)


async def _is_unchanged(child: Child, group: Group, base: int, stands: Version) -> bool:
    seen = (await actions.at_version(child.id, base)).fields
    return all(seen.get(field.name) == stands.fields.get(field.name) for field in group.fields)


def nobody_looks(child: Child) -> Conflict:
    """The questions at the time are asked at the time."""
    return Conflict(
        N_("No alert is open about this child. First say that you think they are missing."),
        code="not_open",
        see=See(f"/desk/children/{child.id}/missing", N_("I think this child is missing")),
    )


def _group(request: Request) -> Group:
    group = BY_GROUP.get(request.path_params["group"])
    if group is None:
        raise NotFound(N_("This page does not exist."))
    return group


async def _current(child: Child, group: Group) -> Version:
    if group.part is not Part.NOW:
        return await actions.current(child.id)
    since = await reading.open_since(child.id)
    if since is None:
        raise nobody_looks(child)
    return await reading.since_then(child.id, since)


async def _form(
    request: Request,
    seen: Seen,
    group: Group,
    typed: Typed,
    fault: WaymarkError | None = None,
) -> Response:
    child, language = seen.child, language_of(request)
    if fault is not None and fault.field:
        fault.field = fault.field.removeprefix("fields.")
    base, others = _in_conflict(group, typed, fault)
    names = [pack_group.name for pack_group in GROUPS if pack_group.part is not Part.NOW]
    context = {
        **await frame(request, child),
        "group": group,
        "title": gettext(language, group.title),
        "says": gettext(language, group.says) if group.says else "",
        "fields": [
            (
                field,
                gettext(language, field.label),
                gettext(language, field.help) if field.help else "",
            )
            for field in group.fields
        ],
        "given": rules.only(typed.fields, [field.name for field in group.fields]),
        "has_page": may(frozenset(seen.roles), Action.PACK_CHANGE),
        "own": (await actions.current(child.id)).fields if group.part is Part.OWN else {},
        "others": others,
        "base": base,
        # A carer has one of these screens.
        "step": (names.index(group.name) + 1, len(names))
        if group.name in names and not seen.is_of_home
        else None,
        "error": form_fault(fault, language) if fault else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "missing/profile/group.html", context, status=status)


def _in_conflict(
    group: Group, typed: Typed, fault: WaymarkError | None
) -> tuple[int, dict[str, str]]:
    """The version to save over, and what another person wrote in the meantime. Saving again means
    that the writer has seen it."""
    if not isinstance(fault, Conflict) or not fault.content:
        return typed.base, {}
    stands = fault.content["current"]["fields"]
    others = {
        field.name: stands.get(field.name, "")
        for field in group.fields
        if stands.get(field.name, "") != typed.fields.get(field.name, "")
    }
    return fault.content["current"]["version"], others


# --- versions


async def versions(request: Request) -> Response:
    """What was changed, when, and by which person."""
    child, _ = await desk_child(request, Action.PACK_CHANGE)
    if not await is_unsealed(request, child):
        return await _sealed(request, child)
    language = language_of(request)
    rows = await reading.versions_of(child.id)
    people = await reading.persons_of({row.made_by for row in rows if row.made_by is not None})
    lines = []
    for row, before, names in reading.with_changes(rows):
        changes = [
            (
                gettext(language, FIELDS[name].label),
                before.fields.get(name, ""),
                row.fields.get(name, ""),
            )
            for name in names
        ]
        author = people.get(row.made_by) if row.made_by is not None else None
        lines.append((row, author.name if author else "", changes))
    context = {**await frame(request, child), "lines": lines}
    return page(request, "missing/profile/versions.html", context)


_PACK = "/desk/children/{child_id:uuid}/pack"

routes = [
    Route(f"{_PACK}/open", open_it, methods=["POST"]),
    Route(f"{_PACK}/check", check, methods=["POST"]),
    Route(f"{_PACK}/versions", versions, methods=["GET"]),
    Route(f"{_PACK}/group/{{group}}", edit, methods=["GET"]),
    Route(f"{_PACK}/group/{{group}}", save, methods=["POST"]),
]

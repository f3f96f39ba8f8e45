"""The grab pack on one A4 page: for the police, or as small as it can be for partners.

Typeset like the paper of the life project (plan/paper/typeset.py): words are passed as data. It is
always one page: what has no room is named.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from server.i18n import (
    N_,
    apart,
    direction,
    format_list,
    format_moment,
    gettext,
    ngettext,
)
from server.missing.profile import paper_head as head
from server.missing.profile import rules
from server.missing.profile.fields import GROUPS, Group, Part
from server.missing.profile.models import PackPhoto
from server.missing.profile.photos import actions as photos
from server.missing.profile.reading import Reader, picture_for_paper, whole
from server.missing.profile.rules import Copy
from server.missing.profile.wire import AtTheTimeOut, PackOut, RecordOut
from server.missing.search.pictures import search_line, time_line
from server.missing.search.pictures.time_line import Event
from server.people.models import Child, Person
from server.people.rules import Role
from server.people.words import ROLES
from server.plan.paper.scripts import isolated
from server.plan.paper.typeset import typeset

_SOURCE = Path(__file__).with_name("pack.typ")
# This much of one answer has room beside all the others; the rest is in the file.
MOST_OF_ONE = {1: 420, 2: 240, 3: 160}
# This many letters are legible on the page. Beyond it, each answer is shortened by the same share.
MOST_OF_ALL = 7_000
SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15)
LONGEST_SCRIPT = 60
# A short list: what is left of it is counted.
MOST_UNKNOWN = 6
Data = dict[str, Any]

_WORDS = {
    "title": N_("Grab pack"),
    "no_photo": N_("No photo"),
    "now": N_("Now"),
    "unknown": N_("What we do not know"),
    "left": N_("Not complete here, see the file (JSON)"),
    "confidential": N_("Confidential. Destroy when the child is found."),
    "comma": N_(", "),
}
_PHOTO = N_("Photo of {name}")
# French puts a space before a colon, where the line must not break.
_COLONS = {"fr": "\N{NO-BREAK SPACE}:"}
_FOR = {
    Copy.POLICE: N_("For the police, to find a child"),
    Copy.PARTNER: N_("For partners who help to find a child"),
    Copy.HOME: N_("What the home knows, to find a child"),
}
ANSWERS = {"seen": N_("seen"), "not_seen": N_("looked, could not find")}


class Page(msgspec.Struct, frozen=True):
    """A page, and the version of the pack that it shows."""

    version: int
    made: bytes


async def pdf(child: Child, copy: Copy, reader: Reader, now: datetime) -> bytes:
    """The page."""
    return (await page(child, copy, reader, now)).made


async def page(child: Child, copy: Copy, reader: Reader, now: datetime) -> Page:
    """The page with its version, from one reading: asked for separately, the version could be one
    that another person has just written."""
    reader = replace(reader, lasts=True)
    shown = await whole(child, copy, reader, now)
    photo = await _photo(child, copy)
    small = await photos.small_for_paper(photo.page) if photo and photo.page else b""
    # Better a page without a photo than none.
    head_of = _Head(await _name(child), photo if small else None, copy)
    data = _data(shown, head_of, reader, now)
    return Page(shown.version, await asyncio.to_thread(_set, data, small))


async def text(child: Child, copy: Copy, reader: Reader, now: datetime) -> str:
    """The same in plain lines, none of them shortened."""
    reader = replace(reader, lasts=True)
    shown = await whole(child, copy, reader, now)
    head_of = _Head(await _name(child), await _photo(child, copy), copy)
    data, language = _data(shown, head_of, reader, now), reader.language
    words, colon = data["words"], data["words"]["colon"]
    lines = [
        data["name"],
        data["own_script"],
        f"{words['title']} · {data['subtitle']}",
        data["warning"],
        data["photo_note"] or words["no_photo"],
        data["band"],
        data["says"],
        *(
            f"{fact['name']}{colon} {fact['value']}"
            for fact in [*head.beside(shown, reader), *data["facts"]]
        ),
        f"{words['unknown']}{colon} {head.joined(head.unknown(shown.now, language), language)}",
    ]
    if shown.now is None or not shown.now.unknown:
        lines.pop()
    parts = [[line for line in lines if line]]
    for group in _whole_groups(shown, reader):
        items = [
            f"{entry['label']}{colon} {apart(language, entry['text'])}" for entry in group["items"]
        ]
        parts.append([group["title"], *items])
    parts.append([words["confidential"], data["footer"]])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


async def _name(child: Child) -> str:
    return (await Person.get(id=child.id)).name


async def _photo(child: Child, copy: Copy) -> PackPhoto | None:
    return None if copy is Copy.HOME else await picture_for_paper(child.id)


class _Head(msgspec.Struct, frozen=True):
    """About which child, with which photo, and for which readers."""

    name: str
    photo: PackPhoto | None
    copy: Copy


def _set(data: Data, small: bytes) -> bytes:
    language = data["language"]
    isolate = partial(isolated, language=language)
    for entry in (*data["facts"], *data["beside"]):
        entry["value"] = isolate(entry["value"])
    if data["sign"] is not None:
        data["sign"]["value"] = isolate(data["sign"]["value"])
    for entry in (item for group in data["groups"] for item in group["items"]):
        entry["label"], entry["text"] = isolate(entry["label"]), isolate(entry["text"])
    data |= {
        "name": isolate(data["name"]),
        "own_script": isolate(data["own_script"]),
        "cut": [isolate(name) for name in data["cut"]],
        "says": isolate(data["says"]),
        "footer": isolate(data["footer"]),
    }
    return typeset(_SOURCE, data, photo=json.dumps(list(small)))


def _data(shown: PackOut, head_of: _Head, reader: Reader, now: datetime) -> Data:
    language, photo, copy = reader.language, head_of.photo, head_of.copy
    is_of_home = copy is Copy.HOME
    groups, cut = _groups(shown, reader)
    unknown = head.unknown(shown.now, language)
    more = len(unknown) - MOST_UNKNOWN
    return {
        "language": language,
        "is_rtl": direction(language) == "rtl",
        "words": {
            **{name: gettext(language, word) for name, word in _WORDS.items()},
            "colon": _COLONS.get(language, ":"),
            # For those who hear the page.
            "photo": gettext(language, _PHOTO, name=head_of.name),
            # A copy that never has a photo does not say that there is none.
            **({"no_photo": ""} if is_of_home else {}),
        },
        "subtitle": _subtitle(shown, copy, reader),
        "name": head_of.name,
        "own_script": shown.fields.get("own_script", "")[:LONGEST_SCRIPT],
        "band": head.band(shown.now, reader),
        "beside": [head.short(fact, head.MOST_BESIDE) for fact in head.beside(shown, reader)],
        "sign": head.last_sign(shown.now, language),
        "facts": head.facts(shown.record, reader),
        "warning": head.warning(shown, now, language) if copy is Copy.POLICE else "",
        "has_photo": photo is not None,
        **head.photo_note(shown, photo, language),
        "says": shown.now.says if shown.now else "",
        "line": _line(shown.now, reader),
        "unknown": unknown[:MOST_UNKNOWN] if more > 1 else unknown,
        "more_unknown": ngettext(language, "and {n} more", "and {n} more", more)
        if more > 1
        else "",
        "groups": groups,
        "cut": cut,
        # Name the clock: a reader in another country has another hour.
        "footer": " · ".join([*([shown.record.agency] if shown.record else []), _at(now, reader)]),
    }


def _subtitle(shown: PackOut, copy: Copy, reader: Reader) -> str:
    says = gettext(reader.language, _FOR[copy])
    # The number counts what others wrote as well, and its check was of the whole pack.
    return says if copy is Copy.HOME else f"{says} · {head.version_in_words(shown, reader)}"


def _line(at_the_time: AtTheTimeOut | None, reader: Reader) -> Data | None:
    """The search as a line of time, while one is on; not for partners."""
    events = at_the_time.events if at_the_time else []
    if not events:
        return None
    # Paper is read later than now: minutes count near what happened last.
    last = max(event.at for event in events)
    line = time_line.drawn((Event(event.at, event.title) for event in events), last)
    return search_line.on_paper(line, reader.language, reader.zone)


def _at(now: datetime, reader: Reader) -> str:
    return f"{format_moment(reader.language, now, reader.zone)} ({reader.zone})"


# --- the entries


def _groups(shown: PackOut, reader: Reader) -> tuple[list[Data], list[str]]:
    """The entries that do not stand whole beside the photo, and the names of those shortened."""
    kept = _whole_groups(shown, reader, but=head.whole_beside(shown, reader))
    items = [item for group in kept for item in group["items"]]
    cut = _shortened(items)
    for item in items:
        item["text"] = apart(reader.language, item["text"])
    return kept, cut


def _whole_groups(
    shown: PackOut, reader: Reader, but: frozenset[str] = head.ALL_BESIDE
) -> list[Data]:
    language, by_field = reader.language, head.said_by(shown.home, reader)
    groups = [_happened(shown.now, reader, but)]
    groups += [_there(shown.record, language)] if shown.record is not None else []
    groups += [
        _group(group, shown.fields, language, but, by_field)
        for group in GROUPS
        if group.part != Part.NOW
    ]
    return [group for group in groups if group["items"]]


def _shortened(items: list[Data]) -> list[str]:
    """Shorten the answers that have no room, and return the names of their fields."""
    for share in SHARES:
        most = {need: int(number * share) for need, number in MOST_OF_ONE.items()}
        if sum(min(len(entry["text"]), most[entry["need"]]) for entry in items) <= MOST_OF_ALL:
            break
    long_entries = [entry for entry in items if len(entry["text"]) > most[entry["need"]]]
    for entry in long_entries:
        entry["text"] = f"{entry['text'][: most[entry['need']]].rstrip()}…"
    return [entry["label"] for entry in long_entries]


def _group(
    group: Group,
    fields: rules.Fields,
    language: str,
    but: frozenset[str],
    by_field: Mapping[str, str] | None = None,
) -> Data:
    items = [
        _item(head.label_of(field.name, by_field or {}, language), fields[field.name], field.need)
        for field in group.fields
        if field.name in fields and field.name != "own_script" and field.name not in but
    ]
    return {"title": gettext(language, group.title), "items": items}


def _item(label: str, text: str, need: int) -> Data:
    return {"label": label, "text": head.plain(text), "need": need}


def _happened(at_the_time: AtTheTimeOut | None, reader: Reader, but: frozenset[str]) -> Data:
    """The answers to the questions at the time, what is known of the silence, and who looked."""
    language = reader.language
    group = next(candidate for candidate in GROUPS if candidate.part is Part.NOW)
    if at_the_time is None:
        return {"title": "", "items": []}
    made = _group(group, at_the_time.fields, language, but)
    if at_the_time.last_seen and head.LAST_SEEN not in but:
        label = gettext(language, N_("Last seen"))
        made["items"].insert(0, _item(label, at_the_time.last_seen, 1))
    made["items"] += [
        _item(point.label, point.text, 1) for point in at_the_time.points if point.text
    ]
    made["items"] += [_item(attempt.label, attempt.text, 2) for attempt in at_the_time.tried]
    made["items"] += [
        _item(
            gettext(language, N_("Sighting")),
            sighting_in_words(sighting, reader),
            1,
        )
        for sighting in at_the_time.sightings
    ]
    return made


def sighting_in_words(sighting: Any, reader: Reader) -> str:
    """When, who it was, and what they said."""
    language = reader.language
    parts = [
        format_moment(language, sighting.at, reader.zone),
        gettext(language, ANSWERS[sighting.answer]),
        sighting.by.name if sighting.by else "",
        sighting.place or "",
        sighting.words or "",
    ]
    return gettext(language, N_(", ")).join(apart(language, part) for part in parts if part)


def _there(record: RecordOut, language: str) -> Data:
    items = [
        _item(
            gettext(language, ROLES[role]),
            format_list(language, [person.name for person in record.people if person.role == role]),
            1,
        )
        for role in (Role.CASEWORKER, Role.SUPERVISOR, Role.GUARDIAN, Role.CARER)
        if any(person.role == role for person in record.people)
    ]
    items += [
        _item(
            gettext(language, N_("Trusted by the child")),
            gettext(language, N_(", ")).join(
                apart(language, part) for part in (contact.name, contact.reach)
            ),
            1,
        )
        for contact in record.trusted
    ]
    return {"title": gettext(language, N_("Who looks after the child")), "items": items}

"""The grab pack on one A4 page: for the police, or as small as it can be for partners.

Typeset like the paper of the life project (plan/paper/typeset.py): words are passed as data. It is
always one page: what has no room is named.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from server.i18n import (
    N_,
    NAMES,
    apart,
    direction,
    format_list,
    format_moment,
    format_short_date,
    gettext,
    ngettext,
)
from server.missing.profile import rules
from server.missing.profile.fields import FIELDS, GROUPS, Group, Part
from server.missing.profile.models import PackPhoto
from server.missing.profile.photos import actions as photos
from server.missing.profile.reading import Reader, picture_for_paper, whole
from server.missing.profile.rules import Copy
from server.missing.profile.wire import AtTheTimeOut, PackOut, RecordOut
from server.people.models import Child
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
# French puts a space before a colon, where the line must not break.
_COLONS = {"fr": "\N{NO-BREAK SPACE}:"}
_FOR = {
    Copy.POLICE: N_("For the police, to find a child"),
    Copy.PARTNER: N_("For partners who help to find a child"),
}
ANSWERS = {"seen": N_("seen"), "not_seen": N_("looked, could not find")}


@dataclass(frozen=True, slots=True)
class Page:
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
    photo = await picture_for_paper(child.id)
    small = await photos.small_for_paper(photo.page) if photo and photo.page else b""
    # Better a page without a photo than none.
    data = _data(shown, photo if small else None, copy, reader, now)
    return Page(shown.version, await asyncio.to_thread(_set, data, small))


async def text(child: Child, copy: Copy, reader: Reader, now: datetime) -> str:
    """The same in plain lines, none of them shortened."""
    reader = replace(reader, lasts=True)
    shown = await whole(child, copy, reader, now)
    photo = await picture_for_paper(child.id)
    data = _data(shown, photo, copy, reader, now)
    words, colon = data["words"], data["words"]["colon"]
    head = [
        data["name"],
        data["own_script"],
        f"{words['title']} · {data['subtitle']}",
        data["warning"],
        data["photo_note"] or words["no_photo"],
        data["says"],
        *(f"{fact['name']}{colon} {fact['value']}" for fact in data["facts"]),
        f"{words['unknown']}{colon} {data['unknown']}" if data["unknown"] else "",
    ]
    parts = [[line for line in head if line]]
    for group in _whole_groups(shown, copy, reader):
        items = [
            f"{entry['label']}{colon} {apart(reader.language, entry['text'])}"
            for entry in group["items"]
        ]
        parts.append([group["title"], *items])
    parts.append([words["confidential"], data["footer"]])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _set(data: Data, small: bytes) -> bytes:
    language = data["language"]
    isolate = partial(isolated, language=language)
    for entry in data["facts"]:
        entry["value"] = isolate(entry["value"])
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


def _data(
    shown: PackOut, photo: PackPhoto | None, copy: Copy, reader: Reader, now: datetime
) -> Data:
    assert shown.record is not None
    language = reader.language
    groups, cut = _groups(shown, copy, reader)
    return {
        "language": language,
        "is_rtl": direction(language) == "rtl",
        "words": {
            **{name: gettext(language, word) for name, word in _WORDS.items()},
            "colon": _COLONS.get(language, ":"),
        },
        "subtitle": f"{gettext(language, _FOR[copy])} · {_version(shown, reader)}",
        "name": shown.record.name,
        "own_script": shown.fields.get("own_script", "")[:LONGEST_SCRIPT],
        "facts": _facts(shown.record, reader),
        "warning": "" if copy is Copy.PARTNER else _warning(shown, now, language),
        "has_photo": photo is not None,
        **_photo_note(shown, photo, language),
        "says": shown.now.says if shown.now else "",
        "unknown": _unknown(shown.now, language),
        "groups": groups,
        "cut": cut,
        # Name the clock: a reader in another country has another hour.
        "footer": f"{shown.record.agency} · {_at(now, reader)}",
    }


def _at(now: datetime, reader: Reader) -> str:
    return f"{format_moment(reader.language, now, reader.zone)} ({reader.zone})"


def _version(shown: PackOut, reader: Reader) -> str:
    version = gettext(reader.language, N_("Version {n}"), n=shown.version)
    if shown.verified_at is None:
        return version
    day = shown.verified_at.astimezone(reader.zone).date()
    looked = gettext(
        reader.language,
        N_("checked on {day}"),
        day=format_short_date(reader.language, day),
    )
    return f"{version} · {looked}"


def _warning(shown: PackOut, now: datetime, language: str) -> str:
    """The warning that there was no review for too long."""
    if shown.version == 0:
        return gettext(
            language, N_("No pack was prepared. This page shows only what is on record.")
        )
    if shown.verified_at is None:
        return gettext(language, N_("No adult has checked it yet. It may be wrong."))
    if now - shown.verified_at > rules.REVIEW_EVERY:
        return gettext(language, N_("Not checked for 30 days. It may be out of date."))
    return ""


def _photo_note(shown: PackOut, photo: PackPhoto | None, language: str) -> Data:
    if photo is None:
        return {"photo_note": "", "photo_is_old": False}
    is_old = next(
        (shown_photo.is_old for shown_photo in shown.photos if shown_photo.id == photo.id), False
    )
    return {"photo_note": age_of_photo(photo.taken_on, language), "photo_is_old": is_old}


def age_of_photo(taken_on: date | None, language: str) -> str:
    """When it was taken."""
    if taken_on is None:
        return gettext(language, N_("Date taken unknown"))
    day = format_short_date(language, taken_on)
    return gettext(language, N_("Taken on {day}"), day=day)


def _facts(record: RecordOut, reader: Reader) -> list[Data]:
    language = reader.language
    placed = format_short_date(language, record.placed_at.astimezone(reader.zone).date())
    rows = [
        (N_("Born"), born_in_words(record, language)),
        (N_("App language"), NAMES.get(record.language, record.language)),
        (N_("Lives at"), record.home or ""),
        (N_("Placed since"), placed if record.home is not None else ""),
        (N_("Agency"), record.agency),
        (N_("Call day and night"), record.help_phone or ""),
        (N_("Sends texts from"), record.texts_from or ""),
    ]
    return [
        {"name": gettext(language, name), "value": apart(language, value)}
        for name, value in rows
        if value
    ]


def born_in_words(record: RecordOut, language: str) -> str:
    """The birthday, or the age alone, or that it is unknown."""
    if record.age is None:
        return gettext(language, N_("not known"))
    years = ngettext(language, "{n} year old", "{n} years old", record.age)
    if record.born_on is None:
        return years
    return f"{format_short_date(language, record.born_on)}, {years}"


def _unknown(at_the_time: AtTheTimeOut | None, language: str) -> str:
    if at_the_time is None or not at_the_time.unknown:
        return ""
    # Semicolons, since most of these have commas of their own.
    return gettext(language, N_("; ")).join(
        gettext(language, FIELDS[name].label) for name in at_the_time.unknown
    )


# --- the entries


def _groups(shown: PackOut, copy: Copy, reader: Reader) -> tuple[list[Data], list[str]]:
    kept = _whole_groups(shown, copy, reader)
    items = [item for group in kept for item in group["items"]]
    cut = _shortened(items)
    for item in items:
        item["text"] = apart(reader.language, item["text"])
    return kept, cut


def _whole_groups(shown: PackOut, copy: Copy, reader: Reader) -> list[Data]:
    language = reader.language
    assert shown.record is not None
    groups = [_happened(shown.now, reader), _there(shown.record, language)]
    groups += [_group(group, shown.fields, language) for group in GROUPS if group.part != Part.NOW]
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


def _group(group: Group, fields: rules.Fields, language: str) -> Data:
    items = [
        _item(gettext(language, field.label), fields[field.name], field.need)
        for field in group.fields
        if field.name in fields and field.name != "own_script"
    ]
    return {"title": gettext(language, group.title), "items": items}


def _item(label: str, text: str, need: int) -> Data:
    plain = " / ".join(line.strip() for line in text.splitlines() if line.strip())
    return {"label": label, "text": plain, "need": need}


def _happened(at_the_time: AtTheTimeOut | None, reader: Reader) -> Data:
    """The answers to the questions at the time, what is known of the silence, and who looked."""
    language = reader.language
    group = next(candidate for candidate in GROUPS if candidate.part is Part.NOW)
    if at_the_time is None:
        return {"title": "", "items": []}
    made = _group(group, at_the_time.fields, language)
    if at_the_time.last_seen:
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

"""The upper part of the page of the grab pack: what is read from two metres. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from server.i18n import (
    N_,
    NAMES,
    apart,
    format_moment,
    format_short_date,
    format_time,
    gettext,
    ngettext,
)
from server.missing.profile import rules
from server.missing.profile.fields import FIELDS
from server.missing.profile.models import PackPhoto
from server.missing.profile.reading import Reader
from server.missing.profile.wire import AtTheTimeOut, HomeFieldOut, PackOut, RecordOut

Data = dict[str, Any]
# What stands beside the photo is read from two metres: this much of an answer, and of the sign.
MOST_BESIDE = 90
MOST_OF_SIGN = 200
BESIDE = ("height", "hair")
ALL_BESIDE = frozenset({*BESIDE, "clothing"})
LAST_SEEN = "seen"  # No field: what the search tells of it.


def version_in_words(shown: PackOut, reader: Reader) -> str:
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


def warning(shown: PackOut, now: datetime, language: str) -> str:
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


def photo_note(shown: PackOut, photo: PackPhoto | None, language: str) -> Data:
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


def facts(record: RecordOut | None, reader: Reader) -> list[Data]:
    language = reader.language
    if record is None:
        return []
    placed = format_short_date(language, record.placed_at.astimezone(reader.zone).date())
    rows = [
        (N_("App language"), NAMES.get(record.language, record.language)),
        (N_("Lives at"), record.home or ""),
        (N_("Placed since"), placed if record.home is not None else ""),
        (N_("Agency"), record.agency),
        (N_("Call day and night"), record.help_phone or ""),
        (N_("Sends texts from"), record.texts_from or ""),
    ]
    return _named(rows, language)


def _named(rows: Sequence[tuple[str, str]], language: str) -> list[Data]:
    return [
        {"name": gettext(language, name), "value": apart(language, value)}
        for name, value in rows
        if value
    ]


def band(at_the_time: AtTheTimeOut | None, reader: Reader) -> str:
    """That the child is missing, and what is known of when; empty while no search is on. Where all
    was on one day, that of the report says its date."""
    last = at_the_time.last if at_the_time is not None else None
    if last is None:
        return ""
    language, zone = reader.language, reader.zone
    seen = N_("seen by the home {time}") if last.seen_by_home else N_("last seen {time}")
    clauses = [(N_("last heard from {time}"), last.heard_at), (seen, last.seen_at)]
    moments = [(words, at) for words, at in clauses if at is not None]
    days = {at.astimezone(zone).date() for at in (last.reported_at, *(at for _, at in moments))}
    shown = format_time if len(days) == 1 else format_moment
    parts = [gettext(language, words, time=shown(language, at, zone)) for words, at in moments]
    reported = format_moment(language, last.reported_at, zone)
    parts.append(gettext(language, N_("reported {time}"), time=reported))
    return " · ".join([gettext(language, N_("MISSING")), *parts])


def beside(shown: PackOut, reader: Reader) -> list[Data]:
    """What a police officer looks for first: age, height, hair and clothes."""
    if shown.record is None:
        return []
    rows = [
        (N_("Born"), born_in_words(shown.record, reader.language)),
        *((FIELDS[name].label, plain(shown.fields.get(name, ""))) for name in BESIDE),
        (FIELDS["clothing"].label, plain(shown.now.clothes) if shown.now else ""),
    ]
    return _named(rows, reader.language)


def last_sign(at_the_time: AtTheTimeOut | None, language: str) -> Data | None:
    if at_the_time is None or at_the_time.last_sign is None:
        return None
    sign = at_the_time.last_sign
    value = apart(language, plain(sign.text))
    return short({"name": sign.label, "value": value}, MOST_OF_SIGN)


def short(fact: Data, most: int) -> Data:
    if len(fact["value"]) <= most:
        return fact
    return {**fact, "value": f"{fact['value'][:most].rstrip()}…"}


def born_in_words(record: RecordOut, language: str) -> str:
    """The birthday, or the age alone, or that it is unknown."""
    if record.age is None:
        return gettext(language, N_("not known"))
    years = ngettext(language, "{n} year old", "{n} years old", record.age)
    if record.born_on is None:
        return years
    born = format_short_date(language, record.born_on)
    return gettext(language, N_("{born}, {years}"), born=born, years=years)


def unknown(at_the_time: AtTheTimeOut | None, language: str) -> list[str]:
    if at_the_time is None:
        return []
    return [gettext(language, FIELDS[name].label) for name in at_the_time.unknown]


def joined(names: Sequence[str], language: str) -> str:
    # Semicolons, since most of these have commas of their own.
    return gettext(language, N_("; ")).join(names)


def whole_beside(shown: PackOut, reader: Reader) -> frozenset[str]:
    """The fields that stand beside the photo with all that was written."""
    texts = {name: shown.fields.get(name, "") for name in BESIDE}
    texts["clothing"] = shown.now.fields.get("clothing", "") if shown.now else ""
    whole = {name for name, text in texts.items() if len(plain(text)) <= MOST_BESIDE}
    sign = shown.now.last_sign if shown.now else None
    is_last_seen = sign is not None and shown.now is not None and sign.text == shown.now.last_seen
    if is_last_seen and sign is not None and len(sign.text) <= MOST_OF_SIGN:
        whole.add(LAST_SEEN)
    return frozenset(whole)


def label_of(name: str, by_field: Mapping[str, str], language: str) -> str:
    """What a field is called; with who said it and when, where it is one of the home."""
    label = gettext(language, FIELDS[name].label)
    if name not in by_field:
        return label
    return gettext(language, N_("{label} ({by})"), label=label, by=by_field[name])


def said_by(home: Sequence[HomeFieldOut], reader: Reader) -> dict[str, str]:
    """Who said each field of the home, and when, in words."""
    return {
        field.name: gettext(
            reader.language,
            N_("{name}, {when}"),
            name=field.by.name,
            when=format_moment(reader.language, field.at, reader.zone),
        )
        for field in home
        if field.by is not None
    }


def plain(text: str) -> str:
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())

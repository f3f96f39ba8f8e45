"""The words of people: catalogs, plurals, and times in the reader's zone and language.

English is the msgid; `locale` has one gettext catalog per other language, for server and phone
alike. Catalogs are read straight from the .po if there is no newer .mo beside it, so that a
checkout works without a build. `python -m tools.catalogs` keeps them.

Placeholders are `{name}` and nothing more: no attributes, no formats. A timedelta is filled in as a
span. Digits are those that CLDR gives the language: for plain "ar" these are Latin ones, as in a
browser's Intl, so phone and server agree. Babel knows the Gregorian calendar only.
"""

import gettext as _gettext
import io
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from math import inf
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates, units
from babel.lists import format_list as _format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from server.i18n.languages import LANGUAGES as LANGUAGES
from server.i18n.languages import NAMES as NAMES
from server.i18n.languages import TABLE, Language

LOCALE_FOLDER = Path(__file__).parent / "locale"

# First strong isolate and its end: they keep a Latin name inside an Arabic sentence (or the other
# way round) from dragging the words and marks around it to the wrong side.
_ISOLATE: Final = "\u2068"
_POP_ISOLATE: Final = "\u2069"
Length = Literal["long", "short", "narrow"]
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_ENDED: Final = re.compile(r"(?<!\.)\.\Z")
_ENDS: Final = re.compile(r"\.(?!\.)")


def N_(msgid: str) -> str:
    """Mark a sentence for the catalogs where it is written and translate it where it is shown."""
    return msgid


# A page asks this for each of its words.
_SUPPORTED: Final[dict[str | None, Language]] = {code: code for code in LANGUAGES}


def supported_language(language: str | None) -> Language:
    """The language if there is a catalog for it, else English."""
    return _SUPPORTED.get(language, "en")


def direction(language: str) -> str:
    """ "rtl" or "ltr", for the attribute `dir`."""
    return TABLE[supported_language(language)].direction


def gettext(language: str, msgid: str, /, **values: object) -> str:
    """The sentence in that language, its `{name}` filled; English where it is not translated."""
    text = _catalog(supported_language(language)).gettext(msgid) if msgid else ""
    return fill(language, text, values)


def ngettext(language: str, singular: str, many: str, n: int, /, **values: object) -> str:
    """The sentence in the form for `n`, which also fills `{n}`."""
    text = _catalog(supported_language(language)).ngettext(singular, many, n)
    return fill(language, text, {"n": n, **values})


def fill(language: str, text: str, values: Mapping[str, object]) -> str:
    """The text with its `{name}` placeholders filled; one without a value stays as it is. A value
    that ends with a full stop ("jeu. 2 avr.", "Amira A.") ends its sentence as well."""
    if not values:
        return text

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            return match[0]
        shown = _shown(language, values[name])
        is_ended = _ENDED.search(shown) and _ENDS.match(text, match.end())
        return shown[:-1] if is_ended else shown

    return _PLACEHOLDER.sub(value, text)


def _shown(language: str, value: object) -> str:
    if isinstance(value, timedelta):
        return format_span(language, value)
    if isinstance(value, bool) or not isinstance(value, int):
        return apart(language, str(value))
    return format_number(language, value)


def apart(language: str, text: str) -> str:
    """A text that may go among words of that language: a phone number keeps the order of its
    digits, and text of the other direction does not pull its neighbours along."""
    return f"{_ISOLATE}{text}{_POP_ISOLATE}" if _may_disturb(language, text) else text


def _may_disturb(language: str, text: str) -> bool:
    """Whether a text would mix up a right-to-left sentence around it: it begins the other way.

    A URL must stay one that can be copied; an isolate would become part of it.
    """
    if direction(language) != "rtl" or not text or "://" in text:
        return False
    sides = (unicodedata.bidirectional(char) for char in text)
    return next((side for side in sides if side in ("L", "R", "AL")), "L") == "L"


@cache
def _catalog(language: str) -> _gettext.NullTranslations:
    if language == "en":
        return _gettext.NullTranslations()
    po = LOCALE_FOLDER / language / "LC_MESSAGES" / "waymark.po"
    mo = po.with_suffix(".mo")
    if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
        with mo.open("rb") as compiled:
            return _gettext.GNUTranslations(compiled)
    made = io.BytesIO()
    with po.open("rb") as source:
        write_mo(made, read_po(source, locale=language))
    made.seek(0)
    return _gettext.GNUTranslations(made)


def warm() -> None:
    """Read every catalog now, so that the first page of a language does not wait for it."""
    for language in LANGUAGES:
        _catalog(language)


def negotiate(accept_language: str | None) -> str:
    """The language among ours that a browser likes best, by `Accept-Language`; else English."""
    best, best_weight = "en", 0.0
    for item in (accept_language or "").split(","):
        tag, _, parameters = item.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
    if match:
        return float(match[1])
    return 0.0 if parameters.strip() else 1.0


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(TABLE[supported_language(language)].region)


@lru_cache(maxsize=4096)
def format_number(language: str, number: float) -> str:
    """With the grouping and digits of the language."""
    return format_decimal(number, locale=_locale(language))


def format_list(language: str, items: list[str]) -> str:
    """ "a, b and c". Of names in several scripts each keeps to itself."""
    return _format_list([_shown(language, text) for text in items], locale=_locale(language))


def format_time(language: str, when: datetime, zone: ZoneInfo) -> str:
    """The wall clock in that zone: "18:05"."""
    return dates.format_time(when, "short", tzinfo=zone, locale=_locale(language))


def format_seconds(language: str, when: datetime, zone: ZoneInfo) -> str:
    """The same, to the second: "18:05:12"."""
    return dates.format_time(when, "medium", tzinfo=zone, locale=_locale(language))


def format_date(language: str, day: date) -> str:
    """A calendar day in full: "Wednesday, 25 November 2026"."""
    return dates.format_date(day, "full", locale=_locale(language))


def format_short_date(language: str, day: date) -> str:
    """A calendar day where there is little room: "25 November 2026"."""
    return dates.format_date(day, "long", locale=_locale(language))


def format_weekday(language: str, day: int, *, is_short: bool = False) -> str:
    """A day of the week by its name; Monday is 0."""
    width: Literal["abbreviated", "wide"] = "abbreviated" if is_short else "wide"
    return str(dates.get_day_names(width, "stand-alone", _locale(language))[day])


def format_day(language: str, when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The day of a moment, as people say it: "today", "tomorrow", else "Wed 25 Nov".

    A day of another year carries the year.
    """
    local, today = when.astimezone(zone), now.astimezone(zone)
    distance = (local.date() - today.date()).days
    near = {-1: N_("yesterday"), 0: N_("today"), 1: N_("tomorrow")}.get(distance)
    if near is not None:
        return gettext(language, near)
    skeleton = "MMMEd" if local.year == today.year else "yMMMEd"
    return dates.format_skeleton(skeleton, local, tzinfo=zone, locale=_locale(language))


def format_moment(
    language: str, when: datetime, zone: ZoneInfo, now: datetime | None = None
) -> str:
    """Day and time in that zone: "Wed, 25 Nov 2026, 18:05"; with `now`: "tomorrow, 18:05"."""
    if now is not None:
        day = format_day(language, when, zone, now)
    else:
        day = dates.format_skeleton("yMMMEd", when, tzinfo=zone, locale=_locale(language))
    return gettext(language, N_("{day}, {time}"), day=day, time=format_time(language, when, zone))


def format_ago(language: str, delta: timedelta) -> str:
    """How long ago: "2 hours ago"; a negative `delta` is in the future: "in 3 minutes".

    Whole units, rounded down: what is shown as 2 hours has been 2 hours.
    """
    seconds = abs(delta.total_seconds())
    if seconds < 60:
        return gettext(language, N_("just now") if delta >= timedelta(0) else N_("now"))
    unit, size = next(pair for pair in _UNITS if seconds >= pair[1])
    whole = timedelta(seconds=seconds // size * size)
    return dates.format_timedelta(
        -whole if delta >= timedelta(0) else whole,
        granularity=unit,
        # Babel would take the next larger unit from here on, and round it up.
        threshold=inf,
        add_direction=True,
        locale=_locale(language),
    )


_UNITS: Final[tuple[tuple[Literal["day", "hour", "minute"], int], ...]] = (
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


def format_span(language: str, delta: timedelta, *, is_long: bool = False) -> str:
    """How long, short: "2 hrs 10 mins", or "2 hours 10 minutes"; rounded down to minutes, and to
    hours beyond a day."""
    minutes = int(abs(delta.total_seconds()) // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour")] if days else [(hours, "hour"), (minutes, "minute")]
    shown = [(n, unit) for n, unit in parts if n] or [(0, "minute")]
    length: Length = "long" if is_long else "short"
    return " ".join(format_unit(language, n, unit, length) for n, unit in shown)


def format_unit(language: str, number: int, unit: str, length: Length) -> str:
    """A whole number of one unit of time: "4 hours", "4 hrs", "4h"."""
    name, locale = f"duration-{unit}", _locale(language)
    text = units.format_unit(number, name, length, locale=locale)
    # CLDR says of some lengths "as in short". Babel does not follow that, and writes the key.
    return text if name not in text else units.format_unit(number, name, "short", locale=locale)

"""What people read about witnesses. Pure."""

from collections.abc import Collection, Mapping
from datetime import date

from server.i18n import N_, format_list, format_short_date, format_weekday, gettext, ngettext
from server.policy.roll_call import Word
from server.witnesses.register import Matched
from server.witnesses.rules import Kind

KINDS: Mapping[Kind, str] = {
    Kind.SCHOOL: N_("School"),
    Kind.CLUB: N_("Club"),
    Kind.MENTOR: N_("Mentor"),
    Kind.LAWYER: N_("Lawyer"),
    Kind.OTHER: N_("Another person"),
}
WORDS: Mapping[Word, str] = {
    Word.HERE: N_("Here"),
    Word.EXCUSED: N_("Not here, excused"),
    Word.NOT_HERE: N_("Not here"),
}
_WEEKDAYS = (0, 1, 2, 3, 4)


def days_of(days: Collection[int], language: str) -> str:
    """The days on which a witness is asked: "Mon and Thu"."""
    if tuple(days) == _WEEKDAYS:
        return gettext(language, N_("Monday to Friday"))
    if len(days) == 1:
        return format_weekday(language, next(iter(days)))
    return format_list(language, [format_weekday(language, day, is_short=True) for day in days])


def last_day(until: date | None, language: str) -> str:
    """The last agreed day; empty where there is none."""
    return format_short_date(language, until) if until is not None else ""


def weekdays(language: str) -> list[tuple[str, str]]:
    """The days to choose from."""
    return [(str(day), format_weekday(language, day)) for day in range(7)]


def kinds(language: str) -> list[tuple[str, str]]:
    """As options to choose from."""
    return [(kind.value, gettext(language, word)) for kind, word in KINDS.items()]


def says(words: Mapping[Word, str], language: str) -> list[tuple[str, str]]:
    """The same of words."""
    return [(word.value, gettext(language, text)) for word, text in words.items()]


def taken(matched: Matched | None, language: str) -> str:
    """What became of a register; empty where none came."""
    if matched is None:
        return ""
    many = len(matched.words)
    return ngettext(
        language,
        "We have the register: {n} child matched.",
        "We have the register: {n} children matched.",
        many,
    )

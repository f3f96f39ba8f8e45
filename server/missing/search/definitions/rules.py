"""An agency's own definitions: words and hours, and the one sentence that they may lead to. Pure.

They are read by people and by nothing else. No clock, no ladder and no button knows them: a
definition can remind a person to report, and can never be a reason to wait (decision 0069).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import category

import msgspec

from server.errors import Refused
from server.i18n import LANGUAGES, N_

LONGEST = 2_000
# No definition lets anyone wait longer than the law of any country we know lets a report wait.
MOST_HOURS = 24
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Term(StrEnum):
    """The words that an agency may define."""

    AWAY = "away"
    MISSING = "missing"


class Definition(msgspec.Struct, frozen=True):
    """One term: the agency's words by language, and hours; None: the agency names none."""

    words: Mapping[str, str] = msgspec.field(default_factory=dict)
    hours: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.words and self.hours is None

    def in_language(self, language: str) -> tuple[str, str]:
        """The words for this reader, and their language: theirs, English, or any; else empty."""
        for code in (language, "en", *self.words):
            if self.words.get(code):
                return self.words[code], code
        return "", language


Definitions = Mapping[Term, Definition]
NONE: Definitions = {term: Definition() for term in Term}


def missing_since(
    definitions: Definitions, silent_since: datetime | None, now: datetime
) -> datetime | None:
    """From when on the child has been missing by the agency's own hours; None before that moment,
    and where nothing says so. Never a moment to come: that would tell people to wait."""
    hours = definitions[Term.MISSING].hours
    if hours is None or silent_since is None:
        return None
    since = silent_since + timedelta(hours=hours)
    return since if since <= now else None


def given(entries: Mapping[str, str]) -> Definitions:
    """From the fields of a form: `missing.hours`, `missing.fr`. Raises Refused, which names one."""
    return {term: _definition(term, entries) for term in Term}


def names() -> list[str]:
    """The fields of the form."""
    return [f"{term}.{part}" for term in Term for part in ("hours", *LANGUAGES)]


def _definition(term: Term, entries: Mapping[str, str]) -> Definition:
    words = {
        code: _words(f"{term}.{code}", entries.get(f"{term}.{code}", "")) for code in LANGUAGES
    }
    hours = _hours(f"{term}.hours", entries.get(f"{term}.hours", ""))
    return Definition({code: text for code, text in words.items() if text}, hours)


def _words(name: str, text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST:
        raise Refused(N_("Write up to 2,000 characters."), field=name)
    # What turns the direction of the text would reach beyond these words on the page.
    if any(char in _TURNS or (category(char) == "Cc" and char not in "\r\n\t") for char in text):
        raise Refused(N_("These words contain hidden characters. Type them anew."), field=name)
    return text


def _hours(name: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:4]) <= MOST_HOURS:
        raise Refused(N_("Enter whole hours, from 1 to 24, or leave this empty."), field=name)
    return int(text[:4])


def as_data(definitions: Definitions) -> dict[str, dict[str, object]]:
    """As it is stored."""
    return {
        term.value: {"words": dict(definition.words), "hours": definition.hours}
        for term, definition in definitions.items()
    }


def read(data: Mapping[str, Mapping[str, object]]) -> Definitions:
    """From what is stored."""
    return {term: _read(data.get(term.value, {})) for term in Term}


def _read(data: Mapping[str, object]) -> Definition:
    words, hours = data.get("words"), data.get("hours")
    return Definition(
        {str(code): str(text) for code, text in words.items()} if isinstance(words, dict) else {},
        hours if isinstance(hours, int) else None,
    )

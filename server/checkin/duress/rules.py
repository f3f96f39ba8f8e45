"""Whether an answer carries the sign that a child and their caseworker agreed on. Pure.

The sign is one of the two equal ways to say "I'm OK", or a word in the note. Agreed in person, it
means the opposite of what it says.
"""

import re
from enum import StrEnum
from typing import Any
from unicodedata import category, normalize

import msgspec

from server.checkin.rules import Want
from server.errors import Refused
from server.i18n import N_
from server.policy.levels import Way

# A shorter word turns up in words that mean nothing by it.
SHORTEST_WORD, LONGEST_WORD = 3, 60
_PARTS = re.compile(r"\w+")


class Heard(StrEnum):
    """By what the sign was given."""

    MARK = "mark"
    WORD = "word"


class Sign(msgspec.Struct, frozen=True):
    """What was agreed: one of the marks, a word, or both."""

    mark: str | None
    word: str | None

    def as_data(self) -> dict[str, Any]:
        """As it is sealed."""
        return {"mark": self.mark, "word": self.word}


NOTHING = Sign(None, None)


def agreed(mark: str | None, word: str | None) -> Sign:
    """A sign, if it makes sense. Raises Refused, naming the field."""
    if mark not in (None, "a", "b"):
        raise Refused(N_("Choose one from the list."), field="mark")
    word = " ".join((word or "").split()) or None
    if word is not None and not SHORTEST_WORD <= len("".join(_parts(word))) <= LONGEST_WORD:
        raise Refused(N_("Use a word of 3 to 60 letters."), field="word")
    if mark is None and word is None:
        raise Refused(N_("Choose a way to say it, or agree on a word."), field="mark")
    return Sign(mark, word)


def heard(
    sign: Sign, *, mark: str, want: Want, note: str | None, way: Way = Way.APP
) -> Heard | None:
    """How this answer gives the sign; None if it does not.

    The mark counts only if the app offered both ways: a wish to talk and a call for help have one
    way only. In a text message `b` is the word that was agreed with the number.
    """
    if way is Way.SMS and mark == "b":
        return Heard.WORD
    is_choice = way is Way.APP and want is Want.NOTHING
    if is_choice and sign.mark is not None and mark == sign.mark:
        return Heard.MARK
    if sign.word is not None and note is not None and _says(note, sign.word):
        return Heard.WORD
    return None


def is_same(answer: str, other: str) -> bool:
    """Whether two answers say the same words, whatever their case, accents and vowel signs."""
    return _parts(answer) == _parts(other)


def _says(note: str, word: str) -> bool:
    note_parts, sought = _parts(note), _parts(word)
    last = len(note_parts) - len(sought)
    return any(note_parts[at : at + len(sought)] == sought for at in range(last + 1))


def _parts(text: str) -> list[str]:
    """The words of a text, whatever their case, accents and vowel signs: a frightened child types
    badly."""
    plain = normalize("NFKD", text.replace("ـ", "")).casefold()
    return _PARTS.findall("".join(char for char in plain if category(char) != "Mn"))

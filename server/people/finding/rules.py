"""Which spellings count as the same: words without case, accents and other marks. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence

import msgspec

from server.errors import Refused
from server.i18n import N_

# Raise this when `words_of` changes: every row is then indexed anew.
VERSION = 1
START = 3
LONGEST_QUERY = 120
LONGEST_REFERENCE = 64
_MOST_WORDS = 20
_MOST_ASKED = 8

# Letters that Unicode does not take apart, and Arabic ones that people write in either way.
_SAME = str.maketrans(
    {
        **{"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "þ": "th"},
        **{"æ": "ae", "œ": "oe", "ŋ": "ng", "ŧ": "t"},
        **{"\u0671": "\u0627", "\u0649": "\u064a", "\u06cc": "\u064a", "\u0629": "\u0647"},
        **{"\u06a9": "\u0643", "\u06c0": "\u0647", "\u06be": "\u0647", "\u06c1": "\u0647"},
        # The letter that only stretches a word, and joiners: they are no part of a name.
        **{"\u0640": "", "\u200c": "", "\u200d": ""},
    }
)


class Term(msgspec.Struct, frozen=True, order=True):
    """One text to look up, and what it must be."""

    kind: str  # word start full reference home home_start
    text: str


def words_of(text: str, most: int = _MOST_WORDS) -> list[str]:
    """The words of a name, each as it is compared: "Zoë O'Neil-Łuk" is zoe, o, neil, luk."""
    plain = unicodedata.normalize("NFKD", text[: LONGEST_QUERY * 2]).casefold()
    # Once more, since folding the case may put letters together again.
    plain = unicodedata.normalize("NFKD", plain.translate(_SAME))
    kept = (_plain(char) for char in plain if unicodedata.category(char) != "Mn")
    return "".join(kept).split()[:most]


def _plain(char: str) -> str:
    """The character; a digit of any script as ours; a space for what divides words."""
    if char.isdigit():
        return str(unicodedata.digit(char, char))
    return char if char.isalnum() else " "


def full_of(text: str) -> str:
    """A whole name or reference as it is compared."""
    return " ".join(words_of(text))


def terms_of_child(name: str, reference: str | None) -> set[Term]:
    """What finds a child by their name and file reference."""
    terms = {Term("full", full_of(name)), *_by_word(words_of(name), "word", "start")}
    return terms if reference is None else {*terms, Term("reference", full_of(reference))}


def terms_of_home(name: str) -> set[Term]:
    """What finds the children of a home by its name."""
    return {*_by_word(words_of(name), "home", "home_start")}


def _by_word(words: Sequence[str], whole: str, start: str) -> Iterator[Term]:
    for word in words:
        yield Term(whole, word)
        if len(word) >= START:
            yield Term(start, word[:START])


def asked(text: str) -> list[str]:
    """The different words of a question, in order."""
    return list(dict.fromkeys(words_of(text[:LONGEST_QUERY], _MOST_ASKED)))


def fits(question: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether each word of the question begins a word of these texts."""
    words = [word for text in texts for word in words_of(text)]
    return all(any(word.startswith(part) for word in words) for part in question)


def checked_reference(text: str | None) -> str | None:
    """A file reference that can be stored; None for an empty one. Raises Refused."""
    reference = " ".join((text or "").split())
    if not reference:
        return None
    is_text = all(char.isprintable() for char in reference) and bool(words_of(reference))
    if not is_text or len(reference) > LONGEST_REFERENCE:
        raise Refused(
            N_("Enter a file reference of up to {n} letters and digits."),
            field="reference",
            n=LONGEST_REFERENCE,
        )
    return reference

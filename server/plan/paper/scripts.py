"""People's words, ready to be typeset: their direction, long words, unknown letters.

A paragraph has the direction of its first letter that has one, whatever the page's language is.
Letters that no font has are named in their place, never shown as an empty box.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import groupby, pairwise
from typing import Final

from babel import Locale

from server.i18n import N_, direction, gettext, ngettext

ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
_LEFT_TO_RIGHT: Final = "\u2066"
_ISOLATES: Final = (_LEFT_TO_RIGHT, "\u2067", ISOLATE)
BREAK: Final = "\u200b"
"""Where a line may end inside a word. The papers set a box without a width there, which leaves no
trace in the text that is copied."""

_RIGHT_TO_LEFT: Final = ("R", "AL")
# A word of so many letters fits into the narrowest column; a longer one may break anywhere.
_LONGEST: Final = 16
# So many letters between two such breaks; more where the letters of a word join, which a break
# parts.
_APART: Final = 4
_JOINED: Final = 10
_LONG: Final = re.compile(rf"\S{{{_LONGEST + 1},}}")
# A telephone number, or a day: its parts would change places among letters that are read from right
# to left.
_LONGEST_NUMBER: Final = 24
_NUMBER: Final = re.compile(r"\+?\d[\d ./()-]{5,}\d|\+\d+")
# These have no spaces, and Typst knows where their words end.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7af\uf900-\ufaff]")
# Invisible, so that no font needs them.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_KANA: Final = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")


def direction_of(text: str, language: str) -> str:
    """ "rtl" or "ltr", of the first letter that has one; else that of the page's language."""
    for char in text:
        side = unicodedata.bidirectional(char)
        if side == "L":
            return "ltr"
        if side in _RIGHT_TO_LEFT:
            return "rtl"
    return direction(language)


def paragraphs(text: str | None, language: str) -> list[dict[str, str]]:
    """A person's words, paragraph by paragraph: `{text, dir, lang}`. Their language is not known,
    only which way they are read."""
    lines = [line.strip() for line in (text or "").splitlines()]
    return [_paragraph(line, language) for line in lines if line]


def _paragraph(text: str, language: str) -> dict[str, str]:
    side = direction_of(text, language)
    lang = language if side == direction(language) else {"rtl": "ar", "ltr": "und"}[side]
    return {"text": text, "dir": side, "lang": lang}


def isolated(text: str, language: str) -> str:
    """A text for use among words of that language: it does not move the marks or numbers beside it,
    nor do they move it. A page of one direction only needs none of it."""
    sides = {unicodedata.bidirectional(char) for char in text}
    if not text or (direction(language) == "ltr" and not sides & {"R", "AL", "AN"}):
        return text
    # Close what the writer left open.
    opened = sum(map(text.count, _ISOLATES)) - text.count(POP_ISOLATE)
    return f"{ISOLATE}{text}{POP_ISOLATE * (1 + max(opened, 0))}"


def settable(text: str, language: str, has: Callable[[str], bool]) -> str:
    """The text with what no font has named, and with places where too long a word may break."""
    named = _named(unicodedata.normalize("NFC", text), language, has)
    if _has_right_to_left(named):
        named = _NUMBER.sub(_kept_in_order, named)
    return _LONG.sub(_breakable, named)


def _kept_in_order(number: re.Match[str]) -> str:
    """The number on one line, if it is no longer than a telephone number."""
    text = number[0]
    whole = text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= _LONGEST_NUMBER else text
    return f"{_LEFT_TO_RIGHT}{whole}{POP_ISOLATE}"


def east_asian(text: str) -> str:
    """ "JP", "KR" or "SC": how the Chinese signs of that text are drawn."""
    if _KANA.search(text):
        return "JP"
    return "KR" if _HANGUL.search(text) else "SC"


# --- what no font has


def _named(text: str, language: str, has: Callable[[str], bool]) -> str:
    def is_known(char: str) -> bool:
        return char.isspace() or has(char) or _UNSEEN.match(char) is not None

    if all(map(is_known, text)):
        return text
    runs = [(covered, "".join(chars)) for covered, chars in groupby(text, is_known)]
    return "".join(run if covered else _apart(_name(language, run), text) for covered, run in runs)


def _apart(name: str, text: str) -> str:
    """The name as it may appear in that text: only text that is read from right to left can mix it
    up."""
    is_plain = not _has_right_to_left(text) and not _has_right_to_left(name)
    return name if is_plain else f"{ISOLATE}{name}{POP_ISOLATE}"


def _has_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text)


def _name(language: str, run: str) -> str:
    """Letters that cannot be printed, by their script: "[3 letters in Javanese script]"."""
    # Marks belong to their letters; nobody wrote a control character.
    letters = [char for char in run if unicodedata.category(char)[0] not in "MC"]
    letters += [char for char in run if unicodedata.category(char) in ("Co", "Cn")]
    if not letters:
        return ""
    script = _script(letters[0], language)
    if script is None:
        codes = " ".join(f"U+{ord(char):04X}" for char in letters[:8])
        return gettext(language, N_("[cannot be printed: {codes}]"), codes=codes)
    return ngettext(
        language,
        "[{n} letter in another script that cannot be printed: {script}]",
        "[{n} letters in another script that cannot be printed: {script}]",
        len(letters),
        script=script,
    )


def _script(char: str, language: str) -> str | None:
    """The name of a letter's script in that language, from the letter's name in Unicode."""
    words = unicodedata.name(char, "").split()
    code_by_name = _script_codes()
    for count in range(len(words), 0, -1):
        code = code_by_name.get(" ".join(words[:count]))
        if code is not None:
            return Locale(language).scripts.get(code)
    return None


@cache
def _script_codes() -> dict[str, str]:
    names = Locale("en").scripts
    # As Unicode spells it: without an apostrophe.
    return {name.upper().replace("\u2019", ""): code for code, name in names.items()}


# --- words that are too long


def _breakable(word: re.Match[str]) -> str:
    """The word with places where a line may break, none of which parts a letter from its marks."""
    text = word[0]
    if _UNSPACED.search(text) is not None:
        return text
    is_joined = unicodedata.bidirectional(text[len(text) // 2]) in _RIGHT_TO_LEFT
    every = _JOINED if is_joined else _APART
    made, since = [text[0]], 1
    for before, char in pairwise(text):
        if since >= every and _may_part(before, char):
            made.append(BREAK)
            since = 0
        made.append(char)
        since += 1
    return "".join(made)


def _may_part(before: str, char: str) -> bool:
    """Not before a mark, beside what joins, or where a mark makes one letter of two."""
    kinds = unicodedata.category(before), unicodedata.category(char)
    return kinds[0][0] in "LNPS" and kinds[1][0] in "LNPS" and not _is_emoji(char)


def _is_emoji(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f3ff" and unicodedata.category(char) in ("Sk", "So")

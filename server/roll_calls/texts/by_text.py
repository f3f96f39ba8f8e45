"""The answer to a roll call in a text: numbers of the list, in the digits of any script. Pure.

"0" says that all are here. "3 7" says that these are not, and all others are. "3?" is "don't know",
"3+" is "with permission": signs that are the same in each language, and on every telephone. A
person who works in several homes writes the letter of one first: "B 0".
"""

import re
import unicodedata
from collections.abc import Mapping

import msgspec

from server.policy.roll_call import Word

MOST_NUMBER = 999
_ALL = frozenset({"0", "all", "tous", "toutes", "tout", "الكل", "كلهم", "الجميع", "جميعهم"})
_AND = frozenset({"and", "et", "و"})
_SIGNS = {"?": Word.UNKNOWN, "+": Word.EXCUSED}
# A minus may be "from 3 to 7", a colon a time, a plus between two numbers "and". None is guessed.
_SIGN = r"\?|(?<!\s)\+(?!\d)|\+(?!\s*\d)"
_TOKEN = re.compile(rf"\s+|[,،;؛]|\.(?=\s|$)|(?P<said>\d+|{_SIGN}|[^\W\d_]+)")


class Heard(msgspec.Struct, frozen=True):
    """What a text says: of these numbers a word each, and of all others that they are here.
    `letter`: of the home; empty where none was written."""

    letter: str
    words: Mapping[int, Word]


def read(text: str) -> Heard | None:
    """What this text says; None where it is no answer to a roll call, or could mean two things."""
    tokens = _tokens(_first_line(text))
    if not tokens:
        return None
    letter = ""
    if len(tokens) > 1 and len(tokens[0]) == 1 and "a" <= tokens[0] <= "z":
        letter, tokens = tokens[0].upper(), tokens[1:]
    if len(tokens) == 1 and tokens[0] in _ALL:
        return Heard(letter, {})
    words = _words([token for token in tokens if token not in _AND])
    return Heard(letter, words) if words else None


def _first_line(text: str) -> str:
    """A gateway may quote ours below."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith(">"))
    return next(lines, "")


def _tokens(line: str) -> list[str] | None:
    plain = _plain(line)
    tokens, at = [], 0
    while at < len(plain):
        match = _TOKEN.match(plain, at)
        if match is None:
            return None
        if match["said"]:
            tokens.append(match["said"])
        at = match.end()
    return tokens


def _plain(line: str) -> str:
    kept = []
    for char in unicodedata.normalize("NFKD", line.replace("؟", "?")).casefold():
        if char.isdigit():
            kept.append(str(unicodedata.digit(char)))
        elif not unicodedata.combining(char) and unicodedata.category(char) != "Cf":
            kept.append(char)
    return "".join(kept)


def _words(tokens: list[str]) -> dict[int, Word] | None:
    words: dict[int, Word] = {}
    last: int | None = None
    for token in tokens:
        if token in _SIGNS and last is not None:
            words[last], last = _SIGNS[token], None
        elif _is_number(token) and int(token) not in words:
            last = int(token)
            words[last] = Word.NOT_HERE
        else:
            return None
    return words


def _is_number(token: str) -> bool:
    # Python converts no number of thousands of digits.
    return token.isdecimal() and len(token) <= 4 and 0 < int(token) <= MOST_NUMBER

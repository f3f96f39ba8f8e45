"""Telephone numbers as people type and paste them. Pure.

A number copied from a list of contacts brings invisible marks along, a French one narrow spaces, a
text in Arabic its own digits. It looks right to the person who typed it, so it must be right here.
"""

import re
from unicodedata import category, decimal, normalize

FEWEST_DIGITS, MOST_DIGITS = 3, 15  # The longest there are (E.164).
LONGEST = 32

_SHAPE = re.compile(r"\+? ?\(?[0-9][0-9 ()./-]*")
# Among other words: what is shorter may be the number of a house or a room.
_AMONG_WORDS = re.compile(r"(?<![\w+])\+?\(?[0-9](?:[0-9 ().-]*[0-9])?(?!\w)")
_FEWEST_AMONG_WORDS = 6
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([./-])\d{1,2}\1\d{2,4}")


def plain(text: str) -> str:
    """The same in our digits, with plain spaces and dashes, and without marks that nobody sees."""
    return " ".join("".join(map(_plain, normalize("NFKC", text))).split())


def _plain(char: str) -> str:
    kind = category(char)
    if kind == "Cf":
        return ""
    if kind == "Pd" or char == "\N{MINUS SIGN}":
        return "-"
    return str(decimal(char, char))


def read_number(text: str) -> str | None:
    """A telephone number as it can be stored and shown; None where the text is no number."""
    number = plain(text)
    digits = sum(map(str.isdigit, number))
    is_one = len(number) <= LONGEST and FEWEST_DIGITS <= digits <= MOST_DIGITS
    return number if is_one and _SHAPE.fullmatch(number) else None


def without_trunk(number: str) -> str:
    """An international number without its "(0)", which is dialled only inside the country."""
    return number.replace("(0)", "") if number.startswith(("+", "00")) else number


def dialled(text: str) -> str | None:
    """What a telephone dials, such as +33123456789; None where the text is no number."""
    number = read_number(text)
    if number is None:
        return None
    digits = re.sub(r"[^0-9]", "", without_trunk(number))
    return f"+{digits}" if number.startswith("+") else digits


def tel(text: str) -> str | None:
    """The link that calls this number; None where it is no number."""
    number = dialled(text)
    return f"tel:{number}" if number is not None else None


def numbers_in(text: str) -> list[str]:
    """The numbers in a text, which may be one number, several, or words with numbers among them."""
    whole = read_number(text)
    if whole is not None:
        return [whole]
    runs = (match[0].strip() for match in _AMONG_WORDS.finditer(plain(text)))
    numbers = [run for run in runs if not _DATE.fullmatch(run) and read_number(run) is not None]
    return [run for run in numbers if sum(map(str.isdigit, run)) >= _FEWEST_AMONG_WORDS]

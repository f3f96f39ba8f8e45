"""What in a grab pack can be the same in another one: numbers, accounts, places and people of
concern, brought to one way of writing. Pure.

    marks_of({"partner": "+33 6 11 22 33 44"})  →  {Mark("partner", NUMBER, "611223344")}

The texts are only ever compared, by keyed hashes, and never kept. What does not match says nothing:
people write one thing in many ways.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

import msgspec

from server.i18n import N_


class Same(StrEnum):
    """What is the same."""

    NUMBER = "number"
    ACCOUNT = "account"
    PLACE = "place"
    PERSON = "person"


class Mark(msgspec.Struct, frozen=True, order=True):
    """One thing in one field."""

    field: str
    what: Same
    text: str


SAYS: Mapping[Same, str] = {
    Same.NUMBER: N_("The same number"),
    Same.ACCOUNT: N_("The same account"),
    Same.PLACE: N_("The same place"),
    Same.PERSON: N_("The same words about a person to worry about"),
}
# Numbers in these fields may belong to a person who has contact with several children. Numbers that
# a home or a team shares, such as the doctor's, are in none of them.
_NUMBERS = (
    "phone_number",
    "second_phones",
    "phone_imei",
    "friends",
    "partner",
    "relatives_here",
    "relatives_abroad",
    "persons_of_concern",
    "controllers",
)
_ACCOUNTS = ("handles", "email")
_PLACES = ("places_found", "places_risky", "persons_of_concern", "previous_addresses")
_PEOPLE = ("persons_of_concern", "controllers")

# Dates in the forms that people write: a date is no number.
_DAY = re.compile(r"(?<![\d./-])(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})(?![./-]?\d)")
_NUMBER = re.compile(r"\+?\d(?:[\s().\-/\u00a0\u202f]{0,2}\d){6,}")
_PARTS = re.compile(r"[\n;,،؛]+|\.\s")
# Country codes and trunk zeros differ between two ways of writing one number; its end does not.
_LAST_DIGITS = 9
_SHORTEST, _LONGEST_WORDS = 6, 8


Texts = Callable[[str], Iterator[str]]


def marks_of(fields: Mapping[str, str]) -> frozenset[Mark]:
    """Everything that can be compared."""
    return frozenset(
        [
            *_each(fields, _NUMBERS, Same.NUMBER, _numbers),
            *_each(fields, _ACCOUNTS, Same.ACCOUNT, _accounts),
            *_each(fields, _PLACES, Same.PLACE, _places),
            *_each(fields, _PEOPLE, Same.PERSON, _people),
        ]
    )


def _each(
    fields: Mapping[str, str], names: tuple[str, ...], what: Same, texts_of: Texts
) -> Iterator[Mark]:
    for name in names:
        for text in texts_of(fields.get(name, "")):
            yield Mark(name, what, text)


def _numbers(text: str) -> Iterator[str]:
    plain = "".join(
        str(unicodedata.digit(char, char)) for char in unicodedata.normalize("NFKC", text)
    )
    for match in _NUMBER.finditer(_DAY.sub(" ; ", plain)):
        digits = re.sub(r"\D", "", match[0])
        yield digits[-_LAST_DIGITS:]


def _accounts(text: str) -> Iterator[str]:
    for part in re.split(r"[\s,;،؛()]+", text):
        name = part.casefold().lstrip("@").rstrip(".:")
        if len(name) >= _SHORTEST - 1 and _is_account(name):
            yield name


def _is_account(name: str) -> bool:
    # This leaves out the other words of the sentence: an account has a sign or a digit in it.
    return any(not char.isalpha() for char in name)


def _places(text: str) -> Iterator[str]:
    for part in _words(text):
        # Only a place with a number can be told from others: a house, a flat, a bus.
        if any(char.isdigit() for char in part) and any(char.isalpha() for char in part):
            yield part


def _people(text: str) -> Iterator[str]:
    for part in _words(text):
        if not any(char.isdigit() for char in part):
            yield part


def _words(text: str) -> Iterator[str]:
    """Each part between commas and line ends, without accents, signs and double spaces."""
    for part in _PARTS.split(text):
        folded = unicodedata.normalize("NFKD", part.casefold())
        kept = "".join(char if char.isalnum() else " " for char in folded if _is_kept(char))
        words = kept.split()
        if len("".join(words)) >= _SHORTEST and 2 <= len(words) <= _LONGEST_WORDS:
            yield " ".join(words)


def _is_kept(char: str) -> bool:
    return unicodedata.category(char) != "Mn"

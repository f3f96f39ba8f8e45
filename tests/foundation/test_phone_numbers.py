"""Telephone numbers as people type them: what is dialled, and what is no number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.phone_numbers import dialled, numbers_in, plain, read_number, tel

DIALLED = {
    "+33 1 23 45 67 89": "+33123456789",
    "+33 (0)1 23 45 67 89": "+33123456789",
    "0033 (0)1 23 45 67 89": "0033123456789",
    "(01) 23 45 67 89": "0123456789",
    "06 12-34.56/78": "0612345678",
    "٠٦١٢٣٤٥٦٧٨": "0612345678",
    "116 111": "116111",
    "112": "112",
    # As a list of contacts gives it, as French sets it, as an Arabic page turns it.
    "\u202a+33 6 12 34 56 78\u202c": "+33612345678",
    "06\u202f12\u202f34\u202f56\u202f78": "0612345678",
    "06\xa012\xa034\xa056\xa078": "0612345678",
    "06\u201112\u201134\u201156\u201178": "0612345678",
    "\u200f٠٦١٢٣٤٥٦٧٨": "0612345678",  # noqa: RUF001
    "+33 6 12 34 56 78\n": "+33612345678",
}
NONE = (
    "",
    " ",
    "her brother has it",
    "javascript:alert(1)",
    "1-----",
    "12",
    "+",
    "06 12 34 56 78 / 07 11 22 33 44",
    "06 12 34 56 78 (mother)",
    "name@example.org",
    "1" * 16,
)
AMONG_WORDS = {
    "06 12 34 56 78 / 07 11 22 33 44": ["06 12 34 56 78", "07 11 22 33 44"],
    "mother 06 12 34 56 78, aunt +33 6 00 00 00 02": ["06 12 34 56 78", "+33 6 00 00 00 02"],
    "ask Rosa, room 12": [],
    "until 31.03.2026: 06 12 34 56 78": ["06 12 34 56 78"],
    "هاتف الأم ٠٦١٢٣٤٥٦٧٨": ["0612345678"],
    "+33 1 23 45 67 89": ["+33 1 23 45 67 89"],
    "IMEI123456789": [],
}


@pytest.mark.parametrize(("text", "number"), DIALLED.items())
def test_a_number_is_dialled_however_it_is_written(text: str, number: str) -> None:
    assert dialled(text) == number
    assert tel(text) == f"tel:{number}"


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_is_not_dialled(text: str) -> None:
    assert (read_number(text), dialled(text), tel(text)) == (None, None, None)


@pytest.mark.parametrize(("text", "numbers"), AMONG_WORDS.items())
def test_numbers_are_found_among_words(text: str, numbers: list[str]) -> None:
    assert numbers_in(text) == numbers


@given(st.text())
def test_nothing_but_digits_and_a_plus_is_ever_dialled(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    for number in (dialled(text), *map(dialled, numbers_in(text))):
        assert number is None or set(number.removeprefix("+")) <= set("0123456789")

"""Letters for the things in a picture, and for the same things in the table beside it. Pure."""

from collections.abc import Iterator
from itertools import count
from string import ascii_uppercase


def letters() -> Iterator[str]:
    """A to Z, then A2 and so on."""
    for turn in count(1):
        for letter in ascii_uppercase:
            yield letter if turn == 1 else f"{letter}{turn}"

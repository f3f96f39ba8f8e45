"""Which paths strangers open: the ways in, links that prove themselves, devices of a home, what
monitors ask. Pure.

All else is closed to a session that may not do everything yet, or ever: so is a path that is added
later.
"""

from typing import Final

FIRST_PARTS: Final = frozenset(
    " app arrived ask c drill front health hooks inbound join list metrics q reach ready sign-in"
    " sign-out static".split(" ")
)


def is_outside(path: str) -> bool:
    """Whether this path shows nothing that a person has to be signed in for."""
    return path.partition("/")[2].partition("/")[0] in FIRST_PARTS

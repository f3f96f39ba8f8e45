"""No statement grows with a list: one that has too many parameters is refused, always.

The databases stop at 32,767 parameters, which no test reaches by chance and a large agency does one
day, in the night. So every statement stops far earlier, with the same words in a test and in use.
A list is one parameter: a filter `__in` (lists.py), `fetch` with a list, rows as JSON (bulk.py,
which sends SQLite some rows a statement as they are).
"""

from collections.abc import Sequence
from typing import Any

# Eight rows of our widest table, as SQLite gets them, or a handful of short lists fit in.
MOST = 500


class TooWide(Exception):
    """A statement that was made with a placeholder for each of many values: a mistake of ours."""


def refuse_wide(values: Sequence[Any] | None) -> None:
    """Raise TooWide for more parameters than a statement of ours ever needs."""
    if values is not None and len(values) > MOST:
        raise TooWide(
            f"a statement has {len(values)} parameters, and {MOST} are allowed: send a list as one"
            " (see server/storage/engines/width.py)"
        )

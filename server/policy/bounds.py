"""Which durations of a level fit into which. The parser refuses by them, and so does the bar of the
desk, in the same words. Pure."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from server.i18n import N_


class Bound(msgspec.Struct, frozen=True):
    """The durations `within`, one after the other, take no longer than `whole`. A fault is told at
    `field`."""

    within: tuple[str, ...]
    whole: str
    field: str
    words: str

    def holds(self, durations: Mapping[str, timedelta]) -> bool:
        """Whether it is so."""
        taken = sum((durations[key] for key in self.within), timedelta())
        return taken <= durations[self.whole]


BOUNDS = (
    Bound(
        ("remind_again",),
        "grace",
        "remind_again",
        N_("The second reminder cannot come after the check-in is late."),
    ),
    Bound(
        ("grace", "carer_window"),
        "ceiling",
        "ceiling",
        N_(
            "The longest silence must leave time to be late, and then for the carer to answer."
            " Make it longer, or one of the two shorter."
        ),
    ),
)

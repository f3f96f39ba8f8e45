"""The end of a session, as the pages say it beforehand."""

from datetime import datetime

import msgspec


class Ending(msgspec.Struct, frozen=True):
    """When a session ends, however much it is used: `in_s` seconds from now, at `at`. We say so in
    the last `warned_s` seconds."""

    at: datetime
    in_s: int
    warned_s: int

    @property
    def is_near(self) -> bool:
        """Whether it is time to say so."""
        return self.in_s <= self.warned_s

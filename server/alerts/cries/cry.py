"""What an alert keeps of calls for help that came while it was open. Pure."""

from datetime import datetime, timedelta

import msgspec

# Calls within this of one that was told are told together at its end.
WINDOW = timedelta(minutes=1)


class Cry(msgspec.Struct, frozen=True):
    """`untold`: so many calls wait to be told at `tell_at`; before that moment none is told.
    `react_at`: the person who has the alert was told, and has until then to react; then, and again
    and again, others are called beside them (`is_beside`)."""

    tell_at: datetime | None = None
    untold: int = 0
    react_at: datetime | None = None
    is_beside: bool = False

    @property
    def next_at(self) -> datetime | None:
        """When something follows from it."""
        return min((at for at in (self.tell_at, self.react_at) if at is not None), default=None)


NO_CRY = Cry()

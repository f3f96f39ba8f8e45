"""The kinds of events of a replay (docs/reference/replay.md)."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.ladder import Cause
from server.policy.levels import Way
from server.policy.model import Tier
from server.watch.calendar.milestones import What
from server.watch.rhythm.rules import Rhythm


class Placed(NamedTuple):
    """The watch begins. Children with the same `home` live together. `phone` and `language` are for
    the equity figures alone."""

    zone: ZoneInfo
    tier: Tier
    rhythm: Rhythm
    has_carer: bool
    phone: str | None
    language: str | None
    home: str | None = None


class Moved(NamedTuple):
    """The child lives in another home from now on; the watch goes on."""

    home: str


class Tiered(msgspec.Struct, frozen=True):
    """A person changed the tier."""

    tier: Tier


class CheckIn(msgspec.Struct, frozen=True):
    """An answer reached the server. `said_at`: if it was said earlier than it came."""

    want: Literal["nothing", "talk", "help"] | None = None
    mood: int | None = None
    duress: bool | None = None
    new_device: bool | None = None
    way: Way = Way.APP
    said_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    @property
    def cause(self) -> Cause | None:
        """What adults are called for."""
        if self.duress or self.want == "help":
            return Cause.HELP
        return Cause.TALK if self.want == "talk" else None


class Plain(msgspec.Struct, frozen=True):
    """The event is all there is to know."""


class Sighting(msgspec.Struct, frozen=True):
    """An adult saw the child."""

    by: Literal["professional", "carer", "school"]


class Observation(msgspec.Struct, frozen=True):
    """A warning sign noted by staff. After one, a policy may count the child as likelier to
    leave."""

    sign: str


class Milestone(msgspec.Struct, frozen=True):
    """Something happened, and a person sets the tier that follows from it. With `on`, the day was
    written into the calendar: the watch is tighter around it by the windows of the policy."""

    what: What
    on: date | None = None


class Until(msgspec.Struct, frozen=True):
    """An agreed absence, or a time in which our server was down. `returns`: at the end of the
    absence a check-in is due."""

    until: datetime
    returns: bool = False


class By(StrEnum):
    """Who is asked about a child, or the child asked once more by another way."""

    CARER = "carer"
    HOME = "home"  # A roll call.
    SCHOOL = "school"  # Its list of the morning.
    MENTOR = "mentor"  # A named witness, on agreed days.
    CHILD = "child"


# Who is asked on agreed days, each by a list.
WITNESSES = (By.SCHOOL, By.MENTOR)


class Says(StrEnum):
    """What they answer."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    HERE = "here"
    NOT_HERE = "not_here"
    EXCUSED = "excused"  # Away with permission.
    UNKNOWN = "unknown"  # Asked, and cannot say.
    ANSWERED = "answered"


class IfAsked(msgspec.Struct, frozen=True):
    """If they are asked between `begin` and `until`, this answer arrives after the span `after`."""

    begin: datetime
    until: datetime
    by: By
    says: Says
    after: timedelta


class IfAlerted(msgspec.Struct, frozen=True):
    """If adults are called between `begin` and `until`, a person closes that alert after the span
    `after`, and says whether the child was there."""

    begin: datetime
    until: datetime
    was_here: bool
    after: timedelta


If = IfAsked | IfAlerted
"""What comes back where the rules ask or call; they may not look at it otherwise."""
Detail = (
    Placed
    | Moved
    | Tiered
    | CheckIn
    | Plain
    | Sighting
    | Observation
    | Milestone
    | Until
    | IfAsked
    | IfAlerted
)


class Event(msgspec.Struct, frozen=True):
    """One row. `child` is empty for a blind interval of the whole server."""

    line: int
    child: str
    at: datetime
    kind: str
    detail: Detail

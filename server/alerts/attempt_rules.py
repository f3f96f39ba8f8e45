"""What an attempt to reach a child says, and what it changes. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause
from server.errors import Refused
from server.i18n import N_


class Way(StrEnum):
    """How a person tried."""

    CALL = "call"
    TEXT = "text"
    VISIT = "visit"


class Target(StrEnum):
    """Who they tried."""

    CHILD = "child"
    HOME = "home"
    CARER = "carer"
    SCHOOL = "school"
    OTHER = "other"


class Result(StrEnum):
    """What came of it. `reached`: they reached the child, on whatever number."""

    NO_ANSWER = "no_answer"
    REACHED = "reached"
    OTHER_ANSWERED = "other_answered"


WAYS: Mapping[Way, str] = {
    Way.CALL: N_("Called"),
    Way.TEXT: N_("Texted"),
    Way.VISIT: N_("Went there"),
}
TARGETS: Mapping[Target, str] = {
    Target.CHILD: N_("The child"),
    Target.HOME: N_("The home"),
    Target.CARER: N_("The carer"),
    Target.SCHOOL: N_("The school"),
    Target.OTHER: N_("Someone else"),
}
RESULTS: Mapping[Result, str] = {
    Result.NO_ANSWER: N_("No answer"),
    Result.REACHED: N_("Reached the child"),
    Result.OTHER_ANSWERED: N_("Someone else answered"),
}

LONGEST = 500
# Clocks of phones differ; a time later than this is in the future.
EARLY = timedelta(minutes=5)
# An adult who was only called may still log this long after the end what they had tried before it.
STILL = timedelta(hours=12)


class Tried(msgspec.Struct, frozen=True):
    """One attempt, as a person logs it. `at` None: just now."""

    id: UUID
    way: Way
    target: Target
    result: Result
    words: str | None = None
    at: datetime | None = None

    def moment(self, now: datetime) -> datetime:
        """When it was. Raises Refused for the future."""
        if self.at is not None and self.at > now + EARLY:
            raise Refused(N_("This time is in the future."), field="at")
        return min(self.at or now, now)

    def line(self) -> str | None:
        """The optional line. Raises Refused where it is too long."""
        words = (self.words or "").strip()
        if len(words) > LONGEST:
            raise Refused(N_("Write up to 500 characters."), field="words")
        return words or None


def is_contact(way: Way, result: Result, cause: Cause) -> bool:
    """Whether the child was reached by voice or text and has yet to be seen. A child
    who wants to talk has been heard then."""
    return result is Result.REACHED and way is not Way.VISIT and cause is not Cause.TALK

"""Reading an answer. Pure."""

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from server.errors import Refused
from server.policy.levels import Way
from server.watch.machine.ages import by_our_clock

LONGEST_NOTE = 20_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 12, 31, tzinfo=UTC)


class Want(StrEnum):
    """What the child wants of us, beside saying that they are well."""

    NOTHING = "nothing"
    TALK = "talk"
    HELP = "help"
    SAFE = "safe"  # While we look for the child: I am safe, and not ready to come back.


# What adults are called for.
CALLS = frozenset({Want.TALK, Want.HELP})


class How(StrEnum):
    """How a child who asks for help wants to be met. It never decides whether an adult comes."""

    CALL = "call"  # Call me.
    QUIET = "quiet"  # Do not call: write, and only where I say so.
    COME = "come"  # Come to me.


class Answer(msgspec.Struct, frozen=True):
    """What a child said. `mark` is one of two equal ways to say "I'm OK"; on the wire, in the store
    and in time nothing else may differ between them. `way` is how it came to us.

    An answer that exists makes sense: making one raises Refused, naming the field. A phone whose
    clock is lost (1970, after an empty battery) must still be able to answer: our clock decides,
    and the phone's time is only kept beside it, moved to where it can be stored.
    """

    id: UUID
    said_at: datetime
    mood: int | None = None
    note: str | None = None
    want: Want = Want.NOTHING
    mark: str = "a"
    way: Way = Way.APP
    how: How | None = None
    who: UUID | None = None  # For a call for help: the adult the child would like best.
    # Handed in again after a restore: when we had confirmed it. It is still the same answer.
    confirmed_at: datetime | None = None
    # What the phone's clock said when it sent this: it tells a wrong clock from an old answer.
    sent_at: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("said_at", "sent_at"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise Refused("A time needs a time zone.", field=name)
            if moment is not None and not EARLIEST.year <= moment.year <= LATEST.year:
                nearest = EARLIEST if moment.year < EARLIEST.year else LATEST
                msgspec.structs.force_setattr(self, name, nearest)
        if self.mood is not None and not 1 <= self.mood <= 5:
            raise Refused("The mood must be a number from 1 to 5.", field="mood")
        if self.note is not None and len(self.note) > LONGEST_NOTE:
            raise Refused("A note can have up to 20,000 characters.", field="note")
        if self.mark not in ("a", "b"):
            raise Refused("The mark must be a or b.", field="mark")
        for field in ("how", "who"):
            if getattr(self, field) is not None and self.want is not Want.HELP:
                raise Refused("This is only for a call for help.", field=field)

    def spoken_at(self, now: datetime) -> datetime | None:
        """When it was said, by our clock, if it comes now. None: we cannot know."""
        # Handed in again, it was sent for the first time at a moment that nobody has kept.
        sent_at = self.sent_at if self.confirmed_at is None else None
        return by_our_clock(self.said_at, sent_at, now)


def content(answer: Answer) -> str:
    """All that makes two answers the same: tells a repeat from an id that is used again. A phone
    sends one answer several times, each with the time of its sending."""
    said_at = answer.said_at.astimezone(UTC).isoformat()
    # The note comes last, since it may hold anything; nothing before it holds a blank.
    note = "" if answer.note is None else f"={answer.note}"
    want = answer.want.value
    if answer.how is not None or answer.who is not None:
        want = f"{want}:{answer.how or ''}:{answer.who or ''}"
    return f"{answer.id.hex} {said_at} {answer.mood} {want} {answer.mark} {note}"

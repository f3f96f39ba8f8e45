"""What a missing child said: signs of life with the words that belong to them. Reads rows, and
writes none.

A line of the timeline names the answer, the sighting, the message or the request to be away that it
is about. Each of those is kept for ever in its own row, so we read the words there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.checkin.models import CheckIn
from server.checkin.reading import said_before
from server.checkin.rules import Want
from server.missing.search import entry_kinds
from server.missing.search.models import TimelineEntry
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Sighting

SEEN, MESSAGE, OK = "seen", "message", "ok"
JUST_THEN = timedelta(seconds=90)


class Sign(msgspec.Struct, frozen=True):
    """What it was: `ok`, `talk`, `help`, `safe`, `message` or `seen`; in which words; and the place
    that was named for it. `at`: when the child was seen or said it, where it came later."""

    what: str
    words: str | None
    place: str | None = None
    at: datetime | None = None


def moment_of(line: TimelineEntry, sign: Sign | None) -> datetime:
    """When it happened: when the child was seen or said it, else when it was logged."""
    return line.at if sign is None or sign.at is None else sign.at


def was_logged_late(at: datetime, received_at: datetime) -> bool:
    """Whether a person logged it so much later than it was that we say both."""
    return received_at - at > JUST_THEN


async def signs_of(lines: Sequence[TimelineEntry]) -> dict[UUID, Sign]:
    """The signs of life among these lines, by the ids of the lines."""
    wanted = {
        line.id: line.about_id
        for line in lines
        if line.what == entry_kinds.SIGN_OF_LIFE and line.about_id is not None
    }
    if not wanted:
        return {}
    ids = list(wanted.values())
    check_ins_by_id = {check_in.id: check_in for check_in in await CheckIn.filter(id__in=ids)}
    seen = {sighting.id: sighting for sighting in await Sighting.filter(id__in=ids)}
    asked = {request.id: request for request in await AbsenceRequest.filter(id__in=ids)}
    return {
        line: _sign(check_ins_by_id.get(about), seen.get(about), asked.get(about))
        for line, about in wanted.items()
    }


def _sign(check_in: CheckIn | None, seen: Sighting | None, asked: AbsenceRequest | None) -> Sign:
    if check_in is not None:
        what = OK if check_in.want == Want.NOTHING else check_in.want
        return Sign(what, check_in.note, at=said_before(check_in))
    if seen is not None:
        return Sign(SEEN, seen.words, seen.place, seen.seen_at)
    if asked is not None:
        return Sign(MESSAGE, asked.words, asked.place)
    # A chat message or a question, which those who may read it answer there; or "I'm back".
    return Sign(MESSAGE, None)

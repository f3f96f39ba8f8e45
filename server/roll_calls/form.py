"""The form of a roll call: what a worker tapped, and what that says of each child. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import FormData

from server.clock import as_utc
from server.errors import Refused
from server.i18n import N_
from server.people.words import entered
from server.policy.roll_call import Word
from server.web.requests import form_moment

# Rows on one page: a form has at most 500 fields.
AT_ONCE = 60
HERE, NOT_HERE, SCHOOL, PERMISSION, UNKNOWN = "here", "not_here", "school", "permission", "unknown"
ANSWERS: Mapping[str, Word] = {
    HERE: Word.HERE,
    NOT_HERE: Word.NOT_HERE,
    SCHOOL: Word.EXCUSED,
    PERMISSION: Word.EXCUSED,
    UNKNOWN: Word.UNKNOWN,
}
OTHER = "other"
_EVENING, _MORNING, _NEW_DAY = time(22), time(8), time(4)
_BROKEN = N_("Something went wrong with this page. Open it again.")

Answer = tuple[Word, datetime | None]


class Filled(msgspec.Struct, frozen=True):
    """What a form says: of each child a word, and until when they may be away. `said_at`: None
    where it was said as it arrives."""

    id: UUID
    answers: Mapping[UUID, Answer]
    said_at: datetime | None


class Given(msgspec.Struct, frozen=True):
    """What was tapped in one row."""

    word: str = ""
    until: str = ""
    at: str = ""


def read(form: FormData, zone: ZoneInfo, now: datetime, said_at: datetime | None = None) -> Filled:
    """The words of a form: a child of its questions whose row nobody touched is here.
    Raises Refused.

    The id is made from the id of the form and from all that it says. So the same sent twice is one
    thing, and a second thought is another. `said_at`: where it is known better than by the form.
    """
    said_at = said_at or said_at_of(form, now)
    answers: dict[UUID, Answer] = {child_id: (Word.HERE, None) for child_id in asked(form)}
    for child_id, given in tapped(form).items():
        if given.word not in ANSWERS:
            raise Refused(N_("Tap one of the buttons."), field=row_of(child_id))
        until = _until(given, child_id, zone)
        if until is not None and until <= (said_at or now):
            raise Refused(N_("Choose a time that is still to come."), field=row_of(child_id))
        answers[child_id] = (ANSWERS[given.word], until)
    if not answers:
        raise Refused(N_("Tap a child and choose what is right. Then send."))
    told = [f"{id_} {word} {until}" for id_, (word, until) in sorted(answers.items())]
    return Filled(
        uuid5(id_of(entered(form, "id")), "\n".join([str(said_at), *told])), answers, said_at
    )


def asked(form: FormData) -> list[UUID]:
    """The children without an answer when the page was made. Raises Refused."""
    return [id_of(value) for value in form.getlist("child") if isinstance(value, str)]


def tapped(form: FormData) -> dict[UUID, Given]:
    """The rows in which something was tapped. Raises Refused."""
    ids = [name.removeprefix("word-") for name in form if name.startswith("word-")]
    given = {id_: Given(*(entered(form, f"{of}-{id_}") for of in _FIELDS)) for id_ in ids}
    return {id_of(id_): row for id_, row in given.items() if row.word}


_FIELDS = ("word", "until", "at")


def row_of(child_id: UUID) -> str:
    """The name under which a fault of this child's row is told."""
    return f"row-{child_id}"


def untils(now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The ends of a permission that take one tap: this evening, and the next morning."""
    local = now.astimezone(zone)
    day = local.date() - timedelta(days=local.time() < _NEW_DAY)
    ends = (as_utc(day, _EVENING, zone), as_utc(day + timedelta(days=1), _MORNING, zone))
    return [end for end in ends if end > now]


def _until(given: Given, child_id: UUID, zone: ZoneInfo) -> datetime | None:
    if given.word != PERMISSION or not given.until:
        return None
    if given.until == OTHER:
        return form_moment(given.at, row_of(child_id), zone)
    if (moment := moment_of(given.until)) is None:
        raise Refused(N_("Enter a date and a time."), field=row_of(child_id))
    return moment


def said_at_of(form: FormData, now: datetime) -> datetime | None:
    """When the button was tapped: so many seconds after our server made the page, whatever the
    clock of the phone shows. None where no script counted them."""
    opened_at, after = moment_of(entered(form, "opened_at")), entered(form, "after")
    if opened_at is None or not (after.isascii() and after.isdecimal() and len(after) < 10):
        return None
    said_at = opened_at + timedelta(seconds=int(after))
    return said_at if said_at <= now else None


def moment_of(text: str) -> datetime | None:
    """A moment as our own pages write it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    is_ours = moment.tzinfo is not None and 2000 <= moment.year <= 2200
    return moment.astimezone(UTC) if is_ours else None


def id_of(text: str) -> UUID:
    """An id as our own pages write it. Raises Refused."""
    try:
        return UUID(text)
    except ValueError:
        raise Refused(_BROKEN) from None

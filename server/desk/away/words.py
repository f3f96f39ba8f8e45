"""An absence in words, for the list of those who are away and for the page of one child."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec

from server.i18n import N_, format_day, gettext
from server.watch.models import Pause
from server.watch.passes.reading import Away
from server.watch.passes.rules import REASONS, Reason
from server.watch.wording import when


class Reader(msgspec.Struct, frozen=True):
    """Who reads, and when."""

    language: str
    zone: ZoneInfo
    now: datetime

    def at(self, moment: datetime) -> str:
        """A moment, on the reader's clock."""
        return when(self.language, moment, self.zone, self.now)

    def day(self, moment: datetime) -> str:
        """Its day."""
        return format_day(self.language, moment, self.zone, self.now)

    def days_until(self, moment: datetime) -> int:
        """How many midnights are between now and a moment: a look is due until the end of its
        day."""
        here, now = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        return (here.date() - now.date()).days


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A child who is away, in sentences. `look_id` is new: it makes a tap count once."""

    child_id: UUID
    pause_id: UUID
    look_id: UUID
    says: str
    words: str | None
    agreed: str
    looked: str
    next_look: str
    is_due: bool  # A look waits.
    is_long: bool


def shown(away: Away, names: Mapping[UUID, str], reader: Reader) -> Shown:
    """What is agreed, who agreed to it, and who looked."""
    return Shown(
        child_id=away.child_id,
        pause_id=away.pause_id,
        look_id=uuid4(),
        says=_says(away, names, reader),
        words=away.words,
        agreed=agreed(away.made_by, away.made_at, names, reader),
        looked=_looked(away, names, reader),
        next_look=_next_look(away, reader),
        is_due=away.next_look is not None and reader.days_until(away.next_look) <= 0,
        is_long=away.is_long,
    )


def reason_word(reason: str | None, language: str) -> str:
    """The reason that was chosen; empty where none was asked for."""
    return gettext(language, REASONS[Reason(reason)]) if reason is not None else ""


def agreed(who: UUID, at: datetime, names: Mapping[UUID, str], reader: Reader) -> str:
    """ "Agreed by Tom, yesterday." """
    return gettext(
        reader.language,
        N_("Agreed by {name}, {day}."),
        name=names.get(who, ""),
        day=reader.day(at),
    )


def reasons(language: str) -> list[tuple[str, str]]:
    """What a form offers."""
    return [(reason.value, gettext(language, words)) for reason, words in REASONS.items()]


def people_of(rows: list[Away] | list[Pause]) -> set[UUID]:
    """Everyone whose name is said."""
    return {who for row in rows for who in (row.made_by, row.looked_by) if who is not None}


def _says(away: Away, names: Mapping[UUID, str], reader: Reader) -> str:
    values = {
        "name": names.get(away.child_id, ""),
        "time": reader.at(away.end),
        "reason": reason_word(away.reason, reader.language),
    }
    if not away.is_now:
        sentence = N_("{name} is back for a short time. The absence goes on until {time}.")
    elif away.reason is None:
        sentence = N_("{name} is away until {time}.")
    else:
        sentence = N_("{name} is away until {time}: {reason}.")
    return gettext(reader.language, sentence, **values)


def _looked(away: Away, names: Mapping[UUID, str], reader: Reader) -> str:
    if away.looked_at is None or away.looked_by is None:
        return (
            gettext(reader.language, N_("No one has looked at it since.")) if away.is_long else ""
        )
    return gettext(
        reader.language,
        N_("Last look: {name}, {day}."),
        name=names.get(away.looked_by, ""),
        day=reader.day(away.looked_at),
    )


def _next_look(away: Away, reader: Reader) -> str:
    if away.next_look is None:
        return gettext(reader.language, N_("It ends before the next look.")) if away.is_long else ""
    day = reader.day(away.next_look)
    if reader.days_until(away.next_look) < 0:
        return gettext(reader.language, N_("A look was due {day}."), day=day)
    return gettext(reader.language, N_("Next look: {day}."), day=day)

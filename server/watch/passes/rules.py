"""Which agreed absences count as one pass, when people look at it again, and when we remind of its
end. Pure.

  pass_ = pass_at(absences, now)     the absences of this moment, from the first day to the last
  next_look(pass_, Kind.AWAY)        when the caseworker looks at it next
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from server.approvals.rules import APART
from server.i18n import N_
from server.tasks.rules import Kind

_DAY = timedelta(days=1)
# How often each looks at an absence that lasts longer than this.
EVERY: Mapping[Kind, timedelta] = {Kind.AWAY: 7 * _DAY, Kind.AWAY_REVIEW: 14 * _DAY}
# Absences with only this or less between them are one pass, as for the second person. Else a day at
# home, or a minute, would begin the weeks anew.
BETWEEN = APART
REMIND_BEFORE = _DAY


class Reason(StrEnum):
    """Why a child is away, as adults agreed. None says that nobody knows where the child is: that
    is reported, and no absence."""

    FAMILY = "family"
    FRIENDS = "friends"
    SCHOOL_TRIP = "school_trip"
    HOLIDAY = "holiday"
    HOSPITAL = "hospital"
    OTHER = "other"


REASONS: Mapping[Reason, str] = {
    Reason.FAMILY: N_("Family visit"),
    Reason.FRIENDS: N_("Visit to friends"),
    Reason.SCHOOL_TRIP: N_("School trip"),
    Reason.HOLIDAY: N_("Holiday or camp"),
    Reason.HOSPITAL: N_("Hospital stay"),
    Reason.OTHER: N_("Other reason"),
}


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """One agreed absence: `begin` ≤ t < `end`, and `end` is when it was ended, if it was.
    `looked_at`: when a person last said that it is still so; `reviewed_at`: the same of a
    supervisor."""

    id: UUID
    begin: datetime
    end: datetime
    made_at: datetime
    looked_at: datetime | None = None
    reviewed_at: datetime | None = None


class Pass(msgspec.Struct, frozen=True):
    """Absences that touch, the first first: for people it is one."""

    absences: tuple[Absence, ...]

    @property
    def begin(self) -> datetime:
        """When the first begins."""
        return self.absences[0].begin

    @property
    def last(self) -> Absence:
        """The absence that ends last."""
        return max(self.absences, key=lambda absence: absence.end)

    @property
    def end(self) -> datetime:
        """When the last ends."""
        return self.last.end

    @property
    def is_long(self) -> bool:
        """Whether people look at it again."""
        return self.end - self.begin > EVERY[Kind.AWAY]

    def looked_at(self, kind: Kind) -> datetime | None:
        """The last look that counts for this kind."""
        is_review = kind is Kind.AWAY_REVIEW
        looks = [a.reviewed_at if is_review else a.looked_at for a in self.absences]
        return max((at for at in looks if at is not None), default=None)


def passes(absences: Iterable[Absence]) -> list[Pass]:
    """The passes that these absences make, the first first. One that was taken back before it
    began is none."""
    rows = sorted((a for a in absences if a.end > a.begin), key=lambda a: (a.begin, a.end, a.id))
    groups: list[list[Absence]] = []
    end: datetime | None = None
    for row in rows:
        if end is not None and row.begin - end <= BETWEEN:
            groups[-1].append(row)
            end = max(end, row.end)
        else:
            groups.append([row])
            end = row.end
    return [Pass(tuple(group)) for group in groups]


def pass_at(absences: Iterable[Absence], now: datetime) -> Pass | None:
    """The pass of this moment; a day at home in the middle of it belongs to it."""
    return next((each for each in passes(absences) if each.begin <= now < each.end), None)


def pass_of(absences: Iterable[Absence], id_: UUID) -> Pass | None:
    """The pass that this absence belongs to."""
    return next((p for p in passes(absences) if any(a.id == id_ for a in p.absences)), None)


def next_look(pass_: Pass, kind: Kind) -> datetime | None:
    """When this look is due: counted from the last one, or else from the beginning. None where the
    pass is over by then."""
    since = max(pass_.begin, pass_.looked_at(kind) or pass_.begin)
    at = since + EVERY[kind]
    return at if at < pass_.end else None


def remind_at(absence: Absence) -> datetime:
    """When we remind of its end: a day before, or at the half of a short one."""
    begin = max(absence.begin, absence.made_at)
    return max(absence.end - REMIND_BEFORE, begin + (absence.end - begin) / 2)


def is_to_remind(pass_: Pass, absence: Absence, now: datetime) -> bool:
    """Whether it is time to remind of the end of this absence. Nobody is reminded of an end that is
    none, since the next absence goes on."""
    return absence is pass_.last and remind_at(absence) <= now < absence.end


def next_moment(
    pass_: Pass, absence: Absence, now: datetime, reminded: Collection[UUID]
) -> datetime | None:
    """When to look at the row of this absence next; None once it is over."""
    moments = [absence.begin, absence.end]
    if absence is pass_.last and absence.id not in reminded:
        moments.append(remind_at(absence))
    return min((at for at in moments if at > now), default=None)

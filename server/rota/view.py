"""The rota as people read it: days, who is on duty, gaps in words, and who may change what.

Everything is shown on the clock of the agency, since one rota is for everyone on it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from tortoise.expressions import Q

from server.clock import as_utc, known_zone
from server.i18n import (
    N_,
    format_date,
    format_day,
    format_list,
    format_moment,
    format_time,
    format_weekday,
    gettext,
)
from server.people.access import Visitor, agency_for, not_yours
from server.people.models import Agency, Person
from server.people.rules import PROFESSIONAL, AgencyAction, Role, may_agency
from server.rota.calendar import Gap, gaps_between, shifts_between
from server.rota.calendar import Shift as Span
from server.rota.duty import rotas_of
from server.rota.duty_shifts import AHEAD
from server.rota.models import Duty, FixedShift, Handover, Leave, RotaTerms
from server.rota.planning import LEAD

DAY = timedelta(days=1)
WEEKDAYS = tuple(range(7))


async def reader(request: Request) -> Visitor:
    """A visitor who works for the agency and so may see its rota. Raises Denied."""
    return await agency_for(request, AgencyAction.ROTA_SEE)


def plan_agency(visitor: Visitor) -> UUID:
    """The agency of a visitor who works for one."""
    assert visitor.agency_id is not None
    return visitor.agency_id


def may_plan(visitor: Visitor) -> bool:
    """Whether this person plans the rota for everyone."""
    return may_agency(Role(visitor.role), AgencyAction.ROTA_PLAN)


def own_or_planner(visitor: Visitor, who: UUID | None) -> None:
    """People change their own leave and their own shifts; everything else is for planners. Raises
    Denied."""
    if not may_plan(visitor) and who != visitor.person_id:
        raise not_yours()


class Plan(msgspec.Struct, frozen=True):
    """The rota of an agency in a time, with all names for its pages."""

    begin: datetime
    end: datetime
    zone: ZoneInfo
    shifts: list[Span]
    gaps: list[Gap]
    duties: list[Duty]
    handovers: list[Handover]
    leaves: list[Leave]
    fixed: list[FixedShift]
    is_always: bool
    lead: timedelta
    names: dict[UUID, str]

    @property
    def is_empty(self) -> bool:
        """Whether there is no plan that is still valid."""
        return not (self.duties or self.fixed or self.handovers)


async def plan_of(agency_id: UUID, begin: datetime, end: datetime, now: datetime) -> Plan:
    """The rota from `begin` to `end`, and the plans behind it that are not over."""
    rota = (await rotas_of([agency_id], begin, end))[agency_id]
    shifts, gaps = shifts_between(rota, begin, end), gaps_between(rota, begin, end)
    zone = known_zone((await Agency.get(id=agency_id)).zone)
    today = now.astimezone(zone).date()
    # A zone may be a day ahead of the agency's: a duty that ends today is shown until tomorrow.
    planned = Duty.filter(Q(until_on__isnull=True) | Q(until_on__gt=today), agency_id=agency_id)
    duties = [
        duty
        for duty in await planned.order_by("begins", "first_on", "id")
        if duty.until_on is None or duty.until_on > duty.first_on
    ]
    live = {"agency_id": agency_id, "until_at__gt": now, "ended_at__isnull": True}
    handovers = await Handover.filter(**live).order_by("from_at", "id")
    leaves = await Leave.filter(**live).order_by("from_at", "id")
    still = Q(until_at__isnull=True) | Q(until_at__gt=now)
    fixed = await FixedShift.filter(still, agency_id=agency_id).order_by("from_at", "id")
    terms = await RotaTerms.get_or_none(id=agency_id)
    lead = LEAD if terms is None else timedelta(seconds=terms.lead_s)
    is_always = terms is None or terms.is_always
    names = await _names(shifts, gaps, duties, handovers, leaves, fixed)
    return Plan(
        begin=begin,
        end=end,
        zone=zone,
        shifts=shifts,
        gaps=gaps,
        duties=duties,
        handovers=handovers,
        leaves=leaves,
        fixed=fixed,
        is_always=is_always,
        lead=lead,
        names=names,
    )


async def plan_now(visitor: Visitor, now: datetime) -> Plan:
    """The rota of the visitor's agency for the next two weeks."""
    return await plan_of(plan_agency(visitor), now, now + AHEAD, now)


async def _names(
    shifts: Iterable[Span],
    gaps: Iterable[Gap],
    duties: Iterable[Duty],
    handovers: Iterable[Handover],
    leaves: Iterable[Leave],
    fixed: Iterable[FixedShift],
) -> dict[UUID, str]:
    ids: set[UUID | None] = {UUID(person_id) for duty in duties for person_id in duty.people}
    ids |= {id_ for shift in shifts for id_ in (shift.who, shift.instead_of)}
    ids |= {id_ for gap in gaps for id_ in gap.away} | {shift.person_id for shift in fixed}
    ids |= {id_ for handover in handovers for id_ in (handover.who_id, handover.to_id)}
    ids |= {id_ for leave in leaves for id_ in (leave.person_id, leave.cover_id)}
    people = Person.filter(id__in=[id_ for id_ in ids if id_ is not None])
    return {person.id: person.name for person in await people}


async def colleagues(agency_id: UUID) -> list[tuple[UUID, str]]:
    """The people who may be on the rota, by name."""
    people = await Person.filter(
        agency_id=agency_id, role__in=[*PROFESSIONAL], disabled_at__isnull=True
    )
    # Names are sealed: only this process can sort them.
    return sorted(
        ((person.id, person.name) for person in people),
        key=lambda colleague: colleague[1].casefold(),
    )


# --- days in words


class Line(msgspec.Struct, frozen=True):
    """One shift or gap, as far as it is on this day. A gap has no name."""

    hours: str
    name: str
    note: str
    is_gap: bool
    is_mine: bool
    shift: Span | None
    gap: Gap | None


class DayLines(msgspec.Struct, frozen=True):
    """One day of the rota, the earliest first."""

    day: date
    title: str
    lines: list[Line]

    @property
    def has_gap(self) -> bool:
        """Whether nobody has duty at some time of this day."""
        return any(line.is_gap for line in self.lines)


def days_of(plan: Plan, language: str, me: UUID, now: datetime) -> list[DayLines]:
    """Each day of the plan with everything that touches it."""
    days = []
    day, last = plan.begin.astimezone(plan.zone).date(), plan.end.astimezone(plan.zone).date()
    while day < last:
        begin, end = as_utc(day, time(0), plan.zone), as_utc(day + DAY, time(0), plan.zone)
        lines = [
            _line(plan, span, begin, end, language, me)
            for span in _touching(plan, begin, end)
            if span.end > now
        ]
        days.append(DayLines(day, _title(language, begin, plan.zone, now), lines))
        day += DAY
    return days


def _title(language: str, begin: datetime, zone: ZoneInfo, now: datetime) -> str:
    near = format_day(language, begin, zone, now)
    full = format_date(language, begin.astimezone(zone).date())
    is_near = abs((begin.astimezone(zone).date() - now.astimezone(zone).date()).days) <= 1
    if not is_near:
        return full
    return gettext(language, N_("{near}: {day}"), near=near[:1].upper() + near[1:], day=full)


def _touching(plan: Plan, begin: datetime, end: datetime) -> Sequence[Span | Gap]:
    both: list[Span | Gap] = [*plan.shifts, *plan.gaps]
    return sorted(
        (span for span in both if span.begin < end and span.end > begin),
        key=lambda span: (max(span.begin, begin), isinstance(span, Gap), span.end),
    )


def _line(
    plan: Plan, span: Span | Gap, begin: datetime, end: datetime, language: str, me: UUID
) -> Line:
    hours = hours_on(span.begin, span.end, begin, end, plan.zone, language)
    if isinstance(span, Gap):
        note = away_in_words(plan, span, language)
        return Line(hours, "", note, is_gap=True, is_mine=False, shift=None, gap=span)
    name, note = plan.names.get(span.who, ""), ""
    if span.instead_of is not None:
        whose = plan.names.get(span.instead_of, "")
        note = gettext(language, N_("covering for {name}"), name=whose)
    return Line(hours, name, note, is_gap=False, is_mine=span.who == me, shift=span, gap=None)


def hours_on(
    at: datetime, until: datetime, begin: datetime, end: datetime, zone: ZoneInfo, language: str
) -> str:
    """The hours of a shift on the day from `begin` to `end`, in words."""
    first, last = format_time(language, at, zone), format_time(language, until, zone)
    if at <= begin and until >= end:
        return gettext(language, N_("all day"))
    if at < begin:
        return gettext(language, N_("until {time}"), time=last)
    if until >= end:
        return gettext(language, N_("from {time}"), time=first)
    return gettext(language, N_("{begin} to {end}"), begin=first, end=last)


def span_in_words(
    begin: datetime, end: datetime, zone: ZoneInfo, language: str, now: datetime
) -> str:
    """ "tomorrow, 18:00 to Thu 12 Mar, 08:00"; of one day, the day once."""
    first = format_moment(language, begin, zone, now)
    is_one_day = begin.astimezone(zone).date() == end.astimezone(zone).date()
    last = (
        format_time(language, end, zone) if is_one_day else format_moment(language, end, zone, now)
    )
    return gettext(language, N_("{begin} to {end}"), begin=first, end=last)


def away_in_words(plan: Plan, gap: Gap, language: str) -> str:
    """The people who would have duty, but are on leave without a cover."""
    names = sorted(plan.names[who] for who in gap.away if who in plan.names)
    if not names:
        return ""
    who = format_list(language, names)
    return gettext(language, N_("On leave without cover: {who}"), who=who)


def leave_path(who: UUID, begin: datetime | None, end: datetime) -> str:
    """The leave form, filled in for this person and time. `begin` None: from now on."""
    begins = {"from": begin.isoformat()} if begin is not None else {}
    return f"/desk/rota/leave?{urlencode({'who': who, **begins, 'until': end.isoformat()})}"


def own_shifts(plan: Plan, me: UUID) -> list[Span]:
    """The reader's own shifts."""
    return [shift for shift in plan.shifts if shift.who == me]


def in_words(plan: Plan, duty: Duty, language: str) -> str:
    """ "Mon, Tue and Wed, 18:00 to 08:00"."""
    days = format_list(language, [format_weekday(language, day) for day in duty.days])
    if set(duty.days) == set(WEEKDAYS):
        days = gettext(language, N_("Every day"))
    hours = gettext(language, N_("{begin} to {end}"), begin=duty.begins, end=duty.ends)
    words = gettext(language, N_("{days}, {hours}"), days=days, hours=hours)
    if known_zone(duty.zone) == plan.zone:
        return words
    return gettext(language, N_("{words}, {zone} time"), words=words, zone=duty.zone)

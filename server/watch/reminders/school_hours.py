"""A child's quiet hours and school hours: what they are, what they come to, and until when their
reminders wait now."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from server.alerts.recipients import policy_of
from server.clock import as_utc, known_zone
from server.notify.child.hours import SCHOOL, Held, Hours, School, held, released, why_held
from server.people.models import Person
from server.watch.machine.advancing import advance
from server.watch.machine.habit import UNTOLD
from server.watch.machine.rounds import begin, next_round, opens_of, round_moments, steps_of
from server.watch.machine.standing import Terms, What
from server.watch.models import Watch
from server.watch.reminders.fair_chance import fair_chance
from server.watch.reminders.reminding import hours_of, school_of
from server.watch.rhythm.models import Season
from server.watch.rhythm.recurrence import Recurrence
from server.watch.rhythm.summary import case_of
from server.watch.watch_state import WatchState

_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
# So far ahead we look for check-ins in school hours: each weekday once.
AHEAD = timedelta(days=8)
# Of a rule that comes less often we look for its first day in school: the rarest is once a year.
_FAR = timedelta(days=372)
MOST = 12


class InSchool(msgspec.Struct, frozen=True):
    """A check-in that is due in school hours: when the child is reminded, and what follows without
    an answer: by `then_at` we ask the carer (`asks`, by name), or tell an adult."""

    due_at: datetime
    remind_at: datetime
    is_silent: bool
    then_at: datetime
    asks: str | None


class ChildHours(msgspec.Struct, frozen=True):
    """The hours of a child now, and what they come to."""

    hours: Hours
    waits: Held | None
    in_school: list[InSchool]


async def hours_for(
    child_id: UUID, now: datetime, *, wanted: School | None = None, as_wanted: bool = False
) -> ChildHours | None:
    """The hours of a child; `as_wanted`: with these school hours in place of those that are kept.
    None if nobody asks the child for check-ins."""
    case = await case_of(child_id, now)
    if case is None:
        return None
    school = wanted if as_wanted else await school_of(child_id)
    hours = hours_of(case, school, now)
    carer = await _carer(case)
    return ChildHours(hours, held(hours, now), in_school(case.terms, hours, carer, now))


async def _carer(case: WatchState) -> str | None:
    if not case.terms.asks_carer:
        return None
    people = await Person.filter(id__in=list(case.carers)).order_by("name").limit(1)
    return people[0].name if people else None


async def waiting_now(watch: Watch, now: datetime) -> Held | None:
    """Until when the reminders of this child wait; None where they do not."""
    policy, _ = await policy_of(watch.agency_id)
    away = Season.filter(child_id=watch.child_id, from_at__lte=now, until_at__gt=now)
    season = await away.filter(ended_at__isnull=True).first()
    zone = known_zone(season.zone if season is not None else watch.zone)
    quiet = (policy.quiet.from_, policy.quiet.until)
    return held(Hours(zone.key, quiet, await school_of(watch.child_id)), now)


def in_school(terms: Terms, hours: Hours, carer: str | None, now: datetime) -> list[InSchool]:
    """The check-ins of the coming week that are due in school hours, each time of day once; and of
    a rule that comes less often, the first one."""
    if hours.school is None or terms.rhythm.every is not None:
        return []
    # What adults have noticed is not for the child, who would read it from the time.
    terms = replace(terms, knowledge=UNTOLD)
    alike: dict[tuple[object, ...], InSchool] = {}
    for due, reminds, late, is_silent in _near_and_far(terms, hours, now):
        local = due.astimezone(known_zone(hours.zone)).time()
        key = (local, reminds - due, is_silent)
        if key not in alike and len(alike) < MOST:
            then, is_asked = _without_an_answer(terms, due) or (late, False)
            asks = carer if is_asked else None
            alike[key] = InSchool(due, reminds, is_silent, then, asks)
    return sorted(alike.values(), key=lambda each: each.due_at)


# When a round is due, when the child is reminded, when it is late, and whether without a sound.
_Due = tuple[datetime, datetime, datetime, bool]


def _near_and_far(terms: Terms, hours: Hours, now: datetime) -> Iterator[_Due]:
    yield from _rounds(terms, hours, now, now + AHEAD)
    places = [(terms.rhythm, terms.zone), *((each.rhythm, each.zone) for each in terms.seasons)]
    for rhythm, zone in places:
        for at, rule in rhythm.rules:
            yield from _first_of(rule, at, zone, terms, hours, now)


def _first_of(
    rule: Recurrence, at: time, zone: ZoneInfo, terms: Terms, hours: Hours, now: datetime
) -> list[_Due]:
    """The first round after the coming week that this rule asks for in school hours."""
    day = (now + AHEAD).astimezone(zone).date() - _DAY
    while (day := rule.next_from(day + _DAY)) <= (now + _FAR).date():
        due = as_utc(day, at, zone)
        if due >= now + AHEAD and why_held(hours, due) == SCHOOL:
            around = _rounds(terms, hours, due - _DAY, due + _INSTANT)
            if same := [each for each in around if each[0] == due]:
                return same
    return []


def _rounds(terms: Terms, hours: Hours, begin: datetime, end: datetime) -> Iterator[_Due]:
    due = next_round(terms, begin)
    before: datetime | None = None
    while due < end:
        if why_held(hours, due) == SCHOOL:
            opens = opens_of(terms, due, before)
            _, *reminders, late = round_moments(due, opens, steps_of(terms, due))
            first = min(released(hours, moment) for moment in reminders)
            fair = fair_chance(hours, opens, reminders, late)
            if fair is not None and fair.at < first:
                yield due, fair.at, late, fair.gives_way
            else:
                yield due, first, late, False
        before, due = due, next_round(terms, due)


def _without_an_answer(terms: Terms, due: datetime) -> tuple[datetime, bool] | None:
    """When we ask the carer (True) or tell an adult (False) if nothing comes for this check-in."""
    standing = begin(terms, due - _INSTANT)
    _, changes = advance(standing, terms, due + terms.steps.ceiling + _DAY)
    first = next((c for c in changes if c.what in (What.ASK, What.ALERT)), None)
    return None if first is None else (first.at, first.what is What.ASK)

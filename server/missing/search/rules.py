"""A missing child: the stages of an episode, and the clocks that start and stop in each. Pure.

    opened(DEFAULT, tier, opened_at, has_flags=…, is_third=…)   the clocks from the first moment on
    returned(DEFAULT, found_at, zone, is_reported=…)            the clocks once the child is seen

A report never has to wait: a clock only says by when. No stage parks a child out of sight, and a
search ends only when a person has seen the child. Sources: docs/reference/practice.md; every number
is a default that an agency may change.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from server.people.rules import Role
from server.tasks.rules import OF_A_RETURN, STRATEGY, Kind, end_of, months_later

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Stage(StrEnum):
    """How far an episode has come. `deciding`: the police have not been told yet; `found`: a person
    has seen the child; `followed_up`: everything after the return is done."""

    DECIDING = "deciding"
    REPORTED = "reported"
    SEARCHING = "searching"
    FOUND = "found"
    FOLLOWED_UP = "followed_up"


class Flag(StrEnum):
    """What makes the decision due at once."""

    CONTACT = "contact"  # The child is with a person suspected of trafficking or harming them.
    UNDER_14 = "under_14"
    CONCERN = "concern"  # An alert is open whose reason is sealed.
    THREAT = "threat"
    SELF_HARM = "self_harm"
    BELONGINGS = "belongings"  # Bag or documents are gone too.
    FIRST_HOURS = "first_hours"  # The first 72 hours of a placement.
    OTHER = "other"


class Decision(StrEnum):
    """The result of the decision point. None of them stops a clock but its own."""

    REPORT = "report"
    KNOWN_PLACE = "known_place"  # The place is known, and the child is not safe there.


FIRST_HOURS = timedelta(hours=72)
# A report never waits longer than this, whatever an agency sets. docs/reference/practice.md
REPORT_AT_LAST = timedelta(hours=24)
PATTERN, WITHIN = 3, timedelta(days=30)


class Steps(msgspec.Struct, frozen=True):
    """How soon things happen for a child of one tier. All from the opening; `again`: how often
    staff try to reach the child in the first day."""

    attempts: timedelta
    decide: timedelta
    again: timedelta


class Lines(msgspec.Struct, frozen=True):
    """Numbers that the phone of a missing child shows: free, day and night, and the people there
    do not ask for a name. Empty where a country has none. The defaults are the same all over
    Europe."""

    talk: str = "116 111"  # To talk to a person.
    away: str = "116 000"  # For missing children.


class Clocks(msgspec.Struct, frozen=True):
    """Every clock of an episode, as an agency has set it, and the lines that its children can
    call."""

    tiers: Mapping[str, Steps]
    report: timedelta  # After the decision.
    daily: timedelta  # How often staff try, after the first day.
    strategy: Mapping[Kind, timedelta]
    tell_found: timedelta  # The police, where they look for the child.
    safe_and_well: timedelta  # At least this long, near the end of the day.
    interview: timedelta
    after: timedelta  # Re-screen, phone, pack.
    review: timedelta
    offer_again: timedelta  # After a refusal the interview is offered again.
    # Where two children of one home left within this long, we ask whether they are together.
    together: timedelta = _DAY
    handover: timedelta = 30 * _MINUTE  # The note is due this long before a shift ends.
    # After the report: a shift of twelve hours, and the time for the handover.
    holds: timedelta = 14 * _HOUR
    lines: Lines = Lines()

    def of(self, tier: str) -> Steps:
        """The steps of a tier; for an unknown one, the tightest."""
        return self.tiers.get(tier, self.tiers["high"])


DEFAULT = Clocks(
    tiers={
        "high": Steps(30 * _MINUTE, 1 * _HOUR, 2 * _HOUR),
        "mid": Steps(2 * _HOUR, 4 * _HOUR, 6 * _HOUR),
        "low": Steps(12 * _HOUR, 24 * _HOUR, 12 * _HOUR),
    },
    report=15 * _MINUTE,
    daily=_DAY,
    strategy={
        Kind.STRATEGY_24H: _DAY,
        Kind.STRATEGY_72H: 3 * _DAY,
        Kind.STRATEGY_7D: 7 * _DAY,
        Kind.STRATEGY_14D: 14 * _DAY,
        Kind.STRATEGY_28D: 28 * _DAY,
        Kind.STRATEGY_3IN30: 3 * _DAY,
    },
    tell_found=1 * _HOUR,
    safe_and_well=6 * _HOUR,
    interview=3 * _DAY,
    after=3 * _DAY,
    review=7 * _DAY,
    offer_again=3 * _DAY,
)
_MONTHS = 3


class Clock(msgspec.Struct, frozen=True):
    """A due that an episode wants: what, by when, and for which role."""

    what: Kind
    due_at: datetime
    owner: Role


# The role for each. Where a child has none of these, another person gets it
# (tasks.actions.reach_of).
OWNERS: Mapping[Kind, Role] = {
    Kind.DECISION: Role.SUPERVISOR,
    Kind.REPORT: Role.CASEWORKER,
    Kind.KEEP_TRYING: Role.CASEWORKER,
    Kind.BRING_BACK: Role.SUPERVISOR,
    **dict.fromkeys(STRATEGY, Role.SUPERVISOR),
    Kind.TELL_FOUND: Role.CASEWORKER,
    Kind.SAFE_AND_WELL: Role.CASEWORKER,
    Kind.MEDICAL: Role.CASEWORKER,
    # A person independent of the home leads the interview; finding them is no task for a carer.
    Kind.RETURN_INTERVIEW: Role.SUPERVISOR,
    Kind.RESCREEN: Role.CASEWORKER,
    Kind.PHONE_CHECK: Role.CASEWORKER,
    Kind.PACK_UPDATE: Role.CASEWORKER,
    Kind.PLAN_REVIEW: Role.CASEWORKER,
}


def clock(what: Kind, due_at: datetime) -> Clock:
    """A clock of this kind, with its owner."""
    return Clock(what, due_at, OWNERS[what])


def flags_of(
    given_flags: Collection[Flag],
    *,
    born_on: date | None,
    placed_at: datetime,
    has_concern: bool,
    now: datetime,
) -> list[Flag]:
    """What makes the decision due at once: what people said, and what Waymark knows itself."""
    flags = set(given_flags)
    if born_on is not None and now.date() < months_later(born_on, 14 * 12):
        flags.add(Flag.UNDER_14)
    if now - placed_at < FIRST_HOURS:
        flags.add(Flag.FIRST_HOURS)
    if has_concern:
        flags.add(Flag.CONCERN)
    return sorted(flags)


def opened(
    clocks: Clocks, tier: str, opened_at: datetime, *, has_flags: bool, is_third: bool
) -> list[Clock]:
    """The clocks of a new episode. `is_third`: the third within thirty days, or more."""
    steps = clocks.of(tier)
    decide = timedelta(0) if has_flags else steps.decide
    new_clocks = [
        clock(Kind.DECISION, opened_at + decide),
        clock(Kind.REPORT, opened_at + min(decide + clocks.report, REPORT_AT_LAST)),
        clock(Kind.KEEP_TRYING, opened_at + steps.attempts),
    ]
    for kind, after in clocks.strategy.items():
        if kind is not Kind.STRATEGY_3IN30 or is_third:
            new_clocks.append(clock(kind, opened_at + after))
    return [*new_clocks, clock(Kind.STRATEGY_3M, three_months(opened_at))]


class Away(msgspec.Struct, frozen=True):
    """When a child was said to be missing, and whether they still are."""

    opened_at: datetime
    is_open: bool


def may_be_together(first: Away, other: Away, within: timedelta) -> bool:
    """Whether two children of one home may be missing together: both are looked for, or they left
    within that time, since staff may learn of it when both are back. Only a person says that they
    are together: two who are away in one night need not be with each other."""
    is_one_time = abs(first.opened_at - other.opened_at) <= within
    return is_one_time or (first.is_open and other.is_open)


def three_months(moment: datetime) -> datetime:
    """The same time of the day, three months later."""
    day = months_later(moment.date(), _MONTHS)
    return moment + timedelta(days=(day - moment.date()).days)


def flagged(decide_at: datetime, now: datetime) -> Clock:
    """Something makes the decision due at once; a due time that has passed stays as it is."""
    return clock(Kind.DECISION, min(decide_at, now))


def decided(
    what: Decision, clocks: Clocks, opened_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Clock]:
    """What follows the decision. Where the child's place is known, staff bring them to a safe place
    the same day, and the police are told all the same within a day of the opening."""
    if what is Decision.REPORT:
        return [clock(Kind.REPORT, now + clocks.report)]
    last = max(opened_at + REPORT_AT_LAST, now)
    return [clock(Kind.BRING_BACK, same_day(clocks, now, zone)), clock(Kind.REPORT, last)]


def tried(clocks: Clocks, tier: str, opened_at: datetime, now: datetime) -> Clock:
    """When staff try again, after an attempt that was made now."""
    is_first_day = now - opened_at < _DAY
    return clock(Kind.KEEP_TRYING, now + (clocks.of(tier).again if is_first_day else clocks.daily))


def same_day(clocks: Clocks, now: datetime, zone: ZoneInfo) -> datetime:
    """By the end of that day on the child's clock. Near the end of the day at least some hours
    later."""
    return max(end_of(now.astimezone(zone).date(), zone), now + clocks.safe_and_well)


def returned(
    clocks: Clocks, found_at: datetime, zone: ZoneInfo, *, is_reported: bool
) -> list[Clock]:
    """The clocks of the return. They count from when the child was seen, which may be entered late:
    then some are overdue, and show it at once."""
    day = same_day(clocks, found_at, zone)
    told = [clock(Kind.TELL_FOUND, found_at + clocks.tell_found)] if is_reported else []
    return [
        *told,
        clock(Kind.SAFE_AND_WELL, day),
        clock(Kind.MEDICAL, day),
        clock(Kind.RETURN_INTERVIEW, found_at + clocks.interview),
        clock(Kind.RESCREEN, found_at + clocks.after),
        clock(Kind.PHONE_CHECK, found_at + clocks.after),
        clock(Kind.PACK_UPDATE, found_at + clocks.after),
        clock(Kind.PLAN_REVIEW, found_at + clocks.review),
    ]


class Facts(msgspec.Struct, frozen=True):
    """What decides the stage: `searched` means that something was done after the report."""

    is_reported: bool
    is_searched: bool
    is_found: bool
    open: frozenset[Kind]


def stage(facts: Facts) -> Stage:
    """How far the episode has come."""
    if facts.is_found:
        return Stage.FOUND if facts.open & OF_A_RETURN else Stage.FOLLOWED_UP
    if not facts.is_reported:
        return Stage.DECIDING
    return Stage.SEARCHING if facts.is_searched else Stage.REPORTED

"""What follows silence, by tier, as data: its shape, and `SHIPPED`, the policy that ships.

parser.py reads it. A policy is a table per tier. Durations are written as people
write them: "90s", "15m", "4h", "2d".
"""

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, Self

import msgspec

from server.i18n import N_
from server.policy.budget import NO_BUDGET, Budget
from server.policy.levels import Levels
from server.policy.roll_call import NO_ROLL_CALL, RollCall
from server.policy.slots import Slot
from server.policy.witness import NO_WITNESS, Witness

# No child may be parked out of sight by a ceiling of years.
LONGEST = timedelta(days=30)
# A child who has just moved to a place is watched tightly for this long, whatever a policy says.
FIRST_HOURS = timedelta(hours=72)
# So many times is no weighing any more.
AT_ONCE = 1000.0


class Tier(StrEnum):
    """How tight the watch is, the tightest first. A person sets it."""

    HIGH = "high"
    MID = "mid"
    LOW = "low"

    def is_tighter_than(self, other: "Tier") -> bool:
        """Whether more happens, and sooner, in this one."""
        order = tuple(Tier)
        return order.index(self) < order.index(other)


class Rung(StrEnum):
    """The people to call, in order, and what screens call them. alerts/recipients.py says who is on
    a rung."""

    label: str

    CASEWORKER = "caseworker", N_("Caseworker")
    DEPUTY = "deputy", N_("Deputy")
    ON_DUTY = "on_duty", N_("On duty")
    # The supervisors who are tied to the child: they answer for the people who were called before
    # them, and may see and take the alert. A role in the agency alone gives no right to a child.
    MANAGER = "manager", N_("Manager")
    LAST_RESORT = "last_resort", N_("Last resort")
    EVERYONE = "everyone", N_("Everyone at once")
    CASEWORKER_AND_ON_DUTY = "caseworker_and_on_duty", N_("Caseworker and everyone on duty")

    def __new__(cls, code: str, label: str = "") -> Self:
        """A rung is its code alone, wherever it is stored."""
        rung = str.__new__(cls, code)
        rung._value_, rung.label = code, label
        return rung

    @property
    def parts(self) -> tuple["Rung", ...]:
        """The rungs whose people it calls, all at once."""
        return _AT_ONCE.get(self, (self,))


# The rungs that have people of their own. The last resort is an address of the installation.
PEOPLED = tuple(
    rung
    for rung in Rung
    if rung not in {Rung.LAST_RESORT, Rung.EVERYONE, Rung.CASEWORKER_AND_ON_DUTY}
)
_AT_ONCE: Mapping[Rung, tuple[Rung, ...]] = {
    Rung.EVERYONE: PEOPLED,
    Rung.CASEWORKER_AND_ON_DUTY: (Rung.CASEWORKER, Rung.ON_DUTY),
}


def ending(rungs: Iterable[Rung]) -> tuple[Rung, ...]:
    """These rungs, with the last resort as the last of them: no ladder ends without it, whatever a
    policy says."""
    rungs = tuple(rungs)
    return rungs if rungs[-1:] == (Rung.LAST_RESORT,) else (*rungs, Rung.LAST_RESORT)


class Ladder(msgspec.Struct, frozen=True):
    """The part of a policy that is frozen into an alert when it opens. It ends at the last
    resort."""

    rungs: tuple[Rung, ...]
    each: timedelta  # Not acknowledged for this long: the next rung.
    lapse: timedelta  # An acknowledgement holds for so long.
    decide: timedelta | None  # Safe, or report: at the latest so long after the alert opened.


class Doubt(msgspec.Struct, frozen=True):
    """What follows a silence by how unusual it is for this child, and not at each miss
    (watch/machine/habit.py).

    Odds are written as a share: 0.05 means one child who has gone to twenty who have forgotten.
    """

    leaves: float  # The share of children in this tier who leave in a day.
    ask: float  # From these odds on the carer is asked.
    page: float  # From these odds on adults are called.
    ask_again: timedelta  # A carer who does not answer is asked again, at another time of the day.
    ask_before: timedelta  # How long before the ceiling the carer is asked in any case.
    # "Not seen" multiplies the odds by this; from AT_ONCE on, adults are called.
    not_seen: float = 1000.0
    # A child with a warning sign noted in the last `sign_lasts` leaves this many times as often; so
    # does a child who was missing before.
    sign: float = 1.0
    sign_lasts: timedelta = timedelta(days=4)
    left_before: float = 1.0
    # If the phone shows no reminders: the carer is asked as soon as a silence begins.
    silent_phone: bool = False
    usual: Mapping[Slot, float] | None = None  # How often children answer, as learned.py has it.
    not_seen_at: Mapping[Slot, float] | None = None
    seen: float = 0.05  # "Seen" multiplies the odds by this, where it vouches.

    def times_not_seen(self, at: Slot) -> float:
        """By what "not seen" multiplies the odds."""
        return self.not_seen if self.not_seen_at is None else self.not_seen_at[at]

    @property
    def weighs_not_seen(self) -> bool:
        """Whether "not seen" from a carer is only weighed, and does not alone call adults."""
        return self.not_seen < AT_ONCE


class Steps(msgspec.Struct, frozen=True):
    """What happens around one round of one tier, before adults are called."""

    remind_before: timedelta
    remind_again: timedelta
    grace: timedelta
    carer_window: timedelta  # How long the carer has to answer before the caseworker is called.
    carer_from: time  # Local; the carer is not asked before …
    carer_until: time  # … nor after. Equal: at any hour.
    levels: Levels  # What each kind of evidence does to a silence.
    ceiling: timedelta  # The longest silence that anything may allow.
    doubt: Doubt | None = None  # None: the carer is asked at each miss.
    # At the end of an absence: the longest time until late, and the longest time for the carer.
    after_pass: timedelta | None = None
    asks_carer: bool = True  # Else adults are called as soon as a round is late.
    # How long before adults are called a child who has missed a round is asked once more, if that
    # is known so early. None: they are not asked.
    last_call: timedelta | None = None
    # After so many late rounds in a row adults are called, whatever is usual for the child.
    after_misses: int | None = None
    rest: "QuietHours | None" = None  # Local hours in which no child is asked.
    # One more question before adults are called: how long the carer, or the home, has to answer.
    # None: nobody is asked once more.
    last_question: timedelta | None = None


class TierPolicy(msgspec.Struct, frozen=True):
    """One tier of a policy."""

    steps: Steps
    ladder: Ladder


class QuietHours(msgspec.Struct, frozen=True):
    """Local hours in which a child gets no reminders. They never mute an alert to adults."""

    from_: time
    until: time

    def holds(self, at: time) -> bool:
        """Whether a local time is inside, over midnight too."""
        if self.from_ <= self.until:
            return self.from_ <= at < self.until
        return at >= self.from_ or at < self.until


class Signal(msgspec.Struct, frozen=True):
    """One signal of watch/signals/rules.py: whether it is shown, and its numbers."""

    is_on: bool
    days: int  # So far back it looks.
    least: int = 1  # So many rows make it one.
    by: float = 0.0  # How much has to have changed: see each rule for the unit.
    span: timedelta = timedelta(0)  # The same, if it is a time.
    # If the signal holds and a check-in is late, the carer is asked at once, in a tier with a habit
    # that would have waited. It calls nobody.
    asks: bool = False


class Around(msgspec.Struct, frozen=True):
    """How tight the watch is around a day of the calendar (watch/calendar/milestones.py), and how
    long before the day begins and after it ends."""

    tier: Tier
    before: timedelta
    after: timedelta


class Together(msgspec.Struct, frozen=True):
    """When an adult gets the calls about several children as one message. Each child keeps their
    own alert and their own ladder: there are fewer messages, and never fewer alerts."""

    children: int  # From so many with one cause on.
    window: timedelta  # Within so long; a call waits no longer than this for those that follow.


class Policy(msgspec.Struct, frozen=True):
    """A whole policy."""

    tiers: Mapping[Tier, TierPolicy]
    quiet: QuietHours
    signals: Mapping[str, Signal]
    together: Together
    milestones: Mapping[str, Around]
    roll_call: RollCall = NO_ROLL_CALL
    witness: Witness = NO_WITNESS
    budget: Budget = NO_BUDGET


# Every number is a default that an agency can change: docs/reference/policy.md.
_RUNGS = ["caseworker", "deputy", "on_duty", "manager", "last_resort"]


def _evidence(seen: str, softens_for: str) -> dict[str, Any]:
    """What settles and what holds. `seen` is what the word of a carer or a school does, and what
    the child's own word does where another person might say it: there an adult confirms."""
    return {
        "professional": "settles",
        "school": seen,
        "carer": seen,
        "app_seen": "nothing",
        "sms": seen,
        "link": seen,
        "card": seen,
        "holds_for": "6h",
        "softens_for": softens_for,
    }


# Not the policy that ships, but what that is made from (SHIPPED, below): the carer is asked at each
# miss, no habit, no last call. Earlier releases shipped it, so a policy stored by one of them is
# filled from it. Otherwise it is for tests and comparisons.
EACH_MISS: dict[str, Any] = {
    "quiet": {"from": "22:00", "until": "07:00"},
    "together": {"children": 3, "window": "1m"},
    # False calls to adults that a worker can bear in a week, and what becomes of the numbers that
    # the outcomes of a week call for: policy/budget.py.
    "budget": {"pages": 4, "adapt": "never", "learns": False},
    # Days of the calendar (docs/reference/practice.md): high for 72 hours after a transfer, a
    # return, a refusal or a decision, and for 14 days before the eighteenth birthday. The days
    # before a hearing and a planned move are our own default.
    "milestones": {
        "hearing": {"tier": "high", "before": "1d", "after": "3d"},
        "refusal": {"tier": "high", "before": None, "after": "3d"},
        "transfer": {"tier": "high", "before": "2d", "after": "3d"},
        "return": {"tier": "high", "before": None, "after": "3d"},
        "turning_18": {"tier": "high", "before": "14d", "after": "1d"},
    },
    "high": {
        "remind_before": "30m",
        "remind_again": "15m",
        "grace": "30m",
        "carer_window": "15m",
        "carer_from": "00:00",
        "carer_until": "00:00",
        "evidence": _evidence("holds", "1h"),
        "after_pass": "15m",
        "ceiling": "24h",
        "last_call": None,
        "last_question": None,
        "after_misses": None,
        "habit": None,
        "asks_carer": True,
        "rungs": _RUNGS,
        "each": "15m",
        "lapse": "30m",
        "decide": "1h",
    },
    "mid": {
        "remind_before": "1h",
        "remind_again": "30m",
        "grace": "1h",
        "carer_window": "45m",
        "carer_from": "00:00",
        "carer_until": "00:00",
        "evidence": _evidence("settles", "2h"),
        "after_pass": "20m",
        "ceiling": "36h",
        "last_call": None,
        "last_question": None,
        "after_misses": None,
        "habit": None,
        "asks_carer": True,
        "rungs": _RUNGS,
        "each": "30m",
        "lapse": "1h",
        "decide": "4h",
    },
    "low": {
        "remind_before": "2h",
        "remind_again": "1h",
        "grace": "2h",
        "carer_window": "3h",
        "carer_from": "08:00",
        "carer_until": "22:00",
        "evidence": _evidence("settles", "4h"),
        "after_pass": "30m",
        "ceiling": "72h",
        "last_call": None,
        "last_question": None,
        "after_misses": None,
        "habit": None,
        "asks_carer": True,
        "rungs": _RUNGS,
        "each": "1h",
        "lapse": "4h",
        "decide": "24h",
    },
    # What a worker is told, quietly: watch/signals/rules.py. None of these calls an adult. One that
    # `asks` has the carer asked at once when a check-in is late, where a tier goes by habit.
    "signals": {
        "later_answers": {"on": True, "days": 14, "span": "1h", "asks": False},
        "fewer_answers": {"on": True, "days": 14, "by": 0.25, "asks": False},
        "lower_mood": {"on": True, "days": 14, "by": 1, "asks": False},
        "missed_dates": {"on": True, "days": 30, "least": 1, "asks": False},
        "stalled_goals": {"on": True, "days": 30, "asks": False},
        "broken_promises": {"on": True, "days": 30, "least": 1, "asks": False},
        "observations": {"on": True, "days": 14, "least": 2, "asks": False},
        "new_phone": {"on": True, "days": 7, "asks": False},
        "other_language": {"on": True, "days": 7, "asks": False},
        "shared_question": {"on": True, "days": 14, "asks": False},
        "regular_answers": {"on": True, "days": 10, "span": "2m", "asks": False},
    },
}


def ladder_as_data(ladder: Ladder) -> dict[str, Any]:
    """A ladder as JSON, to be frozen into an alert. Durations in seconds."""
    return {
        "rungs": list(ladder.rungs),
        "each_s": ladder.each.total_seconds(),
        "lapse_s": ladder.lapse.total_seconds(),
        "decide_s": ladder.decide.total_seconds() if ladder.decide is not None else None,
    }


def ladder_from_data(data: Mapping[str, Any]) -> Ladder:
    """The ladder that was frozen into an alert, also by a release in which it could end sooner."""
    return Ladder(
        rungs=ending(Rung(rung) for rung in data["rungs"]),
        each=timedelta(seconds=data["each_s"]),
        lapse=timedelta(seconds=data["lapse_s"]),
        decide=timedelta(seconds=data["decide_s"]) if data["decide_s"] is not None else None,
    )


def over(whole: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The data, with the values of `own` in place of its own, table by table."""
    laid = {**whole, **own}
    for name, table in whole.items():
        mine = own.get(name)
        if isinstance(table, Mapping) and isinstance(mine, Mapping):
            laid[name] = over(table, mine)
    return laid


_WEIGHED: dict[str, Any] = {
    "page": 0.8,  # From these odds on, adults are called.
    "ask_again": "4h",  # A carer who says nothing, or has not seen the child, is asked again.
    "seen": 0.05,  # Where "seen" vouches, it makes them so many times what they were.
    "not_seen": 8,  # "Not seen" makes the odds so many times what they were.
    "sign": 20,  # Who showed a warning sign leaves so many times as often,
    "sign_lasts": "4d",  # for so long.
    # A child who was missing before leaves so many times as often, for each time.
    "left_before": 5,
}

# The policy that ships. In the high tier the carer is asked at each miss, and has longer to answer.
# In the other tiers the habit of the child decides when the carer is asked and when adults are
# called, inside the limits of the tier: watch/machine/habit.py. Tried only on a simulated cohort;
# docs/frontier.md has the results there, and what it costs in false alarms and questions.
SHIPPED = over(
    EACH_MISS,
    {
        "high": {"carer_window": "1h", "last_call": "45m"},
        "mid": {
            "last_call": "3h",
            # Of the children of this tier, so many leave in a day: four of a thousand. From the
            # odds `ask` on the carer is asked, and so long before the ceiling in any case.
            "habit": {"leaves": 0.004, "ask": 0.006, **_WEIGHED, "ask_before": "18h"},
        },
        "low": {
            "last_call": "3h",
            "habit": {"leaves": 0.0014, "ask": 0.004, **_WEIGHED, "ask_before": "30h"},
        },
    },
)

"""What an entry does to the clocks of an episode. Pure.

follow(act, details, standing, clocks, now)  →  which end, which run then, what is known
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from server.missing.search import rules
from server.missing.search.entry_kinds import ENTRIES, Act, raises_flag
from server.missing.search.rules import Clock, Clocks, Decision, Flag
from server.tasks.rules import STRATEGY, Kind


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an episode that decides what an entry does. `running`: when each running clock is
    due, the soonest first; `zone`: the child's."""

    tier: str
    opened_at: datetime
    is_open: bool
    is_reported: bool
    flags: frozenset[str]
    running: Mapping[Kind, datetime]
    zone: ZoneInfo


class Effect(msgspec.Struct):
    """Clocks that end, clocks that run from now on, a reason to hurry, and whether this entry is a
    decision or a report to the police."""

    ends: set[Kind]
    sets: list[Clock] = msgspec.field(default_factory=list)
    flag: Flag | None = None
    decides: bool = False
    reports: bool = False


def follow(
    act: Act, details: Mapping[str, str], standing: Standing, clocks: Clocks, now: datetime
) -> Effect:
    """What follows from an entry that `entry_kinds.read` has read."""
    effect = Effect(set(ENTRIES[act].ends))
    if act is Act.STRATEGY:
        _talked(effect, standing, now)
    elif act is Act.ATTEMPT and standing.is_open:
        effect.sets.append(rules.tried(clocks, standing.tier, standing.opened_at, now))
    elif act is Act.DECISION and standing.is_open:
        _decided(effect, Decision(details["decision"]), standing, clocks, now)
    elif act is Act.REPORT and details["to"] == "police":
        # A report to the police is a decision too: we ask for none after it.
        effect.ends |= {Kind.REPORT, Kind.DECISION, Kind.TELL_FOUND}
        effect.decides = effect.reports = True
    elif act is Act.INTERVIEW_OFFERED and Kind.RETURN_INTERVIEW in standing.running:
        effect.ends.add(Kind.RETURN_INTERVIEW)
        wait = clocks.interview if details["answer"] == "accepted" else clocks.offer_again
        effect.sets.append(rules.clock(Kind.RETURN_INTERVIEW, now + wait))
    _hurry(effect, raises_flag(act, details), standing, now)
    return effect


def _talked(effect: Effect, standing: Standing, now: datetime) -> None:
    """The next talk was held. The one of three months comes again while the search goes on."""
    effect.ends = set([kind for kind in standing.running if kind in STRATEGY][:1])
    if Kind.STRATEGY_3M in effect.ends and standing.is_open:
        effect.sets.append(rules.clock(Kind.STRATEGY_3M, rules.three_months(now)))


def _decided(
    effect: Effect, what: Decision, standing: Standing, clocks: Clocks, now: datetime
) -> None:
    effect.decides = True
    follows = rules.decided(what, clocks, standing.opened_at, now, standing.zone)
    # Once the police have been told, we do not ask for it again.
    effect.sets += [
        clock for clock in follows if clock.what is not Kind.REPORT or not standing.is_reported
    ]


def _hurry(effect: Effect, flag: Flag | None, standing: Standing, now: datetime) -> None:
    if flag is None or flag in standing.flags:
        return
    effect.flag = flag
    if Kind.DECISION in standing.running:
        effect.sets.append(rules.flagged(standing.running[Kind.DECISION], now))

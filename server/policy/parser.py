"""Reading a policy from its data: check it, and fill in what it leaves out."""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

from server.errors import Refused
from server.policy.bounds import BOUNDS
from server.policy.levels import Does, Evidence, Levels, too_strong
from server.policy.model import (
    AT_ONCE,
    EACH_MISS,
    FIRST_HOURS,
    LONGEST,
    SHIPPED,
    Around,
    Doubt,
    Ladder,
    Policy,
    QuietHours,
    Rung,
    Signal,
    Steps,
    Tier,
    TierPolicy,
    Together,
    ending,
    over,
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,7}) ?(s|m|h|d)")
# A call may wait for others, but not for so long that it would be felt.
LONGEST_WAIT = timedelta(minutes=10)
MOST_MISSES = 30
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def filled(content: Mapping[str, Any]) -> dict[str, Any]:
    """A stored policy, with what its release could not say yet as that release had it: each miss
    was asked about. So an upgrade changes nothing of what an agency adopted. A policy that names
    only what is different is read by `merged`."""
    return over(EACH_MISS, _all_upgraded(content))


def merged(differences: Mapping[str, Any]) -> dict[str, Any]:
    """The policy that ships with these differences: a file, or a training."""
    return over(SHIPPED, _all_upgraded(differences))


def _all_upgraded(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _ended(_upgraded(table)) if name in set(Tier) else table
        for name, table in content.items()
    }


def _ended(table: Any) -> Any:
    """A tier whose ladder ends at the last resort, also where it was adopted without."""
    rungs = table.get("rungs") if isinstance(table, Mapping) else None
    if not isinstance(rungs, list) or not rungs or rungs[-1] == Rung.LAST_RESORT.value:
        return table
    return {**table, "rungs": [*rungs, Rung.LAST_RESORT.value]}


def _upgraded(table: Any) -> Any:
    """Convert a tier of an earlier release. It only had `seen_holds`: how long "seen" by a carer or
    a school holds; "never" or null: it settles."""
    if not isinstance(table, Mapping) or "seen_holds" not in table or "evidence" in table:
        return table
    holds_for = table["seen_holds"]
    does = Does.SETTLES if holds_for in (None, "never") else Does.HOLDS
    evidence: dict[str, Any] = {"school": does.value, "carer": does.value}
    if does is Does.HOLDS:
        evidence["holds_for"] = holds_for
    return {
        **{key: value for key, value in table.items() if key != "seen_holds"},
        "evidence": evidence,
    }


def read(data: Mapping[str, Any]) -> Policy:
    """A policy from its data. Raises Refused, naming the field, if anything is missing, wrong or
    unknown, or would let a silence last longer than the tier's ceiling."""
    unknown = set(data) - {"milestones", "quiet", "signals", "together", *Tier}
    if unknown:
        raise Refused("This policy has an unknown key.", field=sorted(unknown)[0])
    quiet = _table(data, "quiet")
    _known(quiet, SHIPPED["quiet"], "quiet")
    rest = QuietHours(_time(quiet, "from", "quiet"), _time(quiet, "until", "quiet"))
    return Policy(
        tiers={tier: _tier(_table(data, tier), tier, rest) for tier in Tier},
        quiet=rest,
        signals=_signals(data),
        together=_together(_table(data, "together")),
        milestones=_milestones(data),
    )


_NEW_HERE = ("transfer", "return")


def _milestones(data: Mapping[str, Any]) -> dict[str, Around]:
    shipped = SHIPPED["milestones"]
    own = _table(data, "milestones") if "milestones" in data else shipped
    _known(own, shipped, "milestones")
    return {what: _around(own.get(what, shipped[what]), what) for what in shipped}


def _around(table: Any, what: str) -> Around:
    where, shipped = f"milestones.{what}", SHIPPED["milestones"][what]
    if not isinstance(table, Mapping):
        raise Refused("This policy is missing a table.", field=where)
    _known(table, shipped, where)
    whole = {**shipped, **table}
    if whole["tier"] not in (Tier.HIGH, Tier.MID):
        raise Refused(
            "Around this day, the watch level must be high or medium (in a file: mid).",
            field=f"{where}.tier",
        )
    around = Around(
        tier=Tier(whole["tier"]),
        before=_perhaps(whole, "before", where) or timedelta(0),
        after=_duration(whole, "after", where),
    )
    if what in _NEW_HERE and around.tier is not Tier.HIGH:
        raise Refused(
            "The first 72 hours in a new place must have a high watch level.", field=f"{where}.tier"
        )
    if what in _NEW_HERE and around.after < FIRST_HOURS:
        raise Refused(
            "The first 72 hours in a new place must have a high watch level.",
            field=f"{where}.after",
        )
    return around


def _signals(data: Mapping[str, Any]) -> dict[str, Signal]:
    shipped = SHIPPED["signals"]
    own = _table(data, "signals") if "signals" in data else shipped
    _known(own, shipped, "signals")
    return {name: _signal(own.get(name, shipped[name]), name) for name in shipped}


_MOST = {"days": 90, "least": 20, "by": 4.0}


def _signal(table: Any, name: str) -> Signal:
    where, shipped = f"signals.{name}", SHIPPED["signals"][name]
    if not isinstance(table, Mapping):
        raise Refused("This policy is missing a table.", field=where)
    _known(table, shipped, where)
    whole = {**shipped, **table}
    return Signal(
        asks=_yes_or_no(whole, "asks", where),
        is_on=_yes_or_no(whole, "on", where),
        days=int(_count(whole, "days", where)),
        least=int(_count(whole, "least", where)) if "least" in shipped else 1,
        by=_count(whole, "by", where) if "by" in shipped else 0.0,
        span=_duration(whole, "span", where) if "span" in shipped else timedelta(0),
    )


def _count(table: Mapping[str, Any], key: str, name: str) -> float:
    value, is_share = table[key], key == "by"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    least = 0.01 if is_share else 1
    if not is_number or not least <= value <= _MOST[key] or not (is_share or value == int(value)):
        raise Refused("This number is not valid here.", field=f"{name}.{key}")
    return float(value)


def _together(table: Mapping[str, Any]) -> Together:
    _known(table, SHIPPED["together"], "together")
    children = table.get("children")
    is_number = isinstance(children, int) and not isinstance(children, bool)
    if not is_number or not 2 <= children <= 1000:  # type: ignore[operator]
        raise Refused("Choose between 2 and 1,000 children.", field="together.children")
    window = _duration(table, "window", "together")
    if window > LONGEST_WAIT:
        raise Refused("A call can wait up to ten minutes for others.", field="together.window")
    return Together(children, window)  # type: ignore[arg-type]


_BOUNDED = frozenset(key for bound in BOUNDS for key in (*bound.within, bound.whole))


def _tier(table: Mapping[str, Any], tier: str, rest: QuietHours) -> TierPolicy:
    _known(table, SHIPPED[tier], tier)
    steps = Steps(
        remind_before=_duration(table, "remind_before", tier),
        remind_again=_duration(table, "remind_again", tier),
        grace=_duration(table, "grace", tier),
        carer_window=_duration(table, "carer_window", tier),
        carer_from=_time(table, "carer_from", tier),
        carer_until=_time(table, "carer_until", tier),
        levels=_levels(table, tier),
        ceiling=_duration(table, "ceiling", tier),
        doubt=_doubt(table, tier),
        after_pass=_perhaps(table, "after_pass", tier),
        asks_carer=_yes_or_no(table, "asks_carer", tier),
        last_call=_perhaps(table, "last_call", tier),
        after_misses=_misses(table, tier),
        rest=rest,
    )
    if steps.carer_from > steps.carer_until:
        raise Refused("The carer's hours end before they begin.", field=f"{tier}.carer_until")
    durations = {key: _duration(table, key, tier) for key in _BOUNDED}
    for bound in BOUNDS:
        if not bound.holds(durations):
            raise Refused(bound.words, field=f"{tier}.{bound.field}")
    return TierPolicy(steps=steps, ladder=_ladder(table, tier))


def _levels(table: Mapping[str, Any], tier: str) -> Levels:
    shipped, name = SHIPPED[tier]["evidence"], f"{tier}.evidence"
    own = table.get("evidence", shipped)
    if not isinstance(own, Mapping):
        raise Refused("This policy is missing a table.", field=name)
    _known(own, shipped, name)
    # A table of an earlier release knew no other way than the app.
    own = {**{way: shipped[way] for way in ("sms", "link", "card")}, **own}
    levels = Levels(
        professional=_does(own, "professional", name),
        school=_does(own, "school", name),
        carer=_does(own, "carer", name),
        app_seen=_does(own, "app_seen", name),
        sms=_does(own, "sms", name),
        link=_does(own, "link", name),
        card=_does(own, "card", name),
        holds_for=_duration(own, "holds_for", name),
        softens_for=_duration(own, "softens_for", name),
    )
    wrong = too_strong(levels)
    if wrong is Evidence.APP_SEEN:
        raise Refused("An open app can only soften an alert.", field=f"{name}.{wrong}")
    if wrong is not None:
        raise Refused(
            "This would count for more than a professional's word.", field=f"{name}.{wrong}"
        )
    return levels


def _does(table: Mapping[str, Any], key: str, name: str) -> Does:
    value = table.get(key)
    if not isinstance(value, str) or value not in set(Does):
        raise Refused("Evidence can settle, hold, soften or do nothing.", field=f"{name}.{key}")
    return Does(value)


# Every key, and the largest number that makes sense, if it is one.
_DOUBT = {
    "leaves": 0.5,
    "ask": 1.0,
    "page": 10.0,
    "ask_again": None,
    "ask_before": None,
    "not_seen": AT_ONCE,
    "sign": AT_ONCE,
    "sign_lasts": None,
    "left_before": AT_ONCE,
    "silent_phone": None,
}
# Defaults for a table from an earlier release, as that release had them.
_DOUBT_BEFORE = {
    "not_seen": AT_ONCE,
    "sign": 1.0,
    "sign_lasts": "4d",
    "left_before": 1.0,
    "silent_phone": False,
}


def _doubt(table: Mapping[str, Any], tier: str) -> Doubt | None:
    if table.get("habit") in (None, "never"):
        return None
    name = f"{tier}.habit"
    own = table["habit"]
    if not isinstance(own, Mapping):
        raise Refused("This policy is missing a table.", field=name)
    _known(own, _DOUBT, name)
    own = {**_DOUBT_BEFORE, **own}
    doubt = Doubt(
        leaves=_odds(own, "leaves", name),
        ask=_odds(own, "ask", name),
        page=_odds(own, "page", name),
        ask_again=_duration(own, "ask_again", name),
        ask_before=_duration(own, "ask_before", name),
        not_seen=_times(own, "not_seen", name),
        sign=_times(own, "sign", name),
        sign_lasts=_duration(own, "sign_lasts", name),
        left_before=_times(own, "left_before", name),
        silent_phone=_yes_or_no(own, "silent_phone", name),
    )
    if doubt.ask > doubt.page:
        raise Refused("This would call adults before we ask the carer.", field=f"{name}.ask")
    if doubt.ask_again < timedelta(hours=1):
        raise Refused("We can ask a carer once an hour at most.", field=f"{name}.ask_again")
    return doubt


def _odds(table: Mapping[str, Any], key: str, name: str) -> float:
    value, most = table.get(key), _DOUBT[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1e-6 <= value <= most:  # type: ignore[operator]
        raise Refused("This value is not valid here.", field=f"{name}.{key}")
    return float(value)  # type: ignore[arg-type]


def _times(table: Mapping[str, Any], key: str, name: str) -> float:
    """A factor of at least one: no evidence here makes it less likely that a child has gone."""
    value = _odds(table, key, name)
    if value < 1:
        raise Refused("This value is not valid here.", field=f"{name}.{key}")
    return value


def _ladder(table: Mapping[str, Any], tier: str) -> Ladder:
    rungs = table.get("rungs")
    rung_names = {rung.value for rung in Rung}
    if (
        not isinstance(rungs, list)
        or not rungs
        or any(str(rung) not in rung_names for rung in rungs)
    ):
        raise Refused("A ladder can contain only known rungs.", field=f"{tier}.rungs")
    return Ladder(
        rungs=ending(Rung(rung) for rung in rungs),
        each=_duration(table, "each", tier),
        lapse=_duration(table, "lapse", tier),
        decide=_perhaps(table, "decide", tier),
    )


def _known(table: Mapping[str, Any], keys: Mapping[str, Any], name: str) -> None:
    unknown = set(table) - set(keys)
    if unknown:
        raise Refused("This policy has an unknown key.", field=f"{name}.{sorted(unknown)[0]}")


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = data.get(key)
    if not isinstance(table, Mapping):
        raise Refused("This policy is missing a table.", field=key)
    return table


def _perhaps(table: Mapping[str, Any], key: str, tier: str) -> timedelta | None:
    return None if table.get(key) in (None, "never") else _duration(table, key, tier)


def _misses(table: Mapping[str, Any], tier: str) -> int | None:
    """After how many misses in a row; None: however many."""
    value = table.get("after_misses")
    if value in (None, "never"):
        return None
    if type(value) is not int or not 1 <= value <= MOST_MISSES:
        raise Refused("Choose between 1 and 30 missed check-ins.", field=f"{tier}.after_misses")
    return value


def _yes_or_no(table: Mapping[str, Any], key: str, tier: str) -> bool:
    value = table.get(key, True)
    if not isinstance(value, bool):
        raise Refused("This must be true or false.", field=f"{tier}.{key}")
    return value


def _duration(table: Mapping[str, Any], key: str, tier: str) -> timedelta:
    match = _DURATION.fullmatch(str(table.get(key)))
    if match is None or match[1].strip("0") == "":
        raise Refused(
            "Write a duration as a number followed by s, m, h or d.", field=f"{tier}.{key}"
        )
    duration = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if duration > LONGEST:
        raise Refused("A duration in a policy can be up to 30 days.", field=f"{tier}.{key}")
    return duration


def _time(table: Mapping[str, Any], key: str, tier: str) -> time:
    match = _TIME.fullmatch(str(table.get(key)))
    if match is None:
        raise Refused("Write a time like this: 08:00.", field=f"{tier}.{key}")
    return time(int(match[1]), int(match[2]))

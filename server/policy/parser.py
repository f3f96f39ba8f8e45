"""Reading a policy from its data: check it, and fill in what it leaves out."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server.errors import Refused
from server.policy import budget_parser as budgets
from server.policy import roll_call_parser as roll_calls
from server.policy import witness_parser as witnesses
from server.policy.bounds import BOUNDS
from server.policy.budget import Adapt
from server.policy.levels import MAY_VOUCH, Does, Evidence, Levels, too_strong
from server.policy.model import (
    AT_ONCE,
    EACH_MISS,
    FIRST_HOURS,
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
from server.policy.values import (
    duration,
    known,
    misses,
    odds,
    perhaps,
    table_of,
    time_of_day,
    times,
    yes_or_no,
)

# A call may wait for others, but not for so long that it would be felt.
LONGEST_WAIT = timedelta(minutes=10)


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


_TABLES = ("budget", "milestones", "quiet", "roll_call", "signals", "together", "witness")


def read(data: Mapping[str, Any]) -> Policy:
    """A policy from its data. Raises Refused, naming the field, if anything is missing, wrong or
    unknown, or would let a silence last longer than the tier's ceiling."""
    unknown = set(data) - {*_TABLES, *Tier}
    if unknown:
        raise Refused("This policy has an unknown key.", field=sorted(unknown)[0])
    quiet = table_of(data, "quiet")
    known(quiet, SHIPPED["quiet"], "quiet")
    rest = QuietHours(time_of_day(quiet, "from", "quiet"), time_of_day(quiet, "until", "quiet"))
    policy = Policy(
        tiers={tier: _tier(table_of(data, tier), tier, rest) for tier in Tier},
        quiet=rest,
        signals=_signals(data),
        together=_together(table_of(data, "together")),
        milestones=_milestones(data),
        roll_call=roll_calls.read(table_of({"roll_call": {}, **data}, "roll_call")),
        witness=witnesses.read(table_of({"witness": {}, **data}, "witness")),
        budget=budgets.read(table_of({"budget": {}, **data}, "budget")),
    )
    by_habit = any(of.steps.doubt for of in policy.tiers.values())
    if policy.budget.adapt is not Adapt.NEVER and not by_habit:
        raise Refused(
            "No watch level goes by the child's habit, so there is no number to adapt.",
            field="budget.adapt",
        )
    return policy


_NEW_HERE = ("transfer", "return")


def _milestones(data: Mapping[str, Any]) -> dict[str, Around]:
    shipped = SHIPPED["milestones"]
    own = table_of(data, "milestones") if "milestones" in data else shipped
    known(own, shipped, "milestones")
    return {what: _around(own.get(what, shipped[what]), what) for what in shipped}


def _around(table: Any, what: str) -> Around:
    where, shipped = f"milestones.{what}", SHIPPED["milestones"][what]
    if not isinstance(table, Mapping):
        raise Refused("This policy is missing a table.", field=where)
    known(table, shipped, where)
    whole = {**shipped, **table}
    if whole["tier"] not in (Tier.HIGH, Tier.MID):
        raise Refused(
            "Around this day, the watch level must be high or medium (in a file: mid).",
            field=f"{where}.tier",
        )
    around = Around(
        tier=Tier(whole["tier"]),
        before=perhaps(whole, "before", where) or timedelta(0),
        after=duration(whole, "after", where),
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
    own = table_of(data, "signals") if "signals" in data else shipped
    known(own, shipped, "signals")
    return {name: _signal(own.get(name, shipped[name]), name) for name in shipped}


_MOST = {"days": 90, "least": 20, "by": 4.0}


def _signal(table: Any, name: str) -> Signal:
    where, shipped = f"signals.{name}", SHIPPED["signals"][name]
    if not isinstance(table, Mapping):
        raise Refused("This policy is missing a table.", field=where)
    known(table, shipped, where)
    whole = {**shipped, **table}
    return Signal(
        asks=yes_or_no(whole, "asks", where),
        is_on=yes_or_no(whole, "on", where),
        days=int(_count(whole, "days", where)),
        least=int(_count(whole, "least", where)) if "least" in shipped else 1,
        by=_count(whole, "by", where) if "by" in shipped else 0.0,
        span=duration(whole, "span", where) if "span" in shipped else timedelta(0),
    )


def _count(table: Mapping[str, Any], key: str, name: str) -> float:
    value, is_share = table[key], key == "by"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    least = 0.01 if is_share else 1
    if not is_number or not least <= value <= _MOST[key] or not (is_share or value == int(value)):
        raise Refused("This number is not valid here.", field=f"{name}.{key}")
    return float(value)


def _together(table: Mapping[str, Any]) -> Together:
    known(table, SHIPPED["together"], "together")
    children = table.get("children")
    is_number = isinstance(children, int) and not isinstance(children, bool)
    if not is_number or not 2 <= children <= 1000:  # type: ignore[operator]
        raise Refused("Choose between 2 and 1,000 children.", field="together.children")
    window = duration(table, "window", "together")
    if window > LONGEST_WAIT:
        raise Refused("A call can wait up to ten minutes for others.", field="together.window")
    return Together(children, window)  # type: ignore[arg-type]


_BOUNDED = frozenset(key for bound in BOUNDS for key in (*bound.within, bound.whole))


def _tier(table: Mapping[str, Any], tier: str, rest: QuietHours) -> TierPolicy:
    known(table, SHIPPED[tier], tier)
    steps = Steps(
        remind_before=duration(table, "remind_before", tier),
        remind_again=duration(table, "remind_again", tier),
        grace=duration(table, "grace", tier),
        carer_window=duration(table, "carer_window", tier),
        carer_from=time_of_day(table, "carer_from", tier),
        carer_until=time_of_day(table, "carer_until", tier),
        levels=_levels(table, tier),
        ceiling=duration(table, "ceiling", tier),
        doubt=_doubt(table, tier),
        after_pass=perhaps(table, "after_pass", tier),
        asks_carer=yes_or_no(table, "asks_carer", tier),
        last_call=perhaps(table, "last_call", tier),
        last_question=perhaps(table, "last_question", tier),
        after_misses=misses(table, tier),
        rest=rest,
    )
    if steps.levels.vouches and steps.doubt is None:
        raise Refused(
            "A level in which adults vouch must weigh how unusual the silence is.",
            field=f"{tier}.evidence.carer",
        )
    if steps.carer_from > steps.carer_until:
        raise Refused("The carer's hours end before they begin.", field=f"{tier}.carer_until")
    durations = {key: duration(table, key, tier) for key in _BOUNDED}
    for bound in BOUNDS:
        if not bound.holds(durations):
            raise Refused(bound.words, field=f"{tier}.{bound.field}")
    return TierPolicy(steps=steps, ladder=_ladder(table, tier))


def _levels(table: Mapping[str, Any], tier: str) -> Levels:
    shipped, name = SHIPPED[tier]["evidence"], f"{tier}.evidence"
    own = table.get("evidence", shipped)
    if not isinstance(own, Mapping):
        raise Refused("This policy is missing a table.", field=name)
    known(own, shipped, name)
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
        holds_for=duration(own, "holds_for", name),
        softens_for=duration(own, "softens_for", name),
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
        raise Refused(
            "Evidence can settle, vouch, hold, soften or do nothing.", field=f"{name}.{key}"
        )
    if value == Does.VOUCHES and key not in MAY_VOUCH:
        raise Refused("Only the word of a carer or a school can vouch.", field=f"{name}.{key}")
    return Does(value)


_DOUBT = (
    "leaves",
    "ask",
    "page",
    "ask_again",
    "ask_before",
    "not_seen",
    "seen",
    "sign",
    "sign_lasts",
    "left_before",
    "silent_phone",
)
# Defaults for a table from an earlier release, as that release had them.
_DOUBT_BEFORE = {
    "not_seen": AT_ONCE,
    "seen": 0.05,
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
    known(own, _DOUBT, name)
    own = {**_DOUBT_BEFORE, **own}
    doubt = Doubt(
        leaves=odds(own, "leaves", name, most=0.5),
        ask=odds(own, "ask", name, most=1.0),
        page=odds(own, "page", name, most=10.0),
        ask_again=duration(own, "ask_again", name),
        ask_before=duration(own, "ask_before", name),
        not_seen=times(own, "not_seen", name),
        seen=odds(own, "seen", name, most=1.0),
        sign=times(own, "sign", name),
        sign_lasts=duration(own, "sign_lasts", name),
        left_before=times(own, "left_before", name),
        silent_phone=yes_or_no(own, "silent_phone", name),
    )
    if doubt.ask > doubt.page:
        raise Refused("This would call adults before we ask the carer.", field=f"{name}.ask")
    if doubt.ask_again < timedelta(hours=1):
        raise Refused("We can ask a carer once an hour at most.", field=f"{name}.ask_again")
    return doubt


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
        each=duration(table, "each", tier),
        lapse=duration(table, "lapse", tier),
        decide=perhaps(table, "decide", tier),
    )

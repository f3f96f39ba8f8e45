"""What a budget of alarms came to in a replay, in words."""

from collections.abc import Iterator

from server.clock import stamp
from server.policy.adapting import AS_WRITTEN, with_factors
from server.policy.budget import Adapt
from server.policy.model import Policy, Tier
from server.simulation.outcomes import Adapting, Result


def budget_report(result: Result, policy: Policy) -> str:
    """What the policy proposes, or how it adapted; nothing where it never does."""
    budget = policy.budget
    if budget.adapt is Adapt.NEVER:
        return ""
    lines = [f"Budget: {budget.pages:g} false calls to adults a worker-week."]
    if not result.adapting:
        lines.append("No week has ended: there is nothing to go by.")
    elif budget.adapt is Adapt.PROPOSE:
        lines += _proposal(result.adapting[-1], policy)
    else:
        lines += _weeks(result, policy)
    return "\n".join(lines) + "\n\n"


def _proposal(last: Adapting, policy: Policy) -> Iterator[str]:
    yield f"By the outcomes of the weeks before {stamp(last.at)}: {_rate(last)}."
    if last.factors == AS_WRITTEN:
        yield "Proposed: no change."
        return
    yield "Proposed:"
    proposed = with_factors(policy, last.factors)
    for tier in Tier:
        before, after = policy.tiers[tier].steps.doubt, proposed.tiers[tier].steps.doubt
        if before is None or after is None:
            continue
        for name in ("page", "ask"):
            old, new = getattr(before, name), getattr(after, name)
            if old != new:
                yield f"  [{tier}.habit] {name} = {new:.4g} (now {old:.4g})"


def _weeks(result: Result, policy: Policy) -> Iterator[str]:
    yield "The line from which adults are called, week by week:"
    tiers = [tier for tier in Tier if policy.tiers[tier].steps.doubt is not None]
    for week in result.adapting:
        by_level = with_factors(policy, week.factors)
        lines = []
        for tier in tiers:
            doubt = by_level.tiers[tier].steps.doubt
            assert doubt is not None
            lines.append(f"{tier} {doubt.page:.3g}")
        yield f"  {stamp(week.at)}  {_rate(week):<32} {', '.join(lines)}"


def _rate(week: Adapting) -> str:
    if week.rate is None:
        return "nobody was watched"
    return f"{week.rate:.2f} false calls a worker-week"

"""The report of a replay against a truth, in words: the same input, the same bytes."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from server.policy.model import Tier
from server.simulation.evaluation import LONG, MONTH, Counted, Gone, Told, counted
from server.simulation.outcomes import Result
from server.simulation.reports import fairness
from server.simulation.telling import ASK, ASK_WITNESS

WITHIN = (6, 24, 48)
_WEEK = timedelta(days=7)


def report(result: Result, truth: Sequence[Gone], from_day: int = 0) -> str:
    """The report as text, of all that began `from_day` days after the first child was placed."""
    of = counted(result, truth, from_day)
    told, months, false = of.told, of.months(), of.false
    since = f" From day {from_day} on." if from_day else ""
    lines = [
        f"{len(told)} absences of {len({t.gone.child for t in told})} children"
        f" in {months:.1f} child-months; {len(of.pages)} pages.{since}",
        "",
        *_delays(told),
        "",
        *_within(told),
        "",
        *_still_away(told),
        "",
        f"False pages per child-month: {_ratio(len(false), months)}"
        f" ({len(false)} pages, {sum(page.was_said for page in false)} of them"
        " because the child itself called)",
        f"Precision of a page: {_share(len(of.pages) - len(false), len(of.pages))}",
        *_high(of),
        *_asked(of),
        "",
        *_fair(of),
    ]
    return "\n".join(lines) + "\n"


# --- detection


def _delays(told: Sequence[Told]) -> list[str]:
    lines = ["Detection delay (of those told)     median       90 %    told"]
    for name, some in _tiers(told):
        delays = sorted(detection.delay for detection in some if detection.delay is not None)
        middle, most = _quantile(delays, 0.5), _quantile(delays, 0.9)
        share = f"{len(delays)} of {len(some)}"
        lines.append(f"  {name:<30}{middle:>10} {most:>10}    {share}")
    return lines


def _within(told: Sequence[Told]) -> list[str]:
    lines = ["Share told within" + "".join(f"{hours:>10} h" for hours in WITHIN)]
    long = [t for t in told if t.gone.back_at is None or t.gone.back_at - t.gone.left_at >= LONG]
    coerced = [detection for detection in told if detection.gone.is_coerced]
    for name, some in [
        *_tiers(told),
        ("of 24 h and longer", long),
        ("that go on answering", coerced),
    ]:
        shares = [_share(_told_within(some, hours), len(some)) for hours in WITHIN]
        lines.append(f"  {name:<15}" + "".join(f"{share:>12}" for share in shares))
    return lines


def _still_away(told: Sequence[Told]) -> list[str]:
    """Of an absence that ends before it could be told, nobody had to be told."""
    lines = ["Of those still away then" + "".join(f"{hours:>16} h" for hours in WITHIN)]
    carers = [
        ("with a carer", [t for t in told if t.watched.has_carer]),
        ("without a carer", [t for t in told if not t.watched.has_carer]),
    ]
    for name, some in [*_tiers(told), *carers]:
        cells = []
        for hours in WITHIN:
            away = [detection for detection in some if detection.is_away_after(hours)]
            cells.append(f"{_share(_told_within(away, hours), len(away))} of {len(away)}")
        lines.append(f"  {name:<22}" + "".join(f"{cell:>18}" for cell in cells))
    return lines


def _told_within(told: Iterable[Told], hours: int) -> int:
    return sum(detection.is_told_within(hours) for detection in told)


def _tiers(told: Sequence[Told]) -> list[tuple[str, Sequence[Told]]]:
    return [("all", told), *((tier.value, [t for t in told if t.tier is tier]) for tier in Tier)]


# --- what it costs


def _high(of: Counted) -> list[str]:
    months = of.months(tier=Tier.HIGH)
    false = sum(page.tier is Tier.HIGH for page in of.false)
    return [f"False pages per child-month in the high level: {_ratio(false, months)}"]


def _asked(of: Counted) -> list[str]:
    weeks = of.months() * MONTH / _WEEK
    calls = [(at, home) for at, home in of.result.roll_calls if of.since is None or at >= of.since]
    days = {(at.date(), home) for at, home in calls}
    lines = [f"Questions to carers per child-week: {_ratio(of.rows(ASK), weeks)}"]
    if homes := of.rows(ASK_WITNESS):
        lines.append(f"Questions to homes about one child, per child-week: {_ratio(homes, weeks)}")
    if calls:
        lines.append(f"Roll calls of a home and day: {_ratio(len(calls), len(days))}")
    return lines


# --- fairness


def _fair(of: Counted) -> list[str]:
    every = fairness.classes(of)
    lines = [
        "By class                 false pages per child-month    told within 24 h,"
        " of those still away then"
    ]
    for group in every:
        few = "" if group.is_judged else "  (too few to judge)"
        name = f"{group.kind}: {group.name}"
        share = f"{_share(group.told, group.absences)} of {group.absences}"
        lines.append(f"  {name:<23}{_ratio(group.false, group.months):>29}{share:>20}{few}")
    gaps = list(fairness.gaps(every))
    lines += ["", *(_gap(gap) for gap in gaps if not gap.is_fair)]
    if not gaps:
        lines.append(
            f"Fairness: no two classes of a kind have {fairness.FEW} absences of a day and longer."
        )
    elif all(gap.is_fair for gap in gaps):
        lines.append(
            "Fair: of the classes with enough absences, none has more than twice the false pages"
            " of another, or less than half the detection."
        )
    return lines


def _gap(gap: fairness.Gap) -> str:
    more = f"{gap.more.kind}: {gap.more.name}"
    return f"Not fair: {gap.what}, {gap.times:.1f} times for {more} against {gap.less.name}."


# --- figures


def _quantile(values: Sequence[timedelta], share: float) -> str:
    if not values:
        return "-"
    # The smallest value that at least this share does not exceed.
    at = max(-(-len(values) * round(share * 100) // 100) - 1, 0)
    hours = values[at].total_seconds() / 3600
    return f"{hours:.1f} h"


def _ratio(count: int, of: float) -> str:
    return f"{count / of:.3f}" if of > 0 else "-"


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "-"

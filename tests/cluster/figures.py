"""What a history shows in numbers: gaps in service by fault, and how soon silences were told."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.cluster.checker import THANKED, Story
from tests.cluster.history import of_kind


@dataclass(frozen=True)
class Gap:
    """The longest time without a thanked check-in, from a fault to the next one."""

    fault: str
    target: str
    seconds: float


def gaps(story: Story) -> list[Gap]:
    """One for each fault."""
    thanked = sorted(event["at"] for event in story.thanks)
    faults = list(of_kind(story.events, "fault"))
    ends = [fault["at"] for fault in faults[1:]] + [story.ends_at]
    found = []
    for fault, end in zip(faults, ends, strict=False):
        inside = [fault["at"], *(at for at in thanked if fault["at"] < at < end)]
        longest = max((two - one for one, two in pairwise(inside)), default=end - fault["at"])
        found.append(Gap(fault["what"], fault["target"], longest))
    return found


def told_after(story: Story) -> tuple[list[float], list[float]]:
    """Seconds from late to told, of silences in quiet times, and of those that an outage met."""
    quiet: list[float] = []
    met: list[float] = []
    for silence in story.silences:
        if told := story.told_of(silence):
            allowed = story.allowed_until(silence.late) - silence.late
            where = met if allowed > story.terms.told_within_s else quiet
            where.append(told[0]["at"] - silence.late)
    return quiet, met


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def report(story: Story) -> str:
    """A table for people."""
    answered = list(of_kind(story.events, "answered"))
    thanked = {e["id"] for e in answered if e["status"] in THANKED}
    again = sum(e["status"] == 200 for e in answered)
    failed = sum(e["status"] not in THANKED for e in answered)
    lines = [
        f"check-ins thanked for: {len(thanked):,}; first answers given again: {again:,};"
        f" tries without thanks: {failed:,}",
    ]
    by_fault: dict[str, list[float]] = defaultdict(list)
    for gap in gaps(story):
        by_fault[gap.fault].append(gap.seconds)
    lines.append(f"{'fault':24} {'times':>5} {'median gap':>11} {'longest':>9}")
    for fault, seconds in sorted(by_fault.items()):
        middle = statistics.median(seconds)
        lines.append(f"{fault:24} {len(seconds):5} {middle:9.1f} s {max(seconds):7.1f} s")
    quiet, met = told_after(story)
    for name, values in (("in quiet times", quiet), ("met by an outage", met)):
        lines.append(
            f"silences told {name}: {len(values)}; late → wire: median"
            f" {percentile(values, 0.5):.1f} s, 99 % {percentile(values, 0.99):.1f} s,"
            f" longest {max(values, default=0):.1f} s"
        )
    lines.append(f"outages over 5 s: {len(story.outages)}")
    return "\n".join(lines)

"""Which counts of agencies and areas may be shown, so that nobody can work out a small one. Pure.

A small number could identify a single child: the rule is that of the indicators (`showable`). A
number that changes while it is looked at needs more: 5 that becomes hidden is 4, and "none" that
becomes hidden is 1. So of numbers of now 0 and 5 are hidden as well. Between hidden and shown then
lie 5 and 6, and neither is small.

What is left to decide are the sums. A sum next to all of its parts but one tells that one, and a
sum of several hidden parts tells them too where it is as small or as large as it can be: two parts
of 1 to 4 that add up to 2 are both 1. So an area shows its exact sum only where each hidden part
could still be any of the numbers that are hidden. Otherwise it shows what its shown parts add up
to, which tells nothing besides: "28 or more".
"""

from collections.abc import Sequence

import msgspec

from server.reports.indicators import FEWEST

# Which numbers are hidden: of what is over, and of now.
SMALL, FEW = range(1, FEWEST), range(FEWEST + 1)


class Count(msgspec.Struct, frozen=True):
    """A number of one agency. `of`: the whole that it is a part of. `children`: of how many
    children these events are; None where children are counted. `hides`: which numbers are hidden,
    `SMALL` or `FEW`."""

    n: int
    of: int | None = None
    children: int | None = None
    hides: range = SMALL

    @property
    def is_shown(self) -> bool:
        """Whether the agency's own number may be shown. Where none at all may be, it may be of
        however few."""
        if self.n == 0 and self.n not in self.hides:
            return True
        left = None if self.of is None else self.of - self.n
        return all(each not in self.hides for each in (self.n, left, self.children))


class Figure(msgspec.Struct, frozen=True):
    """A number as it is shown. Exact, or at least `n`; an agency's is hidden where it is not exact,
    and `n` is 0."""

    n: int
    is_exact: bool


def of_agency(count: Count) -> Figure:
    """What an agency shows."""
    return Figure(count.n, is_exact=True) if count.is_shown else Figure(0, is_exact=False)


def of_area(
    agencies: Sequence[Count], areas: Sequence[Figure], *, is_changed: bool = False
) -> Figure:
    """What an area shows of its own agencies and the areas within it, given what these show.
    `is_changed`: readers know its sum from before an agency came or went, and the difference is the
    number of that agency."""
    shown = sum(each.n for each in agencies if each.is_shown) + sum(each.n for each in areas)
    if not all(each.is_exact for each in areas):
        # What is hidden in one of them must not follow from the sums of the others.
        return Figure(shown, is_exact=False)
    hidden = [each for each in agencies if not each.is_shown]
    if not hidden or (not is_changed and _tells_nothing(hidden)):
        return Figure(shown + sum(each.n for each in hidden), is_exact=True)
    return Figure(shown, is_exact=False)


def _tells_nothing(hidden: Sequence[Count]) -> bool:
    """Whether each of these numbers could be any that is hidden, for a reader who knows their sum.

    A number that is hidden for another reason, since few children are behind it or few are left,
    is not small: the sum would tell that.
    """
    others, hides = len(hidden) - 1, hidden[0].hides
    lowest, highest = hides[-1] + hides[0] * others, hides[0] + hides[-1] * others
    in_all = sum(each.n for each in hidden)
    if any(each.n not in hides for each in hidden) or in_all in hides:
        return False
    return lowest <= in_all <= highest

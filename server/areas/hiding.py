"""Which counts of agencies and areas may be shown, so that nobody can work out a small one. Pure.

A small number could identify a single child: the rule is that of the indicators (`showable`). What
is left to decide are the sums. A sum next to all of its parts but one tells that one, and a sum of
several hidden parts tells them too where it is as small or as large as it can be: two parts of 1 to
4 that add up to 2 are both 1. So an area shows its exact sum only where each hidden part could
still be 1, 2, 3 or 4. Otherwise it shows what its shown parts add up to, which tells nothing
besides: "28 or more".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.reports.indicators import FEWEST, showable

_LARGEST = FEWEST - 1


@dataclass(frozen=True, slots=True)
class Count:
    """A number of one agency. `of`: the whole that it is a part of. `children`: of how many
    children these events are; None where children are counted."""

    n: int
    of: int | None = None
    children: int | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the agency's own number may be shown. None at all may be, of however few."""
        if self.n == 0:
            return True
        enough = self.children is None or showable(self.children) is not None
        return enough and showable(self.n, self.of) is not None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it is shown. Exact, or at least `n`; an agency's is hidden where it is not exact,
    and `n` is 0."""

    n: int
    is_exact: bool


def of_agency(count: Count) -> Figure:
    """What an agency shows."""
    return Figure(count.n, is_exact=True) if count.is_shown else Figure(0, is_exact=False)


def of_area(agencies: Sequence[Count], areas: Sequence[Figure]) -> Figure:
    """What an area shows of its own agencies and the areas within it, given what these show."""
    shown = sum(each.n for each in agencies if each.is_shown) + sum(each.n for each in areas)
    if not all(each.is_exact for each in areas):
        # What is hidden in one of them must not follow from the sums of the others.
        return Figure(shown, is_exact=False)
    hidden = [each.n for each in agencies if not each.is_shown]
    if not hidden or _tells_nothing(hidden):
        return Figure(shown + sum(hidden), is_exact=True)
    return Figure(shown, is_exact=False)


def _tells_nothing(hidden: Sequence[int]) -> bool:
    """Whether each of these numbers could be any small one, for a reader who knows their sum.

    A number that is hidden for another reason, since few children are behind it or few are left,
    is not small: the sum would tell that.
    """
    others = len(hidden) - 1
    lowest, highest = _LARGEST + others, 1 + _LARGEST * others
    return max(hidden) <= _LARGEST and lowest <= sum(hidden) <= highest

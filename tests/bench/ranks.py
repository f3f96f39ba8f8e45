"""Whether two ways of doing something differ in time, by ranks."""

import math
from collections.abc import Sequence


def signed_ranks(pairs: Sequence[tuple[float, float]]) -> float:
    """The two-sided p of Wilcoxon's signed-rank test, by its normal approximation.

    Right from some twenty pairs on; equal pairs say nothing and are left out.
    """
    differences = sorted((one - other for one, other in pairs if one != other), key=abs)
    many = len(differences)
    plus = sum(rank for rank, value in enumerate(differences, 1) if value > 0)
    mean, spread = many * (many + 1) / 4, math.sqrt(many * (many + 1) * (2 * many + 1) / 24)
    return math.erfc(abs(plus - mean) / spread / math.sqrt(2))

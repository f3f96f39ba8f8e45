"""How often something took so long: counts by upper bounds, as Prometheus reads them."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts since the process began. `note` is on the way of every check-in: it only adds."""

    __slots__ = ("bounds", "counts", "seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.seconds = 0.0

    def note(self, seconds: float) -> None:
        """It took so long."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds

    def note_failed(self) -> None:
        """It never ended well: slower than every bound, and its time says nothing."""
        self.counts[-1] += 1

    def buckets(self) -> list[tuple[str, float]]:
        """Each upper bound, and how many took no longer than that; the last has all of them."""
        # "60.0", as every version of Prometheus keeps it.
        names = [*(repr(float(bound)) for bound in self.bounds), "+Inf"]
        so_far, rows = 0, []
        for name, count in zip(names, self.counts, strict=True):
            so_far += count
            rows.append((name, float(so_far)))
        return rows

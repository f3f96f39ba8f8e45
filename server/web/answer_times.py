"""How long we take to answer a check-in: what the objective in docs/alerts.md is about."""

import asyncio
from types import TracebackType

from server.clock import monotonic
from server.errors import WaymarkError
from server.histogram import Histogram

# The objective is 300 ms, so that is a bound.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0)


class Timed:
    """Times the block. A refusal is an answer; a fault of ours counts as never answered."""

    __slots__ = ("_began", "_histogram")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if fault is None or (isinstance(fault, WaymarkError) and fault.status < 500):
            self._histogram.note(monotonic() - self._began)
        elif not isinstance(fault, asyncio.CancelledError):
            self._histogram.note_failed()

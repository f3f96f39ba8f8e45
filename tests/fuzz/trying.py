"""One example in one decoder, within bounds of time and memory."""

from __future__ import annotations

import resource
import signal
import warnings
from types import FrameType

from tests.fuzz.decoders import MEGABYTES, SECONDS, Decoder


class Hangs(BaseException):
    """The decoder took too long. No `except Exception` may swallow it."""


class Grows(Exception):
    """The decoder took too much memory."""


def attempt(decoder: Decoder, data: bytes) -> None:
    """Raises whatever the decoder may not raise, Hangs, or Grows."""
    before = signal.signal(signal.SIGVTALRM, _hangs)
    peak = _peak()
    # Counts the time of this process alone: the machine may be busy with others.
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        # A library that warns of a broken file has refused nothing: that is no finding.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoder.read(data)
    except decoder.may:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if (grown := _peak() - peak) > MEGABYTES:
        raise Grows(f"{decoder.name}: {grown} MB more")


def _hangs(_signal: int, _frame: FrameType | None) -> None:
    raise Hangs(f"more than {SECONDS} s of the processor")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000

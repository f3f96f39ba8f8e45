"""`make fuzz SECONDS=20`: new examples for so many seconds each decoder; ends with 1 on a finding.

`python -m tests.fuzz [--seconds N] [--seed N] [NAME ...]`. What it finds it prints as a line for
tests/fuzz/found.py.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, seed, settings

from server import logs
from tests.fuzz.changing import changed
from tests.fuzz.decoders import DECODERS, Decoder
from tests.fuzz.trying import attempt

EXAMPLES = 100  # A round; between two of them we look at the clock.


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="for each decoder")
    parser.add_argument("--seed", type=int, help="of the first round; without it, a new one")
    parser.add_argument("names", nargs="*", help="of decoders; without one, all")
    given_ = parser.parse_args(arguments)
    first = given_.seed if given_.seed is not None else random.SystemRandom().randrange(10**9)
    logs.configure(level=logging.CRITICAL)
    print(f"The first round has the seed {first}.")
    chosen = [each for each in DECODERS if not given_.names or each.name in given_.names]
    findings = [_fuzz(decoder, given_.seconds, first) for decoder in chosen]
    return int(any(findings))


def _fuzz(decoder: Decoder, seconds: float, first: int) -> bool:
    """Whether something was found."""
    until, tried, turn = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        examples: list[bytes] = []
        try:
            _round(decoder, first + turn, examples)
        except BaseException as fault:
            if isinstance(fault, KeyboardInterrupt | SystemExit):
                raise
            # The last one is the shortest that does it.
            print(f'{decoder.name}: {fault!r}\n    "{decoder.name}": [{examples[-1]!r}],')
            return True
        tried, turn = tried + len(examples), turn + 1
    print(f"{decoder.name}: {tried:,} examples, nothing found.")
    return False


def _round(decoder: Decoder, number: int, examples: list[bytes]) -> None:
    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=changed(decoder.seeds()))
    def one_round(data: bytes) -> None:
        examples.append(data)
        attempt(decoder, data)

    one_round()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

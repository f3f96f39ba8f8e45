"""The rig by hand.

python -m tests.cluster run --fail-overs 5 --others 9 --seed 1
python -m tests.cluster run --only "primary killed" --times 3
python -m tests.cluster restore
python -m tests.cluster price
python -m tests.cluster judge HISTORY.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import price, recovery, rig
from tests.cluster.faults import BY_NAME, not_tried, schedule
from tests.cluster.hosts import INSIDE, enter


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="Load, faults, and a verdict")
    run.add_argument("--fail-overs", type=int, default=5, help="faults that move the primary")
    run.add_argument("--others", type=int, default=9, help="other faults")
    run.add_argument("--only", action="append", choices=[*BY_NAME], help="this kind of fault")
    run.add_argument("--times", type=int, default=1, help="each of --only so often")
    run.add_argument("--children", type=int, default=120)
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--direct", action="store_true", help="past PgBouncer and HAProxy")
    run.add_argument("--keep", type=Path, help="a folder for the history and the logs")
    restore = commands.add_parser("restore", help="Back to a moment, from a backup and the log")
    restore.add_argument("--children", type=int, default=60)
    restore.add_argument("--seed", type=int, default=1)
    restore.add_argument("--keep", type=Path)
    price = commands.add_parser("price", help="What synchronous_mode costs, turn by turn")
    price.add_argument("--turns", type=int, default=3)
    price.add_argument("--keep", type=Path)
    judge = commands.add_parser("judge", help="The verdict on a history that was kept")
    judge.add_argument("history", type=Path)
    return parser.parse_args()


async def run(given: argparse.Namespace) -> int:
    has_namespaces = os.environ[INSIDE] == "namespaces"
    missing = not_tried(has_namespaces=has_namespaces)
    if missing:
        rig.tell(f"Without namespaces these faults cannot be tried: {', '.join(missing)}")
    if given.only:
        faults = [BY_NAME[name] for name in given.only] * given.times
    else:
        faults = schedule(given.seed, given.fail_overs, given.others, has_namespaces=has_namespaces)
    shape = rig.Shape(is_direct=given.direct)
    async with rig.rig(keep=given.keep, shape=shape) as built:
        verdict = await rig.run(built, faults, children=given.children, seed=given.seed)
    return rig.show(verdict)


async def restore(given: argparse.Namespace) -> int:
    async with rig.rig(keep=given.keep, parameters=recovery.parameters) as built:
        found = await recovery.try_it(built, children=given.children, seed=given.seed)
    return rig.show_breaches(found)


async def measure(given: argparse.Namespace) -> int:
    async with rig.rig(keep=given.keep, shape=rig.Shape(on_disk=True)) as built:
        price.show(await price.measure(built, turns=given.turns))
    return 0


def main(argv: Sequence[str]) -> int:
    given = arguments()
    if given.command == "judge":
        return rig.show(rig.judge(given.history))
    enter("tests.cluster", argv)
    what = {"run": run, "restore": restore, "price": measure}[given.command]
    return asyncio.run(what(given))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

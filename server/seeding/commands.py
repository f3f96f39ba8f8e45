"""`waymark simulate`: a made-up country in an empty database, to try sizes on."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from server.errors import Refused
from server.progress import progress
from server.seeding.actions import fill, sizes
from server.seeding.plan import IN_AN_AGENCY, Size
from server.settings import Settings

Work = Callable[[Settings, datetime], Awaitable[Any]]
Within = Callable[[Work], Any]
Add = Callable[[str, Callable[[argparse.Namespace], Any], str], Any]
Say = Callable[[str], None]


def add_commands(add: Add, within: Within, say: Say = print) -> None:
    """Add the command to the command line. `within` runs work with the database open."""

    def run(args: argparse.Namespace) -> None:
        size = _size(args)
        for line in within(lambda _settings, now: _simulate(size, now)):
            say(line)

    says = "Fill an empty database with a made-up country, to try how Waymark does at its size."
    command = add("simulate", run, says)
    command.add_argument("--children", type=int, required=True, metavar="N", help="how many")
    command.add_argument(
        "--days", type=int, required=True, metavar="D", help="days of check-ins behind each child"
    )
    command.add_argument(
        "--agencies",
        type=int,
        metavar="N",
        help=f"how many; without it, one for each {IN_AN_AGENCY:,} children",
    )
    command.add_argument(
        "--seed", type=int, default=1, metavar="S", help="other names with another one; 1"
    )


def _size(args: argparse.Namespace) -> Size:
    if args.children < 1 or args.days < 0:
        raise Refused("--children is 1 or more, and --days is 0 or more.")
    agencies = -(-args.children // IN_AN_AGENCY) if args.agencies is None else args.agencies
    if not 1 <= agencies <= args.children:
        raise Refused("--agencies is 1 or more, and at most as many as there are children.")
    return Size(args.children, args.days, agencies, args.seed)


async def _simulate(size: Size, now: datetime) -> list[str]:
    rows = await fill(size, now, progress())
    return [
        f"Made: {_many(size.agencies, 'agency', 'agencies')} with"
        f" {_many(size.children, 'child', 'children')} and"
        f" {_many(size.days, 'day', 'days')} behind each, {rows:,} rows.",
        *(
            f"{name}: {_mb(table)} MB, indexes {_mb(indexes)} MB"
            for name, table, indexes in await sizes()
        ),
        "Nobody of them has a phone or an address: nothing is sent to anyone. A ticker opens alerts"
        " about them as their check-ins become late.",
    ]


def _many(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"

"""`waymark why CHILD`: why there was an alert in a night, or why there was none.

For operators: codes, times, roles and ids. No names and nothing that a child or an adult wrote.
"""

import argparse
import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from server.alerts.weighed import Fact, as_data
from server.clock import as_utc, known_zone, stamp
from server.people.models import Child, Person
from server.why.events import Event, Period, Value, around, day, last_day, moment, night_of
from server.why.finding import child_named, codes_of
from server.why.night import Told, tell
from server.why.wording import Reader, people_in

NARROWEST, WIDEST = 40, 100


def add_commands(
    add: Callable[..., Any], within: Callable[..., Any], say: Callable[[str], None] = print
) -> None:
    """`why`, for the command line: `add(name, run, says)` makes a parser. `within` runs work with
    the database open."""

    def run(args: argparse.Namespace) -> None:
        for line in within(lambda _settings, now: lines(args, now)):
            say(line)

    command = add("why", run, "Say why there was an alert about a child, or why there was none.")
    command.add_argument("child", metavar="CHILD", help="id, or the whole name, of the child")
    when = command.add_mutually_exclusive_group()
    when.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        help="three hours before and after, on the child's clock, such as 2026-03-02T19:30",
    )
    when.add_argument(
        "--night",
        type=_day,
        metavar="DATE",
        help="from 18:00 of that day to 08:00 of the next; without both, the last 24 hours",
    )
    command.add_argument("--json", action="store_true", help="for programs")


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a time such as 2026-03-02T19:30") from None


def _day(text: str) -> date:
    try:
        return day(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a day such as 2026-03-02") from None


async def lines(args: argparse.Namespace, now: datetime) -> list[str]:
    """What the command prints. Raises ValueError for a child that is not there."""
    child = await child_named(args.child)
    zone = known_zone((await Person.get(id=child.id)).zone)
    told = await tell(child, _period(args, zone, now), now)
    people = people_in(told.events, told.answer.values)
    reader = Reader("en", zone, await codes_of(people, child.id), told.period.begin, child.id)
    if args.json:
        return [json.dumps(_as_data(child, told, reader), ensure_ascii=False, indent=2)]
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    return [*_head(child, told, reader, width), *_body(told, reader, width)]


def _period(args: argparse.Namespace, zone: ZoneInfo, now: datetime) -> Period:
    if args.night is not None:
        return night_of(args.night, zone)
    if args.at is None:
        return last_day(now)
    at: datetime = args.at
    return around(at if at.tzinfo is not None else as_utc(at.date(), at.time(), zone))


# --- for people


def _head(child: Child, told: Told, reader: Reader, width: int) -> Iterator[str]:
    begin, end = told.period.begin, told.period.end
    yield f"Child {child.id}"
    yield f"From {_day_and_time(begin, reader)}"
    yield f"until {_day_and_time(end, reader)}, {reader.zone.key} time"
    yield ""
    yield from wrapped(reader.answer(told.answer), width)


def _day_and_time(at: datetime, reader: Reader) -> str:
    return f"{at.astimezone(reader.zone):%A, %Y-%m-%d %H:%M}"


def _body(told: Told, reader: Reader, width: int) -> Iterator[str]:
    def day_of(event: Event) -> date:
        return event.at.astimezone(reader.zone).date()

    for on_day, events in groupby(told.events, day_of):
        yield ""
        yield f"{on_day:%A, %Y-%m-%d}"
        for event in events:
            yield from _lines_of(event, reader, width)
    if not told.events:
        yield "Nothing is recorded for this time."


def _lines_of(event: Event, reader: Reader, width: int) -> Iterator[str]:
    clock = f"{event.at.astimezone(reader.zone):%H:%M}  "
    indent = " " * len(clock)
    yield from wrapped(reader.sentence(event), width, clock, indent)
    if because := reader.because(event):
        yield from wrapped(because, width, indent, indent)


def wrapped(text: str, width: int, first: str = "", further: str = "") -> list[str]:
    """Lines of this width, in which every id is whole: people copy them, and search for them.
    `textwrap` would part an id at a hyphen between letters, which one id in forty has."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=further,
        break_on_hyphens=False,
        break_long_words=False,
    )


# --- for programs


def _as_data(child: Child, told: Told, reader: Reader) -> dict[str, Any]:
    return {
        "child": str(child.id),
        "zone": reader.zone.key,
        "from": stamp(told.period.begin),
        "until": stamp(told.period.end),
        "answer": {
            "codes": list(told.answer.codes),
            **_values(told.answer.values),
            "text": reader.answer(told.answer),
        },
        "lines": [
            {
                "at": stamp(event.at),
                "code": event.code,
                **_values(event.values),
                "because": list(event.because),
                "text": " ".join(filter(None, [reader.sentence(event), reader.because(event)])),
            }
            for event in told.events
        ],
    }


def _values(values: Any) -> dict[str, Any]:
    return {"values": {name: _plain(value) for name, value in values.items()}}


def _plain(value: Value) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Fact):
        return as_data([value])[0]
    return str(value) if isinstance(value, UUID) else value

"""A list of children as a table (CSV): each line read, or what is wrong with it, in words. Pure."""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from uuid import UUID

import msgspec

from server.errors import Refused
from server.i18n import LANGUAGES, N_
from server.people.finding.rules import LONGEST_REFERENCE, checked_reference
from server.people.rules import clean_name
from server.policy.model import Policy, Tier
from server.watch.machine.rounds import lasts_too_long
from server.watch.rhythm.rules import Rhythm, longest_gap, read_zone

MOST_LINES = 10_000
COLUMNS = (
    "name",
    "caseworker",
    "home",
    "language",
    "born_on",
    "placed_on",
    "tier",
    "times",
    "zone",
    "reference",
)
NEEDED = ("name", "caseworker")
FIRST = "first"
TIERS = (FIRST, *(tier.value for tier in Tier))
USUAL_TIMES = "09:00 18:00"
OLDEST = timedelta(days=30 * 366)
# A spreadsheet takes these for a formula when it opens the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# How many names to suggest where one is unknown.
_NAMES_TOLD = 12


class Place(msgspec.Struct, frozen=True):
    """A home of the agency."""

    id: UUID
    zone: str


class Known(msgspec.Struct, frozen=True):
    """The names that lines can use. They are folded; several people may have one name."""

    homes: Mapping[str, Sequence[Place]]
    workers: Mapping[str, Collection[UUID]]
    home_names: Sequence[str]  # As written, to suggest them for a mistyped one.
    worker_names: Sequence[str]
    language: str
    zone: str
    today: date
    policy: Policy


class Line(msgspec.Struct, frozen=True):
    """One child that can be added."""

    number: int
    name: str
    worker_id: UUID
    home_id: UUID | None
    language: str
    born_on: str | None
    placed_on: str | None
    tier: str
    times: tuple[str, ...]
    zone: str
    reference: str

    def key(self) -> str:
        """What shows that two lines are about one child."""
        if self.reference:
            return f"reference {folded(self.reference)}"
        return f"name {folded(self.name)} {self.born_on or ''} {self.worker_id}"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a line: a sentence, and its values."""

    line: int
    text: str
    values: Mapping[str, str] = msgspec.field(default_factory=dict)


class Read(msgspec.Struct, frozen=True):
    """A whole list."""

    lines: Sequence[Line]
    faults: Sequence[Fault]


class _Wrong(Exception):
    """An invalid cell."""

    def __init__(self, text: str, **values: str) -> None:
        self.text, self.values = text, values


def folded(name: str) -> str:
    """A name for comparison: without case and spaces."""
    return " ".join(name.split()).casefold()


def read(data: bytes, directory: Known) -> Read:
    """Every line of the file. Raises Refused where it is no such list at all."""
    rows = _rows(_text(data))
    header = _header(next(rows, (1, []))[1])
    lines: list[Line] = []
    faults: list[Fault] = []
    first: dict[str, int] = {}
    for number, cells in rows:
        if len(lines) + len(faults) >= MOST_LINES:
            raise Refused(N_("This list is too long. It can have up to {n} lines."), n=MOST_LINES)
        try:
            line = _line(number, _cells(header, cells), directory)
            other = first.setdefault(line.key(), number)
            if other != number:
                raise _Wrong(
                    N_("This looks like the same child as in line {other}. Give each a reference."),
                    other=str(other),
                )
            lines.append(line)
        except _Wrong as wrong:
            faults.append(Fault(number, wrong.text, wrong.values))
    if not lines and not faults:
        raise Refused(N_("There are no children in this list."), field="list")
    return Read(lines, faults)


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        raise Refused(
            N_("This file is not a UTF-8 list. In Excel, save it as “CSV UTF-8”."), field="list"
        )
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the line of the file on which it begins."""
    first = text.lstrip().partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            raise Refused(
                N_("We cannot read line {line}. Check its quotation marks."),
                field="list",
                line=begins,
            ) from None
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield begins, row
        begins = reader.line_num + 1


def _header(cells: Sequence[str]) -> list[str]:
    header = [folded(cell).replace(" ", "_") for cell in cells]
    while header and not header[-1]:
        header.pop()
    unknown = [name for name in header if name not in COLUMNS]
    missing = [name for name in NEEDED if name not in header]
    if unknown or missing or len(set(header)) != len(header):
        raise Refused(
            N_("The first line must name the columns: {needed}, plus any of {others}."),
            field="list",
            needed=", ".join(NEEDED),
            others=", ".join(name for name in COLUMNS if name not in NEEDED),
        )
    return header


def _cells(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    values = [cell.strip() for cell in cells]
    if any(values[len(header) :]):
        raise _Wrong(
            N_(
                "This line has more cells than columns. Put quotation marks around text that"
                " has a comma."
            )
        )
    for value in cells:
        if value.startswith(_FORMULA):
            raise _Wrong(N_("A cell starts with “{sign}”, like a formula."), sign=value[:1].strip())
        if any(not char.isprintable() and char not in "\u200c\u200d\u00a0" for char in value):
            raise _Wrong(N_("A cell contains invisible characters."))
    return dict(zip(header, values, strict=False))


def _line(number: int, cells: Mapping[str, str], directory: Known) -> Line:
    name = clean_name(cells["name"])
    if name is None:
        raise _Wrong(N_("Enter a name of 1 to 120 characters."))
    home = _home(cells.get("home", ""), directory)
    tier = cells.get("tier", "").lower() or FIRST
    if tier not in TIERS:
        raise _Wrong(
            N_("There is no watch level “{tier}”. The levels are: {tiers}."),
            tier=tier,
            tiers=", ".join(TIERS),
        )
    return Line(
        number=number,
        name=name,
        worker_id=_worker(cells.get("caseworker", ""), directory),
        home_id=home.id if home is not None else None,
        language=_language(cells.get("language", ""), directory),
        born_on=_day(cells.get("born_on", ""), directory.today - OLDEST, directory.today),
        placed_on=_day(cells.get("placed_on", ""), directory.today - OLDEST, directory.today),
        tier=tier,
        times=_times(cells.get("times", ""), tier, directory.policy),
        zone=_zone(cells.get("zone", ""), home.zone if home is not None else directory.zone),
        reference=_reference(cells.get("reference", "")),
    )


def _zone(text: str, usual: str) -> str:
    try:
        return read_zone(text or usual).key
    except Refused:
        raise _Wrong(
            N_("There is no time zone “{zone}”. An example is Europe/Paris."), zone=text
        ) from None


def _home(name: str, directory: Known) -> Place | None:
    if not name:
        return None
    homes = directory.homes.get(folded(name), ())
    if len(homes) == 1:
        return homes[0]
    if homes:
        raise _Wrong(
            N_("Several homes are called “{name}”. Give one of them another name."), name=name
        )
    raise _Wrong(
        N_("There is no home called “{name}”. The homes are: {names}."),
        name=name,
        names=_told(directory.home_names),
    )


def _worker(name: str, directory: Known) -> UUID:
    worker_ids = sorted(directory.workers.get(folded(name), ()))
    if len(worker_ids) == 1:
        return worker_ids[0]
    if worker_ids:
        raise _Wrong(
            N_("Several people are called “{name}”. Enter the name they sign in with."), name=name
        )
    raise _Wrong(
        N_("There is no caseworker called “{name}”. The caseworkers are: {names}."),
        name=name,
        names=_told(directory.worker_names),
    )


def _told(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_TOLD])
    return f"{shown}, …" if len(names) > _NAMES_TOLD else shown or "-"


def _language(text: str, directory: Known) -> str:
    language = text.lower() or directory.language
    if language not in LANGUAGES:
        raise _Wrong(
            N_("There is no language “{language}”. The languages are: {languages}."),
            language=text,
            languages=", ".join(LANGUAGES),
        )
    return language


def _day(text: str, earliest: date, latest: date) -> str | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not earliest <= day <= latest:
        raise _Wrong(N_("“{day}” is not a past date such as 2010-03-31."), day=text)
    return day.isoformat()


def _times(text: str, tier: str, policy: Policy) -> tuple[str, ...]:
    parts = (text or USUAL_TIMES).replace(",", " ").replace(";", " ").split()
    try:
        times = tuple(sorted({_clock(part) for part in parts}))
    except ValueError:
        raise _Wrong(
            N_("“{times}” is not a list of times such as 09:00 18:00."), times=text
        ) from None
    gap = longest_gap(Rhythm(times))
    tiers = (Tier.HIGH, Tier.MID) if tier == FIRST else (Tier(tier),)
    if any(lasts_too_long(gap, policy.tiers[level].steps) for level in tiers):
        raise _Wrong(N_("These times are too far apart for the watch level. Add one."))
    return tuple(f"{clock_time:%H:%M}" for clock_time in times)


def _clock(text: str) -> time:
    hours, _, minutes = text.partition(":")
    if not (text.isascii() and hours.isdigit() and len(minutes) == 2 and minutes.isdigit()):
        raise ValueError(text)
    return time(int(hours), int(minutes))


def _reference(text: str) -> str:
    try:
        return checked_reference(text) or ""
    except Refused as fault:
        raise _Wrong(fault.detail, n=str(LONGEST_REFERENCE)) from None

"""Recorded events for replay: reading and checking EVENTS.csv (docs/reference/replay.md).

Every fault is a Refused that names the line, so that the person who prepared the file finds it.
"""

import csv
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TextIO, TypeVar

import msgspec

from server.errors import Refused
from server.i18n import N_, gettext
from server.policy.model import Tier
from server.simulation.kinds import (
    By,
    CheckIn,
    Detail,
    Event,
    IfAlerted,
    IfAsked,
    Milestone,
    Moved,
    Observation,
    Placed,
    Plain,
    Says,
    Sighting,
    Tiered,
    Until,
)
from server.watch.rhythm import rules as rhythms

HEADER = ["child", "at", "kind", "detail"]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|z|[+-]00:00)")
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


_OF_A_LIST = frozenset({Says.HERE, Says.NOT_HERE, Says.EXCUSED, Says.UNKNOWN})
_MAY_SAY = {
    By.CARER: frozenset({Says.SEEN, Says.NOT_SEEN}),
    By.CHILD: frozenset({Says.ANSWERED}),
    By.HOME: _OF_A_LIST,
    By.SCHOOL: _OF_A_LIST,
    By.MENTOR: _OF_A_LIST,
}


class _Placed(msgspec.Struct, frozen=True):
    zone: str
    tier: Tier
    rhythm: dict[str, Any]
    carer: bool
    phone: str | None = None
    language: str | None = None
    home: str | None = None


class _Moved(msgspec.Struct, frozen=True):
    home: str


class _Until(msgspec.Struct, frozen=True):
    until: str
    returns: bool = False


class _IfAsked(msgspec.Struct, frozen=True):
    until: str
    by: By
    answer: Says
    after_s: float


class _IfAlerted(msgspec.Struct, frozen=True):
    until: str
    outcome: Literal["was_here", "was_away"]
    after_s: float


def moment(text: str, field: str) -> datetime:
    """A moment in RFC 3339, UTC. Raises Refused, naming the field."""
    at = _moment(text)
    if at is None:
        raise Refused(N_("Times must be in UTC and written as 2026-03-01T18:00:00Z."), field=field)
    return at


@lru_cache(maxsize=4096)  # Much of what many children are asked ends at the same moments.
def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if not _FIRST_YEAR <= at.year < _LAST_YEAR:
        return None
    return at if at.tzinfo is UTC else at.replace(tzinfo=UTC)


# --- the details of each kind


_T = TypeVar("_T")


class _Decoders(dict[Any, Any]):
    """One for each kind of detail: to make one takes longer than to use it."""

    def __missing__(self, kind: Any) -> Any:
        self[kind] = msgspec.json.Decoder(kind)
        return self[kind]


_DECODERS = _Decoders()


def _read(text: str, kind: type[_T]) -> _T:
    decoder: msgspec.json.Decoder[_T] = _DECODERS[kind]
    try:
        return decoder.decode(text)
    except msgspec.MsgspecError as fault:
        raise Refused(
            N_("This detail is wrong: {reason}."), field="detail", reason=str(fault)
        ) from None


def _placed(text: str, at: datetime) -> Placed:
    raw = _read(text, _Placed)
    return Placed(
        zone=rhythms.read_zone(raw.zone),
        tier=raw.tier,
        rhythm=rhythms.read(raw.rhythm),
        has_carer=raw.carer,
        phone=raw.phone,
        language=raw.language,
        home=_home(raw.home) if raw.home is not None else None,
    )


def _moved(text: str, at: datetime) -> Moved:
    return Moved(_home(_read(text, _Moved).home))


def _home(name: str) -> str:
    if not name.strip():
        raise Refused(N_("A home needs a name."), field="home")
    return name


def _check_in(text: str) -> CheckIn:
    check_in = _read(text, CheckIn)
    if check_in.mood is not None and not 1 <= check_in.mood <= 5:
        raise Refused(N_("A mood must be 1 to 5."), field="mood")
    if check_in.said_at is not None and not _FIRST_YEAR <= check_in.said_at.year < _LAST_YEAR:
        raise Refused(
            N_("Times must be in UTC and written as 2026-03-01T18:00:00Z."), field="said_at"
        )
    return check_in


def _ends_later(text: str, at: datetime) -> Until:
    raw = _read(text, _Until)
    until = moment(raw.until, "until")
    if until <= at:
        raise Refused(N_("This ends before it begins."), field="until")
    return Until(until, raw.returns)


def _if_asked(text: str, at: datetime) -> IfAsked:
    raw = _read(text, _IfAsked)
    if raw.answer not in _MAY_SAY[raw.by]:
        raise Refused(
            N_("“{by}” cannot answer “{answer}”."), field="answer", by=raw.by, answer=raw.answer
        )
    return IfAsked(at, _until(raw.until, at), raw.by, raw.answer, _after(raw.after_s))


def _if_alerted(text: str, at: datetime) -> IfAlerted:
    raw = _read(text, _IfAlerted)
    was_here = raw.outcome == "was_here"
    return IfAlerted(at, _until(raw.until, at), was_here, _after(raw.after_s))


def _until(text: str, at: datetime) -> datetime:
    until = _moment(text) or moment(text, "until")
    if until < at:
        raise Refused(N_("This ends before it begins."), field="until")
    return until


def _after(seconds: float) -> timedelta:
    if not 0 <= seconds <= 31_536_000:
        raise Refused(N_("An answer must come 0 to 31,536,000 seconds later."), field="after_s")
    return timedelta(seconds=seconds)


def _as(kind: type[msgspec.Struct]) -> Callable[[str, datetime], Any]:
    def read(text: str, at: datetime) -> Any:
        return _read(text, kind)

    return read


# A longer text is not kept: a web process reads files of its users, too.
_SHORT = 100


def _kept(read: Callable[[str], Any]) -> Callable[[str, datetime], Any]:
    """A reader of details of which few differ: most answers say the same. It keeps what it has
    read, so it is for no kind in which a person writes words."""
    read_once = lru_cache(maxsize=1024)(read)

    def read_kept(text: str, at: datetime) -> Any:
        return read_once(text) if len(text) <= _SHORT else read(text)

    return read_kept


def _few(kind: type[msgspec.Struct]) -> Callable[[str, datetime], Any]:
    return _kept(partial(_read, kind=kind))


_DETAILS: dict[str, Callable[[str, datetime], Detail]] = {
    "placed": _placed,
    "tier": _few(Tiered),
    "check_in": _kept(_check_in),
    "app_seen": _few(Plain),
    "prompt_failed": _few(Plain),
    "prompt_ok": _few(Plain),
    "sighting": _few(Sighting),
    "observation": _as(Observation),
    "milestone": _few(Milestone),
    "pause": _ends_later,
    "if_asked": _if_asked,
    "if_alerted": _if_alerted,
    "moved": _moved,
    "blind": _ends_later,
    "ended": _few(Plain),
}


# --- the file


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file, in its order. Raises Refused with the number of the line for a row out
    of order, an unknown kind, an unknown key of a rhythm, or a bad value."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from events_of(file)


def events_of(file: TextIO) -> Iterator[Event]:
    """The same from an open file."""
    before = datetime.min.replace(tzinfo=UTC)
    for line, row in rows_of(file, HEADER):
        try:
            event = _event(line, row)
            if event.at < before:
                raise Refused(N_("This row is earlier than the one before it."), field="at")
        except Refused as fault:
            raise on_line(line, fault) from None
        before = event.at
        yield event


def on_line(line: int, fault: Refused) -> Refused:
    """The same fault, with its line."""
    says = gettext("en", fault.detail, **fault.extra)
    where = f" ({fault.field})" if fault.field else ""
    whole = f"Line {line}: {says}{where}"
    return Refused(whole, line=line, fault=fault)


def in_words(fault: Refused, language: str) -> str:
    """The same for a reader: the line, what is wrong there, and the name of the field."""
    inner = fault.extra.get("fault")
    if not isinstance(inner, Refused):
        return gettext(language, fault.detail, **{**fault.extra, "field": fault.field or ""})
    says = gettext(language, inner.detail, **inner.extra)
    where = f" ({inner.field})" if inner.field else ""
    line = fault.extra["line"]
    return gettext(language, N_("Line {line}: {says}"), line=line, says=f"{says}{where}")


def rows_of(file: TextIO, header: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file under this header, with their line numbers; empty lines are skipped.

    Raises Refused for another header, another number of fields, and what is no CSV at all.
    """
    reader = csv.reader(file, strict=True)
    try:
        if next(reader, None) != header:
            names = ",".join(header)
            raise on_line(1, Refused(N_("The header must be: {names}"), names=names))
        for row in reader:
            if len(row) == len(header):
                yield reader.line_num, row
            elif row:
                fields = len(header)
                fault = Refused(N_("A row must have {n} fields."), n=fields)
                raise on_line(reader.line_num, fault)
    except csv.Error as torn:
        wrong = Refused(N_("This is not CSV: {reason}."), reason=str(torn))
        raise on_line(reader.line_num, wrong) from None
    except UnicodeDecodeError:
        wrong = Refused(N_("From this line on, the file is not UTF-8."))
        raise on_line(reader.line_num + 1, wrong) from None


def _event(line: int, row: list[str]) -> Event:
    child, at_text, kind, detail = row
    at = _moment(at_text) or moment(at_text, "at")
    read = _DETAILS.get(kind)
    if read is None:
        raise Refused(N_("This kind is unknown."), field="kind")
    if not child and kind != "blind":
        raise Refused(N_("Only a “blind” row can have no child."), field="child")
    return Event(line, child, at, kind, read(detail, at))

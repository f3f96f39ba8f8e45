"""The register of a school as a file or a message: which words it has, and whose they are. Pure."""

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from server.errors import Refused
from server.i18n import N_
from server.policy.roll_call import Word
from server.witnesses.rules import check_day

LARGEST = 200_000  # Bytes.
MOST_LINES = 5000
_MOST_SHOWN = 50
_WORDS: Mapping[str, Word] = {
    **dict.fromkeys(("here", "present", "p", "yes", "présent", "présente", "حاضر"), Word.HERE),
    **dict.fromkeys(
        ("not here", "not_here", "absent", "a", "no", "absente", "غائب"), Word.NOT_HERE
    ),
    **dict.fromkeys(("excused", "e", "excusé", "excusée", "معذور"), Word.EXCUSED),
}


class Line(msgspec.Struct, frozen=True):
    """One line of a register: a name as the school writes it, and its word for it."""

    name: str
    word: str


class Matched(msgspec.Struct, frozen=True):
    """What a register says of the children of a list, by the seat of each. `unknown`: names that
    are nobody's here, the first ones; `unread`: names whose word we cannot read."""

    words: Mapping[UUID, Word]
    unknown: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def same(name: str) -> str:
    """A name as it is compared: case, spaces and ways of writing one letter make no difference."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def read_file(data: bytes, today: date) -> list[Line]:
    """The lines of a CSV file with the columns `name` and `word`. Raises Refused, field `register`,
    for what is no such file; field `day` where a column `date` has another day than today."""
    rows = _rows(data)
    header = [same(cell) for cell in next(rows, [])]
    if "name" not in header or "word" not in header:
        raise Refused(
            N_("The first line of the file must have the columns “name” and “word”."),
            field="register",
        )
    lines = []
    for row in rows:
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        if not any(cells.values()):
            continue
        if cells.get("date"):
            _check_date(cells["date"], today)
        lines.append(Line(cells.get("name", ""), cells.get("word", "")))
        if len(lines) > MOST_LINES:
            raise Refused(
                N_("This file is too long. Hand in the register of one day."), field="register"
            )
    return lines


def _rows(data: bytes) -> Iterator[list[str]]:
    if len(data) > LARGEST:
        raise Refused(
            N_("This file is too long. Hand in the register of one day."), field="register"
        )
    try:
        text = data.decode("utf-8-sig")
        separator = ";" if ";" in text.partition("\n")[0] else ","
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except (UnicodeDecodeError, csv.Error):
        raise Refused(
            N_("We cannot read this file. Save it as CSV in UTF-8, then try again."),
            field="register",
        ) from None


def _check_date(text: str, today: date) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(N_("Write each date like 2026-03-31."), field="register") from None
    check_day(day, today)


def match(lines: Sequence[Line], seats: Mapping[UUID, str]) -> Matched:
    """What these lines say of those seats, each with the name by which the witness knows the child.
    Of a name that comes twice the last line counts."""
    by_name = {same(name): seat for seat, name in seats.items()}
    words: dict[UUID, Word] = {}
    unknown, unread = [], []
    for line in lines:
        seat = by_name.get(same(line.name))
        if seat is None:
            unknown.append(line.name)
        elif (word := _WORDS.get(same(line.word))) is None:
            unread.append(line.name)
        else:
            words[seat] = word
    return Matched(words, tuple(unknown[:_MOST_SHOWN]), tuple(unread[:_MOST_SHOWN]))

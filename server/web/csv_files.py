"""CSV, written here alone: files that people open in a spreadsheet, and rows that programs read.

    return csv_answer("area.csv", ("name", "kind"), rows)

A spreadsheet runs a field that begins with `=` or the like as a formula, which can send what is
beside it anywhere. People write names, so such a field gets an apostrophe: then it is text.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from unicodedata import normalize

from starlette.responses import Response

# What a formula begins with, and blanks that a spreadsheet skips before it.
_FORMULA = re.compile(r"\s*[=+\-@|%]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[object]] = ()) -> Response:
    """A file to be opened in a spreadsheet."""
    text = line(header) + "".join(line(map(as_text, row)) for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def as_text(value: object) -> str:
    """The field as a spreadsheet may have it: no formula. A number stays one."""
    text = "" if value is None else str(value)
    # A sign of full width counts as the sign.
    is_formula = _FORMULA.match(normalize("NFKC", text)) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


@lru_cache(maxsize=8192)  # Few of the rows of a replay say what no other says.
def quoted(text: str) -> str:
    """A field of a row that a program reads: it is to come out as it went in."""
    field = io.StringIO(newline="")
    # Python before 3.13 quotes a carriage return only where it is part of the end of a line.
    csv.writer(field, lineterminator="\r\n").writerow(("", text))
    return field.getvalue()[1:-2]


def line(row: Iterable[str]) -> str:
    """A row of such fields, with its end."""
    return ",".join(map(quoted, row)) + "\n"

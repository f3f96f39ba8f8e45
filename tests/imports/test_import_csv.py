"""A list of children as CSV: what is read of each line, and what is said of those in error."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from server.errors import Refused
from server.i18n import gettext
from server.imports.import_csv import MOST_LINES, Fault, Known, Place, Read, read
from server.policy.model import SHIPPED
from server.policy.parser import read as read_policy

TOM, EVE, ANNE, OTHER_ANNE = (UUID(int=n) for n in range(1, 5))
HOUSE = Place(UUID(int=9), "Europe/Lisbon")
KNOWN = Known(
    homes={"the house": [HOUSE], "twice": [HOUSE, HOUSE]},
    workers={
        "tom verhoeven": {TOM},
        "tom": {TOM},
        "eve thackeray": {EVE},
        "anne": {ANNE, OTHER_ANNE},
    },
    home_names=["The house", "Twice", "Twice"],
    worker_names=["Anne", "Anne", "Eve Thackeray", "Tom Verhoeven"],
    language="fr",
    zone="Europe/Paris",
    today=date(2026, 3, 2),
    policy=read_policy(SHIPPED),
)


def said(fault: Fault) -> str:
    return f"{fault.line}: {gettext('en', fault.text, **fault.values)}"


def of(text: str) -> Read:
    return read(text.encode(), KNOWN)


def faults(*lines: str, header: str = "name,caseworker") -> list[str]:
    return [said(one) for one in of("\n".join((header, *lines))).faults]


def test_two_columns_are_enough():
    found = of("name,caseworker\nAmal Z,Tom Verhoeven\n")
    assert found.faults == []
    [line] = found.lines
    assert (line.number, line.name, line.worker_id, line.home_id) == (2, "Amal Z", TOM, None)
    assert (line.language, line.zone, line.tier) == ("fr", "Europe/Paris", "first")
    assert line.times == ("09:00", "18:00")


def test_every_column_is_read():
    header = "Reference;NAME;home;caseworker;language;born_on;placed on;tier;times;zone"
    row = "F-17;Amal Z; the  HOUSE ;TOM;ar;2010-03-31;2026-02-01;low;18:00 7:30;Europe/Rome"
    [line] = of(f"{header}\r\n{row}\r\n").lines
    assert (line.reference, line.home_id, line.worker_id) == ("F-17", HOUSE.id, TOM)
    assert (line.language, line.born_on, line.placed_on) == ("ar", "2010-03-31", "2026-02-01")
    assert (line.tier, line.times, line.zone) == ("low", ("07:30", "18:00"), "Europe/Rome")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(delimiter: str, mark: str, end: str):
    rows = [["name", "caseworker"], ['"Amal ""the, one; of"" Z"', '"Tom"']]
    text = mark + end.join(delimiter.join(row) for row in rows) + end + end
    [line] = of(text).lines
    assert line.name == 'Amal "the, one; of" Z'


def test_a_name_over_two_lines_is_one_line_and_the_next_has_its_own_number():
    assert faults('"Amal\nZ",Tom', "B,Nobody", header="name,caseworker") == [
        "2: A cell contains invisible characters.",
        "4: There is no caseworker called “Nobody”. The caseworkers are: Anne, Anne,"
        " Eve Thackeray, Tom Verhoeven.",
    ]


def test_the_zone_of_the_home_counts_where_none_is_said():
    [line] = of("name,caseworker,home\nA,Tom,The house\n").lines
    assert line.zone == "Europe/Lisbon"


@pytest.mark.parametrize("name", ["نور حداد", "סבטלנה", "Zoë Đặng", "می‌خواهم"])
def test_names_of_every_script_are_names(name: str):
    [line] = of(f"name,caseworker\n{name},Tom\n").lines
    assert line.name == name


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("home", "The hous", "There is no home called “The hous”. The homes are: The house, "),
        ("home", "Twice", "Several homes are called “Twice”."),
        ("zone", "Europe/Pari", "There is no time zone “Europe/Pari”."),
        ("zone", "../../etc/passwd", "There is no time zone"),
        (
            "tier",
            "highest",
            "There is no watch level “highest”. The levels are: first, high, mid, low.",
        ),
        ("language", "xx", "There is no language “xx”. The languages are: en, fr, ar."),
        ("born_on", "31.03.2010", "“31.03.2010” is not a past date such as 2010-03-31."),
        ("born_on", "2026-03-03", "is not a past date"),
        ("born_on", "2010-02-30", "is not a past date"),
        ("born_on", "1890-02-20", "is not a past date"),
        ("placed_on", "tomorrow", "is not a past date"),
        ("times", "noon", "“noon” is not a list of times such as 09:00 18:00."),
        ("times", "25:00", "is not a list of times"),
        ("times", "18:00", "These times are too far apart for the watch level. Add one."),
        ("reference", "x" * 65, "Enter a file reference of up to 64 letters and digits."),
        ("home", "=HYPERLINK(1)", "A cell starts with “=”, like a formula."),
        ("home", "@SUM(1)", "A cell starts with “@”"),
        ("home", "-2+3", "A cell starts with “-”"),
        ("home", "+cmd|' /C calc'!A0", "A cell starts with “+”"),
        ("home", "a\u202eb", "A cell contains invisible characters."),
    ],
)
def test_what_is_wrong_is_said_in_words(column: str, value: str, words: str):
    [fault] = faults(f"A,Tom,{value}", header=f"name,caseworker,{column}")
    assert words in fault


def test_faults_of_the_two_columns_that_are_needed():
    assert faults(",Tom", "A,", "A,Anne", "=A,Tom", f"{'x' * 121},Tom") == [
        "2: Enter a name of 1 to 120 characters.",
        "3: There is no caseworker called “”. The caseworkers are: Anne, Anne,"
        " Eve Thackeray, Tom Verhoeven.",
        "4: Several people are called “Anne”. Enter the name they sign in with.",
        "5: A cell starts with “=”, like a formula.",
        "6: Enter a name of 1 to 120 characters.",
    ]


def test_the_same_child_twice_is_a_fault_unless_their_references_differ():
    [fault] = faults("A,Tom", "B,Tom", " a ,tom")
    assert fault == "4: This looks like the same child as in line 2. Give each a reference."
    header = "name,caseworker,reference"
    assert faults("A,Tom,1", "A,Tom,2", header=header) == []
    assert len(faults("A,Tom,x1", "B,Eve Thackeray,X1", header=header)) == 1
    assert faults("A,Tom", "A,Eve Thackeray") == []


def test_a_line_with_more_cells_than_columns_is_a_fault():
    [fault] = faults("Z, Amal,Tom")
    assert "more cells than columns" in fault


def test_a_line_with_fewer_cells_has_them_empty():
    [line] = of("name,caseworker,home\nA,Tom\n").lines
    assert line.home_id is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "must name the columns"),
        (b"\xff\xfe\x00n", "not a UTF-8 list"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a UTF-8 list"),
        ("name,caseworker\nAmélie,Tom".encode("latin-1"), "not a UTF-8 list"),
        (b"name,caseworker\n", "There are no children in this list."),
        (b"name\nA\n", "must name the columns: name, caseworker"),
        (b"name,caseworker,shoe size\nA,Tom,44\n", "must name the columns"),
        (b"name,caseworker,name\nA,Tom,B\n", "must name the columns"),
        (b"A,Tom\nB,Tom\n", "must name the columns"),
        (b'name,caseworker\n"A,Tom\nB,Tom', "cannot read line 2"),
        (b'name,caseworker\n"A"B,Tom\n', "cannot read line 2"),
    ],
)
def test_what_is_no_such_list_is_refused_in_words(data: bytes, words: str):
    with pytest.raises(Refused) as refused:
        read(data, KNOWN)
    assert words in gettext("en", refused.value.detail, **refused.value.extra)


def test_a_list_of_too_many_lines_is_refused():
    rows = "".join(f"A{n},Tom\n" for n in range(MOST_LINES + 1))
    with pytest.raises(Refused) as refused:
        of(f"name,caseworker\n{rows}")
    assert refused.value.extra == {"n": MOST_LINES}

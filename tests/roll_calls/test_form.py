"""The form of a roll call: what it says of each child, and when it was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from server.errors import Refused
from server.policy.roll_call import Word
from server.roll_calls import form

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 2, 20, 32, tzinfo=UTC)
MIA, NOOR, ALI = (UUID(int=number) for number in (1, 2, 3))


def filled(*fields: tuple[str, str], id_: UUID | None = None, after: str = "") -> FormData:
    opened = NOW - timedelta(minutes=2)
    frame = [("id", str(id_ or UUID(int=9))), ("opened_at", opened.isoformat()), ("after", after)]
    return FormData([*frame, *(("child", str(child)) for child in (MIA, NOOR)), *fields])


def read(*fields: tuple[str, str], after: str = "") -> form.Filled:
    return form.read(filled(*fields, after=after), PARIS, NOW)


def test_a_child_whose_row_nobody_touched_is_here_and_a_tapped_one_is_what_was_tapped() -> None:
    said = read((f"word-{NOOR}", "not_here"), (f"word-{ALI}", "unknown"))
    words = {child: word for child, (word, _) in said.answers.items()}
    assert words == {MIA: Word.HERE, NOOR: Word.NOT_HERE, ALI: Word.UNKNOWN}


@pytest.mark.parametrize(
    ("until", "at", "expected"),
    [
        ("", "", None),
        ("2026-03-02T21:00:00Z", "", datetime(2026, 3, 2, 21, tzinfo=UTC)),
        ("other", "2026-03-06T18:00", datetime(2026, 3, 6, 17, tzinfo=UTC)),
    ],
)
def test_with_permission_may_have_an_end(until: str, at: str, expected: datetime | None) -> None:
    row = [(f"word-{MIA}", "permission"), (f"until-{MIA}", until), (f"at-{MIA}", at)]
    assert read(*row).answers[MIA] == (Word.EXCUSED, expected)
    school = [(f"word-{MIA}", "school"), *row[1:]]
    assert read(*school).answers[MIA] == (Word.EXCUSED, None)


@pytest.mark.parametrize(
    "row",
    [
        {"word": "gone"},
        {"word": "permission", "until": "soon"},
        {"word": "permission", "until": "other", "at": ""},
        {"word": "permission", "until": "2026-03-02T20:32:00Z"},
        {"word": "permission", "until": "0001-01-01T00:00:00+14:00"},
        {"word": "permission", "until": "2026-03-03T08:00"},
    ],
)
def test_what_makes_no_sense_is_told_at_the_row_of_the_child(row: dict[str, str]) -> None:
    with pytest.raises(Refused) as fault:
        read(*((f"{name}-{NOOR}", value) for name, value in row.items()))
    assert fault.value.field == form.row_of(NOOR)


def test_a_form_in_which_nothing_is_said_or_whose_ids_are_broken_is_refused() -> None:
    empty = FormData([("id", str(uuid4()))])
    for given_ in (empty, filled(("word-x", "here")), filled(("child", "x"))):
        with pytest.raises(Refused):
            form.read(given_, PARIS, NOW)


def test_it_was_said_so_long_after_the_page_was_made_and_never_after_now() -> None:
    assert read(after="30").said_at == NOW - timedelta(seconds=90)
    for nonsense in ("", "-5", "121", "9" * 40, "٣", "1.5"):
        assert read(after=nonsense).said_at is None


@given(
    st.lists(st.sampled_from([*form.ANSWERS]), min_size=2, max_size=2),
    st.lists(st.sampled_from([*form.ANSWERS]), min_size=2, max_size=2),
    st.sampled_from(["", "1", "60"]),
    st.sampled_from(["", "1", "60"]),
)
def test_the_same_form_twice_has_one_id_and_a_second_thought_has_another(
    first: list[str], second: list[str], after: str, later: str
) -> None:
    one, two = (
        read((f"word-{MIA}", words[0]), (f"word-{NOOR}", words[1]), after=at)
        for words, at in ((first, after), (second, later))
    )
    is_same = one.answers == two.answers and one.said_at == two.said_at
    assert (one.id == two.id) is is_same


@given(st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)))
def test_the_ends_that_take_one_tap_are_still_to_come_and_within_two_days(now: datetime) -> None:
    ends = form.untils(now, PARIS)
    assert ends == sorted(ends)
    assert all(now < end <= now + timedelta(hours=32) for end in ends)
    assert {end.astimezone(PARIS).hour for end in ends} <= {8, 22}
    assert ends

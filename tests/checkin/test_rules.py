"""Reading an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from server.checkin.rules import EARLIEST, LATEST, Answer
from server.errors import Refused


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("1969-12-31T23:59:59+00:00", EARLIEST),
        ("9999-12-31T23:59:59-14:00", LATEST),
    ],
)
def test_a_phone_whose_clock_is_lost_can_answer(said: str, kept: datetime) -> None:
    assert Answer(uuid4(), datetime.fromisoformat(said)).said_at == kept


def test_any_other_time_is_kept_as_it_was_said() -> None:
    said = datetime(1970, 1, 1, 5, tzinfo=UTC)
    assert Answer(uuid4(), said).said_at == said


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"said_at": datetime(2026, 3, 2)}, "said_at"),  # noqa: DTZ001
        ({"mood": 0}, "mood"),
        ({"mood": 6}, "mood"),
        ({"note": "x" * 20_001}, "note"),
        ({"mark": "c"}, "mark"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(wrong: dict[str, object], field: str) -> None:
    said = {"id": uuid4(), "said_at": datetime(2026, 3, 2, tzinfo=UTC)} | wrong
    with pytest.raises(Refused) as refused:
        Answer(**said)  # type: ignore[arg-type]
    assert refused.value.field == field

"""The moment of an entry stands inside of a question, and is looked at there too."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from server.errors import Refused
from server.questions.rules import About, EntryIn, QuestionRequest
from server.web.requests import check_moments


@pytest.mark.parametrize(
    ("year", "is_refused"), [(1, True), (2, False), (9998, False), (9999, True)]
)
def test_a_question_about_a_moment_at_the_ends_of_the_calendar_is_refused(
    year: int, is_refused: bool
) -> None:
    about = EntryIn(About.LOOK, "7", datetime(year, 1, 1, tzinfo=UTC))
    asked = QuestionRequest(uuid4(), about, "Why?")
    if is_refused:
        with pytest.raises(Refused):
            check_moments(asked)
    else:
        check_moments(asked)

"""How often a child is asked, chosen in words: what is typed, saved, shown again and refused."""

from datetime import date
from typing import Any

import pytest
from starlette.datastructures import FormData

from server.desk.child.times_form import asked_when, rhythm_of
from server.errors import Refused
from server.watch.models import Watch
from server.watch.rhythm.rules import read
from tests.cast import Cast
from tests.desk.walking import at_desk

TODAY = date(2026, 3, 2)  # A Monday.
WEEK = [("day", str(day)) for day in range(7)]
TUESDAYS = "DTSTART;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"


def typed(data: dict[str, Any]) -> FormData:
    """What the form sends if it is shown this rhythm and nothing is changed."""
    shown = asked_when(None, read(data), "en", TODAY)
    pairs: list[tuple[str, str]] = []
    for row in shown["groups"]:
        group, end = row["group"], row["end"]
        pairs += [(f"at{end}", at) for at in row["times"]]
        pairs += [(f"begin{end}", begin) for begin, _ in row["windows"]]
        pairs += [(f"end{end}", last) for _, last in row["windows"]]
        pairs += [(f"day{end}", day) for day in group.days]
        for name in ("often", "n", "start", "place", "weekday", "date", "kept"):
            pairs.append((f"{name}{end}", getattr(group, name)))
    return FormData(pairs)


@pytest.mark.parametrize(
    "data",
    [
        {"at": ["18:00"]},
        {"at": ["09:00", "18:00"], "days": [0, 4], "from": {"18:00": "15:00"}},
        {"at": ["18:00"], "rrule": TUESDAYS},
        {"at": ["12:00", "18:00"], "rrule": {"12:00": TUESDAYS}},
        {"at": ["12:00", "18:00"], "days": [1, 2], "rrule": {"12:00": "FREQ=WEEKLY;BYDAY=SU"}},
        {
            "at": ["08:00", "12:00", "14:00", "18:00"],
            "from": {"12:00": "10:00"},
            "rrule": {
                "08:00": "FREQ=MONTHLY;BYDAY=-1FR",
                "12:00": "FREQ=MONTHLY;BYMONTHDAY=15",
                "14:00": "DTSTART;VALUE=DATE:20260304\nRRULE:FREQ=DAILY;INTERVAL=3",
            },
        },
        # The form has no words for it, and keeps it.
        {"at": ["12:00", "18:00"], "rrule": {"12:00": "FREQ=MONTHLY;BYDAY=1MO,3MO"}},
    ],
)
def test_what_is_shown_and_not_changed_is_saved_as_it_was(data: dict[str, Any]) -> None:
    assert rhythm_of(typed(data)) == data


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([("at", ""), *WEEK], "at"),
        ([("at", "18:00")], "day"),
        ([("at", "18:00"), *WEEK, ("at.1", "18:00"), ("often.1", "place")], "at.1"),
        ([("at", "18:00"), *WEEK, ("at.1", "12:00"), ("often.1", "week")], "day.1"),
        ([("at", "18:00"), *WEEK, ("often", "weeks"), ("n", "1"), ("start", "2026-03-03")], "n"),
        ([("at", "18:00"), *WEEK, ("often", "weeks"), ("n", "13"), ("start", "2026-03-03")], "n"),
        ([("at", "18:00"), *WEEK, ("often", "days"), ("n", "2"), ("start", "")], "start"),
        ([("at", "18:00"), *WEEK, ("often", "days"), ("n", "2"), ("start", "soon")], "start"),
        ([("at", "18:00"), ("often", "place"), ("place", "5"), ("weekday", "0")], "place"),
        ([("at", "18:00"), ("often", "date"), ("date", "31")], "date"),
        ([("at", "18:00"), ("often", "kept"), ("kept", "FREQ=HOURLY")], "often"),
        ([("at", "18:00"), ("often", "never")], "often"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_question(
    pairs: list[tuple[str, str]], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        rhythm_of(FormData(pairs))
    assert refused.value.field == field


def test_a_group_without_a_time_is_no_group() -> None:
    pairs = [("at", "18:00"), *WEEK, ("at.1", ""), ("often.1", "weeks"), ("n.1", "99")]
    assert rhythm_of(FormData(pairs)) == {"at": ["18:00"]}


async def test_a_fortnightly_time_is_agreed_shown_in_words_and_kept_as_typed(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/rhythm"
    form: dict[str, Any] = {
        "at": ["09:00", "18:00"],
        "day": list("0123456"),
        "often": "week",
        "at.1": "12:00",
        "often.1": "weeks",
        "n.1": "2",
        "start.1": "2026-03-03",
        "day.1": "1",
        "zone": "Europe/Paris",
    }
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path, data=form | {"n.1": "two"})
        assert refused.status_code == 422
        assert 'value="two"' in refused.text, "what was typed stays"
        saved = await browser.post(path, data=form)
        assert saved.status_code == 303, saved.text
        page = (await browser.get(path)).text
    assert "Every second Tuesday at 12:00" in page
    rhythm = (await Watch.get(child_id=cast.mia.id)).rhythm
    assert rhythm == {"at": ["09:00", "12:00", "18:00"], "rrule": {"12:00": TUESDAYS}}


async def test_a_rule_that_leaves_too_long_a_silence_is_refused_with_its_words(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/rhythm"
    form = {"at": "18:00", "often": "place", "place": "1", "weekday": "0", "zone": "Europe/Paris"}
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(path, data=form)
    assert refused.status_code == 422
    sentence = (
        "Up to 35 days would pass between two of these check-ins. The medium watch level allows"
    )
    assert sentence in refused.text
    assert "Keep these, and add times on days of the week." in refused.text
    assert '<option value="place" selected>' in refused.text

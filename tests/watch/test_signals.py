"""What has changed about a child: each signal has its rows, its switch, and no say in any other."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Refused
from server.i18n import LANGUAGES
from server.policy import parser as policies
from server.policy.model import EACH_MISS, Signal
from server.watch.signals.rules import Answer, Changed, Code, Mood, Promise, Rows, Sign, changed
from server.watch.signals.warning_signs import SIGNS
from server.watch.signals.wording import SHORT, in_short, sentence
from tests.copies import replace

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SIGNALS = policies.read(EACH_MISS).signals
many = settings(max_examples=80, deadline=None)

moments = st.integers(-2, 80 * 24).map(lambda hours: NOW - hours * HOUR)
promises = st.builds(Promise, moments, st.one_of(st.none(), moments))
any_rows = st.builds(
    Rows,
    answers=st.lists(
        st.builds(Answer, moments, st.one_of(st.none(), st.integers(-90, 900).map(MINUTE.__mul__))),
        max_size=40,
    ),
    moods=st.lists(st.builds(Mood, moments, st.integers(1, 5)), max_size=40),
    dates=st.lists(promises, max_size=4),
    promises=st.lists(promises, max_size=4),
    goals=st.lists(moments, max_size=4),
    signs=st.lists(st.builds(Sign, moments, st.sampled_from(sorted(SIGNS))), max_size=5),
    phones=st.lists(moments, max_size=4),
    languages=st.lists(moments, max_size=4),
    otherwise=st.lists(moments, max_size=4),
)
# What each signal goes by.
OF: Mapping[Code, str] = {
    Code.OBSERVATIONS: "signs",
    Code.NEW_PHONE: "phones",
    Code.OTHER_LANGUAGE: "languages",
    Code.SHARED_QUESTION: "otherwise",
    Code.REGULAR_ANSWERS: "answers",
    Code.LATER_ANSWERS: "answers",
    Code.FEWER_ANSWERS: "answers",
    Code.LOWER_MOOD: "moods",
    Code.MISSED_DATES: "dates",
    Code.BROKEN_PROMISES: "promises",
    Code.STALLED_GOALS: "goals",
}


def codes(rows: Rows, signals: Mapping[str, Signal] = SIGNALS) -> list[Code]:
    return [one.code for one in changed(rows, signals, NOW)]


def daily(since: int, until: int, delay: timedelta | None = 10 * MINUTE) -> list[Answer]:
    """An answer a day, from so many days ago to so many days ago."""
    return [Answer(NOW - day * DAY, delay) for day in range(until, since)]


# --- what holds for all of them


def test_every_signal_has_its_table_in_the_policy_its_rows_and_its_words() -> None:
    assert set(Code) == set(EACH_MISS["signals"]) == set(OF) == set(SHORT)


@many
@given(any_rows)
def test_there_is_no_signal_without_its_rows(rows: Rows) -> None:
    found = codes(rows)
    for code in Code:
        without = replace(rows, **{OF[code]: ()})
        expected = [one for one in found if OF[one] != OF[code]]
        assert codes(without) == expected


@many
@given(any_rows, st.sets(st.sampled_from(Code)))
def test_switching_one_off_silences_it_and_no_other(rows: Rows, off: set[Code]) -> None:
    signals = {code: replace(SIGNALS[code], is_on=code not in off) for code in Code}
    assert codes(rows, signals) == [code for code in codes(rows) if code not in off]


@many
@given(any_rows, st.data())
def test_the_order_of_the_rows_changes_nothing(rows: Rows, data: st.DataObject) -> None:
    mixed = {name: data.draw(st.permutations(getattr(rows, name))) for name in set(OF.values())}
    assert changed(replace(rows, **mixed), SIGNALS, NOW) == changed(rows, SIGNALS, NOW)


@many
@given(st.integers(0, 120), st.integers(1, 5), st.booleans())
def test_a_child_with_steady_answers_has_none(delay: int, mood: int, answers: bool) -> None:
    """Whoever is always two hours late, always sad, or never answers, has not changed."""
    always = daily(60, 0, delay * MINUTE if answers else None)
    rows = Rows(
        answers=always,
        moods=[Mood(one.at, mood) for one in always],
        dates=[Promise(NOW - DAY, NOW - 2 * DAY)],
        promises=[Promise(NOW + DAY, None)],
        goals=[NOW - DAY],
        phones=[NOW - DAY],
    )
    assert codes(rows) == []


# --- each of them


def test_answers_that_come_later_are_said_with_how_much() -> None:
    rows = Rows(answers=[*daily(44, 14), *daily(14, 0, 130 * MINUTE)])
    [one] = changed(rows, SIGNALS, NOW)
    assert one == Changed(Code.LATER_ANSWERS, NOW - 14 * DAY, span=2 * HOUR)
    almost = [*daily(44, 14), *daily(14, 0, 69 * MINUTE)]
    assert codes(Rows(answers=almost)) == []
    assert codes(Rows(answers=[*daily(44, 14), *daily(4, 0, 130 * MINUTE)])) == []
    assert codes(Rows(answers=[*daily(18, 14), *daily(14, 0, 130 * MINUTE)])) == []


def test_fewer_answers_are_a_share_of_what_was_asked() -> None:
    before = daily(44, 14)
    half = [Answer(one.at, one.delay if n % 2 else None) for n, one in enumerate(daily(14, 0))]
    assert codes(Rows(answers=[*before, *half])) == [Code.FEWER_ANSWERS]
    few = [Answer(one.at, one.delay if n % 5 else None) for n, one in enumerate(daily(14, 0))]
    assert codes(Rows(answers=[*before, *few])) == []
    assert codes(Rows(answers=[*before, *daily(4, 0, None)])) == []


def test_a_lower_mood_is_a_face_lower() -> None:
    def moods(first: int, then: int) -> list[Mood]:
        return [Mood(NOW - day * DAY, then if day < 14 else first) for day in range(44)]

    assert codes(Rows(moods=moods(4, 3))) == [Code.LOWER_MOOD]
    assert codes(Rows(moods=moods(3, 4))) == codes(Rows(moods=moods(4, 4))) == []
    assert codes(Rows(moods=moods(4, 1)[:4])) == []


@pytest.mark.parametrize(
    ("settled", "is_missed"), [(None, True), (-DAY, False), (timedelta(0), False), (DAY, True)]
)
def test_what_was_not_done_by_its_day_is_missed(settled: timedelta | None, is_missed: bool) -> None:
    at = NOW - 3 * DAY
    promise = Promise(at, None if settled is None else at + settled)
    expected = [Code.MISSED_DATES, Code.BROKEN_PROMISES] if is_missed else []
    assert codes(Rows(dates=[promise], promises=[promise])) == expected


def test_what_is_not_due_yet_or_long_ago_is_not_missed() -> None:
    rows = [Promise(NOW + MINUTE, None), Promise(NOW - 31 * DAY, None)]
    assert codes(Rows(dates=rows, promises=rows)) == []


def test_a_goal_stands_still_after_its_days() -> None:
    goals = [NOW - 31 * DAY, NOW - 40 * DAY, NOW - 29 * DAY]
    [one] = changed(Rows(goals=goals), SIGNALS, NOW)
    assert one == Changed(Code.STALLED_GOALS, NOW - 40 * DAY, n=2)


def test_two_signs_in_two_weeks_are_said_once_each() -> None:
    signs = [Sign(NOW - DAY, "debts"), Sign(NOW - 3 * DAY, "packed_bag"), Sign(NOW, "packed_bag")]
    [one] = changed(Rows(signs=signs), SIGNALS, NOW)
    assert one == Changed(Code.OBSERVATIONS, NOW - 3 * DAY, n=3, signs=("packed_bag", "debts"))
    assert codes(Rows(signs=signs[:1])) == []


def test_the_first_phone_is_no_new_one() -> None:
    assert codes(Rows(phones=[NOW - DAY])) == []
    [one] = changed(Rows(phones=[NOW - DAY, NOW - 90 * DAY]), SIGNALS, NOW)
    assert one == Changed(Code.NEW_PHONE, NOW - DAY)
    assert codes(Rows(phones=[NOW - 8 * DAY, NOW - 90 * DAY])) == []


# --- in words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", Code)
def test_every_signal_says_its_sentence_in_every_language(code: Code, language: str) -> None:
    one = Changed(code, NOW, n=2, span=100 * MINUTE, signs=("packed_bag", "injuries"))
    said, short = sentence(one, "Mia", language), in_short([one], language)
    assert said.endswith(".")
    assert "{" not in said + short
    if language != "en":
        assert said != sentence(one, "Mia", "en")
        assert short != in_short([one], "en")


def test_a_sentence_says_half_hours_and_no_number_of_its_own() -> None:
    one = Changed(Code.LATER_ANSWERS, NOW, span=131 * MINUTE)
    said = "Mia answers about 2 hrs later than in the month before."
    assert sentence(one, "Mia", "en") == said


def test_the_board_says_all_of_it_in_one_line_or_nothing() -> None:
    found = [Changed(Code.NEW_PHONE, NOW), Changed(Code.LATER_ANSWERS, NOW)]
    assert in_short(found, "en") == "Changed: a new phone, answers later"
    assert in_short([], "en") == ""


# --- the policy


def varied(since: int, until: int) -> list[Answer]:
    """As children answer: now sooner, now later."""
    return [Answer(NOW - day * DAY, (day * 37 % 90) * MINUTE) for day in range(until, since)]


def test_answers_that_come_at_the_same_minute_all_of_a_sudden_are_said() -> None:
    before = varied(38, 10)
    assert codes(Rows(answers=[*before, *daily(9, 0)])) == [Code.REGULAR_ANSWERS]
    assert codes(Rows(answers=[*before, *varied(9, 0)])) == []
    assert codes(Rows(answers=[*before, *daily(4, 0)])) == [], "too few to say"


def test_one_answer_that_differs_does_not_hide_that_the_others_are_alike() -> None:
    late = [Answer(NOW - 2 * HOUR, 80 * MINUTE)]
    assert codes(Rows(answers=[*varied(38, 10), *daily(9, 1), *late])) == [Code.REGULAR_ANSWERS]


@pytest.mark.parametrize(
    ("field", "code", "days"),
    [("languages", Code.OTHER_LANGUAGE, 7), ("otherwise", Code.SHARED_QUESTION, 14)],
)
def test_what_happened_once_is_said_for_so_long(field: str, code: Code, days: int) -> None:
    at = NOW - days * DAY
    [one] = changed(Rows(**{field: [at + MINUTE]}), SIGNALS, NOW)
    assert (one.code, one.since) == (code, at + MINUTE)
    assert codes(Rows(**{field: [at]})) == []


def test_a_policy_of_an_earlier_release_has_the_signals_that_ship() -> None:
    old = {name: table for name, table in EACH_MISS.items() if name != "signals"}
    assert policies.read(old).signals == policies.read(policies.filled(old)).signals == SIGNALS
    some = copy.deepcopy(EACH_MISS)
    some["signals"] = {"new_phone": {"on": False}}
    read = policies.read(some).signals
    assert read["new_phone"] == replace(SIGNALS["new_phone"], is_on=False)
    assert policies.read(policies.filled(some)).signals == read
    assert read["observations"] == SIGNALS["observations"]


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("all", "signals"),
        ({"nationality": {"on": True}}, "signals.nationality"),
        ({"new_phone": True}, "signals.new_phone"),
        ({"new_phone": {"on": "yes"}}, "signals.new_phone.on"),
        ({"new_phone": {"on": True, "asks": 1}}, "signals.new_phone.asks"),
        ({"new_phone": {"on": True, "by": 2}}, "signals.new_phone.by"),
        ({"new_phone": {"days": 0}}, "signals.new_phone.days"),
        ({"new_phone": {"days": 1.5}}, "signals.new_phone.days"),
        ({"new_phone": {"days": 91}}, "signals.new_phone.days"),
        ({"new_phone": {"days": True}}, "signals.new_phone.days"),
        ({"new_phone": {"days": "14d"}}, "signals.new_phone.days"),
        ({"observations": {"least": 0}}, "signals.observations.least"),
        ({"fewer_answers": {"by": 0}}, "signals.fewer_answers.by"),
        ({"fewer_answers": {"by": float("nan")}}, "signals.fewer_answers.by"),
        ({"later_answers": {"span": "0h"}}, "signals.later_answers.span"),
    ],
)
def test_nonsense_in_a_signal_is_refused_and_named(table: Any, field: str) -> None:
    with pytest.raises(Refused) as fault:
        policies.read({**EACH_MISS, "signals": table})
    assert fault.value.field == field

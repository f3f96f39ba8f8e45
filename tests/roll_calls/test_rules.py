"""When homes are asked, what counts of what they say, and the ladder of a roll call."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import islice, permutations
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Refused
from server.policy.roll_call import Word
from server.roll_calls import rules
from server.roll_calls.rules import Spoken, Step, counted

PARIS = ZoneInfo("Europe/Paris")
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What worries most has the highest rank.
RANK = {Word.HERE: 0, Word.EXCUSED: 1, Word.UNKNOWN: 2, Word.NOT_HERE: 3}

spoken = st.builds(
    lambda number, word, minute, by: Spoken(
        UUID(int=number), word, BEGIN + minute * MINUTE, BEGIN + minute * MINUTE, UUID(int=by)
    ),
    st.integers(1, 10**6),
    st.sampled_from(Word),
    st.integers(0, 30),
    st.integers(1, 3),
)
many = st.lists(spoken, min_size=1, max_size=5, unique_by=lambda one: one.id)


@given(many)
def test_what_counts_depends_on_no_order(said: list[Spoken]) -> None:
    assert {counted(order) for order in permutations(said)} == {counted(said)}


@given(many, st.sampled_from(Word))
def test_another_person_can_only_add_worry(said: list[Spoken], word: Word) -> None:
    one = Spoken(UUID(int=0), word, BEGIN + HOUR, BEGIN + HOUR, UUID(int=9))
    before, after = counted(said), counted([*said, one])
    assert before is not None
    assert after is not None
    assert RANK[after.word] == max(RANK[before.word], RANK[word])


@given(many, st.sampled_from(Word))
def test_a_correction_replaces_what_the_same_person_said(said: list[Spoken], word: Word) -> None:
    by = said[0].by_id
    one = Spoken(UUID(int=0), word, BEGIN + HOUR, BEGIN + HOUR, by)
    others = [other for other in said if other.by_id != by]
    assert counted([*said, one]) == counted([*others, one])


def test_of_nothing_said_nothing_counts() -> None:
    assert counted([]) is None


walls = st.lists(
    st.builds(lambda minute: time(minute // 60, minute % 60), st.integers(0, 1439)),
    min_size=1,
    max_size=6,
)
zones = st.sampled_from(["Europe/Paris", "Europe/Lisbon", "Africa/Casablanca", "Asia/Kabul"])
# Around both changes of the clocks in Europe, and of a usual week.
days = st.sampled_from(
    [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC), BEGIN]
)


@given(walls, zones, days, st.integers(0, 2880), st.integers(0, 2880))
def test_the_moments_of_a_home_are_in_order_and_the_last_due_is_one_of_them(
    times: list[time], name: str, day: datetime, since: int, later: int
) -> None:
    zone, begin = ZoneInfo(name), day + since * MINUTE
    now = begin + later * MINUTE
    moments = list(islice(rules.due_moments(times, zone, begin), 5 * len(times)))
    assert moments == sorted(set(moments))
    assert moments[0] == rules.next_due(times, zone, begin)
    assert moments[0] - begin <= DAY + 2 * HOUR
    # One for each time on each day, but for those that one jump of the clocks puts together.
    days_on = [(at.astimezone(zone).date(), at.astimezone(zone).time()) for at in moments]
    assert len(days_on) == len(set(days_on))
    past = [at for at in moments if at <= now]
    expected = past[-1] if past else None
    assert rules.last_due(times, zone, begin + timedelta(microseconds=1), now) == expected


@pytest.mark.parametrize(
    ("begin", "times", "asked"),
    [
        # The clocks go from two to three: half past two is asked at three, once with a quarter to.
        ("2026-03-28T12:00", ("02:30", "02:45"), ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # Half past two comes twice: the first one.
        ("2026-10-24T12:00", ("02:30",), ["2026-10-25T00:30", "2026-10-26T01:30"]),
        # Over midnight.
        ("2026-03-02T22:30", ("23:45", "00:15"), ["2026-03-02T22:45", "2026-03-02T23:15"]),
    ],
)
def test_each_night_has_its_roll_call_also_when_the_clocks_change(
    begin: str, times: tuple[str, ...], asked: list[str]
) -> None:
    after = datetime.fromisoformat(f"{begin}+00:00")
    moments = islice(rules.due_moments(rules.read_times(times), PARIS, after), len(asked))
    assert [f"{at:%Y-%m-%dT%H:%M}" for at in moments] == asked


def test_without_times_nobody_is_asked() -> None:
    assert rules.next_due((), PARIS, BEGIN) is None
    assert rules.last_due((), PARIS, BEGIN, BEGIN + 9 * DAY) is None


@given(st.sampled_from([Step.ASKED, Step.UNDONE]), st.lists(st.integers(0, 600), max_size=8))
def test_nobody_is_forgotten_however_often_or_late_we_look(first: Step, looks: list[int]) -> None:
    step, moment, passed = first, rules.then(first, BEGIN, BEGIN), [first]
    for minute in [*sorted(looks), 700, 1400, 2100]:
        now = BEGIN + minute * MINUTE
        while moment is not None and moment <= now:
            step = rules.reached(step, BEGIN, now)
            moment = rules.then(step, BEGIN, now)
            assert moment is None or moment > now
            passed.append(step)
    assert passed == sorted(set(passed)), "no step comes twice"
    assert passed[-1] is Step.MISSED
    assert Step.UNDONE in passed, "those who follow up hear of it"


@pytest.mark.parametrize(
    "times", [["25:00"], ["soon"], ["21:30:15"], [f"{h:02}:00" for h in range(7)]]
)
def test_times_that_are_wrong_are_refused(times: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        rules.written_times(times)
    assert refused.value.field == "times"


def test_times_are_kept_once_and_in_order() -> None:
    assert rules.written_times(["21:30", "07:45 ", "21:30"]) == [
        "07:45",
        "21:30",
    ]

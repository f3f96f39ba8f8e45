"""After so many missed check-ins in a row adults are called, whatever is usual for the child."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Refused
from server.policy.model import EACH_MISS, SHIPPED, Steps, Tier, over
from server.policy.parser import filled, merged, read
from server.watch.machine import advancing, alarms
from server.watch.machine.habit import Knowledge, Past, learned
from server.watch.machine.standing import Change, Terms, What, Why
from server.watch.rhythm.rules import Rhythm
from tests.copies import replace
from tests.watch.test_state_machine import many
from tests.watch.watches import (
    DAY,
    HOUR,
    STARTS,
    Act,
    Life,
    acts,
    any_steps,
    any_terms,
    lived,
    starts,
)

PARIS = ZoneInfo("Europe/Paris")
lives = st.lists(acts, max_size=8)


def after(steps: Steps, misses: int | None) -> Steps:
    return replace(steps, after_misses=misses)


def called_at(life: Life) -> datetime:
    """When adults are called if nothing comes from now on."""
    return life.silence()


@many
@given(any_terms(), starts, lives, st.integers(1, 5), st.integers(0, 5))
def test_fewer_misses_never_call_later_and_none_at_all_never_sooner(
    terms: Terms, start: datetime, happened: list[Act], n: int, more: int
) -> None:
    def told(misses: int | None) -> datetime:
        life = lived(replace(terms, steps=after(terms.steps, misses)), start, happened)
        first = next((c.at for c in life.changes if c.what is What.ALERT), None)
        return first or called_at(life)

    assert told(n) <= told(n + more) <= told(None)


@many
@given(any_steps(), any_terms(), starts, st.integers(1, 5))
def test_a_child_who_never_answers_is_called_about_at_the_miss_of_that_number_at_the_latest(
    steps: Steps, terms: Terms, start: datetime, n: int
) -> None:
    life = Life.begin(replace(terms, steps=after(steps, n)), start)
    life.look(start + 40 * DAY)
    lates = [change for change in life.changes if change.what is What.LATE]
    alert = next(change for change in life.changes if change.what is What.ALERT)
    if len(lates) >= n:
        assert alert.at <= lates[n - 1].at
    if alert.why is Why.MISSES:
        assert alert.at == lates[n - 1].at


@many
@given(any_terms(), starts, lives)
def test_what_is_told_beforehand_is_when_adults_are_called(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    steps = replace(terms.steps, doubt=None, after_misses=2)
    life = lived(replace(terms, steps=steps), start, happened)
    if life.standing.missed_due_at is None or life.standing.is_alerted:
        return
    moment, why = alarms.called_by(life.standing, life.terms)
    _, changes = advancing.advance(life.standing, life.terms, moment)
    call = next(change for change in changes if change.what is What.ALERT)
    # A "could not find" at this very moment may call at once.
    assert (call.at, call.why) == (max(moment, life.now), why) or call.at <= moment


# --- by hand


def evening(policy: dict[str, Any], tier: Tier, *, at: tuple[time, ...] = (time(18),)) -> Life:
    """A child who answers nearly always, from the first of June on."""
    start = datetime(2026, 6, 1, 6, tzinfo=UTC)
    past = [Past(start - n * DAY, is_answered=n % 2 == 0) for n in range(1, 40)]
    terms = Terms(
        tier=tier,
        steps=read(merged(policy)).tiers[tier].steps,
        rhythm=Rhythm(at),
        zone=ZoneInfo("UTC"),
        pauses=(),
        has_carer=True,
        knowledge=Knowledge(learned(past, PARIS)),
    )
    return Life.begin(terms, start)


def story(life: Life) -> list[str]:
    told = (What.LATE, What.ASK, What.ALERT)
    return [f"{c.at:%d %H:%M} {c.what}" for c in life.changes if c.what in told or is_last(c)]


def is_last(change: Change) -> bool:
    return change.why is Why.LAST_CALL


def test_two_missed_evenings_of_a_child_who_often_forgets_call_adults() -> None:
    by_habit, by_number = evening({}, Tier.LOW), evening({"low": {"after_misses": 2}}, Tier.LOW)
    by_habit.look(datetime(2026, 6, 3, tzinfo=UTC))
    by_number.look(datetime(2026, 6, 3, tzinfo=UTC))
    assert "02 20:00 alert" not in story(by_habit)
    assert story(by_number)[-2:] == ["02 20:00 late", "02 20:00 alert"]
    # The child is asked once more three hours before, as before any call.
    assert "02 17:00 remind" in story(by_number)
    assert by_number.changes[-1].why is Why.MISSES


def test_the_habit_calls_sooner_where_it_would_have() -> None:
    plain = evening({}, Tier.MID, at=(time(9), time(18)))
    both = evening({"mid": {"after_misses": 30}}, Tier.MID, at=(time(9), time(18)))
    for life in (plain, both):
        life.look(datetime(2026, 6, 5, tzinfo=UTC))
    assert both.changes == plain.changes


def test_each_miss_calls_where_one_is_enough_and_the_carer_is_not_asked_before() -> None:
    life = evening({"mid": {"after_misses": 1}}, Tier.MID)
    life.look(datetime(2026, 6, 1, 20, tzinfo=UTC))
    assert story(life) == ["01 19:00 late", "01 19:00 alert"]


def test_an_answer_begins_the_count_anew() -> None:
    life = evening({"low": {"after_misses": 2}}, Tier.LOW)
    life.act(Act("answer", 15 * HOUR))  # At 21:00, late.
    assert life.standing.misses == 0
    life.look(datetime(2026, 6, 2, 21, tzinfo=UTC))
    assert life.standing.misses == 1
    assert not life.standing.is_alerted


def test_what_only_holds_is_no_answer_and_does_not_stop_the_count() -> None:
    life = evening(
        {"high": {"after_misses": 2, "carer_window": "6h"}}, Tier.HIGH, at=(time(9), time(12))
    )
    life.act(Act("carer", 4 * HOUR))  # "Seen" at 10:00, half an hour after the first was late.
    life.look(datetime(2026, 6, 1, 13, tzinfo=UTC))
    assert story(life)[-1] == "01 12:30 alert"
    assert life.changes[-1].why is Why.MISSES


def test_an_absence_excuses_its_rounds_from_the_count() -> None:
    life = evening({"low": {"after_misses": 2}}, Tier.LOW)
    life.look(datetime(2026, 6, 1, 21, tzinfo=UTC))
    life.act(Act("pause", HOUR, lasts=30 * HOUR))
    life.look(datetime(2026, 6, 3, 8, tzinfo=UTC))
    assert life.standing.misses == 1


def test_a_raised_level_calls_at_once_where_it_would_have_called_by_now() -> None:
    life = evening({}, Tier.LOW)
    life.look(datetime(2026, 6, 2, 21, tzinfo=UTC))
    assert life.standing.misses == 2
    steps = read(merged({"mid": {"after_misses": 2}})).tiers[Tier.MID].steps
    life.retier(Tier.MID, steps, raised=True)
    assert life.changes[-1] == Change(
        What.ALERT, life.now, STARTS[0].replace(month=6, day=1, hour=18), Why.MISSES
    )


# --- as data


def test_policies_of_earlier_releases_mean_what_they_meant() -> None:
    for tier in Tier:
        assert SHIPPED[tier]["after_misses"] is None
        assert EACH_MISS[tier]["after_misses"] is None
    stored = {
        name: {key: value for key, value in table.items() if key != "after_misses"}
        if name in set(Tier)
        else table
        for name, table in SHIPPED.items()
    }
    assert read(filled(stored)) == read(SHIPPED)
    assert read(merged({"low": {"after_misses": "never"}})) == read(SHIPPED)


@pytest.mark.parametrize("value", [0, 31, -1, 1.5, True, "2", "1h", []])
def test_a_number_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(Refused) as refused:
        read(over(SHIPPED, {"low": {"after_misses": value}}))
    assert refused.value.field == "low.after_misses"

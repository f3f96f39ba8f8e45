"""Two clocks: since the child was heard, and since someone saw them. Where adults vouch, no call
comes later than the longest time after both."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from server.policy.model import SHIPPED, Tier, over
from server.policy.parser import read
from server.watch.machine import rounds, witnesses
from server.watch.machine.advancing import advance
from server.watch.machine.alarms import ceiling_at, ceiling_why
from server.watch.machine.habit import Knowledge, Look
from server.watch.machine.seen import BOUND, OF_HOME, alone, bound_at
from server.watch.machine.standing import Standing, Terms, What, Why
from server.watch.rhythm.rules import Rhythm
from tests.copies import replace
from tests.desk.walking import PARIS
from tests.watch.watches import HOUR, STARTS

NOW = STARTS[0]
SAM, EVE, SCHOOL = UUID(int=1), UUID(int=2), UUID(int=3)
VOUCHING = over(
    SHIPPED,
    {
        tier: {
            "evidence": {"carer": "vouches", "school": "vouches"},
            "habit": {**SHIPPED["mid"]["habit"], "page": 10.0, "ask": 1.0},
        }
        for tier in ("high", "mid", "low")
    },
)
tiers = st.sampled_from(Tier)
hours = st.integers(1, 400)


def terms_of(tier: Tier, *words: Look, **known: object) -> Terms:
    steps = read(VOUCHING).tiers[tier].steps
    knowledge = replace(Knowledge(), seen=words, **known)
    return Terms(tier, steps, Rhythm((time(18),)), PARIS, (), True, knowledge)


def saw(terms: Terms, after: float, by: UUID = SAM, *, is_home: bool = True) -> Look:
    return witnesses.saw(terms.steps, NOW + after * HOUR, calls=is_home, by_id=by)


def knowing(terms: Terms, *words: Look) -> Terms:
    return replace(terms, knowledge=replace(terms.knowledge, seen=words))


def begun(terms: Terms) -> Standing:
    return rounds.begin(terms, NOW)


def call_of(terms: Terms) -> tuple[datetime, Why | None]:
    """When adults are called, and why, if nobody says anything more."""
    _, changes = advance(begun(terms), terms, NOW + timedelta(days=40))
    called = next(change for change in changes if change.what is What.ALERT)
    return called.at, called.why


def test_a_word_of_an_adult_moves_the_call_to_the_longest_time_after_it() -> None:
    terms = terms_of(Tier.MID)
    assert ceiling_at(begun(terms), terms) == NOW + 36 * HOUR
    seen = knowing(terms, saw(terms, 20))
    assert ceiling_at(begun(seen), seen) == NOW + 56 * HOUR
    assert call_of(seen) == (NOW + 56 * HOUR, Why.CEILING)


def test_without_a_policy_that_lets_adults_vouch_no_word_moves_the_longest_silence() -> None:
    terms = replace(terms_of(Tier.MID), steps=read(SHIPPED).tiers[Tier.MID].steps)
    seen = knowing(terms, saw(terms, 20))
    assert ceiling_at(begun(seen), seen) == NOW + 36 * HOUR


def test_in_the_high_level_a_word_of_the_home_is_worth_twelve_hours_and_of_others_all() -> None:
    terms = terms_of(Tier.HIGH)
    home = knowing(terms, saw(terms, 20))
    assert ceiling_at(begun(home), home) == NOW + 20 * HOUR + OF_HOME
    school = knowing(terms, saw(terms, 20, SCHOOL, is_home=False))
    assert ceiling_at(begun(school), school) == NOW + 44 * HOUR


def test_the_words_of_one_person_alone_count_for_two_days_and_those_of_a_second_go_on() -> None:
    terms = terms_of(Tier.MID)
    alone_ = knowing(terms, *(saw(terms, hour) for hour in range(12, 97, 12)))
    assert ceiling_at(begun(alone_), alone_) == NOW + (48 + 36) * HOUR
    both = knowing(
        terms, *(saw(terms, hour, (SAM, EVE)[hour % 24 // 12]) for hour in range(12, 73, 12))
    )
    assert ceiling_at(begun(both), both) == NOW + (72 + 36) * HOUR


def test_only_the_words_that_a_policy_lets_vouch_move_the_longest_silence() -> None:
    for vouch, other, is_home in (("carer", "school", True), ("school", "carer", False)):
        levels = {vouch: "vouches", other: "nothing", "app_seen": "nothing"}
        policy = read(over(VOUCHING, {"low": {"evidence": levels}}))
        terms = replace(terms_of(Tier.LOW), steps=policy.tiers[Tier.LOW].steps)
        counts = knowing(terms, saw(terms, 40, is_home=is_home))
        assert ceiling_at(begun(counts), counts) == NOW + 112 * HOUR
        tells_nothing = knowing(terms, saw(terms, 40, is_home=not is_home))
        assert ceiling_at(begun(tells_nothing), tells_nothing) == NOW + 72 * HOUR


def test_not_here_and_a_warning_sign_take_away_what_was_vouched_before() -> None:
    terms = terms_of(Tier.LOW)
    vouched = (saw(terms, 40),)
    assert ceiling_at(begun(terms), knowing(terms, *vouched)) == NOW + 112 * HOUR
    away = terms_of(Tier.LOW, *vouched, looks=(Look(NOW + 60 * HOUR, 100.0),))
    assert ceiling_at(begun(away), away) == NOW + 72 * HOUR
    warned = terms_of(Tier.LOW, *vouched, warned_at=NOW + 80 * HOUR)
    assert ceiling_at(begun(warned), warned) == NOW + 80 * HOUR
    unseen = terms_of(Tier.LOW, *vouched, unseen=(NOW + 60 * HOUR,))
    assert ceiling_at(begun(unseen), unseen) == NOW + 72 * HOUR
    again = knowing(unseen, *vouched, saw(terms, 61, EVE))
    assert ceiling_at(begun(again), again) == NOW + (61 + 72) * HOUR


def test_a_word_that_comes_after_the_call_was_due_does_not_undo_that_call() -> None:
    terms = terms_of(Tier.MID)
    late = knowing(terms, saw(terms, 37))
    assert call_of(late) == (NOW + 36 * HOUR, Why.CEILING)


@given(tiers, st.lists(st.tuples(hours, st.sampled_from([SAM, EVE, SCHOOL])), max_size=40))
def test_no_words_hold_a_call_back_for_longer_than_the_bound(
    tier: Tier, said: list[tuple[int, UUID]]
) -> None:
    terms = terms_of(tier)
    terms = knowing(terms, *(saw(terms, h, by, is_home=by != SCHOOL) for h, by in sorted(said)))
    at, why = call_of(terms)
    assert at <= bound_at(begun(terms), terms) == NOW + BOUND * terms.steps.ceiling
    assert why is ceiling_why(begun(terms), terms)
    assert (why is Why.NOT_MET) == (at == bound_at(begun(terms), terms))


@given(tiers, st.lists(hours, max_size=40))
def test_one_person_alone_holds_nothing_back_for_longer_than_said(
    tier: Tier, said: list[int]
) -> None:
    terms = terms_of(tier)
    terms = knowing(terms, *(saw(terms, hour) for hour in sorted(said)))
    assert call_of(terms)[0] <= NOW + alone(tier) + terms.steps.ceiling


@given(tiers, st.lists(hours, max_size=10), hours)
def test_one_more_word_makes_no_call_sooner(tier: Tier, said: list[int], more: int) -> None:
    terms = terms_of(tier)
    words = [saw(terms, hour, (SAM, EVE)[hour % 2]) for hour in sorted(said)]
    another = saw(terms, more, EVE)
    before = call_of(knowing(terms, *words))[0]
    assert call_of(knowing(terms, *words, another))[0] >= before


@given(tiers, st.lists(hours, max_size=10), st.lists(hours, max_size=5))
def test_looking_often_changes_nothing(tier: Tier, said: list[int], looks: list[int]) -> None:
    terms = terms_of(tier)
    terms = knowing(terms, *(saw(terms, hour, (SAM, EVE)[hour % 2]) for hour in sorted(said)))
    standing, often = begun(terms), []
    for hour in sorted(looks):
        standing, changes = advance(standing, terms, NOW + hour * HOUR)
        often += changes
    _, changes = advance(standing, terms, NOW + timedelta(days=40))
    called = [one.at for one in (*often, *changes) if one.what is What.ALERT]
    assert called[0] == call_of(terms)[0]

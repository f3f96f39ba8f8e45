"""What time, answers and agreements make of a watch."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from server.clock import as_utc
from server.policy.levels import Does, Evidence, Levels
from server.policy.model import SHIPPED, Doubt, Steps, Tier
from server.policy.parser import read
from server.watch.machine import advancing, alarms, answering, changing, rounds
from server.watch.machine.habit import Habit, Knowledge, Past, learned
from server.watch.machine.standing import Change, State, Terms, What, Why, as_the_child_sees, state
from server.watch.rhythm.rules import Rhythm, Span
from tests.copies import replace
from tests.watch.watches import (
    AT_EACH_MISS,
    DAY,
    HOUR,
    MINUTE,
    STARTS,
    Act,
    Life,
    acts,
    any_levels,
    any_steps,
    any_terms,
    knowledges,
    lived,
    looks,
    minutes,
    rhythms,
    starts,
)

many = settings(max_examples=int(os.environ.get("WAYMARK_TEST_EXAMPLES", "60")), deadline=None)
lives = st.lists(acts, max_size=12)
PARIS = ZoneInfo("Europe/Paris")


# --- time


@many
@given(st.data(), any_terms(), starts, lives)
def test_the_outcome_does_not_depend_on_how_often_one_looks(
    data: st.DataObject, terms: Terms, start: datetime, happened: list[Act]
) -> None:
    seldom, often = Life.begin(terms, start), Life.begin(terms, start)
    for act in happened:
        seldom.act(act)
        for glance in data.draw(st.lists(looks, max_size=6)):
            if often.now + glance.after < seldom.now:
                often.act(glance)
        often.act(replace(act, after=seldom.now - often.now))
    assert often.standing == seldom.standing
    assert often.changes == seldom.changes


@many
@given(any_terms(), starts, lives)
def test_looking_at_every_moment_of_decision_equals_one_late_look(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    late = lived(terms, start, happened)
    punctual = Life(late.terms, late.standing, late.now, [], late.begun_at)
    punctual.look(late.now)
    end = late.now + 6 * DAY
    for _ in range(5000):
        moment = advancing.next_action_at(punctual.standing, punctual.terms, punctual.now)
        assert moment > punctual.now
        if moment > end:
            break
        punctual.look(moment)
    late.changes = []
    late.look(end)
    assert punctual.standing == late.standing
    assert punctual.changes == late.changes


@pytest.mark.slow
@many
@given(any_terms(), starts, lives)
def test_nothing_is_left_due_and_the_next_moment_lies_ahead(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = Life.begin(terms, start)
    for act in happened:
        life.act(act)
        assert advancing.advance(life.standing, life.terms, life.now) == (life.standing, ())
        moment = advancing.next_action_at(life.standing, life.terms, life.now)
        assert moment > life.now
        just_before = moment - timedelta(microseconds=1)
        assert advancing.advance(life.standing, life.terms, just_before)[1] == ()


@many
@given(any_terms(), starts, lives)
def test_moments_never_go_back_and_every_change_has_its_round(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    assert all(change.at >= start for change in life.changes)
    assert all(earlier.at <= later.at for earlier, later in pairwise(life.changes))
    seen: set[datetime] = set()
    for change in life.changes:
        if change.what is What.OPENED:
            assert change.due_at not in seen
            seen.add(change.due_at)
        elif change.what is not What.ALERT:
            # A ceiling may come before any round has opened; everything else is about one that has.
            assert change.due_at in seen
        assert (change.why is None) == (change.what in (What.OPENED, What.ASK, What.JOIN))
    assert (
        max(
            Counter(
                (c.what, c.why, c.due_at)
                for c in life.changes
                if c.what in (What.OPENED, What.REMIND, What.LATE, What.JOIN)
            ).values(),
            default=1,
        )
        == 1
    )


@many
@given(any_terms(), starts, lives)
def test_what_is_not_computed_yet_is_computed_alike(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, [act for act in happened if act.what not in ("pause", "pass")])
    lazy = replace(life.standing, following_due_at=None)
    later = life.now + DAY
    assert advancing.advance(lazy, life.terms, later) == advancing.advance(
        life.standing, life.terms, later
    )
    assert advancing.next_action_at(lazy, life.terms, life.now) == advancing.next_action_at(
        life.standing, life.terms, life.now
    )
    assert answering.settle(lazy, life.terms, life.now) == answering.settle(
        life.standing, life.terms, life.now
    )


# --- silence


def longest_allowed(life: Life) -> datetime:
    """No silence may last longer: the ceiling, counted from the last sign or from the end of the
    last agreed absence that began before it was reached."""
    end = life.standing.sign_at + life.terms.steps.ceiling
    for pause in sorted(life.terms.pauses, key=lambda pause: pause.begin):
        if pause.begin < end and pause.end > life.standing.sign_at:
            end = max(end, pause.end + life.terms.steps.ceiling)
    return end


@many
@given(any_terms(), starts, lives)
def test_nothing_lets_a_silence_exceed_the_ceiling(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    assert life.silence() <= max(longest_allowed(life), life.now)


@many
@given(any_terms(), starts)
def test_a_child_who_never_answers_is_always_alerted_within_the_ceiling(
    terms: Terms, start: datetime
) -> None:
    life = Life.begin(terms, start)
    assert start < life.silence() <= start + terms.steps.ceiling


@many
@given(any_terms(), any_levels(settles=False), starts, st.data())
def test_no_evidence_that_does_not_settle_lifts_the_ceiling(
    terms: Terms, levels: Levels, start: datetime, data: st.DataObject
) -> None:
    """Whoever keeps saying "seen" where that only holds, or keeps an app open: adults are called
    all the same."""
    assume(levels.professional is Does.SETTLES)
    terms = replace(terms, steps=replace(terms.steps, levels=levels))
    life = Life.begin(terms, start)
    weak = st.sampled_from(["school", "carer", "app_seen", "sms", "link", "card"])
    for act in data.draw(st.lists(acts, max_size=30)):
        life.act(replace(act, what=data.draw(weak)))
    assert life.standing.sign_at == start
    assert start < life.silence() <= start + terms.steps.ceiling or life.standing.is_alerted
    calls = [change.at for change in life.changes if change.what is What.ALERT]
    assert all(at <= start + terms.steps.ceiling for at in calls)


@many
@given(any_terms(), starts, lives, minutes(0, 300), minutes(30, 900))
def test_what_softens_puts_adults_off_once_and_never_past_its_time(
    terms: Terms, start: datetime, happened: list[Act], later: timedelta, softens_for: timedelta
) -> None:
    levels = replace(terms.steps.levels, app_seen=Does.SOFTENS, softens_for=softens_for)
    terms = replace(terms, steps=replace(terms.steps, levels=levels))
    life = lived(terms, start, happened)
    while life.standing.missed_due_at is None and not life.standing.is_alerted:
        life.look(advancing.next_action_at(life.standing, life.terms, life.now))
    life.look(life.now + later)
    before, ceiling = life.silence(), alarms.ceiling_at(life.standing, life.terms)
    late_at = life.standing.late_at
    life.see(Evidence.APP_SEEN)
    once = life.standing
    for _ in range(3):
        life.see(Evidence.APP_SEEN)
    assert life.standing == once
    assert once.sign_at == life.standing.sign_at
    assert before <= life.silence() <= max(before, min((late_at or before) + softens_for, ceiling))


def softening(tier: Tier, softens_for: timedelta, **other: Any) -> Terms:
    """The tier that ships, in which an open app softens."""
    terms = terms_of(tier)
    levels = replace(terms.steps.levels, app_seen=Does.SOFTENS, softens_for=softens_for)
    return replace(terms, steps=replace(terms.steps, levels=levels), **other)


def after_an_open_app(terms: Terms, at: str) -> list[str]:
    """What becomes true from when an app was open on, of a silence that began at 18:00."""
    life = Life.begin(terms, moment("01T06:00"))
    life.look(moment(at))
    told = len(life.changes)
    life.see(Evidence.APP_SEEN)
    life.look(moment("04T06:00"))
    return [line for line in story(life.changes[told:]) if "ask" in line or "alert" in line]


def test_an_open_app_has_the_carer_asked_again_and_adults_called_later() -> None:
    """The middle tier: late at 19:00, the carer asked then, adults called at 19:45."""
    terms = softening(Tier.MID, 3 * HOUR)
    expected = ["01 21:15 ask", "01 22:00 alert carer_silent"]
    assert after_an_open_app(terms, "01T19:10") == expected
    assert after_an_open_app(terms, "01T19:44") == expected
    # What puts them off by less than they wait already changes nothing.
    short = softening(Tier.MID, 30 * MINUTE)
    assert after_an_open_app(short, "01T19:10") == ["01 19:45 alert carer_silent"]


def test_an_open_app_before_anything_is_late_says_nothing() -> None:
    life = Life.begin(softening(Tier.MID, 3 * HOUR), moment("01T06:00"))
    life.look(moment("01T18:30"))
    before = life.standing
    life.see(Evidence.APP_SEEN)
    assert life.standing == before


def test_an_open_app_without_a_carer_only_puts_adults_off() -> None:
    """The tier that only holds: a school has seen the child, and an app is open after it."""
    life = Life.begin(softening(Tier.HIGH, 12 * HOUR), moment("01T06:00"))
    life.look(moment("01T18:40"))
    life.terms = replace(life.terms, has_carer=False)
    life.see(Evidence.APP_SEEN)
    life.look(moment("02T05:59"))
    assert story(life.changes)[-1] != "02 06:00 alert ceiling"
    life.look(moment("02T06:30"))
    assert story(life.changes)[-1] == "02 06:00 alert ceiling"


def test_a_question_that_waits_for_the_morning_is_not_asked_twice_for_an_open_app() -> None:
    """The low tier asks the carer from 08:00 on: late at 22:30, asked in the morning."""
    late = replace(softening(Tier.LOW, 20 * HOUR), rhythm=Rhythm((time(20, 30),)))
    assert after_an_open_app(late, "01T23:00")[:2] == [
        "02 08:00 ask",
        "02 18:30 alert carer_silent",
    ]


def tightened(doubt: Doubt | None) -> Doubt | None:
    if doubt is None:
        return None
    return replace(doubt, leaves=doubt.leaves * 1.5, ask=doubt.ask / 2, page=doubt.page / 1.5)


@many
@given(any_terms(), any_steps(), starts, lives, st.booleans())
def test_a_tighter_tier_never_makes_the_next_alert_later(
    terms: Terms, tighter: Steps, start: datetime, happened: list[Act], shipped: bool
) -> None:
    steps = terms.steps
    if shipped:
        terms = replace(terms, steps=AT_EACH_MISS.tiers[Tier.LOW].steps)
        tighter = AT_EACH_MISS.tiers[Tier.HIGH].steps
    else:
        tighter = replace(
            tighter,
            grace=min(tighter.grace, steps.grace),
            remind_again=min(tighter.remind_again, tighter.grace, steps.grace),
            carer_window=min(tighter.carer_window, steps.carer_window),
            carer_from=time(0),
            carer_until=time(0),
            ceiling=min(tighter.ceiling, steps.ceiling),
            after_pass=min(filter(None, (tighter.after_pass, steps.after_pass)), default=None),
            doubt=tightened(steps.doubt),
            asks_carer=tighter.asks_carer and steps.asks_carer,
        )
    life = lived(terms, start, happened)
    before, open_before = life.silence(), life.standing.is_alerted
    life.retier(Tier.HIGH, tighter, raised=True)
    assert life.silence() <= before or open_before
    assert all(earlier.at <= later.at for earlier, later in pairwise(life.changes))


# --- answers


@many
@given(any_terms(), starts, lives)
def test_an_answer_settles_from_every_state_and_twice_equals_once(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    before = life.standing
    after, settled = answering.settle(before, life.terms, life.now)
    lazy, _ = answering.settle(replace(before, following_due_at=None), life.terms, life.now)
    assert lazy.due_at > life.now or lazy.opens_at > life.now
    assert not after.is_alerted
    assert after.missed_due_at is None
    assert after.late_at is after.ask_at is after.asked_at is after.alarm_at is None
    assert after.opens_at > life.now
    assert after.sign_at == life.now
    assert settled.was_alerted == before.is_alerted
    assert settled.was_late == (before.missed_due_at is not None)
    assert state(after, life.terms, life.now) in (State.WELL, State.AWAY)
    again, nothing = answering.settle(after, life.terms, life.now)
    assert again == after
    assert nothing.nothing


@many
@given(any_terms(), starts, lives)
def test_an_answer_never_settles_a_round_that_is_not_open(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    after, settled = answering.settle(life.standing, life.terms, life.now)
    if life.standing.opens_at > life.now:
        assert (after.due_at, after.opens_at) == (life.standing.due_at, life.standing.opens_at)
        assert settled.nothing == (not settled.was_late and not settled.was_alerted)
    else:
        assert after.due_at > life.standing.due_at
        assert not settled.nothing


@many
@given(any_terms(), starts, lives, st.sampled_from(Evidence))
def test_a_sighting_settles_or_holds_and_never_brings_the_alarm_beyond_the_ceiling(
    terms: Terms, start: datetime, happened: list[Act], evidence: Evidence
) -> None:
    life = lived(terms, start, happened)
    before = life.standing
    life.see(evidence)
    if answering.counts(evidence, terms.steps):
        assert life.standing.missed_due_at is None
    else:
        assert life.standing.is_alerted == before.is_alerted
        assert life.standing.sign_at == before.sign_at
        if before.missed_due_at is not None and not before.is_alerted:
            assert life.standing.alarm_at is not None
            assert life.standing.alarm_at <= alarms.ceiling_at(before, life.terms)


@many
@given(any_terms(), starts, lives, st.sampled_from(["sms", "link", "card"]))
def test_who_says_something_in_time_is_not_alarmed_about_sooner_than_who_says_nothing(
    terms: Terms, start: datetime, happened: list[Act], way: str
) -> None:
    levels = replace(terms.steps.levels, **{way: Does.HOLDS})
    life = lived(replace(terms, steps=replace(terms.steps, levels=levels)), start, happened)
    assume(life.standing.missed_due_at is None)
    without = life.silence()
    life.see(Evidence(way))
    assert without <= life.silence() <= max(without, longest_allowed(life))


# --- walks by hand


def test_a_word_in_time_has_the_carer_asked_when_the_hold_is_over() -> None:
    life = Life.begin(terms_of(Tier.HIGH), moment("01 12:00"))
    life.look(moment("01 17:50"))
    life.see(Evidence.SMS)
    life.look(moment("01 18:31"))
    assert life.standing.missed_due_at == moment("01 18:00")
    assert life.standing.ask_at == moment("01 23:50")


def test_a_word_before_its_round_opens_holds_nothing() -> None:
    life = Life.begin(terms_of(Tier.HIGH), moment("01 12:00"))
    life.look(moment("01 15:00"))
    life.see(Evidence.SMS)
    assert life.standing.held_at is None


def terms_of(tier: Tier, *, carer: bool = True, at: str = "18:00", zone: str = "UTC") -> Terms:
    rhythm = Rhythm((time.fromisoformat(at),))
    return Terms(tier, AT_EACH_MISS.tiers[tier].steps, rhythm, ZoneInfo(zone), (), carer)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-06-{text}").replace(tzinfo=UTC)


def story(changes: Sequence[Change]) -> list[str]:
    return [f"{c.at:%d %H:%M} {c.what}{f' {c.why}' if c.why else ''}" for c in changes]


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (
            Tier.HIGH,
            [
                "01 16:00 opened",
                "01 17:30 remind before",
                "01 18:00 remind due",
                "01 18:15 remind again",
                "01 18:30 late grace_over",
                "01 18:30 ask",
                "01 18:45 alert carer_silent",
            ],
        ),
        (
            Tier.MID,
            [
                "01 16:00 opened",
                "01 17:00 remind before",
                "01 18:00 remind due",
                "01 18:30 remind again",
                "01 19:00 late grace_over",
                "01 19:00 ask",
                "01 19:45 alert carer_silent",
            ],
        ),
        (
            Tier.LOW,
            [
                "01 16:00 opened",
                "01 16:00 remind before",
                "01 18:00 remind due",
                "01 19:00 remind again",
                "01 20:00 late grace_over",
                "01 20:00 ask",
                "01 23:00 alert carer_silent",
            ],
        ),
    ],
)
def test_the_shipped_policy_step_by_step(tier: Tier, expected: list[str]) -> None:
    life = Life.begin(terms_of(tier), moment("01T06:00"))
    life.look(moment("02T05:00"))
    assert story(life.changes) == expected


def test_without_a_carer_adults_are_called_when_the_round_is_late() -> None:
    life = Life.begin(terms_of(Tier.MID, carer=False), moment("01T06:00"))
    life.look(moment("01T19:00"))
    assert story(life.changes)[-2:] == ["01 19:00 late grace_over", "01 19:00 alert no_carer"]
    assert state(life.standing, life.terms, life.now) is State.ALERTED


def test_a_further_miss_joins_the_alert() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.look(moment("02T19:00"))
    assert story(life.changes)[-2:] == ["02 19:00 late grace_over", "02 19:00 join"]
    assert sum(change.what is What.ALERT for change in life.changes) == 1


def test_a_further_miss_before_the_alert_asks_nobody_twice() -> None:
    slow = replace(AT_EACH_MISS.tiers[Tier.MID].steps, carer_window=30 * HOUR)
    life = Life.begin(replace(terms_of(Tier.MID), steps=slow), moment("01T06:00"))
    life.look(moment("03T00:00"))
    assert sum(change.what is What.LATE for change in life.changes) == 2
    assert sum(change.what is What.ASK for change in life.changes) == 1


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        ("05:59", "01 08:00"),  # Late at 07:59, too early for a carer.
        ("06:00", "01 08:00"),
        ("19:59", "01 21:59"),
        ("20:00", "02 08:00"),
        ("23:30", "02 08:00"),
    ],
)
def test_a_carer_of_the_low_tier_is_asked_by_day_only(at: str, asked: str) -> None:
    life = Life.begin(terms_of(Tier.LOW, at=at), moment("01T00:01"))
    life.look(moment("02T12:00"))
    asks = [change for change in story(life.changes) if change.endswith("ask")]
    assert asks[0] == f"{asked} ask"


def test_a_carer_who_has_not_seen_the_child_calls_adults_at_once() -> None:
    life = Life.begin(terms_of(Tier.LOW), moment("01T06:00"))
    life.look(moment("01T20:05"))
    life.act(Act("not_seen", MINUTE))
    assert story(life.changes)[-1] == "01 20:06 alert not_seen"


def test_not_seen_says_nothing_where_nothing_is_missed() -> None:
    life = Life.begin(terms_of(Tier.LOW), moment("01T06:00"))
    life.act(Act("not_seen", MINUTE))
    assert life.changes == []


def test_seen_by_the_carer_holds_a_child_of_the_high_tier_for_six_hours() -> None:
    life = Life.begin(terms_of(Tier.HIGH), moment("01T06:00"))
    life.look(moment("01T18:40"))
    life.act(Act("carer", MINUTE))
    life.look(moment("02T06:00"))
    assert story(life.changes)[-2:] == ["02 00:41 ask", "02 00:56 alert carer_silent"]


def test_seen_by_the_carer_settles_a_child_of_the_middle_tier() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.look(moment("01T19:10"))
    life.act(Act("carer", MINUTE))
    assert state(life.standing, life.terms, life.now) is State.WELL
    assert life.standing.due_at == moment("02T18:00")


def test_a_professional_settles_in_every_tier() -> None:
    for tier in Tier:
        assert answering.counts(Evidence.PROFESSIONAL, AT_EACH_MISS.tiers[tier].steps)
        assert answering.counts(Evidence.CHILD, AT_EACH_MISS.tiers[tier].steps)


def test_a_hold_asks_the_carer_within_their_hours() -> None:
    steps = replace(
        AT_EACH_MISS.tiers[Tier.HIGH].steps,
        carer_from=time(8),
        carer_until=time(22),
    )
    life = Life.begin(replace(terms_of(Tier.HIGH), steps=steps), moment("01T06:00"))
    life.look(moment("01T18:40"))
    life.act(Act("carer", MINUTE))
    assert life.standing.ask_at == moment("02T08:00")


def test_a_hold_where_no_carer_is_left_ends_in_an_alert() -> None:
    """A school has seen the child, and nobody lives there who could be asked again."""
    life = Life.begin(terms_of(Tier.HIGH), moment("01T06:00"))
    life.look(moment("01T18:40"))
    life.terms = replace(life.terms, has_carer=False)
    life.act(Act("carer", MINUTE))
    life.look(moment("02T06:00"))
    assert story(life.changes)[-1] == "02 00:41 alert no_carer"
    assert sum(change.what is What.ASK for change in life.changes) == 1


def test_the_ceiling_calls_although_nothing_is_late() -> None:
    weekly = replace(terms_of(Tier.HIGH), rhythm=Rhythm((time(18),), frozenset({0})))
    life = Life.begin(weekly, moment("02T06:00"))  # The 1st of June 2026 is a Monday.
    life.look(moment("08T18:30"))
    assert story(life.changes)[0] == "03 06:00 alert ceiling"
    assert story(life.changes)[-1] == "08 18:30 join"


def test_a_placed_child_is_reminded_no_earlier_than_it_was_placed() -> None:
    life = Life.begin(terms_of(Tier.LOW), moment("01T17:00"))
    life.look(moment("01T18:00"))
    assert story(life.changes) == [
        "01 17:00 opened",
        "01 17:00 remind before",
        "01 18:00 remind due",
    ]


def test_a_rhythm_that_asks_nothing_in_reach_cannot_begin() -> None:
    terms = replace(
        terms_of(Tier.MID), pauses=(Span(moment("01T00:00"), moment("01T00:00") + 500 * DAY),)
    )
    with pytest.raises(ValueError, match="400 days"):
        rounds.begin(terms, moment("01T06:00"))


# --- the terms change


def test_a_raised_tier_asks_from_now_on_and_does_not_say_that_anybody_was_silent_before() -> None:
    life = Life.begin(terms_of(Tier.LOW), moment("01T06:00"))
    life.look(moment("01T18:50"))
    life.retier(Tier.HIGH, AT_EACH_MISS.tiers[Tier.HIGH].steps, raised=True)
    life.look(moment("01T20:00"))
    assert story(life.changes)[-3:] == [
        "01 18:50 late grace_over",
        "01 18:50 ask",
        "01 19:05 alert carer_silent",
    ]


def test_a_raised_tier_shortens_an_alarm_under_way() -> None:
    life = Life.begin(terms_of(Tier.LOW), moment("01T06:00"))
    life.look(moment("01T20:05"))
    life.retier(Tier.HIGH, AT_EACH_MISS.tiers[Tier.HIGH].steps, raised=True)
    life.look(moment("01T23:00"))
    assert story(life.changes)[-1] == "01 20:15 alert carer_silent"


def test_a_raised_tier_wakes_a_carer_who_was_to_be_asked_in_the_morning() -> None:
    life = Life.begin(terms_of(Tier.LOW, at="22:00"), moment("01T06:00"))
    life.look(moment("02T01:00"))
    assert life.standing.ask_at == moment("02T08:00")
    life.retier(Tier.HIGH, AT_EACH_MISS.tiers[Tier.HIGH].steps, raised=True)
    life.look(moment("02T02:00"))
    assert story(life.changes)[-2:] == ["02 01:00 ask", "02 01:15 alert carer_silent"]


def test_a_raised_tier_says_so_where_its_ceiling_is_what_calls() -> None:
    life = Life.begin(terms_of(Tier.LOW, at="22:00"), moment("01T06:00"))
    life.look(moment("02T01:00"))
    tight = replace(AT_EACH_MISS.tiers[Tier.HIGH].steps, ceiling=19 * HOUR + 5 * MINUTE)
    life.retier(Tier.HIGH, tight, raised=True)
    life.look(moment("02T02:00"))
    assert story(life.changes)[-1] == "02 01:05 alert ceiling"


def test_a_raised_tier_shortens_a_hold_without_a_carer() -> None:
    life = Life.begin(terms_of(Tier.HIGH), moment("01T06:00"))
    life.look(moment("01T18:40"))
    life.terms = replace(life.terms, has_carer=False)
    life.act(Act("carer", MINUTE))
    life.retier(Tier.HIGH, life.terms.steps, raised=True)
    assert (life.standing.alarm_at, life.standing.alarm_why) == (moment("01T18:56"), Why.NO_CARER)


def test_a_raised_tier_that_is_no_tighter_leaves_the_alarm_where_it_was() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.look(moment("01T19:05"))
    before = life.standing
    life.retier(Tier.HIGH, AT_EACH_MISS.tiers[Tier.MID].steps, raised=True)
    assert life.standing == before


def test_a_tier_that_is_raised_where_nothing_is_late_changes_nothing_under_way() -> None:
    life = Life.begin(terms_of(Tier.LOW), moment("01T06:00"))
    before = life.standing
    life.retier(Tier.HIGH, AT_EACH_MISS.tiers[Tier.HIGH].steps, raised=True)
    assert life.standing == before


# --- free windows


def free(tier: Tier) -> Terms:
    """Some time from 14:00 to 18:00."""
    evening = Rhythm((time(18),), windows=((time(14), time(18)),))
    return replace(terms_of(tier), rhythm=evening)


@pytest.mark.parametrize(
    ("tier", "rest"),
    [
        (Tier.HIGH, ["18:15 remind again", "18:30 late grace_over", "18:30 ask"]),
        (Tier.MID, ["18:30 remind again", "19:00 late grace_over", "19:00 ask"]),
        (Tier.LOW, ["19:00 remind again", "20:00 late grace_over", "20:00 ask"]),
    ],
)
def test_a_free_window_reminds_at_its_beginning_and_is_late_after_its_end_and_the_grace(
    tier: Tier, rest: list[str]
) -> None:
    life = Life.begin(free(tier), moment("01T06:00"))
    life.look(moment("01T20:00"))
    told = ["14:00 opened", "14:00 remind before", "18:00 remind due", *rest]
    assert story(life.changes)[:6] == [f"01 {line}" for line in told]


@pytest.mark.parametrize("at", ["14:00", "14:01", "16:00", "17:59", "18:00", "18:59"])
def test_an_answer_at_any_time_of_the_window_counts(at: str) -> None:
    life = Life.begin(free(Tier.MID), moment("01T06:00"))
    life.look(moment("01T13:59"))
    life.act(Act("answer", moment(f"01T{at}") - life.now))
    assert life.standing.due_at == moment("02T18:00")
    assert life.standing.missed_due_at is None


def test_an_answer_before_the_window_is_early_and_settles_nothing() -> None:
    life = Life.begin(free(Tier.MID), moment("01T06:00"))
    life.act(Act("answer", moment("01T13:59") - life.now))
    assert life.standing.due_at == moment("01T18:00")


def test_a_child_away_when_the_window_begins_is_reminded_when_they_are_back() -> None:
    life = Life.begin(free(Tier.MID), moment("01T06:00"))
    life.act(Act("pause", HOUR, 8 * HOUR + 30 * MINUTE))
    life.look(moment("01T17:30"))
    assert story(life.changes) == ["01 14:00 opened", "01 15:30 remind before"]


def test_at_the_end_of_an_absence_no_window_makes_anybody_wait() -> None:
    life = Life.begin(free(Tier.MID), moment("01T06:00"))
    life.act(Act("pass", HOUR, 11 * HOUR))
    assert (life.standing.due_at, life.standing.opens_at) == (
        moment("01T18:00"),
        moment("01T16:00"),
    )
    life.look(moment("01T18:20"))
    assert "01 18:20 late grace_over" in story(life.changes)


def test_a_window_that_is_agreed_while_it_lasts_opens_at_once() -> None:
    life = Life.begin(terms_of(Tier.MID, at="21:00"), moment("01T06:00"))
    life.look(moment("01T15:00"))
    life.reterm(free(Tier.MID))
    after = life.standing
    assert (after.due_at, after.opens_at) == (moment("01T18:00"), moment("01T15:00"))


def test_what_was_answered_in_a_window_is_not_asked_for_again_after_an_absence_is_agreed() -> None:
    life = Life.begin(free(Tier.MID), moment("01T06:00"))
    life.act(Act("answer", 9 * HOUR))
    life.act(Act("pause", HOUR, 30 * HOUR))
    assert life.standing.due_at == moment("03T18:00")


def test_a_new_rhythm_leaves_an_open_round_as_it_was_agreed() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.look(moment("01T18:20"))
    life.reterm(replace(life.terms, rhythm=Rhythm((time(18, 10), time(20)))))
    after = life.standing
    assert after.due_at == moment("01T18:00")
    # 18:10 is over: nobody was asked for it.
    assert after.following_due_at == moment("01T20:00")


def test_a_new_rhythm_takes_the_place_of_a_round_that_is_not_open() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.reterm(replace(life.terms, rhythm=Rhythm((time(7),))))
    after = life.standing
    assert (after.due_at, after.opens_at) == (moment("01T07:00"), moment("01T06:00"))
    assert after.following_due_at == moment("02T07:00")


def test_a_pause_excuses_an_open_round_and_silences_nothing_that_is_late() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.look(moment("01T17:30"))
    life.act(Act("pause", MINUTE, 20 * HOUR))
    assert life.standing.due_at == moment("02T18:00")
    assert state(life.standing, life.terms, life.now) is State.AWAY
    late = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    late.look(moment("01T19:10"))
    late.act(Act("pause", MINUTE, 20 * HOUR))
    assert state(late.standing, late.terms, late.now) is State.LATE
    late.look(moment("01T20:00"))
    assert story(late.changes)[-1] == "01 19:45 alert carer_silent"


def test_the_ceiling_counts_from_the_end_of_an_agreed_absence() -> None:
    weekly = replace(terms_of(Tier.HIGH), rhythm=Rhythm((time(18),), frozenset({0})))
    life = Life.begin(weekly, moment("02T06:00"))
    life.act(Act("pause", HOUR, 2 * DAY))
    life.look(moment("06T12:00"))
    assert story(life.changes)[0] == "05 07:00 alert ceiling"


@pytest.mark.parametrize(
    ("tier", "carer", "expected"),
    [
        # On other days: late after 30 min, 1 h, 2 h; the carer has 15 min, 45 min, 3 h.
        (Tier.HIGH, True, ["12:15 late grace_over", "12:15 ask", "12:30 alert carer_silent"]),
        (Tier.MID, True, ["12:20 late grace_over", "12:20 ask", "12:40 alert carer_silent"]),
        (Tier.LOW, True, ["12:30 late grace_over", "12:30 ask", "13:00 alert carer_silent"]),
        (Tier.LOW, False, ["12:30 late grace_over", "12:30 alert no_carer"]),
    ],
)
def test_who_does_not_come_back_from_an_absence_is_missed_sooner_than_on_other_days(
    tier: Tier, carer: bool, expected: list[str]
) -> None:
    life = Life.begin(terms_of(tier, carer=carer), moment("01T06:00"))
    life.act(Act("pass", 6 * HOUR, 2 * DAY))
    assert life.standing.due_at == moment("03T12:00")
    assert state(life.standing, life.terms, life.now) is State.AWAY
    life.look(moment("03T13:00"))
    told = [line for line in story(life.changes) if " remind" not in line]
    assert told == ["03 10:00 opened", *(f"03 {line}" for line in expected)]


def test_who_leaves_after_the_answer_of_the_day_is_asked_on_coming_back_all_the_same() -> None:
    """The answer of the evening was given before the absence was agreed, and its end lies before
    that of tomorrow."""
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.act(Act("answer", 10 * HOUR))
    assert life.standing.due_at == moment("02T18:00")
    life.act(Act("pass", 30 * MINUTE, 5 * HOUR))
    assert life.standing.due_at == moment("01T21:30")
    life.act(Act("pause", MINUTE, HOUR))
    assert life.standing.due_at == moment("01T21:30")
    life.act(Act("answer", 5 * HOUR))
    assert life.standing.due_at == moment("02T18:00")


def test_the_very_first_answer_of_a_dense_rhythm_is_not_asked_for_again() -> None:
    """It opens at the placement, earlier than others do; and nobody was asked before it."""
    hourly = replace(terms_of(Tier.MID), rhythm=Rhythm(every=HOUR))
    life = Life.begin(hourly, moment("01T12:00"))
    assert life.standing.opens_at == moment("01T12:00")
    life.act(Act("answer", 10 * MINUTE))
    before, due = life.standing, life.standing.due_at
    life.reterm(replace(hourly, pauses=(Span(moment("01T12:20"), moment("01T15:00")),)))
    life.look(moment("01T12:30"))
    life.reterm(hourly)
    assert life.standing.due_at == due == before.due_at


def test_who_answers_on_coming_back_is_asked_as_ever_from_then_on() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.act(Act("pass", 6 * HOUR, 2 * DAY))
    life.act(Act("answer", 2 * DAY + 5 * MINUTE))
    assert life.standing.due_at == moment("03T18:00")
    life.look(moment("03T19:50"))
    assert story(life.changes)[-3:] == [
        "03 19:00 late grace_over",
        "03 19:00 ask",
        "03 19:45 alert carer_silent",
    ]


def test_a_habit_makes_nobody_wait_for_a_child_that_does_not_come_back() -> None:
    usual = terms_of(Tier.LOW)
    doubt = Doubt(0.001, 0.04, 0.2, 6 * HOUR, 20 * HOUR)
    life = Life.begin(replace(usual, steps=replace(usual.steps, doubt=doubt)), moment("01T06:00"))
    life.act(Act("pass", 6 * HOUR, 2 * DAY))
    life.look(moment("03T14:00"))
    assert "03 13:00 alert carer_silent" in story(life.changes)


def test_a_policy_may_say_that_coming_back_is_as_on_other_days() -> None:
    usual = terms_of(Tier.MID)
    life = Life.begin(
        replace(usual, steps=replace(usual.steps, after_pass=None)), moment("01T06:00")
    )
    life.act(Act("pass", 6 * HOUR, 2 * DAY))
    life.look(moment("03T14:00"))
    assert story(life.changes)[-1] == "03 13:45 alert carer_silent"


def test_the_next_moment_is_the_edge_of_a_pause_where_that_comes_first() -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.act(Act("pause", MINUTE, HOUR))
    assert advancing.next_action_at(life.standing, life.terms, life.now) == moment("01T07:01")


@many
@given(st.data(), any_terms(), starts, lives)
def test_what_was_answered_is_not_asked_for_again_whenever_an_absence_is_agreed(
    data: st.DataObject, terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, [*happened, Act("answer", data.draw(minutes(0, 540)))])
    before, now, begun_at = life.standing, life.now, life.begun_at
    later = life.now + data.draw(minutes(1, 20_000))
    pause = Span(later, later + data.draw(minutes(1, 5000)))
    away = replace(life.terms, pauses=(*life.terms.pauses, pause))
    gone = changing.reschedule(before, away, now, before=life.terms, begun_at=begun_at)
    back = changing.reschedule(gone, life.terms, now, before=away, begun_at=begun_at)
    assert gone.due_at >= before.due_at
    if not pause.holds(before.due_at):
        assert (gone.due_at, gone.opens_at) == (before.due_at, before.opens_at)
        assert back == before


@many
@given(any_terms(), rhythms, starts, lives)
def test_whatever_rhythm_is_agreed_no_past_round_is_asked_for(
    terms: Terms, rhythm: Rhythm, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    before, terms = life.standing, life.terms
    life.reterm(replace(terms, rhythm=rhythm))
    assert life.standing.due_at == before.due_at or life.standing.due_at > life.now
    assert life.standing.following_due_at is not None
    assert life.standing.following_due_at > max(life.standing.due_at, life.now)
    assert life.standing.missed_due_at == before.missed_due_at
    assert life.silence() <= max(longest_allowed(life), life.now)


# --- what people see


@pytest.mark.parametrize(
    ("at", "seen"),
    [
        ("01T15:59", State.WELL),
        ("01T16:00", State.DUE),
        ("01T18:59", State.DUE),
        ("01T19:00", State.LATE),
        ("01T19:44", State.LATE),
        ("01T19:45", State.ALERTED),
    ],
)
def test_what_everybody_sees(at: str, seen: State) -> None:
    life = Life.begin(terms_of(Tier.MID), moment("01T06:00"))
    life.look(moment(at))
    assert state(life.standing, life.terms, life.now) is seen


def test_a_childs_own_session_learns_nothing_of_what_adults_do() -> None:
    seen = {state: as_the_child_sees(state) for state in State}
    assert set(seen.values()) == {State.WELL, State.DUE, State.LATE}
    assert seen[State.ALERTED] is seen[State.MISSING] is seen[State.LATE] is State.LATE
    assert seen[State.AWAY] is seen[State.WELL] is State.WELL


# --- by what is usual for the child

HABITUAL = read(SHIPPED)


@many
@given(
    starts,
    rhythms,
    st.booleans(),
    st.lists(st.booleans(), min_size=30, max_size=60),
    st.sampled_from([Tier.MID, Tier.LOW]),
)
def test_a_child_who_answers_at_random_is_alerted_within_the_ceiling_all_the_same(
    start: datetime, rhythm: Rhythm, carer: bool, answered: list[bool], tier: Tier
) -> None:
    """The worst child to learn from: its habit is that of somebody who answers half the time."""
    steps = HABITUAL.tiers[tier].steps
    past = [Past(start - n * 12 * HOUR, is_answered) for n, is_answered in enumerate(answered)]
    terms = Terms(tier, steps, rhythm, PARIS, (), carer, Knowledge(learned(past, PARIS)))
    life = Life.begin(terms, start)
    assert life.silence() <= start + steps.ceiling


def test_who_nearly_always_answers_is_missed_earlier_than_who_seldom_does() -> None:
    called = {}
    for share in (1, 2, 10):
        past = [Past(EARLY - n * DAY, n % share == 0) for n in range(60)]
        steps = HABITUAL.tiers[Tier.MID].steps
        terms = Terms(Tier.MID, steps, TWICE, PARIS, (), True, Knowledge(learned(past, PARIS)))
        called[share] = asked_at(terms)
    assert called[1] < called[2] <= called[10]


def asked_at(terms: Terms) -> datetime:
    life = Life.begin(terms, EARLY)
    life.look(EARLY + 36 * HOUR)
    return next(change.at for change in life.changes if change.what is What.ASK)


EARLY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TWICE = Rhythm((time(9), time(19)))


def test_a_carer_who_says_nothing_is_asked_again_and_brings_no_alarm_by_it() -> None:
    terms = Terms(Tier.MID, HABITUAL.tiers[Tier.MID].steps, TWICE, PARIS, (), True)
    life = Life.begin(terms, EARLY)
    life.look(EARLY + 7 * DAY)
    asks = [change.at for change in life.changes if change.what is What.ASK]
    alert = next(change for change in life.changes if change.what is What.ALERT)
    assert len(asks) > 1
    assert all(later - earlier >= 4 * HOUR for earlier, later in pairwise(asks))
    assert alert.why in (Why.UNUSUAL, Why.CEILING)
    assert alert.at <= EARLY + 36 * HOUR


def usual(share: int, **known: Any) -> Terms:
    """The terms of a child that answers every so many-th evening, in the low tier."""
    past = [Past(EARLY - n * DAY, n % share == 0) for n in range(60)]
    steps = HABITUAL.tiers[Tier.LOW].steps
    return Terms(
        Tier.LOW, steps, EVENING, PARIS, (), True, Knowledge(learned(past, PARIS), **known)
    )


def not_found(terms: Terms, *after: timedelta) -> Life:
    """An evening is missed, and somebody looks so long after it is late, and so long after that."""
    life = Life.begin(terms, EARLY)
    life.look(EARLY + 8 * HOUR)
    for each in after:
        life.act(Act("not_seen", each))
    return life


EVENING = Rhythm((time(19),))


# --- asked once more


def calls_of(life: Life) -> list[Change]:
    return [change for change in life.changes if change.why is Why.LAST_CALL]


def test_before_adults_are_called_a_silent_child_is_asked_once_more_and_not_in_its_sleep() -> None:
    """Last heard on Monday at noon; the longest silence ends on Wednesday at one in the morning."""
    terms = Terms(Tier.MID, HABITUAL.tiers[Tier.MID].steps, EVENING, PARIS, (), False)
    life = Life.begin(terms, EARLY)
    life.look(EARLY + 3 * DAY)
    alert = next(change for change in life.changes if change.what is What.ALERT)
    assert alert.at == EARLY + 36 * HOUR
    (call,) = calls_of(life)
    assert call.at.astimezone(PARIS) == datetime(2026, 3, 3, 21, 59, tzinfo=PARIS)
    assert call.due_at.astimezone(PARIS) == datetime(2026, 3, 2, 19, tzinfo=PARIS)


def test_who_answers_then_is_asked_once_more_in_the_next_silence_too() -> None:
    steps = replace(HABITUAL.tiers[Tier.MID].steps, rest=None)
    life = Life.begin(Terms(Tier.MID, steps, EVENING, PARIS, (), False), EARLY)
    life.look(EARLY + 34 * HOUR)
    assert len(calls_of(life)) == 1
    life.act(Act("answer", timedelta(0)))
    assert not life.standing.is_alerted
    life.look(life.now + 4 * DAY)
    assert len(calls_of(life)) == 2


def test_where_adults_are_called_at_once_nobody_asks_the_child_first() -> None:
    life = not_found(usual(1, warned_at=EARLY - DAY), HOUR)
    assert life.standing.is_alerted
    assert calls_of(life) == []


@many
@given(any_terms(), starts, lives)
def test_a_child_is_asked_once_more_at_most_once_in_a_silence_and_awake(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    life.look(life.now + 5 * DAY)
    silences: list[Change] = []
    for change in calls_of(life):
        steps = life.terms.steps
        assert steps.last_call is not None
        of_it = [c for c in life.changes if c.what is What.LATE and c.due_at == change.due_at]
        assert [late.at <= change.at for late in of_it] == [True]
        assert not any(c.what is What.ALERT and c.at == change.at for c in life.changes)
        assert change.due_at not in [known.due_at for known in silences]
        silences.append(change)
        if steps.rest is not None:
            assert not steps.rest.holds(change.at.astimezone(terms.zone).time())


def test_who_showed_a_warning_sign_and_is_not_found_calls_adults_at_once() -> None:
    life = not_found(usual(1, warned_at=EARLY - DAY), HOUR)
    assert life.changes[-1].what is What.ALERT
    assert life.changes[-1].why is Why.NOT_SEEN
    long_ago = not_found(usual(1, warned_at=EARLY - 5 * DAY), HOUR)
    assert not long_ago.standing.is_alerted


def test_of_who_seldom_answers_the_carer_who_did_not_find_the_child_is_asked_again() -> None:
    life = not_found(usual(3), HOUR)
    assert not life.standing.is_alerted
    assert life.standing.ask_at == as_utc(date(2026, 3, 3), time(8), PARIS)


def test_who_is_looked_for_twice_in_vain_is_missed_earlier_but_not_by_saying_it_twice() -> None:
    known = usual(1, missing=1)
    once, twice = not_found(known, HOUR), not_found(known, HOUR, 14 * HOUR)
    assert twice.silence() < once.silence()
    assert not_found(known, HOUR, 5 * MINUTE).silence() == once.silence()


def test_who_was_missing_before_is_missed_earlier() -> None:
    before = not_found(usual(1, missing=1), HOUR, 14 * HOUR).silence()
    assert before < not_found(usual(1), HOUR, 14 * HOUR).silence()


def unreached(since: datetime | None, *, asks: bool = True, carer: bool = True) -> Terms:
    """A child that seldom answers; since when no reminder reaches it."""
    terms = usual(3, unreached_since=since)
    assert terms.steps.doubt is not None
    doubt = replace(terms.steps.doubt, silent_phone=asks)
    return replace(terms, steps=replace(terms.steps, doubt=doubt), has_carer=carer)


LATE = EARLY + 8 * HOUR  # Due at 18:00 by UTC, and the grace of the low tier.


@pytest.mark.parametrize(
    ("terms", "asked"),
    [
        (unreached(EARLY), LATE),
        (unreached(LATE), LATE),
        (unreached(LATE + MINUTE), None),
        (unreached(None), None),
        (unreached(EARLY, asks=False), None),
        (unreached(EARLY, carer=False), None),
        (usual(3, drifts=True), LATE),
        (replace(usual(3, drifts=True), has_carer=False), None),
    ],
)
def test_where_no_reminder_reaches_the_child_the_carer_is_asked_at_once(
    terms: Terms, asked: datetime | None
) -> None:
    life = Life.begin(terms, EARLY)
    life.look(LATE + HOUR)
    asks = [change.at for change in life.changes if change.what is What.ASK]
    assert asks == ([asked] if asked else [])


@many
@given(any_terms(shipped=False), starts, lives, starts)
def test_a_phone_that_shows_nothing_never_changes_when_adults_are_called(
    terms: Terms, start: datetime, happened: list[Act], since: datetime
) -> None:
    def called(knowledge: Knowledge) -> list[datetime]:
        life = lived(replace(terms, knowledge=knowledge), start, happened)
        return [change.at for change in life.changes if change.what is What.ALERT]

    without = replace(terms.knowledge, unreached_since=None)
    assert called(replace(without, unreached_since=since)) == called(without)


def test_at_the_end_of_an_absence_not_seen_calls_adults_at_once_whatever_is_usual() -> None:
    back = EARLY + HOUR
    terms = replace(usual(3), pauses=(Span(EARLY - DAY, back, returns=True),))
    life = Life.begin(terms, EARLY)
    life.look(back + 40 * MINUTE)
    assert life.standing.missed_due_at == back
    life.act(Act("not_seen", MINUTE))
    assert life.standing.is_alerted
    assert life.changes[-1].why is Why.NOT_SEEN


def test_where_the_policy_weighs_nothing_of_it_not_seen_calls_adults_at_once() -> None:
    terms = usual(3)
    assert terms.steps.doubt is not None
    at_once = replace(terms.steps, doubt=replace(terms.steps.doubt, not_seen=1000.0))
    life = not_found(replace(terms, steps=at_once), HOUR)
    assert life.standing.is_alerted
    assert life.changes[-1].why is Why.NOT_SEEN


@many
@given(any_terms(shipped=False), starts, lives)
def test_an_adult_who_could_not_find_the_child_never_makes_the_next_alert_later(
    terms: Terms, start: datetime, happened: list[Act]
) -> None:
    life = lived(terms, start, happened)
    before = life.silence()
    life.act(Act("not_seen", timedelta(0)))
    assert life.silence() <= before


def test_a_raised_tier_leaves_an_alarm_where_the_next_miss_would_have_brought_it() -> None:
    """The high tier gives a window from the raise on; the habit would have called in it."""
    dense = Rhythm(every=timedelta(seconds=2183))
    habit = Habit({(2, False): (0, 1)})
    doubt = Doubt(0.006, 0.02, 0.2, 6 * HOUR, 12 * HOUR)
    steps = replace(HABITUAL.tiers[Tier.MID].steps, doubt=doubt)
    terms = Terms(Tier.MID, steps, dense, PARIS, (), False, Knowledge(habit))
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)
    answers = Act("answer", timedelta(seconds=12180)), Act("look", timedelta(seconds=23580))
    life = lived(terms, start, answers)
    before = life.silence()
    life.retier(Tier.HIGH, AT_EACH_MISS.tiers[Tier.HIGH].steps, raised=True)
    assert life.silence() == before


RAISES = [(Tier.LOW, Tier.MID), (Tier.LOW, Tier.HIGH), (Tier.MID, Tier.HIGH)]
# Noticed at the beginning, and missing twice before: one miss is enough for the middle tier.
FEARED = Knowledge(warned_at=STARTS[0], missing=2)
MIDNIGHTS = Rhythm((time(0),), frozenset({0, 1, 5}))


@many
@given(starts, rhythms, lives, st.booleans(), st.sampled_from(RAISES), knowledges)
# At midnight the middle tier waits an hour and calls; the high one waits half an hour, asks the
# carer, and gives an hour.
@example(STARTS[0], MIDNIGHTS, [], True, (Tier.MID, Tier.HIGH), FEARED)
def test_under_the_habit_too_a_raised_tier_never_makes_the_next_alert_later(
    start: datetime,
    rhythm: Rhythm,
    happened: list[Act],
    carer: bool,
    raised: tuple[Tier, Tier],
    knowledge: Knowledge,
) -> None:
    lower, higher = raised
    terms = Terms(lower, HABITUAL.tiers[lower].steps, rhythm, PARIS, (), carer, knowledge)
    life = lived(terms, start, happened)
    before, open_before = life.silence(), life.standing.is_alerted
    life.retier(higher, HABITUAL.tiers[higher].steps, raised=True)
    assert life.silence() <= before or open_before


def feared(raised_to: Tier = Tier.HIGH) -> Life:
    """Their tier was raised at noon; the lower one would have called at one in the night."""
    steps = HABITUAL.tiers[Tier.MID].steps
    life = Life.begin(Terms(Tier.MID, steps, MIDNIGHTS, PARIS, (), True, FEARED), STARTS[0])
    life.retier(raised_to, HABITUAL.tiers[raised_to].steps, raised=True)
    return life


ONE_AT_NIGHT = datetime(2026, 3, 28, tzinfo=UTC)


def test_a_call_that_is_kept_names_what_decided_it_and_the_carer_is_asked_before_it() -> None:
    life = feared()
    life.look(ONE_AT_NIGHT)
    ask, alert = life.changes[-2:]
    assert (ask.what, ask.at) == (What.ASK, ONE_AT_NIGHT - HOUR / 2)
    assert (alert.what, alert.at, alert.why) == (What.ALERT, ONE_AT_NIGHT, Why.UNUSUAL)


def test_an_answer_ends_a_call_that_is_kept() -> None:
    life = feared()
    life.act(Act("answer", HOUR))
    assert life.standing.alarm_at is None
    # The high tier as it always is: late after half an hour, and an hour for the carer.
    assert life.silence() == ONE_AT_NIGHT + HOUR / 2


def test_an_absence_that_excuses_the_round_ends_a_call_that_is_kept() -> None:
    life = feared()
    life.act(Act("pause", HOUR, 24 * HOUR))
    assert life.standing.alarm_at is None
    assert life.silence() > ONE_AT_NIGHT + DAY


def test_an_absence_at_another_time_leaves_a_call_that_is_kept() -> None:
    life = feared()
    later = Span(ONE_AT_NIGHT + 8 * HOUR, ONE_AT_NIGHT + 9 * HOUR)
    life.reterm(replace(life.terms, pauses=(later,)))
    assert life.silence() == ONE_AT_NIGHT


def test_a_tier_that_is_raised_again_while_nothing_is_late_calls_nobody_for_it() -> None:
    life = feared()
    life.look(STARTS[0] + 6 * HOUR)
    life.retier(Tier.HIGH, HABITUAL.tiers[Tier.HIGH].steps, raised=True)
    assert not life.standing.is_alerted
    assert life.silence() == ONE_AT_NIGHT


def test_a_word_in_time_by_a_way_that_only_holds_puts_off_a_call_that_is_kept() -> None:
    life = feared()
    life.act(Act("sms", ONE_AT_NIGHT - HOUR - life.now))
    assert life.silence() == ONE_AT_NIGHT + 6 * HOUR  # Asked after six hours less one, and an hour.


@pytest.mark.slow
@many
@given(any_terms(), any_steps(), starts, lives, lives, st.data())
def test_after_a_raise_too_the_outcome_does_not_depend_on_how_often_one_looks(
    terms: Terms,
    tighter: Steps,
    start: datetime,
    before: list[Act],
    after: list[Act],
    data: st.DataObject,
) -> None:
    seldom, often = lived(terms, start, before), lived(terms, start, before)
    for life in (seldom, often):
        life.retier(Tier.HIGH, tighter, raised=True)
    for act in after:
        seldom.act(act)
        for glance in data.draw(st.lists(looks, max_size=6)):
            if often.now + glance.after < seldom.now:
                often.act(glance)
        often.act(replace(act, after=seldom.now - often.now))
    assert often.standing == seldom.standing
    assert often.changes == seldom.changes


@many
@given(any_terms(), any_steps(), starts, lives)
def test_by_whatever_policy_a_raised_tier_never_makes_the_next_alert_later(
    terms: Terms, steps: Steps, start: datetime, happened: list[Act]
) -> None:
    """Also where the higher tier is no tighter in everything: it is a raise all the same."""
    life = lived(terms, start, happened)
    before, open_before = life.silence(), life.standing.is_alerted
    life.retier(Tier.HIGH, steps, raised=True)
    assert life.silence() <= before or open_before

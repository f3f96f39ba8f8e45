"""Who is called next, and when: until somebody has it, and until it has an end."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.alerts import ladder as rules
from server.alerts.cries import rules as cries
from server.alerts.ladder import Call, Cause, Climb, Outcome, Reach, State
from server.errors import Conflict, Refused
from server.policy import model, parser
from server.policy.model import Ladder, Rung, Tier
from tests.copies import replace

many = settings(max_examples=int(os.environ.get("WAYMARK_TEST_EXAMPLES", "100")), deadline=None)
MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 28, 20, tzinfo=UTC)
LADDER = parser.read(model.EACH_MISS).tiers[Tier.MID].ladder
TOM, INES, SAM, EVE = (UUID(int=n) for n in range(1, 5))
FULL: Reach = {
    Rung.CASEWORKER: [TOM],
    Rung.DEPUTY: [INES],
    Rung.ON_DUTY: [SAM, INES],
    Rung.LAST_RESORT: [],
}

people = st.sets(st.sampled_from([TOM, INES, SAM, EVE]), max_size=3)
reaches = st.fixed_dictionaries(
    {}, optional={rung: people for rung in (Rung.CASEWORKER, Rung.DEPUTY, Rung.ON_DUTY)}
)
with_last_resort = st.builds(
    lambda reach, has: {**reach, **({Rung.LAST_RESORT: set()} if has else {})},
    reaches,
    st.booleans(),
)
spans = st.integers(1, 120).map(lambda n: n * MINUTE)
ladders = st.builds(
    Ladder,
    st.lists(st.sampled_from(Rung), min_size=1, max_size=6).map(tuple),
    spans,
    spans,
    st.one_of(st.none(), spans),
)


@dataclass(frozen=True)
class Act:
    what: str
    after: timedelta
    who: UUID = TOM


acts = st.builds(
    Act,
    st.sampled_from(
        "look acknowledge contacted take_over decided answer rejoin cry cry heard".split()
    ),
    st.integers(0, 200).map(lambda n: n * MINUTE),
    st.sampled_from([TOM, INES]),
)


@dataclass
class Story:
    ladder: Ladder
    reach: Reach
    climb: Climb
    now: datetime
    calls: list[Call]

    @classmethod
    def begin(cls, ladder: Ladder, reach: Reach = FULL) -> "Story":
        return cls(ladder, reach, rules.begin(ladder, START), START, [])

    def look(self, now: datetime) -> None:
        self.now = now
        self.climb, more = cries.advance(self.climb, self.ladder, self.reach, now)
        self.calls += more

    def act(self, act: Act) -> None:
        self.look(self.now + act.after)
        if act.what == "acknowledge":
            if self.climb.acknowledged_by in (None, act.who):
                self.climb = rules.acknowledge(self.climb, self.ladder, act.who, self.now)
        elif act.what == "contacted":
            self.climb = rules.contacted(self.climb, self.ladder, act.who, self.now)
        elif act.what == "take_over":
            self.climb = rules.take_over(self.climb, self.ladder, act.who, self.now)
        elif act.what == "decided":
            self.climb = rules.decided(self.climb, self.ladder, self.now)
        elif act.what == "answer":
            self.climb = rules.answer(self.climb, self.ladder, Tier.HIGH, self.now)
        elif act.what == "cry" and self.climb.closed_at is None:
            self.climb = cries.cry(self.climb, self.now, is_reachable=act.who == TOM)
            self.look(self.now)
        elif act.what == "heard":
            self.climb = cries.heard(self.climb)
        elif act.what == "rejoin":
            self.climb = rules.rejoin(self.climb, self.ladder, self.now)
            self.look(self.now)


lives = st.lists(acts, max_size=12)


# --- properties


@many
@given(st.data(), ladders, with_last_resort, lives)
def test_the_outcome_does_not_depend_on_how_often_one_looks(
    data: st.DataObject, ladder: Ladder, reach: Reach, happened: list[Act]
) -> None:
    seldom, often = Story.begin(ladder, reach), Story.begin(ladder, reach)
    for act in happened:
        seldom.act(act)
        for wait in data.draw(st.lists(spans, max_size=5)):
            if often.now + wait < seldom.now:
                often.look(often.now + wait)
        often.act(replace(act, after=seldom.now - often.now))
    assert (often.climb, often.calls) == (seldom.climb, seldom.calls)


@many
@given(ladders, with_last_resort, lives)
def test_nothing_is_left_due_and_an_open_alert_always_has_a_next_step(
    ladder: Ladder, reach: Reach, happened: list[Act]
) -> None:
    story = Story.begin(ladder, reach)
    for act in happened:
        story.act(act)
        assert cries.advance(story.climb, ladder, reach, story.now) == (story.climb, ())
        assert story.climb.next_action_at is not None
        assert story.climb.next_action_at > story.now
        assert story.climb.decide_at is None or story.climb.decide_at > story.now


@many
@given(ladders, with_last_resort, lives)
def test_nobody_is_called_twice_for_one_rung_and_turn_and_moments_never_go_back(
    ladder: Ladder, reach: Reach, happened: list[Act]
) -> None:
    story = Story.begin(ladder, reach)
    for act in happened:
        story.act(act)
    assert all(earlier.at <= later.at for earlier, later in pairwise(story.calls))
    rungs = [
        (call.rung, call.turn)
        for call in story.calls
        if call.why in ("first", "unanswered", "lapsed")
    ]
    assert len(set(rungs)) == len(rungs)
    for call in story.calls:
        assert len(set(call.people)) == len(call.people)


@many
@given(ladders, with_last_resort)
def test_a_person_is_called_in_each_turn_when_anybody_is_on_the_ladder(
    ladder: Ladder, reach: Reach
) -> None:
    story = Story.begin(ladder, reach)
    story.look(START + ladder.each * len(ladder.rungs))
    standing = [rung for rung in ladder.rungs if someone(rung, reach)]
    first = story.calls[0]
    assert first.at == START
    if standing:
        assert first.who is standing[0]
        assert set(first.people) == set(rules.people_on(standing[0], reach))
        assert not any(
            call.why == "nobody" for call in story.calls if call.who is not Rung.EVERYONE
        )
    else:
        assert first.why == "nobody" or first.who is Rung.LAST_RESORT


def someone(rung: Rung, reach: Reach) -> Collection[UUID] | bool:
    return rung in reach if rung is Rung.LAST_RESORT else rules.people_on(rung, reach)


@many
@given(ladders, with_last_resort)
def test_every_rung_with_a_person_is_called_in_order_and_then_again(
    ladder: Ladder, reach: Reach
) -> None:
    standing = [rung for rung, who in enumerate(ladder.rungs) if someone(who, reach)]
    if not standing:
        return
    story = Story.begin(replace(ladder, decide=None), reach)
    story.look(START + ladder.each * (3 * len(standing) - 1))
    assert [call.rung for call in story.calls] == standing * 3
    assert [call.turn for call in story.calls] == [turn for turn in range(3) for _ in standing]
    assert [call.at for call in story.calls] == [
        START + ladder.each * n for n in range(3 * len(standing))
    ]


@many
@given(ladders, with_last_resort, lives, st.sampled_from(Outcome))
def test_a_closed_alert_is_silent_for_ever(
    ladder: Ladder, reach: Reach, happened: list[Act], outcome: Outcome
) -> None:
    story = Story.begin(ladder, reach)
    for act in happened:
        story.act(act)
    closed = rules.close(story.climb, outcome, story.now)
    assert cries.advance(closed, ladder, reach, story.now + 1000 * MINUTE) == (closed, ())
    assert rules.answer(closed, ladder, Tier.HIGH, story.now) == closed
    assert rules.rejoin(closed, ladder, story.now) == closed
    with pytest.raises(Conflict) as again:
        rules.close(closed, outcome, story.now)
    assert again.value.code == "closed"
    with pytest.raises(Conflict) as late:
        rules.acknowledge(closed, ladder, TOM, story.now)
    assert late.value.code == "closed"


# --- walks by hand


def at(minutes: int) -> datetime:
    return START + minutes * MINUTE


def told(calls: Collection[Call]) -> list[tuple[int, str, str]]:
    return [(int((call.at - START) / MINUTE), call.who.value, call.why) for call in calls]


def test_the_shipped_ladder_of_the_middle_tier() -> None:
    story = Story.begin(LADDER)
    story.look(at(250))
    assert told(story.calls) == [
        (0, "caseworker", "first"),
        (30, "deputy", "unanswered"),
        (60, "on_duty", "unanswered"),
        (90, "last_resort", "unanswered"),
        (120, "caseworker", "unanswered"),
        (150, "deputy", "unanswered"),
        (180, "on_duty", "unanswered"),
        (210, "last_resort", "unanswered"),
        (240, "everyone", "decide"),
        (240, "caseworker", "unanswered"),
    ]
    assert story.calls[2].people == (INES, SAM)


def test_an_acknowledgement_holds_and_lapses() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    story.climb = rules.acknowledge(story.climb, LADDER, TOM, at(5))
    assert story.climb.state is State.ACKNOWLEDGED
    assert (story.climb.acknowledged_by, story.climb.held_until) == (TOM, at(65))
    story.look(at(64))
    assert told(story.calls) == [(0, "caseworker", "first")]
    story.look(at(65))
    assert told(story.calls)[1:] == [(65, "deputy", "lapsed")]
    assert story.climb.state is State.OPEN
    assert story.climb.acknowledged_by is None


def test_the_same_person_acknowledges_once_and_another_learns_who_has_it() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    held = rules.acknowledge(story.climb, LADDER, TOM, at(5))
    assert rules.acknowledge(held, LADDER, TOM, at(20)) == held
    with pytest.raises(Conflict) as taken:
        rules.acknowledge(held, LADDER, INES, at(20))
    assert (taken.value.code, taken.value.extra["by"]) == ("taken", TOM)


def test_a_person_who_takes_over_has_the_alert_for_the_whole_time_no_matter_who_had_it() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    story.climb = rules.acknowledge(story.climb, LADDER, TOM, at(5))
    for who, minute in ((INES, 50), (INES, 100)):
        story.climb = rules.take_over(story.climb, LADDER, who, at(minute))
        assert (story.climb.acknowledged_by, story.climb.held_until) == (who, at(minute + 60))
    story.look(at(159))
    assert story.climb.state is State.ACKNOWLEDGED
    closed = rules.close(story.climb, Outcome.SEEN, at(159))
    assert rules.take_over(closed, LADDER, TOM, at(159)) == closed


def test_what_is_decided_is_held_for_longer_and_never_for_less_and_nobody_asks_again() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    climbing = rules.decided(story.climb, LADDER, at(5))
    assert climbing == replace(story.climb, decide_at=None), "nobody has it: it climbs on"
    story.climb = rules.acknowledge(story.climb, LADDER, TOM, at(5))
    shorter = replace(LADDER, lapse=MINUTE)
    assert rules.decided(story.climb, shorter, at(10)).held_until == at(65)
    held = rules.decided(story.climb, LADDER, at(10))
    assert (held.acknowledged_by, held.held_until, held.next_action_at) == (TOM, at(70), at(70))


def test_an_acknowledgement_does_not_put_off_the_decision() -> None:
    story = Story.begin(LADDER)
    story.look(at(239))
    story.climb = rules.acknowledge(story.climb, LADDER, TOM, at(239))
    story.look(at(241))
    assert told(story.calls)[-1] == (240, "everyone", "decide")


def test_closing_needs_an_outcome() -> None:
    with pytest.raises(Refused) as refused:
        rules.close(rules.begin(LADDER, START), None, START)
    assert refused.value.field == "outcome"


@pytest.mark.parametrize("tier", [Tier.MID, Tier.LOW])
def test_an_answer_ends_an_alert_below_the_high_tier(tier: Tier) -> None:
    closed = rules.answer(rules.begin(LADDER, START), LADDER, tier, at(5))
    assert (closed.state, closed.closed_at, closed.next_action_at) == (State.CLOSED, at(5), None)


def test_an_answer_of_the_high_tier_waits_for_a_person_who_is_asked_again_and_again() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    story.act(Act("answer", MINUTE))
    assert story.climb.state is State.ANSWERED
    assert story.climb.decide_at is None
    story.look(at(130))
    assert told(story.calls)[1:] == [
        (66, "caseworker_and_on_duty", "confirm"),
        (126, "caseworker_and_on_duty", "confirm"),
    ]
    assert story.calls[-1].people == (TOM, INES, SAM)


def test_further_answers_do_not_put_the_confirmation_off() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    story.act(Act("answer", MINUTE))
    story.act(Act("answer", 50 * MINUTE))
    story.look(at(70))
    assert told(story.calls)[-1] == (66, "caseworker_and_on_duty", "confirm")


def test_an_answered_alert_keeps_who_had_it_until_that_lapses() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    story.act(Act("acknowledge", MINUTE))
    story.act(Act("answer", MINUTE))
    assert (story.climb.next_action_at, story.climb.acknowledged_by) == (at(66), TOM)
    with pytest.raises(Conflict):
        rules.acknowledge(story.climb, LADDER, INES, at(8))
    story.look(at(66))
    assert told(story.calls)[-1][2] == "confirm"
    assert story.climb.acknowledged_by is None
    again = rules.acknowledge(story.climb, LADDER, INES, at(70))
    assert (again.state, again.acknowledged_by) == (State.ANSWERED, INES)


def test_a_new_miss_makes_an_answered_alert_climb_anew() -> None:
    story = Story.begin(LADDER)
    story.look(at(35))
    story.act(Act("answer", MINUTE))
    story.act(Act("rejoin", MINUTE))
    assert story.climb.state is State.OPEN
    assert told(story.calls)[-1] == (37, "caseworker", "first")
    assert story.climb.decide_at == at(37 + 240)
    assert story.calls[-1].turn == 1
    endless = replace(LADDER, decide=None)
    assert (
        rules.rejoin(replace(story.climb, state=State.ANSWERED), endless, at(40)).decide_at is None
    )


def test_a_new_miss_changes_nothing_on_an_alert_that_is_climbing() -> None:
    climb = rules.begin(LADDER, START)
    assert rules.rejoin(climb, LADDER, at(5)) is climb


def test_rungs_without_a_person_are_skipped_at_once() -> None:
    story = Story.begin(LADDER, {Rung.ON_DUTY: [SAM]})
    story.look(at(30))
    assert told(story.calls) == [(0, "on_duty", "first"), (30, "on_duty", "unanswered")]


def test_where_nobody_stands_anywhere_the_fault_is_called_out_at_each_round() -> None:
    story = Story.begin(LADDER, {})
    story.look(at(60))
    assert [call.why for call in story.calls if call.people] == []
    assert [int((call.at - START) / MINUTE) for call in story.calls] == [0, 30, 60]


def test_the_people_of_a_rung_stand_in_a_fixed_order_each_once() -> None:
    assert rules.people_on(Rung.EVERYONE, FULL) == (TOM, INES, SAM)
    assert rules.people_on(Rung.CASEWORKER_AND_ON_DUTY, FULL) == (TOM, INES, SAM)
    assert rules.people_on(Rung.ON_DUTY, FULL) == (INES, SAM)
    assert rules.people_on(Rung.LAST_RESORT, FULL) == ()


def test_a_child_reached_by_voice_is_not_seen_yet_and_the_ladder_goes_on_when_that_lapses() -> None:
    story = Story.begin(LADDER)
    story.look(at(5))
    story.act(Act("contacted", MINUTE, TOM))
    assert (story.climb.state, story.climb.acknowledged_by) == (State.CONTACTED, TOM)
    assert story.climb.held_until == at(6) + LADDER.lapse
    calls = len(story.calls)
    story.look(at(66))
    assert told(story.calls[calls:]) == [(66, "deputy", "lapsed")]
    assert (story.climb.state, story.climb.acknowledged_by) == (State.CONTACTED, None)
    story.look(at(96))
    assert told(story.calls)[-1][2] == "unanswered"
    taken = rules.acknowledge(story.climb, LADDER, INES, at(97))
    assert (taken.state, taken.acknowledged_by) == (State.CONTACTED, INES)


def test_the_person_who_has_it_keeps_it_when_another_reaches_the_child() -> None:
    story = Story.begin(LADDER)
    story.act(Act("acknowledge", MINUTE, TOM))
    until = story.climb.held_until
    story.act(Act("contacted", MINUTE, INES))
    assert (story.climb.acknowledged_by, story.climb.held_until) == (TOM, until)


def test_a_voice_after_an_answer_leaves_the_question_to_confirm_as_it_was() -> None:
    story = Story.begin(LADDER)
    story.act(Act("answer", MINUTE))
    asked = story.climb.next_action_at
    story.act(Act("acknowledge", MINUTE, TOM))
    story.act(Act("contacted", MINUTE, TOM))
    assert asked is not None
    story.look(at(2) + LADDER.lapse)
    assert told(story.calls)[-1][2] == "confirm"
    assert rules.answer(story.climb, LADDER, Tier.HIGH, story.now) == story.climb


def test_in_the_high_level_a_voice_alone_never_closes_a_silence() -> None:
    def closes(cause: Cause, tier: Tier, *, is_answered: bool = False) -> bool:
        return Outcome.SPOKE in rules.outcomes_of(cause, tier, is_answered=is_answered)

    assert not closes(Cause.SILENCE, Tier.HIGH)
    assert not closes(Cause.CONCERN, Tier.HIGH)
    assert closes(Cause.SILENCE, Tier.HIGH, is_answered=True)
    assert closes(Cause.SILENCE, Tier.MID)
    assert closes(Cause.TALK, Tier.HIGH)

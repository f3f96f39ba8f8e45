"""What people do with a watch, on real rows: twice, at once, too late, nonsense."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.alerts import actions as alerts
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import Conflict, IdReused, NotFound, Refused
from server.notify.actions import tell_operators
from server.notify.models import Message
from server.notify.rules import Kind
from server.people import actions as people
from server.people.models import Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.levels import Evidence
from server.policy.model import SHIPPED, Tier
from server.policy.models import Policy
from server.security import encryption
from server.storage.db import fetch, write
from server.watch import actions as watch
from server.watch import ticking, watch_alerts
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.hearing import settling
from server.watch.models import Blind, Pause, Round, Sighting, Watch, round_id
from server.watch.rhythm import agreements
from server.watch.rhythm.rules import Rhythm
from tests.cast import Cast
from tests.races import no_fault, together

# Mia (mid tier): due at 18:00 in Paris, 17:00 UTC; late an hour later.
DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# As often as the high tier needs it.
TWICE = {"at": ["09:00", "18:00"]}


async def at(cast: Cast, moment: datetime) -> datetime:
    """A ticker has looked at every moment of decision up to this one."""
    while True:
        first = await Watch.filter(next_action_at__lte=moment).order_by("next_action_at").first()
        if first is None or first.next_action_at is None:
            return cast.clock.set(moment)
        await ticking.WATCHES.tick(first.next_action_at)


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def rounds(cast: Cast) -> list[tuple[datetime, str]]:
    rows = await Round.filter(child_id=cast.mia.id).order_by("due_at")
    return [(row.due_at, row.state) for row in rows]


async def open_alerts(cast: Cast, name: str = "mia") -> Sequence[Alert]:
    return await Alert.filter(child_id=cast.persons[name].id, closed_at__isnull=True)


async def entered(cast: Cast, prefix: str) -> list[str]:
    rows = await Entry.filter(child_id=cast.mia.id, what__startswith=prefix).order_by("id")
    return [row.what for row in rows]


async def settle(cast: Cast, evidence: Evidence = Evidence.CHILD) -> settling.Settlement:
    async with write():
        return await settling.settle(cast.mia.id, evidence, uuid4(), cast.clock())


# --- it begins


async def test_a_rhythm_that_is_slower_than_the_tier_allows_is_refused(cast: Cast) -> None:
    child = await people.add_child(
        SYSTEM,
        cast.agency.id,
        people.AddChild(
            name="Somebody New", language="en", zone="Europe/Paris", caseworker_id=cast.tom.id
        ),
        cast.clock(),
    )
    weekly = Rhythm((time(18),), frozenset({0}))
    with pytest.raises(Refused) as told:
        await watch.begin(
            SYSTEM, child, watch.Beginning(Tier.LOW, weekly, "Europe/Paris"), cast.clock()
        )
    assert told.value.code == "too_slow"
    assert not await Watch.exists(child_id=child.id)


# --- an answer


async def test_an_early_answer_settles_nothing_and_puts_the_ceiling_off(cast: Cast) -> None:
    came_to = await settle(cast)
    assert came_to.settled.nothing
    assert came_to.next_due_at == DUE
    after = await mia(cast)
    assert (after.due_at, after.sign_at, after.answered_at) == (DUE, cast.clock(), cast.clock())


async def test_an_answer_settles_every_round_that_is_open_and_never_a_later_one(
    cast: Cast,
) -> None:
    await agreements.set_rhythm(
        cast.actor("tom"), cast.mia.id, {"at": ["14:00", "15:00", "16:00"]}, "UTC", cast.clock()
    )
    await at(cast, datetime(2026, 3, 2, 15, 20, tzinfo=UTC))
    came_to = await settle(cast)
    assert came_to.settled.was_late
    assert came_to.next_due_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    states = [state for _, state in await rounds(cast)]
    assert states[-2:] == ["answered_late", "answered"]


async def test_an_answer_in_the_moment_of_the_tick_finds_what_the_tick_would_have_found(
    cast: Cast,
) -> None:
    """Nobody has looked since noon, and the answer comes when adults should have been called."""
    cast.clock.set(DUE + 3 * HOUR)
    came_to = await settle(cast)
    assert came_to.settled.was_late
    assert came_to.next_due_at == DUE + DAY
    assert await rounds(cast) == [(DUE, "answered_late")]
    assert not await open_alerts(cast)
    assert not await Message.all()


async def test_settling_withdraws_what_was_to_be_said(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    waiting = Message.filter(state="waiting", child_id=cast.mia.id)
    assert await waiting.count() == 4, "three reminders, one question"
    await settle(cast)
    assert await waiting.count() == 0


async def test_two_answers_at_once_settle_once(cast: Cast) -> None:
    await at(cast, DUE)
    found = await together(settle(cast), settle(cast))
    no_fault(found, Conflict)
    assert (await mia(cast)).due_at == DUE + DAY
    assert await rounds(cast) == [(DUE, "answered")]


async def test_where_nobody_watches_nothing_can_be_settled(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await settling.settle(cast.tom.id, Evidence.CHILD, uuid4(), cast.clock())


# --- a sighting


async def sight(
    cast: Cast, who: str = "ines", role: Role = Role.SUPERVISOR, **how: Any
) -> Sighting:
    values: dict[str, Any] = {"id": uuid4(), "answer": "seen", "seen_at": cast.clock()}
    asked = watch.SightingRequest(**(values | how))
    return await watch.note_sighting(cast.actor(who), cast.mia.id, role, asked, cast.clock())


async def test_a_sighting_settles_what_is_late(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    await sight(cast, words="At the station.")
    assert (await mia(cast)).standing == "well"
    assert await rounds(cast) == [(DUE, "seen")]
    assert (await mia(cast)).answered_at is None, "the child itself has not answered"


async def test_a_sighting_of_long_ago_is_kept_and_settles_nothing(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    made = await sight(cast, seen_at=cast.clock() - 61 * MINUTE)
    assert (await mia(cast)).standing == "late"
    assert await Sighting.exists(id=made.id)


async def test_a_sighting_in_the_future_is_refused(cast: Cast) -> None:
    with pytest.raises(Refused):
        await sight(cast, seen_at=cast.clock() + 6 * MINUTE)
    slightly_fast = await sight(cast, seen_at=cast.clock() + 4 * MINUTE)
    assert slightly_fast.seen_at == cast.clock()


async def test_the_same_sighting_twice_is_once(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    id = uuid4()
    first = await sight(cast, id=id)
    again = await sight(cast, id=id)
    assert (again.id, again.answer) == (first.id, "seen")
    with pytest.raises(IdReused):
        await sight(cast, id=id, answer="not_seen")
    with pytest.raises(IdReused):
        await sight(cast, "tom", Role.CASEWORKER, id=id)
    assert await entered(cast, "sighting") == ["sighting:seen"]


async def test_the_same_sighting_twice_in_one_moment_is_once(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    id = uuid4()
    no_fault(await together(*(sight(cast, id=id) for _ in range(3))))
    assert await Sighting.all().count() == 1
    assert await entered(cast, "sighting") == ["sighting:seen"]


async def test_not_seen_calls_adults_at_once(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    await sight(cast, "sam", Role.CARER, answer="not_seen")
    [alert] = await open_alerts(cast)
    assert (alert.reason, alert.opened_at) == ("not_seen", cast.clock())


async def test_not_seen_while_nothing_is_late_calls_nobody(cast: Cast) -> None:
    """Whoever is worried all the same says that the child is missing."""
    await sight(cast, "sam", Role.CARER, answer="not_seen")
    assert not await open_alerts(cast)
    assert (await mia(cast)).standing == "well"


async def test_a_carer_without_a_phone_number_of_the_child_holds_in_the_high_tier(
    cast: Cast,
) -> None:
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(Tier.HIGH, rhythm=TWICE),
        cast.clock(),
    )
    await at(cast, DUE + 31 * MINUTE)
    await sight(cast, "sam", Role.CARER)
    after = await mia(cast)
    assert (after.standing, after.ask_at) == ("late", cast.clock() + 6 * HOUR)
    [held] = await Message.filter(kind=Kind.HELD)
    assert (held.person_id, held.state) == (cast.tom.id, "waiting")


# --- the question


async def question(cast: Cast) -> Question:
    await at(cast, DUE + 60 * MINUTE)
    return await Question.get(child_id=cast.mia.id)


async def test_a_question_is_answered_once(cast: Cast) -> None:
    asked = await question(cast)
    first = await questions.answer_question(asked.id, "seen", cast.clock())
    again = await questions.answer_question(asked.id, "not_seen", cast.clock.advance(minutes=1))
    assert (again.answer, again.answered_at) == ("seen", first.answered_at)
    assert not await open_alerts(cast)
    [sighting] = await Sighting.all()
    assert (sighting.by_id, sighting.by_role) == (cast.sam.id, "carer")


async def test_of_two_taps_at_once_one_counts(cast: Cast) -> None:
    asked = await question(cast)
    found = await together(
        *(questions.answer_question(asked.id, how, cast.clock()) for how in ("seen", "not_seen"))
    )
    no_fault(found)
    assert found[0].answer == found[1].answer
    assert await Sighting.all().count() == 1
    assert bool(await open_alerts(cast)) == (found[0].answer == "not_seen")


async def test_a_question_that_is_over_or_was_never_asked_is_refused(cast: Cast) -> None:
    asked = await question(cast)
    with pytest.raises(Refused):
        await questions.answer_question(asked.id, "seen", asked.expires_at)
    with pytest.raises(NotFound):
        await questions.answer_question(uuid4(), "seen", cast.clock())


async def test_a_link_that_is_not_ours_opens_nothing(cast: Cast) -> None:
    asked = await question(cast)
    good = encryption.sign(str(asked.id), "question", until=asked.expires_at)
    assert questions.read_question(good, cast.clock()) == asked.id
    others = [
        "",
        "nonsense",
        good + "A",
        good.replace(".", "", 1),
        encryption.sign(str(asked.id), "session", until=asked.expires_at),
        encryption.sign("not an id", "question", until=asked.expires_at),
    ]
    for token in others:
        with pytest.raises(NotFound):
            questions.read_question(token, cast.clock())
    with pytest.raises(NotFound):
        questions.read_question(good, asked.expires_at + MINUTE)


async def test_each_carer_is_asked_and_the_first_not_seen_is_enough(cast: Cast) -> None:
    await add_tie(
        SYSTEM, cast.children["mia"], AddTie(person_id=cast.eve.id, role=Role.CARER), cast.clock()
    )
    await at(cast, DUE + 60 * MINUTE)
    asked = {q.person_id: q for q in await Question.filter(child_id=cast.mia.id)}
    assert set(asked) == {cast.sam.id, cast.eve.id}
    await questions.answer_question(asked[cast.eve.id].id, "not_seen", cast.clock())
    assert len(await open_alerts(cast)) == 1
    await questions.answer_question(asked[cast.sam.id].id, "seen", cast.clock())
    assert not await open_alerts(cast), "in the mid tier a carer's word settles"


async def test_a_carer_whose_tie_has_ended_is_not_asked(cast: Cast) -> None:
    await Tie.filter(id=cast.ties["mia", "sam"]).update(until_at=cast.clock() + HOUR)
    await at(cast, DUE + 60 * MINUTE)
    assert not await Question.all()
    [alert] = await open_alerts(cast)
    assert (alert.reason, alert.opened_at) == ("no_carer", DUE + 60 * MINUTE)


@pytest.mark.parametrize("how", ["tie", "person"])
async def test_a_person_who_is_no_longer_a_carer_can_answer_no_question(
    cast: Cast, how: str
) -> None:
    asked = await question(cast)
    if how == "tie":
        await Tie.filter(id=cast.ties["mia", "sam"]).update(until_at=cast.clock())
    else:
        await Person.filter(id=cast.sam.id).update(disabled_at=cast.clock())
    with pytest.raises(Refused):
        await questions.answer_question(asked.id, "seen", cast.clock())
    assert (await mia(cast)).standing == "late"


# --- rhythm


async def test_another_rhythm_holds_from_the_next_round_on(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    await agreements.set_rhythm(
        cast.actor("tom"), cast.mia.id, {"at": ["20:00"]}, "Europe/Paris", cast.clock()
    )
    after = await mia(cast)
    assert after.due_at == DUE, "this one has opened, as it was agreed"
    assert after.following_due_at == DUE + 2 * HOUR


async def test_a_round_that_has_not_opened_gives_way_to_the_new_rhythm(cast: Cast) -> None:
    await agreements.set_rhythm(
        cast.actor("tom"), cast.mia.id, {"at": ["21:00"]}, "Europe/Paris", cast.clock()
    )
    assert (await mia(cast)).due_at == DUE + 3 * HOUR
    assert await entered(cast, "rhythm") == ["rhythm:set"]


@pytest.mark.parametrize(
    ("data", "zone"),
    [
        ({"at": ["25:00"]}, "Europe/Paris"),
        ({"at": []}, "Europe/Paris"),
        ({}, "Europe/Paris"),
        ({"at": ["18:00"], "days": [0]}, "Europe/Paris"),
        ({"at": ["18:00"]}, "Europe/Atlantis"),
        ({"at": ["18:00"]}, ""),
        ({"at": ["18:00"], "extra": 1}, "Europe/Paris"),
        ({"every_s": 5}, "Europe/Paris"),
    ],
)
async def test_a_rhythm_that_is_nonsense_changes_nothing(
    cast: Cast, data: dict[str, Any], zone: str
) -> None:
    before = await mia(cast)
    with pytest.raises(Refused):
        await agreements.set_rhythm(cast.actor("tom"), cast.mia.id, data, zone, cast.clock())
    assert dict(await mia(cast)) == dict(before)


async def test_a_rhythm_that_is_changed_while_late_leaves_the_alarm(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    await agreements.set_rhythm(
        cast.actor("tom"), cast.mia.id, {"at": ["09:00"]}, "Europe/Paris", cast.clock()
    )
    await at(cast, DUE + 105 * MINUTE)
    assert len(await open_alerts(cast)) == 1


@pytest.mark.parametrize("what", ["pause", "back", "rhythm"])
async def test_what_was_answered_before_it_was_due_is_not_asked_for_again(
    cast: Cast, what: str
) -> None:
    await at(cast, DUE - HOUR)
    await settle(cast)
    cast.clock.advance(minutes=5)
    if what == "rhythm":
        rhythm = {"at": ["18:00", "20:00"]}
        await agreements.set_rhythm(
            cast.actor("tom"), cast.mia.id, rhythm, "Europe/Paris", cast.clock()
        )
        assert (await mia(cast)).due_at == DUE + 2 * HOUR
        return
    made = await pause(cast, 3 * DAY, 4 * DAY)
    if what == "back":
        await agreements.end_pause(cast.actor("tom"), cast.mia.id, made.id, cast.clock())
    assert (await mia(cast)).due_at == DUE + DAY
    await at(cast, DUE + 2 * HOUR)
    assert await rounds(cast) == [(DUE, "answered")]
    assert not await open_alerts(cast)


async def test_what_was_answered_stays_answered_when_a_rhythm_is_taken_back(cast: Cast) -> None:
    async def agree(at: str) -> None:
        await agreements.set_rhythm(
            cast.actor("tom"), cast.mia.id, {"at": [at]}, "Europe/Paris", cast.clock()
        )

    await at(cast, DUE - HOUR)
    await agree("21:00")
    await settle(cast)
    assert await rounds(cast) == [(DUE, "answered")]
    await agree("18:00")
    assert (await mia(cast)).due_at == DUE + DAY


async def test_a_round_that_was_called_off_is_opened_again_where_it_is_asked_for_after_all(
    cast: Cast,
) -> None:
    await at(cast, DUE - HOUR)
    made = await pause(cast, timedelta(0), 3 * HOUR)
    assert await rounds(cast) == [(DUE, "excused")]
    now = cast.clock.advance(minutes=5)
    await agreements.end_pause(cast.actor("tom"), cast.mia.id, made.id, now)
    await at(cast, DUE)
    assert await rounds(cast) == [(DUE, "open")]
    waiting = Message.filter(person_id=cast.mia.id, state="waiting")
    assert await waiting.count() == 2, "and the child is reminded of it"
    await at(cast, DUE + 61 * MINUTE)
    assert await rounds(cast) == [(DUE, "late")]
    again = await Round.get(child_id=cast.mia.id)
    assert (again.settled_at, again.settled_by) == (None, None)


async def test_a_tighter_rhythm_on_the_first_day_is_asked_from_its_first_round_on(
    cast: Cast,
) -> None:
    """The watch began an hour ago, which is no answer."""
    now = cast.clock.advance(hours=1)
    await agreements.set_rhythm(
        cast.actor("tom"), cast.mia.id, {"at": ["14:30"]}, "Europe/Paris", now
    )
    after = await mia(cast)
    assert after.due_at == now + 30 * MINUTE
    assert after.opens_at == now


# --- tier


async def test_raising_the_tier_brings_an_alarm_forward_and_never_puts_it_off(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    before = (await mia(cast)).alarm_at
    assert before == DUE + 105 * MINUTE
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(Tier.HIGH, rhythm=TWICE),
        cast.clock(),
    )
    assert (await mia(cast)).alarm_at == DUE + 75 * MINUTE
    await agreements.set_tier(
        cast.actor("tom"), cast.mia.id, agreements.TierRequest(Tier.LOW), cast.clock()
    )
    assert (await mia(cast)).alarm_at == DUE + 75 * MINUTE


async def test_a_tier_that_ends_falls_to_what_was_named(cast: Cast) -> None:
    until = DUE + 10 * MINUTE
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(
            Tier.HIGH, until_at=until, then=Tier.LOW, why="Her first night.", rhythm=TWICE
        ),
        cast.clock(),
    )
    assert (await mia(cast)).next_action_at <= until
    await at(cast, until)
    after = await mia(cast)
    assert (after.tier, after.tier_until_at, after.tier_then) == ("low", None, None)
    await at(cast, DUE + 119 * MINUTE)
    assert (await mia(cast)).standing == "due", "low has two hours of grace"
    [entry] = await Entry.filter(child_id=cast.mia.id, what="tier:set")
    assert entry.why is not None
    assert "night" not in entry.why
    assert encryption.current().open(entry.why) == "Her first night."


async def test_a_tier_that_is_raised_by_its_end_brings_an_alarm_forward_too(cast: Cast) -> None:
    until = DUE + 125 * MINUTE  # Late in the low tier for five minutes, which gives three hours.
    now, tom = cast.clock(), cast.actor("tom")
    await agreements.set_tier(
        tom,
        cast.mia.id,
        agreements.TierRequest(Tier.LOW, until_at=until, then=Tier.HIGH, rhythm=TWICE),
        now,
    )
    await at(cast, until)
    after = await mia(cast)
    assert (after.tier, after.alarm_at) == ("high", DUE + 135 * MINUTE)


@pytest.mark.parametrize(
    ("until", "then"), [(HOUR, None), (None, Tier.LOW), (-HOUR, Tier.LOW), (0 * HOUR, Tier.LOW)]
)
async def test_a_tier_that_ends_needs_an_end_and_what_follows(
    cast: Cast, until: timedelta | None, then: Tier | None
) -> None:
    until_at = cast.clock() + until if until is not None else None
    with pytest.raises(Refused):
        await agreements.set_tier(
            cast.actor("tom"),
            cast.mia.id,
            agreements.TierRequest(Tier.HIGH, until_at=until_at, then=then),
            cast.clock(),
        )


@pytest.mark.parametrize(("tier", "then"), [(Tier.HIGH, None), (Tier.LOW, Tier.HIGH)])
async def test_a_tier_that_the_rhythm_is_too_slow_for_is_refused(
    cast: Cast, tier: Tier, then: Tier | None
) -> None:
    """Also where it comes by itself later."""
    now, before = cast.clock(), await mia(cast)
    until = now + DAY if then is not None else None
    with pytest.raises(Refused) as told:
        await agreements.set_tier(
            cast.actor("tom"),
            cast.mia.id,
            agreements.TierRequest(tier, until_at=until, then=then),
            now,
        )
    assert (told.value.code, told.value.field) == ("too_slow", "tier")
    after = await mia(cast)
    assert (after.tier, after.version) == (before.tier, before.version)


async def test_a_rhythm_that_is_too_slow_for_the_tier_to_come_is_refused(cast: Cast) -> None:
    now, tom = cast.clock(), cast.actor("tom")
    await agreements.set_tier(
        tom,
        cast.mia.id,
        agreements.TierRequest(Tier.LOW, until_at=now + DAY, then=Tier.HIGH, rhythm=TWICE),
        now,
    )
    with pytest.raises(Refused) as told:
        await agreements.set_rhythm(tom, cast.mia.id, {"at": ["18:00"]}, "Europe/Paris", now)
    assert told.value.code == "too_slow"


async def test_tier_and_rhythm_change_in_one_step_in_either_direction(cast: Cast) -> None:
    now, tom, id_ = cast.clock(), cast.actor("tom"), cast.mia.id
    await agreements.set_tier(tom, id_, agreements.TierRequest(Tier.HIGH, rhythm=TWICE), now)
    after = await mia(cast)
    assert (after.tier, after.rhythm) == ("high", TWICE)
    every_other_day = {"at": ["18:00"], "days": [0, 2, 4, 5]}
    await agreements.set_tier(
        tom, id_, agreements.TierRequest(Tier.LOW, rhythm=every_other_day), now
    )
    after = await mia(cast)
    assert (after.tier, after.rhythm["days"]) == ("low", [0, 2, 4, 5])
    with pytest.raises(Refused):
        await agreements.set_tier(
            tom, id_, agreements.TierRequest(Tier.HIGH, rhythm={"at": ["18:00"]}), now
        )
    after = await mia(cast)
    assert (after.tier, after.rhythm["days"]) == ("low", [0, 2, 4, 5])


async def test_two_who_set_the_tier_at_once_leave_one_that_holds(cast: Cast) -> None:
    found = await together(
        *(
            agreements.set_tier(
                cast.actor(who),
                cast.mia.id,
                agreements.TierRequest(tier, rhythm=TWICE),
                cast.clock(),
            )
            for who, tier in (("tom", Tier.HIGH), ("ines", Tier.LOW))
        )
    )
    no_fault(found, Conflict)
    assert (await mia(cast)).tier in ("high", "low")


# --- pauses


async def pause(cast: Cast, begin: timedelta, end: timedelta, **how: Any) -> Pause:
    now = cast.clock()
    values: dict[str, Any] = {"id": uuid4(), "words": "With her aunt.", **how}
    asked = agreements.PauseRequest(from_at=now + begin, until_at=now + end, **values)
    return await agreements.pause(cast.actor("tom"), cast.mia.id, asked, now)


async def test_a_pause_excuses_the_round_and_what_was_to_be_said_about_it(cast: Cast) -> None:
    await at(cast, DUE - 30 * MINUTE)
    assert await Message.filter(state="waiting", child_id=cast.mia.id).count() == 1
    await pause(cast, timedelta(0), 3 * HOUR)
    after = await mia(cast)
    assert (after.standing, after.due_at) == ("away", DUE + DAY)
    assert await rounds(cast) == [(DUE, "excused")]
    assert await Message.filter(child_id=cast.mia.id, state="waiting").count() == 0


async def test_at_the_end_of_an_absence_a_check_in_is_due_and_its_silence_is_noticed_sooner(
    cast: Cast,
) -> None:
    await Watch.exclude(child_id=cast.mia.id).delete()
    made = await pause(cast, timedelta(0), 2 * DAY, returns=True)
    back = made.until_at
    await at(cast, back)
    row = await mia(cast)
    assert (row.standing, row.due_at) == ("due", back)
    (round_,) = await Round.filter(child_id=cast.mia.id, due_at=back)
    assert round_.late_at == back + 20 * MINUTE
    await at(cast, back + 20 * MINUTE)
    assert await Question.filter(child_id=cast.mia.id).count() == 1
    await at(cast, back + 40 * MINUTE)
    (alert,) = await open_alerts(cast)
    assert alert.opened_at == back + 40 * MINUTE


async def test_who_was_back_before_the_end_of_an_absence_is_not_asked_then(cast: Cast) -> None:
    made = await pause(cast, timedelta(0), 2 * DAY, returns=True)
    await agreements.end_pause(cast.actor("tom"), cast.mia.id, made.id, cast.clock() + HOUR)
    assert (await mia(cast)).due_at == DUE


async def test_a_pause_silences_nothing_that_is_late(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    await pause(cast, timedelta(0), 10 * HOUR)
    assert (await mia(cast)).standing == "late"
    await at(cast, DUE + 105 * MINUTE)
    assert len(await open_alerts(cast)) == 1


async def test_what_became_late_before_anybody_looked_is_late_all_the_same(cast: Cast) -> None:
    cast.clock.set(DUE + 61 * MINUTE)
    await pause(cast, timedelta(0), 10 * HOUR)
    assert (await mia(cast)).standing == "late"
    assert (DUE, "late") in await rounds(cast)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (HOUR, HOUR),
        (2 * HOUR, HOUR),
        (-2 * HOUR, timedelta(0)),
        (timedelta(0), 92 * DAY + MINUTE),
    ],
)
async def test_a_pause_that_has_no_end_or_is_over_is_refused(
    cast: Cast, begin: timedelta, end: timedelta
) -> None:
    with pytest.raises(Refused):
        await pause(cast, begin, end)
    assert not await Pause.all()


async def test_pauses_in_a_row_cannot_leave_nothing_due(cast: Cast) -> None:
    for number in range(4):
        await pause(cast, number * 91 * DAY, number * 91 * DAY + 92 * DAY)
    with pytest.raises(Refused):
        await pause(cast, 4 * 91 * DAY, 4 * 91 * DAY + 92 * DAY)
    assert await Pause.all().count() == 4
    assert (await mia(cast)).due_at is not None


async def test_the_same_pause_twice_is_once(cast: Cast) -> None:
    id = uuid4()
    first = await pause(cast, HOUR, DAY, id=id)
    again = await pause(cast, HOUR, DAY, id=id)
    assert (again.from_at, again.until_at) == (first.from_at, first.until_at)
    with pytest.raises(IdReused):
        await pause(cast, 2 * HOUR, 2 * DAY, id=id)
    with pytest.raises(IdReused):
        await agreements.pause(
            cast.actor("tom"),
            cast.noor.id,
            agreements.PauseRequest(id, cast.clock(), cast.clock() + DAY, words="With her aunt."),
            cast.clock(),
        )


async def test_the_same_pause_twice_in_one_moment_is_once(cast: Cast) -> None:
    id = uuid4()
    no_fault(await together(*(pause(cast, HOUR, DAY, id=id) for _ in range(3))))
    assert await Pause.all().count() == 1
    assert await entered(cast, "pause") == ["pause:add"]


async def test_back_early_the_rounds_begin_again(cast: Cast) -> None:
    made = await pause(cast, timedelta(0), 5 * DAY)
    await at(cast, DUE + DAY)
    assert (await mia(cast)).standing == "away"
    now = cast.clock.advance(hours=1)
    await agreements.end_pause(cast.actor("tom"), cast.mia.id, made.id, now)
    await agreements.end_pause(
        cast.actor("tom"), cast.mia.id, made.id, cast.clock.advance(minutes=5)
    )
    after = await mia(cast)
    assert (after.standing, after.due_at) == ("well", DUE + 2 * DAY)
    assert (await Pause.get(id=made.id)).ended_at == now
    assert await entered(cast, "pause") == ["pause:add", "pause:end"]


async def test_a_pause_of_another_child_cannot_be_ended(cast: Cast) -> None:
    made = await pause(cast, timedelta(0), DAY)
    for child, id in ((cast.noor.id, made.id), (cast.mia.id, uuid4())):
        with pytest.raises(NotFound):
            await agreements.end_pause(cast.actor("tom"), child, id, cast.clock())
    assert (await Pause.get(id=made.id)).ended_at is None


async def test_the_silence_that_is_allowed_counts_from_the_end_of_a_pause(cast: Cast) -> None:
    await pause(cast, timedelta(0), 4 * DAY)
    await at(cast, cast.clock() + 4 * DAY + HOUR)
    assert not await open_alerts(cast)


# --- missing


async def missing(cast: Cast, who: str = "sam", words: str | None = "Her bag is gone.") -> Alert:
    return await watch_alerts.open_missing(cast.actor(who), cast.mia.id, words, cast.clock())


async def test_missing_calls_everyone_at_once(cast: Cast) -> None:
    await cast.on_duty("eve")
    alert = await missing(cast)
    assert (alert.cause, alert.tier, alert.words) == ("missing", "high", "Her bag is gone.")
    called = await Message.filter(subject_id=alert.id).values_list("person_id", flat=True)
    assert set(called) == {cast.tom.id, cast.ines.id, cast.eve.id}
    after = await mia(cast)
    assert (after.standing, after.is_missing) == ("missing", True)


async def test_missing_said_again_or_at_once_joins(cast: Cast) -> None:
    found = await together(missing(cast), missing(cast, "ines", "Not at school."))
    no_fault(found)
    again = await missing(cast, "tom", None)
    assert {alert.id for alert in (*found, again)} == {again.id}
    assert (await Alert.get(id=again.id)).misses == 3


async def test_a_sign_of_life_of_a_missing_child_is_told_and_ends_nothing(cast: Cast) -> None:
    alert = await missing(cast)
    await settle(cast)
    after = await mia(cast)
    assert (after.is_missing, after.standing) == (True, "missing")
    assert (await Alert.get(id=alert.id)).closed_at is None
    signs = await Message.filter(subject_kind="sign").values_list("person_id", flat=True)
    assert set(signs) == {cast.tom.id, cast.ines.id}


async def test_closing_ends_the_missing_and_the_silence_beside_it(cast: Cast) -> None:
    await at(cast, DUE + 105 * MINUTE)
    [silence] = await open_alerts(cast)
    alert = await missing(cast)
    closed = await watch_alerts.close_alert(
        cast.actor("tom"), alert.id, Outcome.SEEN, "At home again.", cast.clock()
    )
    assert closed.outcome == "seen"
    after = await mia(cast)
    assert (after.is_missing, after.standing, after.is_alerted) == (False, "well", False)
    assert not await open_alerts(cast)
    # The silence was no false alarm: the child had been reported.
    assert (await Alert.get(id=silence.id)).outcome == "missing"
    assert (DUE, "seen") in await rounds(cast)


async def test_an_alert_that_ends_in_missing_opens_that_one(cast: Cast) -> None:
    await at(cast, DUE + 105 * MINUTE)
    [silence] = await open_alerts(cast)
    await watch_alerts.close_alert(
        cast.actor("tom"), silence.id, Outcome.MISSING, "Nobody knows where.", cast.clock()
    )
    [alert] = await open_alerts(cast)
    assert (alert.cause, alert.words) == ("missing", "Nobody knows where.")
    assert (await mia(cast)).standing == "missing"


async def test_after_a_closing_the_watch_begins_anew(cast: Cast) -> None:
    await at(cast, DUE + 105 * MINUTE)
    [alert] = await open_alerts(cast)
    for _ in range(2):
        await watch_alerts.close_alert(
            cast.actor("tom"), alert.id, Outcome.SPOKE, None, cast.clock()
        )
    after = await mia(cast)
    assert (after.standing, after.due_at) == ("well", DUE + DAY)
    await at(cast, DUE + DAY + 105 * MINUTE)
    [new] = await open_alerts(cast)
    assert new.id != alert.id


@pytest.mark.parametrize("who", ["tick", "answer", "sighting", "missing", "acknowledge"])
async def test_a_closing_races_everything_and_nobody_waits_in_a_circle(
    cast: Cast, who: str
) -> None:
    for day in range(3):
        await at(cast, DUE + day * DAY + 105 * MINUTE)
        [alert] = await open_alerts(cast)
        now = cast.clock.advance(minutes=30)

        def close(alert: Alert, now: datetime = now) -> Awaitable[Alert]:
            return watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, None, now)

        other: Awaitable[object] = {
            "tick": lambda now: ticking.WATCHES.tick(now),
            "answer": lambda now: settle(cast),
            "sighting": lambda now: sight(cast),
            "missing": lambda now: missing(cast),
            "acknowledge": lambda now, id=alert.id: alerts.acknowledge(cast.actor("ines"), id, now),
        }[who](now)
        found = await together(*([other, close(alert)] if day % 2 else [close(alert), other]))
        no_fault(found, Conflict)
        assert (await Alert.get(id=alert.id)).closed_at is not None
        for left in await open_alerts(cast):
            await close(left)


# --- help and talk


async def call(cast: Cast, cause: Cause) -> Alert:
    async with write():
        wish = watch_alerts.Wish(cast.actor("mia"), await mia(cast), cause, uuid4())
        [alert] = await watch_alerts.call_adults([wish], cast.clock())
    return alert


async def test_help_and_talk_are_alerts_of_their_own(cast: Cast) -> None:
    help_, talk = await call(cast, Cause.HELP), await call(cast, Cause.TALK)
    assert {help_.reason, talk.reason} == {"said_help", "said_talk"}
    assert (await call(cast, Cause.HELP)).id == help_.id
    assert (await mia(cast)).standing == "well"
    await watch_alerts.close_alert(cast.actor("tom"), talk.id, Outcome.SPOKE, None, cast.clock())
    assert (await mia(cast)).due_at == DUE, "talking settles no round"


# --- the tick


async def test_two_tickers_at_once_find_everything_once(cast: Cast) -> None:
    cast.clock.set(DUE + 2 * HOUR)
    no_fault(await together(*(ticking.WATCHES.tick(cast.clock()) for _ in range(4))))
    while await ticking.WATCHES.tick(cast.clock()):
        pass
    for row in await fetch(
        "SELECT child_id, cause, count(*) AS n FROM alert GROUP BY child_id, cause"
    ):
        assert row["n"] == 1, row
    assert await Alert.all().count() == 3
    assert await Round.all().count() == 3


async def test_a_row_that_makes_no_sense_is_set_apart_and_the_others_go_on(cast: Cast) -> None:
    agreed = (await mia(cast)).rhythm
    await Watch.filter(child_id=cast.mia.id).update(rhythm={"at": ["noon"]})
    cast.clock.set(DUE + 2 * HOUR)
    with pytest.raises(Refused):
        await ticking.WATCHES.tick(cast.clock())
    due = await ticking.WATCHES.due_now(cast.clock())
    assert cast.mia.id in due
    for child_id in due:
        if child_id == cast.mia.id:
            with pytest.raises(Refused):
                await ticking.WATCHES.tick_one(child_id, cast.clock())
            await ticking.WATCHES.set_apart(child_id, cast.clock(), tell_operators)
        else:
            await ticking.WATCHES.tick_one(child_id, cast.clock())
    assert await ticking.WATCHES.tick(cast.clock()) == 0
    after = await mia(cast)
    assert (after.quarantined_at, after.next_action_at) == (cast.clock(), cast.clock() + MINUTE)
    assert len(await Alert.all()) == 2
    await Watch.filter(child_id=cast.mia.id).update(rhythm=agreed)
    await ticking.WATCHES.tick(cast.clock.advance(minutes=1))
    assert (await mia(cast)).quarantined_at is None
    assert len(await open_alerts(cast)) == 1


async def test_the_first_process_to_look_records_blindness_once(cast: Cast) -> None:
    begun = cast.clock()
    await ticking.beat(ticking.TICK, begun)
    assert await ticking.look(cast.clock.advance(seconds=90)) is None
    cast.clock.advance(hours=3)
    found = await together(*(ticking.look(cast.clock()) for _ in range(3)))
    no_fault(found)
    [blind] = await Blind.all()
    assert (blind.from_at, blind.until_at) == (begun, cast.clock())
    assert [one for one in found if one is not None] == [blind]


async def test_ids_of_rounds_and_questions_come_from_what_they_are_about(cast: Cast) -> None:
    await at(cast, DUE)
    [row] = await Round.filter(child_id=cast.mia.id)
    assert row.id == round_id(cast.mia.id, DUE)
    assert row.id != round_id(UUID(int=1), DUE)


# --- over the wire


async def test_a_childs_phone_does_not_show_that_adults_were_called(
    cast: Cast,
) -> None:
    """Neither by what is due, nor by the list, nor by the watch."""
    await at(cast, DUE + 4 * HOUR)
    assert (await mia(cast)).standing == "alerted"
    path = f"/api/v1/children/{cast.mia.id}/watch"
    async with cast.client_as("mia") as phone:
        me, listed, terms = [
            (await phone.get(url)).json() for url in ("/api/v1/me", "/api/v1/children", path)
        ]
    assert me["standing"] == listed["children"][0]["standing"] == terms["standing"] == "late"
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:
        assert (await tom.get(path)).json()["standing"] == "alerted"


async def test_after_a_time_of_blindness_a_carer_is_asked_once(cast: Cast) -> None:
    """Under a policy that asks again every few hours, all of them behind us at once."""
    content = copy.deepcopy(SHIPPED)
    content["mid"]["habit"] |= {"ask": 0.00001, "ask_again": "2h"}  # From the first miss on.
    await Policy.create(agency_id=cast.agency.id, version=1, content=content, made_at=DUE)
    await ticking.WATCHES.tick(cast.clock.set(DUE + 2 * HOUR))
    begun = await Question.filter(child_id=cast.mia.id).count()
    later = cast.clock.set(DUE + 10 * HOUR)
    await ticking.look(later)
    await ticking.WATCHES.tick(later)
    assert begun >= 1
    assert await Question.filter(child_id=cast.mia.id, asked_at=later).count() == 1
    assert await Message.filter(kind=Kind.ASK_CARER, queued_at=later).count() == 1

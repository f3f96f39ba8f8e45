"""Policies at the desk: changed after looking at what they would have done, and adopted once."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.climbing import ALERTS
from server.alerts.models import Alert
from server.alerts.recipients import policy_of
from server.audit.models import Entry
from server.desk.policies import form as editing
from server.desk.policies import pages as policy_pages
from server.errors import Conflict, Refused
from server.notify.actions import Saying, queue
from server.notify.models import Address, Delivery
from server.notify.rules import Kind
from server.policy import parser as policies
from server.policy.model import EACH_MISS, Tier
from server.policy.models import Policy
from server.policy.parser import filled
from server.simulation import history, lookback
from server.simulation.events import events_of
from server.storage.db import write
from server.watch import policy_change, ticking
from server.watch.calendar import milestone_actions
from server.watch.calendar.milestones import What
from server.watch.models import Watch
from server.watch.rhythm import agreements
from tests.cast import Cast


def other(**changes: Any) -> dict[str, Any]:
    """The policy of each miss with some of its low tier changed."""
    content = copy.deepcopy(EACH_MISS)
    content["low"].update(changes)
    return content


def form(content: Mapping[str, Any] = EACH_MISS, **more: str) -> dict[str, str]:
    """The form as a browser sends it."""
    return editing.typed_of(filled(content)) | more


async def adopted(cast: Cast, content: Mapping[str, Any], base: int = 0) -> Policy:
    """A version by Ines."""
    return await policy_change.adopt(
        cast.actor("ines"),
        cast.agency.id,
        policy_change.Adoption(uuid4(), content, base, "We look sooner."),
        cast.clock(),
    )


# --- the form


def test_a_form_shows_the_policy_that_it_was_read_from() -> None:
    assert editing.read(editing.typed_of(EACH_MISS), EACH_MISS) == EACH_MISS


def test_a_number_that_a_later_release_adds_has_its_row_by_itself() -> None:
    later = copy.deepcopy(EACH_MISS)
    later["low"]["doubt_line"] = 3
    later["signals"] = {"later_answers": True, "look_back": "14d", "words": "all"}
    typed = editing.typed_of(later)
    assert editing.read(typed, later) == later
    typed |= {"low.doubt_line": "4,5", "signals.later_answers": "no", "signals.look_back": "7"}
    read = editing.read(typed, later)
    assert read["low"]["doubt_line"] == 4.5
    assert read["signals"] == {"later_answers": False, "look_back": "7d", "words": "all"}
    [first, *_] = editing.differences(later, read, "en")
    assert (first.label, first.before, first.after) == ("Doubt line", "3", "4.5")


def test_a_table_that_may_be_left_out_is_a_switch_of_the_form() -> None:
    habit = dict(editing.OPTIONAL["habit"])
    without, with_it = other(habit=None), other(habit=habit)
    assert editing.read(editing.typed_of(without), EACH_MISS | without) == without
    assert editing.read(editing.typed_of(with_it), without) == with_it
    typed = editing.typed_of(with_it) | {"low.habit.used": "no"}
    assert editing.read(typed, with_it) == without
    changes = editing.differences(without, with_it, "en")
    assert [one.name for one in changes][:2] == ["low.habit.used", "low.habit.leaves"]
    [change] = editing.differences(with_it, without, "en")
    assert (change.name, change.before, change.after) == ("low.habit.used", "yes", "no")


def test_digits_may_be_the_writers_own_and_an_empty_span_is_none_where_that_may_be() -> None:
    typed = form() | {"low.grace": "\u0663", "high.decide": ""}
    read = editing.read(typed, EACH_MISS)
    assert read["low"]["grace"] == "3h"
    assert read["high"]["decide"] is None


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"low.grace": ""}, "low.grace"),
        ({"low.grace": "0"}, "low.grace"),
        ({"low.grace": "-1"}, "low.grace"),
        ({"low.grace": "1.5"}, "low.grace"),
        ({"low.grace": "²"}, "low.grace"),
        ({"low.grace": "12345678"}, "low.grace"),
        ({"low.grace.unit": "w"}, "low.grace"),
        ({"quiet.from": "25:00"}, "quiet.from"),
        ({"quiet.from": ""}, "quiet.from"),
        ({f"mid.rungs.{place}": "" for place in range(1, 7)}, "mid.rungs"),
        ({"mid.rungs.1": "the mayor"}, "mid.rungs"),
        ({"signals.fewer_answers.by": "many"}, "signals.fewer_answers.by"),
        ({"mid.evidence.carer": "perhaps"}, "mid.evidence.carer"),
        ({"mid.evidence.app_seen": "holds"}, "mid.evidence.app_seen"),
        ({"mid.evidence.holds_for": ""}, "mid.evidence.holds_for"),
    ],
)
def test_nonsense_is_refused_with_the_field_named(typed: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as fault:
        editing.read(form() | typed, EACH_MISS)
    assert fault.value.field == field


def test_who_settles_and_who_holds_is_chosen_in_words() -> None:
    typed = form() | {"mid.evidence.carer": "holds", "mid.evidence.app_seen": "softens"}
    changes = editing.differences(EACH_MISS, editing.read(typed, EACH_MISS), "en")
    assert [(one.label, one.before, one.after) for one in changes] == [
        ("Seen by the carer", "counts as the check-in", "delays the next step for a while"),
        ("The app was open", "changes nothing", "delays calling adults a little"),
    ]


def test_a_signal_is_switched_and_its_numbers_are_named_by_it() -> None:
    typed = form() | {"signals.new_phone.on": "no", "signals.later_answers.span": "3"}
    changes = editing.differences(filled({}), editing.read(typed, filled({})), "en")
    assert [(one.label, one.before, one.after) for one in changes] == [
        ("Answers come later: later by", "1 hr", "3 hrs"),
        ("A new phone", "yes", "no"),
    ]


def test_a_day_of_the_calendar_is_asked_for_in_words() -> None:
    typed = form() | {
        "milestones.hearing.tier": "mid",
        "milestones.hearing.before": "",
        "milestones.refusal.before": "12",
    }
    changes = editing.differences(filled({}), editing.read(typed, filled({})), "en")
    assert [(one.label, one.before, one.after) for one in changes] == [
        ("A hearing or an official appointment: watch level", "High", "Medium"),
        ("A hearing or an official appointment: time before the day", "1 day", "not set"),
        ("A negative decision: time before the day", "not set", "12 hrs"),
    ]
    with pytest.raises(Refused) as fault:
        editing.read(form() | {"milestones.hearing.tier": "low"}, EACH_MISS)
    assert fault.value.field == "milestones.hearing.tier"


def test_the_same_span_in_another_unit_is_no_change() -> None:
    assert editing.differences(other(grace="2h"), other(grace="120m"), "en") == []
    [change] = editing.differences(other(), other(grace="90s"), "en")
    assert (change.before, change.after) == ("2 hrs", "90 seconds")


def test_a_stored_policy_gets_what_a_later_release_has_added() -> None:
    old = copy.deepcopy(EACH_MISS)
    del old["low"]["decide"]
    del old["quiet"]
    assert filled(old) == filled({}) == filled(EACH_MISS)
    assert policies.read(filled(old)) == policies.read(EACH_MISS)


# --- what it would have done

_START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def _event(hours: float, kind: str, **detail: Any) -> history.Happened:
    return history.Happened(_START + timedelta(hours=hours), 2, "a", kind, detail)


def compared(
    *events: history.Happened, hours: float, new: Mapping[str, Any], real: float = 0
) -> Any:
    rhythm = {"at": ["09:00"]}
    placed = _event(0, "placed", zone="UTC", tier="low", rhythm=rhythm, carer=False)
    return lookback.compare(
        list(events_of(history.as_csv([placed, *events]))),
        policies.read(EACH_MISS),
        policies.read(new),
        _START + timedelta(hours=hours),
        [("a", _START + timedelta(hours=real))] if real else [],
    )


def test_a_shorter_grace_calls_sooner_and_a_longer_one_may_call_nobody() -> None:
    late = _event(4.5, "check_in")  # Due at 09:00, late at 11:00, answered at 11:30.
    seen = compared(late, hours=5, new=other(grace="1h", remind_again="30m"))
    assert (seen.before.alerts, seen.after.alerts) == (1, 1)
    assert (seen.sooner, seen.later, seen.shift) == (1, 0, timedelta(hours=-1))
    assert seen.before.longest == timedelta(hours=4)
    assert seen.after.by_tier == {Tier.HIGH: 0, Tier.MID: 0, Tier.LOW: 1}
    seen = compared(late, hours=5, new=other(grace="3h"))
    assert (seen.only_before, seen.only_after, seen.after.alerts) == (1, 0, 0)
    seen = compared(late, hours=5, new=other(grace="1h", remind_again="30m"), real=4)
    assert (seen.real, seen.real_told, seen.real_shift) == (1, 1, timedelta(hours=-1))


def test_a_real_silence_that_would_have_called_nobody_is_counted() -> None:
    seen = compared(hours=5, new=other(grace="6h"), real=4)
    assert (seen.real, seen.real_told, seen.real_shift) == (1, 0, None)


async def test_the_history_of_an_agency_replays_to_what_happened_there(cast: Cast) -> None:
    begin = cast.clock()
    for _ in range(20):
        cast.clock.advance(hours=5)
        await ticking.WATCHES.tick(cast.clock())
    happened = await Alert.filter(agency_id=cast.agency.id).order_by("opened_at")
    assert happened
    past = await history.read(cast.agency.id, begin - timedelta(days=1), cast.clock())
    assert (past.children, past.alerts) == (2, len(happened))
    shipped = policies.read(EACH_MISS)
    seen = lookback.compare(
        list(events_of(history.as_csv(past.events))), shipped, shipped, past.until
    )
    assert seen.before == seen.after
    assert seen.before.alerts == len(happened)


async def test_a_phone_that_showed_nothing_is_in_the_history(cast: Cast) -> None:
    """Eleven days of reminders, of which one was shown, on the tenth; another child's phone never
    said that it gives receipts."""
    begin, day = cast.clock(), timedelta(days=1)
    for child, tells in (("mia", begin), ("noor", None)):
        person = cast.persons[child]
        await Address.create(
            agency_id=cast.agency.id,
            person_id=person.id,
            channel="push",
            value="https://push.example.org/1",
            value_index=child,
            made_at=begin,
            receipts_since=tells,
        )
        async with write():
            sayings = [
                Saying(
                    kind=Kind.REMIND_CHILD,
                    agency_id=cast.agency.id,
                    subject_kind="round",
                    subject_id=uuid4(),
                    person_id=person.id,
                )
                for _ in range(11)
            ]
            for number, id_ in enumerate(await queue(sayings, begin)):
                at = begin + number * day
                await Delivery.create(
                    message_id=id_,
                    channel="push",
                    attempt=1,
                    started_at=at,
                    result="accepted",
                    seen_at=at + timedelta(hours=1) if number == 9 else None,
                )
    now = cast.clock.advance(days=12)
    past = await history.read(cast.agency.id, begin - day, now)
    told = [(one.at, one.child, one.kind) for one in past.events if "prompt" in one.kind]
    assert told == [
        (begin + 7 * day, str(cast.mia.id), "prompt_failed"),
        (begin + 9 * day + timedelta(hours=1), str(cast.mia.id), "prompt_ok"),
    ]
    assert list(events_of(history.as_csv(past.events)))
    # Looking at the last two days alone, the phone had been silent when they began.
    late = await history.read(cast.agency.id, begin + 8 * day, now)
    first = next(one for one in late.events if "prompt" in one.kind)
    assert (first.at, first.kind) == (begin + 8 * day, "prompt_failed")


async def test_the_days_of_the_calendar_are_in_the_history_and_act_there_by_the_policy(
    cast: Cast,
) -> None:
    """A day that was taken back before its time is none; the tier that a day made is none of the
    child's own."""
    tom, mia, begin = cast.actor("tom"), cast.mia.id, cast.clock()
    twice = {"at": ["09:00", "18:00"]}
    await agreements.set_rhythm(tom, mia, twice, "Europe/Paris", begin)
    await agreements.set_tier(tom, mia, agreements.TierRequest(Tier.LOW), begin)
    now = cast.clock.advance(hours=1)
    for what, day in (("refusal", now.date()), ("hearing", now.date() + timedelta(days=9))):
        row = await milestone_actions.mark(
            tom, mia, milestone_actions.MilestoneRequest(uuid4(), What(what), day), now
        )
    await milestone_actions.take_back(tom, mia, row.id, now)
    for _ in range(30):
        cast.clock.advance(hours=1)
        await milestone_actions.MILESTONES.tick(cast.clock())
        await ticking.WATCHES.tick(cast.clock())
        await ALERTS.tick(cast.clock())
    assert (await Watch.get(child_id=mia)).tier == "high"
    past = await history.read(cast.agency.id, begin - timedelta(days=1), cast.clock())
    ours = [one for one in past.events if one.child == str(mia)]
    assert [one.detail["tier"] for one in ours if one.kind == "placed"] == ["low"]
    days = [one.detail for one in ours if one.kind == "milestone"]
    assert days == [{"what": "refusal", "on": now.date().isoformat()}]
    alert = await Alert.get(child_id=mia, cause="silence")
    events = list(events_of(history.as_csv(past.events)))
    seen = lookback.run(events, policies.read(EACH_MISS), past.until)
    assert [one.opened_at for one in seen.alerts if one.child == str(mia)] == [alert.opened_at]
    looser = policies.read(filled({"milestones": {"refusal": {"tier": "mid"}}}))
    seen = lookback.run(events, looser, past.until)
    [later] = [one.opened_at for one in seen.alerts if one.child == str(mia)]
    assert later > alert.opened_at


# --- adopting


async def test_a_policy_is_changed_on_the_desk_after_looking_at_what_it_would_have_done(
    cast: Cast,
) -> None:
    ines = cast.client_as("ines")
    assert "When a child doesn&#39;t answer" in (await ines.get("/desk/policies")).text
    assert "low.grace" in (await ines.get("/desk/policies/new")).text
    typed = form(other(grace="1h", remind_again="30m"))
    unwatched = await ines.post("/desk/policies/look", data=typed)
    assert "there is nothing to compare" in unwatched.text
    cast.clock.advance(hours=1)
    looked = await ines.post("/desk/policies/look", data=typed)
    assert looked.status_code == 200
    assert "With your numbers" in looked.text
    assert not await Policy.filter(agency_id=cast.agency.id, version__gt=0).exists()
    sent = typed | {"id": str(uuid4()), "base": "0", "why": "We look sooner."}
    for _ in range(2):
        answer = await ines.post("/desk/policies", data=sent)
        assert answer.status_code == 303, answer.text
    policy, version = await policy_of(cast.agency.id)
    assert version == 1
    assert policy.tiers[Tier.LOW].steps.grace == timedelta(hours=1)
    shown = (await ines.get("/desk/policies")).text
    assert "We look sooner." in shown
    assert "Quintanar" in shown
    assert await Entry.filter(what="policy:adopt").count() == 1
    theirs, version = await policy_of(cast.other_agency.id)
    assert version == 0
    assert theirs == policies.read(EACH_MISS)


async def test_of_two_who_adopt_in_the_same_moment_one_wins_and_the_other_is_told(
    cast: Cast,
) -> None:
    results = await asyncio.gather(
        adopted(cast, other(grace="1h", remind_again="30m")),
        adopted(cast, other(grace="3h")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in results) == ["Conflict", "Policy"]
    assert await Policy.filter(agency_id=cast.agency.id, version__gt=0).count() == 1


async def test_a_slower_supervisor_sees_what_changes_against_the_new_policy(cast: Cast) -> None:
    await adopted(cast, other(grace="1h", remind_again="30m"))
    sent = form(other(grace="3h")) | {"id": str(uuid4()), "base": "0", "why": "Fewer calls."}
    answer = await cast.client_as("ines").post("/desk/policies", data=sent)
    assert answer.status_code == 409
    assert "A colleague has adopted another policy" in answer.text
    assert 'name="base" value="1"' in answer.text
    assert "Fewer calls." in answer.text
    with pytest.raises(Conflict):
        await adopted(cast, other(grace="3h"))


@pytest.mark.parametrize("why", ["", "x" * 2_001])
async def test_without_a_reason_nothing_is_adopted_and_what_was_typed_stays(
    cast: Cast, why: str
) -> None:
    sent = form(other(grace="3h")) | {"id": str(uuid4()), "base": "0", "why": why}
    answer = await cast.client_as("ines").post("/desk/policies", data=sent)
    assert answer.status_code == 422
    assert 'name="low.grace" value="3"' in answer.text
    assert not await Policy.filter(agency_id=cast.agency.id, version__gt=0).exists()


async def test_a_policy_that_makes_no_sense_is_refused_at_its_field(cast: Cast) -> None:
    ines = cast.client_as("ines")
    typed = form() | {"low.ceiling": "1", "low.ceiling.unit": "h"}
    answer = await ines.post("/desk/policies/look", data=typed)
    assert answer.status_code == 422
    assert 'id="low.ceiling-error"' in answer.text
    sent = typed | {"id": str(uuid4()), "base": "0", "why": "Why not."}
    assert (await ines.post("/desk/policies", data=sent)).status_code == 422
    assert not await Policy.filter(agency_id=cast.agency.id, version__gt=0).exists()


async def test_an_open_alert_keeps_the_ladder_that_it_began_with(cast: Cast) -> None:
    for _ in range(20):
        cast.clock.advance(hours=5)
        await ticking.WATCHES.tick(cast.clock())
    before = await Alert.filter(agency_id=cast.agency.id).order_by("id").values("id", "ladder")
    assert before
    content = copy.deepcopy(EACH_MISS)
    for tier in Tier:
        content[tier] |= {"each": "2h", "rungs": ["on_duty"]}
    await adopted(cast, content)
    await ticking.WATCHES.tick(cast.clock())
    assert (
        await Alert.filter(agency_id=cast.agency.id).order_by("id").values("id", "ladder") == before
    )


async def test_every_watch_looks_again_by_the_new_policy_at_the_next_tick(cast: Cast) -> None:
    watch = await Watch.get(child_id=cast.mia.id)
    content = copy.deepcopy(EACH_MISS)
    content[watch.tier]["ceiling"] = "5h"
    content[watch.tier] |= {"grace": "1h", "remind_again": "30m", "carer_window": "1h"}
    assert watch.next_action_at is not None
    await adopted(cast, content)
    await ticking.WATCHES.tick(cast.clock())
    after = await Watch.get(child_id=cast.mia.id)
    assert after.next_action_at is not None
    assert cast.clock() < after.next_action_at <= watch.sign_at + timedelta(hours=5)
    assert after.standing == watch.standing


async def test_a_caseworker_sees_the_numbers_and_cannot_change_them(cast: Cast) -> None:
    tom = cast.client_as("tom")
    shown = await tom.get("/desk/policies")
    assert shown.status_code == 200
    assert "/desk/policies/new" not in shown.text
    assert (await tom.get("/desk/policies/new")).status_code == 403


async def test_every_policy_that_ships_can_be_looked_at(cast: Cast) -> None:
    cast.clock.advance(hours=1)
    ines = cast.client_as("ines")
    names = re.findall(r"new\?from=([a-z-]+)", (await ines.get("/desk/policies")).text)
    assert len(names) == len(list(policy_pages.FOLDER.glob("*.toml")))
    for name in names:
        assert (await ines.get(f"/desk/policies/new?from={name}")).status_code == 200
        content = policy_pages.shipped_content(name)
        looked = await ines.post("/desk/policies/look", data=form(content))
        assert looked.status_code == 200, looked.text
        is_new = policies.read(content) != policies.read(EACH_MISS)
        assert ("With your numbers" in looked.text) is is_new

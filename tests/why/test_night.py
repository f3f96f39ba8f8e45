"""Why there was an alert, or none: a time of a child, told from its rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from server.alerts import actions as alerts
from server.alerts.attempt_rules import Result, Target, Tried, Way
from server.alerts.attempts import log
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.notify.actions import set_last_resorts
from server.notify.models import Message
from server.people.models import Person, Tie
from server.people.rules import Leaving, Role
from server.placements import actions as placements
from server.policy.model import Tier
from server.rota.models import Leave
from server.storage.due_rows import SET_APART
from server.watch import actions as watch
from server.watch import ticking
from server.watch.models import Beat, Round, Watch
from server.watch.rhythm import agreements
from server.watch.watch_alerts import close_alert, open_missing
from server.why.events import Chosen, Period, around
from tests.cast import Cast
from tests.desk.walking import answer, at, leave_the_others_out, run_until
from tests.walks.stage import Stage
from tests.why.telling import read

NIGHT = date(2026, 3, 2)


async def test_a_night_with_an_alert_is_told_from_due_to_closed(stage: Stage) -> None:
    cast = stage.cast
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines", "sam")
    await stage.until(at(19, 50))
    alert = await stage.open_alert("mia")
    await stage.acknowledge("tom", alert.id)
    await stage.until(minutes=5)
    await stage.close("tom", alert.id)
    await stage.until(at(22))
    night = await read(cast, night=NIGHT)
    assert night.answer == (
        "An alert opened at 19:45: No answer. Why: the carer did not answer in time."
        " Tom Verhoeven took it at 19:50. It closed at 19:55."
    )
    wanted = [
        "18:00 The check-in was due. Late at 19:00. Watch level Medium, policy version 0.",
        "18:00 Reminder for Mia Castellane, push notification: accepted.",
        "18:30 Reminder for Mia Castellane, push notification: accepted.",
        "19:00 No answer: the check-in due 18:00 was late. Unless someone answers, we call adults:"
        " 19:45. The reason then: the carer did not answer in time.",
        "19:00 We asked Sam Oyelaran whether they had seen Mia Castellane. The check-in due 18:00"
        " was late.",
        "19:00 Question to the carer for Sam Oyelaran, push notification: accepted.",
        "19:45 An alert opened: No answer. Why: the carer did not answer in time."
        " Carer asked: 19:00. Mia Castellane had never answered. What weighed, the heaviest first:"
        " We asked whether they had been seen, 19:00, and had heard nothing by then."
        " No answer to 1 check-in, due 18:00."
        " Never heard from; here since 13:00.",
        "19:45 The ladder of this alert: Caseworker, Deputy, On duty, Manager and Last resort."
        " 30 mins for each step.",
        "19:45 It was the turn of “Caseworker”: Tom Verhoeven.",
        "19:45 Alert for Tom Verhoeven, push notification: accepted.",
        "19:50 Tom Verhoeven took the alert.",
        "19:55 Tom Verhoeven closed the alert: Seen.",
    ]
    assert [line for line in night.lines if line in wanted] == wanted
    assert "I have seen her." not in " ".join(night.lines)


async def test_what_was_planned_and_who_was_to_be_called_is_what_happened(stage: Stage) -> None:
    """The rules over the stored rows give what the ticker did at the time."""
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines", "sam")
    await stage.until(at(22))
    [row] = await Round.filter(child_id=stage.cast.mia.id)
    [alert] = await Alert.filter(child_id=stage.cast.mia.id)
    assert (row.tier, row.call_at, row.call_why) == ("mid", alert.opened_at, alert.reason)
    night = await read(stage.cast)
    [opened] = [event for event in night.told.events if event.code == "round.opened"]
    planned = [opened.values[name] for name in ("before", "due", "again")]
    reminders = Message.filter(kind="remind_child").order_by("queued_at")
    assert planned == await reminders.values_list("queued_at", flat=True)
    to_be_called = {
        person
        for event in night.told.events
        if event.code == "alert.rung"
        for person in event.values["people"]  # type: ignore[union-attr]
    }
    called = Message.filter(subject_id=alert.id, person_id__isnull=False)
    assert to_be_called == set(await called.values_list("person_id", flat=True))


async def test_who_was_called_is_told_as_it_was_whatever_has_changed_since(stage: Stage) -> None:
    cast = stage.cast
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines", "sam")
    await stage.until(at(22))
    before = await read(cast)
    said = [line for line in before.of("alert.") if "turn of" in line or "nobody to call" in line]
    assert said == [
        "19:45 It was the turn of “Caseworker”: Tom Verhoeven.",
        "20:15 It was the turn of “Deputy”: Ines Quintanar.",
        "20:45 There was nobody to call as “On duty”. We skipped this step.",
        "20:45 It was the turn of “Manager”: Ines Quintanar.",
        "21:15 It was the turn of “Last resort”: an address of the agency or of IT support.",
    ]
    # Another deputy, another caseworker, and a shell without the last resort.
    await Person.filter(id=cast.tom.id).update(deputy_id=cast.eve.id, disabled_at=stage.clock())
    await Tie.filter(child_id=cast.mia.id, person_id=cast.ines.id).delete()
    set_last_resorts(0)
    after = await read(cast)
    assert [line for line in after.of("alert.") if line in said] == said
    assert not [line for line in after.lines if "Eve" in line]


async def test_a_receipt_and_what_came_back_are_told(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("mia")
    await stage.until(at(18, 1))
    message = await Message.filter(kind="remind_child").order_by("-queued_at").first()
    assert message is not None
    await Message.filter(id=message.id).update(seen_at=stage.clock())
    night = await read(stage.cast)
    assert night.of("sent.shown") == [
        "18:01 Reminder for Mia Castellane, push notification: shown on the device."
    ]


# --- no alert


async def test_an_answer_in_time_says_how_long_before_the_limit(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(18, 34))
    await answer(cast, "mia")
    await run_until(cast, at(23))
    night = await read(cast, night=NIGHT)
    assert night.answer == (
        "No alert: Mia Castellane answered at 18:34, 26 mins before the check-in was late."
    )
    assert night.of("answer") == [
        "18:34 Mia Castellane answered in the app. That settled the check-in due 18:00."
    ]
    assert "round.late" not in night.codes


async def test_a_late_answer_says_how_long_before_adults_would_have_been_called(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(19, 20))
    await answer(cast, "mia")
    await run_until(cast, at(23))
    night = await read(cast, night=NIGHT)
    assert night.answer == (
        "No alert: Mia Castellane answered at 19:20, 25 mins before we would have called adults."
    )


async def test_an_early_answer_is_told_as_one_that_settles_nothing(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(14))
    await answer(cast, "mia")
    night = await read(cast)
    [line] = night.of("answer")
    assert line.endswith("No check-in was open yet: we kept it, and it settled none.")


async def test_an_old_answer_is_told_with_both_times_and_as_one_that_settles_nothing(
    cast: Cast,
) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20, 30))
    await answer(cast, "mia", said_at=at(14))
    night = await read(cast)
    [line] = night.of("answer")
    assert "said it at 14:00" in line
    assert "It came too late to tell how Mia Castellane was by then." in line


async def test_a_sighting_says_which_adult_saw_the_child(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(18, 20))
    seen = watch.SightingRequest(uuid4(), "seen", words="At the tram.")
    await watch.note_sighting(cast.actor("tom"), cast.mia.id, Role.CASEWORKER, seen, cast.clock())
    night = await read(cast, night=NIGHT)
    assert night.answer == "No alert: Tom Verhoeven saw Mia Castellane at 18:20."
    assert "At the tram." not in " ".join(night.lines)


async def test_a_round_that_is_not_late_yet_says_until_when(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(18, 20))
    night = await read(cast)
    assert night.answer == "No alert yet: the check-in due 18:00 is not late before 19:00."


async def test_a_late_round_says_when_adults_are_called(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(19, 20))
    night = await read(cast)
    assert night.answer == (
        "No alert yet: the check-in due 18:00 was late at 19:00. Unless someone answers, we"
        " call adults: 19:45."
    )


async def test_an_agreed_absence_says_until_when_and_by_which_adult(cast: Cast) -> None:
    await leave_the_others_out(cast)
    pause = agreements.PauseRequest(uuid4(), at(13), at(12, day=4), words="At an aunt.")
    await agreements.pause(cast.actor("tom"), cast.mia.id, pause, cast.clock())
    await run_until(cast, at(12, day=3))
    night = await read(cast, night=NIGHT)
    assert night.answer == (
        "No alert: an agreed absence until Wed, 4 Mar 2026, 12:00, entered by Tom Verhoeven."
    )
    assert "aunt" not in " ".join(night.lines)


async def test_a_child_who_has_left_is_no_longer_asked(cast: Cast) -> None:
    await leave_the_others_out(cast)
    left = cast.clock()
    await placements.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, left, now=left)
    cast.clock.advance(days=3)
    night = await read(cast)
    assert night.answer == (
        "No alert: the placement had ended Mon, 2 Mar 2026, 13:00. After that we do not ask."
    )


async def test_a_time_before_our_records_says_when_they_begin(cast: Cast) -> None:
    await ticking.beat(ticking.TICK, cast.clock())
    nights = [datetime(1999, 5, 1, 22, tzinfo=UTC), at(2)]  # Years before, and the same day.
    for when in nights:
        night = await read(cast, period=around(when))
        assert night.answer == (
            "No alert: the watch over Mia Castellane had not begun. Our records begin"
            " Mon, 2 Mar 2026, 13:00."
        )
        assert night.told.events == []


async def test_a_time_to_come_says_so(cast: Cast) -> None:
    night = await read(cast, night=date(2031, 1, 1))
    assert (night.answer, night.told.events) == ("This time is still to come.", [])


async def test_who_reported_the_child_missing_is_told(cast: Cast) -> None:
    await open_missing(cast.actor("sam"), cast.mia.id, "The bed is empty.", cast.clock())
    cast.clock.advance(minutes=1)
    night = await read(cast)
    [line] = night.of("alert.opened_by")
    assert line.startswith(
        "13:00 Sam Oyelaran opened an alert: Missing. Why: an adult reported it."
    )
    assert "bed" not in " ".join(night.lines)


# --- our own server


async def test_a_time_in_which_our_server_was_down_is_the_answer(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(18, 5))
    await ticking.beat(ticking.TICK, cast.clock())
    cast.clock.set(at(23))
    night = await read(cast)
    assert night.answer == ("No alert: our server has been down since 18:05. Call IT support.")
    assert night.of("server") == ["18:05 Our server has not looked since 18:05. Call IT support."]


async def test_an_alert_that_we_noticed_late_says_that_we_were_down(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(18, 5))
    await ticking.beat(ticking.TICK, cast.clock())
    cast.clock.set(at(23))
    await ticking.look(cast.clock())
    await ticking.WATCHES.tick(cast.clock())
    await ticking.beat(ticking.TICK, cast.clock())
    cast.clock.set(at(23, 1))
    night = await read(cast)
    assert night.answer.startswith(
        "Our server was down from 18:05 to 23:00, so we noticed the alert of 19:45 at 23:00."
    )
    assert night.of("server") == [
        "18:05 Our server was down until 23:00. Nobody looked in that time.",
        "23:00 Our server was back. It looked at everything that had become due.",
    ]
    assert night.of("alert.noticed") == ["23:00 Only now did our server notice the alert of 19:45."]


async def test_a_watch_that_was_set_apart_is_told_once_an_hour(cast: Cast) -> None:
    async def tell_nobody(_fault: str, _now: datetime) -> None:
        return

    await Watch.filter(child_id=cast.mia.id).update(next_action_at=cast.clock())
    for _ in range(3):
        await ticking.WATCHES.set_apart(cast.mia.id, cast.clock(), tell_nobody)
        cast.clock.advance(seconds=SET_APART.total_seconds())
    night = await read(cast)
    assert len(night.of("server.apart")) == 1


async def test_a_start_of_the_server_is_told(stage: Stage) -> None:
    await stage.only("mia")
    await stage.ticker.first()
    stage.clock.advance(minutes=1)
    night = await read(stage.cast)
    assert night.of("server.started") == ["13:00 Our server started."]


# --- who was there


async def test_leave_without_a_cover_and_nobody_on_duty_are_told(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await cast.on_duty("eve", hours=6)
    await Leave.create(
        agency_id=cast.agency.id,
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=at(13),
        until_at=at(23),
        made_at=cast.clock(),
    )
    await run_until(cast, at(20))
    night = await read(cast, night=NIGHT)
    assert night.of("leave") == ["18:00 Tom Verhoeven was on leave until 23:00."]
    assert night.of("duty.began") == ["18:00 Eve Thackeray was on duty until 19:00."]
    assert night.of("duty.gap") == ["19:00 Nobody was on duty."]
    assert night.of("alert.on_leave") == [
        "19:45 Tom Verhoeven was on leave. Eve Thackeray stood in."
    ]
    assert "19:45 It was the turn of “Caseworker”: Eve Thackeray." in night.lines


async def test_leave_names_the_stand_in_that_was_entered_and_no_deputy_of_today(
    cast: Cast,
) -> None:
    await leave_the_others_out(cast)
    await cast.on_duty("tom", hours=12)
    await Leave.create(
        agency_id=cast.agency.id,
        person_id=cast.tom.id,
        from_at=at(13),
        until_at=at(23),
        made_at=cast.clock(),
    )
    await run_until(cast, at(20))
    await Person.filter(id=cast.tom.id).update(deputy_id=cast.eve.id)
    night = await read(cast, night=NIGHT)
    assert night.of("alert.on_leave") == [
        "19:45 Tom Verhoeven was on leave. No stand-in was entered."
    ]
    [away] = night.of("duty.away")
    assert away.endswith("but on leave with no stand-in entered: Tom Verhoeven.")
    assert not [line for line in night.lines if "Eve" in line]
    assert not night.of("duty.gap")


async def test_an_attempt_is_told_without_its_words(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20))
    [alert] = await Alert.filter(child_id=cast.mia.id)
    tried = Tried(uuid4(), Way.CALL, Target.HOME, Result.NO_ANSWER, words="It rang out.")
    await log(cast.actor("tom"), alert.id, tried, cast.clock())
    cast.clock.advance(minutes=1)
    night = await read(cast)
    assert night.of("attempt") == [
        "20:00 Tom Verhoeven logged an attempt: Called · The home · No answer."
    ]


async def test_what_people_changed_is_told(cast: Cast) -> None:
    now = cast.clock()
    tier = agreements.TierRequest(tier=Tier.LOW, why="A secret reason.")
    await agreements.set_tier(cast.actor("tom"), cast.mia.id, tier, now)
    cast.clock.advance(minutes=1)
    night = await read(cast)
    assert "13:00 Tom Verhoeven changed the watch level." in night.lines
    assert "13:00 Ines Quintanar was assigned to Mia Castellane: supervisor." in night.lines
    assert "secret" not in " ".join(night.lines)


async def test_an_alert_that_its_holder_let_lapse_says_so(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20))
    [alert] = await Alert.filter(child_id=cast.mia.id)
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    await run_until(cast, at(21, 30))
    night = await read(cast, night=NIGHT)
    assert night.of("alert.lapsed") == [
        "21:00 Tom Verhoeven no longer had the alert: their time with it was over."
    ]
    assert night.answer.endswith("Tom Verhoeven took it at 20:00. Nobody has it now.")


async def test_what_the_server_did_itself_has_a_name_too(cast: Cast) -> None:
    tier = agreements.TierRequest(tier=Tier.LOW)
    await agreements.set_tier(SYSTEM, cast.mia.id, tier, cast.clock())
    cast.clock.advance(minutes=1)
    assert "13:00 Our server changed the watch level." in (await read(cast)).lines


async def test_people_of_another_agency_have_no_name_here(cast: Cast) -> None:
    """A child who was transferred brings a past in which others answered for them."""
    now = cast.clock()
    await Tie.create(
        agency_id=cast.other_agency.id,
        child_id=cast.mia.id,
        person_id=cast.uwe.id,
        role=Role.CASEWORKER,
        from_at=now,
        until_at=now + timedelta(minutes=1),
    )
    cast.clock.advance(minutes=2)
    night = await read(cast)
    assert "Uwe" not in " ".join(night.lines)
    wanted = "13:00 A person of another agency was assigned to Mia Castellane: caseworker."
    assert wanted in night.lines


# --- a night by the clock


async def test_the_night_of_the_change_of_clocks_has_its_real_length(cast: Cast) -> None:
    night = await read(cast, night=date(2026, 3, 28))
    assert night.told.period == Period(
        datetime(2026, 3, 28, 17, tzinfo=UTC), datetime(2026, 3, 29, 6, tzinfo=UTC), Chosen.NIGHT
    )
    longer = (await read(cast, night=date(2026, 10, 24))).told.period
    assert longer.end - longer.begin == timedelta(hours=15)


async def test_a_child_of_another_agency_has_none_of_our_lines(cast: Cast) -> None:
    await run_until(cast, at(20))
    lia = await read(cast, "lia")
    assert not [line for line in lia.lines if "Mia" in line or "Tom" in line]


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_every_line_is_in_the_language_of_the_reader(cast: Cast, language: str) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20))
    [alert] = await Alert.filter(child_id=cast.mia.id)
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    await close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, "Seen.", cast.clock())
    cast.clock.advance(minutes=1)
    english, other = await read(cast), await read(cast, language=language)
    assert english.answer != other.answer
    same = [a for a, b in zip(english.lines, other.lines, strict=True) if a == b]
    assert same == []


async def test_a_server_that_never_looked_is_not_said_to_have_looked(cast: Cast) -> None:
    await Beat.all().delete()
    night = await read(cast, period=around(cast.clock()))
    assert "server.whole" not in night.codes

"""What is known about a silence, from rows, and the sentence that says it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.checkin import actions as checkin
from server.checkin.rules import Answer, Want
from server.notify.models import Delivery, Message
from server.people.rules import Role
from server.policy.model import Tier
from server.watch import actions, evidence, ticking, watch_alerts
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.facts import Reach, read_marks, usual
from server.watch.machine.standing import State
from server.watch.models import Blind
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.copies import replace
from tests.desk.walking import PARIS, answer, at, leave_the_others_out, run_until

# As often as the high tier needs it.
TWICE = {"at": ["09:00", "18:00"]}


async def facts_of(cast: Cast, child: str) -> evidence.Facts:
    return (await evidence.of([cast.persons[child].id], cast.clock()))[cast.persons[child].id]


async def sentence(cast: Cast, child: str, language: str = "en") -> str:
    return evidence.sentence(await facts_of(cast, child), language, PARIS, cast.clock())


async def brief(cast: Cast, child: str) -> str:
    return evidence.brief(await facts_of(cast, child), "en", PARIS, cast.clock())


async def test_a_child_who_answered_is_said_to_be_well(cast: Cast) -> None:
    await run_until(cast, at(17))
    await answer(cast, "mia")
    assert await sentence(cast, "mia") == "Last answer 17:00, next check-in tomorrow 18:00."


async def test_a_late_child_is_late_with_what_is_known(cast: Cast) -> None:
    await run_until(cast, at(19, 5))
    facts = await facts_of(cast, "mia")
    assert facts.standing is State.LATE
    assert facts.reach is Reach.NO_PHONE
    assert facts.asked is not None
    assert await brief(cast, "mia") == (
        "No answer to the check-in due 18:00, question to the carer 19:00, not sent."
    )


async def test_an_alert_says_all_that_is_known_in_two_sentences(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    facts = await facts_of(cast, "mia")
    assert facts.alerts[0].cause is Cause.SILENCE
    sent = ["remind_child", "alert", "ask_carer"]
    await Message.filter(kind__in=sent).update(channel="push", state="done")
    assert await sentence(cast, "mia") == (
        "No answer since 18:00, has never answered. "
        "Reminder sent, perhaps not shown, carer asked 19:00, no answer yet,"
        " our server was not down."
    )
    assert await brief(cast, "mia") == (
        "No answer since 18:00, reminder sent, perhaps not shown, carer asked 19:00, no answer yet."
    )


@pytest.mark.parametrize(
    ("said", "clause"),
    [
        ("seen", "carer saw the child 19:10"),
        ("not_seen", "carer could not find the child, 19:10"),
    ],
)
async def test_what_the_carer_said_is_said(cast: Cast, said: str, clause: str) -> None:
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(Tier.HIGH, rhythm=TWICE),
        cast.clock(),
    )
    await run_until(cast, at(18, 31))
    cast.clock.set(at(19, 10))
    question = await Question.get(child_id=cast.mia.id)
    await questions.answer_question(question.id, said, cast.clock())
    await run_until(cast, at(19, 11))
    assert clause in (await sentence(cast, "mia")).lower()


async def test_what_the_ceiling_called_about_is_told_of_the_round_that_was_missed_then(
    cast: Cast,
) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(17))
    await answer(cast, "mia")
    cast.clock.set(at(12, 0, 3))
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(Tier.HIGH, rhythm=TWICE),
        cast.clock(),
    )
    # A day after her answer is over before her check-in is due.
    await run_until(cast, at(17, 30, 3))
    [alert] = await Alert.filter(child_id=cast.mia.id)
    assert (alert.reason, alert.misses) == ("ceiling", 0)
    await run_until(cast, at(18, 31, 3))
    await Message.filter(kind="remind_child").update(channel="push", state="done")
    assert (await facts_of(cast, "mia")).reach is Reach.ACCEPTED
    assert "Reminder sent, perhaps not shown" in await sentence(cast, "mia")
    assert (await Alert.get(id=alert.id)).misses == 1
    # The rounds of the next day are missed as well, and what is said stays about the first.
    await run_until(cast, at(9, 31, 4))
    assert (await Alert.get(id=alert.id)).misses == 2
    assert "Reminder sent, perhaps not shown" in await sentence(cast, "mia")


async def test_a_carer_who_looked_in_vain_without_being_asked_is_heard(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(17))
    await answer(cast, "mia")
    cast.clock.set(at(12, 0, 3))
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(Tier.HIGH, rhythm=TWICE),
        cast.clock(),
    )
    await run_until(cast, at(18, 40, 3))
    await actions.note_sighting(
        cast.actor("sam"),
        cast.mia.id,
        Role.CARER,
        actions.SightingRequest(uuid4(), "not_seen", seen_at=cast.clock()),
        cast.clock(),
    )
    await run_until(cast, at(18, 41, 3))
    assert "looked for, not found 18:40" in await sentence(cast, "mia")


async def test_the_usual_delay_is_the_median_of_what_was_answered(cast: Cast) -> None:
    await leave_the_others_out(cast)
    for day in range(2, 8):
        await run_until(cast, at(18, 25, day))
        await answer(cast, "mia")
    facts = await facts_of(cast, "mia")
    assert facts.marks == "aaaaaa"
    assert facts.usual_delay == timedelta(minutes=25)
    await run_until(cast, at(19, 0, 8))
    assert "usual delay 25 min" in await sentence(cast, "mia")


async def test_rounds_that_the_next_one_overtook_are_missed_and_late_ones_late(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(19, 30, 2))
    await answer(cast, "mia")  # Late, and before the next round.
    await run_until(cast, at(18, 10, 4))
    await answer(cast, "mia")  # The third round; the second one went by.
    assert (await facts_of(cast, "mia")).marks == "lma"


@pytest.mark.slow
async def test_only_the_last_28_rounds_count_oldest_first(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(19, 30, 2))
    for day in range(3, 31):
        await run_until(cast, at(18, 1, day))
        await answer(cast, "mia")
    assert (await facts_of(cast, "mia")).marks == "a" * 28


async def test_a_time_in_which_we_did_not_look_is_said(cast: Cast) -> None:
    await Blind.create(from_at=at(18, 5), until_at=at(18, 35))
    await Blind.create(from_at=at(3), until_at=at(4))
    await run_until(cast, at(19, 50))
    assert "our server was down 18:05–18:35" in await sentence(cast, "mia")
    assert "our server was not down" not in await sentence(cast, "mia")


async def test_a_ticker_that_stands_still_is_blindness_that_goes_on(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    await ticking.beat("tick", at(19, 30))
    assert "our server was down 19:30–19:50" in await sentence(cast, "mia")


async def test_a_channel_of_ours_that_broke_is_said(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    message = await Message.filter(kind="remind_child", child_id=cast.mia.id).first()
    assert message is not None
    await Delivery.create(
        message=message, channel="push", attempt=1, started_at=at(18), result="fault"
    )
    assert "sending failed on our side" in await sentence(cast, "mia")
    assert "sending failed on our side" in await brief(cast, "mia")


async def test_help_talk_and_missing_say_who_called(cast: Cast) -> None:
    cast.clock.set(at(15))
    await answer(cast, "mia", want=Want.TALK)
    await Message.filter(kind="alert").update(channel="push", state="done")
    assert await sentence(cast, "mia") == "Asked to talk 15:00."
    cast.clock.set(at(15, 10))
    await answer(cast, "mia", want=Want.HELP)
    assert await sentence(cast, "mia") == "Asked for help 15:10."
    cast.clock.set(at(15, 20))
    await watch_alerts.open_missing(cast.actor("sam"), cast.mia.id, None, cast.clock())
    assert (await sentence(cast, "mia")).startswith("Reported missing 15:20, last answer")
    cast.clock.set(at(15, 30))
    await answer(cast, "mia")
    assert "last sign of life 15:30" in await sentence(cast, "mia")


async def test_an_absence_says_its_end(cast: Cast) -> None:
    await agreements.pause(
        cast.actor("tom"),
        cast.mia.id,
        agreements.PauseRequest(uuid4(), cast.clock(), at(20, day=8), words="With her aunt."),
        cast.clock(),
    )
    await run_until(cast, at(20))
    assert (await facts_of(cast, "mia")).standing is State.AWAY
    assert "Away until" in await sentence(cast, "mia")


async def test_an_answer_in_the_high_tier_waits_for_an_adult_to_confirm(cast: Cast) -> None:
    await run_until(cast, at(19, 30))
    facts = await facts_of(cast, "noor")
    assert facts.alerts
    await answer(cast, "noor")
    assert await sentence(cast, "noor") == (
        "Answered 19:30, after the alert, please confirm that all is well."
    )


async def test_every_sentence_is_there_in_arabic(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    said = await sentence(cast, "mia", "ar")
    assert "6:00" in said
    assert not any(letter in said.lower() for letter in "abcdefghijklmnopqrstuvwxyz")


async def test_the_reader_reads_times_on_their_own_clock(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    facts = await facts_of(cast, "mia")
    lisbon = evidence.sentence(facts, "en", ZoneInfo("Europe/Lisbon"), cast.clock())
    assert lisbon.startswith("No answer since 17:00")


async def test_the_points_leave_nothing_out(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    await Message.filter(kind="alert").update(channel="push", state="done")
    points = evidence.points(await facts_of(cast, "mia"), "en", PARIS, cast.clock())
    assert [point.label for point in points] == [
        "Last answer",
        "Usually",
        "Signs of life",
        "Reminder",
        "Carer",
        "Our system",
    ]
    assert points[-1].text == "Our server was not down."


@pytest.mark.parametrize(
    ("delay", "language", "text"),
    [
        (None, "en", "Too few answers to tell."),
        (timedelta(minutes=1), "en", "On time when an answer comes."),
        (timedelta(minutes=25), "en", "25 min after it was due."),
        (timedelta(minutes=1), "fr", "À l\u2019heure, quand une réponse arrive."),
        (timedelta(minutes=25), "fr", "25 min après l\u2019heure prévue."),
        (timedelta(minutes=1), "ar", "في الموعد، حين يصل جواب."),
    ],
)
async def test_what_is_usual_is_said_once(
    cast: Cast, delay: timedelta | None, language: str, text: str
) -> None:
    facts = replace(await facts_of(cast, "mia"), usual_delay=delay)
    point = evidence.points(facts, language, PARIS, cast.clock())[1]
    assert point.text.replace("\u202f", " ").replace("\xa0", " ").replace("mins", "min") == text


async def test_nobody_is_asked_about_no_children(cast: Cast) -> None:
    assert await evidence.of([], cast.clock()) == {}
    assert await evidence.of([uuid4()], cast.clock()) == {}


def test_a_usual_delay_needs_three_answers_and_counts_early_ones_as_none() -> None:
    assert usual([10, 20]) is None
    assert usual([-60, 10, 30]) == timedelta(minutes=10)
    assert usual([-60, -50, 30]) == timedelta(0)


def test_marks_are_read_with_their_delays() -> None:
    assert read_marks(None) == ("", None)
    assert read_marks("a5,l70,m,s,a9,o") == ("almsao", timedelta(minutes=9))


async def test_an_old_answer_shows_that_the_phone_is_on_and_not_that_the_child_is_well(
    cast: Cast,
) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20, 30, day=3))
    await answer(cast, "mia", said_at=at(17))
    cast.clock.advance(minutes=5)
    told = "an answer said yesterday 17:00 arrived today 20:30: the phone is on again"
    assert told in await sentence(cast, "mia")
    assert told in await brief(cast, "mia")
    shown = evidence.points(await facts_of(cast, "mia"), "en", PARIS, cast.clock())
    said = {point.label: point.text for point in shown}
    assert said["Last answer"] == "Yesterday 17:00."
    assert said["Signs of life after the last answer"] == f"{told[0].upper()}{told[1:]}."
    # Once they have answered, it tells nothing that matters.
    await answer(cast, "mia")
    assert "the phone is on again" not in await sentence(cast, "mia")


async def test_an_answer_of_an_unknown_time_is_neither_a_last_one_nor_none(cast: Cast) -> None:
    """The clock of the phone was set back between the saying and the sending."""
    await leave_the_others_out(cast)
    await run_until(cast, at(20, 30))
    await answer(cast, "mia", said_at=at(20, 30) + timedelta(days=9))
    shown = await sentence(cast, "mia")
    assert "has never answered" not in shown
    told = "an answer of an unknown time arrived 20:30: the phone is on again"
    assert told in shown
    points = evidence.points(await facts_of(cast, "mia"), "en", PARIS, cast.clock())
    assert "Last answer" not in {point.label for point in points}


async def test_an_old_answer_that_an_adult_hands_in_says_nothing_of_the_phone(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20, 30, day=3))
    said = Answer(uuid4(), at(17), sent_at=cast.clock())
    await checkin.record(cast.actor("sam"), Role.CARER, cast.mia.id, said, cast.clock())
    assert "phone is on again" not in await sentence(cast, "mia")

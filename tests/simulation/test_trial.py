"""Policies beside each other: on a file, and on what happened in the agency. Nothing is kept."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from server.audit.models import Entry
from server.desk.picture import HEIGHT, LEFT, WIDTH, Point, drawn, ticks
from server.desk.policies import trial_pages
from server.errors import Refused
from server.policy import parser as policies
from server.policy.model import EACH_MISS, Policy
from server.simulation import trial
from server.simulation.evaluation import Gone
from server.simulation.events import events_of, in_words
from server.simulation.trial import Past, Run
from server.watch import ticking
from tests.cast import SURNAMES, Cast

HEADER = "child,at,kind,detail\n"
PLACED = (
    'a,2026-03-02T07:00:00Z,placed,"{""zone"":""UTC"",""tier"":""low"",'
    '""rhythm"":{""at"":[""09:00""]},""carer"":false}"\n'
)
# Gone from Tuesday noon on: the answer of Wednesday does not come.
EVENTS = (
    HEADER
    + PLACED
    + "a,2026-03-02T09:00:00Z,check_in,{}\n"
    + "a,2026-03-03T09:00:00Z,check_in,{}\n"
    + "a,2026-03-06T09:00:00Z,check_in,{}\n"
    + "a,2026-03-16T09:00:00Z,app_seen,{}\n"
)
TRUTH = "child,left_at,back_at,coerced\na,2026-03-03T12:00:00Z,2026-03-06T08:00:00Z,false\n"
PATH = "/desk/policies/replay"


def moment(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def past(text: str = EVENTS, **known: object) -> Past:
    events = list(events_of(io.StringIO(text)))
    return Past(events, events[-1].at, **known)  # type: ignore[arg-type]


def shipped() -> Policy:
    return policies.read(EACH_MISS)


def nobody() -> None:
    """Goes on, whatever happens."""


# --- the figures


def test_with_the_truth_each_absence_is_told_and_every_other_call_was_for_nothing() -> None:
    gone = Gone("a", moment(3, 12), moment(6, 8), is_coerced=False)
    seen = trial.tried("A", shipped(), past(truth=[gone]), nobody)
    assert seen.told is not None
    # Due on the 4th at 09:00, late two hours after.
    assert (seen.told.absences, seen.told.told) == (1, 1)
    assert seen.told.delay == timedelta(hours=23)
    assert seen.told.within == {6: 0, 24: 1}
    assert (seen.did.alerts, seen.for_nothing) == (2, 1)
    assert round(seen.months, 2) == 0.46


def test_of_what_happened_here_every_silence_that_did_not_end_as_real_was_for_nothing() -> None:
    seen = trial.tried("A", shipped(), past(real=[("a", moment(4, 11))]), nobody)
    # The last one goes on at the end of the file: nobody knows yet what it is.
    assert (seen.did.alerts, seen.for_nothing, seen.still_open, seen.told) == (2, 0, 1, None)
    answered = EVENTS + "a,2026-03-16T10:00:00Z,check_in,{}\n"
    seen = trial.tried("A", shipped(), past(answered, real=[("a", moment(4, 11))]), nobody)
    assert (seen.did.alerts, seen.for_nothing, seen.still_open) == (2, 1, 0)
    assert trial.tried("A", shipped(), past(), nobody).for_nothing is None


def test_where_fewer_than_half_were_told_there_is_no_middle_delay() -> None:
    never = Gone("a", moment(2, 10), moment(2, 12), is_coerced=False)
    seen = trial.tried("A", shipped(), past(truth=[never]), nobody)
    assert seen.told is not None
    assert (seen.told.told, seen.told.delay) == (0, None)


# --- bounds


def test_what_would_take_too_long_is_refused_before_it_begins() -> None:
    rows = list(events_of(io.StringIO(HEADER + PLACED)))
    with pytest.raises(Refused, match="nothing in this file"):
        trial.check_size([])
    with pytest.raises(Refused, match="We watched over no child"):
        trial.check_size(list(events_of(io.StringIO(EVENTS)))[1:])
    with pytest.raises(Refused, match="too much"):
        trial.check_size(rows * (trial.MOST_ROWS + 1))
    with pytest.raises(Refused, match="too much"):
        trial.check_size(rows, rows[0].at + timedelta(days=trial.MOST_CHILD_DAYS + 1))
    trial.check_size(rows)


def test_nobody_waits_for_ever_and_a_replay_that_nobody_reads_ends() -> None:
    with pytest.raises(Refused, match="took too long"):
        trial.tried("A", shipped(), past(), Run(ends_at=0).go_on)
    with pytest.raises(Refused):
        Run(is_stopped=True).go_on()
    Run().go_on()


def test_one_replay_runs_at_a_time_and_the_next_one_waits_its_turn() -> None:
    with Run().turn():
        assert trial.ONE.locked()
        with pytest.raises(Refused, match="took too long"), Run(ends_at=0).turn():
            raise AssertionError("not its turn")
    assert not trial.ONE.locked()


# --- the picture


def test_the_picture_has_zero_at_the_corner_and_the_largest_inside() -> None:
    picture = drawn([Point("A", 0, 0), Point("B", 3, 40)])
    assert picture.dots[0] == (LEFT, HEIGHT - 30)
    assert all(LEFT <= x < WIDTH and 0 < y < HEIGHT for x, y in picture.dots)
    assert [tick.value for tick in picture.across] == [0, 1, 2, 3]
    assert [tick.value for tick in picture.up] == [0, 10, 20, 30, 40]
    assert [label.text for label in picture.labels] == ["A", "B"]


def test_letters_do_not_lie_on_each_other() -> None:
    picture = drawn([Point("A", 1, 1), Point("B", 1, 1), Point("C", 9, 9)])
    assert [label.text for label in picture.labels] == ["AB", "C"]
    assert len(picture.dots) == 3


def test_nothing_and_very_little_can_be_drawn() -> None:
    assert drawn([]).dots == []
    assert ticks(1.0) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert [tick.value for tick in drawn([Point("A", 0.03, 2)]).across] == [0, 0.01, 0.02, 0.03]
    assert [tick.value for tick in drawn([Point("A", 4300, 2)]).across][-1] == 5000


# --- the page


def answer(**more: str) -> dict[str, object]:
    return {"policy": ["0", "period-and-grace"], "days": "30", **more}


async def test_a_file_is_replayed_by_each_policy_and_nothing_is_kept(cast: Cast) -> None:
    tom = cast.browser_as("tom")
    before = await Entry.all().count()
    files = {"events": ("events.csv", EVENTS, "text/csv"), "truth": ("t.csv", TRUTH, "text/csv")}
    by = {"policy": ["each-miss", "period-and-grace"]}
    first = await tom.post(PATH, data=answer() | by, files=files)
    assert first.status_code == 200
    assert "On your file" in first.text
    assert "1 of 2: Ask after each missed check-in" in first.text, "it says how far it is"
    rows = dict(re.findall(r'class="leads">([^<]+)</th><td>([^<]*)</td>', first.text))
    assert rows["Absences an adult was told about"] == "1"
    assert rows["Median time from leaving until an adult was told"] == "23 hrs"
    assert rows["False alarms"] == "1"
    assert "<svg viewBox" in first.text
    assert "<title id=" in first.text
    again = await tom.post(PATH, data=answer() | by, files=files)
    assert again.text == first.text, "the same once more, and no harm"
    assert await Entry.all().count() == before


async def test_what_happened_in_the_agency_is_replayed_and_names_nobody(cast: Cast) -> None:
    for _ in range(60):
        cast.clock.advance(hours=1)
        await ticking.WATCHES.tick(cast.clock())
    for name in ("tom", "ines"):
        await cast.new_token(name)
    shown = await cast.browser_as("ines").get(PATH)
    assert "Simple: wait long, then call adults" in shown.text
    seen = await cast.browser_as("ines").post(PATH, data=answer())
    assert "On your own past events" in seen.text
    assert "Calculated for 2 children" in seen.text
    assert "Side by side" in seen.text
    assert not any(name in seen.text.partition("<main")[2] for name in SURNAMES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "Line 1: The header must be: child,at,kind,detail"),
        (HEADER, "There is nothing in this file to test."),
        (HEADER + PLACED + "a,tomorrow,check_in,{}\n", "Line 3: Times must be in UTC"),
        (HEADER + PLACED + "a,2026-03-02T06:00:00Z,check_in,{}\n", "Line 3: This row is earlier"),
        (HEADER + PLACED + "a,2026-03-02T09:00:00Z,dance,{}\n", "Line 3: This kind is unknown."),
        (HEADER + PLACED + "a,2026-03-02T09:00:00Z\n", "Line 3: A row must have 4 fields."),
        (b"\xff\xfe" + HEADER.encode(), "the file is not UTF-8"),
        (HEADER + "a,2026-03-02T09:00:00Z,check_in,{}\n", "We watched over no child in this time."),
    ],
)
async def test_a_fault_in_a_file_is_said_with_its_line(
    cast: Cast, text: str | bytes, says: str
) -> None:
    files = {"events": ("events.csv", text, "text/csv")}
    told = await cast.browser_as("tom").post(PATH, data=answer(), files=files)
    assert told.status_code == 422
    assert says in told.text
    assert 'value="period-and-grace" checked' in told.text, "what was chosen stays chosen"


async def test_a_fault_in_the_absences_stands_at_their_file(cast: Cast) -> None:
    files = {
        "events": ("events.csv", EVENTS, "text/csv"),
        "truth": ("truth.csv", TRUTH.replace("false", "perhaps"), "text/csv"),
    }
    told = await cast.browser_as("tom").post(PATH, data=answer(), files=files)
    assert told.status_code == 422
    assert 'id="truth-error"' in told.text
    assert "Line 2: “coerced” must be true or false." in told.text
    alone = {"truth": files["truth"]}
    told = await cast.browser_as("tom").post(PATH, data=answer(), files=alone)
    assert "Add the events file that the absences belong to" in told.text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"policy": []}, "Choose at least one policy."),
        ({"policy": ["the mayor"]}, "Choose at least one policy."),
        ({"days": "31"}, "Choose how many days to look back."),
        ({"days": ""}, "Choose how many days to look back."),
    ],
)
async def test_nonsense_in_the_form_is_said_in_a_sentence(
    cast: Cast, form: dict[str, object], says: str
) -> None:
    cast.clock.advance(minutes=30)
    told = await cast.browser_as("tom").post(PATH, data=answer() | form)
    assert told.status_code == 422
    assert says in told.text


async def test_before_anybody_was_watched_there_is_nothing_to_replay(cast: Cast) -> None:
    told = await cast.browser_as("uwe").post(PATH, data=answer())
    assert told.status_code == 200
    assert "We watched over no child in this time." in told.text


async def test_a_person_who_waits_too_long_for_another_replay_is_told_so() -> None:
    with trial.ONE:
        # Somebody else replays, and goes on doing so.
        seen = [
            said async for said in trial_pages.replayed(past(), [("A", shipped())], Run(ends_at=0))
        ]
    assert seen[0] == 0
    assert isinstance(seen[1], Refused)
    assert "took too long" in in_words(seen[1], "en")
    assert "استغرق" in in_words(seen[1], "ar")


async def test_a_reader_who_leaves_ends_the_replay() -> None:
    this = Run()
    said = trial_pages.replayed(past(), [("A", shipped())] * 6, this)
    assert await anext(said) == 0
    await said.aclose()
    assert this.is_stopped
    while trial.ONE.locked():
        await asyncio.to_thread(trial.ONE.acquire)
        trial.ONE.release()

"""The one sentence at the top: each reason why there was an alert, or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from server.why.answer import ANSWERS, Absence, Known, answer
from server.why.events import Chosen, Event, Period
from tests.copies import replace

EVENING = datetime(2026, 3, 2, 18, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOM = UUID(int=1)


@dataclass
class Round:
    due_at: datetime = EVENING
    opens_at: datetime = EVENING - 2 * HOUR
    late_at: datetime = EVENING + HOUR
    call_at: datetime | None = None
    state: str = "open"
    settled_at: datetime | None = None


@dataclass
class Alert:
    cause: str = "silence"
    reason: str = "carer_silent"
    opened_at: datetime = EVENING + 2 * HOUR
    noticed_at: datetime = EVENING + 2 * HOUR
    acknowledged_by: UUID | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None


KNOWN = Known(
    period=Period(EVENING, MORNING, Chosen.NIGHT),
    now=MORNING + 6 * HOUR,
    made_at=EVENING - timedelta(days=90),
    placed_at=EVENING - timedelta(days=90),
    left_at=None,
    alerts=[],
    rounds=[],
    events=[],
    absences=[],
    downs=[],
    silent_since=None,
)


def codes(**how: Any) -> tuple[str, ...]:
    return answer(replace(KNOWN, **how)).codes


def settled(state: str, at: datetime, **how: Any) -> list[Round]:
    return [Round(state=state, settled_at=at, **how)]


EARLY, LATE = EVENING + HOUR / 2, EVENING + 3 * HOUR / 2
DOWN = [(EVENING + HOUR / 2, EVENING + 5 * HOUR)]
AWAY = [Absence(EVENING - HOUR, MORNING + HOUR, TOM)]
LOOKED = [replace(AWAY[0], looked_at=EVENING, looked_by=TOM)]
CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a time to come": ({"now": EVENING - HOUR}, ("not_yet",)),
    "before our records": ({"made_at": MORNING}, ("before_records",)),
    "before the placement": ({"placed_at": MORNING}, ("not_placed",)),
    "after the placement": ({"left_at": EVENING - HOUR}, ("left",)),
    "an alert": ({"alerts": [Alert()]}, ("alert", "why", "not_taken")),
    "an alert that was taken": (
        {"alerts": [Alert(acknowledged_by=TOM, acknowledged_at=LATE)]},
        ("alert", "why", "taken", "open"),
    ),
    "an alert that was taken, and lapsed": (
        {"alerts": [Alert()], "events": [Event(LATE, "alert.taken", {"who": TOM})]},
        ("alert", "why", "taken", "lapsed"),
    ),
    "an alert that closed": (
        {"alerts": [Alert(closed_at=MORNING)]},
        ("alert", "why", "closed"),
    ),
    "a call for help needs no why": (
        {"alerts": [Alert(cause="help", reason="said_help")]},
        ("alert", "not_taken"),
    ),
    "several alerts": ({"alerts": [Alert(), Alert(cause="help")]}, ("alerts", "wish")),
    "an alert noticed late": (
        {"alerts": [Alert(noticed_at=EVENING + 5 * HOUR)], "downs": DOWN},
        ("alert_late", "why", "not_taken"),
    ),
    "an alert from before": (
        {"alerts": [Alert(opened_at=EVENING - HOUR, noticed_at=EVENING - HOUR)]},
        ("alert_before", "not_taken"),
    ),
    "settled, and we do not know how": (
        {"rounds": settled("answered", EARLY)},
        ("settled",),
    ),
    "answered in time": (
        {"rounds": settled("answered", EARLY), "events": [Event(EARLY, "answer.app")]},
        ("answered",),
    ),
    "answered late, nothing stored": (
        {"rounds": settled("answered_late", LATE), "events": [Event(LATE, "answer.app")]},
        ("answered_late",),
    ),
    "answered late, before the call": (
        {
            "rounds": settled("answered_late", LATE, call_at=EVENING + 2 * HOUR),
            "events": [Event(LATE, "answer.app")],
        },
        ("answered_before_call",),
    ),
    "answered for the child": (
        {
            "rounds": settled("answered", EARLY),
            "events": [Event(EARLY, "answer.for", {"who": TOM})],
        },
        ("answered_for",),
    ),
    "seen": (
        {
            "rounds": settled("seen", EARLY),
            "events": [Event(EARLY, "seen.seen", {"who": TOM, "seen": EARLY})],
        },
        ("seen",),
    ),
    "an agreed absence": (
        {"rounds": settled("excused", EVENING - HOUR / 2), "absences": AWAY},
        ("absence",),
    ),
    "an absence that was taken back": (
        {"rounds": settled("excused", EVENING + HOUR / 4)},
        ("excused",),
    ),
    "an absence in which nothing was due": ({"absences": AWAY}, ("absence",)),
    "an absence that was looked at": ({"absences": LOOKED}, ("absence", "absence_looked")),
    "the times changed": ({"rounds": settled("replaced", EARLY)}, ("replaced",)),
    "the placement ended": ({"rounds": settled("ended_late", LATE)}, ("ended",)),
    "our server is down": (
        {"rounds": [Round()], "silent_since": EARLY},
        ("down_now",),
    ),
    "our server was down": (
        {"rounds": settled("answered_late", MORNING), "downs": DOWN},
        ("down",),
    ),
    "down the whole night": ({"downs": [(EVENING - HOUR, MORNING + HOUR)]}, ("down",)),
    "not late yet": ({"rounds": [Round()], "now": EARLY}, ("not_late",)),
    "late later": (
        {"rounds": [Round(late_at=MORNING + HOUR)]},
        ("late_later",),
    ),
    "late, and adults are called later": (
        {"rounds": [Round(state="late", call_at=LATE + HOUR)], "now": LATE},
        ("late",),
    ),
    "late, and the call came after this time": (
        {"rounds": [Round(state="late", call_at=MORNING + HOUR)]},
        ("late_after",),
    ),
    "late, in rows of an older version": ({"rounds": [Round(state="late")]}, ("late_unknown",)),
    "nothing was due": ({}, ("none_due",)),
    "nothing was due, but later": ({"due_at": MORNING + HOUR}, ("none_due_next",)),
}


@pytest.mark.parametrize("case", CASES)
def test_each_reason_has_its_sentence(case: str) -> None:
    how, wanted = CASES[case]
    assert codes(**how) == wanted


def test_every_sentence_is_said_in_some_case() -> None:
    assert {code for _, wanted in CASES.values() for code in wanted} == set(ANSWERS)


def test_the_watch_of_now_says_when_adults_are_called() -> None:
    rounds = [Round(state="late", call_at=LATE + HOUR)]
    now = answer(replace(KNOWN, rounds=rounds, now=LATE, alarm_at=LATE + 2 * HOUR))
    assert now.values["call"] == LATE + 2 * HOUR
    later = answer(replace(KNOWN, rounds=[Round(state="late", call_at=MORNING)], alarm_at=EVENING))
    assert later.values["call"] == MORNING

"""A person who is called closes the alert, as an `if_alerted` event says."""

from __future__ import annotations

import pytest

from tests.simulation.test_replay import placed, run, told

SILENT = ("01T08:00", "placed", placed())


def finds(
    outcome: str, *, at: str = "01T08:00", after_s: float = 3600
) -> tuple[str, str, dict[str, object]]:
    until = "2026-06-09T00:00:00Z"
    return (at, "if_alerted", {"until": until, "outcome": outcome, "after_s": after_s})


def test_a_child_who_was_there_is_watched_anew_and_the_next_silence_is_another_alert() -> None:
    result = run(SILENT, finds("was_here"), until="03T12:00")
    first, second = result.alerts
    assert first.told[0] < first.closed_at < second.opened_at
    assert (first.closed_at - first.told[0]).total_seconds() == 3600
    assert f"{second.told[0]:%d}" == "02"


def test_a_child_who_was_away_is_looked_for_and_calls_nobody_again_before_a_sign() -> None:
    result = run(SILENT, finds("was_away"), until="06T12:00")
    [alert] = result.alerts
    assert alert.closed_at is not None
    back = run(
        SILENT,
        finds("was_away"),
        ("04T09:00", "sighting", {"by": "professional"}),
        until="06T12:00",
    )
    assert len(back.alerts) == 2, "after a sighting the next silence calls again"


def test_who_has_answered_meanwhile_is_not_settled_once_more() -> None:
    said = [SILENT, finds("was_here", after_s=7200), ("01T21:00", "check_in", {})]
    result = run(*said, until="02T12:00")
    [alert] = result.alerts
    assert f"{alert.closed_at:%d %H:%M}" == "01 21:00"


def test_without_such_an_event_nobody_closes_anything() -> None:
    late = finds("was_here", at="08T00:00")
    assert told(run(SILENT, late, until="07T00:00")) == told(run(SILENT, until="07T00:00"))


def test_help_stays_open_when_a_person_closes_the_silence() -> None:
    wants = ("01T09:00", "check_in", {"want": "help"})
    result = run(SILENT, wants, finds("was_here", at="01T18:00"), until="03T09:00")
    closed = {alert.cause.value: alert.closed_at is not None for alert in result.alerts}
    assert closed["help"] is False
    assert closed["silence"] is True


def test_a_child_who_moves_is_watched_on() -> None:
    moved = ("01T12:00", "moved", {"home": "Lindenhof"})
    said = [("01T08:00", "placed", placed(home="Harbour")), moved]
    assert told(run(*said, until="03T12:00")) == told(run(SILENT, until="03T12:00"))


@pytest.mark.parametrize(
    ("by", "answer"),
    [("home", "here"), ("school", "excused"), ("mentor", "unknown"), ("home", "not_here")],
)
def test_who_is_not_asked_by_the_policy_changes_nothing(by: str, answer: str) -> None:
    until = "2026-06-09T00:00:00Z"
    says = ("01T08:00", "if_asked", {"until": until, "by": by, "answer": answer, "after_s": 60})
    assert told(run(SILENT, says, until="03T12:00")) == told(run(SILENT, until="03T12:00"))

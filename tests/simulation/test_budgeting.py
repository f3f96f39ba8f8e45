"""A budget of alarms in a replay: counted each week, proposed or adopted, and never by chance."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from server.__main__ import main
from server.policy import parser as policies
from server.policy.adapting import AS_WRITTEN, LIMITS, STEP
from server.policy.model import SHIPPED, Policy, Tier, over
from server.simulation.commands import _event
from server.simulation.events import HEADER, events_of
from server.simulation.kinds import Event, Plain
from server.simulation.outcomes import Result
from server.simulation.replay import replay
from server.simulation.reports.budget_words import budget_report
from server.simulation.worlds.making import make
from server.simulation.worlds.table import WORLDS
from tests.simulation.test_replay import placed
from tests.simulation.test_replay import run as replayed

HOUR = timedelta(hours=1)


def policy(pages: float, adapt: str, **more: Any) -> Policy:
    own = {"budget": {"pages": pages, "adapt": adapt}, **more}
    return policies.read(over(SHIPPED, own))


@cache
def world(name: str = "ordinary") -> Sequence[Event]:
    rows, _ = make(WORLDS[name], 16, 45, 3)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(_event, rows))
    text.seek(0)
    return [*events_of(text)]


@cache
def tried(pages: float, adapt: str, name: str = "ordinary") -> Result:
    return replay(world(name), policy(pages, adapt))


def test_a_policy_that_never_adapts_counts_nothing() -> None:
    result = tried(4, "never")
    assert result.adapting == []
    assert budget_report(result, policy(4, "never")) == ""
    assert result.rows == replay(world(), policies.read(SHIPPED)).rows


def test_a_proposal_changes_nothing_and_the_end_of_a_week_disturbs_nobody() -> None:
    assert tried(0.5, "propose").rows == tried(4, "never").rows


def test_each_week_ends_once_on_monday_at_four() -> None:
    ends = [week.at for week in tried(0.5, "propose").adapting]
    assert len(ends) in (6, 7)
    assert {end - begin for begin, end in pairwise(ends)} <= {
        timedelta(days=7),
        timedelta(days=7, hours=-1),
    }
    assert ends[0].weekday() == 0


def test_a_proposal_says_the_numbers_that_a_supervisor_would_adopt() -> None:
    said = budget_report(tried(0.5, "propose"), policy(0.5, "propose"))
    assert said.startswith("Budget: 0.5 false calls to adults a worker-week.\n")
    assert "[mid.habit] page = 1.2 (now 0.8)" in said


def test_a_tight_budget_raises_the_line_and_calls_less_often() -> None:
    weeks = tried(0.1, "within_limits").adapting
    lines = [week.factors[Tier.MID] for week in weeks]
    # The first week has too few calls about a silence for a whole step.
    first = 1.43773501437735
    assert lines[:4] == pytest.approx([first, first * STEP, first * STEP**2, LIMITS[Tier.MID][1]])
    assert lines[-1] == LIMITS[Tier.MID][1]
    assert len(tried(0.1, "within_limits").alerts) < len(tried(100, "within_limits").alerts)


def test_it_never_makes_the_longest_silence_longer() -> None:
    silent = ("01T08:00", "placed", placed("low"))
    answers = [(f"{day:02}T18:10", "check_in", {}) for day in range(1, 22)]
    tight = policy(0.1, "within_limits")
    result = replayed(silent, *answers, until="29T00:00", policy=tight)
    last = datetime.fromisoformat("2026-06-21T18:10:00Z")
    assert result.alerts[0].told[0] <= last + tight.tiers[Tier.LOW].steps.ceiling


def test_it_does_not_depend_on_how_often_one_looks() -> None:
    def looked() -> Sequence[Event]:
        events, at = [], world()[0].at
        for event in world():
            while at < event.at:
                events.append(Event(0, "not placed", at, "app_seen", Plain()))
                at += 5 * HOUR
            events.append(event)
        return events

    often = replay(looked(), policy(0.5, "within_limits"))
    assert often.rows == tried(0.5, "within_limits").rows
    assert often.adapting == tried(0.5, "within_limits").adapting


def test_one_person_who_closes_all_alike_stays_inside_the_limits() -> None:
    for week in tried(4, "within_limits", "one_outcome").adapting:
        for tier in Tier:
            assert LIMITS[tier][0] <= week.factors[tier] <= LIMITS[tier][1]


def test_a_week_in_which_our_server_was_down_ends_all_the_same() -> None:
    down = ("07T20:00", "blind", {"until": "2026-06-08T09:00:00Z"})
    said = [("01T08:00", "placed", placed()), down]
    result = replayed(*said, until="16T00:00", policy=policy(4, "within_limits"))
    assert [f"{week.at:%d %H}" for week in result.adapting] == ["08 04", "15 04"]


def test_before_a_week_is_over_there_is_nothing_to_go_by() -> None:
    result = replayed(
        ("02T08:00", "placed", placed()), until="05T00:00", policy=policy(4, "propose")
    )
    assert result.adapting == []
    assert "No week has ended" in budget_report(result, policy(4, "propose"))


def test_what_the_child_asked_for_moves_no_line() -> None:
    said = [
        (f"{day:02}T17:50", "check_in", {"want": ["talk", "help"][day % 2]}) for day in range(1, 29)
    ]
    said = [("01T08:00", "placed", placed()), *said]
    result = replayed(*said, until="29T00:00", policy=policy(0.5, "within_limits"))
    assert len(result.alerts) > 20
    assert {week.rate for week in result.adapting} == {0.0}
    assert all(week.factors[Tier.MID] < 1 for week in result.adapting)


def test_when_everyone_has_left_the_line_stays() -> None:
    said = [("01T08:00", "placed", placed()), ("02T08:00", "ended", {})]
    weeks = replayed(*said, until="30T00:00", policy=policy(4, "within_limits")).adapting
    assert [week.factors for week in weeks] == [AS_WRITTEN] * 4
    assert weeks[-1].rate is None


def test_the_command_reports_what_a_budget_came_to_and_the_same_bytes_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, truth = tmp_path / "e.csv", tmp_path / "t.csv"
    size = ["--children", "8", "--days", "30", "--seed", "3", "--world", "ordinary"]
    assert main(["cohort", *size, "--events", str(events), "--truth", str(truth)]) == 0
    (tmp_path / "p.toml").write_text('[budget]\npages = 1\nadapt = "within_limits"\n')
    capsys.readouterr()
    outputs = []
    for name in ("a.csv", "b.csv"):
        words = ["replay", str(events), "--policy", str(tmp_path / "p.toml")]
        assert main([*words, "--alerts", str(tmp_path / name)]) == 0
        outputs.append((capsys.readouterr().out, (tmp_path / name).read_bytes()))
    assert outputs[0] == outputs[1]
    assert "week by week" in outputs[0][0]

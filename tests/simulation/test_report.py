"""The report of a replay: what is told in time, what it costs, and whether it is fair."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.__main__ import main
from server.policy import parser as policies
from server.policy.model import EACH_MISS, SHIPPED, Tier
from server.simulation.evaluation import Gone, counted
from server.simulation.outcomes import Result
from server.simulation.reports import fairness
from server.simulation.reports.fairness import Class
from server.simulation.reports.report import report
from tests.simulation.test_cohort import made
from tests.simulation.test_replay import Said, placed
from tests.simulation.test_replay import run as replayed


def run(*said: Said, until: str) -> Result:
    return replayed(*said, until=until, policy=policies.read(EACH_MISS))


def gone(left: str, back: str | None, child: str = "mia") -> Gone:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-06-{text}:00").replace(tzinfo=UTC)

    return Gone(child, at(left), at(back) if back else None, is_coerced=False)


SILENT = ("01T06:00", "placed", placed(carer=False, home="home0004"))


def line(text: str, begins: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(begins))


def test_who_is_back_before_the_hour_does_not_count_for_that_hour() -> None:
    text = report(run(SILENT, until="05T00:00"), [gone("01T15:00", "01T22:30")])
    away = text.split("Of those still away then")[1]
    assert line(away, "all").split() == ["all", *"100.0 % of 1 - of 0 - of 0".split()]


def test_an_absence_counts_as_far_as_the_replay_goes_and_no_further() -> None:
    result = run(SILENT, until="02T20:00")
    [told] = counted(result, [gone("01T15:00", None)]).told
    assert told.lasted == timedelta(hours=29)
    assert told.is_away_after(24)
    assert not told.is_away_after(48)


def test_children_with_and_without_a_carer_are_told_apart() -> None:
    text = report(run(SILENT, until="05T00:00"), [gone("01T15:00", "04T00:00")])
    away = text.split("Of those still away then")[1]
    assert "100.0 % of 1" in line(away, "without a carer")
    assert "- of 0" in line(away, "with a carer")


def test_from_a_day_on_nothing_of_before_counts() -> None:
    said = [SILENT, *((f"{day:02}T17:10", "check_in", {}) for day in range(2, 9))]
    absences = [gone("01T10:00", "01T22:00"), gone("09T10:00", None)]
    result = run(*said, until="12T00:00")
    whole, later = counted(result, absences), counted(result, absences, from_day=7)
    assert [len(of.told) for of in (whole, later)] == [2, 1]
    assert [len(of.pages) for of in (whole, later)] == [2, 1]
    assert later.months() < whole.months()
    first = report(result, absences, 7).splitlines()[0]
    assert first == "1 absences of 1 children in 0.1 child-months; 1 pages. From day 7 on."


def test_the_high_level_is_counted_by_its_own_time() -> None:
    said = [
        ("01T06:00", "placed", placed("low")),
        *((f"{day:02}T16:30", "check_in", {}) for day in (1, 2, 3)),
        ("04T06:00", "tier", {"tier": "high"}),
        ("06T06:00", "tier", {"tier": "low"}),
    ]
    of = counted(run(*said, until="11T06:00"), [])
    month = timedelta(days=30.4375)
    assert of.months(tier=Tier.HIGH) == pytest.approx(timedelta(days=2) / month)
    assert sum(of.months(tier=tier) for tier in Tier) == pytest.approx(of.months())
    assert [page.tier for page in of.false] == [Tier.HIGH]


def test_the_classes_of_a_child_are_what_is_known_of_them() -> None:
    often = [(f"{day:02}T17:10", "check_in", {}) for day in range(1, 13)]
    seldom = ("01T06:00", "placed", placed(phone="ios", language="ti", home="flat0001"))
    for said, answers in (([seldom], "seldom"), ([seldom, *often], "nearly always")):
        found = {one.kind: one.name for one in fairness.classes(counted(_run(said), []))}
        assert found.pop("answers", "seldom") == answers
        assert found == {"phone": "ios", "language": "ti", "carer": "with", "home": "flat"}


def _run(said: list[Said]) -> Result:
    return replayed(*said, until="13T00:00", policy=policies.read(SHIPPED))


def test_a_home_that_has_a_name_of_its_own_is_of_no_kind() -> None:
    named = ("01T06:00", "placed", placed(home="Harbour"))
    found = fairness.classes(counted(_run([named]), []))
    assert "home" not in {one.kind for one in found}


def a_class(name: str, false: int, told: int, absences: int = 40) -> Class:
    return Class("phone", name, months=10, false=false, absences=absences, told=told)


@pytest.mark.parametrize(
    ("other", "fair"),
    [
        (a_class("ios", false=20, told=20), [True, True]),
        (a_class("ios", false=21, told=20), [False, True]),
        (a_class("ios", false=10, told=9), [True, False]),
        (a_class("ios", false=0, told=0), [False, False]),
        (a_class("ios", false=99, told=0, absences=29), []),
    ],
)
def test_more_than_twice_or_less_than_half_is_not_fair_and_few_are_not_judged(
    other: Class, fair: list[bool]
) -> None:
    found = fairness.gaps([a_class("android", false=10, told=20), other])
    assert [gap.is_fair for gap in found] == fair


def test_the_command_reports_from_a_day_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, truth = made(tmp_path, children=20, days=60)
    words = ["replay", str(events), "--alerts", str(tmp_path / "a.csv"), "--truth", str(truth)]
    assert main([*words, "--from-day", "42"]) == 0
    said = capsys.readouterr().out
    for part in ("From day 42 on.", "Of those still away then", "By class", "in the high level"):
        assert part in said
    assert main([*words, "--from-day", "-1"]) != 0
    assert "--from-day" in capsys.readouterr().err

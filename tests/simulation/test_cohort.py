"""The synthetic cohort, the truth of it, and the report of a policy against that truth."""

import csv
import hashlib
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.__main__ import main
from server.errors import Refused
from server.policy import parser as policies
from server.policy.model import EACH_MISS
from server.simulation import cohort as cohorts
from server.simulation import figures
from server.simulation.evaluation import Gone, child_months, pages, read_truth, tell
from server.simulation.events import events_of, read_events
from server.simulation.outcomes import Result
from server.simulation.replay import replay
from server.simulation.reports.report import report
from tests.simulation.test_replay import Said, asked, file_of, placed

AT_EACH_MISS = policies.read(EACH_MISS)
HOUR = timedelta(hours=1)


def made(folder: Path, *, seed: int = 1, children: int = 15, days: int = 45) -> tuple[Path, Path]:
    events, truth = folder / f"events-{seed}.csv", folder / f"truth-{seed}.csv"
    words = ["cohort", "--children", str(children), "--days", str(days), "--seed", str(seed)]
    assert main([*words, "--events", str(events), "--truth", str(truth)]) == 0
    return events, truth


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One cohort for every test that only reads it."""
    return made(tmp_path_factory.mktemp("cohort"), children=60, days=90)


@pytest.fixture(scope="module")
def result(one: tuple[Path, Path]) -> Result:
    """That cohort where each miss is asked about."""
    return replay(read_events(one[0]), AT_EACH_MISS)


# --- the cohort


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in made(tmp_path)]
    again = [path.read_bytes() for path in made(tmp_path)]
    other = [path.read_bytes() for path in made(tmp_path, seed=2)]
    assert first == again
    assert first[0] != other[0]
    assert b"\r" not in first[0] + first[1]


def test_the_cohort_of_the_published_figures_stays_as_it_is(tmp_path: Path) -> None:
    """docs/frontier.md was measured on it, and a single row more would change its figures."""
    events, truth = made(tmp_path, seed=7)
    whole = hashlib.sha256(events.read_bytes() + truth.read_bytes()).hexdigest()
    assert whole == "a0c6d52f572031aae9b8b6b4af2e74f35b704fa5295c7ff140ee58417e33a5c2"


def test_a_larger_cohort_keeps_the_children_of_the_smaller(tmp_path: Path) -> None:
    small, _ = cohorts.cohort(3, 40, 5)
    large, _ = cohorts.cohort(6, 40, 5)
    names = {row[1] for row in small}
    assert [row for row in large if row[1] in names] == small


@pytest.mark.slow
def test_replay_reads_what_the_cohort_writes(result: Result) -> None:
    assert len(result.watched) == 60
    assert {"nudge_child", "ask_carer", "page_worker", "escalate", "suggest_report"} == {
        row.level for row in result.rows
    }


def test_the_figures_of_the_cohort_lie_where_they_are_published(
    one: tuple[Path, Path], result: Result
) -> None:
    """Loose bounds: what is drawn from these parameters lies within them nine times in ten."""
    events, truth = list(read_events(one[0])), read_truth(one[1])
    kinds = Counter(event.kind for event in events)
    months = child_months(result)
    rounds = months * 30.4 * sum(share * len(at) for share, at in figures.RHYTHMS)
    assert 0.45 < kinds["check_in"] / rounds < 0.85
    assert 0.03 < len(truth) / months < 0.25
    short = [gone for gone in truth if gone.back_at and gone.back_at - gone.left_at <= 48 * HOUR]
    assert 0.6 < len(short) / len(truth) <= 1
    assert {event.kind for event in events} == {
        "placed",
        "tier",
        "check_in",
        "app_seen",
        "prompt_failed",
        "prompt_ok",
        "sighting",
        "observation",
        "milestone",
        "pause",
        "if_asked",
        "blind",
    }


def test_a_child_who_is_gone_answers_only_where_they_go_on_answering(
    one: tuple[Path, Path],
) -> None:
    stopped = {}
    for gone in read_truth(one[1]):
        if not gone.is_coerced:
            stopped.setdefault(gone.child, []).append(gone)
    for event in read_events(one[0]):
        if event.kind != "check_in":
            continue
        for gone in stopped.get(event.child, ()):
            # One in ten answers for one to three days more, from wherever it is.
            assert not (
                gone.left_at + timedelta(days=3) < event.at
                and (gone.back_at is None or event.at < gone.back_at)
            )


def test_children_answer_awake(one: tuple[Path, Path]) -> None:
    zones = {}
    for event in read_events(one[0]):
        if event.kind == "placed":
            zones[event.child] = event.detail.zone  # type: ignore[union-attr]
        elif event.kind == "check_in":
            assert 7 <= event.at.astimezone(zones[event.child]).hour < 23


def test_absences_of_a_child_do_not_overlap(one: tuple[Path, Path]) -> None:
    last: dict[str, Gone] = {}
    for gone in read_truth(one[1]):
        before = last.get(gone.child)
        assert before is None or (before.back_at is not None and before.back_at < gone.left_at)
        last[gone.child] = gone


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--children", "0", "--days", "3", "--seed", "1"], "--children"),
        (["--children", "3", "--days", "0", "--seed", "1"], "--days"),
        (["--children", "200000", "--days", "3", "--seed", "1"], "--children"),
    ],
)
def test_nonsense_is_one_clear_line(
    words: list[str], fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--events", str(tmp_path / "e.csv"), "--truth", str(tmp_path / "t.csv")]
    assert main(["cohort", *words, *files]) == 1
    said = capsys.readouterr().err
    assert fault in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# --- the truth


def truth_of(*rows: str) -> io.StringIO:
    return io.StringIO("\n".join(["child,left_at,back_at,coerced", *rows]))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("mia,yesterday,,false", "left_at"),
        ("mia,2026-06-01T10:00:00Z,2026-06-01T09:00:00Z,false", "back_at"),
        ("mia,2026-06-01T10:00:00Z,,maybe", "coerced"),
        ("mia,2026-06-01T10:00:00Z,", "fields"),
    ],
)
def test_a_truth_that_makes_no_sense_is_named_by_its_line(
    row: str, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(truth_of(row).getvalue())
    with pytest.raises(Refused) as refused:
        read_truth(path)
    assert refused.value.detail.startswith("Line 2")
    assert fault in refused.value.detail


# --- the report


def run(*said: Said, until: str) -> Result:
    end = datetime.fromisoformat(f"2026-06-{until}:00Z")
    return replay(events_of(file_of(said)), AT_EACH_MISS, end)


def gone(left: str, back: str | None, *, coerced: bool = False) -> Gone:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-06-{text}:00").replace(tzinfo=UTC)

    return Gone("mia", at(left), at(back) if back else None, coerced)


def test_an_absence_is_told_by_the_first_page_in_it() -> None:
    result = run(("01T06:00", "placed", placed()), until="03T00:00")
    told = tell(result, [gone("01T15:00", "02T15:00")])
    assert [one.delay for one in told] == [timedelta(hours=4, minutes=45)]
    assert [page.is_false for page in pages(result, [gone("01T15:00", "02T15:00")])] == [False]


def test_an_absence_that_ends_before_the_page_is_not_told() -> None:
    result = run(("01T06:00", "placed", placed()), until="03T00:00")
    short = [gone("01T15:00", "01T19:00")]
    assert [one.delay for one in tell(result, short)] == [None]
    # The page comes within two hours after the return: late, and not false.
    assert [page.is_false for page in pages(result, short)] == [False]
    assert [page.is_false for page in pages(result, [gone("01T15:00", "01T17:00")])] == [True]


def test_a_page_that_was_open_already_tells_at_once() -> None:
    result = run(("01T06:00", "placed", placed()), until="04T00:00")
    assert [one.delay for one in tell(result, [gone("02T10:00", None)])] == [timedelta(0)]


def test_a_page_that_was_closed_before_tells_nothing() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T20:00", "check_in", {}),
        ("02T17:00", "check_in", {}),
        until="03T10:00",
    )
    assert [one.delay for one in tell(result, [gone("02T10:00", "03T09:00")])] == [None]


def test_a_rung_within_an_absence_tells_it_at_once_where_the_alert_was_open() -> None:
    result = run(("01T06:00", "placed", placed()), until="01T21:00")
    assert [one.delay for one in tell(result, [gone("01T20:00", None)])] == [timedelta(0)]


def test_pages_within_a_day_and_without_an_answer_between_count_once() -> None:
    seen = ("01T20:00", "sighting", {"by": "school"})
    twice = run(("01T06:00", "placed", placed()), seen, until="02T19:45")
    assert len(twice.alerts) == 2
    assert len(pages(twice, [])) == 1
    answered = run(
        ("01T06:00", "placed", placed()), seen, ("02T17:00", "check_in", {}), until="03T19:45"
    )
    assert len(pages(answered, [])) == 2


def test_absences_outside_of_the_watch_are_left_out() -> None:
    result = run(("02T06:00", "placed", placed()), ("04T06:00", "ended", {}), until="06T00:00")
    outside = [gone("01T10:00", None), gone("05T10:00", None)]
    assert tell(result, outside) == []
    assert len(tell(result, [gone("03T10:00", None)])) == 1


def test_the_tier_of_an_absence_is_that_at_its_beginning() -> None:
    result = run(
        ("01T06:00", "placed", placed("low")),
        ("02T06:00", "tier", {"tier": "high"}),
        until="04T00:00",
    )
    told = tell(result, [gone("01T10:00", "01T12:00"), gone("02T10:00", None)])
    assert [one.tier.value for one in told] == ["low", "high"]


def test_child_months_leave_out_pauses_and_what_follows_the_end() -> None:
    month = timedelta(days=30.4375)
    result = run(
        ("01T00:00", "placed", placed()),
        ("03T00:00", "pause", {"until": "2026-06-06T00:00:00Z"}),
        ("04T00:00", "pause", {"until": "2026-06-07T00:00:00Z"}),
        ("20T00:00", "ended", {}),
        until="25T00:00",
    )
    assert child_months(result) == pytest.approx(timedelta(days=15) / month)


def test_the_report_says_it_in_words() -> None:
    said: list[Said] = [
        ("01T06:00", "placed", placed(phone="ios", language="ar")),
        ("01T06:00", "if_asked", asked("09T00:00", "not_seen", 600)),
        ("01T20:00", "check_in", {}),
        ("03T20:00", "check_in", {}),
    ]
    result = run(*said, until="03T21:00")
    text = report(result, [gone("01T15:00", "01T23:00", coerced=True)])
    assert text.splitlines()[0] == "1 absences of 1 children in 0.1 child-months; 2 pages."
    assert "  all                                4.2 h      4.2 h    1 of 1" in text
    assert "Precision of a page: 50.0 %" in text
    assert "  phone: ios" in text
    assert "  language: ar" in text
    assert text == report(result, [gone("01T15:00", "01T23:00", coerced=True)])


def test_the_report_of_nothing_divides_by_nothing() -> None:
    text = report(replay([], AT_EACH_MISS), [])
    assert "False pages per child-month: -" in text
    assert "Precision of a page: -" in text


def test_the_command_reports_where_a_truth_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, truth = made(tmp_path, children=30, days=30)
    alerts = tmp_path / "alerts.csv"
    words = ["replay", str(events), "--alerts", str(alerts), "--truth", str(truth)]
    assert main(words) == 0
    said = capsys.readouterr().out
    for line in (
        "Detection delay",
        "Share told within",
        "False pages per child-month",
        "Precision",
    ):
        assert line in said
    rows = list(csv.DictReader(io.StringIO(alerts.read_text())))
    assert rows
    assert all(row["reason"].endswith((".", "?")) for row in rows)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_a_long_command_says_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.progress.QUIET_S", 0.0)
    monkeypatch.setattr("server.simulation.commands.EACH", 10)
    events, _ = made(tmp_path, children=5, days=10)
    assert "children" in capsys.readouterr().err
    assert main(["replay", str(events), "--alerts", str(tmp_path / "a.csv")]) == 0
    assert "events" in capsys.readouterr().err

"""The worlds of docs/frontier.md: what is measured, drawn and told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulation.evaluation import Gone
from server.simulation.life import BEGIN
from server.simulation.reports import fairness
from tools.frontier import __main__ as command
from tools.frontier import drawing, files, measured, measuring, weeks
from tools.frontier.figures import Figures, all_of, false_alone
from tools.frontier.page import alternative, blocks

ROOT = Path(__file__).resolve().parent.parent.parent
SUMS = ("months", "false", "absences", "told", "first_false", "first_months", "weeks", "questions")
OTHER_SUMS = ("high_months", "high_false", "high_absences", "high_told", "to_homes", "said")
WITH = {"policy": "p", "code": "c", "children": 40, "days": 126, "from_day": 42}


def line(world: str = "seldom", seed: int = 1, **changed: Any) -> measured.Line:
    """A measured world in which everything is well."""
    sums = dict.fromkeys((*SUMS, *OTHER_SUMS), 10) | {"calls": 30, "home_days": 10}
    classes = {"carer: with": [50, 25, 40, 32], "carer: without": [50, 30, 40, 30]}
    about = {"of": "world", "world": world, "runs": [seed], "classes": classes}
    return {**about, **sums, **WITH, **changed}


def week(world: str = "seldom") -> measured.Line:
    """A measured week of two children; one is away from Tuesday on."""
    calm = {"marks": [[1080, "answered"], [1350, "here"]], "away": [], "leave": [], "called": []}
    gone = {
        "marks": [[1080, "answered"], [2520, "missed"], [2790, "not_here"]],
        "away": [[2000, 10_080]],
        "leave": [[100, 200]],
        "called": [[2795, "real"], [60, "false"]],
    }
    about = {"of": "week", "world": world, "runs": [1], "monday": "2026-02-16", "home": "home0001"}
    return {**about, **WITH, "lives": [calm, gone]}


# --- pictures, page and measured file say the same


@pytest.fixture(scope="module")
def published() -> list[measured.Line]:
    return measured.read(ROOT / command.FILE)


def test_pictures_and_page_are_made_of_the_measured_file(published):
    for path, text in files.drawn(published).items():
        says = f"{path}: python -m tools.frontier draw"
        assert (ROOT / path).read_text(encoding="utf-8") == text, says


def test_each_measured_world_has_a_picture_and_no_picture_is_left_over(published):
    made = {path.name for path in files.drawn(published) if path.suffix == ".svg"}
    there = {path.name for path in (ROOT / files.PICTURES).glob("*.svg")}
    assert there == made | {"frontier.svg"}
    assert {f"world-{name}.svg" for name in measuring.WORLDS} < made


def test_each_picture_can_be_read_by_programs_has_words_and_is_dark_where_screens_are(published):
    texts = [text for path, text in files.drawn(published).items() if path.suffix == ".svg"]
    assert len(texts) >= len(measuring.WORLDS)
    for text in texts:
        picture = ElementTree.fromstring(text)  # noqa: S314 (our own)
        assert picture.find("{http://www.w3.org/2000/svg}title") is not None
        assert picture.get("width") == "360", "two stand side by side, and one fits a phone"
        assert "prefers-color-scheme:dark" in text
        assert len(text) < 40_000


def test_every_picture_says_in_words_what_it_shows_and_that_it_is_simulated():
    words = alternative(week(), Figures("seldom", line()))
    assert "2 of 3 check-ins answered" in words
    assert "“not here” at 1 roll call;" in words
    assert "1 away; adults called 2 times, 1 of them a false alarm" in words
    assert "simulated" in words
    assert "\n" not in words
    page = (ROOT / files.PAGE).read_text(encoding="utf-8")
    assert all(len(alt) > 20 for alt in re.findall(r"!\[([^\]]*)\]", page))


def test_a_world_that_is_not_measured_is_said_and_nothing_is_drawn(capsys, tmp_path):
    assert command.draw(tmp_path / "worlds.jsonl") == 1
    assert "python -m tools.frontier measure" in capsys.readouterr().err


def test_worlds_of_two_policies_are_not_drawn_beside_each_other():
    lines = [line(name) for name in measuring.WORLDS]
    assert files.drawn(lines)
    with pytest.raises(ValueError, match="more than one policy"):
        files.drawn([*lines[:-1], lines[-1] | {"policy": "another"}])


def test_roll_calls_of_a_day_are_a_row_each_and_a_line_each():
    def point(calls: int, times: float) -> measured.Line:
        sums = {"months": 100, "false": 90, "absences": 40, "told": 10 * calls}
        return {"of": "curve", "roll_calls": calls, "times": times, "runs": ["a 1"], **WITH, **sums}

    points = [point(calls, times) for calls in (0, 2, 3) for times in (0.5, 1.0)]
    lines = [*(line(name) for name in measuring.WORLDS), *points]
    assert "| 3 | 0.90; 75% of 40 | 0.90; 75% of 40 |" in blocks(lines)["roll-calls"]
    picture = files.drawn(lines)[files.PICTURES / "roll-calls.svg"]
    assert picture.count('<circle class="p"') == len(points)
    assert "Not measured yet" in blocks(lines[:-6])["roll-calls"]


# --- the measured file


def test_a_line_that_a_kill_cut_off_is_measured_again(tmp_path):
    path = tmp_path / "worlds.jsonl"
    measured.write(path, [line("outages"), line("by_mood")])
    path.write_text(path.read_text() + '{"of": "world", "wor')
    assert [one["world"] for one in measured.read(path)] == ["by_mood", "outages"]


def test_what_was_measured_otherwise_stays_until_the_same_is_measured(tmp_path):
    path, policy, ran = tmp_path / "worlds.jsonl", tmp_path / "policy.toml", []
    policy.write_text("# a policy")
    measured.write(path, [line("seldom", 7), line("outages", 7)])

    def measure(*seeds: int) -> dict[str, list[int]]:
        command.measure([run(seed) for seed in seeds], path, policy)
        return {one["world"]: one["runs"] for one in measured.read(path)}

    def run(seed: int) -> command.Run:
        return command.Run("world", "seldom", seed, lambda: ran.append(seed) or [line(seed=seed)])

    assert measure(1) == {"seldom": [1], "outages": [7]}, "not added to another policy's"
    assert measure(1, 2) == {"seldom": [1, 2], "outages": [7]}
    assert ran == [1, 2], "each once"
    policy.write_text("# another")
    assert measure(1) == {"seldom": [1], "outages": [7]}
    assert ran == [1, 2, 1]


def test_what_fails_in_the_middle_keeps_what_is_measured(tmp_path):
    path, policy = tmp_path / "worlds.jsonl", tmp_path / "policy.toml"
    policy.write_text("# a policy")

    def stopped() -> list[measured.Line]:
        raise KeyboardInterrupt

    every = [command.Run("world", "seldom", 1, lambda: [line()])]
    with pytest.raises(KeyboardInterrupt):
        command.measure([*every, command.Run("world", "outages", 1, stopped)], path, policy)
    assert [one["world"] for one in measured.read(path)] == ["seldom"]
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".part"] == []


def test_a_comment_is_no_other_code(tmp_path):
    (tmp_path / "simulation").mkdir()
    (tmp_path / "simulation" / "other.py").write_text("a = 1\n")

    def code(text: str) -> str:
        (tmp_path / "simulation" / "replay.py").write_text(text)
        return measured.code(tmp_path)

    before = code("from server.simulation import other\n")
    assert code("# Why.\nfrom server.simulation import other\n\n") == before
    assert code("from server.simulation import other\nb = 2\n") != before
    (tmp_path / "simulation" / "other.py").write_text("a = 2\n")
    assert code("from server.simulation import other\n") != before


COUNTS = st.integers(0, 500)
CLASSES = st.dictionaries(
    st.sampled_from(["carer: with", "carer: without", "phone: ios"]),
    st.lists(COUNTS, min_size=4, max_size=4),
)


@given(st.lists(st.tuples(COUNTS, CLASSES), min_size=1, max_size=6))
def test_runs_add_up_to_the_same_in_any_order(runs):
    lines = [
        line(seed=seed, false=false, classes=classes) for seed, (false, classes) in enumerate(runs)
    ]
    forth, back = None, None
    for one in lines:
        forth = measured.added(forth, one)
    for one in reversed(lines):
        back = measured.added(back, one)
    assert forth["false"] == back["false"] == sum(false for false, _ in runs)
    assert forth["classes"] == back["classes"]
    assert sorted(back["runs"]) == list(range(len(lines)))
    assert {name: forth[name] for name in WITH} == WITH


def test_no_two_worlds_share_children_and_none_has_those_of_the_tuning():
    every = [seed for seeds in measuring.SEEDS.values() for seed in seeds]
    every += [seed for seeds in measuring.CURVE_SEEDS.values() for seed in seeds]
    assert len(every) == len(set(every)), "figures of all worlds are added up"
    assert not {11, 21, 22, 23} & {*every, measuring.WEEK_SEED}
    assert set(measuring.SEEDS) == set(measuring.CURVE_SEEDS) == set(measuring.WORLDS)


# --- fairness


def _fair(**classes: list[float]) -> str:
    named = {f"carer: {name}": sums for name, sums in classes.items()}
    lines = [line(name, classes=named) for name in measuring.WORLDS]
    return blocks(lines)["fairness"]


def test_a_class_with_fewer_than_thirty_absences_is_told_and_not_judged():
    text = _fair(**{"with": [90, 40, 80, 70], "without": [90, 200, 2, 1]})
    [row] = re.findall(r"^\| `seldom` .*$", text, re.MULTILINE)
    assert "(**5.0**)" in row, "its false alarms are told"
    assert "Enough absences to judge at least one kind of class: in no world." in text
    assert "By false alarms alone" in text
    assert "carer (in 11 of 11 worlds" in text


@pytest.mark.parametrize(
    ("without", "says"),
    [
        ([90, 40, 40, 36], None),
        ([90, 90, 40, 36], "false alarms, carer: without 2.2 times with"),
        ([90, 40, 40, 12], "told within 24 h, carer: with 2.9 times without"),
    ],
)
def test_a_class_with_twice_the_false_alarms_or_half_the_detection_is_not_fair(without, says):
    text = _fair(**{"with": [90, 40, 80, 70], "without": without})
    assert ("**Not fair**" in text) == (says is not None)
    assert says is None or f"`seldom`: {says}." in text


def test_false_alarms_alone_leave_out_classes_of_a_few_months():
    def many(*months: float) -> float | None:
        names = zip("abc", months, strict=False)
        found = [fairness.Class("phone", name, of, 9, 0, 0) for name, of in names]
        return false_alone(found, "phone")

    assert many(30, 90, 2) == pytest.approx(3)
    assert many(90, 2) is None


def test_all_worlds_together_are_the_sum_of_each():
    whole = all_of([Figures(name, line(name)) for name in ("seldom", "outages")])
    assert whole.children == 80
    assert whole.false == 1.0
    assert [one.absences for one in whole.classes()] == [80, 80]


# --- a week of one home


MONDAY = datetime(2026, 2, 16, tzinfo=UTC)


def _rows() -> list[Any]:
    def at(hours: float) -> datetime:
        return MONDAY + timedelta(hours=hours)

    home = {"until": "2026-02-16T20:00:00Z", "by": "home", "answer": "not_here", "after_s": 60}
    placed = {"zone": "UTC", "tier": "mid", "rhythm": {"at": ["18:00"]}, "carer": True}
    return [
        (BEGIN, "c0", "placed", placed | {"home": "home0001"}),
        (at(17), "c0", "if_asked", home),
        (at(18.5), "c0", "check_in", {}),
        (at(49), "c0", "pause", {"until": "2026-02-19T10:00:00Z"}),
    ]


def test_a_week_has_check_ins_words_and_absences_of_a_child():
    gone = Gone("c0", MONDAY + timedelta(days=4), None, is_coerced=False)
    life = weeks.Lived(_rows(), [gone]).week("c0", MONDAY, (time(17, 30), time(22)))
    assert life["marks"][:3] == [[1050, "not_here"], [1080, "answered"], [2520, "missed"]]
    assert 48 * 60 + 1080 not in [at for at, _ in life["marks"]], "not asked on agreed leave"
    assert life["leave"] == [[49 * 60, 82 * 60]]
    assert life["away"] == [[4 * 1440, 7 * 1440]]


def test_the_week_in_which_a_child_leaves_is_drawn():
    placed = {"zone": "UTC", "tier": "mid", "rhythm": {"at": ["18:00"]}, "carer": True}
    rows = [(BEGIN, f"c{n}", "placed", placed | {"home": f"home000{n // 5}"}) for n in range(2 * 5)]
    left_at = MONDAY + timedelta(days=9)
    gone = Gone("c7", left_at, left_at + timedelta(days=1), is_coerced=False)
    of = weeks.chosen(weeks.Lived(rows, [gone]), weeks.Lived(rows), (time(22),))
    assert list(of.children) == ["c5", "c6", "c7", "c8", "c9"]
    assert of.monday == MONDAY + timedelta(days=7)


def test_a_picture_has_a_mark_for_each_thing_and_no_bars_where_nothing_is_measured():
    text = drawing.picture(week("ordinary"), None)
    marks = {name: len(re.findall(f'class="{name}"', text)) for name in "amnhrfwvp"}
    assert marks == {"a": 2, "m": 1, "n": 1, "h": 1, "r": 1, "f": 1, "w": 1, "v": 1, "p": 0}
    with_bars = drawing.picture(week(), Figures("seldom", line()))
    assert with_bars.count('class="p"') == 3
    assert "No class fares more than twice as badly." in with_bars


@pytest.mark.slow
def test_a_run_measures_a_world_and_is_the_same_each_time():
    [one] = measuring.of_world("seldom", 101, children=10)
    assert [one] == list(measuring.of_world("seldom", 101, children=10))
    assert one["weeks"] == pytest.approx(one["months"] * 30.4375 / 7, abs=0.1)
    assert 20 < one["months"] < 30
    assert 0 < one["calls"] / one["home_days"] <= 3
    assert {name.partition(": ")[0] for name in one["classes"]} == set(fairness.KINDS)
    assert next(of.kind for of in Figures("seldom", one).classes()) == "phone"

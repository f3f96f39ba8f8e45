"""Rules and dashboard: what they ask for exists, and each alert comes in time and has its page."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.alerts.told import BOUNDS as TOLD
from server.web.answer_times import BOUNDS as ANSWERED
from tests.cast import Cast
from tests.fixtures_tools import missing
from tests.test_health import metrics

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
BOARD = json.loads((ROOT / "deploy" / "grafana" / "waymark.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (Waymark\w+)\n\n(.+)$", PAGE, re.MULTILINE))
METRIC = re.compile(r"\bwaymark_\w+")
TESTS = ["rules_test.yml", "rules_slow_test.yml"]


def questions() -> Iterator[str]:
    """What the panels of the dashboard ask."""
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m")


def promtool(*words: str) -> None:
    if "promtool" in missing():
        return
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_and_the_configuration_can_be_read() -> None:
    promtool("check", "rules", str(FOLDER / "rules.yml"))
    promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))


@pytest.mark.parametrize("name", TESTS)
def test_each_alert_comes_when_it_should_and_not_before(name: str) -> None:
    promtool("test", "rules", str(FOLDER / name))


def test_every_alert_is_tried() -> None:
    tried = "".join((FOLDER / name).read_text(encoding="utf-8") for name in TESTS)
    assert [name for name in ALERTS if name not in tried] == []


def test_what_the_dashboard_asks_can_be_read(tmp_path: Path) -> None:
    rules = [{"record": f"x{number}", "expr": each} for number, each in enumerate(questions())]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    assert len(rules) > 20
    promtool("check", "rules", str(file))


def test_each_alert_has_its_section_and_its_link() -> None:
    assert list(SECTIONS) == _in_the_order_of_the_page()
    assert set(SECTIONS) == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{name.lower()}"
        assert rule["annotations"]["summary"].endswith(".")


def _in_the_order_of_the_page() -> list[str]:
    return re.findall(r"^## (Waymark\w+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", ALERTS)
def test_a_section_says_first_whether_a_person_is_woken(name: str) -> None:
    first = {"page": "Page", "ticket": "Ticket"}[ALERTS[name]["labels"]["severity"]]
    assert re.match(rf"{first}\b", SECTIONS[name])


async def test_what_is_asked_for_is_what_metrics_has(cast: Cast) -> None:
    text = (await metrics(cast, "127.0.0.1")).text
    there = set(METRIC.findall(text))
    asked = {name for rule in RULES for name in METRIC.findall(rule["expr"])}
    asked |= {name for each in questions() for name in METRIC.findall(each)}
    # Those with a label have no line while nothing is counted; their kind has one all the same.
    assert asked - there == set()


def test_what_is_recorded_is_what_is_asked_for() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    texts = [rule["expr"] for rule in ALERTS.values()] + [*questions()]
    asked = {name for text in texts for name in re.findall(r"waymark:\w+:\w+", text)}
    assert asked == recorded


def test_the_bounds_of_the_rules_are_bounds_of_the_histograms() -> None:
    asked = {
        (kind, float(bound))
        for rule in RULES
        for kind, bound in re.findall(r'waymark_(\w+)_seconds_bucket\{le="([\d.]+)"', rule["expr"])
    }
    assert asked == {("alert_told", 60.0), ("check_in", 0.3)}
    assert 60.0 in TOLD
    assert 0.3 in ANSWERED


def test_no_label_names_a_child_or_an_agency() -> None:
    labels = {
        name for rule in RULES for name in re.findall(r"(?:by|ignoring) \(([^)]*)\)", rule["expr"])
    }
    assert {each for several in labels for each in several.split(", ")} <= {
        "le",
        "instance",
        "channel",
        "reason",
    }

"""The bill of materials has each package of the locks, once, and is the same each time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools import bill

ROOT = Path(__file__).resolve().parent.parent.parent


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert bill.main([*arguments]) == 0
    return capsys.readouterr().out


def test_every_pin_of_both_locks_is_in_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    parts = [each["purl"] for each in json.loads(printed(capsys))["components"]]
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    python = {f"pkg:pypi/{n}@{v}" for n, v in re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.M)}
    npm = json.loads((ROOT / "pwa" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert python <= set(parts)
    assert len(parts) == len(set(parts)) >= len(python)
    assert {f"pkg:npm/preact@{npm['node_modules/preact']['version']}"} <= set(parts)
    assert not [part for part in parts if " " in part or "://" in part]


def test_it_is_the_same_each_time_and_names_no_machine(capsys: pytest.CaptureFixture[str]) -> None:
    first = printed(capsys)
    assert printed(capsys) == first
    assert "timestamp" not in first
    assert str(ROOT) not in first


def test_what_only_builds_the_app_is_marked_so(capsys: pytest.CaptureFixture[str]) -> None:
    scopes = {each["name"]: each.get("scope") for each in json.loads(printed(capsys))["components"]}
    assert scopes["preact"] == "required"
    assert scopes["vite"] == "excluded"
    assert scopes["starlette"] is None


def test_packages_of_the_system_are_named_with_their_kind() -> None:
    [part] = bill.of_debian("libstdc++6 14.2.0-19 amd64\n")
    assert part["purl"] == "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64"


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert bill.main(["--all"]) == 2
    assert "python -m tools.bill" in capsys.readouterr().err

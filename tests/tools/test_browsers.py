"""A missing browser is installed where we may, and named where we may not; never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import browsers


def put(folder: Path, name: str, script: str = "true") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a Firefox and no Chromium."""
    put(tmp_path, "firefox")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_browsers_on_the_path_are_enough(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(path, "google-chrome")
    assert browsers.main() == 0
    assert capsys.readouterr().out == ""


def test_a_developer_who_may_not_install_is_told_the_line_to_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(path, "apt-get", "exit 9")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert browsers.main() == 1
    line = "sudo apt-get update && sudo apt-get install --yes --no-install-recommends chromium "
    assert line in capsys.readouterr().out


def test_root_on_debian_gets_them_installed_and_is_told_first(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = (
        '/bin/echo "$1" >>"{0}/asked"\n[ "$1" = update ] || /bin/cp "{0}/firefox" "{0}/chromium"'
    )
    put(path, "apt-get", script.format(path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert browsers.main() == 0
    assert capsys.readouterr().out == (
        "The tests drive real browsers. Installing with apt: chromium\n"
    )
    # Then what makes the tests faster, which not every system has.
    assert (path / "asked").read_text() == "update\ninstall\ninstall\n"


def test_an_installation_that_brings_no_browser_is_a_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, "apt-get")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert browsers.main() == 1

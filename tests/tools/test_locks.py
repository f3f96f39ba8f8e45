"""A lock is current, complete, hashed and names no place."""

from __future__ import annotations

import tomllib

import pytest

from tools.locks import LOCKS, ROOT, Lock, check, digest, faults, npm_faults, requirements

WANTED = ["Some_Thing[extra]>=1,<2"]
GOOD = f"""# made from: sha256 {digest(WANTED)}
some-thing==1.2 ; sys_platform != 'win32' \\
    --hash=sha256:00 \\
    --hash=sha256:11
"""


def test_the_locks_of_this_checkout_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert check() == 0, capsys.readouterr().out


def test_a_good_lock_has_no_faults() -> None:
    assert faults(LOCKS[0], GOOD, WANTED) == []


def test_a_changed_requirement_makes_the_lock_old() -> None:
    assert faults(LOCKS[0], GOOD, ["some-thing>=1.1"]) == [
        "was made from other requirements than pyproject.toml has now"
    ]


def test_a_missing_lock_is_a_fault() -> None:
    assert "lacks some-thing" in faults(LOCKS[0], "", WANTED)


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--find-links /srv/wheels",
        "other @ file:///srv/other.whl",
        "-r /srv/other.txt",
        "-e .",
    ],
)
def test_a_lock_that_names_a_place_is_refused(line: str) -> None:
    assert "names a host, a path or an option of pip" in faults(LOCKS[0], f"{GOOD}{line}\n", WANTED)


def test_a_package_without_hashes_is_refused() -> None:
    assert faults(LOCKS[0], f"{GOOD}other==2\n", WANTED) == ["has a package without hashes"]


def test_what_is_tested_is_what_is_served() -> None:
    runtime, everything = (
        {line for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert runtime <= everything
    traces = (ROOT / "requirements-traces.txt").read_text()
    assert {line for line in traces.splitlines() if "==" in line} <= everything


def test_groups_are_followed_into_groups() -> None:
    project = {
        "project": {"dependencies": ["a"]},
        "dependency-groups": {"inner": ["b"], "outer": [{"include-group": "inner"}, "c"]},
    }
    assert requirements(Lock("some.txt", ("outer",)), project) == ["a", "b", "c"]


def test_every_group_of_the_project_is_in_a_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = {each for lock in LOCKS for each in requirements(lock, project)}
    groups = project["dependency-groups"].values()
    assert {each for group in groups for each in group if isinstance(each, str)} <= locked


def test_an_npm_lock_that_names_a_place_is_refused() -> None:
    assert npm_faults('{"packages": {"node_modules/a": {"version": "1"}}}') == []
    assert npm_faults('{"resolved": "https://packages.example/a.tgz"}') != []

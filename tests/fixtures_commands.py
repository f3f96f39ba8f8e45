"""The command line, called in this process with settings of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.__main__ import main
from server.notify.actions import set_last_resorts
from server.security import encryption

Run = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A folder of its own, and nothing of ours set."""
    for name in [*os.environ]:
        if name.startswith("WAYMARK_") or name in ("HOST", "PORT"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield monkeypatch
    encryption.use(None)
    set_last_resorts(0)


@pytest.fixture
def migrated_var(migrated_file: Path, tmp_path: Path) -> Path:
    """The folder of a first start, whose database is migrated already and has nobody in it."""
    var = tmp_path / "var"
    var.mkdir(mode=0o700)
    shutil.copyfile(migrated_file, var / "waymark.sqlite3")
    (var / "waymark.sqlite3").chmod(0o600)
    return var


@pytest.fixture
def run(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("check", WAYMARK_SMTP_URL="x")`: the exit code, stdout, and the lines on stderr."""

    def run(*words: str, **settings: str) -> tuple[int, str, list[str]]:
        with environment.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            try:
                code = main(words)
            except SystemExit as end:
                code = int(end.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err.splitlines()

    return run

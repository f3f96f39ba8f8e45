"""What restarts processes hears that ours lives: systemd by its socket, others by a file's age."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.serving import alive
from server.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load({}, tmp_path), alive_file=tmp_path / "alive")


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """As the service manager listens: at a path, or in the abstract namespace of Linux."""
    name = f"@waymark-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0") if name.startswith("@") else name)
        listening.settimeout(10)
        yield listening


async def heard(systemd: socket.socket) -> str:
    return (await asyncio.to_thread(systemd.recv, 100)).decode()


async def test_systemd_hears_that_it_is_ready_lives_and_ends(
    systemd: socket.socket, settings: Settings
) -> None:
    async with alive(settings):
        assert await heard(systemd) == "READY=1"
        assert await heard(systemd) == "WATCHDOG=1"
    assert await heard(systemd) == "STOPPING=1"


async def test_the_file_is_there_while_the_loop_runs(settings: Settings) -> None:
    assert settings.alive_file is not None
    async with alive(settings):
        await asyncio.sleep(0)
        assert settings.alive_file.exists()


async def test_a_file_that_cannot_be_made_and_a_manager_that_is_away_end_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    async with alive(replace(settings, alive_file=tmp_path / "no" / "folder")):
        await asyncio.sleep(0)


def test_the_file_is_a_setting(tmp_path: Path) -> None:
    assert load({}, tmp_path).alive_file is None
    assert load({"WAYMARK_ALIVE_FILE": "x"}, tmp_path).alive_file == tmp_path / "x"

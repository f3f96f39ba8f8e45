"""What Waymark writes down is for its own account alone, whatever the umask says."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.security import keys
from server.storage import private
from server.storage.db import close_database, fetch, migrate, open_database, write
from server.storage.engines.raw_sqlite import RawSqlite


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """The umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: _mode(path) for path in folder.iterdir()}


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _set(mode: int, *paths: Path) -> None:
    for path in paths:
        path.chmod(mode)


@pytest.mark.slow
async def test_a_new_database_and_its_folder_are_the_accounts_alone(tmp_path: Path) -> None:
    _set(0o755, tmp_path)
    url = f"sqlite://{tmp_path}/new/deep/waymark.sqlite3"
    await migrate(url)
    await open_database(url)
    try:
        async with write():
            await fetch("INSERT INTO guess (door, key, at) VALUES ('a', 'b', '2026-03-02')")
        modes = _modes(tmp_path / "new/deep")
    finally:
        await close_database()
    names = {"waymark.sqlite3", "waymark.sqlite3-wal", "waymark.sqlite3-shm"}
    assert modes == dict.fromkeys(names, 0o600)
    assert _modes(tmp_path / "new") == {"deep": 0o700}
    assert _mode(tmp_path / "new") == 0o700
    assert _mode(tmp_path) == 0o755, "that folder was there: it may be shared"


async def test_what_an_earlier_version_left_open_is_shut_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "waymark.sqlite3"
    _set(0o755, tmp_path)
    # A server of an earlier version that was killed: its log lies there still.
    other = RawSqlite(file)
    other.run("CREATE TABLE a (b)")
    _set(0o664, *(tmp_path / name for name in _modes(tmp_path)))
    assert len(_modes(tmp_path)) == 3
    await open_database(f"sqlite://{file}")
    await close_database()
    other.close()
    await open_database(f"sqlite://{file}")
    modes = _modes(tmp_path)
    await close_database()
    assert set(modes.values()) == {0o600}
    assert _mode(tmp_path) == 0o755


def test_keys_lie_in_folders_of_the_account_alone(tmp_path: Path) -> None:
    keys.secret_key(tmp_path / "var" / "keys")
    keys.vapid_private_key_file(tmp_path / "var" / "keys")
    assert _modes(tmp_path) == {"var": 0o700}
    assert _modes(tmp_path / "var") == {"keys": 0o700}
    assert set(_modes(tmp_path / "var/keys").values()) == {0o600}


def test_two_that_make_the_same_folder_at_once_both_have_it(tmp_path: Path) -> None:
    private.make_folder(tmp_path / "a" / "b")
    private.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_what_is_not_there_is_not_too_open(tmp_path: Path) -> None:
    assert private.too_open([tmp_path / "gone"]) == []
    private.shut(tmp_path / "gone")


def _hand(file: Path, *named: tuple[int, int, int]) -> None:
    """Give the file an access control list: the owner and these may read it, nobody else."""
    undefined = 0xFFFFFFFF
    owner, group, mask, others = ((0x01, 4), (0x04, 0), (0x10, 4), (0x20, 0))
    ends = [(tag, rights, undefined) for tag, rights in (owner, group, mask, others)]
    entries = sorted([*ends, *named])
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(file, "system.posix_acl_access", raw)
    assert _mode(file) == 0o440, "the mask stands where the rights of the group stand"


def test_a_key_that_systemd_hands_to_our_account_alone_is_not_too_open(tmp_path: Path) -> None:
    key = tmp_path / "vapid.pem"
    key.touch(0o400)
    _hand(key, (0x02, 4, os.geteuid()))
    assert private.too_open([key]) == []


@pytest.mark.parametrize("tag", [0x02, 0x08])
def test_a_key_that_a_list_opens_to_another_account_is_too_open(tmp_path: Path, tag: int) -> None:
    key = tmp_path / "vapid.pem"
    key.touch(0o400)
    _hand(key, (0x02, 4, os.geteuid()), (tag, 4, os.geteuid() + 1))
    [line] = private.too_open([key])
    assert line == f"{key} is open to other accounts (mode 0440): run chmod 600 {key}"

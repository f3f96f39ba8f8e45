"""Files and folders that only the account of the server may open.

Sealed words are unreadable without the keys; times, ids and ties are in the clear in a database.
SQLite makes its files as the umask says, and `mkdir` gives its mode to the last folder alone.
"""

import os
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077
# What SQLite keeps beside a database.
BESIDE = ("", "-wal", "-shm", "-journal")
# An access control list (acl(5)) as the kernel keeps it: version, then tag, rights and id of each.
_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _MASK = 0x01, 0x02, 0x10


def make_folder(folder: Path) -> None:
    """Make the folder and those above it that are missing, each mode 0700. One that is there stays
    as it is: others may share it, as /tmp."""
    for missing in [path for path in (*reversed(folder.parents), folder) if not path.exists()]:
        with suppress(FileExistsError):
            missing.mkdir(mode=0o700)


def make_database(file: Path) -> None:
    """Make an empty database file with mode 0600, or shut one that is there to others, with what
    SQLite keeps beside it.

    An empty file is an empty database, and SQLite gives what it makes beside it the same mode.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for ending in BESIDE:
        shut(file.with_name(file.name + ending))


def shut(path: Path) -> None:
    """Take away what others may do, where the file or folder is there and ours."""
    # Of another account, or on a disk without modes: `too_open` says so.
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            path.chmod(mode & ~OTHERS)


def too_open(paths: Iterable[Path]) -> list[str]:
    """One line for each that others may open: what it is, and what to do."""
    lines = []
    for path in paths:
        with suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & OTHERS and _opens_to_others(path):
                lines.append(_line(path, mode))
    return lines


def _opens_to_others(path: Path) -> bool:
    """Whether an account besides the owner and ours may. Where there is an access control list, the
    mode shows its mask in place of the group: 0440 for a key that systemd hands to one account."""
    if path.stat().st_uid not in (0, os.geteuid()):
        return True
    try:
        entries = [*_ENTRY.iter_unpack(os.getxattr(path, _ACL)[4:])]
    except OSError:
        return True  # No access control list: the mode says it all.
    return any(
        rights and tag not in (_OWNER, _MASK) and (tag, id_) != (_USER, os.geteuid())
        for tag, rights, id_ in entries
    )


def _line(path: Path, mode: int) -> str:
    if not path.is_dir():
        return f"{path} is open to other accounts (mode {mode:04o}): run chmod 600 {path}"
    return (
        f"{path} is open to other accounts (mode {mode:04o}): run chmod 700 {path}, or take a"
        " folder that is Waymark's alone"
    )

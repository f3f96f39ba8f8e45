"""The commands `backup`, `restore` and `set-back`."""

import argparse
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from server.clock import stamp
from server.progress import progress
from server.records.backup import lately, restore, resume, verify
from server.records.backup.archive import Archive, Manifest
from server.records.backup.backup import What, back_up
from server.records.backup.verify import Opened
from server.security import encryption
from server.security.keys import vapid_public_key
from server.settings import Settings

Work = Callable[[Settings, datetime], Awaitable[Any]]
# Runs work with the keys in use and no database open.
Beside = Callable[[Work], Any]
Add = Callable[[str, Callable[[argparse.Namespace], Any], str], Any]
Say = Callable[[str], None]
NOT_ENTERED = (
    "The backup is whole, but the database could not be told of it: you may be told `backup:old`."
)


def add_commands(add: Add, beside: Beside, say: Say = print) -> None:
    """Add these commands to the command line."""

    def run(args: argparse.Namespace) -> None:
        for line in beside(lambda settings, now: args.work(args, settings, now)):
            say(line)

    made = add("backup", run, "Write the whole database into one file, while it is in use.")
    made.add_argument("file", type=Path, metavar="FILE", help="the file to write (mode 0600)")
    made.add_argument("--force", action="store_true", help="replace a file that is there")
    made.set_defaults(work=_backup)
    put = add("restore", run, "Put a backup back into an empty database of either kind.")
    put.add_argument("file", type=Path, metavar="FILE", help="a file that `backup` wrote")
    put.add_argument(
        "--replace", action="store_true", help="throw away what is in the database now"
    )
    put.add_argument(
        "--check",
        action="store_true",
        help="restore nothing; say whether the file is whole and can be read",
    )
    put.add_argument(
        "--with-unreadable",
        action="store_true",
        help="restore even where some sealed values cannot be opened; they stay unreadable",
    )
    put.set_defaults(work=_restore)
    back = add(
        "set-back", run, "Say to which moment a point-in-time recovery set the database back."
    )
    back.add_argument(
        "moment", type=_moment, metavar="MOMENT", help="in UTC, such as 2026-03-02T02:10:00Z"
    )
    back.set_defaults(work=_set_back)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError("write a moment in UTC, such as 2026-03-02T02:10:00Z")
    return moment


async def _backup(args: argparse.Namespace, settings: Settings, now: datetime) -> list[str]:
    what = What(
        url=settings.database_url,
        keyring=encryption.Keyring(settings.secret_keys),
        push_key=fingerprint(settings),
        made_at=now,
    )
    made = await back_up(what, args.file, replaces=args.force, told=progress())
    manifest = made.manifest
    is_entered = await lately.enter(settings.database_url, now)
    return [
        f"{args.file}: {_sum(manifest)}. Read back: {made.opened.values:,} sealed values opened.",
        f"To read it the keys of WAYMARK_SECRET_KEYS are needed ({_needed(manifest)}); they are not"
        " in it. Keep them elsewhere.",
        "Names and words are sealed in it; times, ids and how people are tied lie in it in the"
        " clear. Keep it as you keep the database.",
        *([] if is_entered else [NOT_ENTERED]),
    ]


async def _restore(args: argparse.Namespace, settings: Settings, now: datetime) -> list[str]:
    keyring = encryption.Keyring(settings.secret_keys)
    with Archive(args.file) as archive:
        if args.check:
            return _checked(args, settings, archive, keyring)
        where = restore.Where(
            url=settings.database_url,
            keyring=keyring,
            replaces=args.replace,
            now=now,
            with_unreadable=args.with_unreadable,
        )
        opened = await restore.restore(archive, where, progress())
    manifest = archive.manifest
    return [
        f"Restored: {_sum(manifest)}. The record is whole.",
        *_unreadable(opened),
        *_next(settings, manifest, now),
    ]


async def _set_back(args: argparse.Namespace, settings: Settings, now: datetime) -> list[str]:
    if not await resume.set_back(settings.database_url, args.moment, now):
        return ["That was said before. Nothing has changed."]
    return _lost_since(args.moment, now)


def _checked(
    args: argparse.Namespace, settings: Settings, archive: Archive, keyring: encryption.Keyring
) -> list[str]:
    opened = verify.check(archive, keyring, progress(), with_unreadable=args.with_unreadable)
    manifest = archive.manifest
    return [
        f"{args.file} is whole and can be read: {_sum(manifest)};"
        f" {opened.values - opened.unreadable:,} sealed values opened.",
        *_unreadable(opened),
        *_of_push(settings, manifest),
    ]


def _unreadable(opened: Opened) -> list[str]:
    return [f"{opened}."] if opened.unreadable else []


def fingerprint(settings: Settings) -> str | None:
    """The fingerprint of our key for push services; None where there is no such file."""
    try:
        key = vapid_public_key(settings.vapid_private_key_file)
    except (OSError, ValueError):
        return None
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _sum(manifest: Manifest) -> str:
    tables = sum(1 for entry in manifest.tables if entry.rows)
    made = stamp(manifest.made_at)
    return f"{manifest.rows:,} rows of {tables} tables, as of {made}, from {manifest.engine}"


def _needed(manifest: Manifest) -> str:
    keys = manifest.keys
    return ", ".join(sorted({*keys.seals, keys.signs, keys.index}))


def _next(settings: Settings, manifest: Manifest, now: datetime) -> list[str]:
    """What the operator who restores must know, and do next."""
    return [*_lost_since(manifest.made_at, now), *_of_push(settings, manifest)]


def _lost_since(moment: datetime, now: datetime) -> list[str]:
    at = stamp(moment)
    return [
        f"What reached the server after {at} ({_long(now - moment)}) is not in it. The phones of"
        " children, and of people who write in a project, send again what they still have.",
        "Open invitations no longer work: make new ones. Adults sign in again.",
        "Did anyone block a phone, take back a link or a card, end a person's work with a child,"
        f" disable a person or change a password after {at}? They have to do it again.",
        "Alerts that were closed after that are open again, and messages that were sent after that"
        " may be sent a second time: better twice than never.",
    ]


def _of_push(settings: Settings, manifest: Manifest) -> list[str]:
    if manifest.keys.push in (None, fingerprint(settings)):
        return []
    return [
        "WAYMARK_VAPID_PRIVATE_KEY_FILE holds another key than when the backup was made: pushes"
        " reach no phone until its app has been opened once. Put the old key back if you have it."
    ]


def _long(lost: timedelta) -> str:
    hours, minutes = divmod(int(lost.total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

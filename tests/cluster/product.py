"""Waymark on the hosts of the rig: its processes, its children, and its rows at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from server.auth.models import Device, Session
from server.notify.models import Address
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.policy import parser
from server.policy.models import Policy
from server.security import encryption
from server.security.encryption import Keyring, hash_token
from server.storage import bulk
from server.storage.db import as_document, close_database, fetch, open_database, write
from server.storage.ids import uuid7
from server.watch.models import Watch
from tests.cluster.daemons import Daemon
from tests.cluster.history import History
from tests.cluster.hosts import Host

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the rig alone that guards nothing at all"
WEB = 8000
# One rung: what the ladder repeats must not look like a message that is doubled.
_LEVEL = {
    "remind_before": "5s",
    "remind_again": "3s",
    "asks_carer": False,
    "carer_window": "5s",
    "carer_from": "00:00",
    "carer_until": "00:00",
    "ceiling": "72h",
    "rungs": ["caseworker", "last_resort"],
    "each": "4h",
    "lapse": "4h",
    "decide": "24h",
    "habit": None,
    "last_call": None,
}


@dataclass(frozen=True)
class Agreed:
    """What is agreed with every child: a check-in so often, and adults are called so many seconds
    after one that did not come."""

    every_s: int = 60
    grace_s: int = 10

    def policy(self) -> dict[str, Any]:
        level = _LEVEL | {"grace": f"{self.grace_s}s"}
        return {"low": level, "quiet": {"from": "00:00", "until": "00:00"}}


@dataclass(frozen=True)
class WatchedChild:
    """A child of the rig; one caseworker each, so that each call is about one child."""

    id: str
    token: str
    worker: str


def environment(folder: Path, *, smtp: str, public: str, urls: Mapping[str, str]) -> dict[str, str]:
    """The settings of every process of ours. `urls`: those of the database, by setting."""
    return {
        "WAYMARK_SECRET_KEYS": SECRET,
        "WAYMARK_VAR": str(folder / "var"),
        "WAYMARK_PUBLIC_URL": public,
        "WAYMARK_SMTP_URL": smtp,
        "WAYMARK_MAIL_FROM": "planner@rig.example",
        "WAYMARK_LAST_RESORT": "email:duty@rig.example",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",
        **urls,
    }


def web_of(host: Host, settings: Mapping[str, str]) -> Daemon:
    """A web process on this host."""
    argv = [sys.executable, "-m", "server", "serve", "--host", host.address, "--port", str(WEB)]
    return Daemon(f"web-{host.name}", host, [*argv, "--no-ticker"], settings, as_nobody=False)


def ticker_of(host: Host, settings: Mapping[str, str]) -> Daemon:
    """A ticker process on this host."""
    argv = [sys.executable, "-m", "server", "tick"]
    return Daemon(f"ticker-{host.name}", host, argv, settings, as_nobody=False)


async def migrate(url: str, settings: Mapping[str, str]) -> None:
    """The schema, by the command that an operator uses."""
    from os import environ

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "migrate", cwd=ROOT,
        env=dict(environ) | dict(settings) | {"WAYMARK_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


async def populate(
    url: str, how_many: int, history: History, agreed: Agreed = Agreed()
) -> list[WatchedChild]:
    """So many children, each with a phone, a watch and a caseworker who has an address."""
    encryption.use(Keyring([SECRET]))
    await open_database(url)
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        async with write():
            agency = await Agency.create(name="rig", made_at=now)
            content = parser.merged(agreed.policy())
            await Policy.create(agency_id=agency.id, version=1, content=content, made_at=now)
        children = []
        for number in range(how_many):
            # Spread, so that rounds become late all the time.
            due = now + timedelta(seconds=agreed.every_s * (1 + number / how_many))
            due = due.replace(microsecond=0)
            child = await _child(agency.id, number, (now, due), agreed.every_s)
            children.append(child)
            history.add("child", child=child.id, worker=child.worker, due=due.timestamp())
        return children
    finally:
        await close_database()


async def _child(
    agency: UUID, number: int, moments: tuple[datetime, datetime], every_s: int
) -> WatchedChild:
    now, due = moments
    id_, worker, mail = uuid7(), uuid7(), f"worker{number}@rig.example"
    token = f"rig-{id_}"
    common = {"agency_id": agency}
    person = common | {"language": "en", "zone": "UTC", "made_at": now}
    before = now - timedelta(days=1)
    opens = due - timedelta(seconds=every_s / 2)
    rows: list[tuple[type[Any], dict[str, Any]]] = [
        (Person, person | {"id": id_, "role": Role.CHILD, "name": "child"}),
        (Person, person | {"id": worker, "role": Role.CASEWORKER, "name": "worker"}),
        (Child, common | {"id": id_, "person_id": id_, "placed_at": before}),
        (Tie, common | {"id": uuid7(), "child_id": id_, "person_id": worker,
                        "role": Role.CASEWORKER, "from_at": before}),
        (Address, common | {"id": uuid7(), "person_id": worker, "channel": "email",
                            "value": mail, "value_index": encryption.blind(mail),
                            "made_at": before, "verified_at": now}),
        (Device, common | {"id": id_, "person_id": id_, "paired_at": now}),
        (Session, common | {"id": uuid7(), "person_id": id_, "device_id": id_, "made_at": now,
                            "token_hash": hash_token(token), "last_seen_at": now}),
    ]  # fmt: skip
    watch = common | {
        "child_id": id_, "tier": "low", "zone": "UTC", "rhythm": {"every_s": every_s},
        "standing": "well", "prompted": 0, "is_alerted": False, "is_missing": False,
        "due_at": due, "opens_at": opens, "next_action_at": opens, "sign_at": now, "version": 0,
    }  # fmt: skip
    async with write():
        for model, row in rows:
            await bulk.insert(model, [row])
        await bulk.insert(Watch, [watch], returning="child_id")
    return WatchedChild(str(id_), token, mail)


_ROWS = {
    "check_in": "SELECT id, child_id AS child, answer FROM check_in",
    "round": "SELECT id, child_id AS child, late_at, state, settled_by FROM round",
    "alert": "SELECT id, child_id AS child, state, opened_at, closed_at FROM alert",
    "message": 'SELECT id, subject_id AS subject, kind AS kind_of, rung, turn, to_key AS "to",'
    " channel, child_id AS child, state FROM message",
    "delivery": "SELECT id, message_id AS message, attempt, result, why FROM delivery",
    "blind": "SELECT from_at, until_at FROM blind",
}


async def read_rows(url: str, history: History) -> None:
    """Everything that the database holds about the run, into its history."""
    await open_database(url)
    try:
        for table, statement in _ROWS.items():
            for row in await fetch(statement):
                history.add("row", table=table, **_plain(row))
    finally:
        await close_database()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in row.items():
        if name == "answer":
            plain[name] = as_document(value)
        elif isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif isinstance(value, UUID):
            plain[name] = str(value)
        else:
            plain[name] = value
    return plain

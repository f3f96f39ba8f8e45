"""Boards to look at: a few children in every standing, or two hundred of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

import uvicorn

from server.alerts import opening
from server.alerts.ladder import Cause
from server.alerts.opening import Opening
from server.alerts.recipients import policy_of
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.policy.model import Tier
from server.storage import bulk
from server.storage.db import write
from server.watch.models import Pause, Round, Watch, round_id
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.rules import Rhythm
from server.web import live
from tests.cast import Cast

NAMES = (
    "Amira", "Bilal", "Chiara", "Dawit", "Elena", "Farid", "Grace", "Hamza", "Ilir", "Jonas",
    "Khadija", "Luan", "Mirela", "Nadia", "Omar", "Precious", "Qadir", "Rosa", "Samuel", "Thi Mai",
    "Umut", "Vesna", "Wahid", "Xhoana", "Yonas", "Zahra",
)  # fmt: skip
# What became of the last four weeks, by turns.
WEEKS = ("a" * 28, "aaaaalaaaaamaaaaasaaaaalaaaa", "aaaaaaaaxxxxxxxaaaaaaaalaaaa")
STANDINGS = ("alerted", "late", "late", "due", "due", "due", "away")


async def crowd(cast: Cast, many: int, *, worker: str = "tom") -> list[UUID]:
    """So many children of this caseworker: some called for, some late, most well.

    Written down as the watch would have written it, and at once: two hundred children by their
    actions would take the better part of a minute.
    """
    now = cast.clock()
    ids = [uuid4() for _ in range(many)]
    kinds = [_kind(place, many) for place in range(many)]
    agency = cast.agency.id
    async with write():
        await bulk.insert(Person, [_person(cast, place, id_) for place, id_ in enumerate(ids)])
        await bulk.insert(
            Child,
            [
                {
                    "id": id_,
                    "agency_id": agency,
                    "person_id": id_,
                    "home_id": cast.home.id,
                    "placed_at": now - timedelta(days=60),
                }
                for id_ in ids
            ],
        )
        ties = [
            {
                "id": uuid4(),
                "agency_id": agency,
                "child_id": id_,
                "person_id": cast.persons[name].id,
                "role": role,
                "from_at": now - timedelta(days=60),
            }
            for id_ in ids
            for name, role in ((worker, Role.CASEWORKER), ("ines", Role.SUPERVISOR))
        ]
        await bulk.insert(Tie, ties)
        for place, (id_, kind) in enumerate(zip(ids, kinds, strict=True)):
            await bulk.insert(Watch, [_watch(agency, id_, kind, place, now)], returning="child_id")
        rounds = [row for place, id_ in enumerate(ids) for row in _rounds(id_, place, now)]
        await bulk.insert(Round, rounds)
        away = [id_ for id_, kind in zip(ids, kinds, strict=True) if kind == "away"]
        for id_ in away:
            await Pause.create(
                child_id=id_,
                from_at=now - timedelta(days=1),
                until_at=now + timedelta(days=3),
                made_by=cast.persons[worker].id,
                made_at=now - timedelta(days=2),
            )
        await _call(cast, [i for i, kind in zip(ids, kinds, strict=True) if kind == "alerted"])
    return ids


def _kind(place: int, many: int) -> str:
    calling = max(1, many // 30)
    if place < calling:
        return "alerted"
    return STANDINGS[1 + (place - calling) % 6] if place < calling + many // 8 else "well"


def _person(cast: Cast, place: int, id_: UUID) -> dict[str, object]:
    name = NAMES[place % len(NAMES)]
    letter = chr(ord("A") + place // len(NAMES))
    return {
        "id": id_,
        "agency_id": cast.agency.id,
        "role": Role.CHILD,
        "name": f"{name} {letter}.",
        "language": "en",
        "zone": "Europe/Paris",
        "made_at": cast.clock() - timedelta(days=60),
    }


def _watch(agency: UUID, id_: UUID, kind: str, place: int, now: datetime) -> dict[str, object]:
    ahead = now + timedelta(hours=20, minutes=place % 60)
    missed = now - timedelta(hours=1, minutes=10 + place % 50)
    is_open = kind in ("late", "alerted")
    due = now + timedelta(minutes=20 + place % 60) if kind == "due" else ahead
    return {
        "child_id": id_,
        "agency_id": agency,
        "tier": Tier.MID.value,
        "zone": "Europe/Paris",
        "rhythm": rhythms.as_data(Rhythm((time(18),))),
        "standing": kind,
        "due_at": due,
        "opens_at": due - timedelta(hours=2),
        "prompted": 1 if kind == "due" else 0,
        "missed_due_at": missed if is_open else None,
        "late_at": missed + timedelta(hours=1) if is_open else None,
        "asked_at": None,
        "alarm_at": now + timedelta(minutes=10) if kind == "late" else None,
        "alarm_why": "no_carer" if kind == "late" else None,
        "is_alerted": kind == "alerted",
        "sign_at": now - timedelta(hours=25),
        "answered_at": now - timedelta(hours=20 + place % 8),
        "next_action_at": now + timedelta(hours=1),
        "is_missing": False,
        "version": 0,
    }


def _rounds(id_: UUID, place: int, now: datetime) -> list[dict[str, object]]:
    marks = WEEKS[place % len(WEEKS)]
    first = now - timedelta(days=28, minutes=place % 60)
    rows = []
    for day, mark in enumerate(marks):
        due = first + timedelta(days=day)
        late_by = {"a": 12 + place % 30, "l": 130, "s": 90, "m": 1500, "x": 0}[mark]
        state = {"a": "answered", "l": "answered_late", "s": "seen", "x": "excused"}
        rows.append(
            {
                "id": round_id(id_, due),
                "child_id": id_,
                "opens_at": due - timedelta(hours=2),
                "due_at": due,
                "late_at": due + timedelta(hours=1),
                "state": state.get(mark, "answered_late"),
                "settled_at": due + timedelta(minutes=late_by),
            }
        )
    return rows


async def _call(cast: Cast, ids: list[UUID]) -> None:
    now, agency = cast.clock(), cast.agency.id
    policy, _ = await policy_of(agency)
    causes = (Cause.SILENCE, Cause.TALK, Cause.HELP)
    openings = [
        Opening(
            child_id=id_,
            agency_id=agency,
            cause=causes[place % 3],
            tier=Tier.MID,
            reason="grace_over",
            opened_at=now - timedelta(minutes=9 + place),
        )
        for place, id_ in enumerate(ids)
    ]
    await opening.open_alerts(openings, {agency: policy}, now)


@asynccontextmanager
async def serving(cast: Cast) -> AsyncIterator[str]:
    """The application of the cast behind a real server on loopback; its address."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        # From here on whoever connects waits until the server is up.
        listening.listen(64)
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            cast.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        await live.open_live()
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await live.close_live()
            server.should_exit = True
            await task

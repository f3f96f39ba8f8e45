"""The demo people of contract.md, in both agencies, built through actions and a driven clock.

    async def test_something(cast):
        tom, mia = cast.client_as("tom"), cast.client_as("mia")
        answer = await tom.get(f"/api/v1/children/{cast.mia.id}/ties")

Staff come in by a session of their own, children by a paired phone. Everyone's password is
`password_of(name)`; hashing is cheap here. The surnames are for tests that look for leaks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from server.app import create_app
from server.audit.actions import SYSTEM, Actor
from server.auth import credentials, pairing
from server.auth.models import Device
from server.auth.passwords import Passwords
from server.auth.sessions import open_session
from server.clock import Clock
from server.people import actions as people
from server.people.agencies.actions import AddAgency, add_agency, add_home
from server.people.models import Agency, Child, Home, Person
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import EACH_MISS, Tier
from server.policy.models import Policy
from server.rota.models import FixedShift
from server.settings import Settings, load
from server.storage import bulk
from server.storage.db import write
from server.watch import actions as watch
from server.watch.rhythm.rules import Rhythm
from tests.fixtures import Database, DrivenClock
from tests.snapshot import Rows, dump, restore

SURNAMES = (
    "Castellane",
    "Haddadin",
    "Verhoeven",
    "Quintanar",
    "Brzezinska",
    "Oyelaran",
    "Thackeray",
    "Zamboni",
    "Marchetti",
    "Brandvold",
)
ADULTS = {
    # name: surname, role in the agency, language, zone
    "tom": ("Verhoeven", Role.CASEWORKER, "en", "Europe/Paris"),
    "ines": ("Quintanar", Role.SUPERVISOR, "en", "Europe/Lisbon"),
    "ada": ("Brzezinska", Role.GUARDIAN, "fr", "Europe/Lisbon"),
    "sam": ("Oyelaran", Role.CARER, "fr", "Europe/Paris"),
    "eve": ("Thackeray", Role.CASEWORKER, "en", "Europe/Paris"),
    "root": ("Zamboni", Role.ADMINISTRATOR, "en", "Europe/Paris"),
}
CHILDREN = ("mia", "noor", "lia")
EVERYONE = (*ADULTS, "uwe", *CHILDREN)
ORIGIN = "http://localhost:8000"


def password_of(name: str) -> str:
    """The password of a member of the cast."""
    return f"a long enough one, {name[::-1]}"


@dataclass
class Cast:
    """Everyone, and a way in for each."""

    app: Starlette
    clock: Any  # A DrivenClock, or the real one behind a real server.
    settings: Settings
    agency: Agency
    other_agency: Agency
    home: Home
    persons: dict[str, Person] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    devices: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    ties: dict[tuple[str, str], UUID] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Person:
        # cast.tom, cast.mia: what a test reads most.
        try:
            return self.__dict__["persons"][name]
        except KeyError:
            raise AttributeError(name) from None

    def actor(self, name: str) -> Actor:
        """Somebody as the author of an action."""
        person = self.persons[name]
        device = self.devices.get(name)
        return Actor(person.id, person.role, person.agency_id, device)

    def client(self, **how: Any) -> httpx2.AsyncClient:
        """A client that nobody has signed in."""
        transport = httpx2.ASGITransport(self.app, client=("203.0.113.7", 50000))
        return httpx2.AsyncClient(transport=transport, base_url=ORIGIN, **how)

    def client_as(self, name: str | None) -> httpx2.AsyncClient:
        """A client with that person's token, as a native app; None: a stranger."""
        if name is None:
            return self.client()
        return self.client(headers={"authorization": f"Bearer {self.tokens[name]}"})

    def browser_as(self, name: str) -> httpx2.AsyncClient:
        """A browser with that person's cookie, which asks for pages from our own."""
        browser = self.client(headers={"accept": "text/html", "sec-fetch-site": "same-origin"})
        browser.cookies.set("s", self.tokens[name])
        return browser

    async def new_token(self, name: str) -> str:
        """Another session of that person, after theirs was ended; a phone is let in again."""
        if name in self.devices:
            await Device.filter(id=self.devices[name]).update(shut_out_at=None)
        token, _ = await open_session(
            self.persons[name], device_id=self.devices.get(name), now=self.clock()
        )
        self.tokens[name] = token
        return token

    async def on_duty(self, name: str, **how_long: float) -> None:
        """That person is on duty from now on, for so long (an hour)."""
        person, now = self.persons[name], self.clock()
        await FixedShift.create(
            agency_id=person.agency_id,
            person_id=person.id,
            from_at=now,
            until_at=now + timedelta(**(how_long or {"hours": 1})),
        )


@pytest.fixture
def settings(db: Database, tmp_path: Path) -> Settings:
    """Settings of a server on loopback whose keys are those of the `keyring` fixture."""
    return load(
        {
            "WAYMARK_DATABASE_URL": db.url,
            "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
            "WAYMARK_PUBLIC_URL": ORIGIN,
            "WAYMARK_VAR": str(tmp_path / "var"),
            "WAYMARK_SMTP_URL": "smtps://relay.invalid",
            "WAYMARK_MAIL_FROM": "planner@example.org",
        },
        tmp_path,
    )


@pytest.fixture
def passwords() -> Passwords:
    """Argon2id at its cheapest."""
    return Passwords(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def app(settings: Settings, clock: DrivenClock, passwords: Passwords) -> Starlette:
    """The whole application over the open database; its lifespan is not run."""
    return create_app(settings, clock=clock, passwords=passwords)


@pytest_asyncio.fixture
async def cast(
    db: Database, app: Starlette, settings: Settings, clock: DrivenClock, passwords: Passwords
) -> AsyncIterator[Cast]:
    """Everyone, paired or with a password, and a watch over each child."""
    key = (db.dialect, clock(), settings.secret_keys)
    if key not in _made:
        made = await build(app, settings, clock, passwords)
        _made[key] = await dump(), await _read(made)
        yield made
    else:
        rows, made = _made[key]
        await restore(rows)
        yield _again(app, settings, clock, made)


# Made once for each kind of database and moment; every further test gets the same rows.
_made: dict[object, tuple[Rows, Cast]] = {}


async def _read(made: Cast) -> Cast:
    """The cast as its rows say, which is not in each field what it was made with."""
    persons = {person.id: person for person in await Person.all()}
    children = {child.id: child for child in await Child.all()}
    ids = {name: person.id for name, person in made.persons.items()}
    return replace(
        made,
        agency=await Agency.get(id=made.agency.id),
        other_agency=await Agency.get(id=made.other_agency.id),
        home=await Home.get(),
        persons={name: persons[id_] for name, id_ in ids.items()},
        children={name: children[ids[name]] for name in CHILDREN},
        devices=dict(made.devices),
        tokens=dict(made.tokens),
        ties=dict(made.ties),
    )


def _again(app: Starlette, settings: Settings, clock: Clock, made: Cast) -> Cast:
    """The same people, which a test may change."""
    return Cast(
        app,
        clock,
        settings,
        *deepcopy((made.agency, made.other_agency, made.home, made.persons, made.children)),
        devices=dict(made.devices),
        tokens=dict(made.tokens),
        ties=dict(made.ties),
    )


async def build(app: Starlette, settings: Settings, clock: Clock, passwords: Passwords) -> Cast:
    """The cast in an empty database, all of it or nothing."""
    async with write():
        made = await _agencies(app, settings, clock)
        await _adults(made)
        await _children(made)
        await _sessions(made, passwords)
    return made


async def _agencies(app: Starlette, settings: Settings, clock: Clock) -> Cast:
    now = clock()
    first = await add_agency(
        SYSTEM,
        AddAgency(name="Harbour", language="en", zone="Europe/Paris", help_phone="+33123456789"),
        now,
    )
    other = await add_agency(
        SYSTEM,
        AddAgency(name="Lantern", language="en", zone="Europe/Rome", display_name="Diary"),
        now,
    )
    await _ask_at_each_miss(now, first.id, other.id)
    home = await add_home(SYSTEM, first.id, name="The house", zone="Europe/Paris", now=now)
    return Cast(app, clock, settings, first, other, home)


async def _ask_at_each_miss(now: datetime, *agencies: UUID) -> None:
    """The cast goes by the plain policy, in which each miss has its known end, instead of the one
    that ships: in its place, so that the first one that a test adopts is the first one."""
    rows = [
        {
            "id": uuid4(),
            "agency_id": agency,
            "version": 0,
            "content": EACH_MISS,
            "words": "",
            "made_by": None,
            "made_at": now,
        }
        for agency in agencies
    ]
    await bulk.insert(Policy, rows)


async def _adults(cast: Cast) -> None:
    now = cast.clock()
    for name, (surname, role, language, zone) in ADULTS.items():
        cast.persons[name] = await people.add_person(
            SYSTEM,
            cast.agency.id,
            people.AddPerson(
                role=role, name=f"{name.title()} {surname}", language=language, zone=zone
            ),
            now,
        )
    cast.persons["uwe"] = await people.add_person(
        SYSTEM,
        cast.other_agency.id,
        people.AddPerson(
            role=Role.CASEWORKER, name="Uwe Brandvold", language="en", zone="Europe/Rome"
        ),
        now,
    )
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.ines.id, now)


async def _children(cast: Cast) -> None:
    agency, other = cast.agency.id, cast.other_agency.id
    await _child(cast, "mia", "Mia Castellane", agency, "en", "Europe/Paris", "tom", Tier.MID)
    await _child(cast, "noor", "Noor Haddadin", agency, "ar", "Europe/Lisbon", "tom", Tier.HIGH)
    await _child(cast, "lia", "Lia Marchetti", other, "en", "Europe/Rome", "uwe", Tier.MID)
    await _tie(cast, "mia", "ines", Role.SUPERVISOR)
    await _tie(cast, "noor", "ines", Role.SUPERVISOR)
    await _tie(cast, "noor", "ada", Role.GUARDIAN)
    await _tie(cast, "mia", "sam", Role.CARER)


async def _child(
    cast: Cast,
    name: str,
    full: str,
    agency_id: UUID,
    language: str,
    zone: str,
    worker: str,
    tier: Tier,
) -> None:
    now = cast.clock()
    child = await people.add_child(
        SYSTEM,
        agency_id,
        people.AddChild(
            name=full,
            language=language,
            zone=zone,
            caseworker_id=cast.persons[worker].id,
            home_id=cast.home.id if name == "mia" else None,
        ),
        now,
    )
    cast.children[name] = child
    cast.persons[name] = await Person.get(id=child.id)
    tie = await child.ties.all().first()  # type: ignore[attr-defined]
    cast.ties[name, worker] = tie.id
    times = (time(9), time(18)) if tier is Tier.HIGH else (time(18),)
    await watch.begin(SYSTEM, child, watch.Beginning(tier, Rhythm(times), zone), now)


async def _tie(cast: Cast, child: str, person: str, role: Role) -> None:
    tie = await add_tie(
        SYSTEM,
        cast.children[child],
        AddTie(person_id=cast.persons[person].id, role=role),
        cast.clock(),
    )
    cast.ties[child, person] = tie.id


async def _sessions(cast: Cast, passwords: Passwords) -> None:
    now = cast.clock()
    for name in (*ADULTS, "uwe"):
        stored = await credentials.hashed(password_of(name), name, passwords)
        await credentials.store_credential(SYSTEM, cast.persons[name], name, stored, now)
        cast.tokens[name], _ = await open_session(cast.persons[name], now=now)
    for name in CHILDREN:
        cast.devices[name] = uuid4()
        invitation = await pairing.invite(SYSTEM, cast.persons[name], now=now)
        opened = await pairing.pair(
            invitation.code, cast.devices[name], f"Phone of {name}", "192.0.2.1", now
        )
        cast.tokens[name] = opened.token

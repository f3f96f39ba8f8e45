"""The demo agency: a cast of people, and four weeks of history.

Everything is made through actions, with the clock set back, so that the demo is what the product
makes of such weeks and not a picture of it. For demos alone: `var/demo.json` has the passwords.
"""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any

from tortoise.exceptions import IntegrityError

from server import logs
from server.audit.actions import SYSTEM, Actor
from server.auth import credentials, pairing
from server.auth.models import Credential
from server.auth.passwords import Passwords, new_password
from server.demo.cast import CAST, Kid, id_of
from server.demo.history import live_through
from server.demo.profiles import write_packs
from server.demo.projects import write_projects
from server.demo.roll_calls import call_roll
from server.demo.templates import write_templates
from server.errors import Refused
from server.missing.profile.rules import age_on
from server.people import actions as people
from server.people.agencies.actions import AddAgency, HomeDetails, add_agency, make_home
from server.people.models import Agency, Child, Person
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import FIRST_HOURS, Tier
from server.rota import planning
from server.rota.models import FixedShift
from server.settings import Settings
from server.storage.db import write
from server.storage.engines import address
from server.storage.private import BESIDE, make_folder
from server.watch import actions as watch
from server.watch.rhythm import agreements
from server.watch.rhythm.rules import Rhythm

HISTORY = timedelta(days=28)
# Noor came to Lisbon not long ago: her first 72 hours are always running in the demo.
NOOR_CAME = timedelta(hours=20)


async def prepare(
    settings: Settings, passwords: Passwords, say: Callable[[str], None], now: datetime
) -> dict[str, Any]:
    """Load the cast where the database is empty, renew what ages, and write `var/demo.json`.

    Returns the contents of that file. Raises Refused where the database has another agency.
    """
    file = settings.var / "demo.json"
    password_by_name = _read(file)
    staff = {
        adult.name: {"password": password_by_name.get(adult.name) or new_password()}
        for adult in CAST.adults
    }
    if await _is_empty():
        say("Loading the demo agency and four weeks of its history (a few seconds) ...")
        # Argon2 works in threads meanwhile.
        _, hashes = await asyncio.gather(_load(now), _hashed(staff, passwords))
    else:
        # Make passwords that the file has lost anew; those in it are the stored ones.
        lost = {name: entry for name, entry in staff.items() if name not in password_by_name}
        hashes = await _hashed(lost, passwords)
    async with write():
        await _store(hashes, now)
        await _refresh(now)
        contents = {
            "url": settings.public_url,
            "staff": staff,
            "children": await _invite(settings, now),
        }
        # Inside: of two starts at once the file has what the later one stored.
        _write(file, contents)
    return contents


def set_aside(settings: Settings) -> Path | None:
    """Rename the demo's own SQLite file and return its new place; None where it is no demo's.

    A database of another program, or a PostgreSQL, is for its operator to move.
    """
    place = address.parse(settings.database_url)
    is_demo = (settings.var / "demo.json").exists()
    if place.dialect != "sqlite" or not is_demo:
        return None
    if place.file.parent.resolve() != settings.var.resolve():
        return None
    names = (f"before-0.1{more}.sqlite3" for more in chain([""], (f"-{n}" for n in count(2))))
    aside = next(path for name in names if not (path := settings.var / name).exists())
    # The file itself last: SQLite would read a log that is left behind into the new one.
    for ending in reversed(BESIDE):
        beside = place.file.with_name(place.file.name + ending)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + ending))
    return aside


async def _invite(settings: Settings, now: datetime) -> dict[str, Any]:
    children: dict[str, Any] = {}
    for kid in CAST.children:
        invitation = await pairing.invite(SYSTEM, await Person.get(id=id_of(kid.name)), now=now)
        children[kid.name] = {
            "id": str(id_of(kid.name)),
            "code": invitation.code,
            "link": f"{settings.public_url}/app/#pair={invitation.code}",
        }
    return children


def _read(file: Path) -> dict[str, str]:
    try:
        staff = json.loads(file.read_text())["staff"]
        return {name: entry["password"] for name, entry in staff.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(file: Path, contents: dict[str, Any]) -> None:
    make_folder(file.parent)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        os.fchmod(out.fileno(), 0o600)
        json.dump(contents, out, indent=2)


async def _is_empty() -> bool:
    """Whether the database is empty. Raises Refused where it has an agency other than the
    demo's."""
    if await Agency.exists(id=id_of("harbour")):
        return False
    if await Agency.all().exists():
        raise Refused("This database holds an agency that is not the demo's.")
    return True


async def _hashed(staff: dict[str, dict[str, str]], passwords: Passwords) -> dict[str, str]:
    """The stored hash of each password."""
    hashes = [
        credentials.hashed(entry["password"], name, passwords) for name, entry in staff.items()
    ]
    return dict(zip(staff, await asyncio.gather(*hashes), strict=True))


async def _store(hashes: dict[str, str], now: datetime) -> None:
    for name, password_hash in hashes.items():
        credential = Credential.filter(person_id=id_of(name))
        if await credential.update(password_hash=password_hash, changed_at=now):
            continue
        person = await Person.get(id=id_of(name))
        try:
            await credentials.store_credential(SYSTEM, person, name, password_hash, now)
        except Refused:
            # Of two starts at once the other was faster.
            await credential.update(password_hash=password_hash, changed_at=now, until=None)


async def _refresh(now: datetime) -> None:
    """Renew what ages: the children keep their ages, and Noor came yesterday, whenever the demo is
    started."""
    for kid in CAST.children:
        await _be_of_age(kid, now)
    if not await Child.exists(id=id_of("noor"), left_at__isnull=True):
        return  # A user has tried what happens when a placement ends.
    came = now - NOOR_CAME
    await Child.filter(id=id_of("noor")).update(placed_at=came)
    # Where a user has agreed check-in times that the first days do not allow, all of it stays.
    with suppress(Refused):
        first_days = agreements.TierRequest(Tier.HIGH, came + FIRST_HOURS, Tier.MID)
        await agreements.set_tier(SYSTEM, id_of("noor"), first_days, now)


async def _be_of_age(kid: Kid, now: datetime) -> None:
    """Give the child another birthday where they have none, or are older than in the cast."""
    child = await Child.get_or_none(id=id_of(kid.name))
    if child is None or age_on(child.birthday, now.date()) == kid.age:
        return
    turned = (now - timedelta(days=kid.turned_days)).date()
    # Most years have no 29th of February.
    born_on = turned.replace(year=turned.year - kid.age, day=min(turned.day, 28))
    await people.set_birthday(SYSTEM, child.id, born_on, now)


# --- the cast


async def _load(now: datetime) -> None:
    begin = now - HISTORY
    # One transaction: an interrupted start leaves nothing half made.
    try:
        with logs.silence():
            async with write():
                await _people(begin)
                await live_through(begin, now)
                await call_roll(now)
                await write_projects(now, HISTORY)
                await write_packs(now)
                root = Actor(id_of("root"), Role.ADMINISTRATOR.value, id_of("harbour"))
                await write_templates(root, begin)
    except IntegrityError:
        # Of two starts at once one was faster, and has made the same.
        if await _is_empty():
            raise


async def _people(now: datetime) -> None:
    for agency in CAST.agencies:
        facts = AddAgency(
            name=agency.name,
            language=agency.language,
            zone=agency.zone,
            help_phone=agency.help_phone,
            id=id_of(agency.id),
        )
        await add_agency(SYSTEM, facts, now)
    home = CAST.home
    details = HomeDetails(name=home.name, zone=home.zone, phone=home.phone)
    await make_home(SYSTEM, id_of(home.agency), details, id_of(home.id), now)
    await _adults(now)
    await _rota(now)
    for kid in CAST.children:
        await _child(kid, now)
    for tie in CAST.ties:
        child = await Child.get(id=id_of(tie.child))
        await add_tie(SYSTEM, child, AddTie(person_id=id_of(tie.person), role=tie.role), now)


async def _adults(now: datetime) -> None:
    for adult in CAST.adults:
        await people.add_person(
            SYSTEM,
            id_of(adult.agency),
            people.AddPerson(
                role=adult.role,
                name=f"{adult.name.title()} {adult.surname}",
                language=adult.language,
                zone=adult.zone,
                id=id_of(adult.name),
            ),
            now,
        )
        if adult.phone is not None:
            await people.set_phone(SYSTEM, id_of(adult.name), adult.phone, now)
    for adult in CAST.adults:
        if adult.deputy is not None:
            person, deputy = id_of(adult.name), id_of(adult.deputy)
            await people.set_deputy(SYSTEM, id_of(adult.agency), person, deputy, now)


async def _child(kid: Kid, now: datetime) -> None:
    child = await people.add_child(
        SYSTEM,
        id_of(kid.agency),
        people.AddChild(
            name=f"{kid.name.title()} {kid.surname}",
            language=kid.language,
            zone=kid.zone,
            caseworker_id=id_of(kid.caseworker),
            home_id=id_of(kid.home) if kid.home is not None else None,
            id=id_of(kid.name),
        ),
        now,
    )
    await watch.begin(SYSTEM, child, watch.Beginning(kid.tier, Rhythm(kid.times), kid.zone), now)


async def _rota(now: datetime) -> None:
    """We can call Ines at any time; the weekly shifts are in the file."""
    await FixedShift.create(agency_id=id_of("harbour"), person_id=id_of("ines"), from_at=now)
    root = Actor(id_of("root"), Role.ADMINISTRATOR.value, id_of("harbour"))
    for duty in CAST.duties:
        wanted = planning.DutyRequest(
            id=id_of(duty.id),
            days=list(duty.days),
            begins=f"{duty.begins:%H:%M}",
            ends=f"{duty.ends:%H:%M}",
            zone="Europe/Paris",
            people=[id_of(member) for member in duty.people],
            first_on=now.date() + timedelta(days=1),
        )
        await planning.add_duty(root, id_of("harbour"), wanted, now)


def lines(contents: dict[str, Any], *, is_served: bool) -> list[str]:
    """What `make run` prints: the address and every way to sign in."""
    out = ["", f"  Waymark is at {contents['url']}", "", "  Staff sign in with"]
    roles = {adult.name: adult.role for adult in CAST.adults}
    for name, entry in contents["staff"].items():
        out.append(f"    {name:<6}{entry['password']:<21}{roles[name].value}")
    out += ["", "  A child's phone is paired with (each link works once)"]
    for name, entry in contents["children"].items():
        out.append(f"    {name:<6}{entry['code']}   {entry['link']}")
    then = "Stop with Ctrl-C." if is_served else "Serve it with: waymark serve"
    return [*out, "", f"  The same is in var/demo.json. {then}", ""]

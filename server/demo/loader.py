"""The demo agency: a cast of people, four weeks of history, and fast check-in times for trainers.

Everything is made through actions, with the clock set back, so that the demo is what the product
makes of such weeks and not a picture of it. For demos alone: `var/demo.json` has the passwords.
"""

import asyncio
import json
import os
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from tortoise.exceptions import IntegrityError

from server.alerts import actions as alerts
from server.alerts import climbing
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM, Actor
from server.auth import actions as doors
from server.auth import pairing
from server.auth.models import Credential
from server.auth.passwords import Passwords
from server.checkin.actions import record
from server.checkin.rules import Answer
from server.demo.profiles import write_packs
from server.demo.projects import write_projects
from server.demo.templates import write_templates
from server.errors import Refused
from server.missing.profile.rules import age_on
from server.notify.models import Message
from server.people import actions as people
from server.people.models import Agency, Child, Person
from server.people.rules import Role
from server.placements import actions
from server.policy import parser as policies
from server.policy.levels import Evidence
from server.policy.model import FIRST_HOURS, SHIPPED, Tier
from server.policy.models import Policy
from server.rota import planning
from server.rota.models import FixedShift
from server.settings import Settings
from server.storage.db import write
from server.storage.engines import address
from server.storage.private import BESIDE, make_folder
from server.watch import actions as watch
from server.watch import ticking, watch_alerts
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import SETTLED, Round, Watch
from server.watch.rhythm import agreements
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.agreements import TierRequest
from server.watch.rhythm.rules import Rhythm, next_due

_DEMO = UUID("4f5a6d3e-2b0a-4c0c-9a55-6f1c1c0de300")
HISTORY = timedelta(days=28)
FAST_LASTS = timedelta(hours=1)
FAST_RHYTHM = {"every_s": 60}
# Noor came to Lisbon not long ago: her first 72 hours are always running in the demo.
NOOR_CAME = timedelta(hours=20)

_ADULTS = (
    # name, surname, role, language, zone
    ("tom", "Verhoeven", Role.CASEWORKER, "en", "Europe/Paris"),
    ("ines", "Quintanar", Role.SUPERVISOR, "en", "Europe/Lisbon"),
    ("ada", "Brzezinska", Role.GUARDIAN, "fr", "Europe/Lisbon"),
    ("sam", "Oyelaran", Role.CARER, "fr", "Europe/Paris"),
    ("eve", "Thackeray", Role.CASEWORKER, "en", "Europe/Paris"),
    ("root", "Zamboni", Role.ADMINISTRATOR, "en", "Europe/Paris"),
    ("uwe", "Brandvold", Role.CASEWORKER, "en", "Europe/Rome"),
)


@dataclass(frozen=True, slots=True)
class _Kid:
    name: str
    surname: str
    language: str
    zone: str
    caseworker: str
    tier: Tier
    times: tuple[time, ...]
    age: int  # In years, whenever the demo is started.
    turned: timedelta  # How long ago, where the birthday is set.


_CHILDREN = (
    _Kid(
        name="mia",
        surname="Castellane",
        language="fr",
        zone="Europe/Paris",
        caseworker="tom",
        tier=Tier.LOW,
        times=(time(18),),
        age=14,
        turned=timedelta(days=64),
    ),
    _Kid(
        name="noor",
        surname="Haddadin",
        language="ar",
        zone="Europe/Lisbon",
        caseworker="tom",
        tier=Tier.MID,
        times=(time(9), time(19)),
        age=16,
        turned=timedelta(days=131),
    ),
    _Kid(
        name="lia",
        surname="Marchetti",
        language="en",
        zone="Europe/Rome",
        caseworker="uwe",
        tier=Tier.MID,
        times=(time(18),),
        age=15,
        turned=timedelta(days=90),
    ),
)
# The fast check-ins use the tier of Mia, who is settled.
FAST_TIER = {
    "remind_before": "10s",
    "remind_again": "5s",
    "grace": "10s",
    "carer_window": "10s",
    "carer_from": "00:00",
    "carer_until": "00:00",
    "ceiling": "72h",
    "rungs": ["caseworker", "deputy", "on_duty", "manager", "last_resort"],
    "each": "10s",
    "lapse": "60s",
    "decide": "5m",
    # A habit would wait for hours, and so would a last call.
    "habit": None,
    "last_call": None,
}
_SHIPPED = policies.read(SHIPPED)
_NOTES = {
    "mia": (
        "Le match était bien, on a gagné 3 à 1",
        "J'ai parlé à ma sœur",
        "Fatiguée, mais ça va",
        "Contrôle de maths demain",
        "J'ai cuisiné pour tout le monde",
    ),
    "noor": (
        "تعلمت عشر كلمات جديدة",
        "نمت جيداً",
        "أنتظر موعد يوم الخميس",
        "تحدثت مع أمي",
    ),
    "lia": ("Good day", "We went to the sea", "Bored"),
}


def id_of(name: str) -> UUID:
    """The id of a person of the cast: the same in every demo, so that it is found again."""
    return uuid5(_DEMO, name)


async def prepare(
    settings: Settings, passwords: Passwords, say: Callable[[str], None], now: datetime
) -> dict[str, Any]:
    """Load the cast where the database is empty, renew what ages, and write `var/demo.json`.

    Returns the contents of that file. Raises Refused where the database has another agency.
    """
    file = settings.var / "demo.json"
    password_by_name = _read(file)
    staff = {
        name: {"password": password_by_name.get(name) or secrets.token_urlsafe(9)}
        for name, *_ in _ADULTS
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
    for kid in _CHILDREN:
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
    hashes = [doors.hashed(entry["password"], name, passwords) for name, entry in staff.items()]
    return dict(zip(staff, await asyncio.gather(*hashes), strict=True))


async def _store(hashes: dict[str, str], now: datetime) -> None:
    for name, password_hash in hashes.items():
        credential = Credential.filter(person_id=id_of(name))
        if await credential.update(password_hash=password_hash, changed_at=now):
            continue
        person = await Person.get(id=id_of(name))
        try:
            await doors.store_credential(SYSTEM, person, name, password_hash, now)
        except Refused:
            # Of two starts at once the other was faster.
            await credential.update(password_hash=password_hash, changed_at=now)


async def _refresh(now: datetime) -> None:
    """Renew what ages: the children keep their ages, and Noor came yesterday, whenever the demo is
    started."""
    for kid in _CHILDREN:
        await _be_of_age(kid, now)
    if not await Child.exists(id=id_of("noor"), left_at__isnull=True):
        return  # A user has tried what happens when a placement ends.
    came = now - NOOR_CAME
    await Child.filter(id=id_of("noor")).update(placed_at=came)
    # Where a user has agreed check-in times that the first days do not allow, all of it stays.
    with suppress(Refused):
        first_days = TierRequest(Tier.HIGH, came + FIRST_HOURS, Tier.MID)
        await agreements.set_tier(SYSTEM, id_of("noor"), first_days, now)


async def _be_of_age(kid: _Kid, now: datetime) -> None:
    """Give the child another birthday where they have none, or are older than in the cast."""
    child = await Child.get_or_none(id=id_of(kid.name))
    if child is None or age_on(child.birthday, now.date()) == kid.age:
        return
    turned = (now - kid.turned).date()
    # Most years have no 29th of February.
    born_on = turned.replace(year=turned.year - kid.age, day=min(turned.day, 28))
    await people.set_birthday(SYSTEM, child.id, born_on, now)


# --- the cast


async def _load(now: datetime) -> None:
    begin = now - HISTORY
    # One transaction: an interrupted start leaves nothing half made.
    try:
        async with write():
            await _people(begin)
            await _history(begin, now)
            await write_projects(id_of, now, HISTORY)
            await write_packs(id_of, now)
            root = Actor(id_of("root"), Role.ADMINISTRATOR.value, id_of("harbour"))
            await write_templates(id_of, root, begin)
    except IntegrityError:
        # Of two starts at once one was faster, and has made the same.
        if await _is_empty():
            raise


async def _people(now: datetime) -> None:
    await people.add_agency(
        SYSTEM,
        name="Harbour",
        language="en",
        zone="Europe/Paris",
        help_phone="+33 1 99 00 12 34",
        id_=id_of("harbour"),
        now=now,
    )
    await people.add_agency(
        SYSTEM, name="Lantern", language="en", zone="Europe/Rome", id_=id_of("lantern"), now=now
    )
    home = await people.add_home(
        SYSTEM,
        id_of("harbour"),
        name="The house by the canal",
        zone="Europe/Paris",
        id_=id_of("house"),
        now=now,
    )
    for name, surname, role, language, zone in _ADULTS:
        await people.add_person(
            SYSTEM,
            _agency(name),
            role=role,
            name=f"{name.title()} {surname}",
            language=language,
            zone=zone,
            id_=id_of(name),
            now=now,
        )
    await people.set_deputy(SYSTEM, id_of("harbour"), id_of("tom"), id_of("ines"), now)
    await _rota(now)
    for kid in _CHILDREN:
        child = await people.add_child(
            SYSTEM,
            _agency(kid.name),
            name=f"{kid.name.title()} {kid.surname}",
            language=kid.language,
            zone=kid.zone,
            caseworker_id=id_of(kid.caseworker),
            home_id=home.id if kid.name == "mia" else None,
            id_=id_of(kid.name),
            now=now,
        )
        beginning = watch.Beginning(kid.tier, Rhythm(kid.times), kid.zone)
        await watch.begin(SYSTEM, child, beginning, now)
    for child_name, person, role in (
        ("mia", "ines", Role.SUPERVISOR),
        ("noor", "ines", Role.SUPERVISOR),
        ("noor", "ada", Role.GUARDIAN),
        ("mia", "sam", Role.CARER),
    ):
        await people.add_tie(
            SYSTEM,
            await Child.get(id=id_of(child_name)),
            person_id=id_of(person),
            role=role,
            now=now,
        )


async def _rota(now: datetime) -> None:
    """We can call Ines at any time, and Tom too on working days. On Saturdays in the daytime a
    person known to the children is there as well."""
    await FixedShift.create(agency_id=id_of("harbour"), person_id=id_of("ines"), from_at=now)
    root = Actor(id_of("root"), Role.ADMINISTRATOR.value, id_of("harbour"))
    for name, days, begins, ends, in_turn in (
        ("working-days", range(5), time(8), time(18), ("tom",)),
        ("saturdays", [5], time(10), time(16), ("ines", "tom")),
    ):
        await planning.add_duty(
            root,
            id_of("harbour"),
            id_=id_of(name),
            days=days,
            begins=begins,
            ends=ends,
            zone="Europe/Paris",
            people=[id_of(member) for member in in_turn],
            first=now.date() + timedelta(days=1),
            now=now,
        )


def _agency(name: str) -> UUID:
    return id_of("lantern" if name in ("uwe", "lia") else "harbour")


# --- four weeks


@dataclass(frozen=True, slots=True)
class _Said:
    at: datetime
    kid: _Kid
    mood: int | None
    note: str | None


async def _history(begin: datetime, now: datetime) -> None:
    """Let four weeks pass: answers, some late, and two that an adult had to look into."""
    dice = random.Random(20260302)  # noqa: S311 (the same weeks in every demo)
    check_ins = sorted(
        (check_in for kid in _CHILDREN for check_in in _answers(kid, begin, now, dice)),
        key=lambda check_in: check_in.at,
    )
    for check_in in check_ins:
        await _let_time_pass(check_in.at)
        answer = Answer(
            uuid5(_DEMO, f"{check_in.kid.name}:{check_in.at}"),
            check_in.at,
            check_in.mood,
            check_in.note,
        )
        me = Actor(id_of(check_in.kid.name), Role.CHILD.value, _agency(check_in.kid.name))
        await record(me, Role.CHILD, id_of(check_in.kid.name), answer, check_in.at)
    await _let_time_pass(now)
    await _look(now)
    await Message.filter(state="waiting").update(
        state="withdrawn", next_action_at=None, done_at=now, why="before_the_demo"
    )


def _answers(kid: _Kid, begin: datetime, now: datetime, dice: random.Random) -> list[_Said]:
    rhythm, zone = Rhythm(kid.times), rhythms.read_zone(kid.zone)
    check_ins: list[_Said] = []
    due = next_due(rhythm, zone, (), begin)
    number = 0
    while due is not None and due < now + timedelta(hours=1):
        number += 1
        delay = timedelta(minutes=dice.gauss(-4, 14))
        if number % 9 == 5:
            delay = timedelta(minutes=dice.uniform(50, 110))  # Reminded, and then it came.
        # Nothing on two days; on the third adults were called, and a late answer came.
        is_silent = len(kid.times) == 1 and number in (16, 17)
        if number == 18:
            delay = timedelta(hours=6)
        at = max(due + delay, due - timedelta(minutes=55))
        if begin < at < now and not is_silent:
            note = dice.choice(_NOTES[kid.name]) if dice.random() < 0.3 else None
            mood = dice.choice((2, 3, 3, 4, 4, 5)) if dice.random() < 0.8 else None
            check_ins.append(_Said(at, kid, mood, note))
        due = next_due(rhythm, zone, (), due)
    return check_ins


async def _let_time_pass(until: datetime) -> None:
    """Look whenever something becomes true that adults hear of, and let them do what they did.

    How often this looks does not change the result, so reminders need no look of their own.
    """
    while (at := await _next_look(until)) is not None:
        await _look(at)
        await _adults_act(at)


async def _next_look(until: datetime) -> datetime | None:
    moments = [_late_at(watch) for watch in await Watch.filter(next_action_at__lt=until)]
    climbing = await Alert.filter(next_action_at__lt=until).order_by("next_action_at").first()
    if climbing is not None and climbing.next_action_at is not None:
        moments.append(climbing.next_action_at)
    return min((at for at in moments if at < until), default=None)


def _late_at(watch: Watch) -> datetime:
    """The next decision about it that is more than a reminder: a first miss, or what follows."""
    assert watch.next_action_at is not None
    assert watch.due_at is not None
    if watch.missed_due_at is not None:
        return watch.next_action_at
    return max(watch.next_action_at, watch.due_at + _SHIPPED.tiers[Tier(watch.tier)].steps.grace)


async def _look(now: datetime) -> None:
    await ticking.tick(now)
    await climbing.tick(now)


async def _adults_act(now: datetime) -> None:
    for question in await Question.filter(answered_at__isnull=True, expires_at__gt=now):
        # Sam has looked: most days he has seen her, and once he had not.
        answer = "not_seen" if question.asked_at.day % 3 == 0 else "seen"
        await questions.answer_question(question.id, answer, now + timedelta(minutes=2))
    for alert in await Alert.filter(closed_at__isnull=True, state="open"):
        worker = "uwe" if alert.child_id == id_of("lia") else "tom"
        actor = Actor(id_of(worker), Role.CASEWORKER.value, alert.agency_id)
        await alerts.acknowledge(actor, alert.id, now + timedelta(minutes=3))


# --- a rhythm of seconds


async def begin_fast(now: datetime) -> None:
    """A check-in of Mia's due every 60 s, grace 10 s, each rung 10 s, no quiet hours. If a user has
    ended her placement, it begins again."""
    async with write():
        await actions.begin(SYSTEM, id_of("mia"), now, rhythm=FAST_RHYTHM, now=now)
        await _settle_down(now)
        # An open round, or one answered early, would delay the fast ones until it is due.
        await Round.filter(child_id=id_of("mia"), due_at__gt=now, state__in=SETTLED).update(
            state="replaced"
        )
        never = {"from": "00:00", "until": "00:00"}
        content = policies.merged({"low": FAST_TIER, "quiet": never})
        await _adopt(content, now)
        await agreements.set_rhythm(SYSTEM, id_of("mia"), FAST_RHYTHM, "Europe/Paris", now)
        await agreements.set_tier(SYSTEM, id_of("mia"), TierRequest(Tier.LOW), now)


async def end_fast(now: datetime) -> None:
    """Back to the times before. Nothing happens where no fast check-ins run."""
    mia = await Watch.get_or_none(child_id=id_of("mia"))
    if mia is None or mia.is_over or "every_s" not in mia.rhythm:
        return
    slow = {"at": [f"{at:%H:%M}" for at in _CHILDREN[0].times]}
    async with write():
        await _adopt(SHIPPED, now)
        # Before time passes: nobody lives through the minutes since a start that was killed.
        await Watch.filter(child_id=mia.child_id).update(rhythm=slow)
        await agreements.set_rhythm(SYSTEM, id_of("mia"), slow, "Europe/Paris", now)
        await _settle_down(now)


async def _settle_down(now: datetime) -> None:
    """Close what is late of Mia's: the trainer begins with a calm board. A search for her goes on
    until a person has seen her, as it does everywhere."""
    mia = id_of("mia")
    if await Watch.exists(child_id=mia, is_missing=True):
        return
    for alert in await Alert.filter(child_id=mia, closed_at__isnull=True):
        await watch_alerts.close_alert(SYSTEM, alert.id, Outcome.TECHNICAL, None, now)
    await watch.settle(mia, Evidence.PROFESSIONAL, uuid5(_DEMO, f"calm:{now}"), now)


async def _adopt(content: dict[str, Any], now: datetime) -> None:
    agency = id_of("harbour")
    last = await Policy.filter(agency_id=agency).order_by("-version").first()
    version = last.version + 1 if last is not None else 1
    await Policy.create(agency_id=agency, version=version, content=content, made_at=now)


def lines(contents: dict[str, Any], *, is_served: bool) -> list[str]:
    """What `make run` prints: the address and every way to sign in."""
    out = ["", f"  Waymark is at {contents['url']}", "", "  Staff sign in with"]
    roles = {name: role for name, _, role, _, _ in _ADULTS}
    for name, entry in contents["staff"].items():
        out.append(f"    {name:<6}{entry['password']:<16}{roles[name].value}")
    out += ["", "  A child's phone is paired with (each link works once)"]
    for name, entry in contents["children"].items():
        out.append(f"    {name:<6}{entry['code']}   {entry['link']}")
    then = "Stop with Ctrl-C." if is_served else "Serve it with: waymark serve"
    return [*out, "", f"  The same is in var/demo.json. {then}", ""]

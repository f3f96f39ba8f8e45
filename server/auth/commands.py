"""`waymark person …` and `waymark invite`: what has to work before the first sign-in.

Here and not in people/, because a person who signs in needs auth.
"""

import argparse
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from server.audit.actions import SYSTEM
from server.auth import actions, credentials, pairing
from server.auth.models import Credential
from server.auth.passwords import Passwords, new_password
from server.auth.rules import FIRST_PASSWORD_LASTS, fold, index_of
from server.auth.second_factor import factors
from server.i18n import LANGUAGES
from server.people import actions as people
from server.people.agencies.actions import AddAgency, add_agency
from server.people.models import Agency, Child, Person
from server.people.rules import STAFF, Role
from server.security import encryption
from server.settings import Settings
from server.storage.db import write

Work = Callable[[Settings, datetime], Awaitable[Any]]
Within = Callable[[Work], Any]
Add = Callable[[str, Callable[[argparse.Namespace], Any], str], Any]
Say = Callable[[str], None]


def add_commands(add: Add, within: Within, say: Say = print) -> None:
    """Add the commands to the command line. `within` runs work with the database open."""

    def run(args: argparse.Namespace) -> None:
        for line in within(lambda settings, now: args.work(args, settings, now)):
            say(line)

    _add_person_verbs(
        add("person", run, "Add, list or disable a member of staff, or reset a password.")
    )
    _add_agency_verbs(add("agency", run, "Add an agency, or list them all."))
    inviting = add("invite", run, "Make a code that pairs a child's phone, once, within 24 hours.")
    inviting.add_argument("child", metavar="CHILD", help="name or id of the child")
    inviting.add_argument(
        "--replace",
        action="store_true",
        help="the phone was lost: block all phones of this child now",
    )
    inviting.set_defaults(work=_invite)


def _add_person_verbs(person: argparse.ArgumentParser) -> None:
    verbs = person.add_subparsers(required=True, metavar="WHAT")
    adding = verbs.add_parser(
        "add", help="Add a person who signs in. Makes the agency where it is new."
    )
    adding.add_argument("name", help="the name that others read")
    adding.add_argument("--sign-in", required=True, help="the name to sign in with")
    roles = [role.value for role in Role if role in STAFF | {Role.OVERSIGHT}]
    adding.add_argument("--role", choices=roles, required=True, help="their role in the agency")
    where = adding.add_mutually_exclusive_group()
    where.add_argument("--agency", help="name or id; not needed where there is one alone")
    where.add_argument(
        "--area", help="name or id, for the role oversight: they see counts of its agencies"
    )
    adding.add_argument("--language", choices=LANGUAGES, help="theirs; without it, the agency's")
    adding.add_argument("--zone", help="such as Europe/Paris; without it, the agency's")
    adding.set_defaults(work=_add)

    listing = verbs.add_parser("list", help="List everyone, with ids.")
    listing.set_defaults(work=_list)

    disabling = verbs.add_parser("disable", help="End a person's access and ties.")
    disabling.add_argument("who", help="sign-in name or id")
    disabling.set_defaults(work=_disable)

    resetting = verbs.add_parser("reset", help="Print a new password and end all sessions.")
    resetting.add_argument("who", help="sign-in name or id")
    resetting.add_argument(
        "--second-key", action="store_true", help="the second key is lost: take it away as well"
    )
    resetting.set_defaults(work=_reset)


def _add_agency_verbs(agency: argparse.ArgumentParser) -> None:
    verbs = agency.add_subparsers(required=True, metavar="WHAT")
    adding = verbs.add_parser(
        "add", help="Add an agency. It sees nothing of the others; the same name adds nothing."
    )
    adding.add_argument("agency", metavar="NAME", help="its name")
    adding.add_argument("--language", choices=LANGUAGES, help="its language; without it, en")
    adding.add_argument("--zone", help="such as Europe/Paris; without it, UTC")
    adding.set_defaults(work=_add_agency)
    listing = verbs.add_parser("list", help="List every agency, with its id.")
    listing.set_defaults(work=_list_agencies)


async def _add(args: argparse.Namespace, _settings: Settings, now: datetime) -> list[str]:
    password, passwords = new_password(), Passwords()
    hashed = await credentials.hashed(password, args.sign_in, passwords)
    async with write():
        agency = await (_area(args) if args.area is not None else _agency(args, now))
        person = await people.add_person(
            SYSTEM,
            agency.id,
            people.AddPerson(
                role=Role(args.role),
                name=args.name,
                language=args.language or agency.language,
                zone=args.zone or agency.zone,
            ),
            now,
        )
        await credentials.store_credential(
            SYSTEM, person, args.sign_in, hashed, now, is_handed=True
        )
    return [f"{person.id} signs in as {args.sign_in}", *_shown(password, now)]


async def _add_agency(args: argparse.Namespace, _settings: Settings, now: datetime) -> list[str]:
    async with write():
        agency = await _agency(args, now)
    return [f"{agency.id}\t{agency.name}"]


async def _list_agencies(
    _args: argparse.Namespace, _settings: Settings, _now: datetime
) -> list[str]:
    agencies = sorted(await Agency.filter(is_area=False), key=lambda agency: agency.name)
    return [
        f"{agency.id}\t{agency.language}\t{agency.zone}\t{agency.name}" for agency in agencies
    ] or ["There is no agency yet."]


async def _list(_args: argparse.Namespace, _settings: Settings, _now: datetime) -> list[str]:
    names = {c.person_id: c.name for c in await Credential.all()}
    agencies = {agency.id: agency.name for agency in await Agency.all()}
    lines = []
    for person in sorted(await Person.all(), key=lambda p: (agencies[p.agency_id], p.name)):
        state = "disabled" if person.disabled_at else "active"
        columns = (person.id, agencies[person.agency_id], person.role.value, state)
        lines.append("\t".join([*map(str, columns), names.get(person.id, "-"), person.name]))
    return lines or ["There is nobody yet."]


async def _disable(args: argparse.Namespace, _settings: Settings, now: datetime) -> list[str]:
    person = await _somebody(args.who)
    await actions.disable_person(SYSTEM, person.agency_id, person.id, now)
    return [f"{person.id} has no access any more"]


async def _reset(args: argparse.Namespace, _settings: Settings, now: datetime) -> list[str]:
    person, password = await _somebody(args.who), new_password()
    if args.second_key:
        await factors.reset(SYSTEM, person, "terminal", now)
    await credentials.set_password(SYSTEM, person, password, Passwords(), now=now)
    return _shown(password, now)


def _shown(password: str, now: datetime) -> list[str]:
    return [
        f"password, shown this once: {password}",
        f"works until {now + FIRST_PASSWORD_LASTS:%Y-%m-%d %H:%M} UTC; at the first sign-in they"
        " choose their own",
    ]


async def _invite(args: argparse.Namespace, settings: Settings, now: datetime) -> list[str]:
    person = await _child(args.child)
    made = await pairing.invite(SYSTEM, person, replace=args.replace, now=now)
    return [
        f"code: {made.code}",
        f"link: {pairing.link_to(settings.public_url, made.code)}",
        f"works once, until {made.expires_at:%Y-%m-%d %H:%M} UTC",
    ]


async def _agency(args: argparse.Namespace, now: datetime) -> Agency:
    """The named agency; created if there is none of that name."""
    agencies = await Agency.filter(is_area=False).order_by("made_at")
    if args.agency is None:
        if len(agencies) == 1:
            return agencies[0]
        raise ValueError("Say which agency: --agency NAME.")
    for agency in agencies:
        if args.agency in (agency.name, str(agency.id)):
            return agency
    return await add_agency(
        SYSTEM,
        AddAgency(name=args.agency, language=args.language or "en", zone=args.zone or "UTC"),
        now,
    )


async def _area(args: argparse.Namespace) -> Agency:
    areas = [
        area for area in await Agency.filter(is_area=True) if args.area in (area.name, str(area.id))
    ]
    if len(areas) != 1:
        raise ValueError("There is no area with this name or id. Areas are listed by: area list.")
    return areas[0]


async def _somebody(who: str) -> Person:
    index = encryption.current().blinds(index_of(who))
    credential = await Credential.filter(name_index__in=index).first()
    wanted = credential.person_id if credential is not None else _id(who)
    person = await Person.get_or_none(id=wanted) if wanted is not None else None
    if person is None:
        raise ValueError("There is nobody with this sign-in name or id.")
    return person


async def _child(which: str) -> Person:
    """By id or by name, whole or the first one; names are sealed, so all are read."""
    ids = await Child.filter(left_at__isnull=True).values_list("id", flat=True)
    everyone = await Person.filter(id__in=list(ids), disabled_at__isnull=True)
    by_id = _id(which)
    matches = [
        child
        for child in everyone
        if child.id == by_id or fold(which) in (fold(child.name), fold(child.name.split(" ")[0]))
    ]
    if len(matches) > 1:
        raise ValueError("More than one child has this name. Give the id: person list.")
    if not matches:
        raise ValueError("There is no child with this name or id.")
    return matches[0]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""`waymark area …`: levels above the agencies, such as regions and countries."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from server.areas.actions import add_area, put
from server.audit.actions import SYSTEM
from server.i18n import LANGUAGES
from server.people.agencies.actions import AddAgency
from server.people.models import Agency
from server.settings import Settings

Work = Callable[[Settings, datetime], Awaitable[Any]]
Within = Callable[[Work], Any]
Add = Callable[[str, Callable[[argparse.Namespace], Any], str], Any]
Say = Callable[[str], None]


def add_commands(add: Add, within: Within, say: Say = print) -> None:
    """Add the command to the command line. `within` runs work with the database open."""

    def run(args: argparse.Namespace) -> None:
        for line in within(lambda settings, now: args.work(args, settings, now)):
            say(line)

    says = "Add an area above agencies, such as a region; put agencies into it; list all areas."
    verbs = add("area", run, says).add_subparsers(required=True, metavar="WHAT")
    adding = verbs.add_parser("add", help="Add an area. The same name adds nothing.")
    adding.add_argument("area", metavar="NAME", help="its name")
    adding.add_argument("--within", metavar="AREA", help="name or id of the area it is part of")
    adding.add_argument("--language", choices=LANGUAGES, help="of its people; without it, en")
    adding.add_argument("--zone", help="of its people, such as Europe/Paris; without it, UTC")
    adding.set_defaults(work=_add)
    putting = verbs.add_parser("put", help="Put an agency, or an area, into an area.")
    putting.add_argument("member", metavar="WHAT", help="name or id of the agency or area")
    where = putting.add_mutually_exclusive_group(required=True)
    where.add_argument("--within", metavar="AREA", help="name or id of the area")
    where.add_argument("--nowhere", action="store_true", help="take it out of its area")
    putting.set_defaults(work=_put)
    listing = verbs.add_parser("list", help="List every area, with its id and what is within it.")
    listing.set_defaults(work=_list)


async def _add(args: argparse.Namespace, _settings: Settings, now: datetime) -> list[str]:
    areas = await Agency.filter(is_area=True)
    area = _named(areas, args.area)
    if area is None:
        wanted = AddAgency(name=args.area, language=args.language or "en", zone=args.zone or "UTC")
        area = await add_area(SYSTEM, wanted, _area(areas, args.within), now)
    return [f"{area.id}\t{area.name}"]


async def _put(args: argparse.Namespace, _settings: Settings, now: datetime) -> list[str]:
    everything = await Agency.all()
    member = _named(everything, args.member)
    if member is None:
        raise ValueError("There is no agency or area with this name or id.")
    areas = [row for row in everything if row.is_area]
    await put(SYSTEM, member.id, _area(areas, args.within), now)
    return [f"{member.name} is within {args.within or 'no area'}"]


async def _list(_args: argparse.Namespace, _settings: Settings, _now: datetime) -> list[str]:
    everything = sorted(await Agency.all(), key=lambda row: row.name)
    names = {row.id: row.name for row in everything}
    lines = []
    for area in everything:
        if area.is_area:
            members = ", ".join(row.name for row in everything if row.within_id == area.id)
            within = names[area.within_id] if area.within_id is not None else "-"
            lines.append(f"{area.id}\t{within}\t{area.name}\t{members or '-'}")
    return lines or ["There is no area yet."]


def _area(areas: list[Agency], name: str | None) -> UUID | None:
    if name is None:
        return None
    area = _named(areas, name)
    if area is None:
        raise ValueError("There is no area with this name or id. Add it: area add NAME.")
    return area.id


def _named(rows: list[Agency], name: str) -> Agency | None:
    """The one of this name or id. Names are sealed, so all are read."""
    named = [row for row in rows if name in (row.name, str(row.id))]
    if len(named) > 1:
        raise ValueError("More than one has this name. Give the id: agency list, area list.")
    return named[0] if named else None

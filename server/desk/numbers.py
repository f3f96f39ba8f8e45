"""The numbers to call about an alert: of the child, their home, their carers and their school.

Reads rows, and writes none. The numbers are sealed, and opening them for an alert leaves a look.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts.attempt_rules import TARGETS, Target
from server.i18n import N_, gettext
from server.inbound.models import Texting
from server.missing.profile.actions import current
from server.notify.models import Address
from server.people.models import Child, Home, Person, Tie
from server.people.rules import Role
from server.phone_numbers import numbers_in, plain, tel

# A child has few carers; the page stays short where a home gave all of its staff a tie.
MOST_CARERS = 6


class Number(msgspec.Struct, frozen=True):
    """One row: who it calls, the number, and the link. `words`: what is written there, where it is
    not the number alone. `lacks`: why there is none, and `path` where it can be added, for those
    who may."""

    target: str
    label: str
    name: str
    text: str = ""
    href: str | None = None
    words: str = ""
    lacks: str = ""
    path: str | None = None


_LACKS: Mapping[Target, str] = {
    Target.CHILD: N_("No number yet. The caseworker can add it to the grab pack."),
    Target.SCHOOL: N_("No number yet. The caseworker can add it to the grab pack."),
    Target.HOME: N_("No number yet. An administrator can add it under “Homes”."),
    Target.CARER: N_("No number yet. They can add it under “Settings”, or an administrator can."),
}
_GROUPS = {Target.CHILD: "phones", Target.SCHOOL: "place"}


async def numbers_of(
    child_id: UUID, name: str, language: str, now: datetime, *, may_add: bool
) -> list[Number]:
    """Everyone who could be called, in the order of the page. `may_add`: the reader may write into
    the grab pack."""
    child = await Child.get(id=child_id)
    pack = (await current(child_id)).fields
    home = await Home.get_or_none(id=child.home_id) if child.home_id else None
    own = pack.get("phone_number") or await _texting(child_id)
    rows = _rows(Target.CHILD, name, own, language, child_id, may_add=may_add)
    if home is not None:
        rows += _rows(Target.HOME, home.name, home.phone, language)
    for carer, number in await _carers(child_id, now):
        rows += _rows(Target.CARER, carer.name, number, language)
    school = pack.get("school_phone")
    return rows + _rows(Target.SCHOOL, "", school, language, child_id, may_add=may_add)


def _rows(
    target: Target,
    name: str,
    text: str | None,
    language: str,
    child_id: UUID | None = None,
    *,
    may_add: bool = False,
) -> list[Number]:
    """A row for each number that is written there: the grab pack takes any words."""
    label = gettext(language, TARGETS[target])
    if text:
        return _written(Number(target.value, label, name), text)
    group = _GROUPS.get(target)
    path = f"/desk/children/{child_id}/pack/group/{group}" if group and may_add else None
    return [Number(target.value, label, name, lacks=gettext(language, _LACKS[target]), path=path)]


def _written(row: Number, text: str) -> list[Number]:
    numbers = numbers_in(text)
    if not numbers:
        return [replace(row, words=text)]
    words = text if numbers != [plain(text)] else ""
    first, *more = (replace(row, text=number, href=tel(number)) for number in numbers)
    return [replace(first, words=words), *more]


async def _texting(child_id: UUID) -> str | None:
    """The number from which the child answers by text."""
    agreed = await Texting.filter(child_id=child_id, ended_at__isnull=True).first()
    return agreed.number if agreed is not None else None


async def _carers(child_id: UUID, now: datetime) -> list[tuple[Person, str | None]]:
    """The carers of the child with their numbers for calls; else one from which they answered a
    code."""
    ties = Tie.filter(Tie.standing_at(now), child_id=child_id, role=Role.CARER)
    ids = await ties.limit(MOST_CARERS).values_list("person_id", flat=True)
    people = await Person.filter(id__in=list(ids), disabled_at__isnull=True).order_by("id")
    proven = Address.filter(
        person_id__in=[person.id for person in people],
        verified_at__isnull=False,
        dropped_at__isnull=True,
    ).exclude(channel__in=["push", "email"])
    texted: dict[UUID, str] = {
        address.person_id: address.value
        for address in await proven.order_by("-verified_at")
        if address.person_id is not None and tel(address.value) is not None
    }
    return [(person, person.phone or texted.get(person.id)) for person in people]

"""Who has broken the glass for which child. Reads rows, and writes none."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.alerts.glass.models import Glass
from server.audit.models import Entry
from server.people.models import Person
from server.people.rules import AgencyAction, Role, may_agency
from server.storage.db import as_id

MAY_BREAK = frozenset(role for role in Role if may_agency(role, AgencyAction.GLASS_BREAK))

LOOKS_SHOWN = 50


def standing_at(now: datetime) -> Q:
    """The glasses that are broken at a moment."""
    return Q(until_at__gt=now, ended_at__isnull=True)


async def broken_for(person_id: UUID, agency_id: UUID, now: datetime) -> frozenset[UUID]:
    """The children of this agency whose glass the person has broken."""
    held = Glass.filter(standing_at(now), person_id=person_id, agency_id=agency_id)
    ids = frozenset(as_id(id_) for id_ in await held.values_list("child_id", flat=True))
    # A session may be older than what has become of its person.
    here = Person.filter(id=person_id, agency_id=agency_id, disabled_at__isnull=True)
    return ids if ids and await here.filter(role__in=list(MAY_BREAK)).exists() else frozenset()


async def of_person(person_id: UUID, agency_id: UUID, now: datetime) -> list[Glass]:
    """What this person has opened and may still use, the latest first."""
    held = Glass.filter(standing_at(now), person_id=person_id, agency_id=agency_id)
    return await held.order_by("-opened_at", "-id")


async def looks_by(glass: Glass) -> Collection[Entry]:
    """What the person looked at and did about the child while it was open, the latest first."""
    until = min(glass.until_at, glass.ended_at or glass.until_at)
    about = Entry.filter(child_id=glass.child_id, who_id=glass.person_id)
    during = about.filter(at__gte=glass.opened_at, at__lte=until)
    return await during.exclude(what__startswith="glass:").order_by("-at", "-id").limit(LOOKS_SHOWN)

"""Which last resorts an agency has: addresses of its own, and those of the installation.

An address of its own counts once a person has answered from there, as every address does. While
none counts, the installation's are called besides. Reads rows, and writes none.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from server.notify.actions import Recipient, last_resorts
from server.notify.models import Address
from server.notify.refusals import BY_US
from server.notify.rules import Kind
from server.storage.db import among, as_id, fetch

MOST_SHOWN = 5
# What it hears of one subject within this time is one message.
ONE_MOMENT = timedelta(minutes=1)


def of_installation() -> list[Recipient]:
    """The entries of WAYMARK_LAST_RESORT."""
    return [Recipient(last_resort=index) for index in range(last_resorts())]


async def resorts_of(agencies: Collection[UUID]) -> dict[UUID, list[Recipient]]:
    """Who to call for each of these agencies where nobody else can be; empty where there is no
    last resort at all."""
    if not agencies:
        return {}
    resorts: dict[UUID, list[Recipient]] = {agency: [] for agency in agencies}
    proven: set[UUID] = set()
    rows = Address.filter(
        agency_id__in=list(resorts), person_id__isnull=True, dropped_at__isnull=True
    )
    for row in await rows.order_by("id").values("id", "agency_id", "channel", "verified_at"):
        agency = as_id(row["agency_id"])
        to = Recipient(resort_id=as_id(row["id"]), channel=row["channel"])
        resorts[agency].append(to)
        if row["verified_at"] is not None:
            proven.add(agency)
    for agency in set(resorts) - proven:
        resorts[agency] += of_installation()
    return resorts


_TOLD = f"""
SELECT DISTINCT subject_id FROM message WHERE subject_id {{any}} AND person_id IS NULL
AND kind <> '{Kind.ALL_CLEAR}' AND state IN ('waiting', 'sending', 'done') AND queued_at > $2
"""  # noqa: S608 (a name of our own)


async def told_lately(subjects: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of these subjects of which a last resort hears in this moment as it is."""
    if not subjects:
        return set()
    rows = await fetch(_TOLD.format(any=among()), [list(subjects), now - ONE_MOMENT])
    return {as_id(row["subject_id"]) for row in rows}


async def with_last_resort(agencies: Collection[UUID]) -> set[UUID]:
    """The agencies among these that have any."""
    if last_resorts():
        return set(agencies)
    return {agency for agency, resorts in (await resorts_of(agencies)).items() if resorts}


async def own_addresses(agency_id: UUID) -> list[Address]:
    """The addresses of the agency's own, oldest first."""
    rows = Address.filter(agency_id=agency_id, person_id__isnull=True, dropped_at__isnull=True)
    return await rows.order_by("id")


async def given_up(agency_id: UUID) -> list[Address]:
    """Those that we gave up, since their service told us that nothing arrives there, and that
    nobody has entered again or removed. The latest first."""
    live = [address.value_index for address in await own_addresses(agency_id)]
    rows = Address.filter(agency_id=agency_id, person_id__isnull=True, dropped_why__in=BY_US)
    if live:
        rows = rows.exclude(value_index__in=live)
    return await rows.order_by("-dropped_at", "id").limit(MOST_SHOWN)


async def has_proven(agency_id: UUID) -> bool:
    """Whether the agency has an address of its own that counts."""
    rows = Address.filter(agency_id=agency_id, person_id__isnull=True, dropped_at__isnull=True)
    return await rows.filter(verified_at__isnull=False).exists()

"""An agency sets its own definitions: a new version each time."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Conflict
from server.i18n import N_
from server.missing.search.definitions import rules
from server.missing.search.definitions.rules import NONE, Definitions
from server.missing.search.models import DefinitionsVersion
from server.people.models import Agency
from server.storage.db import write


async def latest(agency_id: UUID) -> DefinitionsVersion | None:
    """The version that applies; None where the agency has none."""
    return await DefinitionsVersion.filter(agency_id=agency_id).order_by("-version").first()


def of(row: DefinitionsVersion | None) -> Definitions:
    """The definitions of a version."""
    return NONE if row is None else rules.read(row.content)


async def set_definitions(
    actor: Actor, agency_id: UUID, base: int | None, entries: Mapping[str, str], now: datetime
) -> DefinitionsVersion | None:
    """Set them from now on; None where these apply already.

    Raises Refused (naming the field), Conflict `moved` where another person set them since `base`.
    """
    after = rules.given(entries)
    async with write():
        await Agency.filter(id=agency_id).select_for_update().first()
        row = await latest(agency_id)
        if of(row) == after:
            return None
        version = row.version if row is not None else 0
        if version != base:
            raise Conflict(
                N_("Someone else has just changed this. Check it, then save yours again."),
                code="moved",
            )
        made = await DefinitionsVersion.create(
            agency_id=agency_id,
            version=version + 1,
            made_at=now,
            made_by=actor.id,
            content=rules.as_data(after),
        )
        await note(actor, "episode:definitions", about=("definitions", made.id), now=now)
    return made

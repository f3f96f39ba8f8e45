"""What an agency offers: making, changing and retiring templates. Each leaves an entry."""

from datetime import datetime
from typing import Any
from uuid import UUID

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.plan.goal_templates import rules as template
from server.plan.goal_templates.rules import Offer
from server.plan.models import Template
from server.storage.db import write

# A list that nobody reads helps nobody; and phones keep it.
MOST = 300


async def add(actor: Actor, agency_id: UUID, id_: UUID, offer: Offer, now: datetime) -> Template:
    """Add a template. The same form sent twice makes one.

    Raises IdReused for a known id with other words, or of another agency; Refused where the agency
    already offers as many as it may.
    """
    async with write():
        existing = await first_made(Template, id_, offer, agency_id=agency_id)
        if existing is not None:
            return existing
        if await Template.filter(agency_id=agency_id, retired_at__isnull=True).count() >= MOST:
            raise Refused(
                N_("There are already {most} templates. Stop offering one first."), most=MOST
            )
        made = await Template.create(
            id=id_, agency_id=agency_id, made_at=now, made_by=actor.id, **_columns(offer)
        )
        await _note(actor, "template:add", made, now)
    return made


async def change(
    actor: Actor, agency_id: UUID, id_: UUID, offer: Offer, version: int, now: datetime
) -> None:
    """Change the words that are offered from now on. What was made from it stays as it is.

    `version` is what the writer saw. Raises Conflict where another person has changed it meanwhile;
    the same change twice is one.
    """
    async with write():
        row = await template_of(agency_id, id_)
        if offer_of(row) == offer:
            return
        current = Template.filter(id=id_, version=version)
        if not await current.update(version=version + 1, **_columns(offer)):
            raise Conflict(
                N_(
                    "Another person changed this meanwhile. Your words are still here. Check"
                    " them before you save again."
                )
            )
        await _note(actor, "template:change", row, now)


async def retire(actor: Actor, agency_id: UUID, id_: UUID, now: datetime) -> None:
    """Stop offering it. Twice: the first end stays."""
    async with write():
        row = await template_of(agency_id, id_)
        if await Template.filter(id=id_, retired_at__isnull=True).update(retired_at=now):
            await _note(actor, "template:retire", row, now)


async def offer_again(actor: Actor, agency_id: UUID, id_: UUID, now: datetime) -> None:
    """Offer it again."""
    async with write():
        row = await template_of(agency_id, id_)
        if await Template.filter(id=id_, retired_at__isnull=False).update(retired_at=None):
            await _note(actor, "template:offer_again", row, now)


async def template_of(agency_id: UUID, id_: UUID) -> Template:
    """A template of this agency. Raises NotFound, for those of another agency too."""
    row = await Template.get_or_none(id=id_, agency_id=agency_id)
    if row is None:
        raise NotFound(N_("This template does not exist."))
    return row


def offer_of(row: Template) -> Offer:
    """What a row offers."""
    return template.offer_of(row.kind, row.language, row.age_from, row.age_to, row.spoken)


def _columns(offer: Offer) -> dict[str, Any]:
    return {
        "kind": offer.kind,
        "language": offer.language,
        "age_from": offer.age_from,
        "age_to": offer.age_to,
        "spoken": offer.spoken(),
    }


async def _note(actor: Actor, what: str, row: Template, now: datetime) -> None:
    about = ("template", row.id)
    await note(actor, what, about=about, agency_id=row.agency_id, now=now)

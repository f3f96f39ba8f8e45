"""From what a person typed to the child it names, for the page and for the API."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from starlette.requests import Request

from server.alerts.glass import rules
from server.alerts.glass.actions import Asked, break_glass
from server.errors import Unavailable
from server.i18n import N_
from server.people.access import Visitor, now_of
from server.people.children_access import children_for
from server.people.finding.search import exact, is_prepared
from server.people.models import Child
from server.people.rules import Action

_PREPARING = N_(
    "We are still preparing the search by name. Try again in a few minutes, or call the people on"
    " duty."
)


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it was typed. `birthday` tells two children of the same name apart."""

    id: UUID
    name_or_reference: str
    reason: str
    birthday: date | None = None


class Opened(msgspec.Struct, frozen=True):
    """The child, and until when; None: the visitor may act for the child without this."""

    child_id: UUID
    until: datetime | None


async def ask(request: Request, visitor: Visitor, typed: Typed) -> Opened:
    """Break the glass. Without a reason nothing is looked up, so the answer and its time are the
    same for each name. Raises what `break_glass` raises, and Refused for a reason too long."""
    reason = rules.reason_of(typed.reason)
    child_id = await _named(visitor, typed) if reason is not None else None
    if child_id is not None and await _has_rights(request, child_id):
        return Opened(child_id, None)
    asked = Asked(id=typed.id, child_id=child_id, reason=reason)
    glass = await break_glass(visitor, asked, now_of(request))
    return Opened(glass.child_id, glass.until_at)


async def _named(visitor: Visitor, typed: Typed) -> UUID | None:
    """The one placed child with exactly this full name or reference. Raises Unavailable while not
    every child can be found."""
    text = typed.name_or_reference.strip()
    if not text or len(text) > rules.LONGEST_TEXT:
        return None
    assert visitor.agency_id is not None
    ids = await exact(visitor.agency_id, text)
    if not ids and not await is_prepared(visitor.agency_id):
        raise Unavailable(_PREPARING)
    if len(ids) > 1:
        ids = await _born_on(ids, typed.birthday)
    return ids[0] if len(ids) == 1 else None


async def _born_on(ids: Sequence[UUID], day: date | None) -> list[UUID]:
    if day is None:
        return []
    return [child.id for child in await Child.filter(id__in=list(ids)) if child.birthday == day]


async def _has_rights(request: Request, child_id: UUID) -> bool:
    """Whether the visitor acts for this child by a tie or the rota."""
    return bool(await children_for(request, Action.ALERT_CLOSE, among={child_id}))

"""A link to a page for any phone: made, taken back, and used. Verbs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from server.audit.actions import Actor, note
from server.auth.rate_limit import count_guess
from server.auth.rules import Door
from server.checkin.actions import record
from server.checkin.rules import Answer, Want
from server.errors import NotFound, Refused, TooMany
from server.i18n import N_
from server.inbound.models import ChildLink
from server.inbound.rules import LINK_LASTS, LINK_USES, MOST_LINKS, tap_id
from server.people.models import Child
from server.people.rules import Role
from server.policy.levels import Way
from server.security import encryption
from server.storage.db import write

OVER = N_("This link no longer works.")
TOO_OFTEN = N_("We've got your answers. If you need help, tap “I need help now”.")


async def make(actor: Actor, child: Child, days: int, id_: UUID, now: datetime) -> ChildLink:
    """A new link for one child, for so many days. The same id again is the same link.

    Raises Refused for other lengths, and where there are enough already.
    """
    assert actor.id is not None
    if days not in LINK_LASTS:
        raise Refused(N_("Choose one from the list."), field="days")
    async with write():
        await Child.filter(id=child.id).select_for_update().first()
        existing = await ChildLink.get_or_none(id=id_)
        if existing is not None and existing.child_id == child.id:
            return existing
        if existing is not None or len(await live(child.id, now)) >= MOST_LINKS:
            raise Refused(N_("There are already five links. Take one back first."), field="days")
        made = await ChildLink.create(
            id=id_,
            agency_id=child.agency_id,
            child_id=child.id,
            made_by=actor.id,
            made_at=now,
            expires_at=now + timedelta(days=days),
        )
        await note(actor, "link:make", child_id=child.id, about=("link", made.id), now=now)
    return made


async def live(child_id: UUID, now: datetime) -> Sequence[ChildLink]:
    """The links of a child that work now, the newest first."""
    held = ChildLink.filter(child_id=child_id, ended_at__isnull=True, expires_at__gt=now)
    return await held.order_by("-made_at", "-id")


async def end(actor: Actor, child_id: UUID, link_id: UUID, now: datetime) -> None:
    """The link stops working. Twice is once. Raises NotFound for one of another child."""
    async with write():
        if not await ChildLink.filter(id=link_id, child_id=child_id).exists():
            raise NotFound(OVER)
        held = ChildLink.filter(id=link_id, ended_at__isnull=True)
        if await held.update(ended_at=now, ended_by=actor.id):
            await note(actor, "link:end", child_id=child_id, about=("link", link_id), now=now)


def token_of(link: ChildLink) -> str:
    """The token in its address: it reveals nothing, and proves that we made it."""
    return encryption.sign(str(link.id), "child link", until=link.expires_at)


async def read(token: str, now: datetime) -> ChildLink:
    """The link of an address. Raises NotFound for one that is not ours, over, or taken back."""
    try:
        id_ = UUID(encryption.unsign(token, "child link", now))
    except (encryption.Unreadable, ValueError):
        raise NotFound(OVER) from None
    link = await ChildLink.get_or_none(id=id_, ended_at__isnull=True)
    if link is None:
        raise NotFound(OVER)
    return link


async def use(link: ChildLink, want: Want, id_: UUID, now: datetime) -> None:
    """What was tapped, as the child's own by this link. A call for help is never turned away.

    Raises TooMany for more taps in an hour than a child would mean.
    """
    if want is not Want.HELP:
        try:
            await count_guess(Door.LINK, [(str(link.id), LINK_USES)], now)
        except TooMany as fault:
            raise TooMany(TOO_OFTEN, **fault.extra) from None
    actor = Actor(link.child_id, Role.CHILD.value, link.agency_id)
    answer = Answer(tap_id(link.id, id_, want, now), now, want=want, way=Way.LINK)
    await record(actor, Role.CHILD, link.child_id, answer, now)
    async with write():
        await ChildLink.filter(id=link.id).update(last_used_at=now)

"""The seal of the grab pack: who may read it now, and what each look leaves behind.

While an alert about the child or a search for them is open, those who may read the pack read it
without a reason, and so does a person who gave one when they broke the glass. At any other time
they give a reason, which the child can read, and in a browser must have shown lately who they are:
an open desk is not enough. A reason opens the pack for some minutes, and all reading in them is one
look. All that a phone fetches while the pack is on it for duty is one look too (`checkouts.py`).
"""

from collections.abc import Collection
from contextlib import suppress
from functools import partial
from urllib.parse import unquote
from uuid import UUID

import msgspec
from starlette.requests import Request

from server.errors import Denied, Refused
from server.i18n import N_
from server.missing.profile import actions, checkouts, rules
from server.missing.profile.fields import CHILD_SAYS, FIELDS, HOME_SAYS, Part
from server.missing.profile.models import PackOpening
from server.missing.profile.reading import open_since
from server.people.access import (
    child_for,
    desk_child,
    has_broken_glass,
    looked,
    not_yours,
    now_of,
    visitor_of,
)
from server.people.looks.middleware import leave_with_answer
from server.people.looks.table import ONE_LOOK
from server.people.models import Child
from server.people.rules import Action, Role, may
from server.web.proof import require_proof

REASON = "x-waymark-reason"
_ASK_THE_CASEWORKER = N_(
    "Only the child's caseworker can let you read the child's words. Ask the caseworker."
)


class Seen(msgspec.Struct, frozen=True):
    """A child, and the role of a reader who may read at least a part of their pack."""

    child: Child
    roles: Collection[Role]

    @property
    def sees_whole(self) -> bool:
        """Whether this reader may read the whole pack, once it is open."""
        return may(frozenset(self.roles), Action.PACK_READ)

    @property
    def own_fields(self) -> Collection[str]:
        """The fields that this reader writes, and reads without opening the pack."""
        roles = frozenset(self.roles)
        return () if may(roles, Action.PACK_CHANGE) else rules.written_by(roles)

    @property
    def is_of_home(self) -> bool:
        """Whether this reader writes what the home knows, and reads it without opening the pack."""
        return may(frozenset(self.roles), Action.PACK_HOME)


async def pack_of(request: Request) -> Seen:
    """The child of the path, for a reader who may read at least a part of their pack."""
    child_id = request.path_params["child_id"]
    if await _is_carried(request, child_id):
        every = checkouts.AT_MOST
        return Seen(*await child_for(request, child_id, Action.PACK_READ, at_most_every=every))
    return await whole_or_own(request, child_id)


async def whole_or_own(request: Request, child_id: UUID) -> Seen:
    """The same, by a tie or by a call: it is open to everyone called, as long as the alert is."""
    seen = Seen(*await child_for(request, child_id, Action.PACK_SEE, by_call=True))
    if seen.sees_whole or Role.CHILD in seen.roles:
        return seen
    with suppress(Denied):
        return Seen(*await child_for(request, child_id, Action.PACK_READ, by_call=True))
    return seen


async def desk_writer(request: Request, part: Part) -> Seen:
    """A reader who may write into this part at the desk. A carer who writes what the home knows
    looks at that part, and at no other."""
    if part is not Part.HOME:
        return Seen(*await desk_child(request, Action.PACK_CHANGE))
    seen = Seen(*await desk_child(request, Action.PACK_SEE))
    if not set(HOME_SAYS) <= set(rules.written_by(frozenset(seen.roles))):
        raise not_yours()
    if seen.is_of_home:
        await part_for(request, seen)
    return seen


async def unsealed(request: Request) -> Child:
    """The child whose whole pack may be read now; leaves an entry. Raises Denied, code
    `reason_needed` where no alert is open and the reader gave no reason."""
    child_id = request.path_params["child_id"]
    is_carried = await _is_carried(request, child_id)
    every = checkouts.AT_MOST if is_carried else ONE_LOOK
    child, _ = await child_for(
        request, child_id, Action.PACK_READ, at_most_every=every, by_call=True
    )
    if not is_carried and not await is_unsealed(request, child):
        raise actions.may_not_read()
    return child


async def _is_carried(request: Request, child_id: UUID) -> bool:
    """The person on duty was recorded as looking when they took the pack: no second look."""
    return await checkouts.is_carried(await visitor_of(request), child_id, now_of(request))


async def readable(request: Request, seen: Seen) -> Collection[str]:
    """The fields that a GET would show this writer now: a write answers with no others. To be asked
    before the write, since a reason may be refused."""
    if seen.own_fields:
        await _part_is_seen(request, seen, seen.own_fields)
        return seen.own_fields
    return FIELDS if await is_unsealed(request, seen.child) else ()


async def is_unsealed(request: Request, child: Child) -> bool:
    """Whether the pack is open to this reader now; what the answer shows is a look."""
    visitor, now = await visitor_of(request), now_of(request)
    if await open_since(child.id) is not None:
        leave = partial(looked, visitor, [child.id], actions.LOOK_ALERTED, now)
        leave_with_answer(request, leave)
        return True
    if (why := _reason_of(request)) is not None:
        await check_browser(request, child)
        leave_with_answer(request, partial(actions.look, visitor, child, why, now))
        return True
    # Who broke the glass gave the reason there; `child_for` has left the look.
    return await has_broken_glass(request, child) or await _is_opened(request, child)


async def _is_opened(request: Request, child: Child) -> bool:
    visitor = await visitor_of(request)
    held = PackOpening.filter(
        child_id=child.id, session_id=visitor.session_id, until_at__gt=now_of(request)
    )
    return await held.exists()


async def check_browser(request: Request, child: Child) -> None:
    """Raises NotYet in a browser that may stand open in an office: the person has to show first who
    they are, as at the desk. A program that sends its token itself is the person's own."""
    if (await visitor_of(request)).by_cookie:
        require_proof(request, path_of(child))


def path_of(child: Child) -> str:
    """Where the pack of a child is at the desk."""
    return f"/desk/children/{child.id}/pack"


def _reason_of(request: Request) -> str | None:
    given = request.headers.get(REASON)
    if given is None or not given.strip():
        return None
    try:
        return rules.reason(unquote(given, errors="strict"))
    except UnicodeDecodeError:
        raise Refused(
            N_("Write the reason in UTF-8, percent-encoded."), field="X-Waymark-Reason"
        ) from None


async def part_for(request: Request, seen: Seen) -> Collection[str]:
    """The fields that this reader may read without opening the pack. An adult's look is recorded.

    Raises Denied for a guardian whose caseworker has not let them read the child's own words.
    """
    names = rules.read_by(frozenset(seen.roles), (await actions.current(seen.child.id)).fields)
    if not names:
        raise Denied(_ASK_THE_CASEWORKER)
    await _part_is_seen(request, seen, names)
    return names


async def _part_is_seen(request: Request, seen: Seen, names: Collection[str]) -> None:
    if Role.CHILD in seen.roles:
        return
    # The child is told only of a look at their page while adults are alerted (actions.py).
    thing = "pack" if await open_since(seen.child.id) is not None else "glass"
    visitor, now = await visitor_of(request), now_of(request)
    for part, fields in (("own", CHILD_SAYS), ("home", HOME_SAYS)):
        if set(fields) <= set(names):
            what = f"look:{thing}:{part}"
            leave_with_answer(request, partial(looked, visitor, [seen.child.id], what, now))

"""A home says "not here" of a child who lives elsewhere since a moment ago: that is no sign of
where they are, and who has them now hears of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.audit.actions import Actor, note_all
from server.people.models import Child
from server.roll_calls.models import HomeNumber, RollCall
from server.roll_calls.reading import MOST_HOMES, live
from server.roll_calls.rules import path_of
from server.roll_calls.texts.numbers import RESTS
from server.storage.db import as_id, write
from server.watch.carer.away import tell_of_moved
from server.watch.models import RollCallWord, Watch
from server.watch.witnessing import lock_watches


async def moved_from(roll_call: RollCall, ids: Collection[UUID], now: datetime) -> list[UUID]:
    """Those of these children who were on the list of this home, and live elsewhere in the agency.
    Of others a worker of the home says nothing."""
    words = RollCallWord.filter(child_id__in=list(ids), roll_call__home_id=roll_call.home_id)
    numbers = _numbers(roll_call, now).filter(child_id__in=list(ids))
    were = {
        *await words.values_list("child_id", flat=True),
        *await numbers.values_list("child_id", flat=True),
    }
    gone = Child.filter(
        Q(home_id__isnull=True) | Q(home_id__not=roll_call.home_id),
        id__in=list(were),
        agency_id=roll_call.agency_id,
        left_at__isnull=True,
    )
    return [as_id(id_) for id_ in await gone.order_by("id").values_list("id", flat=True)]


def _numbers(roll_call: RollCall, now: datetime) -> QuerySet[HomeNumber]:
    """The numbers of the home that are held, or rest."""
    resting = Q(until_at__isnull=True) | Q(until_at__gt=now - RESTS)
    return HomeNumber.filter(resting, home_id=roll_call.home_id)


async def tell(actor: Actor, roll_call: RollCall, watches: Sequence[Watch], now: datetime) -> None:
    """Once for each child and roll call. In the caller's transaction, which has locked these
    watches."""
    ids = [watch.child_id for watch in watches]
    homes = Child.filter(id__in=ids, home_id__isnull=False)
    pages: dict[UUID, dict[UUID, str]] = {}
    for child_id, home_id in await homes.values_list("id", "home_id"):
        seats = live(now).filter(home_id=home_id).exclude(person_id=actor.id)
        people = await seats.limit(MOST_HOMES).values_list("person_id", flat=True)
        pages[as_id(child_id)] = {as_id(id_): path_of(as_id(home_id)) for id_ in people}
    new = await tell_of_moved(actor.id, roll_call.id, watches, pages, now)
    await note_all(actor, "roll_call:moved", sorted(new), now=now)


async def tell_of(
    actor: Actor, roll_call: RollCall, ids: Collection[UUID], now: datetime
) -> list[UUID]:
    """The same of those of these children who have moved; returns them."""
    async with write():
        gone = await moved_from(roll_call, ids, now)
        if gone:
            await tell(actor, roll_call, await lock_watches(gone), now)
    return gone


async def tell_by_number(
    actor: Actor, roll_call: RollCall, numbers: Collection[int], now: datetime
) -> None:
    """The same by the numbers of an older list."""
    held = _numbers(roll_call, now).filter(number__in=list(numbers))
    ids = [as_id(id_) for id_ in await held.values_list("child_id", flat=True)]
    await tell_of(actor, roll_call, ids, now)

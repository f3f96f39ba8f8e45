"""One watch, locked, changed and written down: how each action here begins and ends."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from server.alerts.silences import reading
from server.alerts.silences.reading import Silence
from server.audit.actions import Actor, note
from server.errors import Conflict, NotFound, See
from server.i18n import N_
from server.storage import bulk
from server.storage.db import among, dialect
from server.watch.machine.standing import Change
from server.watch.models import Watch
from server.watch.reminders.reminding import Moved
from server.watch.ticking import store, tell
from server.watch.watch_state import WatchState, load
from server.web.live import announce


async def lock(child_id: UUID) -> Watch | None:
    """The row of this child, if there is one. No other process writes it until the transaction
    ends."""
    # First of all, and before any alert of the child. Then the same request twice in one moment
    # counts once, and there are no deadlocks.
    return await Watch.filter(child_id=child_id).select_for_update().first()


async def lock_free(
    children: Collection[UUID],
) -> tuple[dict[UUID, Watch], list[Silence] | None]:
    """The rows of these children, locked, with their open alerts; of these it returns those for
    silence, or None: they are to be read. A child is left out while a tick, a person or another
    answer holds either: many must not wait for one, and two that wait for nobody cannot
    deadlock."""
    lock = " FOR UPDATE SKIP LOCKED" if dialect() == "postgres" else ""
    which = f"child_id {among()} ORDER BY child_id{lock}"
    rows = await bulk.select(Watch, which, [list(children)])
    held, silences = await reading.lock_free([row.child_id for row in rows])
    return {row.child_id: row for row in rows if row.child_id not in held}, silences


async def locked(child_id: UUID, now: datetime) -> WatchState:
    """The case of this child as written last, locked. Raises as `state_of` does."""
    return await state_of(await lock(child_id), now)


async def state_of(watch: Watch | None, now: datetime) -> WatchState:
    """The case of a locked row. Raises NotFound if the child has no watch, Conflict `ended` if the
    placement has ended."""
    if watch is None:
        raise _unwatched()
    if watch.is_over:
        raise ended()
    [case] = await load([watch], now)
    return case


async def watch_of(child_id: UUID) -> Watch:
    """The row of this child, locked: also for messages after a placement has ended. Raises NotFound
    if the child never had a watch."""
    watch = await lock(child_id)
    if watch is None:
        raise _unwatched()
    return watch


def _unwatched() -> NotFound:
    return NotFound("We are not watching over this child.")


def ended(child_id: UUID | None = None) -> Conflict:
    """The error for a change to a watch that is over. `child_id`: with the way to begin again."""
    path = f"/desk/children/{child_id}/placement"
    return Conflict(
        N_("The placement has ended, so we no longer ask for check-ins. Start it again first."),
        code="ended",
        see=See(path, N_("Start the placement again")) if child_id is not None else None,
    )


async def write_down(
    case: WatchState, changes: tuple[Change, ...], now: datetime, *, quietly: bool
) -> None:
    """Write the case and what became true. Raises Conflict if it moved on.

    `quietly` is for an answer in the same moment: we tell nobody about what it settles anyway.
    """
    quiet = {case.watch.child_id} if quietly else set[UUID]()
    await write_down_all([(case, changes)], now, quiet=quiet)


async def write_down_all(moved: Sequence[Moved], now: datetime, *, quiet: Collection[UUID]) -> None:
    """The same for many children. Nobody is told about those in `quiet`. Raises Conflict if
    one of them has moved on: then the caller must leave its transaction."""
    written = await store(moved, now)
    if len(written) != len(moved):
        raise Conflict("This has just changed. Refresh and try again.")
    if loud := [each for each in written if each[0].watch.child_id not in quiet]:
        await tell(loud, now)
    for agency_id in {case.watch.agency_id for case, _ in written}:
        await announce(agency_id, "watch")


async def note_about(
    actor: Actor,
    child_id: UUID,
    what: str,
    names: list[str],
    now: datetime,
    *,
    about: UUID | None = None,
) -> None:
    """An entry about the watch of a child, or about something of it."""
    about_ = ("watch", about or child_id)
    await note(actor, what, child_id=child_id, about=about_, names=names, now=now)

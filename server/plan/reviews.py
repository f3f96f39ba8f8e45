"""Reviews that events call for: what happens to a child, as their life project hears of it."""

from datetime import datetime
from functools import partial
from uuid import UUID

from server.audit.actions import Actor
from server.notify.actions import queue, withdraw
from server.people.events import Happening
from server.people.models import Child, Tie
from server.plan import triggers
from server.plan.actions import say_for
from server.plan.changes.stored import today_of
from server.plan.models import Change
from server.plan.state import State
from server.plan.triggers import Trigger, Utterance
from server.tasks import news
from server.tasks.news import News
from server.web.live import announce

_CALLS_FOR = {
    Happening.NEW_WORKER: Trigger.NEW_WORKER,
    Happening.TRANSFER: Trigger.TRANSFER,
    Happening.RETURN: Trigger.RETURN,
}


async def heard(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None,
    at: datetime,
) -> None:
    """Something has happened: set a review of its kind, and tell the child who is there now.

    In the transaction in which it happened.
    """
    if what is not Happening.BIRTHDAY and what not in _CALLS_FOR:
        return
    child = await Child.get(id=child_id)
    if what is Happening.BIRTHDAY:
        await say_for(actor, child, partial(_turning_17_half, child, now), now)
        return
    if what is Happening.NEW_WORKER:
        assert about is not None, "a change of worker is that of a tie"
        # No row says who is there now: open apps ask for it.
        await announce(child.id, "project")
        if not await _tell(child, about, at, now):
            return
    kind = _CALLS_FOR.get(what)
    if kind is None:
        return

    async def decide(state: State, new_id: str) -> Utterance | None:
        return triggers.review(state, kind, await today_of(child_id, at), new_id)

    await say_for(actor, child, decide, now)


async def _turning_17_half(
    child: Child, now: datetime, state: State, new_id: str
) -> Utterance | None:
    day = triggers.day_of_17_half(state)
    # A person chose what a session sent; nobody chose what followed from the birthday.
    is_chosen = day is not None and await Change.exists(id=UUID(day), session_id__isnull=False)
    today = await today_of(child.id, now)
    return triggers.turning_17_half(state, child.birthday, today, new_id, is_chosen=is_chosen)


async def _tell(child: Child, tie_id: UUID, at: datetime, now: datetime) -> bool:
    """A notice on the child's phone that names nobody; the app says who it is. False where nothing
    has changed for the child: the tie was taken back before it began."""
    await withdraw([tie_id], "news", now)
    tie = await Tie.get(id=tie_id)
    if tie.until_at is not None and tie.until_at <= tie.from_at:
        return False
    if child.left_at is not None:
        return True
    # The beginning of a tie is one piece of news, its end another.
    about = News("tie", tie_id, turn=0 if tie.until_at is None else 1)
    await queue([await news.for_child(child.id, child.agency_id, about, max(at, now))], now)
    return True

"""What the home was asked about its children, and what it said of this one.

Each query is bounded by the child, or their home, and the time.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from tortoise.expressions import Q

from server.audit.models import Entry
from server.people.models import Child
from server.roll_calls.models import RollCall
from server.watch.models import RollCallWord
from server.why.asked import MOST
from server.why.events import Event, Period, Value

# A roll call that was asked before the time may be done in it.
_BEFORE = timedelta(days=1)
_WAITED = timedelta(minutes=10)


async def of_roll_calls(child: Child, period: Period) -> list[Event]:
    """When the home was asked, when that was done, or was not, and each word about the child."""
    rows = RollCallWord.filter(child_id=child.id, at__gte=period.begin, at__lt=period.end)
    words = await rows.order_by("at").limit(MOST)
    calls = await _calls(child, period, {word.roll_call_id for word in words})
    return [
        *(event for call in calls for event in _of_call(call)),
        *(_of_word(word) for word in words),
    ]


async def _calls(child: Child, period: Period, with_words: set[UUID]) -> Sequence[RollCall]:
    """Those with a word about the child, and those of their home since they have lived there."""
    moved = await Entry.filter(child_id=child.id, what="child:move").order_by("-at").first()
    lives_since = moved.at if moved is not None else child.placed_at
    since = max(lives_since, period.begin - _BEFORE)
    which = Q(id__in=list(with_words))
    if child.home_id is not None:
        which |= Q(home_id=child.home_id, asked_at__gte=since)
    return await RollCall.filter(which, asked_at__lt=period.end).order_by("asked_at").limit(MOST)


def _of_call(call: RollCall) -> list[Event]:
    values: dict[str, Value] = {"due": call.due_at}
    events = [Event(call.asked_at, "roll_call.asked", values)]
    if call.told_at is not None:
        events.append(Event(call.told_at, "roll_call.undone", values))
    if call.done_at is not None and call.done_by is not None:
        events.append(Event(call.done_at, "roll_call.done", {**values, "who": call.done_by}))
    return events


def _of_word(row: RollCallWord) -> Event:
    values: dict[str, Value] = {"who": row.by_id}
    code = f"word.{row.word}"
    if row.until_at is not None:
        values["until"], code = row.until_at, "word.excused_until"
    because: tuple[str, ...] = ("word_no_answer",)
    if row.at - row.said_at > _WAITED:
        values["said"], because = row.said_at, (*because, "word_waited")
    return Event(row.at, code, values, because)

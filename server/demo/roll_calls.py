"""The home of the demo does roll calls: Sam works there, and has done the last one."""

from datetime import datetime, timedelta
from uuid import uuid5

from server.audit.actions import Actor
from server.clock import known_zone
from server.demo.cast import CAST, DEMO, id_of
from server.people.models import Home
from server.people.rules import Role
from server.policy.roll_call import Word
from server.roll_calls import actions, ticking
from server.roll_calls.models import RollCall
from server.roll_calls.reading import living_in
from server.roll_calls.rules import last_due, read_times

_TIMES = ("07:30", "21:30")
_TAKES = timedelta(minutes=4)
_DAY = timedelta(days=1)


async def call_roll(now: datetime) -> None:
    """The last roll call before the demo began is done, and everyone was there."""
    home_id, agency_id = id_of(CAST.home.id), id_of(CAST.home.agency)
    root = Actor(id_of("root"), Role.ADMINISTRATOR.value, agency_id)
    due_at = last_due(read_times(_TIMES), known_zone(CAST.home.zone), now - _DAY, now)
    assert due_at is not None, "there are two each day"
    await actions.add_worker(root, home_id, id_of("sam"), due_at - _DAY)
    await actions.set_times(root, home_id, _TIMES, due_at)
    await Home.filter(id=home_id).update(next_roll_call_at=due_at)
    await ticking.HOMES.tick(due_at)
    at = min(due_at + _TAKES, now)
    words = tuple(actions.Said(child_id, Word.HERE) for child_id in await living_in(home_id))
    form = actions.RollCallSaid(uuid5(DEMO, f"roll call:{due_at}"), at, words)
    sam = Actor(id_of("sam"), Role.CARER.value, agency_id)
    call = await RollCall.get(home_id=home_id, due_at=due_at)
    await actions.record(sam, call.id, form, at)

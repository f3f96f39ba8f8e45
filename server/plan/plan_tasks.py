"""Setting the dues that changes of a life project create."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.audit.actions import Actor
from server.people.events import Happening, happened
from server.people.models import Agency, Child, Person
from server.people.rules import Role
from server.plan.obligations import Held, Thing, owed, owners
from server.plan.rules import lane_of
from server.plan.state import State
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import OF_A_PROJECT, REPLY_WITHIN, Ending, Kind, Setting
from server.tasks.rules import State as DueState

Rows = Sequence[dict[str, Any]]


async def follow(actor: Actor, child: Child, state: State, rows: Rows, now: datetime) -> None:
    """The dues as the project creates them after these rows, in the transaction that stores them.

    All of them are looked at, since a signature or a choice may change the current values anywhere.
    """
    held = {(Kind(due.kind), due.subject_id): due for due in await dues.open_tasks(child.id)}
    zones = await _zones(state, child)
    replies = [row for (kind, _), row in held.items() if kind is Kind.REPLY]
    held_by_thing = {
        thing: Held(row.due_at, row.since_id)
        for thing, row in held.items()
        if thing[0] in OF_A_PROJECT
    }
    turns = owed(state, held_by_thing, zones)
    endings = [
        (held[thing], ending)
        for thing in held_by_thing
        if (ending := _ending(thing, turns.endings, turns.settings)) is not None
    ]
    answered, asked = _talk(replies, rows, zones[str(child.id)], now)
    settings = [setting for setting in turns.settings if not _stands(setting, held, turns.endings)]
    await dues.settle_and_set(actor, child, [*endings, *answered], [*settings, *asked], now)
    for row, ending in endings:
        if row.kind == Kind.REVIEW and ending.state is DueState.DONE:
            await happened(actor, child.id, Happening.REVIEWED, now, about=row.subject_id)


def _stands(setting: Setting, held: Mapping[Thing, Task], endings: Mapping[Thing, Ending]) -> bool:
    """Whether this due is already set so, and goes on."""
    thing = (setting.kind, setting.subject_id)
    return thing in held and thing not in endings and dues.is_as(held[thing], setting)


def _ending(
    thing: Thing, endings: Mapping[Thing, Ending], settings: Sequence[Setting]
) -> Ending | None:
    """How an open due ends: as the project says, or because it is gone."""
    if thing in endings:
        return endings[thing]
    stands = any((setting.kind, setting.subject_id) == thing for setting in settings)
    return None if stands else Ending(DueState.DROPPED, "gone")


def _talk(
    replies: Sequence[Task], rows: Rows, zone: str, now: datetime
) -> tuple[list[tuple[Task, Ending]], list[Setting]]:
    """The reply clock, one for the thread and one for each advocate: a child's first message
    without an answer opens it, an adult who reads it ends it. A batch has one author."""
    messages = [row for row in rows if row["entity"] == "message"]
    by_adult = [row for row in messages if row["who_role"] != Role.CHILD]
    answered = {
        reply.id: (reply, Ending(DueState.DONE, "answered", row["id"]))
        for row in by_adult
        for reply in replies
        if _answers(row, reply)
    }
    asked: dict[UUID | None, Setting] = {}
    waiting = {reply.owner_id for reply in replies}
    for row in messages:
        lane = _lane(row)
        if row["who_role"] == Role.CHILD and lane not in waiting:
            asked.setdefault(lane, _reply(row["entity_id"], lane, zone, now))
    return list(answered.values()), list(asked.values())


def _lane(row: Mapping[str, Any]) -> UUID | None:
    advocate_id = lane_of(row["value"])
    return None if advocate_id is None else UUID(advocate_id)


def _answers(row: Mapping[str, Any], reply: Task) -> bool:
    """Whether this message of an adult is the answer: to words for an advocate, that advocate's;
    to the others, that of anyone else who has part in the thread."""
    if reply.owner_id is not None:
        return bool(row["who_id"] == reply.owner_id)
    return str(row["who_role"]) != Role.ADVOCATE


def _reply(message_id: UUID, advocate_id: UUID | None, zone: str, now: datetime) -> Setting:
    return Setting(
        kind=Kind.REPLY,
        subject_id=message_id,
        owner_id=advocate_id,
        owner_role=Role.CASEWORKER if advocate_id is None else Role.ADVOCATE,
        # From when it arrived here: the clock of a phone may be wrong.
        due_at=now + REPLY_WITHIN,
        zone=zone,
    )


async def _zones(state: State, child: Child) -> dict[str, str]:
    """The zones of the people whose wall clocks count."""
    wanted = owners(state)
    people = Person.filter(id__in=[UUID(id_) for id_ in wanted])
    zones = {str(id_): zone for id_, zone in await people.values_list("id", "zone")}
    # A former agency's open promises count by its clock, until a person gives them a new owner.
    for agency in await Agency.filter(id__in=[UUID(id_) for id_ in wanted - zones.keys()]):
        zones[str(agency.id)] = agency.zone
    return zones

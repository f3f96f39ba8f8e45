"""A person leaves the agency and hands over everything in one step.

That is: their ties, the steps that they promised and the dues with them, alerts that they have
taken, coming duty, and the people whose deputy they are. Their successors get all of it, and then
they cannot sign in again; or nothing happens. A child is never left without a caseworker.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from server.alerts import actions as alerts
from server.alerts.models import Alert
from server.audit.actions import Actor
from server.auth import actions as doors
from server.people import offboarding as ties
from server.people.models import Child, Person, Tie
from server.people.offboarding import Takers
from server.people.rules import Role
from server.plan.actions import say_all_for
from server.plan.changes.stored import state_of
from server.plan.models import LifeProject
from server.plan.offboarding import reassigned
from server.rota.duty import planned_for
from server.storage.db import write


class Holdings(msgspec.Struct, frozen=True):
    """What a person would leave behind."""

    children: Mapping[UUID, tuple[Role, ...]]  # By ties that are not over.
    steps: Mapping[UUID, int]  # How many of their open steps, by child.
    alerts: int  # That they have taken.
    deputy_of: tuple[UUID, ...]
    duties: int  # Places on the rota.

    def is_nothing(self) -> bool:
        """Whether there is nothing to hand over."""
        return not (self.children or self.steps or self.alerts or self.deputy_of or self.duties)


async def holdings(person: Person, now: datetime) -> Holdings:
    """What there is to hand over."""
    held: dict[UUID, tuple[Role, ...]] = {}
    for tie in await Tie.filter(Tie.ending_after(now), person_id=person.id).order_by("id"):
        held[tie.child_id] = (*held.get(tie.child_id, ()), tie.role)
    deputy_of = Person.filter(deputy_id=person.id, disabled_at__isnull=True)
    return Holdings(
        children=held,
        steps=await _steps(person.id),
        alerts=await Alert.filter(acknowledged_by=person.id, closed_at__isnull=True).count(),
        deputy_of=tuple(colleague.id for colleague in await deputy_of),
        duties=await planned_for(person.agency_id, person.id, now),
    )


async def _steps(person_id: UUID) -> dict[UUID, int]:
    count_by_child = {}
    for child in await _projects_of(person_id):
        theirs = reassigned.steps_of(await state_of(child.id), str(person_id))
        if theirs:
            count_by_child[child.id] = len(theirs)
    return count_by_child


async def _projects_of(person_id: UUID) -> list[Child]:
    """The children in whose projects this person can own anything: promises outlast a tie."""
    tied = Tie.filter(person_id=person_id)
    ids = set(await tied.values_list("child_id", flat=True))
    with_one = LifeProject.filter(child_id__in=list(ids))
    child_ids = await with_one.values_list("child_id", flat=True)
    return await Child.filter(id__in=list(child_ids)).order_by("id")


async def leave(
    actor: Actor, agency_id: UUID, person_id: UUID, takers: Takers, now: datetime
) -> Person:
    """This person has left; their successors have what was theirs. All of it or nothing.

    Raises Refused, its field the id of the child where it is about one: where the child would be
    without a caseworker (code `last_caseworker`), where a successor is not possible, or is missing.
    """
    async with write():
        children = await ties.hand_over(actor, agency_id, person_id, takers, now)
        for child in await _projects_of(person_id):
            await _hand_over_steps(actor, child, person_id, takers.of_child(child.id), now)
        await alerts.hand_over(actor, person_id, children, now)
        await alerts.hand_over_duty(actor, agency_id, person_id, takers.everything, now)
        return await doors.disable_person(actor, agency_id, person_id, now)


async def _hand_over_steps(
    actor: Actor, child: Child, person_id: UUID, taker: UUID | None, now: datetime
) -> None:
    """Promises go to the successor; else to a caseworker of the child; else to the agency. The
    history of the project still says who had promised."""
    owner = str(await _there(child.id, taker, now) or child.agency_id)
    await say_all_for(
        actor, child, lambda state: reassigned.to_another(state, str(person_id), owner), now
    )


async def _there(child_id: UUID, taker: UUID | None, now: datetime) -> UUID | None:
    held = await Tie.filter(
        Tie.standing_at(now), child_id=child_id, person__disabled_at__isnull=True
    ).order_by("from_at", "id")
    if any(tie.person_id == taker for tie in held):
        return taker
    return next((tie.person_id for tie in held if tie.role == Role.CASEWORKER), None)

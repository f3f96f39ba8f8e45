"""Deciding what goes on the page to hang up."""

from datetime import datetime

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.people.models import Child
from server.plan import view
from server.plan.changes.stored import locked
from server.plan.models import LifeProject
from server.plan.state import State
from server.plan.wall.rules import Asked, chosen
from server.storage.db import write


async def choose(actor: Actor, child: Child, asked: Asked, now: datetime) -> LifeProject:
    """Put things on the page or leave them out; the project as it is then. The same twice is once.

    What the child left out stays out, whatever an adult asks for. What is not in the project (any
    more) is passed over. Raises Refused where the same thing is to be on the page and not.
    """
    if not set(asked.on).isdisjoint(asked.off):
        raise Refused(N_("One thing cannot be on the page and left out."), field="off")
    async with write():
        project = await locked(child, now)
        shown = project.shown or view.document(State(str(child.id)))
        by_child = actor.id == child.id
        wall = chosen(shown, project.wall, asked, by_child=by_child)
        if wall != project.wall:
            await LifeProject.filter(child_id=child.id).update(wall=wall)
            await note(actor, "project:wall", child_id=child.id, now=now)
            project.wall = wall
        return project

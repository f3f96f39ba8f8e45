"""A question about the record, for walks over all kinds of tasks and pages."""

from __future__ import annotations

from uuid import UUID, uuid4

from server.questions.actions import ask
from server.questions.rules import About, AskedOf, EntryIn, QuestionRequest
from tests.cast import Cast


async def a_question(cast: Cast, *, to: AskedOf = AskedOf.CASEWORKER) -> UUID:
    """What Mia asks about a look."""
    about = EntryIn(About.LOOK, "7", cast.clock(), "Your page")
    asked = QuestionRequest(uuid4(), about, "Why did you look at night?", to)
    made, _ = await ask(cast.actor("mia"), cast.children["mia"], asked, cast.clock())
    return made.id

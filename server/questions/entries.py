"""The entry that a question is about, in the words of the adult who answers.

What the server itself worded is worded again in the reader's language. Everything else is shown as
the phone of the child showed it.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.audit.models import Entry
from server.clock import known_zone
from server.i18n import N_, gettext
from server.people.looks.log import desk_words_of
from server.people.models import Child, Person
from server.questions.models import RecordQuestion
from server.questions.rules import About
from server.why.child_story import story_of
from server.why.child_wording import sentence
from server.why.finding import own_names

LISTS = {
    About.LOOK: N_("Who looked"),
    About.WHY: N_("What happened"),
    About.CHECK_IN: N_("A check-in"),
    About.CHANGE: N_("An entry in the life project"),
}


class Asked(msgspec.Struct, frozen=True):
    """A question as an adult reads it. `entry`: the entry in their language, if we know it still;
    `shown`: as the child's phone showed it, where that is something else."""

    row: RecordQuestion
    list_name: str
    at: datetime
    entry: str
    shown: str


def as_shown(row: RecordQuestion, language: str) -> Asked:
    """This question in a list, where its entry is only as the phone showed it."""
    list_name = gettext(language, LISTS[About(row.about_kind)])
    return Asked(row, list_name, row.about_at, "", row.shown or "")


async def asked_about(child: Child, row: RecordQuestion, language: str, now: datetime) -> Asked:
    """This question with its entry."""
    kind = About(row.about_kind)
    asked, entry = as_shown(row, language), ""
    if kind is About.LOOK:
        entry = await _look(child, row.about_id, language)
    elif kind is About.WHY:
        entry = await _step(child, row, language, now)
    return replace(asked, entry=entry)


async def _look(child: Child, entry_id: str, language: str) -> str:
    if not (entry_id.isascii() and entry_id.isdigit() and len(entry_id) <= 18):
        return ""
    looks = Entry.filter(id=int(entry_id), child_id=child.id, what__startswith="look")
    entry = await looks.first()
    if entry is None:
        return ""
    name = await own_names([entry.who_id] if entry.who_id else [], child.agency_id)
    who = name(entry.who_id) if entry.who_id else None
    what = gettext(language, desk_words_of(entry.what))
    return gettext(language, N_("{name}: {what}"), name=who, what=what) if who else what


async def _step(child: Child, row: RecordQuestion, language: str, now: datetime) -> str:
    try:
        step_id = UUID(row.about_id)
    except ValueError:
        return ""
    match = await story_of(child, row.about_at, step_id, now)
    if match is None:
        return ""
    story, step = match
    name = await own_names([step.who] if step.who is not None else [], child.agency_id)
    zone = known_zone((await Person.get(id=child.id)).zone)
    return sentence(step, story.due_at, language, zone, name)

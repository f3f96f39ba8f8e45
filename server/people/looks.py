"""Who looked at what is written about a child, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.audit.models import Entry
from server.crypt import MARK, Unreadable, current
from server.i18n import N_, gettext
from server.people.models import Person

MOST = 500

# What was looked at, by the second part of the entry's code: "look:devices:see". Rooms that write
# looks of their own add their words here.
WORDS: Mapping[str, str] = {
    "account": N_("Your page"),
    "alert": N_("Alerts about you"),
    # On the phone of somebody who is on duty, for a reason, so that it opens without a network.
    "carried": N_("What is kept for when you are missing, taken along on their phone"),
    "check_in": N_("Your check-ins"),
    "child": N_("Your page"),
    "devices": N_("Your phones"),
    "episode": N_("Your page"),
    # Opened for a reason, while nobody is alerted: the child can read it at once.
    "glass": N_("What is kept for when you are missing"),
    "history": N_("Your check-ins"),
    "looks": N_("Who looked"),
    "observation": N_("Your page"),
    "pack": N_("Your page"),
    # What another agency was given, read by those who gave it or took it.
    "package": N_("What went along when other people began to look after you"),
    "pause": N_("Your rhythm"),
    "placement": N_("Your page"),
    "question": N_("Your page"),
    "rhythm": N_("Your rhythm"),
    "sighting": N_("Your page"),
    "sign": N_("Your page"),
    "tier": N_("Your rhythm"),
    "ties": N_("Who is there for you"),
}
# Whoever holds the phone must not learn from it that adults have been alerted: to the child such a
# look is one at its page.
HIDDEN_FROM_CHILD = frozenset(
    {"account", "alert", "episode", "observation", "pack", "question", "sighting", "sign"}
)
PAGE = "look:child:see"
SOMETHING = N_("Something about you")
REASONS: Mapping[str, str] = {
    "on_duty": N_("They were on duty."),
    "wrote_too": N_("Somebody else had changed it while they wrote."),
    "cover": N_("They stood in for your caseworker, who was away."),
    # Says nothing of an alert: whoever holds the phone must not learn that adults were called.
    "called": N_("We asked them to help."),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One look: when, who (None: the system), at what, why, and the code of it."""

    at: datetime
    who: Person | None
    role: str
    what: str
    why: str | None
    code: str


async def looks_at(child_id: UUID, language: str, *, is_child: bool) -> list[Look]:
    """The latest looks at what is written about this child, newest first, in that language.

    `is_child`: the child reads it, or whoever holds its phone.
    """
    entries = await (
        Entry.filter(child_id=child_id, what__startswith="look").order_by("-at", "-id").limit(MOST)
    )
    ids = {entry.who_id for entry in entries if entry.who_id is not None}
    people = {person.id: person for person in await Person.filter(id__in=list(ids))}
    return [
        Look(
            at=entry.at,
            who=people.get(entry.who_id) if entry.who_id else None,
            role=entry.who_role,
            what=gettext(language, WORDS.get(_thing(code), SOMETHING)),
            why=_why(entry.why, language),
            code=code,
        )
        for entry in entries
        for code in (_code(entry.what, is_child=is_child),)
    ]


def _code(what: str, *, is_child: bool) -> str:
    return PAGE if is_child and _thing(what) in HIDDEN_FROM_CHILD else what


def _thing(code: str) -> str:
    return code.split(":")[1] if ":" in code else ""


def _why(why: str | None, language: str) -> str | None:
    """A code in words, or the words that somebody gave, which are sealed in the record."""
    if why is None:
        return None
    if why.startswith(MARK):
        try:
            return current().open(why)
        except Unreadable:
            return None
    return gettext(language, REASONS[why]) if why in REASONS else None

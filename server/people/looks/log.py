"""Who looked at what is written about a child, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.audit.models import Entry
from server.i18n import N_, gettext
from server.people.looks.table import ONE_LOOK
from server.people.models import Person
from server.security.encryption import MARK, Unreadable, current

MOST = 500

# What was looked at, by the second part of the entry's code: "look:devices:see". Rooms that write
# looks of their own add their words here.
WORDS: Mapping[str, str] = {
    "account": N_("Your page"),
    "advocacy": N_("Your page"),
    "advocate": N_("Who is there for you"),
    "alert": N_("Alerts about you"),
    # On the phone of the person on duty, for a reason, so that it opens without a network.
    "carried": N_("What we keep in case you go missing, saved on their phone"),
    "approval": N_("Your page"),
    "check_in": N_("Your check-ins"),
    "child": N_("Your page"),
    "devices": N_("Your phones"),
    "dues": N_("What you and others promised"),
    # Without a tie, for a reason that the child can read.
    "emergency": N_("Opened your page in an emergency"),
    "episode": N_("Your page"),
    "flag": N_("Your page"),
    # Opened for a reason, while there is no alert: the child can read it at once.
    "glass": N_("What we keep in case you go missing"),
    "glass:home": N_("What your home knows, in case you go missing"),
    "history": N_("Your check-ins"),
    "interview": N_("What you told after you came back"),
    "looks": N_("Who looked"),
    "observation": N_("Your page"),
    "pack": N_("Your page"),
    # What another agency received, read by either agency.
    "package": N_("What was passed on when other people started looking after you"),
    "pause": N_("Your check-in times"),
    "placement": N_("Your page"),
    "project": N_("Your project"),
    "project:file": N_("Your project, saved as a file"),
    "project:history": N_("Your project and your messages, from the first day"),
    "project:paper": N_("Your project, on paper"),
    "quarantine": N_("Words in your project from a person who is no longer with you"),
    "question": N_("Your page"),
    "record": N_("Your questions about what is written here"),
    "rhythm": N_("Your check-in times"),
    "sighting": N_("Your page"),
    "sign": N_("Your page"),
    "talk": N_("Your messages"),
    "tier": N_("Your check-in times"),
    "ties": N_("Who is there for you"),
    "trusted": N_("The people you trust"),
    "witness": N_("Who says whether you came"),
    "watch": N_("Whether you checked in"),
    "without_app": N_("How you check in without the app"),
}
# What the child reads as what it was. A stranger with the phone must not learn from it that adults
# have been alerted: a look at anything that is not here is one at their page.
SHOWN_TO_CHILD = frozenset(
    "advocacy advocate carried check_in child devices dues emergency glass history interview looks"
    " package pause placement project quarantine record rhythm talk tier ties trusted watch witness"
    " without_app".split()
)
# For the same reason: only adults who are called about an open alert look by a call.
REASONS_FOR_CHILD = frozenset({"on_duty", "wrote_too", "cover", "glass"})
# As long as an alert is open: then it might say that adults look for the child, and where.
HIDDEN_IN_ALERT, EMERGENCY = "glass", "emergency"
PAGE, PACK_BY_GLASS = "look:child:see", "look:glass:pack"
SOMETHING = N_("Something about you")
REASONS: Mapping[str, str] = {
    "on_duty": N_("They were on duty."),
    "wrote_too": N_("Another person changed it while they were writing."),
    "cover": N_("They were covering for your caseworker."),
    "called": N_("We asked them to help."),
    "glass": N_("They opened your page in an emergency."),
}


class Look(msgspec.Struct, frozen=True):
    """One look: when, who (None: the system), at what, why, and its code. `id`: of its entry."""

    id: int
    at: datetime
    who: Person | None
    role: str
    what: str
    why: str | None
    code: str


async def looks_at(
    child_id: UUID, language: str, *, is_child: bool, is_alerted: bool = False
) -> list[Look]:
    """The latest looks at what is written about this child, newest first, in that language.

    `is_child`: the reader is the child, or a stranger with their phone. `is_alerted`: an alert
    about the child is open.
    """
    hidden = _Hidden(is_child, is_child and is_alerted)
    rows = Entry.filter(child_id=child_id, what__startswith="look").order_by("-at", "-id")
    entries = await rows.limit(MOST)
    ids = {entry.who_id for entry in entries if entry.who_id is not None}
    people = {person.id: person for person in await Person.filter(id__in=list(ids))}
    shown = [
        Look(
            id=entry.id,
            at=entry.at,
            who=people.get(entry.who_id) if entry.who_id else None,
            role=entry.who_role,
            what=gettext(language, words_of(code)),
            why=None if hidden.hides_why(entry) else _why(entry.why, language),
            code=code,
        )
        for entry in entries
        for code in (hidden.code(entry),)
    ]
    return _one_an_hour(shown)


class _Hidden(msgspec.Struct, frozen=True):
    """What a reader is not told: the child, and more of it while an alert about them is open."""

    is_child: bool
    is_alerted: bool

    def code(self, entry: Entry) -> str:
        thing = _thing(entry.what)
        if thing == "pack" and entry.why == HIDDEN_IN_ALERT and not self.is_alerted:
            # A broken glass opened what is sealed. No alert had to be open for that.
            return PACK_BY_GLASS
        is_hidden = self.is_child and thing not in SHOWN_TO_CHILD
        return PAGE if is_hidden or (self.is_alerted and thing == EMERGENCY) else entry.what

    def hides_why(self, entry: Entry) -> bool:
        if self.is_alerted and (entry.why == HIDDEN_IN_ALERT or _thing(entry.what) == EMERGENCY):
            return True
        is_in_own_words = (entry.why or "").startswith(MARK)
        return self.is_child and not is_in_own_words and entry.why not in REASONS_FOR_CHILD


class Deed(msgspec.Struct, frozen=True):
    """That a person looked at something or changed it, without what they saw or wrote."""

    at: datetime
    who: Person | None
    role: str
    what: str
    is_look: bool


async def deeds_about(child_id: UUID, language: str) -> list[Deed]:
    """Who looked and who changed something about this child, newest first: for administrators, who
    answer for the accounts of an agency and read no child's content. No reasons, nothing that
    reveals an alert, and nothing that the child or the server did."""
    rows = Entry.filter(child_id=child_id, who_id__isnull=False).exclude(who_id=child_id)
    # Opening in an emergency is a look too, and no change.
    entries = await rows.exclude(what="glass:open").order_by("-at", "-id").limit(MOST)
    people = {
        person.id: person
        for person in await Person.filter(id__in=list({e.who_id for e in entries}))
    }
    deeds: list[Deed] = []
    begun: dict[object, datetime] = {}
    for entry in reversed(entries):
        is_look = entry.what.startswith("look")
        is_hidden = _thing(entry.what) not in _SHOWN_TO_ADMINISTRATORS
        code = PAGE if is_hidden else entry.what
        words = desk_words_of(code) if is_look else CHANGED
        key = (entry.who_id, words)
        if key not in begun or entry.at - begun[key] >= ONE_LOOK:
            begun[key] = entry.at
            who = people.get(entry.who_id) if entry.who_id else None
            what = gettext(language, words)
            deeds.append(Deed(entry.at, who, entry.who_role, what, is_look))
    return deeds[::-1]


# The same at the desk, where adults read it.
SOMEWHERE, CHANGED = N_("Looked at the child's page"), N_("Changed something")
_DESK_WORDS: Mapping[str, str] = {
    "account": N_("Looked at the account of what happened"),
    "alert": N_("Looked at an alert"),
    "alert:numbers": N_("Opened the phone numbers"),
    "approval": N_("Looked at what a colleague asked"),
    "carried": N_("Saved the grab pack on their phone"),
    "devices": N_("Looked at the phones"),
    "dues": N_("Looked at the project"),
    "emergency": N_("Opened the child's page in an emergency"),
    "episode": N_("Looked at the search"),
    "flag": N_("Looked at the flags of colleagues"),
    "glass": N_("Looked at the grab pack"),
    "glass:home": N_("Looked at what the home knows, in the grab pack"),
    "glass:own": N_("Looked at the child's own words in the grab pack"),
    "history": N_("Looked at the check-ins"),
    "interview": N_("Looked at the return interview"),
    "looks": N_("Looked at the list of who looked"),
    "observation": N_("Looked at what adults noticed"),
    "pack": N_("Looked at the grab pack"),
    "pack:home": N_("Looked at what the home knows, in the grab pack"),
    "pack:own": N_("Looked at the child's own words in the grab pack"),
    "package": N_("Looked at the transfer"),
    "pause": N_("Looked at the check-in times"),
    "project": N_("Looked at the project"),
    "quarantine": N_("Looked at the project"),
    "record": N_("Looked at the child's questions"),
    "rhythm": N_("Looked at the check-in times"),
    "sign": N_("Looked at the agreed sign"),
    "talk": N_("Looked at the messages"),
    "tier": N_("Looked at the check-in times"),
    "ties": N_("Looked at the people around the child"),
    "trusted": N_("Looked at the people the child trusts"),
    "witness": N_("Looked at who says whether the child came"),
    "watch": N_("Looked at the check-ins"),
}
# That a child was missing is content, too.
_SHOWN_TO_ADMINISTRATORS = SHOWN_TO_CHILD - {"interview"}


def desk_words_of(code: str) -> str:
    """What was looked at, in words for adults, in English."""
    thing = code.removeprefix("look:")
    return _DESK_WORDS.get(thing) or _DESK_WORDS.get(_thing(code), SOMEWHERE)


def _one_an_hour(looks: Sequence[Look]) -> list[Look]:
    """The first look of each hour of the same person at the same thing, newest first. Two things
    that a child reads as the same are one, with the first reason given; two reasons are two
    lines."""
    latest: dict[object, int] = {}
    kept: list[Look] = []
    for look in reversed(looks):
        key = (look.who.id if look.who else None, look.what)
        at = latest.get(key)
        if at is not None and look.at - kept[at].at < ONE_LOOK:
            before = kept[at]
            if look.why is None or before.why in (None, look.why):
                kept[at] = replace(before, why=before.why or look.why)
                continue
        latest[key] = len(kept)
        kept.append(look)
    return kept[::-1]


def words_of(code: str) -> str:
    """What was looked at, in words, in English."""
    thing = code.removeprefix("look:")
    return WORDS.get(thing) or WORDS.get(_thing(code), SOMETHING)


def _thing(code: str) -> str:
    return code.split(":")[1] if ":" in code else ""


def _why(why: str | None, language: str) -> str | None:
    """A code in words, or a person's own words, which are sealed in the record."""
    if why is None:
        return None
    if why.startswith(MARK):
        try:
            return current().open(why)
        except Unreadable:
            return None
    return gettext(language, REASONS[why]) if why in REASONS else None

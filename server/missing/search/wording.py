"""The words of an episode: stages, lines, details and clocks. Pure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from server.errors import See
from server.i18n import N_, gettext
from server.missing.search import entry_kinds
from server.missing.search.entry_kinds import ENTRIES, Act
from server.missing.search.rules import Stage

STAGES: Mapping[Stage, str] = {
    Stage.DECIDING: N_("Missing, not reported"),
    Stage.REPORTED: N_("Missing, reported"),
    Stage.SEARCHING: N_("Missing, search under way"),
    Stage.FOUND: N_("Found, more to do"),
    Stage.FOLLOWED_UP: N_("Found, all done"),
}
# What Waymark enters itself, or what has a page of its own.
LINES: Mapping[str, tuple[str, str]] = {
    entry_kinds.OPENED: (N_("Said the child is missing"), "missing"),
    entry_kinds.JOINED: (N_("Also said the child is missing"), "missing"),
    entry_kinds.SIGN_OF_LIFE: (N_("A sign of life"), "well"),
    entry_kinds.FOUND: (N_("Child found"), "eye"),
    entry_kinds.INTERVIEW_HELD: (N_("Return interview held"), "talk"),
    entry_kinds.OFFERS_ENDED: (N_("The child does not want the return interview"), "talk"),
    entry_kinds.MAILED: (N_("Emailed the grab pack"), "mail"),
    entry_kinds.PLAN_REVIEW: (N_("Reviewed the life project together"), "check"),
    entry_kinds.FOLLOWED_UP: (N_("The return is complete: everything is done"), "check"),
    entry_kinds.HANDOVER_READ: (N_("Read where the search stands and took over"), "check"),
    entry_kinds.MOVED: (N_("Another agency searches for the child from now on"), "check"),
    entry_kinds.OTHER_MOVED: (
        N_("Another agency searches for the other child now: ask there"),
        "missing",
    ),
    entry_kinds.TOGETHER: (N_("Missing together with another child"), "missing"),
    entry_kinds.APART: (N_("Not missing together after all"), "missing"),
    entry_kinds.OTHER_SEEN: (N_("The other child was seen: ask them kindly"), "eye"),
}
# What a sign of life was.
SIGNS: Mapping[str, str] = {
    "ok": N_("Checked in"),
    "safe": N_("“I'm safe. I'm not ready to come back yet”"),
    "talk": N_("Wants to talk"),
    "help": N_("Asked for help"),
    "message": N_("Wrote a message"),
    "seen": N_("A person saw the child"),
}
_MORE: Mapping[str, str] = {
    "where": N_("Where"),
    "by": N_("Seen by"),
    "words": N_("What was said"),
}
_HELD: Mapping[str, str] = {
    "independent": N_("Is this person independent of the home?"),
    "hours": N_("Hours after the return"),
}


def way_to_found(episode_id: UUID) -> See:
    """Where a person logs that the child was found."""
    return See(f"/desk/episodes/{episode_id}/found", N_("Log that the child was found"))


def title_of(what: str, language: str) -> str:
    """The title of a line of the timeline."""
    return gettext(language, _title(what))


def _title(what: str) -> str:
    if what in LINES:
        return LINES[what][0]
    return ENTRIES[Act(what)].title if what in set(Act) else what


def icon_of(what: str) -> str:
    """The drawing beside it."""
    if what in LINES:
        return LINES[what][1]
    return ENTRIES[Act(what)].icon if what in set(Act) else "said"


def details_of(what: str, details: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """The details of a line, as pairs of label and words. Flags, and where the child was last seen,
    appear as people chose and wrote them."""
    if what in set(Act):
        return [
            (gettext(language, detail.label), _value(detail, str(details[detail.name]), language))
            for detail in ENTRIES[Act(what)].details
            if detail.name in details
        ]
    if what == entry_kinds.INTERVIEW_HELD:
        return [
            (gettext(language, label), gettext(language, entry_kinds.YES.get(value, value)))
            for name, label in _HELD.items()
            if (value := str(details.get(name, "")))
        ]
    if what in entry_kinds.OF_ANOTHER:
        name = details.get("name") or gettext(language, N_("another child from the home"))
        return [(gettext(language, N_("Who")), str(name))]
    if what == entry_kinds.MAILED:
        told = ((label, _mailed(name, details, language)) for name, label in _MAIL)
        return [(gettext(language, label), value) for label, value in told]
    if what == entry_kinds.SIGN_OF_LIFE:
        return _of_sign(details, language)
    seen = (
        details.get("last_seen", {})
        if what in (entry_kinds.OPENED, entry_kinds.JOINED)
        else details
    )
    pairs = [
        (gettext(language, label), str(seen[name]))
        for name, label in _MORE.items()
        if seen.get(name)
    ]
    held = [flag for flag in entry_kinds.FLAGS if flag in details.get("flags", ())]
    flags = [gettext(language, entry_kinds.FLAGS[flag]) for flag in held]
    return [*pairs, *((gettext(language, N_("Reason to hurry")), flag) for flag in flags)]


def _of_sign(details: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    sign, place = SIGNS.get(details.get("said", "")), details.get("where")
    what = [(gettext(language, N_("What it was")), gettext(language, sign))] if sign else []
    return [*what, *([(gettext(language, N_("Where")), str(place))] if place else [])]


_MAIL = (
    ("to", N_("Who to")),
    ("address", N_("Email address")),
    ("pack", N_("Version of the grab pack")),
)


def _mailed(name: str, details: Mapping[str, Any], language: str) -> str:
    value = str(details.get(name, ""))
    return (
        gettext(language, entry_kinds.TO[value])
        if name == "to" and value in entry_kinds.TO
        else value
    )


def _value(detail: entry_kinds.Detail, value: str, language: str) -> str:
    if detail.choices is None or value not in detail.choices:
        return value
    return gettext(language, detail.choices[value])

"""What can be entered into an episode: one list, used by the form, the API, the paper and the
clocks. Pure.

An entry is never changed: a person who made a mistake adds a correct entry after it. We keep the
words of a form as they were written; a choice is one of its codes.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from server.alerts.attempt_rules import TARGETS
from server.errors import Ask, Incomplete, Refused
from server.i18n import N_
from server.missing.search.rules import Decision, Flag
from server.tasks.rules import OF_A_RETURN, STRATEGY, Kind
from server.tasks.words import WORDS


class Act(StrEnum):
    """What a person did or learned."""

    ATTEMPT = "attempt"
    PLACE = "place"
    ROOM = "room"
    FLAG = "flag"
    DECISION = "decision"
    REPORT = "report"
    RISK = "risk"
    STRATEGY = "strategy"
    HANDOVER = "handover"
    NOTE = "note"
    SAFE_AND_WELL = "safe_and_well"
    MEDICAL = "medical"
    INTERVIEW_OFFERED = "interview_offered"
    RESCREEN = "rescreen"
    PHONE_CHECK = "phone_check"
    PACK_UPDATE = "pack_update"
    NOT_POSSIBLE = "not_possible"  # A task of the return must wait; its deadline stays.


# Only the server writes these entries.
OPENED, JOINED, SIGN_OF_LIFE, FOUND = "opened", "joined", "sign_of_life", "found"
INTERVIEW_HELD, PLAN_REVIEW = "interview_held", "plan_review"
OFFERS_ENDED = "offers_ended"  # The child said no again: nobody has to offer the interview.
FOLLOWED_UP = "followed_up"  # The last task of the return is done.
# About another child: `with` in the details is their id. A reader sees only as much of it as they
# may see of that child.
TOGETHER, APART, OTHER_SEEN = "together", "apart", "other_seen"
HANDOVER_READ = "handover_read"
# Another agency looks for the child from now on; or for a child who is missing together with them.
MOVED, OTHER_MOVED = "moved", "other_moved"
OF_ANOTHER = frozenset({TOGETHER, APART, OTHER_SEEN, OTHER_MOVED})
# One entry may cover several children who are missing together.
SHARED = frozenset({Act.ATTEMPT, Act.PLACE, Act.REPORT, Act.STRATEGY, Act.NOTE})
# These details belong to one child alone, and are left out of the lines of the others.
OF_ONE_CHILD = frozenset({"pack", "level"})
MAILED = "mailed"

LONGEST, LONGEST_WORDS = 500, 20_000


class Detail(msgspec.Struct, frozen=True):
    """One detail of an entry. Without choices it is a line of text."""

    name: str
    label: str
    choices: Mapping[str, str] | None = None
    is_needed: bool = False
    is_named: bool = False  # Beside others in one line, it says nothing without its label.
    is_asked: bool = True  # False: the form does not ask for it.


class Entry(msgspec.Struct, frozen=True):
    """A kind of entry: its title, its details, whether it needs words, and which clocks it ends.
    `hint`: what a person does before they fill it in; `ask`: the question for the words."""

    title: str
    icon: str
    details: tuple[Detail, ...] = ()
    needs_words: bool = False
    ends: frozenset[Kind] = frozenset()
    is_search: bool = True  # False: it belongs to the time after the return.
    hint: str = ""
    ask: str = ""


_GONE = {"gone": N_("gone"), "here": N_("still here"), "unknown": N_("not known")}
HOW = {
    "call": N_("Phone call"),
    "message": N_("Message"),
    "visit": N_("Visited a place"),
    "friend": N_("Asked a friend"),
    "family": N_("Asked the family"),
    "school": N_("Asked the school"),
    "worker": N_("Asked a professional"),
    "hospital": N_("Asked a hospital"),
    "social": N_("Checked social media"),
    "bank": N_("Asked about card use"),
    "other": N_("Another way"),
}
RESULT = {
    "no_answer": N_("No answer"),
    "not_there": N_("Not there"),
    "heard": N_("Heard something"),
    "reached": N_("Reached the child"),
    "other_answered": N_("Someone else answered"),
}
# What is known of a place. That a person looked there is an attempt, and moves its clock.
SEEN_THERE, LIKELY = "seen", "likely"
KNOWN = {
    SEEN_THERE: N_("The child was seen there"),
    LIKELY: N_("The child may be there"),
}
_TARGETS = {target.value: words for target, words in TARGETS.items()}
FLAGS: Mapping[Flag, str] = {
    Flag.CONTACT: N_("In contact with a person who may harm or traffic the child"),
    Flag.UNDER_14: N_("Under 14"),
    Flag.CONCERN: N_("An alert whose reason is sealed"),
    Flag.THREAT: N_("A threat"),
    Flag.SELF_HARM: N_("May hurt themselves"),
    Flag.BELONGINGS: N_("Bag or papers are missing too"),
    Flag.FIRST_HOURS: N_("First 72 hours of the placement"),
    Flag.OTHER: N_("Something else"),
}
# People may enter these flags. The others Waymark finds itself.
SAID = (Flag.CONTACT, Flag.THREAT, Flag.SELF_HARM, Flag.BELONGINGS, Flag.OTHER)
DECISIONS: Mapping[Decision, str] = {
    Decision.REPORT: N_("Tell the police now"),
    Decision.KNOWN_PLACE: N_("We know the place, and it is not safe"),
}
_DECIDED = {decision.value: words for decision, words in DECISIONS.items()}
TO = {
    "police": N_("Police"),
    "guardian": N_("Guardian"),
    "lawyer": N_("Lawyer"),
    "placing": N_("Authority that placed the child"),
    "host": N_("Local authority of the home"),
    "line": N_("Missing children helpline"),
    "trafficking": N_("Anti-trafficking contact"),
    "other": N_("Someone else"),
}
WAY = {
    "phone": N_("On the phone"),
    "mail": N_("By email"),
    "paper": N_("On paper"),
    "person": N_("Face to face"),
}
LEVEL = {
    "very_low": N_("very low"),
    "low": N_("low"),
    "medium": N_("medium"),
    "high": N_("high"),
    "other": N_("another term"),
}
ANSWER = {"accepted": N_("Yes, the child wants to"), "refused": N_("No, not now")}
# The tasks of a return, in the order of the workflow.
RETURN = tuple(kind for kind in Kind if kind in OF_A_RETURN)
YES = {"yes": N_("yes"), "no": N_("no"), "unknown": N_("not known")}

ENTRIES: Mapping[Act, Entry] = {
    Act.ATTEMPT: Entry(
        N_("Tried to reach the child"),
        "phone",
        (
            Detail("how", N_("How"), HOW, is_needed=True),
            # From an alert, where it is chosen and not written.
            Detail("target", N_("Who"), _TARGETS, is_asked=False),
            Detail("whom", N_("Who or where")),
            Detail("result", N_("Result"), RESULT, is_needed=True),
        ),
        ends=frozenset({Kind.KEEP_TRYING}),
    ),
    Act.PLACE: Entry(
        N_("Noted a place"),
        "search",
        (
            Detail("where", N_("Where"), is_needed=True),
            Detail("known", N_("What is known"), KNOWN, is_needed=True),
            Detail("who", N_("Who said so")),
        ),
        hint=N_("Did you go there and look? Then log “Tried to reach the child”."),
    ),
    Act.ROOM: Entry(
        N_("Checked the room"),
        "eye",
        (
            Detail("phone", N_("Phone and charger"), _GONE, is_needed=True, is_named=True),
            Detail("documents", N_("Papers"), _GONE, is_needed=True, is_named=True),
            Detail("bag", N_("Bag"), _GONE, is_needed=True, is_named=True),
            Detail("medicine", N_("Medicine"), _GONE, is_named=True),
            Detail("clothes", N_("What the child wears"), is_named=True),
        ),
    ),
    Act.FLAG: Entry(
        N_("Reason to hurry"),
        "warn",
        (Detail("flag", N_("What"), {flag: FLAGS[flag] for flag in SAID}, is_needed=True),),
    ),
    Act.DECISION: Entry(
        N_("Decision"),
        "check",
        (Detail("decision", N_("What was decided"), _DECIDED, is_needed=True),),
        needs_words=True,
        ends=frozenset({Kind.DECISION}),
    ),
    Act.REPORT: Entry(
        N_("Told the police or others"),
        "mail",
        (
            Detail("to", N_("Who to"), TO, is_needed=True),
            Detail("way", N_("How"), WAY, is_needed=True),
            Detail("who", N_("Name of the contact person")),
            Detail("reference", N_("Reference number"), is_named=True),
            Detail("level", N_("Risk level set by the police"), LEVEL, is_named=True),
            Detail("pack", N_("Version of the grab pack"), is_named=True),
        ),
    ),
    Act.RISK: Entry(
        N_("The police changed the risk level"),
        "warn",
        (
            Detail("level", N_("Risk level set by the police"), LEVEL, is_needed=True),
            Detail("who", N_("Who told you"), is_needed=True),
        ),
    ),
    Act.STRATEGY: Entry(
        N_("Held a meeting"),
        "talk",
        (Detail("who", N_("Who was there"), is_needed=True),),
        needs_words=True,
        ends=frozenset(STRATEGY),
    ),
    Act.HANDOVER: Entry(
        N_("Search handed over"),
        "talk",
        (Detail("who", N_("Who to"), is_needed=True),),
        needs_words=True,
    ),
    Act.NOTE: Entry(N_("Note"), "said", needs_words=True),
    Act.SAFE_AND_WELL: Entry(
        N_("Checked if the child is safe and well"),
        "well",
        (
            Detail("who", N_("Who was there"), is_needed=True),
            Detail("hurt", N_("Hurt?"), YES, is_needed=True),
            Detail("afraid", N_("Afraid of anyone?"), YES, is_needed=True),
            Detail("crime", N_("Did anyone do something wrong to the child?"), YES),
        ),
        ends=frozenset({Kind.SAFE_AND_WELL}),
        is_search=False,
        hint=N_("See {name} face to face. Let them talk to you alone if they want to."),
        ask=N_("What {name} said, in their own words (optional)"),
    ),
    Act.MEDICAL: Entry(
        N_("Checked if a doctor is needed"),
        "well",
        (
            Detail("needed", N_("Is a doctor needed?"), YES, is_needed=True),
            Detail("visit", N_("Doctor, and when"), is_named=True),
        ),
        ends=frozenset({Kind.MEDICAL}),
        is_search=False,
        hint=N_("Ask about injuries, pain, medicine and sleep. If in doubt, call a doctor."),
    ),
    Act.INTERVIEW_OFFERED: Entry(
        N_("Offered the return interview"),
        "talk",
        (
            Detail("answer", N_("What the child said"), ANSWER, is_needed=True),
            Detail("who", N_("Who would lead the interview"), is_needed=True),
        ),
        is_search=False,
    ),
    Act.RESCREEN: Entry(
        N_("Checked again for signs of trafficking"),
        "eye",
        (Detail("signs", N_("Are there signs?"), YES, is_needed=True),),
        needs_words=True,
        ends=frozenset({Kind.RESCREEN}),
        is_search=False,
        hint=N_(
            "Look for new things, debts, fear, a second phone, adults who wait outside. Write what"
            " you saw and heard."
        ),
        ask=N_("What you saw and heard"),
    ),
    Act.PHONE_CHECK: Entry(
        N_("Checked the phone together"),
        "phone",
        (
            Detail("new", N_("Is the phone a new one?"), YES, is_needed=True),
            Detail("others", N_("Does anyone else use it?"), YES, is_needed=True),
        ),
        ends=frozenset({Kind.PHONE_CHECK}),
        is_search=False,
        hint=N_(
            "Sit down with {name} and look at the phone together. If someone else can use it, block"
            " it and pair another one."
        ),
    ),
    Act.PACK_UPDATE: Entry(
        N_("Updated the grab pack"),
        "said",
        ends=frozenset({Kind.PACK_UPDATE}),
        is_search=False,
    ),
    Act.NOT_POSSIBLE: Entry(
        N_("Not possible yet"),
        "late",
        (Detail("task", N_("What"), {kind.value: WORDS[kind] for kind in RETURN}, is_needed=True),),
        needs_words=True,
        is_search=False,
        hint=N_("The task stays open and its deadline stays the same. We remind you again."),
        ask=N_("Why not, and when do you try again?"),
    ),
}


def read(act: Act, details: Mapping[str, str], words: str | None) -> dict[str, str]:
    """The details as we store them. Raises Refused, naming the field; Incomplete."""
    entry = ENTRIES[act]
    details_by_name = {detail.name: detail for detail in entry.details}
    for name in details:
        if name not in details_by_name:
            raise Refused(N_("This entry has no field “{field}”."), field=name)
    cleaned: dict[str, str] = {}
    for detail in entry.details:
        value = details.get(detail.name, "").strip()
        if not value:
            continue
        if detail.choices is not None and value not in detail.choices:
            raise Refused(N_("Choose an answer."), field=detail.name)
        if len(value) > LONGEST:
            raise Refused(N_("Write up to 500 characters."), field=detail.name)
        cleaned[detail.name] = value
    if asks := missing(act, cleaned, words):
        raise Incomplete(asks)
    return cleaned


def missing(act: Act, details: Mapping[str, str], words: str | None) -> dict[str, Ask]:
    """How we ask for each answer that an entry still needs."""
    entry = ENTRIES[act]
    asks = {
        detail.name: Ask(N_("Fill in: {label}"), detail.label)
        for detail in entry.details
        if detail.is_needed and not details.get(detail.name)
    }
    if entry.needs_words and not words:
        asks["words"] = Ask(N_("Say in a few words why, or what was said."))
    return asks


def raises_flag(act: Act, details: Mapping[str, str]) -> Flag | None:
    """The flag that an entry raises: it makes the decision due at once."""
    if act is Act.FLAG:
        return Flag(details["flag"])
    gone = (details.get("documents"), details.get("bag"))
    return Flag.BELONGINGS if act is Act.ROOM and "gone" in gone else None

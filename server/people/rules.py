"""Who may do what: one table (docs/reference/rights.md), and the question that asks it."""

from datetime import timedelta
from enum import StrEnum
from unicodedata import category


class Role(StrEnum):
    """A person's role for a child, or in the agency."""

    CHILD = "child"
    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    GUARDIAN = "guardian"
    CARER = "carer"
    ADVOCATE = "advocate"  # Speaks for the child alone, and is not of the agency's line.
    ADMINISTRATOR = "administrator"
    OVERSIGHT = "oversight"  # Of an area above agencies: sees counts, and no child.
    # No person is given these: the ladder gives the first to everyone it has called about a child,
    # until that alert is closed; breaking the glass gives the other, for an hour.
    CALLED = "called"
    GLASS = "glass"


# What a person without a tie gets in an emergency, and only on pages that ask for it.
IN_NEED = frozenset({Role.CALLED, Role.GLASS})
# Who an agency employs or invites. People of an area belong to none.
STAFF = frozenset(Role) - {Role.CHILD, Role.OVERSIGHT} - IN_NEED
# Who may be asked about all children of a home: neither a child's own adults, nor anyone outside.
MAY_WORK = frozenset({Role.CARER, Role.CASEWORKER, Role.SUPERVISOR})


class Leaving(StrEnum):
    """Why a placement ended."""

    MOVED = "moved"  # To another agency, or another country.
    OF_AGE = "of_age"
    HOME = "home"  # Back to the family.
    OTHER = "other"


class Action(StrEnum):
    """What can be done about one child. Kept in alphabetical order."""

    ABSENCE_ASK = "absence:ask"
    ADVOCACY = "advocacy"
    ADVOCATE_INVITE = "advocate:invite"
    ADVOCATE_KEEP = "advocate:keep"
    ALERT_ACKNOWLEDGE = "alert:acknowledge"
    ALERT_CLOSE = "alert:close"
    ALERT_EXPLAIN = "alert:explain"
    ALERT_SEE = "alert:see"
    APPROVAL_DECIDE = "approval:decide"
    CHECK_IN = "check_in:own"
    CHECK_IN_FOR = "check_in:for"
    CHILD_SEE = "child:see"
    DEVICES_SEE = "devices:see"
    DEVICES_SHUT_OUT = "devices:shut_out"
    EPISODE_FOUND = "episode:found"
    EPISODE_OPEN = "episode:open"
    EPISODE_SEE = "episode:see"
    EPISODE_WORK = "episode:work"
    FLAG = "flag:work"
    GLASS_END = "glass:end"
    HISTORY_SEE = "history:see"
    INVITE = "invite"
    LOOKS_SEE = "looks:see"
    OBSERVATION_NOTE = "observation:note"
    OBSERVATION_SEE = "observation:see"
    PACK_CHANGE = "pack:change"
    PACK_HOME = "pack:home"
    PACK_READ = "pack:read"
    PACK_SAY = "pack:say"
    PACK_SEE = "pack:see"
    PAUSE = "pause"
    PLACEMENT_CHANGE = "placement:change"
    PROJECT_SEE = "project:see"
    QUARANTINE_DECIDE = "quarantine:decide"
    QUESTION_ANSWER = "question:answer"
    RECORD_ANSWER = "record:answer"
    RECORD_ASK = "record:ask"
    RECORD_EXPLAIN = "record:explain"
    RHYTHM_AGREE = "rhythm:agree"
    RHYTHM_PROPOSE = "rhythm:propose"
    RHYTHM_SEE = "rhythm:see"
    SIGHTING_NOTE = "sighting:note"
    SIGN_AGREE = "sign:agree"
    TEMPLATES_SEE = "templates:see"
    TIER_SET = "tier:set"
    TIES_CHANGE = "ties:change"
    TIES_SEE = "ties:see"
    TRUSTED_DECIDE = "trusted:decide"
    TRUSTED_NAME = "trusted:name"
    WITNESS_ARRANGE = "witness:arrange"


_A = Action

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.CHILD: frozenset(
        {
            _A.ADVOCATE_KEEP,
            _A.CHILD_SEE,
            _A.PROJECT_SEE,
            _A.TEMPLATES_SEE,
            _A.CHECK_IN,
            _A.HISTORY_SEE,
            _A.RHYTHM_SEE,
            _A.RHYTHM_PROPOSE,
            _A.ABSENCE_ASK,
            _A.DEVICES_SEE,
            _A.DEVICES_SHUT_OUT,
            _A.LOOKS_SEE,
            _A.PACK_SAY,
            _A.PACK_SEE,
            _A.RECORD_ASK,
            _A.RECORD_EXPLAIN,
            _A.TRUSTED_NAME,
            _A.EPISODE_SEE,
        }
    ),
    Role.CASEWORKER: frozenset(
        {
            _A.ADVOCATE_INVITE,
            _A.CHILD_SEE,
            _A.PROJECT_SEE,
            _A.TEMPLATES_SEE,
            _A.QUARANTINE_DECIDE,
            _A.CHECK_IN_FOR,
            _A.HISTORY_SEE,
            _A.OBSERVATION_NOTE,
            _A.OBSERVATION_SEE,
            _A.SIGHTING_NOTE,
            _A.SIGN_AGREE,
            _A.RHYTHM_SEE,
            _A.RHYTHM_PROPOSE,
            _A.RHYTHM_AGREE,
            _A.RECORD_ANSWER,
            _A.TRUSTED_DECIDE,
            _A.WITNESS_ARRANGE,
            _A.TIER_SET,
            _A.PACK_CHANGE,
            _A.PACK_READ,
            _A.PACK_SEE,
            _A.PAUSE,
            _A.PLACEMENT_CHANGE,
            _A.APPROVAL_DECIDE,
            _A.FLAG,
            _A.ALERT_SEE,
            _A.ALERT_ACKNOWLEDGE,
            _A.ALERT_CLOSE,
            _A.ALERT_EXPLAIN,
            _A.EPISODE_FOUND,
            _A.EPISODE_OPEN,
            _A.EPISODE_SEE,
            _A.EPISODE_WORK,
            _A.DEVICES_SEE,
            _A.DEVICES_SHUT_OUT,
            _A.INVITE,
            _A.TIES_SEE,
            _A.LOOKS_SEE,
        }
    ),
    Role.SUPERVISOR: frozenset(
        {
            _A.ADVOCATE_INVITE,
            _A.CHILD_SEE,
            _A.PROJECT_SEE,
            _A.QUARANTINE_DECIDE,
            _A.HISTORY_SEE,
            _A.OBSERVATION_NOTE,
            _A.OBSERVATION_SEE,
            _A.SIGHTING_NOTE,
            _A.SIGN_AGREE,
            _A.RHYTHM_SEE,
            _A.RHYTHM_PROPOSE,
            _A.RHYTHM_AGREE,
            _A.RECORD_ANSWER,
            _A.TRUSTED_DECIDE,
            _A.WITNESS_ARRANGE,
            _A.TIER_SET,
            _A.PACK_CHANGE,
            _A.PACK_READ,
            _A.PACK_SEE,
            _A.PAUSE,
            _A.PLACEMENT_CHANGE,
            _A.APPROVAL_DECIDE,
            _A.FLAG,
            _A.ALERT_SEE,
            _A.ALERT_ACKNOWLEDGE,
            _A.ALERT_CLOSE,
            _A.ALERT_EXPLAIN,
            _A.EPISODE_FOUND,
            _A.EPISODE_OPEN,
            _A.EPISODE_SEE,
            _A.EPISODE_WORK,
            _A.GLASS_END,
            _A.DEVICES_SEE,
            _A.DEVICES_SHUT_OUT,
            _A.TIES_SEE,
            _A.TIES_CHANGE,
            _A.LOOKS_SEE,
        }
    ),
    Role.GUARDIAN: frozenset(
        {
            _A.CHILD_SEE,
            _A.PROJECT_SEE,
            _A.TEMPLATES_SEE,
            _A.HISTORY_SEE,
            _A.OBSERVATION_NOTE,
            _A.OBSERVATION_SEE,
            _A.SIGHTING_NOTE,
            _A.RHYTHM_SEE,
            _A.ALERT_SEE,
            _A.EPISODE_FOUND,
            _A.EPISODE_OPEN,
            _A.EPISODE_SEE,
            _A.LOOKS_SEE,
            _A.PACK_SEE,  # The child's own words, as far as their caseworker has allowed it.
        }
    ),
    # That the child exists, check-ins for and about them, what the home knows; nothing else.
    Role.CARER: frozenset(
        {
            _A.CHILD_SEE,
            _A.PROJECT_SEE,
            _A.CHECK_IN_FOR,
            _A.OBSERVATION_NOTE,
            _A.SIGHTING_NOTE,
            _A.QUESTION_ANSWER,
            _A.EPISODE_FOUND,
            _A.EPISODE_OPEN,
            _A.PACK_HOME,
            _A.PACK_SEE,
        }
    ),
    # What the child tells them and shows in the project; of an alert, only that there is one, where
    # the child allows it (advocates/). Neither check-ins nor what adults noticed nor the pack.
    Role.ADVOCATE: frozenset(
        {
            _A.ADVOCACY,
            _A.CHILD_SEE,
            _A.PROJECT_SEE,
            _A.SIGHTING_NOTE,
            _A.EPISODE_OPEN,
        }
    ),
    # Neither sees a child's content; what they may do about the agency is AGENCY below.
    Role.ADMINISTRATOR: frozenset(),
    Role.OVERSIGHT: frozenset(),
    # What an alert needs, and nothing else: `access.child_for` grants it about that alert alone.
    Role.CALLED: frozenset(
        {
            _A.ALERT_SEE,
            _A.ALERT_ACKNOWLEDGE,
            _A.ALERT_CLOSE,
            _A.EPISODE_FOUND,
            _A.EPISODE_OPEN,
            _A.EPISODE_SEE,
            _A.EPISODE_WORK,
            _A.PACK_READ,
            _A.PACK_SEE,
        }
    ),
    # What a person needs who meets the child at night. Closing the alert is for those who answer
    # for the child; a sighting tells them.
    Role.GLASS: frozenset(
        {
            _A.CHILD_SEE,
            _A.ALERT_SEE,
            _A.ALERT_ACKNOWLEDGE,
            _A.EPISODE_FOUND,
            _A.EPISODE_OPEN,
            _A.EPISODE_SEE,
            _A.EPISODE_WORK,
            _A.PACK_READ,
            _A.PACK_SEE,
            _A.SIGHTING_NOTE,
        }
    ),
}


class AgencyAction(StrEnum):
    """What can be done about the agency itself, without any child's content."""

    AREA_SEE = "agency:area_see"
    CHILD_ADD = "agency:child_add"
    CHILD_TAKE_OVER = "agency:child_take_over"
    DRILL = "agency:drill"
    GLASS_BREAK = "agency:glass_break"
    INDICATORS_SEE = "agency:indicators_see"
    LAST_RESORT_CHANGE = "agency:last_resort_change"
    LAST_RESORT_SEE = "agency:last_resort_see"
    LOAD_SEE = "agency:load_see"
    PEOPLE_SEE = "agency:people_see"
    PEOPLE_CHANGE = "agency:people_change"
    POLICY_SEE = "agency:policy_see"
    POLICY_CHANGE = "agency:policy_change"
    ROLL_CALL_CHANGE = "agency:roll_call_change"
    ROLL_CALL_SEE = "agency:roll_call_see"
    ROTA_PLAN = "agency:rota_plan"
    ROTA_SEE = "agency:rota_see"
    TEMPLATES_CHANGE = "agency:templates_change"
    TIES_CHANGE = "agency:ties_change"


ALLOWED_AGENCY: dict[Role, frozenset[AgencyAction]] = {
    Role.CASEWORKER: frozenset(
        {
            AgencyAction.POLICY_SEE,
            AgencyAction.CHILD_ADD,
            AgencyAction.CHILD_TAKE_OVER,
            AgencyAction.GLASS_BREAK,
            AgencyAction.ROTA_SEE,
        }
    ),
    Role.SUPERVISOR: frozenset(
        {
            AgencyAction.POLICY_SEE,
            AgencyAction.POLICY_CHANGE,
            AgencyAction.CHILD_ADD,
            AgencyAction.CHILD_TAKE_OVER,
            AgencyAction.GLASS_BREAK,
            AgencyAction.ROLL_CALL_CHANGE,
            AgencyAction.ROLL_CALL_SEE,
            AgencyAction.ROTA_PLAN,
            AgencyAction.ROTA_SEE,
            AgencyAction.TEMPLATES_CHANGE,
            AgencyAction.DRILL,
            AgencyAction.INDICATORS_SEE,
            AgencyAction.LAST_RESORT_SEE,
            AgencyAction.LOAD_SEE,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            AgencyAction.PEOPLE_SEE,
            AgencyAction.PEOPLE_CHANGE,
            AgencyAction.LAST_RESORT_CHANGE,
            AgencyAction.LAST_RESORT_SEE,
            AgencyAction.TIES_CHANGE,
            AgencyAction.CHILD_ADD,
            # About no child; and statistics without small numbers.
            AgencyAction.DRILL,
            AgencyAction.ROLL_CALL_CHANGE,
            AgencyAction.ROTA_PLAN,
            AgencyAction.ROTA_SEE,
            AgencyAction.TEMPLATES_CHANGE,
            AgencyAction.INDICATORS_SEE,
        }
    ),
    Role.OVERSIGHT: frozenset({AgencyAction.AREA_SEE}),
}


def may(roles: frozenset[Role], action: Action) -> bool:
    """Whether a person with these roles for a child may do this about them."""
    return any(action in ALLOWED[role] for role in roles)


def may_agency(role: Role, action: AgencyAction) -> bool:
    """Whether a person with this role in an agency may do this about the agency."""
    return action in ALLOWED_AGENCY.get(role, frozenset())


# An advocate is there for a time: longer than this, the child is asked again.
LONGEST_ADVOCACY = timedelta(days=366)
# Ties of these roles are only for people who work for the agency as such.
PROFESSIONAL = frozenset({Role.CASEWORKER, Role.SUPERVISOR})


def may_hold(role: Role, tie: Role) -> bool:
    """Whether a person with this role in the agency may have a tie to a child in that role.

    Administrators have no ties: they arrange other people's, and must not let themselves in.
    """
    if tie in PROFESSIONAL:
        return role in PROFESSIONAL
    if Role.ADVOCATE in (role, tie):
        # Who works for the agency, or looks after the child, cannot speak against them.
        return role is tie
    return tie in {Role.GUARDIAN, Role.CARER} and role in STAFF - {Role.ADMINISTRATOR}


def clean_name(text: str) -> str | None:
    """A name without stray spaces; None where it is empty or too long for a name.

    Joiners stay, since Persian and other names are written with them. Control characters, and those
    that turn the direction of the text after them, are no part of a name.
    """
    name = " ".join(text.split())
    is_name = not any(category(char) in _NO_NAME or char in _TURNS for char in name)
    return name if is_name and 0 < len(name) <= LONGEST_NAME else None


_NO_NAME = frozenset({"Cc", "Cn", "Co", "Cs"})
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LONGEST_NAME = 120

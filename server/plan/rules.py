"""Who may say what in a life project, beyond the table of rights. Pure."""

import hashlib
import json
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.errors import Conflict, NotAllowed, Refused
from server.i18n import N_
from server.people.rules import Role
from server.plan import shape
from server.plan.owners import CHILDS_OWN, Who, maker_of, owner_of
from server.plan.state import State

MOST_CHANGES = 500
# How many changes of one author are kept after their tie has ended, and until how long after that:
# words of a phone that was off still come, but nobody writes over it for ever.
MOST_KEPT = 200
KEPT_FOR = timedelta(days=90)
# Where a message goes to one advocate and the child alone.
PRIVATE = "private"

_CHANGERS = frozenset({Role.CHILD, Role.CASEWORKER, Role.GUARDIAN})
_TALKERS = frozenset({Role.CHILD, Role.CASEWORKER, Role.SUPERVISOR})
_COMPLAINING = frozenset({Role.CHILD, Role.GUARDIAN})
_ANSWERING = frozenset({Role.SUPERVISOR, Role.GUARDIAN})
# The role in which a person with several roles speaks: the one with the most say first.
_SPEAKS_AS = (
    Role.CHILD,
    Role.CASEWORKER,
    Role.GUARDIAN,
    Role.SUPERVISOR,
    Role.ADVOCATE,
    Role.CARER,
)


class Said(msgspec.Struct, frozen=True):
    """One change as it came in, its value not checked yet."""

    id: str
    entity: str
    entity_id: str
    field: str
    base: str | None
    value: Any
    said_at: datetime

    def content_hash(self) -> str:
        """Tells a repeat from a reused id. SHA-256, 64 hex digits; the caller that stores it adds a
        key."""
        moment = self.said_at.astimezone(UTC).isoformat()
        parts = [self.id, self.entity, self.entity_id, self.field, self.base, self.value, moment]
        text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


class NotThere(Conflict):
    """The thing or the base has not arrived yet: the same change may be sent again later."""

    default_code = "not_there"


def speaks_as(roles: frozenset[Role]) -> Role:
    """The role in which a person with all these roles speaks."""
    return next(role for role in _SPEAKS_AS if role in roles)


def check_kept(change: Said, ended_at: datetime, room: int, now: datetime) -> None:
    """Raises where a change over a tie that ended then is not kept: it stays with its author, who
    is told what to do. The child's own words never come this way: they have no tie to themselves.
    """
    if now - ended_at >= KEPT_FOR:
        raise NotAllowed(
            N_(
                "Your time with this child ended more than 90 days ago. We cannot take this. Tell "
                "the child's caseworker what it says."
            )
        )
    shape.read_value(change.entity, change.field, change.value)
    if room <= 0:
        raise NotAllowed(
            N_(
                "We already keep 200 changes from after your time with this child. Tell the "
                "child's caseworker what this one says."
            )
        )


def may_read_kept(entity: str, to: str | None, roles: frozenset[Role]) -> bool:
    """Whether a person who decides about a change of an ended tie may read it. A complaint is only
    for the role it is addressed to (`to`), and a house is its author's until the author shows
    it."""
    if entity == "complaint":
        return to is not None and any(role.value == to for role in roles)
    # What an advocate and the child wrote to each other is theirs.
    return entity != "house" and (entity != "message" or to != PRIVATE)


def may_decide_kept(entity: str, to: str | None, roles: frozenset[Role]) -> bool:
    """Whether a person with that right decides about this one. A caseworker does not where a
    complaint is not addressed to caseworkers: otherwise the person it is about could leave it
    out."""
    if entity == "message":
        return to != PRIVATE or Role.SUPERVISOR in roles
    return entity != "complaint" or Role.SUPERVISOR in roles or may_read_kept(entity, to, roles)


def lane_of(message: Mapping[str, Any]) -> str | None:
    """The advocate these words go to alone, or come from; None: the thread of the others."""
    return message.get("advocate_id") if message.get("is_private") is True else None


def may_read_message(message: Mapping[str, Any], who: str, roles: frozenset[Role]) -> bool:
    """Whether a person reads this message. One for an advocate is for that person: the next
    advocate does not read what the child told the one before."""
    if Role.CHILD in roles or who == message.get("advocate_id"):
        return True
    return lane_of(message) is None and may_talk(roles)


def check_message(
    message: Mapping[str, Any], roles: frozenset[Role], there: Container[str]
) -> None:
    """Raises where nobody would read it: `there` are the advocates whose time is not over."""
    advocate_id, is_private = message.get("advocate_id"), message.get("is_private") is True
    if is_private and (advocate_id is None or not roles & {Role.CHILD, Role.ADVOCATE}):
        raise _not_yours("is_private")
    if advocate_id is not None and advocate_id not in there:
        raise Refused(
            N_("This advocate cannot read it any more. Choose again who it is for."),
            field="advocate_id",
        )


def may_talk(roles: frozenset[Role]) -> bool:
    """Whether a person reads and writes in the thread of the child and the caseworker."""
    return bool(roles & _TALKERS)


def check_allowed(change: Said, who: str, roles: frozenset[Role], state: State) -> None:
    """Raises NotAllowed where this person may not say this. It names the field where that is the
    child's own, or another person's, and the rest of the change would be allowed."""
    if change.entity == "choice":
        # Deciding about a field counts as saying it.
        decided = _decided(change)
        if decided is not None:
            _check_change(decided, who, roles, state)
        return
    if change.field == shape.MAKING:
        _check_made(change, who, roles, state)
        return
    _check_change(change, who, roles, state)


def _check_change(change: Said, who: str, roles: frozenset[Role], state: State) -> None:
    owner = owner_of(change.entity, change.field).change
    if owner is Who.CHILD and Role.CHILD not in roles:
        raise _childs_own(change.field)
    if owner is Who.NOBODY and change.entity in shape.SAID_ONCE:
        owner = maker_of(change.entity)  # Its shape refuses a second saying.
    if not _is_one(owner, change, who, roles, state):
        raise _not_yours()


def _check_made(change: Said, who: str, roles: frozenset[Role], state: State) -> None:
    if not _is_one(maker_of(change.entity), change, who, roles, state):
        raise _not_yours()
    made = change.value if isinstance(change.value, dict) else {}
    for name in (name for name, value in made.items() if value is not None):
        owner = owner_of(change.entity, name).make
        if owner is Who.CHILD and Role.CHILD not in roles:
            raise _childs_own(name)
        if not _is_one(owner, change, who, roles, state):
            raise _not_yours(name)
    if change.entity == "complaint" and made.get("to") in [role.value for role in roles]:
        raise _not_yours("to")


def without_unsaid(change: Said, value: Any, roles: frozenset[Role]) -> Any:
    """The value of a making, without empty fields of the child's own that an adult sent along:
    those say nothing, and must not be a voice beside the child's."""
    if Role.CHILD in roles or change.field != shape.MAKING:
        return value
    return {
        name: content
        for name, content in value.items()
        if content is not None or (change.entity, name) not in CHILDS_OWN
    }


def _is_one(owner: Who, change: Said, who: str, roles: frozenset[Role], state: State) -> bool:
    """Whether this person is one of those."""
    match owner:
        case Who.NOBODY:
            return False
        case Who.CHILD:
            return Role.CHILD in roles
        case Who.TALKERS:
            return may_talk(roles) or _is_for_oneself(change, who, roles)
        case Who.MEETING:
            return bool(roles & (_CHANGERS | {Role.ADVOCATE}))
        case Who.AUTHOR:
            return _is_by(who, change, state)
        case Who.COMPLAINING:
            return bool(roles & _COMPLAINING)
        case Who.COMPLAINANT:
            return bool(roles & _COMPLAINING) and _is_by(who, change, state)
        case Who.ANSWERING:
            return _is_answering(change, roles, state)
        case Who.WITH_ANSWERING:
            return bool(roles & _CHANGERS) or _is_about_a_complaint_to(change, roles, state)
        case Who.WITH_OWNER:
            return bool(roles & _CHANGERS) or _carries_out(change, who, roles, state)
    # Things that only the server makes are refused by their shape, with words for it.
    return bool(roles & _CHANGERS)


def _is_answering(change: Said, roles: frozenset[Role], state: State) -> bool:
    """Only the people a complaint is addressed to may answer it."""
    if not state.is_there("complaint", change.entity_id):
        return bool(roles & _ANSWERING)
    to = state.value("complaint", change.entity_id, "to")
    return to in {role.value for role in roles & _ANSWERING}


def _is_about_a_complaint_to(change: Said, roles: frozenset[Role], state: State) -> bool:
    about = state.value("review", change.entity_id, "about")
    return about is not None and state.value("complaint", about, "to") in roles


def _is_for_oneself(change: Said, who: str, roles: frozenset[Role]) -> bool:
    """An advocate writes only what they may read afterwards."""
    made = change.value if isinstance(change.value, dict) else {}
    return Role.ADVOCATE in roles and made.get("advocate_id") == who


def _carries_out(change: Said, who: str, roles: frozenset[Role], state: State) -> bool:
    return (
        bool(roles & {Role.CARER, Role.ADVOCATE})
        and state.value("step", change.entity_id, "owner_id") == who
    )


def _childs_own(name: str) -> NotAllowed:
    return NotAllowed(N_("Only the child writes this. Write your own words beside it."), field=name)


def _not_yours(name: str | None = None) -> NotAllowed:
    return NotAllowed(N_("Your role does not allow this."), field=name)


def _decided(change: Said) -> Said | None:
    """The change that a choice leads to; None where it is malformed, which another check
    reports."""
    about = change.value if isinstance(change.value, dict) else {}
    entity, entity_id, field = (about.get(name) for name in ("entity", "entity_id", "field"))
    if not (isinstance(entity, str) and isinstance(entity_id, str) and isinstance(field, str)):
        return None
    if entity not in shape.STANDS or field == shape.MAKING:
        return None
    try:
        id_ = str(UUID(entity_id))
    except ValueError:
        return None
    return replace(change, entity=entity, entity_id=id_, field=field, value=about.get("value"))


def _is_by(who: str, change: Said, state: State) -> bool:
    """Whether this person made the thing, or it is not there yet."""
    made = state.made.get((change.entity, change.entity_id))
    return made is None or made.who == who


def check_recorded(
    value: Any, who: str, roles: frozenset[Role], person_ids: Container[str]
) -> None:
    """Raises where a person may not write down this agreement of another person.

    An adult records what a child, a guardian or the agency said aloud; `person_ids` are those
    of people who can have a part in the project. A child records nobody's.
    """
    of_id = value.get("of_id")
    if of_id in (None, who):
        return
    if Role.CHILD in roles:
        raise _not_yours()
    if of_id not in person_ids or value.get("method") != "witnessed":
        raise Refused(N_("“{field}” is not valid here."), field="of_id")


def check_there(change: Said, value: Any, state: State) -> None:
    """Raises NotThere where the thing, its parent, or the base has not arrived; Refused where it
    can never fit."""
    if change.field == shape.MAKING:
        _check_making(change, value, state)
        return
    if not state.is_there(change.entity, change.entity_id):
        raise _not_there()
    if change.entity == "life_project" and change.entity_id != state.child_id:
        raise Refused(N_("“{field}” is not valid here."), field="entity_id")
    _check_hanging(change.entity, {change.field: value}, state)
    if change.base is not None:
        nodes = state.nodes.get((change.entity, change.entity_id, change.field), ())
        if not any(node.id == change.base for node in nodes):
            raise _not_there()


def _check_making(change: Said, value: Any, state: State) -> None:
    if change.base is not None:
        raise Refused(N_("“{field}” is not valid here."), field="base")
    if change.entity == "choice":
        _check_choice(value, state)
    elif change.entity == "agreement":
        if value["revision"] > state.revision:
            raise _not_there()
    else:
        _check_hanging(change.entity, value, state)


def _check_choice(value: Any, state: State) -> None:
    nodes = state.nodes.get((value["entity"], value["entity_id"], value["field"]), ())
    if not set(value["saw"]) <= {node.id for node in nodes}:
        raise _not_there()
    _check_hanging(value["entity"], {value["field"]: value["value"]}, state)


def _check_hanging(entity: str, fields: dict[str, Any], state: State) -> None:
    for name, value in fields.items():
        above = shape.HANGS_ON.get((entity, name))
        if above is not None and value is not None and not state.is_there(above, value):
            raise _not_there()


def _not_there() -> NotThere:
    return NotThere(
        N_("Something this depends on has not arrived yet. It will be sent again later.")
    )

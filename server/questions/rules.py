"""What can be asked about, who is asked, and by when there is an answer. Pure."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.errors import Refused
from server.i18n import N_
from server.people.rules import Role
from server.tasks.rules import QUESTION_WITHIN, end_of

LONGEST, LONGEST_SHOWN = 2_000, 1_000
# So many may wait for an answer at once: the person with the phone cannot flood the workers.
MOST_WAITING = 20


class About(StrEnum):
    """The list of the phone in which the entry stands."""

    LOOK = "look"
    WHY = "why"
    CHECK_IN = "check_in"
    CHANGE = "change"


class AskedOf(StrEnum):
    """The people who are asked, by their role for the child."""

    CASEWORKER = Role.CASEWORKER.value
    SUPERVISOR = Role.SUPERVISOR.value


class EntryIn(msgspec.Struct, frozen=True):
    """The entry: its list, its id there, when it was, and how the phone showed it."""

    kind: About
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    shown: Annotated[str, msgspec.Meta(max_length=LONGEST_SHOWN)] = ""


class QuestionRequest(msgspec.Struct, frozen=True):
    """A question about an entry. The phone makes the id: the same one again changes nothing. `to`:
    who is asked; a child may go past their own caseworker."""

    id: UUID
    about: EntryIn
    words: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    to: AskedOf = AskedOf.CASEWORKER


def cleaned(words: str, *, field: str = "words") -> str:
    """The words without blanks around them. Raises Refused where there are none, or too many."""
    text = words.strip()
    if not text:
        raise Refused(N_("Write your question first."), field=field)
    if len(text) > LONGEST:
        raise Refused(N_("Write it in up to 2,000 characters."), field=field)
    return text


def cleaned_answer(words: str) -> str:
    """The same for what an adult answers."""
    text = words.strip()
    if not text:
        raise Refused(N_("Write an answer for the child."), field="answer")
    if len(text) > LONGEST:
        raise Refused(N_("Write it in up to 2,000 characters."), field="answer")
    return text


def content(asked: QuestionRequest, words: str) -> str:
    """Tells a question that is sent again from another one under the same id."""
    about = asked.about
    parts = [about.kind.value, about.id, about.at.timestamp(), about.shown, words, asked.to.value]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def answer_by(arrived: datetime, zone: ZoneInfo) -> datetime:
    """When an answer is due: at the end of the third day, by the child's clock, from when the
    question arrived. A phone's clock may be wrong."""
    return end_of((arrived + QUESTION_WITHIN).astimezone(zone).date(), zone)


def may_read(to: str, roles: frozenset[Role]) -> bool:
    """Whether an adult with these roles for the child reads and answers it. A question that went
    past the caseworker is for supervisors alone: it may be about the caseworker."""
    if to == AskedOf.SUPERVISOR:
        return Role.SUPERVISOR in roles
    return bool(roles & {Role.CASEWORKER, Role.SUPERVISOR})

"""Rules of a transfer between agencies. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

import msgspec

from server.errors import Refused
from server.i18n import N_


class State(StrEnum):
    """The state of a transfer. Until it is accepted, everything stays with the agency that offered
    it."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"


class Because(StrEnum):
    """Why a person must not learn something (Primero's consent form has the first two)."""

    FEAR = "fear"
    TELLS_ITSELF = "tells_itself"
    LAW = "law"
    OTHER = "other"


# The code is told by telephone to a person who may have to wait for a decision.
CODE_LASTS = timedelta(days=7)
CODE_LENGTH = 8
# Without an answer after this long, the agency telephones: within hours while the child is missing.
ANSWER_WITHIN, ANSWER_WHILE_MISSING = timedelta(days=1), timedelta(hours=2)
LONGEST = 2_000
MOST_WITHHELD = 20


class Withheld(msgspec.Struct, frozen=True):
    """A fact that a person must not learn."""

    what: str
    whom: str
    because: Because


def words(text: str | None, field: str) -> str:
    """A required text. Raises Refused."""
    stripped = (text or "").strip()
    if not stripped:
        raise Refused(N_("Give a reason, for the people who come after you."), field=field)
    if len(stripped) > LONGEST:
        raise Refused(N_("Write up to {most} characters."), field=field, most=LONGEST)
    return stripped


def words_or_none(text: str | None, field: str) -> str | None:
    """The same for a text that is not required."""
    return words(text, field) if text and text.strip() else None


def checked(withheld: Sequence[Withheld]) -> list[dict[str, str]]:
    """The list in the form that we store. Raises Refused for half a line, and for too many."""
    if len(withheld) > MOST_WITHHELD:
        raise Refused(
            N_("You can enter up to {most}. Combine some of them."),
            field="withheld",
            most=MOST_WITHHELD,
        )
    rows = []
    for entry in withheld:
        what, whom = entry.what.strip(), entry.whom.strip()
        if not what or not whom:
            raise Refused(
                N_("Enter both: what must stay private, and who must not know."), field="withheld"
            )
        if max(len(what), len(whom)) > LONGEST:
            raise Refused(N_("Write up to {most} characters."), field="withheld", most=LONGEST)
        rows.append({"what": what, "whom": whom, "because": entry.because.value})
    return rows

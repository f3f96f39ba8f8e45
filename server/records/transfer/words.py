"""The words of a transfer: its states, reasons and clocks."""

from collections.abc import Mapping
from datetime import datetime

from server.i18n import N_, gettext
from server.records.transfer.rules import Because, State
from server.tasks.rules import Kind as DueKind
from server.tasks.turns import WORDS, until

STATES: Mapping[State, str] = {
    State.OFFERED: N_("Waiting for an answer"),
    State.ACCEPTED: N_("Transferred"),
    State.REFUSED: N_("Declined"),
    State.TAKEN_BACK: N_("Taken back"),
}
BECAUSE: Mapping[Because, str] = {
    Because.FEAR: N_("The child is afraid of harm from it"),
    Because.TELLS_ITSELF: N_("The child wants to say it themselves"),
    Because.LAW: N_("A law or a court requires it"),
    Because.OTHER: N_("Another reason"),
}


def withheld_in_words(rows: list[dict[str, str]], language: str) -> list[tuple[str, str, str]]:
    return [
        (row["what"], row["whom"], gettext(language, BECAUSE[Because(row["because"])]))
        for row in rows
    ]


def clock(kind: str, due_at: datetime, language: str) -> tuple[str, datetime]:
    return gettext(language, WORDS[DueKind(kind)]), until(DueKind(kind), due_at)

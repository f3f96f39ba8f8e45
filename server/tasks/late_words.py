"""Late tasks in a few words: how many of which sort. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from server.i18n import N_, gettext, ngettext
from server.tasks.rules import (
    OF_A_RETURN,
    OF_A_SEARCH,
    OF_A_SHIFT,
    OF_AN_ABSENCE,
    OF_AN_ADVOCATE,
    STRATEGY,
    Kind,
)


class Sort(StrEnum):
    """What people call alike."""

    REQUEST = "request"
    SEARCH = "search"
    HANDOVER = "handover"
    RETURN = "return"
    FLAG = "flag"
    PROMISE = "promise"
    ANSWER = "answer"
    MEETING = "meeting"
    PROJECT = "project"
    ABSENCE = "absence"
    PACK = "pack"
    ADVOCATE = "advocate"
    TRANSFER = "transfer"


_ANSWERS = {Kind.REPLY, Kind.ANSWER, Kind.RHYTHM, Kind.ABSENCE, Kind.QUESTION}
# These two are a call to the police, and a look at the whole search.
_MEETINGS = {Kind.REVIEW, Kind.PLAN_REVIEW, *STRATEGY} - {Kind.STRATEGY_24H, Kind.STRATEGY_3M}
_SORTS: Mapping[Kind, Sort] = {
    **dict.fromkeys(OF_A_SEARCH, Sort.SEARCH),
    **dict.fromkeys(OF_A_RETURN, Sort.RETURN),
    **dict.fromkeys(OF_A_SHIFT, Sort.HANDOVER),
    **dict.fromkeys(_ANSWERS, Sort.ANSWER),
    **dict.fromkeys(_MEETINGS, Sort.MEETING),
    **dict.fromkeys(OF_AN_ABSENCE, Sort.ABSENCE),
    **dict.fromkeys(OF_AN_ADVOCATE, Sort.ADVOCATE),
    Kind.APPROVAL: Sort.REQUEST,
    Kind.FLAG: Sort.FLAG,
    Kind.STEP: Sort.PROMISE,
    Kind.END: Sort.PROJECT,
    Kind.PACK: Sort.PACK,
    Kind.TRANSFER: Sort.TRANSFER,
}


_WORDS: Mapping[Sort, Callable[[str, int], str]] = {
    Sort.REQUEST: lambda language, n: ngettext(
        language, "{n} request waits", "{n} requests wait", n
    ),
    Sort.SEARCH: lambda language, n: ngettext(
        language, "{n} step of the search is late", "{n} steps of the search are late", n
    ),
    Sort.HANDOVER: lambda language, n: ngettext(
        language, "{n} search handover is late", "{n} search handovers are late", n
    ),
    Sort.RETURN: lambda language, n: ngettext(
        language, "{n} step after the return is late", "{n} steps after the return are late", n
    ),
    Sort.FLAG: lambda language, n: ngettext(language, "{n} flag is late", "{n} flags are late", n),
    Sort.PROMISE: lambda language, n: ngettext(
        language, "{n} promise is late", "{n} promises are late", n
    ),
    Sort.ANSWER: lambda language, n: ngettext(
        language, "{n} answer is late", "{n} answers are late", n
    ),
    Sort.MEETING: lambda language, n: ngettext(
        language, "{n} meeting is late", "{n} meetings are late", n
    ),
    Sort.PROJECT: lambda language, n: ngettext(
        language, "{n} life project needs a decision", "{n} life projects need a decision", n
    ),
    Sort.ABSENCE: lambda language, n: ngettext(
        language, "{n} absence is not checked yet", "{n} absences are not checked yet", n
    ),
    Sort.PACK: lambda language, n: ngettext(
        language, "{n} grab pack is not checked yet", "{n} grab packs are not checked yet", n
    ),
    Sort.ADVOCATE: lambda language, n: ngettext(
        language,
        "{n} question about the advocate waits",
        "{n} questions about the advocate wait",
        n,
    ),
    Sort.TRANSFER: lambda language, n: ngettext(
        language, "{n} transfer has no answer yet", "{n} transfers have no answer yet", n
    ),
}


def in_short(kinds: Sequence[Kind], language: str) -> str:
    """ "1 promise is late, 2 answers are late"; empty without any."""
    counts = Counter(_SORTS[kind] for kind in kinds)
    parts = [_WORDS[sort](language, counts[sort]) for sort in Sort if counts[sort]]
    return gettext(language, N_(", ")).join(parts)

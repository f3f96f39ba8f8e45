"""What the bar of silence says: on its handles, and as a list beside it. Pure.

`{span}` is the number that a handle changes, `{total}` the moment that follows from it. The script
of the page fills the same sentences.
"""

from collections.abc import Mapping
from datetime import timedelta

from server.i18n import N_, format_span, format_unit, gettext

_PLAIN: Mapping[str, str] = {
    "remind_before": N_("First reminder {span} before the check-in is due."),
    "remind_again": N_("Second reminder {span} after it was due."),
    "last_call": N_("We ask the child once more, {span} before we call adults."),
    "last_call_late": N_("We ask the child once more, {span} before we call adults."),
    "call": N_("The carer has {span} to answer. We call adults {total} after it was due."),
    "carer": N_("We ask the carer at the latest {total} after we last heard from the child."),
    "ceiling": N_("We call adults at the latest {span} after we last heard from the child."),
}
_LATE: Mapping[str, str] = {
    "asks": N_("Late after {span}. We ask the carer. If there is none, we call adults."),
    "at_once": N_("Late after {span}. We call adults."),
    "weighs": N_(
        "Late after {span}. From then on, we weigh how unusual the silence is for the child."
    ),
}
_EACH = N_("If nobody takes it, we call the next one every {span}.")
_MISSES = N_("In any case, we call adults after {n} missed check-ins in a row.")


def due(language: str) -> str:
    """The label of the moment from which the first clock counts."""
    return gettext(language, N_("due"))


def patterns(code: str, language: str) -> dict[str, str]:
    """The sentence of a mark by the shape of the level, with its places still open."""
    if code == "late":
        return {shape: gettext(language, words) for shape, words in _LATE.items()}
    return {"": gettext(language, _PLAIN[code])}


def sentence(code: str, shape: str, own: int, at: int, language: str) -> str:
    """What happens at a mark: `own` is its duration and `at` its moment, in seconds."""
    words = _LATE[shape] if code == "late" else _PLAIN[code]
    return gettext(language, words, span=_span(own, language), total=_span(at, language))


def each(seconds: int, language: str) -> str:
    """How soon the next ones are called."""
    return gettext(language, _EACH, span=_span(seconds, language))


def misses(number: int, language: str) -> str:
    """The plain rule beside what is usual for the child."""
    return gettext(language, _MISSES, n=number)


def _span(seconds: int, language: str) -> str:
    if seconds % 60:  # Trainings run in seconds.
        return format_unit(language, abs(seconds), "second", "long")
    return format_span(language, timedelta(seconds=abs(seconds)), is_long=True)

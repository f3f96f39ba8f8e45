"""The signals in words: one sentence for the page of the child, a few words for the board. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from server.i18n import N_, format_span, gettext, ngettext
from server.watch.signals.rules import Changed, Code
from server.watch.signals.warning_signs import SIGNS

SHORT: Mapping[Code, str] = {
    Code.OBSERVATIONS: N_("adults noticed something"),
    Code.NEW_PHONE: N_("a new phone"),
    Code.OTHER_LANGUAGE: N_("another language"),
    Code.SHARED_QUESTION: N_("a different answer to the shared question"),
    Code.REGULAR_ANSWERS: N_("answers at the same minute"),
    Code.LATER_ANSWERS: N_("answers later"),
    Code.FEWER_ANSWERS: N_("answers less often"),
    Code.LOWER_MOOD: N_("lower mood"),
    Code.MISSED_DATES: N_("a missed meeting"),
    Code.BROKEN_PROMISES: N_("a broken promise"),
    Code.STALLED_GOALS: N_("a goal with no progress"),
}
# Sentences that need only the name of the child.
_ABOUT: Mapping[Code, str] = {
    Code.NEW_PHONE: N_("Another phone was paired for {name}."),
    Code.OTHER_LANGUAGE: N_("Another language was chosen on {name}'s phone."),
    Code.SHARED_QUESTION: N_(
        "{name} answered your shared question differently from what you agreed."
    ),
    Code.REGULAR_ANSWERS: N_(
        "{name} answers at nearly the same minute each time. Before, it varied."
    ),
    Code.FEWER_ANSWERS: N_("{name} answers less often than in the month before."),
    Code.LOWER_MOOD: N_("{name}'s mood is lower than in the month before."),
}
_HALF_AN_HOUR = timedelta(minutes=30)


def sentence(change: Changed, name: str, language: str) -> str:
    """What a signal says to the worker."""
    if change.code in _ABOUT:
        return gettext(language, _ABOUT[change.code], name=name)
    if change.code is Code.OBSERVATIONS:
        # Each is a phrase of its own, with commas in it.
        signs = " · ".join(gettext(language, SIGNS.get(sign, sign)) for sign in change.signs)
        return gettext(language, N_("Adults noticed: {signs}."), signs=signs)
    if change.code is Code.LATER_ANSWERS:
        halves = max(round(change.span / _HALF_AN_HOUR), 1)
        span = format_span(language, halves * _HALF_AN_HOUR)
        msgid = N_("{name} answers about {span} later than in the month before.")
        return gettext(language, msgid, name=name, span=span)
    return _counted(change, language)


def _counted(change: Changed, language: str) -> str:
    match change.code:
        case Code.MISSED_DATES:
            return ngettext(
                language,
                "{n} review or meeting did not take place on time.",
                "{n} reviews or meetings did not take place on time.",
                change.n,
            )
        case Code.BROKEN_PROMISES:
            return ngettext(
                language,
                "Adults did not keep {n} promise in time.",
                "Adults did not keep {n} promises in time.",
                change.n,
            )
        case _:  # Code.STALLED_GOALS
            return ngettext(
                language,
                "{n} goal has made no progress.",
                "{n} goals have made no progress.",
                change.n,
            )


def in_short(changes: Sequence[Changed], language: str) -> str:
    """ "Changed: answers later, a new phone"; empty if nothing has changed."""
    if not changes:
        return ""
    words = gettext(language, N_(", ")).join(
        gettext(language, SHORT[change.code]) for change in changes
    )
    return gettext(language, N_("Changed: {what}"), what=words)

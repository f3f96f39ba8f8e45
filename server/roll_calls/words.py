"""What people read about roll calls. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from server.alerts.words import HOME_SAID
from server.i18n import N_, gettext
from server.policy.roll_call import Word
from server.roll_calls.calling import Contact
from server.watch.forecast import Foreseen, Then
from server.watch.wording import when

WORDS: Mapping[Word, str] = {
    Word.HERE: N_("Here"),
    Word.NOT_HERE: N_("Not here"),
    Word.EXCUSED: N_("Away with permission"),
    Word.UNKNOWN: N_("Don't know"),
}
# The parts of "9 here, 1 not here, 2 with permission", in this order.
SUMS: Mapping[Word, str] = {
    Word.HERE: N_("{n} here"),
    Word.NOT_HERE: N_("{n} not here"),
    Word.EXCUSED: N_("{n} with permission"),
    Word.UNKNOWN: N_("{n} unknown"),
}
# The same as a line among other events.
SAID: Mapping[Word, str] = {
    Word.HERE: N_("The home said: here"),
    Word.NOT_HERE: HOME_SAID,
    Word.EXCUSED: N_("The home said: away with permission"),
    Word.UNKNOWN: N_("The home said: don't know"),
}
LAST_TIME: Mapping[Word, str] = {
    Word.NOT_HERE: N_("Last time: not here"),
    Word.EXCUSED: N_("Last time: with permission"),
    Word.UNKNOWN: N_("Last time: don't know"),
}
_WE_CALLED = N_("An alert is open.")
_FOLLOWS: Mapping[Then, str] = {
    Then.CALLED: _WE_CALLED,
    Then.KNOWN: _WE_CALLED,
    Then.NOTHING: N_("No check-in is late, so we call nobody yet."),
    Then.OVER: N_("We are not watching check-ins now, so we call nobody."),
}
# One for a time today, and one for another day, which includes the name of the day.
_LATER = (
    N_("If we hear nothing, we call adults at {time}."),
    N_("If we hear nothing, we call adults: {time}."),
)
_NOT_YET = N_("We do not call anyone yet.")


def follows(seen: Foreseen, language: str, zone: ZoneInfo, now: datetime) -> str:
    """What follows from "not here", in one sentence."""
    if seen.then in _FOLLOWS:
        return gettext(language, _FOLLOWS[seen.then])
    if seen.called_at is None:
        return gettext(language, _NOT_YET)
    is_today = seen.called_at.astimezone(zone).date() == now.astimezone(zone).date()
    time = when(language, seen.called_at, zone, now)
    return gettext(language, _LATER[not is_today], time=time)


def stays_open(word: Word | None, child: str, contacts: Sequence[Contact], language: str) -> str:
    """That the alert about a child stays open although the home now says something else, and which
    adult to tell."""
    if not contacts:
        return gettext(language, N_("The alert stays open until an adult has confirmed it."))
    sentence = N_("The alert stays open. Tell {name} what you know about {child}.")
    if word is Word.HERE:
        sentence = N_("The alert stays open. Tell {name} that {child} is here.")
    return gettext(language, sentence, name=contacts[0].name, child=child)

"""What people read about roll calls. Pure."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from server.i18n import N_, gettext
from server.policy.roll_call import Word
from server.watch.forecast import Foreseen, Then
from server.watch.wording import when

WORDS: Mapping[Word, str] = {
    Word.HERE: N_("Here"),
    Word.NOT_HERE: N_("Not here"),
    Word.EXCUSED: N_("Away with permission"),
    Word.UNKNOWN: N_("Don't know"),
}
LAST_TIME: Mapping[Word, str] = {
    Word.NOT_HERE: N_("Last time: not here"),
    Word.EXCUSED: N_("Last time: with permission"),
    Word.UNKNOWN: N_("Last time: don't know"),
}
_WE_CALLED = N_("An alert is open, and we are calling adults.")
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

"""How long a flag may be, and until when. Pure."""

from datetime import datetime, timedelta

from server.errors import Refused
from server.i18n import N_

LONGEST_WORDS = 500
USUAL = timedelta(days=7)
LONGEST = timedelta(days=90)
# Of one child at a time: a longer list is read by nobody.
MOST_OPEN = 50


def checked_words(text: str) -> str:
    """What the flag says. Raises Refused."""
    words = text.strip()
    if not words:
        raise Refused(N_("Write what has to be done."), field="words")
    if len(words) > LONGEST_WORDS:
        raise Refused(N_("Write up to 500 characters."), field="words")
    return words


def checked_end(until_at: datetime, now: datetime) -> datetime:
    """Until when it has to be done. Raises Refused."""
    if until_at <= now:
        raise Refused(N_("This time has passed. Choose a later one."), field="until_at")
    # A day that is chosen ends at midnight: so the last day counts whole.
    if until_at - now > LONGEST + timedelta(days=1):
        raise Refused(N_("Choose a day within the next 90 days."), field="until_at")
    return until_at

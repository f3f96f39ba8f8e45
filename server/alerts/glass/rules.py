"""The rules of breaking the glass: how long, how often, and what counts as a reason. Pure."""

from datetime import datetime, timedelta

from server.errors import Refused, TooMany
from server.i18n import N_

OPEN_FOR = timedelta(minutes=60)
# In any 24 hours, so that midnight does not double it.
MOST, WITHIN = 5, timedelta(hours=24)
SHORTEST_REASON = 3  # Words.
LONGEST_REASON = 500  # Characters.
LONGEST_TEXT = 200  # Characters of a name or reference.

_TOO_MANY = N_(
    "You have done this {most} times in 24 hours. Call the people on duty, or the child's"
    " supervisor."
)


def reason_of(text: str) -> str | None:
    """The reason as we store it; None where it is none. Raises Refused beyond the stored length."""
    reason = text.strip()
    if len(reason) > LONGEST_REASON:
        raise Refused(N_("Write up to {most} characters."), field="reason", most=LONGEST_REASON)
    return reason if len(reason.split()) >= SHORTEST_REASON else None


def check_count(opened: list[datetime], now: datetime) -> None:
    """Raises TooMany where as many were opened within 24 hours as one person may."""
    latest = sorted(at for at in opened if at > now - WITHIN)
    if len(latest) >= MOST:
        again = latest[-MOST] + WITHIN - now
        raise TooMany(_TOO_MANY, most=MOST, retry_after_s=int(again.total_seconds()) + 1)

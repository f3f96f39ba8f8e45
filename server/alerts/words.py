"""What an alert is about and how it ended, as people read it."""

from collections.abc import Mapping
from uuid import UUID

from server.alerts.ladder import Cause, Outcome
from server.errors import See
from server.i18n import N_

CAUSES: Mapping[Cause, str] = {
    Cause.SILENCE: N_("No answer"),
    Cause.HELP: N_("Asked for help"),
    Cause.CONCERN: N_("Needs checking"),
    Cause.TALK: N_("Wants to talk"),
    Cause.MISSING: N_("Missing"),
}
# The watch, a later room, opens it for this reason: `Why.NOT_HERE`.
NOT_HERE = "not_here"
HOME_SAID = N_("The home said: not here")
TITLES: Mapping[str, str] = {
    **{cause.value: words for cause, words in CAUSES.items()},
    NOT_HERE: HOME_SAID,
}
OUTCOMES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.SEEN: (N_("Seen"), N_("The child was seen face to face.")),
    Outcome.SPOKE: (N_("Spoken to"), N_("Someone spoke with the child.")),
    Outcome.LATE_ANSWER: (
        N_("Answered late"),
        N_("The child answered, and the answer is believable."),
    ),
    Outcome.KNOWN_ELSEWHERE: (
        N_("Safe elsewhere"),
        N_("The child is somewhere else, and a person there confirms it."),
    ),
    Outcome.TECHNICAL: (N_("A technical fault"), N_("We know that the child is well.")),
    Outcome.MISSING: (N_("Missing"), N_("We call everyone at once.")),
    Outcome.DURESS: (N_("Answered under pressure"), N_("The child was forced to answer.")),
}


def about(cause: str, reason: str) -> str:
    """The code of what an alert is about: its cause, or that a home said "not here"."""
    return NOT_HERE if cause == Cause.SILENCE and reason == NOT_HERE else cause


def title_of(cause: str, reason: str) -> str:
    """What an alert is about, to be translated."""
    return TITLES[about(cause, reason)]


def way_to(alert_id: UUID | None) -> See | None:
    """The page of this alert; None where no alert is open yet."""
    return See(f"/desk/alerts/{alert_id}", N_("Open the alert")) if alert_id else None

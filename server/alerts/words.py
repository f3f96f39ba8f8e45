"""What an alert is about and how it ended, as people read it."""

from collections.abc import Mapping

from server.alerts.ladder import Cause, Outcome
from server.i18n import N_

CAUSES: Mapping[Cause, str] = {
    Cause.SILENCE: N_("No answer"),
    Cause.HELP: N_("Asked for help"),
    Cause.CONCERN: N_("Needs a look"),
    Cause.TALK: N_("Wants to talk"),
    Cause.MISSING: N_("Missing"),
}
OUTCOMES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.SEEN: (N_("Seen"), N_("Somebody saw the child, face to face.")),
    Outcome.SPOKE: (N_("Spoken to"), N_("Somebody spoke to the child.")),
    Outcome.LATE_ANSWER: (N_("Answered late"), N_("The child answered, and it is believable.")),
    Outcome.KNOWN_ELSEWHERE: (
        N_("Safe elsewhere"),
        N_("The child is somewhere else, and somebody there confirms it."),
    ),
    Outcome.TECHNICAL: (N_("A technical fault"), N_("And the child is known to be well.")),
    Outcome.MISSING: (N_("Missing"), N_("Everyone is called at once.")),
    Outcome.DURESS: (N_("Not freely answered"), N_("Somebody made the child answer.")),
}

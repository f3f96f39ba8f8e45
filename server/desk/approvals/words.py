"""What a request to a second person says. What is asked is worded here, since it is of several
rooms."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from server.alerts.ladder import Outcome
from server.alerts.words import OUTCOMES
from server.approvals.models import Approval
from server.approvals.rules import State, What
from server.i18n import N_, gettext, ngettext
from server.people.rules import Leaving
from server.watch.rhythm.summary import REASONS
from server.watch.wording import when

# The question, what the yes does, and what goes on until then.
QUESTIONS: Mapping[What, str] = {
    What.END: N_("End {name}'s placement?"),
    What.ABSENCE: N_("A long absence for {name}?"),
    What.CLOSE: N_("Close the alert about {name}?"),
}
YES: Mapping[What, str] = {
    What.END: N_("Yes, end the placement"),
    What.ABSENCE: N_("Yes, agree to the absence"),
    What.CLOSE: N_("Yes, close the alert"),
}
MEANWHILE: Mapping[What, str] = {
    What.END: N_(
        "Until then, the watch over the child goes on. You can block a phone at any time."
    ),
    What.ABSENCE: N_(
        "Until then, we ask for check-ins as before. Ending an absence early needs no second"
        " person."
    ),
    What.CLOSE: N_(
        "Until then, the alert stays open with the person who has it. When their time is over, we"
        " call others again. Once a person has seen the child, one person can close it."
    ),
}
IN_SHORT: Mapping[What, str] = {
    What.END: N_("{name} asks a second person: end the placement?"),
    What.ABSENCE: N_("{name} asks a second person: agree to a long absence?"),
    What.CLOSE: N_("{name} asks a second person: close the alert?"),
}
# Why a request did not fit any more.
OVERTAKEN: Mapping[str, str] = {
    "closed": N_("The alert was closed in the meantime. Nothing else was done."),
    "seen": N_("The child was seen in the meantime. Close the alert as “Seen”."),
    "missed": N_(
        "Another check-in was missed in the meantime, so the alert stays open. Look at it again."
    ),
    "decided": N_(
        "The child's request was answered, changed or taken back in the meantime. Nothing else was"
        " done."
    ),
    "ended": N_("The placement has changed in the meantime. Nothing else was done."),
    "transfer": N_("Another agency looks after the child now. Nothing else was done."),
}
NO_LONGER = N_("This no longer fits, so nothing was done. Ask again if it is still needed.")


def facts_of(
    approval: Approval, language: str, zone: ZoneInfo, now: datetime
) -> list[tuple[str, str]]:
    """What exactly is asked, as labels and values."""
    content = approval.content

    def shown(name: str) -> str:
        return when(language, datetime.fromisoformat(content[name]), zone, now)

    match What(approval.what):
        case What.END:
            phones = N_("We block them") if content["shut_out"] else N_("They stay connected")
            rows = [
                (N_("Why does it end?"), gettext(language, REASONS[Leaving(content["why"])])),
                (N_("Since when?"), shown("at")),
                (N_("Phones"), gettext(language, phones)),
            ]
        case What.ABSENCE:
            returns = N_("yes") if content["returns"] else N_("no")
            rows = [
                (N_("Away"), f"{shown('from_at')} – {shown('until_at')}"),
                (N_("Length"), _days(content, language)),
                (N_("Check-in at the end"), gettext(language, returns)),
            ]
            rows += (
                [(N_("Answer to the child"), answer)] if (answer := content.get("answer")) else []
            )
        case What.CLOSE:
            title, hint = OUTCOMES[Outcome(content["outcome"])]
            rows = [
                (N_("How did it end?"), gettext(language, title)),
                (N_("That means"), gettext(language, hint)),
            ]
    return [(gettext(language, label), value) for label, value in rows]


def _days(content: Mapping[str, str], language: str) -> str:
    begin, end = (datetime.fromisoformat(content[name]) for name in ("from_at", "until_at"))
    return ngettext(language, "{n} day", "{n} days", (end - begin).days)


def outcome_of(
    approval: Approval,
    names: Mapping[object, str],
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> str:
    """What has become of it, in a sentence; empty while it waits."""
    if approval.state == State.WAITING:
        return ""
    if approval.state == State.OVERTAKEN:
        return gettext(language, OVERTAKEN.get(approval.why or "", NO_LONGER))
    sentences = {
        State.YES: N_("{name} said yes, {time}. It is done."),
        State.NO: N_("{name} said no, {time}. Nothing was changed."),
        State.WITHDRAWN: N_("{name} took this request back, {time}. Nothing was changed."),
    }
    assert approval.decided_at is not None
    return gettext(
        language,
        sentences[State(approval.state)],
        name=names.get(approval.decided_by, ""),
        time=when(language, approval.decided_at, zone, now),
    )

"""What the values of a policy are called, and how a page shows them. Pure."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server.i18n import N_, format_list, format_number, format_span, gettext
from server.policy.budget import Adapt
from server.policy.levels import Does
from server.policy.model import Rung, Tier
from server.watch.calendar.milestones import WORDS, What
from server.watch.signals.rules import Code
from server.watch.wording import TIERS

DURATION = re.compile(r"([0-9]{1,7}) ?([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
UNITS: Mapping[str, str] = {
    "s": N_("seconds"),
    "m": N_("minutes"),
    "h": N_("hours"),
    "d": N_("days"),
}
DOES: Mapping[Does, str] = {
    Does.SETTLES: N_("counts as the check-in"),
    Does.VOUCHES: N_("counts as seen, not as the check-in"),
    Does.HOLDS: N_("delays the next step for a while"),
    Does.SOFTENS: N_("delays calling adults a little"),
    Does.NOTHING: N_("changes nothing"),
}
ADAPTS: Mapping[str, str] = {
    Adapt.NEVER: N_("nothing"),
    Adapt.PROPOSE: N_("propose new numbers"),
    Adapt.WITHIN_LIMITS: N_("adapt within limits"),
}
USED = "used"
LABELS: Mapping[str, str] = {
    "from": N_("From"),
    "until": N_("Until"),
    "remind_before": N_("First reminder, before an answer is due"),
    "remind_again": N_("Second reminder, after it was due"),
    "grace": N_("Late, after it was due"),
    "carer_window": N_("The carer must answer within"),
    "carer_from": N_("Ask the carer from"),
    "carer_until": N_("Ask the carer until"),
    "professional": N_("Seen by a professional"),
    "school": N_("Seen by the school"),
    "carer": N_("Seen by the carer"),
    "app_seen": N_("The app was open"),
    "sms": N_("The agreed word by SMS"),
    "link": N_("An answer through a link"),
    "card": N_("The child's card and PIN"),
    "holds_for": N_("The next step is delayed by"),
    "softens_for": N_("Call adults later, at most this long after it was late"),
    "after_pass": N_("After an absence: time until late, then for the carer to answer, at most"),
    "last_call": N_("Ask the child once more before calling adults"),
    "last_question": N_("Before calling adults, one more question: to be answered within"),
    "after_misses": N_("Call adults after this many missed check-ins in a row"),
    "ceiling": N_("Longest silence"),
    "rungs": N_("Who we call, in order"),
    "each": N_("If nobody takes it, call the next one after"),
    "lapse": N_("“I'll take it” lasts for"),
    "decide": N_("Decide within"),
    "asks_carer": N_("Ask the carer first"),
    "days": N_("days to look back"),
    "least": N_("at least this many"),
    "asks": N_("ask the carer"),
    "by": N_("changed by"),
    "span": N_("later by"),
    "tier": N_("watch level"),
    "before": N_("time before the day"),
    "after": N_("time after the day"),
    "children": N_("One message for all, from this many children"),
    "window": N_("Late within this time of each other"),
    USED: N_("Weigh how unusual the silence is for this child"),
    "leaves": N_("Share of children who leave in a day"),
    "ask": N_("Ask the carer when the risk reaches"),
    "page": N_("Call adults when the risk reaches"),
    "ask_again": N_("If the carer does not answer, ask again after"),
    "ask_before": N_("In any case, ask the carer this long before the longest silence"),
    "not_seen": N_("“Could not find” multiplies the risk by"),
    "seen": N_("“Seen” multiplies the risk by"),
    "sign": N_("A warning sign makes leaving this many times as likely"),
    "sign_lasts": N_("A warning sign counts for"),
    "left_before": N_("Having been missing before makes leaving this many times as likely"),
    "silent_phone": N_("Ask the carer at once if the phone shows no reminders"),
    "pages": N_("False alarms that one worker can bear in a week"),
    "adapt": N_("What we do after each week"),
    "learns": N_("Learn how often words are wrong"),
}
# Of roll calls and witnesses, where the key alone would say something else.
ROLL_CALLS: Mapping[str, str] = {
    "roll_call.at": N_("Each home is asked who is there, at"),
    "roll_call.holds_for": N_("“Here” delays calling adults, at most by"),
    "roll_call.instead_of_carer": N_("Ask the home about a child who has no carer"),
    "roll_call.day.here": N_("By day, “here” multiplies the risk by"),
    "roll_call.day.not_here": N_("By day, “not here” multiplies the risk by"),
    "roll_call.day.excused": N_("By day, “with permission” multiplies the risk by"),
    "roll_call.day.unknown": N_("By day, “don't know” multiplies the risk by"),
    "roll_call.night.here": N_("By night, “here” multiplies the risk by"),
    "roll_call.night.not_here": N_("By night, “not here” multiplies the risk by"),
    "roll_call.night.excused": N_("By night, “with permission” multiplies the risk by"),
    "roll_call.night.unknown": N_("By night, “don't know” multiplies the risk by"),
    "witness.at": N_("A trial on past events asks them at"),
    "witness.here": N_("“Here” multiplies the risk by"),
    "witness.not_here": N_("“Not here” multiplies the risk by"),
    "witness.holds_for": N_("“Here” delays calling adults, at most by"),
}
SIGNALS: Mapping[Code, str] = {
    Code.LATER_ANSWERS: N_("Answers come later"),
    Code.FEWER_ANSWERS: N_("Fewer answers"),
    Code.LOWER_MOOD: N_("Lower mood"),
    Code.MISSED_DATES: N_("Missed reviews and meetings"),
    Code.STALLED_GOALS: N_("Goals with no progress"),
    Code.BROKEN_PROMISES: N_("Promises that adults did not keep"),
    Code.OBSERVATIONS: N_("What adults noticed"),
    Code.NEW_PHONE: N_("A new phone"),
    Code.OTHER_LANGUAGE: N_("Another language on the phone"),
    Code.SHARED_QUESTION: N_("Different answer to the shared question"),
    Code.REGULAR_ANSWERS: N_("Answers at the same minute"),
}
HINTS: Mapping[str, str] = {
    "grace": N_("Then the board shows it, and we ask the carer."),
    "carer_window": N_("Then we call the caseworker."),
    "carer_from": N_("Enter the same time twice to allow any hour."),
    "professional": N_("The child's own answer always counts as the check-in."),
    "holds_for": N_("Then we ask the carer again."),
    "softens_for": N_("We ask the carer again before that. The longest silence does not change."),
    "after_pass": N_("Leave empty to use the same time as on other days."),
    "last_call": N_("Leave empty to skip this."),
    "last_question": N_("Leave empty to skip this."),
    "seen": N_("Where it counts as seen, not as the check-in."),
    "after_misses": N_(
        "Whatever is usual for the child. With 1 we call at each miss, and do not ask the carer"
        " first. Leave empty to skip this."
    ),
    "ceiling": N_("Nothing can extend it. After that, we call a person."),
    USED: N_("If not, we ask the carer after each missed check-in."),
    "ask": N_("0.05 means 1 child who has gone for every 20 who forgot."),
    "by": N_("For answers, 0.25 means a quarter fewer. For moods, it is how many faces lower."),
    "not_seen": N_("At 1000 we call adults at once."),
    "asks": N_(
        "We ask as soon as a check-in is late, at a level that weighs what is usual for the"
        " child. We call nobody."
    ),
    "before": N_("Leave empty to start on the day itself."),
    "decide": N_("Confirm safe, or report missing. Leave empty for no reminder."),
    "pages": N_("A worker has 20 children here."),
    "adapt": N_(
        "Only the risk at which we call adults changes. The longest silence never does. One person"
        " alone cannot change the numbers by how they close alerts."
    ),
    "learns": N_(
        "If a home often says “not here” of children who only come late, its “not here” counts for"
        " less at that hour. No word alone changes the longest silence."
    ),
}
_ROLL_CALL_HINTS: Mapping[str, str] = {
    "roll_call.at": N_("The home's own time. Separate times with commas."),
    "roll_call.holds_for": N_("The longest silence does not change."),
    "roll_call.instead_of_carer": N_(
        "When a carer would be asked, we ask the people who work in the home about this one child."
    ),
    "witness.at": N_("The child's own time. Separate times with commas."),
    "witness.holds_for": N_("The longest silence does not change."),
}


def key_of(name: str) -> str:
    """The last part of a name: what it is, without the tier."""
    return name.rpartition(".")[2]


def label_of(name: str, language: str) -> str:
    """What a value is called."""
    if name in ROLL_CALLS:
        return gettext(language, ROLL_CALLS[name])
    key, about = key_of(name), _about(name, language)
    if about:
        what = gettext(language, LABELS[key]) if key in LABELS else ""
        if not what:
            return about
        return gettext(language, N_("{signal}: {what}"), signal=about, what=what)
    word = LABELS.get(key)
    return gettext(language, word) if word else key.replace("_", " ").capitalize()


def hint_of(name: str, language: str) -> str:
    """What a form says below a value; empty where the name says it all."""
    table, _, _ = name.partition(".")
    is_of_words = table in ("roll_call", "witness")
    hints = _ROLL_CALL_HINTS if is_of_words else HINTS
    hint = hints.get(name if is_of_words else key_of(name))
    return gettext(language, hint) if hint else ""


def _about(name: str, language: str) -> str:
    """The signal, or the day of the calendar, that a value belongs to."""
    table, _, rest = name.partition(".")
    key = rest.partition(".")[0]
    if table == "signals" and key in set(Code):
        return gettext(language, SIGNALS[Code(key)])
    if table == "milestones" and key in set(What):
        return gettext(language, WORDS[What(key)])
    return ""


def in_words(value: Any, language: str) -> str:
    """A value as a page shows it: with its unit."""
    if value is None:
        return gettext(language, N_("not set"))
    if isinstance(value, bool):
        return gettext(language, N_("yes") if value else N_("no"))
    if isinstance(value, (int, float)):
        return format_number(language, value)
    if isinstance(value, list):
        return format_list(language, [_rung(rung, language) for rung in value])
    duration_match = DURATION.fullmatch(str(value))
    if duration_match is None:
        if value in set(Tier):
            return gettext(language, TIERS[Tier(value)][0])
        if value in set(Adapt):
            return gettext(language, ADAPTS[Adapt(value)])
        return gettext(language, DOES[Does(value)]) if value in set(Does) else str(value)
    seconds = int(duration_match[1]) * SECONDS[duration_match[2]]
    if seconds % 60:  # Trainings run in seconds; a span in words stops at minutes.
        return f"{format_number(language, seconds)} {gettext(language, UNITS['s'])}"
    return format_span(language, timedelta(seconds=seconds))


def _rung(value: Any, language: str) -> str:
    return gettext(language, Rung(value).label) if value in set(Rung) else str(value)

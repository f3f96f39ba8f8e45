"""A policy as a form, and the typed form as a policy. Pure.

The form is made from the data itself. A number that a later release adds to the policy appears here
without more work, labelled with its key until it gets better words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from server.errors import Refused
from server.i18n import N_, format_list, format_number, format_span, gettext
from server.policy.levels import OF_A_PHONE, Does
from server.policy.model import SHIPPED, Rung, Tier
from server.watch.calendar.milestones import WORDS, What
from server.watch.signals.rules import Code
from server.watch.wording import TIERS

_DURATION = re.compile(r"([0-9]{1,7}) ?([smhd])")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
UNITS: Mapping[str, str] = {
    "s": N_("seconds"),
    "m": N_("minutes"),
    "h": N_("hours"),
    "d": N_("days"),
}
DOES: Mapping[Does, str] = {
    Does.SETTLES: N_("counts as the check-in"),
    Does.HOLDS: N_("delays the next step for a while"),
    Does.SOFTENS: N_("delays calling adults a little"),
    Does.NOTHING: N_("changes nothing"),
}
# So many rungs a form has room for. No ladder needs both that call several at once.
MOST_RUNGS = len(Rung) - 1


class Kind(StrEnum):
    """How a value of a policy is asked for."""

    SPAN = "span"
    TIME = "time"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    RUNGS = "rungs"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a policy: its place, and how the form asks for it."""

    name: str  # "high.grace": also what a fault names.
    kind: Kind
    may_be_empty: bool


# Tables that a tier may leave out, and the values their form begins with. A switch in the form says
# whether the tier has the table; it is no value of the policy.
OPTIONAL: Mapping[str, Mapping[str, Any]] = {
    "habit": {**SHIPPED["mid"]["habit"], "silent_phone": False}
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
    "sign": N_("A warning sign makes leaving this many times as likely"),
    "sign_lasts": N_("A warning sign counts for"),
    "left_before": N_("Having been missing before makes leaving this many times as likely"),
    "silent_phone": N_("Ask the carer at once if the phone shows no reminders"),
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
}


# --- what there is


def _expanded(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every optional table there, and whether it is used."""
    whole: dict[str, Any] = {}
    for key, value in content.items():
        if key in OPTIONAL:
            own = value if isinstance(value, Mapping) else {}
            whole[key] = {USED: isinstance(value, Mapping), **OPTIONAL[key], **own}
        else:
            whole[key] = _expanded(value) if isinstance(value, Mapping) else value
    return whole


def _collapsed(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a policy again: what is not used is not there."""
    content: dict[str, Any] = {}
    for key, value in whole.items():
        if key in OPTIONAL:
            rest = {name: setting for name, setting in value.items() if name != USED}
            content[key] = rest if value[USED] else None
        else:
            content[key] = _collapsed(value) if isinstance(value, Mapping) else value
    return content


def fields_of(content: Mapping[str, Any]) -> Iterator[Field]:
    """Every value that a form asks for, in the order of the policy."""
    for name, value in _leaves(_expanded(content)):
        yield Field(name, _kind(name, value), name in _NULLABLE)


def values_of(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value that holds, with its name, in their order."""
    whole = dict(_leaves(_expanded(content)))
    for name, value in whole.items():
        if key_of(name) == USED or whole.get(f"{name.rpartition('.')[0]}.{USED}", True):
            yield name, value


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value


def key_of(name: str) -> str:
    """The last part of a name: what it is, without the tier."""
    return name.rpartition(".")[2]


# What ships empty in some tier may be left empty in every one.
_EMPTY_KEYS = {key_of(name) for name, value in _leaves(SHIPPED) if value is None}
_NULLABLE = {
    name
    for name, _ in _leaves(SHIPPED)
    if key_of(name) in _EMPTY_KEYS | {"after_pass", "last_call", "decide"}
}


def _kind(name: str, value: Any) -> Kind:
    if isinstance(value, bool):
        return Kind.SWITCH
    if isinstance(value, (int, float)):
        return Kind.NUMBER
    if _is_about_evidence(name) or _is_about_tier(name):
        return Kind.CHOICE
    if isinstance(value, list):
        return Kind.RUNGS if key_of(name) == "rungs" else Kind.TEXT
    if value is None or _DURATION.fullmatch(str(value)) or value == "never":
        return Kind.SPAN
    return Kind.TIME if _TIME.fullmatch(str(value)) else Kind.TEXT


def _is_about_evidence(name: str) -> bool:
    """Whether a value says what a kind of evidence does."""
    return ".evidence." in name and not key_of(name).endswith("_for")


def _is_about_tier(name: str) -> bool:
    """Whether a value says how tight the watch is around a day."""
    return name.startswith("milestones.") and key_of(name) == "tier"


def choices_of(name: str) -> Mapping[str, str]:
    """What may be chosen, and its words: what a kind of evidence does, or how tight a day is."""
    if _is_about_tier(name):
        return {tier: TIERS[tier][0] for tier in (Tier.HIGH, Tier.MID)}
    return {does: DOES[does] for does in (OF_A_PHONE if key_of(name) == "app_seen" else Does)}


# --- from the form, and to it


def typed_of(content: Mapping[str, Any]) -> dict[str, str]:
    """What the form holds for a policy."""
    typed: dict[str, str] = {}
    values = dict(_leaves(_expanded(content)))
    for field in fields_of(content):
        value = values[field.name]
        match field.kind:
            case Kind.SPAN:
                duration_match = _DURATION.fullmatch(str(value))
                typed[field.name] = duration_match[1] if duration_match else ""
                typed[f"{field.name}.unit"] = duration_match[2] if duration_match else "h"
            case Kind.RUNGS:
                for place in range(MOST_RUNGS):
                    rung = value[place] if place < len(value) else ""
                    typed[f"{field.name}.{place + 1}"] = str(rung)
            case Kind.SWITCH:
                typed[field.name] = "yes" if value else "no"
            case _:
                typed[field.name] = _plain(value)
    return typed


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def read(typed: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    """The data that was typed, in the shape of `base`. Raises Refused, naming the field, for a
    value of the wrong kind. `parser.read` checks whether the whole makes sense."""
    values = {field.name: _value(field, typed) for field in fields_of(base)}
    return _collapsed(_shaped(_expanded(base), values))


def _shaped(base: Mapping[str, Any], values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    return {
        key: _shaped(value, values, f"{above}{key}.")
        if isinstance(value, Mapping)
        else values[f"{above}{key}"]
        for key, value in base.items()
    }


def _value(field: Field, typed: Mapping[str, str]) -> Any:
    text = typed.get(field.name, "").strip()
    match field.kind:
        case Kind.SPAN:
            return _span(field, text, typed.get(f"{field.name}.unit", ""))
        case Kind.RUNGS:
            return _rungs(field, typed)
        case Kind.TIME:
            time_match = _TIME.fullmatch(text)
            if time_match is None:
                raise Refused(N_("Enter a time such as 18:00."), field=field.name)
            return f"{int(time_match[1]):02}:{int(time_match[2]):02}"
        case Kind.SWITCH:
            return text == "yes"
        case Kind.CHOICE:
            if text not in choices_of(field.name):
                raise Refused(N_("Choose one from the list."), field=field.name)
            return text
        case Kind.NUMBER:
            return _number(field, text)
        case Kind.TEXT:
            return text


def _span(field: Field, text: str, unit: str) -> str | None:
    if not text and field.may_be_empty:
        return None
    if not (text.isdecimal() and len(text) <= 7 and int(text) and unit in UNITS):
        raise Refused(N_("Enter a whole number above 0, and a unit."), field=field.name)
    return f"{int(text)}{unit}"


def _rungs(field: Field, typed: Mapping[str, str]) -> list[str]:
    entries = [typed.get(f"{field.name}.{place}", "").strip() for place in range(1, MOST_RUNGS + 1)]
    chosen = [rung for rung in entries if rung]
    if not chosen or not set(chosen) <= {rung.value for rung in Rung}:
        raise Refused(N_("Choose at least one to call."), field=field.name)
    return chosen


def _number(field: Field, text: str) -> int | float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not -1e9 < number < 1e9:
        raise Refused(N_("Enter a number."), field=field.name)
    return int(number) if number == int(number) else number


# --- in words


@dataclass(frozen=True, slots=True)
class Differs:
    """One value that differs between two policies, in the reader's words."""

    name: str
    table: str
    label: str
    before: str
    after: str


def label_of(name: str, language: str) -> str:
    """What a value is called."""
    key, about = key_of(name), _about(name, language)
    if about:
        what = gettext(language, LABELS[key]) if key in LABELS else ""
        if not what:
            return about
        return gettext(language, N_("{signal}: {what}"), signal=about, what=what)
    word = LABELS.get(key)
    return gettext(language, word) if word else key.replace("_", " ").capitalize()


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
    duration_match = _DURATION.fullmatch(str(value))
    if duration_match is None:
        if value in set(Tier):
            return gettext(language, TIERS[Tier(value)][0])
        return gettext(language, DOES[Does(value)]) if value in set(Does) else str(value)
    seconds = int(duration_match[1]) * _SECONDS[duration_match[2]]
    if seconds % 60:  # Trainings run in seconds; a span in words stops at minutes.
        return f"{format_number(language, seconds)} {gettext(language, UNITS['s'])}"
    return format_span(language, timedelta(seconds=seconds))


def _rung(value: Any, language: str) -> str:
    return gettext(language, Rung(value).label) if value in set(Rung) else str(value)


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], language: str
) -> list[Differs]:
    """What differs, in the order of the form."""
    old = dict(values_of(before))
    return [
        Differs(
            name=name,
            table=name.partition(".")[0],
            label=label_of(name, language),
            before=in_words(old.get(name), language),
            after=in_words(value, language),
        )
        for name, value in values_of(after)
        if old.get(name) != value and not _is_same_span(old.get(name), value)
    ]


def _is_same_span(old: Any, other: Any) -> bool:
    """Whether 60m replaced 1h: the text changed, the value did not."""
    first, second = (_DURATION.fullmatch(str(value)) for value in (old, other))
    return (
        first is not None
        and second is not None
        and int(first[1]) * _SECONDS[first[2]] == int(second[1]) * _SECONDS[second[2]]
    )

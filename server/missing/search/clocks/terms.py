"""The clocks of a search as an agency may set them: a list of numbers with their bounds; and the
telephone numbers that a missing child can call. Pure.

Where guidance names a limit, no agency may exceed it: a report within a day, the return interview
within 72 hours (docs/reference/practice.md). Everything else is the agency's choice.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from server.errors import Refused
from server.i18n import N_
from server.missing.search.rules import REPORT_AT_LAST, Clocks, Lines
from server.phone_numbers import plain, read_number
from server.tasks.rules import Kind


class Unit(StrEnum):
    """What a number counts."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"

    @property
    def duration(self) -> timedelta:
        """One such unit."""
        return timedelta(**{self.value: 1})


class Number(msgspec.Struct, frozen=True):
    """One clock in a form: its name, words, unit, and how long it may be."""

    name: str
    label: str
    unit: Unit
    most: timedelta


_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_TALK = timedelta(hours=72)
TIERS: Mapping[str, str] = {
    "high": N_("High watch level"),
    "mid": N_("Medium watch level"),
    "low": N_("Low watch level"),
}
_STEPS = (
    ("attempts", N_("First attempts to reach the child, within")),
    ("decide", N_("Decide whether to tell the police, within")),
    ("again", N_("Try again every")),
)
# By tier, all in minutes, since one of them is half an hour.
OF_A_TIER: Mapping[str, tuple[Number, ...]] = {
    tier: tuple(
        Number(f"{tier}_{name}", label, Unit.MINUTES, REPORT_AT_LAST) for name, label in _STEPS
    )
    for tier in TIERS
}
_MEETINGS = (
    (Kind.STRATEGY_24H, N_("Talk to the police, after"), Unit.HOURS),
    (Kind.STRATEGY_72H, N_("First review meeting, after"), Unit.HOURS),
    (Kind.STRATEGY_7D, N_("Second review meeting, after"), Unit.DAYS),
    (Kind.STRATEGY_14D, N_("Third review meeting, after"), Unit.DAYS),
    (Kind.STRATEGY_28D, N_("Fourth review meeting, after"), Unit.DAYS),
    (
        Kind.STRATEGY_3IN30,
        N_("Review meeting about three times missing in 30 days, within"),
        Unit.HOURS,
    ),
)
SEARCH: tuple[Number, ...] = (
    Number("report", N_("After the decision, tell the police within"), Unit.MINUTES, _HOUR),
    Number("daily", N_("After the first day, try again every"), Unit.HOURS, 7 * _DAY),
    Number(
        "together",
        N_("Ask if two children from one home are missing together, if they left within"),
        Unit.HOURS,
        7 * _DAY,
    ),
    Number(
        "handover",
        N_("Ask for the search handover this long before a shift ends"),
        Unit.MINUTES,
        4 * _HOUR,
    ),
    Number("holds", N_("Once the police are told, “I'll take it” lasts for"), Unit.HOURS, _DAY),
    *(Number(kind.value, label, unit, 90 * _DAY) for kind, label, unit in _MEETINGS),
)
RETURN: tuple[Number, ...] = (
    Number("tell_found", N_("Tell the police the child is back, within"), Unit.MINUTES, _DAY),
    Number("safe_and_well", N_("Check that the child is well, within"), Unit.HOURS, _DAY),
    Number("interview", N_("Offer the return interview, within"), Unit.HOURS, _TALK),
    Number(
        "offer_again", N_("Offer the interview again after a refusal, within"), Unit.DAYS, 30 * _DAY
    ),
    Number(
        "after",
        N_("Check for trafficking, check the phone and update the grab pack, within"),
        Unit.HOURS,
        14 * _DAY,
    ),
    Number("review", N_("Review the life project together, within"), Unit.DAYS, 30 * _DAY),
)
ALL: Mapping[str, Number] = {
    number.name: number for group in (*OF_A_TIER.values(), SEARCH, RETURN) for number in group
}


# By the name of its field, what each line is for.
LINES: Mapping[str, str] = {
    "line_talk": N_("Helpline for talking"),
    "line_away": N_("Missing children helpline"),
}
NAMES = (*ALL, *LINES)


def shown(clocks: Clocks) -> dict[str, int | str]:
    """Each number, in its unit; and each line."""
    numbers = {
        name: round(_value(clocks, name) / number.unit.duration) for name, number in ALL.items()
    }
    return {**numbers, "line_talk": clocks.lines.talk, "line_away": clocks.lines.away}


def _value(clocks: Clocks, name: str) -> timedelta:
    tier, _, step = name.partition("_")
    if tier in TIERS:
        duration: timedelta = getattr(clocks.tiers[tier], step)
        return duration
    if name in clocks.strategy:
        return clocks.strategy[Kind(name)]
    duration = getattr(clocks, name)
    return duration


def changed(clocks: Clocks, given: Mapping[str, str]) -> Clocks:
    """The clocks with these numbers. Raises Refused, naming the field: for a number that is not
    whole, is zero, or is longer than allowed; or for a telephone number that cannot be called."""
    read = {name: _read(ALL[name], text) for name, text in given.items() if name in ALL}
    tiers = {
        tier: replace(
            steps,
            **{step: read[f"{tier}_{step}"] for step, _ in _STEPS if f"{tier}_{step}" in read},
        )
        for tier, steps in clocks.tiers.items()
    }
    strategy = {kind: read.get(kind.value, after) for kind, after in clocks.strategy.items()}
    plain = {
        number.name: read[number.name]
        for number in (*SEARCH, *RETURN)
        if number.name in read and number.name not in clocks.strategy
    }
    lines = _lines(clocks.lines, given)
    return replace(clocks, tiers=tiers, strategy=strategy, lines=lines, **plain)


def _lines(lines: Lines, given: Mapping[str, str]) -> Lines:
    talk = _phone("line_talk", given.get("line_talk", lines.talk))
    return Lines(talk=talk, away=_phone("line_away", given.get("line_away", lines.away)))


def _phone(name: str, text: str) -> str:
    phone = read_number(text)
    if phone is None and plain(text):
        raise Refused(N_("Enter a phone number such as 116 111, or leave it empty."), field=name)
    return phone or ""


def _read(number: Number, text: str) -> timedelta:
    try:
        count = int(text)
    except ValueError:
        count = 0
    value = count * number.unit.duration if 0 < count < 100_000 else timedelta(0)
    if not timedelta(0) < value <= number.most:
        raise Refused(
            N_("Enter a whole number from 1 to {most}."),
            field=number.name,
            most=int(number.most / number.unit.duration),
        )
    return value

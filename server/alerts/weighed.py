"""What weighed when adults were called about a silence: frozen into the alert, the heaviest first.
Codes and times, and nothing of the odds: no page shows a number. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from server.i18n import N_, gettext, ngettext

# An alert shows so many; `waymark why` tells all.
SHOWN = 3


class Kind(StrEnum):
    """One thing that weighed."""

    LONGEST = "longest"  # The silence is as long as the level allows.
    SILENCE = "silence"
    LONGEST_UNHEARD = "longest_unheard"  # The same two of a child who was never heard from.
    UNHEARD = "unheard"
    TOO_MANY = "too_many"  # So many misses in a row call adults, whatever is usual.
    MISSED = "missed"
    NOT_SEEN = "not_seen"
    NOT_HERE = "not_here"
    NOT_MET = "not_met"
    HERE = "here"
    WITNESS_NOT_HERE = "witness_not_here"  # Of a school, a club, a mentor.
    WITNESS_HERE = "witness_here"
    CARER_SILENT = "carer_silent"
    CARER_UNASKED = "carer_unasked"  # The question had not gone out.
    NO_CARER = "no_carer"
    WARNED = "warned"
    CAME_BACK = "came_back"  # They were missing before, `n` times.


class Misses(StrEnum):
    """How often a child misses check-ins at these times of day."""

    SELDOM = "seldom"
    SOMETIMES = "sometimes"
    OFTEN = "often"


class Fact(msgspec.Struct, frozen=True):
    """What weighed, and when it was so. Of `n` misses that is the first, of `n` looks or words the
    last."""

    kind: Kind
    at: datetime
    n: int = 1
    misses: Misses | None = None


_UNHEARD = {Kind.SILENCE: Kind.UNHEARD, Kind.LONGEST: Kind.LONGEST_UNHEARD}
_HERE = (Kind.HERE, Kind.WITNESS_HERE)


def since_sign(
    facts: Sequence[Fact], heard: Iterable[datetime | None], placed_at: datetime
) -> tuple[Fact, ...]:
    """The silence told by the last sign that came from anyone, by `heard` or "they were there": it
    may count from something else, as the end of an absence. Where nothing ever came, by when the
    child came here."""
    signs = [*heard, *(fact.at for fact in facts if fact.kind in _HERE)]
    last = max((at for at in signs if at is not None), default=None)
    return tuple(
        replace(fact, kind=fact.kind if last else _UNHEARD[fact.kind], at=last or placed_at)
        if fact.kind in _UNHEARD
        else fact
        for fact in facts
    )


def carer_asked(facts: Sequence[Fact], at: datetime | None, *, is_out: bool) -> tuple[Fact, ...]:
    """The silence of the carer told by the question as it is stored: when it was asked, and whether
    it has gone out."""
    kind = Kind.CARER_SILENT if is_out else Kind.CARER_UNASKED
    return tuple(
        replace(fact, kind=kind, at=at or fact.at) if fact.kind is Kind.CARER_SILENT else fact
        for fact in facts
    )


def as_data(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """As an alert keeps them."""
    return [
        {
            "kind": fact.kind.value,
            "at": fact.at.isoformat(),
            "n": fact.n,
            **({"misses": fact.misses.value} if fact.misses is not None else {}),
        }
        for fact in facts
    ]


def weighed_in(facts: Mapping[str, Any], *, sees_signs: bool) -> list[Fact]:
    """What weighed, from the facts of an alert; empty for one of an earlier release. Who may not
    see what adults noticed reads nothing of it."""
    every = [
        Fact(
            Kind(row["kind"]),
            datetime.fromisoformat(row["at"]),
            row["n"],
            Misses(row["misses"]) if "misses" in row else None,
        )
        for row in facts.get("weighed", ())
    ]
    return [fact for fact in every if sees_signs or fact.kind is not Kind.WARNED]


def visible(facts: Mapping[str, Any], *, sees_signs: bool) -> dict[str, Any]:
    """The facts of an alert for a reader who may, or may not, see what adults noticed."""
    if "weighed" not in facts:
        return dict(facts)
    return {**facts, "weighed": as_data(weighed_in(facts, sees_signs=sees_signs))}


_SENTENCES: Mapping[Kind, str] = {
    Kind.LONGEST: N_("Last sign {time}. The silence is as long as this level allows."),
    Kind.SILENCE: N_("Last sign {time}."),
    Kind.LONGEST_UNHEARD: N_(
        "Never heard from; here since {time}. The silence is as long as this level allows."
    ),
    Kind.NOT_MET: N_("Nobody has met them since {time}."),
    Kind.UNHEARD: N_("Never heard from; here since {time}."),
    Kind.NOT_SEEN: N_("An adult looked for them and did not find them, {time}."),
    Kind.NOT_HERE: N_("The home said that they were not there, {time}."),
    Kind.HERE: N_("The home said that they were there, {time}. That spoke against a call."),
    Kind.WITNESS_NOT_HERE: N_(
        "The school or another witness said that they were not there, {time}."
    ),
    Kind.WITNESS_HERE: N_(
        "The school or another witness said that they were there, {time}. That spoke against a"
        " call."
    ),
    Kind.CARER_SILENT: N_(
        "We asked whether they had been seen, {time}, and had heard nothing by then."
    ),
    Kind.CARER_UNASKED: N_(
        "Our question whether they had been seen, {time}, had not gone out by then."
    ),
    Kind.NO_CARER: N_("There is no carer to ask first."),
    Kind.WARNED: N_("An adult noticed a warning sign, {time}."),
}
_MISSES: Mapping[Misses, str] = {
    Misses.SELDOM: N_("They rarely miss one at this time of day."),
    Misses.SOMETIMES: N_("They sometimes miss one at this time of day."),
    Misses.OFTEN: N_("They often miss one at this time of day."),
}


def said(fact: Fact, language: str, at: Callable[[datetime], str]) -> str:
    """One fact in words; `at` puts a moment in words for the reader."""
    time = at(fact.at)
    if fact.kind is Kind.CAME_BACK:
        return ngettext(
            language,
            "They were missing once before.",
            "They were missing {n} times before.",
            fact.n,
        )
    if fact.kind is Kind.TOO_MANY:
        return ngettext(
            language,
            "{n} check-in missed, due {time}. This level calls adults then.",
            "{n} check-ins missed in a row since {time}. This level calls adults then.",
            fact.n,
            time=time,
        )
    if fact.kind is not Kind.MISSED:
        return gettext(language, _SENTENCES[fact.kind], time=time)
    missed = ngettext(
        language,
        "No answer to {n} check-in, due {time}.",
        "No answer to {n} check-ins in a row since {time}.",
        fact.n,
        time=time,
    )
    return missed if fact.misses is None else f"{missed} {gettext(language, _MISSES[fact.misses])}"


def each_said(facts: Sequence[Fact], language: str, at: Callable[[datetime], str]) -> list[str]:
    """All of these in words, in their order."""
    return [said(fact, language, at) for fact in facts]

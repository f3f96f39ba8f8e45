"""A policy as the tables of a page and the parts of a form. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from server.desk.policies import form as editing
from server.desk.policies import words
from server.desk.policies.bar import FIELDS, Bar, bar_of, level_of
from server.i18n import N_, gettext
from server.policy.model import Tier
from server.watch.wording import TIERS


class Table(msgspec.Struct, frozen=True):
    """The rows of a policy that are read side by side: one column, or one per tier."""

    heading: str
    hint: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]


_HEADINGS: Mapping[str, str] = {
    "quiet": N_("Quiet hours"),
    "signals": N_("What has changed"),
    "together": N_("Many children at once"),
    "milestones": N_("Days in the calendar"),
    "roll_call": N_("Roll calls of the homes"),
    "budget": N_("Budget of false alarms"),
    "witness": N_("Schools, clubs and mentors"),
}
_HINTS: Mapping[str, str] = {
    "quiet": N_("In these hours the child's reminders wait. We call adults at any hour."),
    "signals": N_("Shown quietly, on the board and on the child's page."),
    "milestones": N_(
        "Around these days the watch gets closer automatically. The longest silence does"
        " not change."
    ),
    "roll_call": N_(
        "The people who work in a home say who is there. “Here” is no check-in, and “not here” may"
        " call adults at once."
    ),
    "budget": N_("Each Monday we count how many calls to adults were false alarms."),
    "witness": N_(
        "They say on agreed days whether a child came. It is no check-in, and calls nobody by"
        " itself."
    ),
    "together": N_(
        "Each adult then gets one message about all of them. Each child still has their own alert."
    ),
}


def heading(table: str, language: str) -> str:
    """What a table of the policy is called."""
    if table in set(Tier):
        return gettext(language, TIERS[Tier(table)][0])
    word = _HEADINGS.get(table)
    return gettext(language, word) if word else words.label_of(table, language)


def _hint(table: str, language: str) -> str:
    if table in set(Tier):
        return gettext(language, TIERS[Tier(table)][1])
    return gettext(language, _HINTS.get(table, ""))


def tables(content: Mapping[str, Any], language: str) -> list[Table]:
    """The tiers side by side, then everything else."""
    tiers = [tier for tier in Tier if tier in content]
    values = {name: value for name, value in editing.values_of(content)}
    names = dict.fromkeys(n.partition(".")[2] for n in values if n.partition(".")[0] in tiers)
    rows = [
        (
            words.label_of(name, language),
            [words.in_words(values.get(f"{tier}.{name}"), language) for tier in tiers],
        )
        for name in names
    ]
    tables = [Table("", "", [heading(tier, language) for tier in tiers], rows)]
    others = dict.fromkeys(name.partition(".")[0] for name in values)
    for table in (name for name in others if name not in tiers):
        lines = [
            (words.label_of(name, language), [words.in_words(value, language)])
            for name, value in values.items()
            if name.partition(".")[0] == table
        ]
        tables.append(Table(heading(table, language), _hint(table, language), [], lines))
    return tables


class Asked(msgspec.Struct, frozen=True):
    """One part of the form. A level has its bar, and the numbers of the bar before the others."""

    name: str
    heading: str
    hint: str
    first: list[dict[str, Any]]
    others: list[dict[str, Any]]
    bar: Bar | None


def asked(content: Mapping[str, Any], typed: Mapping[str, str], language: str) -> list[Asked]:
    """The form: one part for each table of the policy, the levels first."""
    parts: dict[str, list[dict[str, Any]]] = {tier: [] for tier in Tier}
    for field in editing.fields_of(content):
        parts.setdefault(field.name.partition(".")[0], []).append(_field(field, language))
    base = editing.typed_of(content)
    return [_asked(name, parts[name], typed, base, language) for name in parts if parts[name]]


def _asked(
    name: str,
    fields: list[dict[str, Any]],
    typed: Mapping[str, str],
    base: Mapping[str, str],
    language: str,
) -> Asked:
    places = {f"{name}.{key}": n for n, key in enumerate(FIELDS)} if name in set(Tier) else {}
    drawn = bar_of(level_of(typed, base, name), name, language) if places else None
    icons = (
        {f"{name}.{pin.field}": pin.icon for pin in drawn.pins if pin.x is not None}
        if drawn
        else {}
    )
    for field in fields:
        field["icon"] = icons.get(field["name"], "")
    return Asked(
        name=name,
        heading=heading(name, language),
        hint=_hint(name, language),
        first=sorted(
            (field for field in fields if field["name"] in places),
            key=lambda field: places[field["name"]],
        ),
        others=[field for field in fields if field["name"] not in places],
        bar=drawn,
    )


def _field(field: editing.Field, language: str) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind.value,
        "label": words.label_of(field.name, language),
        "hint": words.hint_of(field.name, language),
        "choices": [
            (code, gettext(language, word)) for code, word in editing.choices_of(field.name).items()
        ],
    }


def bars(content: Mapping[str, Any], language: str) -> list[tuple[str, str, Bar]]:
    """Each level: its name, when to choose it, and its bar."""
    typed = editing.typed_of(content)
    return [
        (
            heading(tier, language),
            _hint(tier, language),
            bar_of(level_of(typed, typed, tier), tier, language),
        )
        for tier in Tier
    ]

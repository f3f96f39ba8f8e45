"""What may go on the page to hang up, in words, for those who choose. Pure.

A long project is cut. All that has room on the page is listed, so that it can be left out; then
what comes first.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec

from server.i18n import N_, format_short_date, gettext, ngettext
from server.people.rules import Role
from server.plan.paper.wall_page import MARKS, clipped
from server.plan.view import Document
from server.plan.wall.rules import Choice, Kind, Names, Thing, may_choose, may_turn, things
from server.plan.words import AREAS

MOST_LISTED = 20
# Far more than have room on the page: the nearest that come, and the latest that are over.
MOST_ON, MOST_ON_OVER = 40, 20
_LONGEST = 200
NAMES: Mapping[Names, str] = {
    Names.FIRST: N_("First names"),
    Names.FULL: N_("Full names, and the agency's name"),
    Names.NONE: N_("No names"),
}


class Line(msgspec.Struct, frozen=True):
    """One thing to choose. `note`: its day, its area or its owner; `says`: why it is not on the
    page, where a person decided that."""

    id: str
    text: str
    note: str
    is_on: bool
    says: str
    may_turn: bool


class Group(msgspec.Struct, frozen=True):
    """Things of one kind. `more`: a sentence about those that are too far away for a list."""

    title: str
    lines: Sequence[Line]
    more: str


class Reader(msgspec.Struct, frozen=True):
    """Who chooses, in which language, and the names of the people."""

    is_child: bool
    roles: Collection[Role]
    people: Mapping[str, Document]
    language: str

    def say(self, msgid: str, **values: str) -> str:
        return gettext(self.language, msgid, **values)


def groups(shown: Document, choice: Choice | None, reader: Reader) -> list[Group]:
    """Everything that may go on the page, in the order of the page."""
    all_, child = things(shown, choice), shown["child"]
    goals = [thing for thing in all_ if thing.kind is Kind.GOAL]
    steps = [thing for thing in all_ if thing.kind is Kind.STEP]
    own = [step for step in steps if step.owner_id == child["id"]]
    of_adults = [step for step in steps if step.owner_id != child["id"]]
    others = [thing for thing in all_ if thing.kind not in (Kind.GOAL, Kind.STEP)]
    promises = (
        reader.say(N_("Your promises"))
        if reader.is_child
        else reader.say(N_("{name}'s promises"), name=child["name"])
    )
    named = [
        (reader.say(N_("Goals")), goals),
        (promises, own),
        (reader.say(N_("Promises by adults")), of_adults),
        (reader.say(N_("Also on the page")), others),
    ]
    return [_group(title, all_, child, reader) for title, all_ in named if all_]


def _group(title: str, all_: Sequence[Thing], child: Document, reader: Reader) -> Group:
    listed = _listed(all_)
    left = len(all_) - len(listed)
    more = (
        ngettext(reader.language, "{n} more comes later.", "{n} more come later.", left)
        if left > 0
        else ""
    )
    return Group(title, [_line(thing, child, reader) for thing in listed], more)


def _listed(all_: Sequence[Thing]) -> list[Thing]:
    """What is on the page, and of the others the first ones; in their order."""
    on = [thing.id for thing in all_ if thing.is_on and not thing.is_over][:MOST_ON]
    on += [thing.id for thing in all_ if thing.is_on and thing.is_over][:MOST_ON_OVER]
    others = [thing.id for thing in all_ if thing.id not in on]
    listed = {*on, *others[: max(MOST_LISTED - len(on), 0)]}
    return [thing for thing in all_ if thing.id in listed]


def _line(thing: Thing, child: Document, reader: Reader) -> Line:
    return Line(
        thing.id,
        _text(thing, reader),
        _note(thing, child, reader),
        thing.is_chosen,
        "" if thing.is_on else _left_out(thing, child, reader),
        may_choose(reader.roles) and may_turn(thing, by_child=reader.is_child),
    )


_OTHERS = {
    Kind.MEETING: N_("The next meeting, without its reason"),
    Kind.DRAWING: N_("What the child drew"),
}


def _text(thing: Thing, reader: Reader) -> str:
    msgid = _OTHERS.get(thing.kind)
    return reader.say(msgid) if msgid else clipped(" ".join(thing.text.split()), _LONGEST)


def _note(thing: Thing, child: Document, reader: Reader) -> str:
    parts = []
    if thing.kind is Kind.GOAL:
        parts.append(reader.say(AREAS[thing.area]))
    if thing.kind is Kind.STEP:
        owner = reader.people.get(thing.owner_id)
        if owner is not None and thing.owner_id != child["id"]:
            parts.append(owner["name"])
        parts.append(reader.say(MARKS[thing.mark]))
    if thing.kind is Kind.SUMMARY:
        parts.append(reader.say(N_("In my own words")))
    if thing.day:
        parts.append(format_short_date(reader.language, date.fromisoformat(thing.day)))
    return " · ".join(parts)


def _left_out(thing: Thing, child: Document, reader: Reader) -> str:
    if thing.is_chosen:
        return reader.say(N_("Its goal is left out."))
    if thing.decided_by == "child":
        if reader.is_child:
            return reader.say(N_("You left this out."))
        return reader.say(N_("{name} left this out."), name=child["name"])
    return reader.say(N_("An adult left this out.")) if thing.decided_by else ""

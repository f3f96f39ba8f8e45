"""The words of the page to hang up, ready to be typeset (`wall.typ`).

It has no word of ours that says anything of care: no agency, no role, no "life project".
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

from server.i18n import N_, format_short_date, gettext, ngettext
from server.plan.paper.scripts import isolated, paragraphs
from server.plan.view import Document
from server.plan.wall.rules import Choice, Kind, Mark, Names, Thing, names_of, things

# The typesetter takes as many of these as have room (`plans` in wall.typ).
_MOST_GOALS: Final = 6
_MOST_BEHIND: Final = 2
_MOST_PROMISES: Final = 5
_MOST_SIGNERS: Final = 4
# In columns of a line, where a Chinese sign takes two: it is read from a metre away.
_LONGEST_SUMMARY: Final = 130
_LONGEST_GOAL: Final = 80
_LONGEST_PROMISE: Final = 75
_LONGEST_NAME: Final = 40
# A page of an empty project has lines to write on.
_BLANKS: Final = 3
_SIGNING: Final = ("caseworker", "guardian")
# What the phone draws (Pad.tsx): strokes in a field of 300 by 150.
_STROKES: Final = re.compile(r"(?:[ML]-?\d{1,4} -?\d{1,4})+")

MARKS: Final = {
    Mark.KEPT: N_("Kept"),
    Mark.NOT_YET: N_("Not yet"),
    Mark.CHANGED: N_("Changed"),
    Mark.NEW: N_("New promise"),
    Mark.NOT_KEPT: N_("Not kept"),
    Mark.WEEKLY: N_("Every week"),
    Mark.MONTHLY: N_("Every month"),
}
_BLANK: Final = {"kind": "blank", "mark": "blank", "text": [], "note": "", "icon": ""}


@dataclass(frozen=True)
class Wall:
    """The page. `people`: their names, by their ids; `today`: on the reader's clock."""

    shown: Document
    people: dict[str, Document]
    choice: Choice | None
    language: str
    today: date

    def data(self) -> Document:
        """What wall.typ reads."""
        ends_on = self.shown["ends_on"]
        own_steps = [step for step in self._on(Kind.STEP) if step.owner_id == self._child["id"]]
        adult_steps = [step for step in self._on(Kind.STEP) if step.owner_id != self._child["id"]]
        coming = [goal for goal in self._on(Kind.GOAL) if not goal.is_over]
        return {
            "title": self._say(N_("My path")),
            "until": self._say(N_("Until {day}"), day=self._day(ends_on)) if ends_on else "",
            "summary": [
                line
                for summary in self._on(Kind.SUMMARY)
                for line in self._own(summary.text, _LONGEST_SUMMARY)
            ],
            "stops": self._stops(coming),
            "more_goals": self._more(coming, _MOST_GOALS),
            "mine": self._side(N_("My promises"), own_steps),
            "theirs": self._side(N_("Promises to me"), adult_steps),
            "signers": self._signers(),
            "words": {
                "sign": self._say(N_("We agree")),
                "draw": self._say(N_("Room to draw")),
            },
            "footer": self._say(
                N_("Version {n}, {day}"),
                n=str(self.shown["revision"]),
                day=self._day(self.today.isoformat()),
            ),
        }

    def strokes(self) -> str:
        """What the child drew when they agreed, as a path; "" where that is no such path."""
        drawn = next(iter(self._on(Kind.DRAWING)), None)
        return drawn.text if drawn and _STROKES.fullmatch(drawn.text) else ""

    # --- the path

    def _stops(self, coming: Sequence[Thing]) -> list[Document]:
        over = [goal for goal in self._on(Kind.GOAL) if goal.is_over][:_MOST_BEHIND]
        signed_on = self._signed_on()
        agreed = [self._stop("behind", "hands", N_("We agreed"), signed_on)] if signed_on else []
        here = self._stop("here", "here", N_("I am here"), self.today.isoformat())
        ends_on = self.shown["ends_on"]
        ahead = [(goal.day or "9999", self._goal(goal, "ahead")) for goal in coming[:_MOST_GOALS]]
        ahead += [
            (meeting.day, self._stop("ahead", "two", N_("We meet"), meeting.day))
            for meeting in self._on(Kind.MEETING)
        ]
        blanks = [] if coming else [dict(_BLANK) for _ in range(_BLANKS)]
        return [
            *(self._goal(goal, "behind") for goal in reversed(over)),
            *agreed,
            here,
            *blanks,
            *(stop for _, stop in sorted(ahead, key=lambda pair: pair[0])),
            *(
                [self._stop("ahead", "flag", N_("We decide what comes next"), ends_on)]
                if ends_on
                else []
            ),
        ]

    def _stop(self, kind: str, icon: str, msgid: str, day: str) -> Document:
        words = paragraphs(self._say(msgid), self.language)
        return {"kind": kind, "icon": icon, "text": words, "note": self._day(day), "stays": True}

    def _goal(self, goal: Thing, kind: str) -> Document:
        return {
            "kind": kind,
            "icon": "" if kind == "behind" else goal.area,
            "text": self._own(goal.text, _LONGEST_GOAL),
            "note": self._day(goal.day) if goal.day and kind == "ahead" else "",
            "stays": False,
        }

    def _signed_on(self) -> str:
        signed = self.shown["signed_revision"]
        days = [
            str(agreement["received_at"])[:10]
            for agreement in self.shown["agreements"]
            if signed is not None
            and (agreement["revision"], agreement["decision"]) == (signed, "agree")
        ]
        return max(days, default="")

    # --- the promises

    def _side(self, title: str, steps: list[Thing]) -> Document:
        steps = _with_kept(steps)
        made = [self._promise(step) for step in steps[:_MOST_PROMISES]]
        return {
            "title": self._say(title),
            "promises": made or [dict(_BLANK) for _ in range(_BLANKS)],
            "more": self._more(steps, _MOST_PROMISES) if made else [""] * (_BLANKS + 1),
        }

    def _promise(self, step: Thing) -> Document:
        words = [self._say(MARKS[step.mark])]
        if step.owner_id != self._child["id"]:
            words.insert(0, self._name(self.people.get(step.owner_id)))
        if step.day and step.mark in (Mark.NOT_YET, Mark.CHANGED, Mark.NEW):
            words.append(self._day(step.day))
        return {
            "mark": step.mark.value,
            "text": self._own(step.text, _LONGEST_PROMISE),
            "note": " · ".join(words),
        }

    def _more(self, all_: Sequence[Any], most: int) -> list[str]:
        """What the page says of those that have no room, by how many are on it."""
        return [self._more_words(len(all_) - count) for count in range(min(len(all_), most) + 1)]

    def _more_words(self, left: int) -> str:
        if left == 0:
            return ""
        return ngettext(
            self.language, "and {n} more in the details", "and {n} more in the details", left
        )

    # --- people

    def _signers(self) -> list[str]:
        """The child, the adults who agree with them, and the person who interpreted."""
        here = [person for person in self.people.values() if person["is_here"] is not False]
        adults = [person for role in _SIGNING for person in here if person["role"] == role]
        interpreters = [each.get("interpreter") for each in self.shown["agreements"]]
        spoken = next((name for name in reversed(interpreters) if name), None)
        names = [self._name(self.people.get(self._child["id"], self._child))]
        names += [self._name(adult) for adult in adults]
        if spoken is not None:
            names[_MOST_SIGNERS - 1 :] = [self._name({"id": "", "role": "", "name": spoken})]
        return names[:_MOST_SIGNERS]

    def _name(self, person: Document | None) -> str:
        is_child = person is not None and person["id"] == self._child["id"]
        names = names_of(self.choice)
        if person is None or names is Names.NONE or (names is Names.FIRST and _is_agency(person)):
            return self._say(N_("Me") if is_child else N_("An adult"))
        name = person["name"] if names is Names.FULL else first_of(person["name"])
        return isolated(clipped(name, _LONGEST_NAME), self.language)

    # --- words

    @cached_property
    def _things(self) -> list[Thing]:
        return [thing for thing in things(self.shown, self.choice) if thing.is_on]

    def _on(self, kind: Kind) -> list[Thing]:
        return [thing for thing in self._things if thing.kind is kind]

    @property
    def _child(self) -> Document:
        child: Document = self.shown["child"]
        return child

    def _say(self, msgid: str, **values: str) -> str:
        return gettext(self.language, msgid, **values)

    def _own(self, text: str, longest: int) -> list[dict[str, str]]:
        return paragraphs(clipped(" ".join(text.split()), longest), self.language)

    def _day(self, text: str) -> str:
        return format_short_date(self.language, date.fromisoformat(text))


def _is_agency(person: Document) -> bool:
    return bool(person["role"] == "agency")


def _with_kept(steps: list[Thing]) -> list[Thing]:
    """The same with the latest kept promise in the second place: a page that only asks is not worth
    a wall."""
    kept = [step for step in steps if step.mark is Mark.KEPT][:1]
    rest = [step for step in steps if step not in kept]
    return [*rest[:1], *kept, *rest[1:]]


# Words that begin a first name and are none: "servant of", "father of", "mother of", "son of".
_BEGINS: Final = frozenset({"abd", "abdel", "abdal", "abu", "umm", "oum", "ibn"})
_BEGINS_ARABIC: Final = frozenset({"عبد", "ابو", "ام", "ابن"})
# These are first names of their own too: what is the last word after them is a family's name.
_MAY_BEGIN: Final = frozenset({"abdul", "abdoul", "abou"})
_ARTICLES: Final = frozenset("al el ul ar er as es ad ed an en az ez ash esh".split())


def first_of(name: str) -> str:
    """The first name: the first word that is no title, such as "Dr."; with the next word where it
    only begins a name, as in "Abdel Karim"."""
    words = [word for word in name.split() if not word.endswith(".")]
    if not words:
        return name
    end = 1
    if _plain(words[0]) in _BEGINS | _BEGINS_ARABIC | _MAY_BEGIN:
        end = 3 if len(words) > 2 and _plain(words[1]) in _ARTICLES else 2
        if _plain(words[0]) in _MAY_BEGIN and end == 2 and len(words) == 2:
            end = 1
    return " ".join(words[:end])


def _plain(word: str) -> str:
    """Without marks above and below, and in small letters."""
    apart = unicodedata.normalize("NFD", word.casefold())
    return "".join(char for char in apart if unicodedata.category(char) != "Mn")


def clipped(text: str, longest: int) -> str:
    """The text in at most so many columns, ended between words where it can be."""
    used = 0
    for place, char in enumerate(text):
        used += _columns(char)
        if used > longest:
            cut = text[:place]
            # A mark belongs to the letter before it.
            while cut and unicodedata.category(text[len(cut)])[0] == "M":
                cut = cut[:-1]
            head, space, _ = cut.rpartition(" ")
            return f"{head if space and len(head) > len(cut) // 2 else cut}…"
    return text


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1

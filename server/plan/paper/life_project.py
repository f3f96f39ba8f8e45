"""The life project on paper: a PDF in the reader's language, for the child to keep.

Typst sets it. Words are handed over as data, so a name that looks like source stays a name.
"""

import asyncio
import json
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from server.i18n import N_, direction, format_moment, format_short_date, gettext
from server.plan import phrases
from server.plan.paper.scripts import isolated, paragraphs
from server.plan.paper.typeset import typeset
from server.plan.paper.wall_page import Wall
from server.plan.view import Document
from server.plan.wall.rules import Choice
from server.plan.words import AREAS

_SOURCE = Path(__file__).with_name("life_project.typ")
_VOICES = ("child_words", "worker_words", "why", "success_sign", "barriers")
# What is chosen and not written stands below, each with its name.
_CHOSEN = ("lifecycle", "achievement", "not_mine")

_DECISIONS = {
    "agree": N_("I agree"),
    "in_part": N_("I agree with some of it"),
    "disagree": N_("I don't agree"),
}
_WORDS = {
    "title": N_("Life project"),
    "summary": N_("In my own words"),
    "situation": N_("The situation here"),
    "plan_b": N_("If it does not work out"),
    "importance": N_("How important, out of 5:"),
    "now": N_("How it is now:"),
    "child_says": N_("The child says"),
    "worker_says": N_("The caseworker says"),
    "why": N_("Why it matters"),
    "success": N_("How we'll know it worked"),
    "barriers": N_("What could get in the way"),
    "until": N_("Until:"),
    "agreements": N_("Who agreed"),
}
# Readable without colours and pictures: ticked, crossed, or to be ticked by hand.
_MARKS = {"done": "✓", "not_done": "✗"}


Part = Literal["all", "page", "details"]
"""What is printed: the page to hang up, the details, or that page and then the details."""


class Print(msgspec.Struct, frozen=True):
    """What is printed, and what was decided about the page to hang up."""

    part: Part = "all"
    choice: Choice | None = None


async def pdf(
    shown: Document,
    people: dict[str, Document],
    language: str,
    zone: ZoneInfo,
    now: datetime,
    wanted: Print,
) -> bytes:
    """The project as a PDF. `shown` is what the reader may see of it, `people` the names."""
    data = _data(shown, people, language, zone, now)
    data |= {"has_details": wanted.part != "page", "wall": None}
    strokes = ""
    if wanted.part != "details":
        wall = Wall(shown, people, wanted.choice, language, now.astimezone(zone).date())
        data["wall"], strokes = wall.data(), wall.strokes()
    if wanted.part == "page":
        # The title is in the window of the program that shows it.
        data["title"] = data["wall"]["title"]
    return await asyncio.to_thread(typeset, _SOURCE, data, strokes=json.dumps(strokes))


def _data(
    shown: Document, people: dict[str, Document], language: str, zone: ZoneInfo, now: datetime
) -> Document:
    def day(text: str | None) -> str:
        return "" if text is None else format_short_date(language, date.fromisoformat(text))

    def say(msgid: str, **values: str) -> str:
        return gettext(language, msgid, **values)

    own = partial(paragraphs, language=language)
    facts = [
        (N_("Lasts until"), day(shown["ends_on"])),
        (N_("Version"), str(shown["revision"])),
        (N_("Countries"), ", ".join(shown["countries"] or [])),
    ]
    is_signed = shown["signed_revision"] == shown["revision"]
    return {
        "language": language,
        "is_rtl": direction(language) == "rtl",
        "title": say(_WORDS["title"]),
        "name": isolated(shown["child"]["name"], language),
        "words": {name: say(msgid) for name, msgid in _WORDS.items()}
        | {"summary": _whose(shown.get("summary_by"), people, language)},
        "facts": [{"name": say(name), "value": value} for name, value in facts if value],
        "summary": own(shown["summary"]),
        "situation": own(shown["situation"]),
        "plan_b": own(shown["plan_b"]),
        "areas": [_area(area, people, say, day, language) for area in shown["areas"]],
        "agreements": [_agreement(agreement, say, language, zone) for agreement in _last(shown)],
        "note": None if is_signed else say(N_("Not everyone has agreed to all of this yet.")),
        "footer": " · ".join(
            [isolated(shown["child"]["name"], language), format_moment(language, now, zone)]
        ),
    }


def _whose(by: Document | None, people: dict[str, Document], language: str) -> str:
    """The title of the summary: an adult's words never stand as the child's own."""
    if by is None or by["role"] == "child":
        return gettext(language, _WORDS["summary"])
    author = people.get(by["id"])
    if author is None:
        return gettext(language, N_("Written by an adult"))
    return gettext(language, N_("Written by {name}"), name=isolated(author["name"], language))


def _area(area: Document, people: dict[str, Document], say: Any, day: Any, language: str) -> Any:
    return {
        "name": isolated(area["name"] or say(AREAS[area["kind"]]), language),
        "importance": area["importance"] and str(area["importance"]),
        "now": paragraphs(area["now"], language),
        "goals": [_goal(goal, people, say, day, language) for goal in area["goals"]],
    }


def _goal(goal: Document, people: dict[str, Document], say: Any, day: Any, language: str) -> Any:
    title = goal["child_words"] or goal["worker_words"] or say(N_("A goal"))
    first = title.split("\n", 1)[0]
    # Do not repeat the title.
    kept = {name: None if goal[name] == first else goal[name] for name in _VOICES}
    return {
        **{name: paragraphs(words, language) for name, words in kept.items()},
        "title": isolated(first, language),
        "target_on": day(goal["target_on"]) or None,
        "facts": [_fact(name, goal[name], language) for name in _CHOSEN if goal[name]],
        "steps": [_step(step, people, day, language) for step in goal["steps"]],
    }


def _fact(name: str, value: Any, language: str) -> Document:
    return {
        "name": gettext(language, phrases.FIELDS[f"goal.{name}"]),
        "value": phrases.value_in_words("goal", name, value, {}, language),
    }


def _step(step: Document, people: dict[str, Document], day: Any, language: str) -> Document:
    owner = people.get(step["owner_id"])
    return {
        "mark": _MARKS.get(step["status"], ""),
        "text": paragraphs(step["text"], language),
        "reason": paragraphs(step["reason"], language),
        "owner": isolated(owner["name"] if owner else "", language),
        "due_on": day(step["due_on"]),
    }


def _last(shown: Document) -> list[Document]:
    """The latest agreement of each person on the newest text that anyone agreed to; their own word
    before what another wrote down for them."""
    newest = max((agreement["revision"] for agreement in shown["agreements"]), default=0)
    those = [agreement for agreement in shown["agreements"] if agreement["revision"] == newest]
    those.sort(key=lambda agreement: agreement.get("of_id") in (None, agreement["who"]["id"]))
    return list(
        {
            agreement.get("of_id") or agreement["who"]["id"]: agreement for agreement in those
        }.values()
    )


def _agreement(agreement: Document, say: Any, language: str, zone: ZoneInfo) -> Document:
    at = datetime.fromisoformat(agreement["received_at"].replace("Z", "+00:00"))
    of, name = agreement.get("of"), isolated(agreement["who"].get("name", ""), language)
    if of is not None and of["id"] != agreement["who"]["id"]:
        # Words said aloud and written down by another person are not the same as a signature.
        name = say(
            N_("{name}, written down by {who}"), name=isolated(of["name"], language), who=name
        )
    return {
        "name": name,
        "decision": say(_DECISIONS[agreement["decision"]]),
        "comment": paragraphs(agreement["comment"], language),
        "at": format_moment(language, at, zone),
    }

"""The life project on paper: a PDF in the reader's language, for the child to take along.

Typst sets it. Words are handed over as data, so a name that is source stays a name. The fonts come
with the packages of the lock: what a server has installed changes nothing.
"""

import asyncio
import json
from datetime import date, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typst

from server.i18n import N_, direction, format_moment, format_short_date, gettext
from server.plan.view import Document
from server.plan.words import AREAS

_SOURCE = Path(__file__).with_name("paper.typ")
# One package has Noto Sans for the scripts that children here write in, its symbols and its emoji.
_FONTS = "manimgx_fonts"
# What is looked for first, and last: names in between stand in the order of the alphabet.
_FIRST = ("Noto Sans", "Noto Sans Arabic")
_LAST = ("Noto Emoji", "Noto Sans Symbols")

_DECISIONS = {
    "agree": N_("I agree"),
    "in_part": N_("I agree in part"),
    "disagree": N_("I disagree"),
}
_WORDS = {
    "title": N_("Life project"),
    "summary": N_("In my own words"),
    "situation": N_("How things stand here"),
    "plan_b": N_("If it does not work out"),
    "importance": N_("How important, of 5:"),
    "now": N_("How it is now:"),
    "child_says": N_("The child says"),
    "worker_says": N_("The caseworker says"),
    "why": N_("Why it matters"),
    "success": N_("How we will know"),
    "until": N_("Until:"),
    "agreements": N_("Who agreed"),
}
# Also where no colour and no picture is: ticked, crossed, or to be ticked by hand.
_MARKS = {"done": "✓", "not_done": "✗"}


async def pdf(
    shown: Document, people: dict[str, Document], language: str, zone: ZoneInfo, now: datetime
) -> bytes:
    """The project as a PDF. `shown` is what the reader may see of it, `people` the names."""
    data = json.dumps(_data(shown, people, language, zone, now), ensure_ascii=False)
    return await asyncio.to_thread(_set, data)


def _set(data: str) -> bytes:
    made: bytes = typst.compile(
        str(_SOURCE),
        format="pdf",
        font_paths=fonts(),
        sys_inputs={"data": data, "fonts": json.dumps(families())},
    )
    return made


@cache
def fonts() -> typst.Fonts:
    """The fonts of the package, looked through once."""
    found = find_spec(_FONTS)
    assert found is not None, "the lock brings the fonts"
    places = list(found.submodule_search_locations or ())
    return typst.Fonts(include_system_fonts=False, font_paths=places)


@cache
def families() -> list[str]:
    """The families in the order in which a letter is looked for."""
    known = {name for name in fonts().families() if name.startswith("Noto ")}
    between = sorted(known - {*_FIRST, *_LAST})
    return [*_FIRST, *between, *_LAST]


def _data(
    shown: Document, people: dict[str, Document], language: str, zone: ZoneInfo, now: datetime
) -> Document:
    def day(text: str | None) -> str:
        return "" if text is None else format_short_date(language, date.fromisoformat(text))

    def say(msgid: str, **values: str) -> str:
        return gettext(language, msgid, **values)

    facts = [
        (N_("Lasts until"), day(shown["ends_on"])),
        (N_("Text number"), str(shown["revision"])),
        (N_("Countries"), ", ".join(shown["countries"] or [])),
    ]
    is_signed = shown["signed_revision"] == shown["revision"]
    return {
        "language": language,
        "is_rtl": direction(language) == "rtl",
        "name": shown["child"]["name"],
        "words": {name: say(msgid) for name, msgid in _WORDS.items()},
        "facts": [{"name": say(name), "value": value} for name, value in facts if value],
        "summary": shown["summary"],
        "situation": shown["situation"],
        "plan_b": shown["plan_b"],
        "areas": [_area(area, people, say, day) for area in shown["areas"]],
        "agreements": [_agreement(one, say, language, zone) for one in _last(shown)],
        "note": None if is_signed else say(N_("Not all of this has been agreed by everybody yet.")),
        "footer": f"{shown['child']['name']} · {format_moment(language, now, zone)}",
    }


def _area(area: Document, people: dict[str, Document], say: Any, day: Any) -> Document:
    return {
        "name": area["name"] or say(AREAS[area["kind"]]),
        "importance": area["importance"] and str(area["importance"]),
        "now": area["now"],
        "goals": [_goal(goal, people, say, day) for goal in area["goals"]],
    }


def _goal(goal: Document, people: dict[str, Document], say: Any, day: Any) -> Document:
    said = ("child_words", "worker_words", "why", "success_sign")
    title = goal["child_words"] or goal["worker_words"] or say(N_("A goal"))
    first = title.split("\n", 1)[0]
    words = {name: goal[name] for name in said}
    # What is the title already is not said again.
    kept = {name: None if value == first else value for name, value in words.items()}
    return {
        **kept,
        "title": first,
        "target_on": day(goal["target_on"]) or None,
        "steps": [_step(step, people, day) for step in goal["steps"]],
    }


def _step(step: Document, people: dict[str, Document], day: Any) -> Document:
    owner = people.get(step["owner_id"])
    return {
        "mark": _MARKS.get(step["status"], ""),
        "text": step["text"],
        "reason": step["reason"],
        "owner": owner["name"] if owner else "",
        "due_on": day(step["due_on"]),
    }


def _last(shown: Document) -> list[Document]:
    """What each said last, of the newest text that anybody said something about; one's own word
    before what somebody wrote down of it."""
    newest = max((one["revision"] for one in shown["agreements"]), default=0)
    those = [one for one in shown["agreements"] if one["revision"] == newest]
    those.sort(key=lambda one: one.get("of_id") in (None, one["who"]["id"]))
    return list({one.get("of_id") or one["who"]["id"]: one for one in those}.values())


def _agreement(one: Document, say: Any, language: str, zone: ZoneInfo) -> Document:
    at = datetime.fromisoformat(one["received_at"].replace("Z", "+00:00"))
    of, name = one.get("of"), one["who"].get("name", "")
    if of is not None and of["id"] != one["who"]["id"]:
        # What was said aloud and written down by somebody is not the same as one's own signature.
        name = say(N_("{name}, written down by {who}"), name=of["name"], who=name)
    return {
        "name": name,
        "decision": say(_DECISIONS[one["decision"]]),
        "comment": one["comment"],
        "at": format_moment(language, at, zone),
    }

"""A template: a goal, and steps towards it, that an agency offers in an area. Pure.

It is an offer and nothing else. A child or an adult who takes it up says its words as their own, by
ordinary changes that know nothing of the template. So a template may be changed or retired without
touching any project.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from server.errors import Refused
from server.i18n import LANGUAGES, N_
from server.plan.shape import AREAS

MOST_STEPS = 6
# A phone keeps all of them, and a goal that fills more than a screen is no quick idea.
LONGEST_GOAL = 300
LONGEST_WORDS = 500
LONGEST_STEP = 300
# Care continues after eighteen for a young person with a project.
OLDEST = 25
MOST_DAYS = 730
# Who a step may be for: a role, since a template knows no person. The agency is one of them.
OWNERS = ("child", "caseworker", "agency", "guardian", "carer")


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the role it is for, and the days until it is due."""

    text: str
    who: str | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """The contents of a template. Ages are whole years, both ends included; None is no bound.

    `language` is that of its words; None for one that the pages do not have.
    """

    kind: str
    language: str | None
    age_from: int | None
    age_to: int | None
    words: str
    why: str | None
    success_sign: str | None
    steps: tuple[Step, ...]

    def spoken(self) -> dict[str, Any]:
        """Its words, as they are stored under seal."""
        return {
            "words": self.words,
            "why": self.why,
            "success_sign": self.success_sign,
            "steps": [asdict(step) for step in self.steps],
        }


def age_on(born_on: date | None, today: date) -> int | None:
    """Whole years on a day; None where the day of birth is not known."""
    if born_on is None:
        return None
    has_birthday_ahead = (today.month, today.day) < (born_on.month, born_on.day)
    return today.year - born_on.year - has_birthday_ahead


def fits_age(age_from: int | None, age_to: int | None, age: int | None) -> bool:
    """Whether it is offered to a person of this age; where the age is not known, everything is."""
    if age is None:
        return True
    return (age_from is None or age >= age_from) and (age_to is None or age <= age_to)


def read(typed: Mapping[str, str]) -> Offer:
    """The offer as it was typed into a form. Raises Refused, naming the field.

    Steps are `text_1`, `who_1`, `days_1` and so on; one without a text is skipped.
    """
    if typed["kind"] not in AREAS:
        raise Refused(N_("Choose an area from the list."), field="kind")
    if typed["language"] and typed["language"] not in LANGUAGES:
        raise Refused(N_("Choose a language from the list."), field="language")
    age_from = _number(typed, "age_from", OLDEST)
    age_to = _number(typed, "age_to", OLDEST)
    if age_from is not None and age_to is not None and age_to < age_from:
        raise Refused(N_("The second age cannot be lower than the first."), field="age_to")
    words = _text(typed, "words", LONGEST_GOAL)
    if words is None:
        raise Refused(N_("Write the goal as a child would say it."), field="words")
    return Offer(
        typed["kind"],
        typed["language"] or None,
        age_from,
        age_to,
        words,
        _text(typed, "why", LONGEST_WORDS),
        _text(typed, "success_sign", LONGEST_WORDS),
        tuple(step for number in range(1, MOST_STEPS + 1) for step in _step(typed, number)),
    )


def typed_of(offer: Offer) -> dict[str, str]:
    """The fields of the form: what `read` would read."""
    typed = {
        "kind": offer.kind,
        "language": offer.language or "",
        "age_from": _shown(offer.age_from),
        "age_to": _shown(offer.age_to),
        "words": offer.words,
        "why": offer.why or "",
        "success_sign": offer.success_sign or "",
    }
    none = Step("", None, None)
    for number in range(1, MOST_STEPS + 1):
        step = offer.steps[number - 1] if number <= len(offer.steps) else none
        typed[f"text_{number}"] = step.text
        typed[f"who_{number}"] = step.who or ""
        typed[f"days_{number}"] = _shown(step.days)
    return typed


def offer_of(
    kind: str,
    language: str | None,
    age_from: int | None,
    age_to: int | None,
    spoken: Mapping[str, Any],
) -> Offer:
    """The offer in a row."""
    steps = tuple(Step(step["text"], step["who"], step["days"]) for step in spoken["steps"])
    words = (spoken["words"], spoken["why"], spoken["success_sign"])
    return Offer(kind, language, age_from, age_to, *words, steps)


def _step(typed: Mapping[str, str], number: int) -> list[Step]:
    text = _text(typed, f"text_{number}", LONGEST_STEP)
    who = typed[f"who_{number}"]
    days = _number(typed, f"days_{number}", MOST_DAYS)
    if who and who not in OWNERS:
        raise Refused(N_("Choose from the list who does it."), field=f"who_{number}")
    if text is None:
        if days is not None:
            raise Refused(N_("Write what will be done."), field=f"text_{number}")
        return []
    return [Step(text, who or None, days)]


def _text(typed: Mapping[str, str], name: str, longest: int) -> str | None:
    text = typed[name].replace("\r\n", "\n").strip()
    if len(text) > longest:
        raise Refused(
            N_("This is too long. Use up to {most} characters."), field=name, most=longest
        )
    return text or None


def _number(typed: Mapping[str, str], name: str, most: int) -> int | None:
    text = typed[name]
    if not text:
        return None
    # Any digits that Unicode knows: a reader of Arabic may type their own.
    if not text.isdecimal() or len(text) > len(str(most)) or int(text) > most:
        raise Refused(N_("Enter a whole number from 0 to {most}."), field=name, most=most)
    return int(text)


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)

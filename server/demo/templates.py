"""The templates of the demo: offers for a life project, each in the three languages of the pages.

Areas and balance are those of CM/Rec(2007)9: the child's wish comes first, and in each an adult has
something to do as well. A child may take one, change every word of it, or leave all of them.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from server.audit.actions import Actor
from server.demo.cast import data, id_of
from server.i18n.languages import LANGUAGES
from server.plan.goal_templates.actions import add
from server.plan.goal_templates.rules import Offer, Step

_TEMPLATES = UUID("2d5c8f60-8a0e-4f0e-9a54-0d6d7d1b2c31")


async def write_templates(actor: Actor, now: datetime) -> None:
    """All of them, for the agency of the demo."""
    agency_id = id_of("harbour")
    for number, offer in enumerate(data("templates")["offers"]):
        for language in (name for name in LANGUAGES if name in offer):
            id_ = uuid5(_TEMPLATES, f"{number}:{language}")
            at = now + timedelta(minutes=number)  # Offered in the order of making.
            await add(actor, agency_id, id_, _in_language(offer, language), at)


def _in_language(offer: dict[str, Any], language: str) -> Offer:
    goal, sign, *texts = offer[language]
    steps = tuple(
        Step(text, step["who"], step.get("days"))
        for text, step in zip(texts, offer["steps"], strict=True)
    )
    ages = offer.get("age_from"), offer.get("age_to")
    return Offer(offer["kind"], language, *ages, goal, None, sign, steps)

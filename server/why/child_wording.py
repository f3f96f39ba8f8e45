"""The sentences in which a child reads what happened while they were silent. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from server.i18n import N_, format_time, gettext
from server.why.child_rules import Step

# `asked` and `told` say why: which check-in had no answer, and since when.
SENTENCES: Mapping[str, str] = {
    "reminded": N_("We reminded you."),
    "late": N_("We had no answer for {due} yet."),
    "asked": N_("You had not answered since {due}, so we asked {who} if they had seen you."),
    "home_here": N_("{who} said that you were at home."),
    "home_not_here": N_("{who} said that you were not at home."),
    "home_excused": N_("{who} said that you were allowed to be out."),
    "home_unknown": N_("{who} did not know where you were."),
    "witness_here": N_("{who} said that you came."),
    "witness_not_here": N_("{who} said that you did not come."),
    "witness_excused": N_("{who} said that you were excused."),
    "told": N_("You had not answered since {due}, so we told {who}."),
    "told_too": N_("We told {who} too."),
    "you_answered": N_("You answered, so we stopped waiting."),
    "answered_for": N_("{who} answered for you, so we stopped waiting."),
    "seen": N_("{who} saw you, so we stopped waiting."),
    "settled": N_("We stopped waiting for this answer."),
    "over": N_("We stopped calling adults about it."),
}
SOMEONE = N_("an adult")


def sentence(
    step: Step, due_at: datetime, language: str, zone: ZoneInfo, name: Callable[[UUID], str | None]
) -> str:
    """One step in the child's language, by the child's clock."""
    who = (name(step.who) if step.who is not None else None) or gettext(language, SOMEONE)
    due = format_time(language, due_at, zone)
    text = gettext(language, SENTENCES[step.code], due=due, who=who)
    return text[:1].upper() + text[1:]

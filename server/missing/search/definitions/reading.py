"""The agency's definitions as the pages of a decision show them."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.i18n import N_, direction, gettext, ngettext
from server.missing.search.definitions import rules
from server.missing.search.definitions.actions import latest, of
from server.missing.search.definitions.rules import Definition, Term
from server.missing.search.models import Episode
from server.watch.models import Watch
from server.watch.wording import when


class Shown(msgspec.Struct, frozen=True):
    """One term: what it is called, the agency's words in `language`, and its hours in words."""

    title: str
    words: str
    language: str
    direction: str
    hours: str


class Aside(msgspec.Struct, frozen=True):
    """What stands beside a decision. `nudge`: that the child is missing by these hours already."""

    terms: list[Shown]
    nudge: str


TITLES = {Term.AWAY: N_("Away"), Term.MISSING: N_("Missing")}


async def aside_of(
    agency_id: UUID, child_id: UUID, language: str, zone: ZoneInfo, now: datetime
) -> Aside | None:
    """The agency's definitions for a decision about this child; None where it has none."""
    definitions = of(await latest(agency_id))
    terms = [
        _shown(term, definition, language)
        for term, definition in definitions.items()
        if not definition.is_empty
    ]
    if not terms:
        return None
    since = rules.missing_since(definitions, await _silent_since(child_id), now)
    return Aside(terms, _nudge(since, language, zone, now))


async def _silent_since(child_id: UUID) -> datetime | None:
    """Since when a check-in has been missing; None during a search, where nothing is left to
    report by this."""
    if await Episode.exists(child_id=child_id, found_at__isnull=True):
        return None
    watch = await Watch.get_or_none(child_id=child_id)
    return None if watch is None else watch.missed_due_at


def _shown(term: Term, definition: Definition, language: str) -> Shown:
    words, code = definition.in_language(language)
    return Shown(
        gettext(language, TITLES[term]),
        words,
        code,
        direction(code),
        _hours(term, definition.hours, language),
    )


def _hours(term: Term, hours: int | None, language: str) -> str:
    if hours is None:
        return ""
    if term is Term.AWAY:
        return ngettext(language, "For {n} hour at most.", "For {n} hours at most.", hours)
    return ngettext(
        language,
        "{n} hour after a missed check-in at the latest.",
        "{n} hours after a missed check-in at the latest.",
        hours,
    )


def _nudge(since: datetime | None, language: str, zone: ZoneInfo, now: datetime) -> str:
    if since is None:
        return ""
    at = when(language, since, zone, now)
    words = N_("By your agency's definition this child has been missing since {time}. Report it.")
    return gettext(language, words, time=at)

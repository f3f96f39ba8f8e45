"""What is known about an alert, in words: how the child wants to be met, and the evidence."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.models import Alert
from server.alerts.weighed import SHOWN, each_said, weighed_in
from server.checkin.calls import calls_of
from server.checkin.reading import said_before
from server.i18n import N_, gettext
from server.people.access import Roles
from server.people.models import Person
from server.people.rules import Action, may
from server.watch import evidence
from server.watch.evidence_wording import says_forgot
from server.watch.wording import WAYS, said_and_arrived, way_in_words, when

# How a child who asked for help wants to be met, by the codes in the facts of the alert.
WISHES: Mapping[str, str] = {
    "call": N_("Wants a phone call."),
    "quiet": N_("Do not call. Text only when {name} says so."),
    "come": N_("Wants us to come."),
}


def wishes_of(alert: Alert, names: Mapping[UUID, str], language: str) -> list[str]:
    """How the child wants to be met, and by which adult, in their words."""
    how, who = alert.facts.get("how", ""), alert.facts.get("who")
    says = [gettext(language, WISHES[how], name=names[alert.child_id])] if how in WISHES else []
    if who is not None and UUID(who) in names:
        says.append(gettext(language, N_("Would prefer {name}."), name=names[UUID(who)]))
    return says


class Spoken(msgspec.Struct, frozen=True):
    """What the child said with a call: when, by which adult where not by themselves, and the
    words."""

    when: str
    by: str
    words: str | None


async def calls_in_words(alert: Alert, language: str, at: Callable[..., str]) -> list[Spoken]:
    """What the child said with their calls, the latest first."""
    calls = (await calls_of([alert])).get(alert.id, [])
    others = [call.by_id for call in calls if call.by_id != call.child_id]
    names = {person.id: person.name for person in await Person.filter(id__in=others)}
    return [
        Spoken(
            said_and_arrived(language, at, said_at, call.received_at)
            if (said_at := said_before(call)) is not None
            else at(call.received_at),
            gettext(language, N_("By {name}"), name=names[call.by_id])
            if call.by_id in names
            else way_in_words(call.by_way, language),
            call.note,
        )
        for call in reversed(calls)
    ]


# The facts frozen into an alert when it opened, by their names.
THEN: Mapping[str, str] = {
    "due_at": N_("Was due"),
    "answered_at": N_("Last answer"),
    "app_seen_at": N_("App last opened"),
    "asked_at": N_("Carer asked"),
    "push_silent_since": N_("No reminder shown since"),
}


def weighed_of(
    alert: Alert, roles: Roles, language: str, at: Callable[[datetime], str]
) -> list[str]:
    """What weighed most when adults were called, in words."""
    facts = weighed_in(alert.facts, sees_signs=may(roles, Action.OBSERVATION_SEE))
    return each_said(facts[:SHOWN], language, at)


def points_of(
    alert: Alert, facts: evidence.Facts, language: str, zone: ZoneInfo, now: datetime
) -> list[evidence.Point]:
    """The evidence as it is now; of a closed alert, what was known when it opened."""
    if alert.closed_at is None:
        return evidence.points(facts, language, zone, now)
    never = gettext(language, N_("none yet"))
    moments = {
        name: when(language, datetime.fromisoformat(alert.facts[name]), zone, now)
        for name in THEN
        if name in alert.facts
    }
    if "due_at" in moments:
        moments.setdefault("answered_at", never)
    points = [
        evidence.Point(gettext(language, label), moments[name])
        for name, label in THEN.items()
        if name in moments
    ]
    if alert.facts.get("heard_way") in WAYS:
        at = when(language, datetime.fromisoformat(alert.facts["heard_at"]), zone, now)
        text = gettext(
            language,
            N_("{said} ({way})"),
            said=at,
            way=way_in_words(alert.facts["heard_way"], language),
        )
        points.append(evidence.Point(gettext(language, N_("Answered another way")), text))
    forgot = says_forgot(facts, language, zone, now)
    return [*points, forgot] if forgot is not None and _is_about(alert, facts) else points


def _is_about(alert: Alert, facts: evidence.Facts) -> bool:
    """Whether the check-in that the child says they forgot belongs to the alert."""
    if facts.forgot is None or alert.closed_at is None or "due_at" not in alert.facts:
        return False
    first = datetime.fromisoformat(alert.facts["due_at"])
    return first <= facts.forgot[0] <= alert.closed_at

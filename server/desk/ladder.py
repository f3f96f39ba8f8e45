"""The ladder of an alert as people read it: who is on each rung, and what comes next."""

from datetime import datetime
from typing import Any
from unicodedata import bidirectional
from uuid import UUID

import msgspec

from server.alerts import climbing
from server.alerts import ladder as rules
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.alerts.sent import rungs_called
from server.i18n import format_list, gettext
from server.people.models import Person
from server.policy.model import Rung, ladder_from_data


class Step(msgspec.Struct, frozen=True):
    """One rung of the ladder, as people read it. `state`: done, unsent, next, later; unset: a last
    resort without any address. `faces`: the initials of the first people on it. `is_here`: the
    reader is on it."""

    title: str
    people: str
    state: str
    at: datetime | None
    faces: tuple[str, ...]
    is_here: bool


MOST_FACES = 3


async def steps(alert: Alert, reader: UUID, language: str, now: datetime) -> list[Step]:
    """The ladder as it was frozen, with the people who are on each rung now; empty where there is
    nobody to call."""
    ladder, called = ladder_from_data(alert.ladder), await rungs_called(alert.id)
    reachable = (await reach_of({alert.child_id: alert.agency_id}, now))[alert.child_id]
    reach = reachable.on(*ladder.rungs)
    people = {rung: rules.people_on(rung, reach) for rung in ladder.rungs}
    named = Person.filter(id__in=[person for some in people.values() for person in some])
    names = {person.id: person.name for person in await named}
    coming = next_call(alert, reachable)
    if not any(people[rung] or rung in reach for rung in ladder.rungs):
        return []
    return [
        Step(
            title=gettext(language, rung.label),
            people=format_list(language, [names[person] for person in people[rung]]),
            state=_state(place, coming, called.get(place))
            if people[rung] or rung in reach
            else "unset",
            at=coming.at if coming is not None and coming.rung == place else None,
            faces=tuple(initials(names[person]) for person in people[rung][:MOST_FACES]),
            is_here=reader in people[rung],
        )
        for place, rung in enumerate(ladder.rungs)
        if people[rung] or rung is Rung.LAST_RESORT
    ]


def initials(name: str) -> str:
    """ "TV" for Tom Verhoeven. Scripts that join their letters have one: two would join as well."""
    words = name.split()
    ends = words[:1] + words[1:][-1:]
    letters = [word[0].upper() for word in ends]
    is_joined = any(bidirectional(letter) == "AL" for letter in letters)
    return "".join(letters[:1] if is_joined else letters)


def _state(place: int, coming: rules.Call | None, went_out: bool | None) -> str:
    if coming is not None and coming.rung == place and coming.why != "confirm":
        return "next"
    if went_out is None:
        return "later"
    return "done" if went_out else "unsent"


def next_call(alert: Alert, reach: rules.Reachable) -> rules.Call | None:
    """What the ladder does next, by the rules themselves."""
    moments = [at for at in (alert.next_action_at, alert.decide_at) if at is not None]
    if alert.closed_at is not None or not moments:
        return None
    ladder = ladder_from_data(alert.ladder)
    standing = reach.on(*ladder.rungs)
    _, calls = rules.advance(climbing.climb_of(alert), ladder, standing, min(moments))
    return calls[0] if calls else None


async def next_call_in_words(alert: Alert, language: str, now: datetime) -> dict[str, Any] | None:
    """When the ladder goes on, why, and to which adults."""
    reach = (await reach_of({alert.child_id: alert.agency_id}, now))[alert.child_id]
    call = next_call(alert, reach)
    if call is None:
        return None
    people = await Person.filter(id__in=list(call.people))
    who = format_list(language, sorted(person.name for person in people))
    return {"at": call.at, "why": call.why, "who": who or gettext(language, call.who.label)}

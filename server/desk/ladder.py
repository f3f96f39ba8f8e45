"""The ladder of an alert as people read it: who is on each rung, and what comes next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from unicodedata import bidirectional
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts import climbing
from server.alerts import ladder as rules
from server.alerts.cries import rules as cries
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.alerts.sent import CalledRung, RungState, lost_in_words, messages_of, rungs_called
from server.i18n import N_, format_list, gettext
from server.notify.contact_routes import ways_of
from server.notify.models import Message
from server.people.models import Person
from server.policy.model import Rung, ladder_from_data


class Step(msgspec.Struct, frozen=True):
    """One rung of the ladder, as people read it. `state`: called, unsent, not_reached, next, later;
    unset: a last resort without any address. `lost`: who was not reached there, in words. `faces`:
    the initials of the first people on it. `is_here`: the reader is on it."""

    title: str
    people: str
    state: str
    lost: str
    at: datetime | None
    faces: tuple[str, ...]
    is_here: bool


class Named(msgspec.Struct):
    """A person, by name."""

    id: UUID
    name: str


class RungOut(msgspec.Struct):
    """A rung of the ladder that was called, as of the last time. `not_reached`: people who could
    not be sent anything; `state` is `not_reached` where that is everyone, and the ladder went to
    the next rung at once."""

    rung: int
    who: Rung
    state: RungState
    people: list[Named]
    not_reached: list[Named]


MOST_FACES = 3
NOBODY_TO_CALL = N_("Next, {time}: {names}. We cannot call them: they have no address.")


async def steps(alert: Alert, reader: UUID, language: str, now: datetime) -> list[Step]:
    """The ladder as it was frozen: on a rung that was called with the people who were called there,
    on the others with those who are there now. Empty where there is nobody to call."""
    ladder, called = ladder_from_data(alert.ladder), rungs_called(await messages_of(alert.id))
    reachable = (await reach_of({alert.child_id: alert.agency_id}, now))[alert.child_id]
    reach = reachable.on(*ladder.rungs)
    people = {
        rung: called[place].people if place in called else rules.people_on(rung, reach)
        for place, rung in enumerate(ladder.rungs)
    }
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
            lost=lost_in_words(called.get(place), names, language),
            at=coming.at if coming is not None and coming.rung == place else None,
            faces=tuple(initials(names[person]) for person in people[rung][:MOST_FACES]),
            is_here=reader in people[rung],
        )
        for place, rung in enumerate(ladder.rungs)
        if people[rung] or rung is Rung.LAST_RESORT
    ]


def rungs_out(
    alerts: Sequence[Alert], messages: Sequence[Message], names: Mapping[UUID, str]
) -> dict[UUID, list[RungOut]]:
    """The rungs that each of these alerts has called, by what was sent about it."""
    about: dict[UUID, list[Message]] = {alert.id: [] for alert in alerts}
    for message in messages:
        about[message.subject_id].append(message)
    return {
        alert.id: [
            _rung_out(place, ladder_from_data(alert.ladder).rungs[place], called, names)
            for place, called in rungs_called(about[alert.id]).items()
        ]
        for alert in alerts
    }


def _rung_out(place: int, who: Rung, called: CalledRung, names: Mapping[UUID, str]) -> RungOut:
    people = [Named(person, names.get(person, "")) for person in called.people]
    lost = [person for person in people if person.id in called.lost]
    return RungOut(place, who, called.state, people, lost)


def initials(name: str) -> str:
    """ "TV" for Tom Verhoeven. Scripts that join their letters have one: two would join as well."""
    words = name.split()
    ends = words[:1] + words[1:][-1:]
    letters = [word[0].upper() for word in ends]
    is_joined = any(bidirectional(letter) == "AL" for letter in letters)
    return "".join(letters[:1] if is_joined else letters)


def _state(place: int, coming: rules.Call | None, called: CalledRung | None) -> str:
    if coming is not None and coming.rung == place and coming.why != "confirm":
        return "next"
    return called.state.value if called is not None else "later"


def next_call(alert: Alert, reach: rules.Reachable) -> rules.Call | None:
    """What the ladder does next, by the rules themselves."""
    climb = climbing.climb_of(alert)
    moments = (climb.next_action_at, climb.decide_at, climb.cry.react_at)
    at = min((moment for moment in moments if moment is not None), default=None)
    if alert.closed_at is not None or at is None:
        return None
    ladder = ladder_from_data(alert.ladder)
    # What is told at the end of a minute is no step of the ladder.
    climb = replace(climb, cry=replace(climb.cry, tell_at=None))
    _, calls = cries.advance(climb, ladder, reach.on(*ladder.rungs), at)
    return calls[0] if calls else None


async def next_call_in_words(alert: Alert, language: str, now: datetime) -> dict[str, Any] | None:
    """When the ladder goes on, why, and to which adults; `lost`: those of them who have no
    address, and are called by nothing."""
    reach = (await reach_of({alert.child_id: alert.agency_id}, now))[alert.child_id]
    call = next_call(alert, reach)
    if call is None:
        return None
    ways = await ways_of(call.people, now)
    people = await Person.filter(id__in=list(call.people))
    called, lost = (
        format_list(language, sorted(p.name for p in people if (p.id in ways) is is_called))
        for is_called in (True, False)
    )
    who = called or ("" if people else gettext(language, call.who.label))
    return {"at": call.at, "why": call.why, "who": who, "lost": lost}


async def has_heard_again(alert: Alert) -> bool:
    """Whether a message about the last call went out to the person who has the alert."""
    to_holder = Message.filter(subject_id=alert.id, person_id=alert.acknowledged_by, state="done")
    return await to_holder.filter(queued_at__gte=alert.called_at).exists()

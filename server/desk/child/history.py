"""What happened to a child lately, each in a line: answers, sightings, what adults noticed."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.ladder import Cause
from server.alerts.words import CAUSES
from server.audit.models import Entry
from server.checkin.models import CheckIn
from server.checkin.reading import said_before, to_be_read, waited
from server.checkin.repeats import handed_in_again
from server.checkin.rules import Want
from server.desk.child.check_in_pages import MOODS
from server.i18n import N_, gettext
from server.inbound import reading
from server.people.access import (
    Roles,
)
from server.people.models import Child, Person
from server.people.rules import Action, Role, may
from server.people.words import ROLES
from server.policy.levels import Way
from server.watch.models import Round, Sighting
from server.watch.signals.models import Observation
from server.watch.signals.observations import noticed
from server.watch.signals.warning_signs import SIGNS
from server.watch.wording import UNCHECKED, way_in_words, when

# As many answers as a month of three a day has.
MOST = 90
MOST_NOTICED = 12
_MOVED: Mapping[str, str] = {
    "carer:moved": N_("“Could not find”, said by a person we no longer ask"),
    "roll_call:moved": N_("“Not here”, said by a home where they no longer live"),
    "witness:moved": N_("“Not here”, said by a school or club that we no longer ask"),
}


class Moment(msgspec.Struct, frozen=True):
    """One line of the history: an answer or a sighting."""

    at: datetime
    icon: str
    word: str
    words: str | None
    tags: tuple[tuple[str, str], ...]  # (kind, text)
    by: str | None
    said_at: datetime | None  # If it arrived much later than the child said it.
    again_at: datetime | None = None  # If a restored database had lost it, and the phone had not.
    to_read: UUID | None = None  # The answer in which the child says something to their workers.


async def noticed_of(child: Child, roles: Roles, language: str) -> list[Moment]:
    """The warning signs that adults noted lately, for those who answer for the child."""
    if not may(roles, Action.OBSERVATION_SEE):
        return []
    observations = await noticed(child.id, MOST_NOTICED)
    people = await Person.filter(id__in=[observation.by_id for observation in observations])
    names = {person.id: person.name for person in people}
    return [
        _observed(observation, names.get(observation.by_id), language)
        for observation in observations
    ]


def _observed(observation: Observation, name: str | None, language: str) -> Moment:
    role = gettext(language, ROLES[Role(observation.by_role)])
    return Moment(
        at=observation.at,
        icon="eye",
        word=gettext(language, SIGNS[observation.sign])
        if observation.sign in SIGNS
        else observation.sign,
        words=observation.words,
        tags=(),
        by=gettext(language, N_("By {name}, {role}"), name=name or "", role=role),
        said_at=None,
    )


async def history_of(child: Child, language: str, zone: ZoneInfo, now: datetime) -> list[Moment]:
    """Answers, sightings and texts, the latest first."""
    answers = await CheckIn.filter(child_id=child.id).order_by("-received_at").limit(MOST)
    seen = await Sighting.filter(child_id=child.id).order_by("-at").limit(MOST)
    forgot = Round.filter(child_id=child.id, forgot_at__isnull=False).order_by("-forgot_at")
    others = {answer.by_id for answer in answers} | {sighting.by_id for sighting in seen}
    names = {person.id: person.name for person in await Person.filter(id__in=list(others))}
    again = await handed_in_again(answers)
    moments = [
        _answer(answer, names.get(answer.by_id), again.get(answer.id), language)
        for answer in answers
    ]
    moments += [_seen(sighting, names.get(sighting.by_id), language) for sighting in seen]
    moments += [_forgot(forgotten, language, zone, now) for forgotten in await forgot.limit(MOST)]
    moments += [_text(*text, language) for text in await reading.texts_of(child.id, MOST)]
    moved = Entry.filter(child_id=child.id, what__in=list(_MOVED)).order_by("-at").limit(MOST)
    moments += [_elsewhere(entry, language) for entry in await moved]
    moments += [_by_card(at, language) for at in await reading.calls_by_card(child.id, MOST)]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:MOST]


def _answer(answer: CheckIn, name: str | None, again_at: datetime | None, language: str) -> Moment:
    tags = [
        (kind, gettext(language, word))
        for is_so, kind, word in (
            (answer.want == Want.HELP, "wants", N_("asked for help")),
            (answer.want == Want.TALK, "wants", N_("wants to talk")),
            (answer.want == Want.SAFE, "wants", N_("safe, not ready to come back yet")),
            (answer.is_late, "late", N_("late")),
            (answer.is_early and not answer.is_old, "early", N_("early")),
            (answer.is_old, "early", N_("too old to say how the child is")),
        )
        if is_so
    ]
    by = way_in_words(answer.by_way, language) or None
    if answer.by_role != Role.CHILD:
        role = gettext(language, ROLES[Role(answer.by_role)])
        by = gettext(
            language, N_("Answered for the child by {name}, {role}"), name=name or "", role=role
        )
    if answer.by_role != Role.CHILD and answer.by_way == Way.VOICE:
        told = N_("Said aloud by the child, passed on by {name}, {role}")
        by = gettext(language, told, name=name or "", role=role)
    return Moment(
        at=answer.received_at,
        icon="check" if answer.mood is None else f"mood-{answer.mood}",
        word=gettext(language, N_("OK") if answer.mood is None else MOODS[answer.mood - 1]),
        words=answer.note,
        tags=tuple(tags),
        by=by,
        said_at=said_before(answer),
        again_at=again_at,
        to_read=next(iter(to_be_read([answer])), None),
    )


def _forgot(forgotten: Round, language: str, zone: ZoneInfo, now: datetime) -> Moment:
    assert forgotten.forgot_at is not None
    due = when(language, forgotten.due_at, zone, now)
    return Moment(
        at=forgotten.forgot_at,
        icon="words",
        word=gettext(language, N_("I forgot")),
        words=None,
        tags=(),
        by=gettext(language, N_("Check-in due: {due}"), due=due),
        said_at=None,
    )


def _text(at: datetime, words: str | None, is_shared: bool, language: str) -> Moment:
    """A text in other words than the agreed ones: it settles nothing, and is not lost."""
    told = N_("from a number that several children share")
    return Moment(
        at=at,
        icon="words",
        word=gettext(language, N_("Text message")),
        words=words or gettext(language, N_("A message that we could not read")),
        tags=(("early", gettext(language, told)),) if is_shared else (),
        by=None,
        said_at=None,
    )


def _elsewhere(entry: Entry, language: str) -> Moment:
    """One that is not asked about the child any more was asked, and did not have them."""
    return Moment(
        at=entry.at,
        icon="words",
        word=gettext(language, _MOVED[entry.what]),
        words=None,
        tags=(),
        by=None,
        said_at=None,
    )


def _by_card(at: datetime, language: str) -> Moment:
    """A call for help at a front desk: perhaps the child's, and nothing else."""
    return Moment(
        at=at,
        icon="words",
        word=gettext(language, CAUSES[Cause.HELP]),
        words=None,
        tags=(),
        by=gettext(language, UNCHECKED),
        said_at=None,
    )


def _seen(sighting: Sighting, name: str | None, language: str) -> Moment:
    word = N_("Seen") if sighting.answer == "seen" else N_("Could not find")
    role = gettext(language, ROLES[Role(sighting.by_role)])
    return Moment(
        at=sighting.at,
        icon="eye",
        word=gettext(language, word),
        words="\n".join(text for text in (sighting.place, sighting.words) if text) or None,
        tags=(),
        by=gettext(language, N_("By {name}, {role}"), name=name or "", role=role),
        said_at=waited(sighting.seen_at, sighting.at),
    )

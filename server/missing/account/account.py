"""One child's time in order, for an inspector: who did, learned and was told what, and when.

Read from the rows, with nothing added for the occasion: answers, requests to be away, check-ins
without an answer, sightings, what homes said at roll calls, alerts and who took and closed them,
every message to an adult and its outcome, the timelines of episodes, who was tied to the child,
absences, and transfers between agencies. People knew what had reached them, so a message is listed
by its last delivery attempt.
Sealed reasons are left out, and so are the child's words.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.sent import sent_about
from server.alerts.words import OUTCOMES, TITLES, about
from server.audit.models import Entry
from server.checkin.models import CheckIn
from server.checkin.reading import said_before
from server.i18n import N_, gettext
from server.missing.search.entry_kinds import OF_ANOTHER
from server.missing.search.models import TimelineEntry
from server.missing.search.view import of_another
from server.missing.search.wording import details_of, title_of
from server.notify.models import Message
from server.people.models import Person, Tie
from server.people.words import ROLES
from server.roll_calls.said import words_between
from server.roll_calls.words import SAID
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Round, Sighting
from server.watch.wording import way_in_words

# An inspector must ask for more than this of one kind in parts.
MOST = 5_000


class Fact(msgspec.Struct, frozen=True):
    """One line: when the server recorded it, what, who, and how. `happened_at`: when it happened,
    where it was entered later."""

    at: datetime
    what: str
    who: str
    how: str = ""
    happened_at: datetime | None = None


async def account(
    child_id: UUID,
    begin: datetime,
    end: datetime,
    language: str,
    names_by_child: Mapping[UUID, str] = MappingProxyType({}),
) -> list[Fact]:
    """Everything about this child from `begin` until before `end`, oldest first.
    `names_by_child`: other children that the reader may see."""
    people = _Names(language)
    # At one moment, what a person said comes before what followed from it.
    facts = [
        *await _answers(child_id, begin, end, language, people),
        *await _sightings(child_id, begin, end, language, people),
        *await _roll_calls(child_id, begin, end, language),
        *await _lines(child_id, begin, end, language, people, names_by_child),
        *await _requests(child_id, begin, end, language, people),
        *await _rounds(child_id, begin, end, language),
        *await _alerts(child_id, begin, end, language, people),
        *await _messages(child_id, begin, end, language),
        *await _ties(child_id, begin, end, language, people),
        *await _recorded(child_id, begin, end, language, people),
    ]
    return sorted(facts, key=lambda fact: fact.at)


class _Names:
    """Names of people, each read once."""

    def __init__(self, language: str) -> None:
        self._known: dict[UUID, str] = {}
        self._language = language

    async def learn(self, ids: Iterable[UUID | None]) -> None:
        new = {id_ for id_ in ids if id_ is not None} - self._known.keys()
        if new:
            held = Person.filter(id__in=list(new))
            self._known |= {id_: name for id_, name in await held.values_list("id", "name")}

    def of(self, id_: UUID | None) -> str:
        if id_ is None:
            return gettext(self._language, N_("automatic"))
        return self._known.get(id_, gettext(self._language, N_("unknown person")))


_WANTS = {"talk": N_("Wants to talk"), "help": N_("Asked for help")}


async def _answers(
    child_id: UUID, begin: datetime, end: datetime, language: str, people: _Names
) -> list[Fact]:
    held = CheckIn.filter(child_id=child_id, received_at__gte=begin, received_at__lt=end)
    rows = await held.order_by("received_at").limit(MOST)
    await people.learn(row.by_id for row in rows)
    return [
        Fact(
            row.received_at,
            gettext(language, _WANTS.get(row.want, N_("Answered"))),
            people.of(row.by_id),
            way_in_words(row.by_way, language) if row.by_way != "app" else "",
            said_before(row),
        )
        for row in rows
    ]


_DECIDED = {
    "agreed": N_("Agreed that the child is away"),
    "declined": N_("Did not agree that the child is away"),
}


async def _requests(
    child_id: UUID, begin: datetime, end: datetime, language: str, people: _Names
) -> list[Fact]:
    """What the child asked for, without their words, and the answer."""
    near = Q(made_at__gte=begin, made_at__lt=end) | Q(decided_at__gte=begin, decided_at__lt=end)
    rows = await AbsenceRequest.filter(near, child_id=child_id).order_by("made_at").limit(MOST)
    await people.learn(id_ for row in rows for id_ in (child_id, row.decided_by))
    asked = gettext(language, N_("Asked to be away"))
    facts = [Fact(row.made_at, asked, people.of(child_id), happened_at=row.said_at) for row in rows]
    facts += [
        Fact(row.decided_at, gettext(language, _DECIDED[row.state]), people.of(row.decided_by))
        for row in rows
        if row.state in _DECIDED and row.decided_at is not None
    ]
    return [fact for fact in facts if begin <= fact.at < end]


async def _rounds(child_id: UUID, begin: datetime, end: datetime, language: str) -> list[Fact]:
    late = Round.filter(child_id=child_id, late_at__gte=begin, late_at__lt=end)
    rows = await late.order_by("late_at").limit(MOST)
    return [
        Fact(
            row.late_at,
            gettext(language, N_("No answer in time")),
            gettext(language, N_("automatic")),
            happened_at=row.due_at,
        )
        for row in rows
        if row.settled_at is None or row.settled_at >= row.late_at
    ]


async def _sightings(
    child_id: UUID, begin: datetime, end: datetime, language: str, people: _Names
) -> list[Fact]:
    rows = await Sighting.filter(child_id=child_id, at__gte=begin, at__lt=end).limit(MOST)
    await people.learn(row.by_id for row in rows)
    words = {"seen": N_("Seen"), "not_seen": N_("Looked, could not find")}
    return [
        Fact(
            row.at,
            gettext(language, words.get(row.answer, N_("Seen"))),
            people.of(row.by_id),
            " · ".join(text for text in (row.place, row.words) if text),
            row.seen_at,
        )
        for row in rows
    ]


async def _roll_calls(child_id: UUID, begin: datetime, end: datetime, language: str) -> list[Fact]:
    return [
        Fact(once.at, gettext(language, SAID[once.word]), once.by, once.home, once.said_at)
        for once in await words_between(child_id, begin, end, MOST)
    ]


async def _alerts(
    child_id: UUID, begin: datetime, end: datetime, language: str, people: _Names
) -> list[Fact]:
    rows = await Alert.filter(child_id=child_id, opened_at__lt=end).order_by("opened_at")
    await people.learn(
        id_ for row in rows for id_ in (row.opened_by, row.acknowledged_by, row.closed_by)
    )
    facts: list[Fact] = []
    for row in rows:
        cause = gettext(language, TITLES[about(row.cause, row.reason)])
        opened = gettext(language, N_("An alert opened"))
        facts.append(Fact(row.noticed_at, opened, people.of(row.opened_by), cause, row.opened_at))
        if row.acknowledged_at is not None:
            taken = gettext(language, N_("Alert taken"))
            facts.append(Fact(row.acknowledged_at, taken, people.of(row.acknowledged_by), cause))
        if row.closed_at is not None:
            closed = gettext(language, N_("The alert was closed"))
            how = _outcome(row, language)
            facts.append(Fact(row.closed_at, closed, people.of(row.closed_by), how))
    return [fact for fact in facts if begin <= fact.at < end]


def _outcome(alert: Alert, language: str) -> str:
    # The outcome of an alert whose reason is sealed would reveal the reason.
    if alert.outcome is None or alert.cause == Cause.CONCERN:
        return ""
    return gettext(language, OUTCOMES[Outcome(alert.outcome)][0])


async def _messages(child_id: UUID, begin: datetime, end: datetime, language: str) -> list[Fact]:
    held = Message.filter(child_id=child_id, queued_at__gte=begin, queued_at__lt=end)
    held = held.exclude(person_id=child_id)
    rows = await held.limit(MOST).only("id", "subject_id")
    subjects = {row.subject_id for row in rows}
    sent = [
        message for message in await sent_about(subjects, language) if begin <= message.at < end
    ]
    return [
        Fact(
            message.tries[-1].at if message.tries else message.at,
            gettext(language, N_("Message: {what}"), what=message.kind),
            message.to or "",
            gettext(language, N_("{channel}, {result}"), channel=message.by, result=message.result),
            message.at,
        )
        for message in sent
    ]


async def _ties(
    child_id: UUID, begin: datetime, end: datetime, language: str, people: _Names
) -> list[Fact]:
    rows = await Tie.filter(child_id=child_id, from_at__lt=end).order_by("from_at", "id")
    await people.learn(row.person_id for row in rows)
    came = gettext(language, N_("Assigned to the child"))
    went = gettext(language, N_("No longer assigned to the child"))
    facts = []
    for row in rows:
        who, role = people.of(row.person_id), gettext(language, ROLES[row.role])
        facts.append(Fact(row.from_at, came, who, role))
        # A tie that was taken back before it began never existed.
        if row.until_at is not None and row.until_at > row.from_at:
            facts.append(Fact(row.until_at, went, who, role))
    return [fact for fact in facts if begin <= fact.at < end]


async def _recorded(
    child_id: UUID, begin: datetime, end: datetime, language: str, people: _Names
) -> list[Fact]:
    """From the record: absences and looks at them; transfers, where each side has an entry."""
    held = Entry.filter(child_id=child_id, what__in=list(_FROM_THE_RECORD))
    rows = await held.filter(at__gte=begin, at__lt=end).order_by("id").limit(MOST)
    await people.learn(row.who_id for row in rows)
    transfers = {(row.about_id, row.what): row for row in rows if row.what in _BETWEEN_AGENCIES}
    once = [row for row in rows if row.what not in _BETWEEN_AGENCIES]
    return [
        Fact(row.at, gettext(language, _FROM_THE_RECORD[row.what]), people.of(row.who_id))
        for row in (*once, *transfers.values())
    ]


# What a transfer, in the room above this one, enters.
_BETWEEN_AGENCIES: Mapping[str, str] = {
    "transfer:offer": N_("Request to another agency to take over"),
    "transfer:accepted": N_("Another agency took over"),
    "transfer:refused": N_("The other agency could not take over"),
    "transfer:taken_back": N_("Request to the other agency withdrawn"),
}
_FROM_THE_RECORD: Mapping[str, str] = {
    **_BETWEEN_AGENCIES,
    "pause:add": N_("An absence was agreed"),
    "pause:keep": N_("Looked at the absence: it is still so"),
    "pause:end": N_("The absence was ended"),
}


async def _lines(
    child_id: UUID,
    begin: datetime,
    end: datetime,
    language: str,
    people: _Names,
    names_by_child: Mapping[UUID, str],
) -> list[Fact]:
    held = TimelineEntry.filter(child_id=child_id, received_at__gte=begin, received_at__lt=end)
    rows = await held.order_by("received_at", "number").limit(MOST)
    await people.learn(row.who_id for row in rows)
    return [
        Fact(
            row.received_at,
            title_of(row.what, language),
            people.of(row.who_id),
            _said(row, language, names_by_child),
            row.at,
        )
        for row in rows
    ]


def _said(row: TimelineEntry, language: str, names_by_child: Mapping[UUID, str]) -> str:
    details = of_another(row.details, names_by_child) if row.what in OF_ANOTHER else row.details
    parts = [
        gettext(language, N_("{label}: {value}"), label=label, value=text)
        for label, text in details_of(row.what, details, language)
    ]
    return " · ".join([*parts, *([row.words] if row.words else [])])

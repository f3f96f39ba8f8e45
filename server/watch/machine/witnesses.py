"""What the word of a witness changes in a watch: of the home at a roll call, or of a school, a club
or another person who meets the child. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.policy.model import Steps
from server.policy.roll_call import Word
from server.watch.machine.alarms import weigh
from server.watch.machine.habit import Look
from server.watch.machine.standing import Standing, Terms, Why


class Weights(Protocol):
    """What a policy makes of the words of one kind of witness."""

    @property
    def holds_for(self) -> timedelta:
        """For how long "here" may put a call off."""

    def ratio(self, word: Word, local: datetime, tier: str) -> float:
        """How many times as likely a word makes it that the child has gone; one: it tells
        nothing."""


class Spoken(msgspec.Struct, frozen=True):
    """What one person said of one child, in one roll call or list. `is_outside`: by a witness who
    is no home; `by_id` is then the witness."""

    id: UUID
    word: Word
    said_at: datetime
    at: datetime  # When it reached the server.
    by_id: UUID
    until_at: datetime | None = None
    is_outside: bool = False


# What worries more counts before what worries less.
_WORRIES = (Word.NOT_HERE, Word.UNKNOWN, Word.EXCUSED, Word.HERE)


def counted(words: Iterable[Spoken]) -> Spoken | None:
    """The word that counts for one child in one roll call, whatever the order: of each person the
    last, of several people the one that worries most. Of several who say the same, the first."""
    return next(iter(each_last(words)), None)


def each_last(words: Iterable[Spoken]) -> list[Spoken]:
    """The last word of each person, the one that worries most first."""
    last: dict[UUID, Spoken] = {}
    for spoken in sorted(words, key=lambda word: (word.said_at, word.at, word.id)):
        last[spoken.by_id] = spoken
    return sorted(
        last.values(),
        key=lambda last_word: (
            _WORRIES.index(last_word.word),
            last_word.said_at,
            last_word.at,
            last_word.id,
        ),
    )


def look(
    word: Word,
    weights: Weights,
    terms: Terms,
    at: datetime,
    *,
    calls: bool = True,
    by_id: UUID | None = None,
) -> Look | None:
    """What a witness tells of one child; None if it tells nothing. `calls`: as `Look` has it."""
    ratio = weights.ratio(word, at.astimezone(terms.zone), terms.tier)
    if ratio == 1:
        return None
    holds_until = at + weights.holds_for if ratio < 1 else None
    return Look(at, ratio, holds_until, calls, word is Word.HERE, by_id)


def saw(steps: Steps, at: datetime, *, calls: bool = True, by_id: UUID | None = None) -> Look:
    """What an adult tells who saw the child, asked about this one alone or on their way."""
    ratio = steps.doubt.seen if steps.doubt is not None else 1.0
    return Look(at, ratio, None, calls, True, by_id)


def heed(standing: Standing, terms: Terms, heard: Look, at: datetime) -> Standing:
    """A witness has spoken; where silences are weighed, `terms.knowledge` has it among its looks.
    An open alert stays open. A child who is not there need not have missed a check-in for adults to
    be called; one who is away by agreement is not looked for."""
    if standing.is_alerted or any(pause.holds(heard.at) for pause in terms.pauses):
        return standing
    if terms.steps.doubt is None:
        calls = heard.ratio > 1 and heard.calls
        return replace(standing, alarm_at=at, alarm_why=Why.NOT_HERE) if calls else standing
    if heard.ratio < 1 and standing.missed_due_at is None and standing.alarm_at is None:
        return standing
    weighed = weigh(replace(standing, ask_at=None, alarm_at=None, alarm_why=None), terms, at)
    if weighed.alarm_at is None or weighed.alarm_at > at or heard.ratio <= 1:
        return weighed
    # Of a school's word the reason is that all together is unusual.
    why = Why.NOT_HERE if heard.calls else weighed.alarm_why
    return replace(weighed, ask_at=None, alarm_why=why)


# The words of a home that say as much as "seen" and "not seen".
ANSWERS: Mapping[Word, Literal["seen", "not_seen"]] = {
    Word.HERE: "seen",
    Word.NOT_HERE: "not_seen",
}


def answers_question(standing: Standing, word: Word, said_at: datetime) -> bool:
    """Whether the word of a home at a roll call counts as its answer to the question about this
    silence, where it is asked in a carer's place: "here" once a check-in is late, whether or not it
    was asked yet; "not here" once it was asked. After adults have been called no word settles
    anything."""
    if standing.is_alerted or standing.missed_due_at is None or word not in ANSWERS:
        return False
    since = standing.late_at if word is Word.HERE else standing.asked_at
    return since is not None and since <= said_at


def take_back(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """A word that told something was corrected to one that tells nothing: what is left is weighed
    anew. An alert that it opened stays open."""
    if standing.is_alerted or terms.steps.doubt is None or standing.alarm_at is None:
        return standing
    return weigh(replace(standing, ask_at=None, alarm_at=None, alarm_why=None), terms, at)

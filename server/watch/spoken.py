"""What homes and other witnesses said of children since their last sign, for the watch. Reads rows,
and writes none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from server.people.rules import Role
from server.policy.levels import Does, Evidence
from server.policy.model import Policy, Steps
from server.policy.roll_call import Word
from server.storage.db import among, as_id, as_moment, fetch
from server.watch.machine.habit import Look
from server.watch.machine.standing import Terms
from server.watch.machine.witnesses import Spoken, counted, each_last, look, saw
from server.watch.models import AT_ONCE, RollCallWord, Sighting, Watch

# What counts of each roll call and list: the word that counts, by the roll call or the list.
ByCall = Mapping[UUID, Spoken]


# Who says that a child was seen, and how much that counts.
EVIDENCE = {
    Role.CASEWORKER: Evidence.PROFESSIONAL,
    Role.SUPERVISOR: Evidence.PROFESSIONAL,
    Role.GUARDIAN: Evidence.PROFESSIONAL,
    Role.CARER: Evidence.CARER,
    # They answer to the child, not to the agency, as a person who lives with the child does.
    Role.ADVOCATE: Evidence.CARER,
}
# A sighting that is older when it is noted says little about now.
COUNTS_FOR = timedelta(hours=1)


class LastSaid(msgspec.Struct, frozen=True):
    """What was said last of one child: the word that counts. `before`: the last "not here" that a
    calmer word of the home followed. `differs`: the word of another person in the same roll
    call."""

    counts: Spoken
    before: Spoken | None = None
    differs: Spoken | None = None


# Of a list, the witness says each word, also where another person has written it down.
_SINCE = """
SELECT s.id, s.roll_call_id AS call_id, s.child_id, s.word, s.until_at, s.said_at, s.at, s.by_id,
    0 AS is_outside
FROM roll_call_word s JOIN watch w ON w.child_id = s.child_id
WHERE s.child_id {any} AND s.said_at > w.sign_at AND s.said_at > $2
UNION ALL
SELECT s.id, s.list_id AS call_id, s.child_id, s.word, NULL AS until_at, s.said_at, s.at,
    s.witness_id AS by_id, 1 AS is_outside
FROM witness_word s JOIN watch w ON w.child_id = s.child_id
WHERE s.child_id {any} AND s.said_at > w.sign_at AND s.said_at > $2
ORDER BY said_at
"""


async def since_sign(children: Collection[UUID], after: datetime = AT_ONCE) -> dict[UUID, ByCall]:
    """The word that counts of each roll call and list since the last sign of each of these
    children, and `after` a moment: an answer of the child is newer than what was said before it."""
    words = await _words_since(children, after)
    return {child_id: by_call(of_child) for child_id, of_child in words.items()}


async def last_since_sign(
    children: Collection[UUID], after: datetime = AT_ONCE
) -> dict[UUID, LastSaid]:
    """What was said last of each of these children, of the same time."""
    words = await _words_since(children, after)
    last = {child_id: last_said(of_child) for child_id, of_child in words.items()}
    return {child_id: word for child_id, word in last.items() if word is not None}


async def _words_since(
    children: Collection[UUID], after: datetime
) -> dict[UUID, list[tuple[UUID, Spoken]]]:
    if not children:
        return {}
    by_child: dict[UUID, list[tuple[UUID, Spoken]]] = {}
    for row in await fetch(_SINCE.format(any=among()), [list(children), after]):
        of_child = by_child.setdefault(as_id(row["child_id"]), [])
        of_child.append((as_id(row["call_id"]), _spoken(row)))
    return by_child


def _spoken(row: Mapping[str, Any]) -> Spoken:
    until = row["until_at"]
    return Spoken(
        id=as_id(row["id"]),
        word=Word(row["word"]),
        said_at=as_moment(row["said_at"]),
        at=as_moment(row["at"]),
        by_id=as_id(row["by_id"]),
        until_at=None if until is None else as_moment(until),
        is_outside=bool(row["is_outside"]),
    )


async def sightings_since_sign(watches: Sequence[Watch]) -> dict[UUID, list[Sighting]]:
    """What adults noted since the last sign who met one of these children, or looked in vain."""
    since = {watch.child_id: watch.sign_at for watch in watches}
    held = Sighting.filter(child_id__in=list(since), at__gt=min(since.values()))
    # Without place and words, which are sealed: a tick reads this.
    rows = held.only("id", "child_id", "by_id", "by_role", "answer", "at", "seen_at")
    by_child: dict[UUID, list[Sighting]] = {}
    for row in await rows.order_by("at"):
        if row.at > since[row.child_id]:
            by_child.setdefault(row.child_id, []).append(row)
    return by_child


def unseen(sightings: Iterable[Sighting]) -> tuple[datetime, ...]:
    """When adults looked in vain."""
    return tuple(row.at for row in sightings if row.answer == "not_seen")


def seen(sightings: Iterable[Sighting], steps: Steps) -> tuple[Look, ...]:
    """When adults saw the child, where that vouches for them in this level."""
    return tuple(
        saw(steps, row.at, calls=row.by_role == Role.CARER, by_id=row.by_id)
        for row in sightings
        if row.answer == "seen"
        and row.at - row.seen_at <= COUNTS_FOR
        and steps.levels.does(EVIDENCE[Role(row.by_role)]) is Does.VOUCHES
    )


def spoken_of(row: RollCallWord) -> Spoken:
    """The slice of a row that the rules need."""
    return Spoken(row.id, Word(row.word), row.said_at, row.at, row.by_id, row.until_at)


def by_call(words: Iterable[tuple[UUID, Spoken]]) -> ByCall:
    """The word that counts of each roll call, of one child."""
    calls: dict[UUID, list[Spoken]] = {}
    for roll_call_id, word in words:
        calls.setdefault(roll_call_id, []).append(word)
    counting = {id_: counted(each) for id_, each in calls.items()}
    return {id_: word for id_, word in counting.items() if word is not None}


def last_said(words: Iterable[tuple[UUID, Spoken]]) -> LastSaid | None:
    """The last of what was said of one child, in words by their roll call; None for no word."""
    every = list(words)
    counting = by_call(every)
    if not counting:
        return None
    roll_call_id, counts = max(counting.items(), key=lambda item: _when(item[1]))
    of_each = each_last(word for id_, word in every if id_ == roll_call_id)
    differs = next((word for word in of_each if word.word is not counts.word), None)
    if counts.word is Word.NOT_HERE:
        return LastSaid(counts, differs=differs)
    away = [
        word
        for _, word in every
        if word.word is Word.NOT_HERE
        and word.is_outside == counts.is_outside
        and _when(word) < _when(counts)
    ]
    return LastSaid(counts, max(away, key=_when, default=None), differs)


def last_of_home(words: ByCall | None) -> tuple[UUID, Spoken] | None:
    """The last of the words that count which a home said, with its roll call."""
    return _last(words, is_outside=False)


def last_of_outside(words: ByCall | None) -> tuple[UUID, Spoken] | None:
    """The last of those of schools and other witnesses, with its list."""
    return _last(words, is_outside=True)


def _last(words: ByCall | None, *, is_outside: bool) -> tuple[UUID, Spoken] | None:
    of_kind = [item for item in (words or {}).items() if item[1].is_outside == is_outside]
    return max(of_kind, key=lambda item: _when(item[1]), default=None)


def _when(word: Spoken) -> tuple[datetime, datetime, UUID]:
    return word.said_at, word.at, word.id


def looks(words: Iterable[Spoken], policy: Policy, terms: Terms) -> tuple[Look, ...]:
    """What these words tell under a policy, in the order in which they were said."""
    ordered: Sequence[Spoken] = sorted(words, key=lambda word: (word.said_at, word.id))
    every = [_look(word, policy, terms) for word in ordered]
    return tuple(each for each in every if each is not None)


def _look(word: Spoken, policy: Policy, terms: Terms) -> Look | None:
    weights = policy.witness if word.is_outside else policy.roll_call
    is_home = not word.is_outside
    return look(word.word, weights, terms, word.said_at, calls=is_home, by_id=word.by_id)


def of_call(words: ByCall, call_id: UUID, policy: Policy, terms: Terms) -> Look | None:
    """What one roll call or list tells; None if it tells nothing."""
    word = words.get(call_id)
    return None if word is None else _look(word, policy, terms)

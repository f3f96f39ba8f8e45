"""A home says at a roll call that a child is not there: an adult who answers for the child hears of
it, unless an alert tells adults already. Who has taken such an alert hears of it as well, also when
a school or another witness says it: nobody is called while they have it. Whether adults are called
about a silence is not decided here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause, Reachable, people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.alerts.sent import rank
from server.notify.actions import Recipient, queue, withdraw
from server.notify.last_resort.reading import resorts_of
from server.notify.models import Message
from server.notify.rules import Kind
from server.policy.model import Rung
from server.policy.roll_call import Word
from server.storage.db import as_id, as_moment
from server.watch.carer.away_messages import saying_of, sent_about, subject_of
from server.watch.machine.witnesses import Spoken
from server.watch.models import Pause, Watch
from server.watch.spoken import ByCall, last_of_home, last_of_outside

# Who is told: the first of these on which a person is.
_RUNGS = (Rung.CASEWORKER, Rung.ON_DUTY, Rung.MANAGER)
# An alert of these causes is about where the child is: its ladder tells everyone, until the child
# answers. One of the high level then stays open, and asks a person for a word about that alone.
_COVERED = (Cause.SILENCE, Cause.MISSING)

Words = Mapping[UUID, ByCall]


class WordsHeard(msgspec.Struct, frozen=True):
    """What a form changed in one roll call, or one list: the words of each child that counted
    before and after it. `several_path`: the page for a person who is told about more than one
    child; None: it is the list of a school or another witness."""

    call_id: UUID
    before: Words
    after: Words
    several_path: str | None = None

    @property
    def is_of_home(self) -> bool:
        """Whether a home has said it."""
        return self.several_path is not None

    def last(self, words: Words, child_id: UUID) -> tuple[UUID, Spoken] | None:
        """The last word of a home, or that of such witnesses; with its roll call or list."""
        return (last_of_home if self.is_of_home else last_of_outside)(words.get(child_id))


async def told_people(call_id: UUID, children: Collection[UUID]) -> dict[UUID, dict[UUID, Message]]:
    """The people who were to hear of each of these children at that roll call, and the message to
    each of them that came farthest. A message that was not needed in the end is none."""
    subjects = [subject_of(call_id, child_id) for child_id in children]
    rows = Message.filter(
        subject_id__in=subjects, kind=Kind.ROLL_CALL_AWAY.value, person_id__isnull=False
    ).exclude(state="withdrawn")
    people: dict[UUID, dict[UUID, Message]] = {}
    for message in await rows.order_by("id"):
        assert message.child_id is not None
        assert message.person_id is not None
        of_child = people.setdefault(message.child_id, {})
        before = of_child.get(message.person_id, message)
        of_child[message.person_id] = min(before, message, key=rank)
    return people


# Who hears that a word was taken back: the child, and the person.
Corrected = set[tuple[UUID, UUID | None]]


async def tell_of_away(
    by_id: UUID | None, words: WordsHeard, watches: Sequence[Watch], now: datetime
) -> Corrected:
    """Tell of the children who are not there by what was said now, and take back what that takes
    back; returns who hears of the latter. In the caller's transaction, which has locked the
    watches."""
    holders = await _holders([watch.child_id for watch in watches])
    back = [watch for watch in watches if _is_back(watch, words)]
    corrected = await _take_back(back, holders, words, now)
    away = [watch for watch in watches if _is_away(watch, words)]
    passed_over = await _told_before(away, words) | await _excused(away, words, now)
    away = [watch for watch in away if watch.child_id not in passed_over]
    covered = await _covered([watch.child_id for watch in away], now)
    # A list tells the caseworkers itself (`witnesses/lists.py`).
    anew = [watch for watch in away if words.is_of_home and watch.child_id not in covered]
    to = await _recipients(by_id, anew, now)
    for watch in away:
        of_child = to.setdefault(watch.child_id, {})
        for person_id in holders.get(watch.child_id, {}).keys() - {by_id}:
            of_child.setdefault(Recipient(person_id=person_id), None)
    await _tell(away, to, holders, words, now)
    return corrected


async def tell_of_moved(
    by_id: UUID | None,
    call_id: UUID,
    watches: Sequence[Watch],
    pages: Mapping[UUID, Mapping[UUID, str]],
    now: datetime,
) -> set[UUID]:
    """A home says "not here" of children who live elsewhere since a moment ago, or a school of
    those who left its list: that is no sign of where they are, but who has them now hears of it.
    `pages`: of each child, who works where they live now, with the page for them. Returns the
    children that are told of now."""
    holders = await _holders([watch.child_id for watch in watches])
    to = await _recipients(by_id, watches, now)
    for watch in watches:
        of_child = to[watch.child_id]
        for person_id in holders.get(watch.child_id, {}).keys() - {by_id}:
            of_child.setdefault(Recipient(person_id=person_id), None)
        for person_id, path in pages.get(watch.child_id, {}).items():
            of_child.setdefault(Recipient(person_id=person_id), path)
    # Also where nothing could be sent: said again, it is no news.
    subjects = [subject_of(call_id, watch.child_id) for watch in watches]
    before = Message.filter(subject_id__in=subjects, kind=Kind.ROLL_CALL_AWAY.value)
    for child_id, person_id in await before.values_list("child_id", "person_id"):
        to[as_id(child_id)].pop(Recipient(person_id=as_id(person_id) if person_id else None), None)
    return await _tell(watches, to, holders, WordsHeard(call_id, {}, {}), now)


async def _covered(children: Collection[UUID], now: datetime) -> set[UUID]:
    """The children whose alert tells adults already. Adults who have heard since then that such a
    word was taken back hear nothing more by that alert: where it is said again, it is told."""
    held = Alert.filter(
        child_id__in=list(children),
        cause__in=[cause.value for cause in _COVERED],
        answered_at__isnull=True,
        closed_at__isnull=True,
    )
    opened = {as_id(id_): at for id_, at in await held.values_list("child_id", "opened_at")}
    if not opened:
        return set()
    corrected = Message.filter(
        child_id__in=list(opened),
        kind=Kind.HOME_SAYS.value,
        queued_at__gte=min(as_moment(at) for at in opened.values()),
        queued_at__lt=now,
    )
    calmed = {
        as_id(child_id)
        for child_id, at in await corrected.values_list("child_id", "queued_at")
        if as_moment(at) >= as_moment(opened[as_id(child_id)])
    }
    return opened.keys() - calmed


def _is_away(watch: Watch, words: WordsHeard) -> bool:
    """Whether "not here" of this roll call is the last that we know. A word that came late, and
    that a newer one has followed, tells nothing about now."""
    last = words.last(words.after, watch.child_id)
    if watch.is_missing or last is None or last[0] != words.call_id:
        return False
    return last[1].word is Word.NOT_HERE


def _is_again(watch: Watch, words: WordsHeard) -> bool:
    """Whether the same was known before."""
    was = words.last(words.before, watch.child_id)
    return was is not None and was[0] == words.call_id and was[1].word is Word.NOT_HERE


async def _told_before(away: Sequence[Watch], words: WordsHeard) -> set[UUID]:
    """Those children of this list for which it is said again after a message was made. Where none
    was made, an absence or an alert covered it, which may be over."""
    again = {watch.child_id: words.call_id for watch in away if _is_again(watch, words)}
    sent = await sent_about(again) if again else {}
    return {child_id for child_id, before in sent.items() if before.turn > 0}


def _is_back(watch: Watch, words: WordsHeard) -> bool:
    was = words.last(words.before, watch.child_id)
    last = words.last(words.after, watch.child_id)
    if was is None or was[1].word is not Word.NOT_HERE:
        return False
    return last is not None and last[1].word is not Word.NOT_HERE


async def _excused(away: Sequence[Watch], words: WordsHeard, now: datetime) -> set[UUID]:
    """Those of them who are away by agreement, now or when it was said. Said again it is as of
    now: the word that counts may be the one that came first."""
    said_at = {}
    for watch in away:
        last = words.last(words.after, watch.child_id)
        assert last is not None
        said_at[watch.child_id] = now if _is_again(watch, words) else last[1].said_at
    if not said_at:
        return set()
    pauses = Pause.filter(
        child_id__in=list(said_at), from_at__lte=now, until_at__gt=min(said_at.values())
    )
    return {
        pause.child_id
        for pause in await pauses
        if any(_holds(pause, at) for at in (said_at[pause.child_id], now))
    }


def _holds(pause: Pause, at: datetime) -> bool:
    end = pause.until_at if pause.ended_at is None else min(pause.ended_at, pause.until_at)
    return pause.from_at <= at < end


# --- who hears of it

# Of each child: who has taken an open alert about where they are, with that alert.
Holders = Mapping[UUID, Mapping[UUID, UUID]]


async def _holders(children: Collection[UUID]) -> Holders:
    held = Alert.filter(
        child_id__in=list(children),
        cause__in=[cause.value for cause in _COVERED],
        acknowledged_by__isnull=False,
        closed_at__isnull=True,
    )
    holders: dict[UUID, dict[UUID, UUID]] = {}
    for alert in await held.order_by("id"):
        assert alert.acknowledged_by is not None
        holders.setdefault(alert.child_id, {})[alert.acknowledged_by] = alert.id
    return holders


async def _recipients(
    by_id: UUID | None, watches: Sequence[Watch], now: datetime
) -> dict[UUID, dict[Recipient, str | None]]:
    """Who hears of each of these children; in order, each once. With a page for them alone."""
    agencies = {watch.child_id: watch.agency_id for watch in watches}
    if not agencies:
        return {}
    reach = await reach_of(agencies, now)
    resorts = await resorts_of(set(agencies.values()))
    return {
        child_id: dict.fromkeys(_to(reach[child_id], by_id, resorts[agency_id]), None)
        for child_id, agency_id in agencies.items()
    }


def _to(reach: Reachable, by_id: UUID | None, resorts: Sequence[Recipient]) -> Sequence[Recipient]:
    """The caseworkers, else the people on duty, else the supervisors: without the person who said
    it, who knows. Where there is nobody else to tell, the last resort."""
    there = reach.on(*_RUNGS)
    for rung in _RUNGS:
        if people := [person for person in people_on(rung, there) if person != by_id]:
            return [Recipient(person_id=person) for person in people]
    return resorts


async def _tell(
    away: Sequence[Watch],
    to: Mapping[UUID, Mapping[Recipient, str | None]],
    holders: Holders,
    words: WordsHeard,
    now: datetime,
) -> set[UUID]:
    """Those whose correction never went out believe it already, and hear nothing more. Returns the
    children that are told of."""
    calls = {watch.child_id: words.call_id for watch in away}
    subjects = [subject_of(call_id, child_id) for child_id, call_id in calls.items()]
    # A correction that has not gone out is wrong by now.
    await withdraw(subjects, "settled", now, kinds=[Kind.HOME_SAYS])
    sent = await sent_about(calls)
    page = {} if words.several_path is None else {"several": words.several_path}
    sayings = []
    for watch in away:
        before = sent[watch.child_id]
        for recipient, path in to[watch.child_id].items():
            if not before.has_told(recipient):
                data = {"path": path or _path(watch, recipient, holders), **page}
                kind = Kind.ROLL_CALL_AWAY
                sayings.append(saying_of(kind, watch, before, recipient, data, now))
    await queue(sayings, now)
    return {saying.child_id for saying in sayings if saying.child_id is not None}


def _path(watch: Watch, to: Recipient, holders: Holders) -> str:
    """The alert, for who has it; it opens also without a tie to the child."""
    held = holders.get(watch.child_id, {})
    if to.person_id is not None and to.person_id in held:
        return f"/desk/alerts/{held[to.person_id]}"
    return f"/desk/children/{watch.child_id}"


# --- and that it is over


async def _take_back(
    back: Sequence[Watch], holders: Holders, words: WordsHeard, now: datetime
) -> Corrected:
    """What has not gone out stays in. Those who may have read it hear that it was corrected."""
    calls = {}
    for watch in back:
        was = words.last(words.before, watch.child_id)
        assert was is not None
        calls[watch.child_id] = was[0]
    subjects = [subject_of(call_id, child_id) for child_id, call_id in calls.items()]
    await withdraw(subjects, "settled", now, kinds=[Kind.ROLL_CALL_AWAY])
    sent = await sent_about(calls)
    sayings, corrected = [], Corrected()
    for watch in back:
        before = sent[watch.child_id]
        for to in before.may_believe():
            data = {"path": _path(watch, to, holders)}
            sayings.append(saying_of(Kind.HOME_SAYS, watch, before, to, data, now))
            corrected.add((watch.child_id, to.person_id))
    await queue(sayings, now)
    return corrected

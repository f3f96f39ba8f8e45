"""A home or another witness has said which children are there: their words are kept, and heeded in
the watches.

A word is no answer. No round is settled by it, the carer's question stays, and a child who is said
to be there has not checked in. Only where the home itself was asked about a child, in a carer's
place, its word answers that too.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from msgspec.structs import replace
from tortoise.models import Model

from server.alerts.ladder import Cause, people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.audit.actions import Actor, note_all
from server.errors import Conflict
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.policy.model import Rung
from server.policy.roll_call import Word
from server.storage import bulk
from server.storage.db import as_id
from server.watch.actions import heard
from server.watch.carer.away import Corrected, WordsHeard, tell_of_away
from server.watch.carer.away_messages import LASTS, THEN_EVERY
from server.watch.carer.home_words import answer_by_words
from server.watch.machine import witnesses
from server.watch.machine.advancing import advance
from server.watch.machine.witnesses import Spoken
from server.watch.models import RollCallWord, Watch, WitnessWord
from server.watch.reminders.reminding import Moved
from server.watch.spoken import ByCall, last_of_home, of_call, since_sign
from server.watch.ticking import store, tell
from server.watch.watch_state import WatchState, load, passed, with_words

# What `hear` needs of each child beside the roll call: a row of `RollCallWord` or `WitnessWord`.
Row = Mapping[str, object]
# What the entry in the record of such a row begins with.
_ENTRIES: Mapping[type[Model], str] = {RollCallWord: "roll_call", WitnessWord: "witness"}


async def lock_watches(children: Collection[UUID]) -> list[Watch]:
    """The watches of these children, locked in one order: two roll calls wait for each other
    without a deadlock."""
    held = Watch.filter(child_id__in=list(children)).order_by("child_id")
    return list(await held.select_for_update())


async def hear(
    actor: Actor,
    call_id: UUID,
    watches: Sequence[Watch],
    rows: Sequence[Row],
    now: datetime,
    *,
    page: str | None = None,
) -> set[UUID]:
    """Keep these words of one roll call, or one list, and let the watches go by them; returns the
    ids of those that are new. In the caller's transaction, which has locked `watches`. Adults hear
    of the children who are not there, of a list only those who have taken an alert. `page`: that of
    the roll call, for a person who hears of several; None: the words are of a list. Raises Conflict
    if a watch moved on."""
    table: type[Model] = WitnessWord if page is None else RollCallWord
    ids = [watch.child_id for watch in watches]
    before = await since_sign(ids)
    new = {as_id(id_) for id_ in await bulk.insert(table, rows, skip_known=True)}
    after = await since_sign(ids)
    await _move_on(watches, call_id, before, after, now)
    fresh = [row for row in rows if row["id"] in new]
    if page is not None:
        by_child = {watch.child_id: watch for watch in watches}
        await answer_by_words(actor, by_child, _counting(ids, call_id, new, after), now)
        await _mark_away(watches, after)
    await _say_of_missing(call_id, watches, fresh, now)
    words = WordsHeard(call_id, before, after, page)
    corrected = await tell_of_away(actor.id, words, watches, now)
    await _say_of_alerted([watch for watch in watches if watch.is_alerted], words, corrected, now)
    await _enter(actor, _ENTRIES[table], fresh, now)
    return new


async def _mark_away(watches: Sequence[Watch], after: Mapping[UUID, ByCall]) -> None:
    """Whether "not here" is the last that the home says. Boards ask it of all children at once."""
    changed: dict[datetime | None, list[UUID]] = {}
    for watch in watches:
        last = last_of_home(after.get(watch.child_id))
        is_away = last is not None and last[1].word is Word.NOT_HERE
        said_at = last[1].said_at if last is not None and is_away else None
        if said_at != watch.not_here_at:
            changed.setdefault(said_at, []).append(watch.child_id)
    for said_at, children in changed.items():
        await Watch.filter(child_id__in=children).update(not_here_at=said_at)


def _counting(
    ids: Sequence[UUID], call_id: UUID, new: Collection[UUID], after: Mapping[UUID, ByCall]
) -> dict[UUID, Spoken]:
    """Of each child the new word, where it counts and is the last that the home said."""
    last = {child_id: last_of_home(after.get(child_id)) for child_id in ids}
    return {
        child_id: word[1]
        for child_id, word in last.items()
        if word is not None and word[0] == call_id and word[1].id in new
    }


async def _move_on(
    watches: Sequence[Watch],
    call_id: UUID,
    before: Mapping[UUID, ByCall],
    after: Mapping[UUID, ByCall],
    now: datetime,
) -> None:
    concerned = [
        watch
        for watch in watches
        if not watch.is_over and _counts_anew(watch.child_id, call_id, before, after)
    ]
    cases = {case.watch.child_id: case for case in await load(concerned, now)}
    moved = [
        heeded
        for id_, case in cases.items()
        if (heeded := _heeded(case, call_id, before.get(id_, {}), after.get(id_, {}), now))
    ]
    written = await store(moved, now)
    if len(written) != len(moved):
        raise Conflict(N_("This has just changed. Refresh and try again."))
    await tell(written, now)


def _counts_anew(
    child_id: UUID, call_id: UUID, before: Mapping[UUID, ByCall], after: Mapping[UUID, ByCall]
) -> bool:
    was = before.get(child_id, {}).get(call_id)
    return after.get(child_id, {}).get(call_id) != was


def _heeded(
    case: WatchState, call_id: UUID, before: ByCall, after: ByCall, now: datetime
) -> Moved | None:
    """The case by what was said; None where that tells nothing new."""
    # Time has passed by what was known then.
    case, changes = passed(replace(case, terms=with_words(case.terms, before, case.policy)), now)
    was = of_call(before, call_id, case.policy, case.terms)
    heard_now = of_call(after, call_id, case.policy, case.terms)
    if was == heard_now:
        return None
    terms = with_words(case.terms, after, case.policy)
    if heard_now is None:
        standing = witnesses.take_back(case.standing, terms, now)
    else:
        standing = witnesses.heed(case.standing, terms, heard_now, now)
    standing, more = advance(standing, terms, now, since=now)
    return replace(case, standing=standing, terms=terms), (*changes, *more)


async def _say_of_missing(
    call_id: UUID, watches: Sequence[Watch], rows: Sequence[Row], now: datetime
) -> None:
    """Others look for a child who is said to be there: they hear of it at once, and once in ten
    minutes for one roll call or list, however often it is said. The search ends only when an adult
    has seen the child."""
    missing = {watch.child_id for watch in watches if watch.is_missing}
    stretch = int(now.timestamp() // THEN_EVERY.total_seconds())
    for row in rows:
        child_id = row["child_id"]
        if child_id in missing and row["word"] == Word.HERE:
            assert isinstance(child_id, UUID)
            await heard(child_id, uuid5(call_id, f"here {child_id} {stretch}"), now)


async def _say_of_alerted(
    watches: Sequence[Watch], words: WordsHeard, corrected: Corrected, now: datetime
) -> None:
    """A home takes back that a child is not there, while adults are called about them: the adult
    who has the alert and the caseworkers hear of it, beside those who have `corrected` already. The
    alert stays open."""
    calmed = {
        watch.child_id: watch.agency_id
        for watch in watches
        if not watch.is_missing
        and _is_away(words.before.get(watch.child_id))
        and not _is_away(words.after.get(watch.child_id))
    }
    if not calmed:
        return
    alerts = Alert.filter(child_id__in=list(calmed), cause=Cause.SILENCE, closed_at__isnull=True)
    reach = await reach_of(calmed, now)
    sayings = []
    for alert in await alerts.order_by("id"):
        people = {*people_on(Rung.CASEWORKER, reach[alert.child_id].on(Rung.CASEWORKER))}
        if alert.acknowledged_by is not None:
            people.add(alert.acknowledged_by)
        people -= {person for child_id, person in corrected if child_id == alert.child_id}
        sayings += [_of_correction(alert, person, now) for person in sorted(people)]
    await queue(sayings, now)


def _is_away(words: ByCall | None) -> bool:
    """Whether the last word of the home is "not here"."""
    last = last_of_home(words)
    return last is not None and last[1].word is Word.NOT_HERE


def _of_correction(alert: Alert, person_id: UUID, now: datetime) -> Saying:
    return Saying(
        kind=Kind.HOME_SAYS,
        agency_id=alert.agency_id,
        subject_kind="alert",
        subject_id=alert.id,
        person_id=person_id,
        child_id=alert.child_id,
        urgency="high",
        expires_at=now + LASTS,
        data={"path": f"/desk/alerts/{alert.id}"},
    )


async def _enter(actor: Actor, entry: str, rows: Sequence[Row], now: datetime) -> None:
    by_word: dict[str, list[UUID]] = {}
    for row in rows:
        child_id = row["child_id"]
        assert isinstance(child_id, UUID)
        by_word.setdefault(str(row["word"]), []).append(child_id)
    for word, children in sorted(by_word.items()):
        await note_all(actor, f"{entry}:{word}", children, now=now)

"""An answer or a sighting settles what is open: of one child, or of many in the same statements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts import actions as alerts
from server.alerts.ladder import people_on
from server.alerts.recipients import reach_of
from server.alerts.silences.reading import Silence
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.notify.actions import Saying, queue, withdraw
from server.notify.outbox import waits
from server.notify.rules import Kind
from server.people.events import Happening, happened
from server.policy.levels import BY_WAY, OWN, Evidence, Way
from server.policy.model import Rung
from server.storage import bulk
from server.storage.db import among, as_id, dialect, fetch, to_json
from server.storage.engines.parameters import moment_to_text
from server.watch.hearing import doubts
from server.watch.machine import answering
from server.watch.machine.ages import JUST_NOW, Heard
from server.watch.machine.answering import Decision
from server.watch.machine.standing import Change, Settled, State, state
from server.watch.models import Watch
from server.watch.watch_state import WatchState, load, passed
from server.watch.writing import watch_of, write_down_all


class Sign(msgspec.Struct, frozen=True):
    """Something heard of a child: the row of their watch, locked, what kind of evidence it is, the
    check-in or the sighting, and when it was said. `is_news`: those who look for a missing child
    hear of it at once."""

    watch: Watch
    evidence: Evidence | Way
    by_id: UUID
    heard: Heard = JUST_NOW
    is_news: bool = True

    @property
    def kind(self) -> Evidence:
        """What it counts as."""
        return BY_WAY[self.evidence] if isinstance(self.evidence, Way) else self.evidence


class Settlement(msgspec.Struct, frozen=True):
    """The result of an answer or a sighting, and the row of the watch, locked. Nothing is due once
    the placement has ended."""

    watch: Watch
    settled: Settled
    next_due_at: datetime | None
    standing: State


class _Decided(msgspec.Struct, frozen=True):
    """A sign, the state of the watch after it, what time had changed before, and the decision."""

    sign: Sign
    case: WatchState
    changes: tuple[Change, ...]
    decision: Decision


async def settle(
    child_id: UUID, evidence: Evidence | Way, by_id: UUID, now: datetime
) -> Settlement:
    """The child answered in some way, or was seen: settle what that settles, and tell the adults
    who were called.

    `by_id` is the check-in or the sighting. In the caller's transaction. After the placement has
    ended it settles nothing, but is still heard. Raises NotFound if the child never had a watch,
    Conflict if another answer came in the same moment: try again.
    """
    return (await settle_all([Sign(await watch_of(child_id), evidence, by_id)], now))[0]


async def settle_all(
    signs: Sequence[Sign],
    now: datetime,
    entries: Sequence[Mapping[str, Any]] = (),
    silences: Sequence[Silence] | None = None,
) -> list[Settlement]:
    """The same for many children, one sign of each, in a number of looks at the database that does
    not grow with them. `entries`: of the record, to come after what is entered here. `silences`:
    the alerts of all of them, where they are locked and read already. Raises Conflict if one of the
    watches has moved on."""
    running = [sign for sign in signs if not sign.watch.is_over]
    doubtful = await doubts.about([(sign.watch, sign.heard.at) for sign in running], now)
    running = [_doubted(sign, doubtful) for sign in running]
    cases = await load([sign.watch for sign in running], now, is_heard=True)
    decided = [_decide(sign, case, now) for sign, case in zip(running, cases, strict=True)]
    # Only where nothing else is entered after the alerts can these go with the entries of those.
    are_last = not any(sign.watch.is_missing for sign in signs)
    are_last = are_last and not any(each.decision.is_held for each in decided)
    await _write(decided, now, entries if are_last else (), silences)
    by_child = {each.sign.watch.child_id: each for each in decided}
    settled = [
        _came_to(by_child[sign.watch.child_id], now)
        if sign.watch.child_id in by_child
        else await _hear_after_the_end(sign, now)
        for sign in signs
    ]
    await bulk.insert(Entry, () if are_last else entries)
    return settled


def _doubted(sign: Sign, doubtful: Collection[UUID]) -> Sign:
    if sign.watch.child_id not in doubtful:
        return sign
    return replace(sign, heard=replace(sign.heard, is_doubted=True))


def _decide(sign: Sign, case: WatchState, now: datetime) -> _Decided:
    case, changes = passed(case, now)
    decision = answering.decide(case.standing, case.terms, sign.kind, now, sign.heard)
    _note(sign, decision, now)
    return _Decided(sign, replace(case, standing=decision.standing), changes, decision)


def _note(sign: Sign, decision: Decision, now: datetime) -> None:
    """What pages tell of it, into the row of the watch: nothing decides by that."""
    watch, is_old = sign.watch, decision.settled.is_old
    said_at = sign.heard.said_by(now, is_old=is_old)
    if is_old and sign.evidence is Way.APP:
        watch.old_came_at, watch.old_said_at = now, said_at
    if said_at is None:
        return
    if isinstance(sign.evidence, Way) and sign.evidence is not Way.APP:
        if watch.heard_at is None or watch.heard_at <= said_at:
            watch.heard_at, watch.heard_way = said_at, sign.evidence
    if decision.counts and sign.kind in OWN:
        watch.answered_at = max(said_at, watch.answered_at or said_at)


async def _write(
    decided: Sequence[_Decided],
    now: datetime,
    entries: Sequence[Mapping[str, Any]],
    silences: Sequence[Silence] | None,
) -> None:
    counting = [each for each in decided if each.decision.counts]
    # We tell nobody about what an answer in the same moment settles anyway.
    quiet = {each.sign.watch.child_id for each in counting if not each.decision.settled.goes_on}
    await write_down_all([(each.case, each.changes) for each in decided], now, quiet=quiet)
    await settle_rounds([_settling(each) for each in counting], now)
    alerted = [each for each in counting if each.decision.settled.was_alerted]
    await alerts.answered([each.sign.watch.child_id for each in alerted], now, entries, silences)
    for each in decided:
        watch, by_id = each.sign.watch, each.sign.by_id
        if each.decision.counts and watch.is_missing and each.sign.is_news:
            await sign_of_life(watch, by_id, now)
        elif each.decision.is_held:
            await _tell_held(watch, by_id, now)


def _came_to(decided: _Decided, now: datetime) -> Settlement:
    case, watch = decided.case, decided.sign.watch
    seen = State.MISSING if watch.is_missing else state(case.standing, case.terms, now)
    return Settlement(watch, decided.decision.settled, case.standing.due_at, seen)


_NOTHING = Settled(was_late=False, was_alerted=False, nothing=True)


async def as_it_stands(child_id: UUID, now: datetime) -> Settlement:
    """The result of an answer that settles nothing: it is kept, and the watch goes on as it is."""
    watch = await watch_of(child_id)
    return Settlement(watch, _NOTHING, watch.due_at, State(watch.standing))


async def _hear_after_the_end(sign: Sign, now: datetime) -> Settlement:
    watch = sign.watch
    said_at = sign.heard.said_by(now, is_old=False)
    if sign.kind in OWN and said_at is not None:
        answered_at = max(said_at, watch.answered_at or said_at)
        await Watch.filter(child_id=watch.child_id).update(answered_at=answered_at)
    if watch.is_missing:
        await sign_of_life(watch, sign.by_id, now)
    return Settlement(watch, _NOTHING, None, State(watch.standing))


class Settling(msgspec.Struct, frozen=True):
    """The rounds of a child before this one are over: by what, and how (None: answered).
    `goes_on`: the silence does, and what is asked about it."""

    child_id: UUID
    by_id: UUID
    before: datetime
    how: str | None = None
    goes_on: bool = False


def _settling(decided: _Decided) -> Settling:
    sign, standing = decided.sign, decided.case.standing
    return Settling(
        sign.watch.child_id,
        sign.by_id,
        standing.missed_due_at or standing.due_at,
        None if sign.kind in OWN else "seen",
        goes_on=decided.decision.settled.goes_on,
    )


async def settle_rounds(settling: Sequence[Settling], now: datetime) -> None:
    """The open rounds of these children are over. Whatever was to be said about them is
    withdrawn."""
    if not settling:
        return
    children = [each.child_id for each in settling]
    params, among_these = [to_json([_as_given(each) for each in settling]), now], ""
    if dialect() == "postgres":  # Else it goes through all rounds of a table of some thousands.
        params, among_these = [*params, children], "AND round.child_id = ANY($3)"
    rows = await fetch(_SETTLE.format(x=_GIVEN[dialect()], these=among_these), params)
    over = [each.child_id for each in settling if not each.goes_on]
    await withdraw_questions([as_id(row["id"]) for row in rows], over, now)


def _as_given(settling: Settling) -> dict[str, str | None]:
    return {
        "child_id": str(settling.child_id),
        "how": settling.how,
        "by_id": str(settling.by_id),
        "before": moment_to_text(settling.before),
    }


async def withdraw_questions(
    rounds: Sequence[UUID], children: Sequence[UUID], now: datetime
) -> None:
    """What was to be said about these rounds, and to be asked about these children."""
    # Most often nothing waits, and that is one look.
    if await waits(rounds, _QUESTIONS.format(any=among("$2"), now="$3"), children, now):
        asked = await fetch(_QUESTIONS.format(any=among(), now="$2"), [children, now])
        await withdraw([*rounds, *(as_id(row["id"]) for row in asked)], "settled", now)


_GIVEN = {
    "sqlite": "(SELECT json_extract(value, '$.child_id') AS child_id,"
    " json_extract(value, '$.how') AS how, json_extract(value, '$.by_id') AS by_id,"
    " json_extract(value, '$.before') AS before"
    " FROM json_each($1)) AS x",
    "postgres": "jsonb_to_recordset($1::text::jsonb) AS x(child_id uuid, how text, by_id uuid,"
    " before timestamptz)",
}
_SETTLE = """
UPDATE round SET state = CASE WHEN x.how IS NOT NULL THEN x.how
  WHEN state = 'late' THEN 'answered_late' ELSE 'answered' END,
  settled_at = $2, settled_by = x.by_id
FROM {x} WHERE round.child_id = x.child_id
AND round.state IN ('open', 'late') AND round.opens_at <= $2 AND round.due_at < x.before {these}
RETURNING round.id
"""
_QUESTIONS = """
SELECT id FROM question WHERE child_id {any} AND answered_at IS NULL AND expires_at > {now}
"""


async def _tell_held(watch: Watch, by_id: UUID, now: datetime) -> None:
    """An adult saw the child, but the policy only lets this hold: we tell the caseworker."""
    await _say(Kind.HELD, await _who_is_on(Rung.CASEWORKER, watch, now), watch, by_id, now)


async def sign_of_life(watch: Watch, by_id: UUID, now: datetime) -> None:
    """A missing child has said something: everyone who looks for them hears of it at once. The
    search ends only when an adult has seen the child."""
    await _say(Kind.ALERT_AGAIN, await _who_is_on(Rung.EVERYONE, watch, now), watch, by_id, now)
    await happened(SYSTEM, watch.child_id, Happening.SIGN_OF_LIFE, now, about=by_id)


async def _who_is_on(rung: Rung, watch: Watch, now: datetime) -> tuple[UUID, ...]:
    reach = (await reach_of({watch.child_id: watch.agency_id}, now))[watch.child_id]
    return people_on(rung, reach.on(rung))


async def _say(
    kind: Kind, people: tuple[UUID, ...], watch: Watch, subject: UUID, now: datetime
) -> None:
    sayings = [
        Saying(
            kind=kind,
            agency_id=watch.agency_id,
            subject_kind="sign",
            subject_id=subject,
            person_id=person,
            child_id=watch.child_id,
            urgency="high",
            expires_at=now + timedelta(hours=12),
            data={"path": f"/desk/children/{watch.child_id}"},
        )
        for person in people
    ]
    await queue(sayings, now)

"""The tick: what time changes in the watches, written down. What people do is in actions.py."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any
from uuid import UUID, uuid5

from server.alerts.ladder import Cause
from server.alerts.opening import Opening, join_misses, open_alerts
from server.audit.actions import SYSTEM, note
from server.audit.models import Entry
from server.notify.actions import set_aside, tell_operators
from server.policy.model import Policy
from server.storage import bulk
from server.storage.db import as_id, fetch, write
from server.storage.due_rows import DueRows
from server.watch.carer.messages import QUESTIONS, Asking, ask
from server.watch.hearing.frozen import facts_of
from server.watch.machine.alarms import called_by
from server.watch.machine.rounds import steps_of
from server.watch.machine.standing import Change, What, Why
from server.watch.models import CALLED_OFF, Beat, Blind, Round, Watch, round_id
from server.watch.reminders.reminding import Moved, remind
from server.watch.shared import Silent, causes_of, still_coming
from server.watch.trusted import contacts
from server.watch.watch_state import WatchState, as_row, load, passed
from server.web.live import announce

# No tick for longer than this, and we say that we were blind.
BLIND_AFTER = timedelta(seconds=90)
TICK = "tick"


async def _go_on(watches: Sequence[Watch], now: datetime) -> None:
    """Everything that has become true of these watches."""
    cases = await load(watches, now)
    await _tell_of_zones(cases, now)
    await apply([passed(case, now) for case in cases], now)


async def _enter_apart(child_id: UUID, now: datetime) -> None:
    """Nothing is decided about this child until the row makes sense: the record says so, once an
    hour."""
    since = now - timedelta(hours=1)
    if await Entry.filter(child_id=child_id, what="watch:set_apart", at__gt=since).exists():
        return
    await note(SYSTEM, "watch:set_apart", child_id=child_id, about=("watch", child_id), now=now)


# Children of one caseworker side by side: who is called about several of them gets one message, and
# it waits for nobody else's.
_CASEWORKER = """(
  SELECT t.person_id FROM tie t WHERE t.child_id = d.child_id AND t.role = 'caseworker'
  AND t.until_at IS NULL ORDER BY t.from_at LIMIT 1
)"""
WATCHES = DueRows(
    "watch",
    Watch,
    _go_on,
    at_once=200,
    enter_apart=_enter_apart,
    same=_CASEWORKER,
    planned_at_once=400,
)


async def _tell_of_zones(cases: Iterable[WatchState], now: datetime) -> None:
    """Warn about zones that the tz database no longer has: they count as UTC until an operator
    mends them."""
    if any(case.terms.zone.key != case.watch.zone for case in cases):
        await tell_operators("watch:zone", now)


async def look(now: datetime) -> Blind | None:
    """Before a tick: the time in which our server did not look, if there was one, written down.

    Every ticker that starts after it writes the same row.
    """
    last = await Beat.get_or_none(name=TICK)
    if last is None or now - last.at <= BLIND_AFTER:
        return None
    blind = {
        "id": uuid5(QUESTIONS, f"blind:{last.at.isoformat()}"),
        "from_at": last.at,
        "until_at": now,
    }
    async with write():
        made = await bulk.insert(Blind, [blind], skip_known=True)
    return await Blind.get(id=as_id(made[0])) if made else None


async def beat(name: str, now: datetime) -> None:
    """This loop has finished well. All tickers share the row, so one ticker that stops causes no
    blind time."""
    # Each is one statement, and whole by itself: this runs every half second.
    if not await Beat.filter(name=name).update(at=now):
        await bulk.insert(Beat, [{"name": name, "at": now}], skip_known=True, returning="name")


async def unwatched() -> list[UUID]:
    """Placed children without a watch, and watches of children who have left. There are none unless
    a row was written past the actions. The watchdog is not pinged while there is one."""
    rows = await fetch(
        "SELECT c.id FROM child c LEFT JOIN watch w ON w.child_id = c.id"
        " WHERE (c.left_at IS NULL AND w.next_action_at IS NULL)"
        " OR (c.left_at IS NOT NULL AND w.next_action_at IS NOT NULL)",
        [],
    )
    return [as_id(row["id"]) for row in rows]


# --- writing down


async def apply(moved: Sequence[Moved], now: datetime) -> None:
    """Write what became true, and tell everyone it concerns."""
    ours = await store(moved, now)
    await tell(ours, now)
    for agency_id in {case.watch.agency_id for case, changes in ours if _shows(changes)}:
        await announce(agency_id, "watch")


async def store(moved: Sequence[Moved], now: datetime) -> list[Moved]:
    """Write the watches, by compare-and-swap, and their rounds. Returns those that were still as
    read."""
    rows = [
        {
            "child_id": case.watch.child_id,
            **as_row(case.standing, case.terms, case.watch, now),
            "version": case.watch.version,
        }
        for case, _ in moved
    ]
    written = {as_id(key) for key in await bulk.update(Watch, rows, guard="version")}
    ours = [(case, changes) for case, changes in moved if case.watch.child_id in written]
    await _write_rounds(ours, now)
    return ours


async def tell(moved: Sequence[Moved], now: datetime) -> None:
    """Remind the child, ask the carer, write entries, call adults."""
    await remind(moved, now)
    await ask(_last_asked(moved), now)
    await _enter(moved, now)
    await _alert(moved, now)


def _shows(changes: Iterable[Change]) -> bool:
    return any(change.what is not What.REMIND for change in changes)


def _of(moved: Sequence[Moved], what: What) -> list[tuple[WatchState, Change]]:
    return [(case, change) for case, changes in moved for change in changes if change.what is what]


def _last_asked(moved: Sequence[Moved]) -> list[Asking]:
    """After a time of blindness a carer was to be asked several times: once is enough."""
    last: dict[UUID, Asking] = {}
    for case, change in _of(moved, What.ASK):
        child_id = case.watch.child_id
        is_first = case.watch.asked_at is None and child_id not in last
        last[child_id] = Asking(case, change, is_first)
    return list(last.values())


async def _write_rounds(moved: Sequence[Moved], now: datetime) -> None:
    late = {
        round_id(case.watch.child_id, change.due_at): (case, change.at)
        for case, change in _of(moved, What.LATE)
    }
    opened = []
    for case, change in _of(moved, What.OPENED):
        key = round_id(case.watch.child_id, change.due_at)
        opened.append(
            {
                "id": key,
                "child_id": case.watch.child_id,
                "opens_at": change.at,
                "due_at": change.due_at,
                "late_at": change.due_at + steps_of(case.terms, change.due_at).grace,
                "state": "late" if key in late else "open",
                "tier": case.terms.tier.value,
                **_call(case, is_late=key in late),
            }
        )
    made = {as_id(key) for key in await bulk.insert(Round, opened, skip_known=True)}
    await _open_again([row for row in opened if row["id"] not in made], now)
    new = {row["id"] for row in opened}
    rows = [
        {"id": key, "state": "late", "late_at": at, **_call(case, is_late=True)}
        for key, (case, at) in late.items()
        if key not in new
    ]
    await bulk.update(Round, rows)


def _call(case: WatchState, *, is_late: bool) -> dict[str, Any]:
    """When adults are to be called about a round that is late, and why."""
    standing = case.standing
    if not is_late or standing.is_alerted:
        return {"call_at": None, "call_why": None}
    call, why = called_by(standing, case.terms)
    return {"call_at": call, "call_why": why.value}


async def _open_again(existing: Sequence[dict[str, Any]], now: datetime) -> None:
    """These had been called off, by a pause that was ended or a rhythm that was taken back."""
    if not existing:
        return
    called_off = set(
        await Round.filter(
            id__in=[row["id"] for row in existing], state__in=CALLED_OFF
        ).values_list("id", flat=True)
    )
    rows = [row for row in existing if row["id"] in called_off]
    await set_aside([row["id"] for row in rows], now)
    await bulk.update(Round, [{**row, "settled_at": None, "settled_by": None} for row in rows])


async def _enter(moved: Sequence[Moved], now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "at": now,
            "agency_id": case.watch.agency_id,
            "who_role": "system",
            "what": f"round:{change.what.value}",
            "child_id": case.watch.child_id,
            "about_kind": "round",
            "about_id": round_id(case.watch.child_id, change.due_at),
            "names": [],
            "why": change.why.value if change.why else None,
        }
        for case, changes in moved
        for change in changes
        if change.what in (What.LATE, What.ASK)
    ]
    await bulk.insert(Entry, rows)


async def _alert(moved: Sequence[Moved], now: datetime) -> None:
    openings: list[Opening] = []
    policies: dict[UUID, Policy] = {}
    called = _of(moved, What.ALERT)
    misses = {case.watch.child_id: _misses(case, changes) for case, changes in moved}
    blind = await _blind(called, now)
    facts = await facts_of(called, blind, now)
    silent = [
        Silent(case.watch.child_id, case.watch.agency_id, change.at, case.policy)
        for case, change in called
    ]
    shared = await causes_of(silent, blind, now)
    for case, change in called:
        child_id, policies[case.watch.agency_id] = case.watch.child_id, case.policy
        openings.append(
            Opening(
                child_id=child_id,
                agency_id=case.watch.agency_id,
                cause=Cause.SILENCE,
                tier=case.terms.tier,
                reason=change.why.value if change.why else Why.GRACE_OVER.value,
                opened_at=change.at,
                facts=facts[child_id],
                shared=shared.get(child_id),
                misses=misses[child_id],
            )
        )
    # From how many children on an agency wants one message: nobody asks how many more there are.
    most = max((policy.together.children for policy in policies.values()), default=0)
    still = partial(still_coming, most=most)
    await contacts.ask(await open_alerts(openings, policies, now, still), now)
    await join_misses([case.watch.child_id for case, _ in _of(moved, What.JOIN)], now)


def _misses(case: WatchState, changes: Sequence[Change]) -> int:
    """How many rounds were missed when adults were called: the ceiling may be over before any."""
    before = takewhile(lambda change: change.what is not What.ALERT, changes)
    before_now = max(case.watch.misses, 1) if case.watch.missed_due_at is not None else 0
    return before_now + sum(change.what is What.LATE for change in before)


async def _blind(called: Sequence[tuple[WatchState, Change]], now: datetime) -> Blind | None:
    """The time in which we were down, if an alert became true in it."""
    if not any(now - change.at > BLIND_AFTER for _, change in called):
        return None
    return await Blind.filter(until_at=now).first()

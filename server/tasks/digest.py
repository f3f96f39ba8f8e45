"""One message a day about low-urgency tasks, for adults who chose a time for it.

A message that may wait stays in the outbox, as `why` and the log say, until its person's moment.
Then it becomes part of one message. If that fails, each goes out by itself soon after.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import replace

from server import logs
from server.audit.actions import Actor, note
from server.clock import known_zone
from server.notify.actions import Saying, lock, queue
from server.notify.contact_routes import without_a_way
from server.notify.models import Message, Preference
from server.notify.rules import Kind
from server.people.models import Person
from server.storage import bulk
from server.storage.db import after_commit, among, as_id, dialect, fetch, write
from server.storage.due_rows import DueRows
from server.tasks.digest_rules import next_digest

log = logs.get("tasks")

WAITS, TOLD, REPLACED = "digest", "in_digest", "news"
# So long after its moment a message that nothing has taken goes out by itself.
AT_LATEST = timedelta(hours=1)
SAYS_FOR = timedelta(days=1)
LIST = "/desk/tasks"
# Names the messages, each by its person and moment.
_DIGESTS = UUID("0d6f9d0e-6f2c-4d0b-9c43-3f1f1a0f7a61")


async def set_digest(actor: Actor, person: Person, at: time | None, now: datetime) -> None:
    """When this person gets one message for all that can wait; None: each comes by itself, and
    what waits goes out now. The same again changes nothing."""
    text = f"{at:%H:%M}" if at is not None else None
    async with write():
        row = {"id": person.id, "channels": [], "changed_at": now}
        await bulk.insert(Preference, [row], skip_known=True)
        wish = await Preference.filter(id=person.id).select_for_update().get()
        if wish.digest_at == text:
            return
        next_at = next_digest(at, known_zone(person.zone), now) if at is not None else None
        await Preference.filter(id=person.id).update(
            digest_at=text, digest_next_at=next_at, changed_at=now
        )
        if next_at is None:
            await _release([person.id], now)
        else:
            await _put_off(person.id, next_at)
        await note(actor, "wish:digest", about=("person", person.id), now=now)


async def moments(people: Collection[UUID], now: datetime) -> dict[UUID, datetime]:
    """When the next message comes to those of these people who chose one, and can be reached. Locks
    their rows, in the caller's transaction: so no message joins one that is being put together."""
    chosen = Preference.filter(id__in=list(people), digest_next_at__isnull=False)
    rows = await chosen.order_by("id").select_for_update()
    lost = await without_a_way([row.id for row in rows], now)
    return {
        row.id: max(row.digest_next_at, now)
        for row in rows
        if row.digest_next_at is not None and row.id not in lost
    }


def waiting(saying: Saying, until: datetime) -> Saying:
    """The same message, waiting for its person's moment."""
    return replace(
        saying,
        not_before=until,
        taken_at=until + AT_LATEST,
        expires_at=until + AT_LATEST + SAYS_FOR,
        why=WAITS,
    )


async def supersede(pairs: Collection[tuple[UUID, UUID]], now: datetime) -> None:
    """A newer message about these tasks goes to these people (task, person): what waits about them
    is cancelled. In the caller's transaction."""
    tasks = {task for task, _ in pairs}
    held = Message.filter(subject_id__in=list(tasks), state="waiting", why=WAITS)
    rows = await held.values_list("id", "subject_id", "person_id") if tasks else []
    ids = [as_id(id_) for id_, task, person in rows if (as_id(task), as_id(person)) in pairs]
    if ids:
        await lock(ids)
        still = Message.filter(id__in=ids, state="waiting", why=WAITS)
        await still.update(state="withdrawn", next_action_at=None, done_at=now, why=REPLACED)


def log_waiting(saying: Saying) -> None:
    """Our log says that it waits, once that is written down."""
    ids = {"task_id": saying.subject_id, "child_id": saying.child_id, "kind": saying.kind}
    until = saying.not_before
    after_commit(partial(log.info, "message.waits", **ids, code=WAITS, until=until))


# --- at the moment


async def _go_on(wishes: Sequence[Preference], now: datetime) -> None:
    """One message to each of these people who has anything waiting."""
    people = {p.id: p for p in await Person.filter(id__in=[wish.id for wish in wishes])}
    here = [id_ for id_, person in people.items() if person.disabled_at is None]
    # The worker says of each that this person has left.
    await _release([id_ for id_ in people if id_ not in here], now)
    counts = await _gather(here, now)
    sayings = [
        _saying(people[wish.id], wish, counts[wish.id], now) for wish in wishes if wish.id in counts
    ]
    await queue(sayings, now)
    rows = [{"id": wish.id, "digest_next_at": _after(wish, people, now)} for wish in wishes]
    await bulk.update(Preference, rows)


DIGESTS = DueRows("digest", Preference, _go_on, at_once=100, columns=("digest_next_at",))


def _after(wish: Preference, people: Mapping[UUID, Person], now: datetime) -> datetime | None:
    """The moment after this one; after our server was down there is one message, not several."""
    if wish.digest_at is None or wish.id not in people:
        return None
    at, zone = time.fromisoformat(wish.digest_at), known_zone(people[wish.id].zone)
    return next_digest(at, zone, now)


def _saying(person: Person, wish: Preference, count: int, now: datetime) -> Saying:
    assert wish.digest_next_at is not None
    return Saying(
        kind=Kind.DIGEST,
        agency_id=person.agency_id,
        subject_kind="digest",
        subject_id=uuid5(_DIGESTS, f"{person.id}:{wish.digest_next_at.isoformat()}"),
        person_id=person.id,
        expires_at=now + SAYS_FOR,
        data={"path": LIST, "tasks": count},
    )


# What waits is in the outbox, so its next moment is not null: by that index there are few.
_HELD = "person_id {any} AND next_action_at IS NOT NULL AND state = 'waiting' AND why = 'digest'"
_OURS = f"SELECT id FROM message WHERE {_HELD}"  # noqa: S608 (codes of our own alone)
# Locked in one order; what is being settled in this moment is left to that.
_LOCKED = {"sqlite": _OURS, "postgres": f"{_OURS} ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"}


async def _change(people: Collection[UUID], change: str, *values: Any) -> list[dict[str, Any]]:
    """Change what waits for these people; `change` as SQL, its values from $2 on. Returns a person
    and a task for each message."""
    ours = _LOCKED[dialect()].format(any=among())
    rest = f"WHERE id IN ({ours}) RETURNING person_id, subject_id"
    sql = f"UPDATE message SET {change} {rest}"  # noqa: S608 (changes of our own, below)
    return await fetch(sql, [list(people), *values]) if people else []


async def _gather(people: Collection[UUID], now: datetime) -> dict[UUID, int]:
    """Take what waits out of the outbox. Returns how many tasks it is about, by person."""
    change = f"state = 'withdrawn', why = '{TOLD}', next_action_at = NULL, done_at = $2"
    tasks: dict[UUID, set[UUID]] = {}
    for row in await _change(people, change, now):
        tasks.setdefault(as_id(row["person_id"]), set()).add(as_id(row["subject_id"]))
    return {person: len(about) for person, about in tasks.items()}


async def _release(people: Collection[UUID], now: datetime) -> None:
    """What waits for these people goes out by itself."""
    await _change(people, "next_action_at = $2, ready_at = $2, why = NULL", now)


async def _put_off(person_id: UUID, until: datetime) -> None:
    """What waits for this person waits for another moment."""
    change = "ready_at = $2, next_action_at = $3, expires_at = $4"
    latest = until + AT_LATEST
    await _change([person_id], change, until, latest, latest + SAYS_FOR)

"""Merging changes into a life project, and putting those sent over an ended tie into quarantine."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import NotFound, Refused, WaymarkError
from server.i18n import N_
from server.people.models import Child, Tie
from server.people.rules import Role
from server.plan import plan_tasks, shape, triggers, view
from server.plan.changes.batch import (
    KNOWN,
    QUARANTINED,
    REFUSED,
    Author,
    Batch,
    Known,
    Result,
    advocates_of,
    again,
    digest_of,
    elsewhere,
    hashes_of,
    owner_roles,
)
from server.plan.changes.stored import folded, locked, remember, today_of
from server.plan.goals import moved
from server.plan.models import Change, LifeProject, Quarantined
from server.plan.rules import MOST_KEPT, Said, check_kept, speaks_as
from server.plan.state import State
from server.plan.triggers import Utterance
from server.storage import bulk
from server.storage.db import after_commit, swapped, write
from server.storage.ids import uuid7
from server.watch.actions import heard
from server.watch.signals.observations import GOAL, keep
from server.watch.writing import lock
from server.web.live import announce


async def take(
    author: Author, child: Child, changes: Sequence[Said], now: datetime
) -> list[Result]:
    """Take changes in, in the order given; one that cannot be merged does not delay the others.

    A known id changes nothing. Everything merged is stored in one transaction, under the project's
    lock, so that a reader ahead in the numbers has not missed a change.
    """
    if not changes:
        return []
    async with write():
        speaks = author.id == child.id and any(change.entity == "message" for change in changes)
        if speaks:
            # Lock the watch before the project, in the order of the code that reports events to it.
            await lock(child.id)
        project = await locked(child, now)
        batch = await _begin(author, project, changes)
        if any(change.entity == "message" for change in changes):
            batch.advocates = await advocates_of(child.id, now)
        results = [batch.take(change, now) for change in changes]
        await _follow_complaints(batch, now)
        if batch.rows:
            await _store(author.actor, child, project, batch, now)
        if speaks:
            await _let_be_heard(child, batch, now)
    return results


async def _let_be_heard(child: Child, batch: Batch, now: datetime) -> None:
    """Adults who look for the child hear at once that the child wrote; the words stay in the
    talk."""
    for row in batch.rows:
        if row["entity"] == "message":
            await heard(child.id, UUID(str(row["entity_id"])), now)


Decide = Callable[[State, str], Awaitable[Utterance | None]]
DecideAll = Callable[[State], Sequence[Utterance]]


async def say_for(actor: Actor, child: Child, decide: Decide, now: datetime) -> None:
    """Write about an event in the child's project: a row like any other, under the project's lock.
    `decide` sees the state at that moment, and an id for a new thing.

    The person who did it is the author; for a person without a role for the child, and for the
    system, it is the agency. In the transaction of the event.
    """
    async with write():
        project, batch = await _begin_for(actor, child, now)
        utterance = await decide(batch.state, str(uuid7()))
        await _say(actor, child, project, batch, [utterance] if utterance is not None else [], now)


async def say_all_for(actor: Actor, child: Child, decide: DecideAll, now: datetime) -> int:
    """The same for several at once; returns how many changes were written."""
    async with write():
        project, batch = await _begin_for(actor, child, now)
        utterances = decide(batch.state)
        await _say(actor, child, project, batch, utterances, now)
    return len(utterances)


async def _begin_for(actor: Actor, child: Child, now: datetime) -> tuple[LifeProject, Batch]:
    project = await locked(child, now)
    who, role = await _speaker(actor, child, now)
    speaker = Actor(who, role, child.agency_id)
    return project, await _begin(Author(actor=speaker, roles=frozenset()), project, [], role=role)


async def _say(
    actor: Actor,
    child: Child,
    project: LifeProject,
    batch: Batch,
    utterances: Sequence[Utterance],
    now: datetime,
) -> None:
    for utterance in utterances:
        batch.add(utterance, now)
    if batch.rows:
        await _store(actor, child, project, batch, now)


async def _speaker(actor: Actor, child: Child, now: datetime) -> tuple[UUID, str]:
    if actor.id is not None:
        held = Tie.filter(Tie.standing_at(now), child_id=child.id, person_id=actor.id)
        roles = frozenset({Role(tie.role) for tie in await held})
        if roles:
            return actor.id, speaks_as(roles).value
    return child.agency_id, "agency"


async def quarantine(
    author: Author, child: Child, changes: Sequence[Said], now: datetime
) -> list[Result]:
    """Keep changes sent over an ended tie for a person to look at. Nothing of them is merged. What
    no project could hold is refused, and so is what comes long after the end, or after too many."""
    role = speaks_as(author.roles)
    async with write():
        ended_at, room = await _room_over_an_ended_tie(author, child, now)
        hashes = await hashes_of([change.id for change in changes])
        results: list[Result] = []
        rows: list[dict[str, Any]] = []
        for change in changes:
            digest = digest_of(change)
            if change.id in hashes:
                results.append(again(change.id, hashes[change.id], (child.id, digest)))
                continue
            try:
                check_kept(change, ended_at, room - len(rows), now)
            except WaymarkError as fault:
                results.append(Result(change.id, REFUSED, fault))
                continue
            hashes[change.id] = Known(child.id, digest, now)
            rows.append(_to_quarantine(author, child, role, change, digest, now))
            results.append(Result(change.id, QUARANTINED))
        # The same batch may be on its way twice.
        await bulk.insert(Quarantined, rows, skip_known=True)
        if rows:
            await note(author.actor, "project:quarantine", child_id=child.id, now=now)
    return results


async def decide(
    actor: Actor, child: Child, change_id: UUID, *, let_in: bool, now: datetime
) -> Result:
    """Merge a quarantined change, as its author's own, or leave it out for good; it is kept either
    way. Raises NotFound where there is none, Refused where it was decided otherwise."""
    async with write():
        kept = await Quarantined.get_or_none(id=change_id, child_id=child.id)
        if kept is None:
            raise NotFound(N_("This change does not exist."))
        if kept.decided_at is not None and kept.is_let_in != let_in:
            raise Refused(N_("This has already been decided."), field="id")
        result = Result(str(change_id), KNOWN, received_at=kept.received_at)
        if kept.decided_at is None:
            undecided = Quarantined.filter(id=change_id, decided_at__isnull=True)
            swapped(await undecided.update(decided_at=now, decided_by=actor.id, is_let_in=let_in))
            await note(
                actor,
                "project:let_in" if let_in else "project:left_out",
                child_id=child.id,
                about=("change", change_id),
                now=now,
            )
            if let_in:
                result = await _let_in(kept, child, now)
    return result


# --- storing a batch


async def _follow_complaints(batch: Batch, now: datetime) -> None:
    made = [row["entity_id"] for row in batch.rows if _makes_complaint(row)]
    if not made:
        return
    today = await today_of(batch.child_id, now)
    for id_ in made:
        review = triggers.about_complaint(batch.state, str(id_), today, str(uuid7()))
        if review is not None:
            batch.add(review, now)


def _makes_complaint(row: dict[str, Any]) -> bool:
    return (row["entity"], row["field"]) == ("complaint", shape.MAKING)


async def _begin(
    author: Author, project: LifeProject, changes: Sequence[Said], *, role: str | None = None
) -> Batch:
    return Batch(
        author,
        project.agency_id,
        role or speaks_as(author.roles).value,
        await folded(project),
        project.number,
        await hashes_of([change.id for change in changes]),
        await owner_roles(project.child_id, project.agency_id),
        await elsewhere(project.child_id, changes),
    )


async def _store(
    actor: Actor, child: Child, project: LifeProject, batch: Batch, now: datetime
) -> None:
    await bulk.insert(Change, batch.rows)
    state = batch.state
    last_id = batch.rows[-1]["id"]
    await LifeProject.filter(child_id=child.id).update(
        number=batch.number,
        last_id=last_id,
        revision=state.revision,
        signed_revision=state.signed_revision,
        shown=view.document(state),
    )
    await plan_tasks.follow(actor, child, state, batch.rows, now)
    await keep(child.id, GOAL, moved(state), now)
    names = sorted({f"{row['entity']}.{row['field']}" for row in batch.rows})
    await note(actor, "project:change", child_id=child.id, names=names, now=now)
    await announce(child.id, "project")
    after_commit(lambda: remember(child.id, batch.number, last_id, state))


# --- quarantine


async def _room_over_an_ended_tie(
    author: Author, child: Child, now: datetime
) -> tuple[datetime, int]:
    """When the last tie of this author ended, and how many changes are still kept after it. Until
    the end of this write no other batch of theirs counts."""
    ties = Tie.filter(child_id=child.id, person_id=author.id, agency_id=author.actor.agency_id)
    ended = await ties.filter(until_at__lte=now).order_by("id").select_for_update(no_key=True)
    ended_at = max(tie.until_at for tie in ended if tie.until_at is not None)
    kept = Quarantined.filter(child_id=child.id, who_id=author.id, received_at__gte=ended_at)
    return ended_at, MOST_KEPT - await kept.count()


def _to_quarantine(
    author: Author, child: Child, role: Role, change: Said, digest: str, now: datetime
) -> dict[str, Any]:
    body = {
        "entity": change.entity,
        "entity_id": change.entity_id,
        "field": change.field,
        "base": change.base,
        "value": change.value,
        "said_at": change.said_at.isoformat(),
    }
    return {
        "id": UUID(change.id),
        "agency_id": child.agency_id,
        "child_id": child.id,
        "who_id": author.id,
        "who_role": role.value,
        "said": body,
        "received_at": now,
        "content_hash": digest,
    }


async def _let_in(kept: Quarantined, child: Child, now: datetime) -> Result:
    body = kept.said
    change = Said(
        str(kept.id),
        body["entity"],
        body["entity_id"],
        body["field"],
        body["base"],
        body["value"],
        datetime.fromisoformat(body["said_at"]),
    )
    role = Role(kept.who_role)
    actor = Actor(kept.who_id, role, kept.agency_id)
    author = Author(actor=actor, roles=frozenset({role}))
    project = await locked(child, now)
    batch = await _begin(author, project, [])
    # They had a part in the thread when they wrote it.
    batch.advocates = frozenset({str(kept.who_id)})
    result = batch.take(change, kept.received_at)
    if result.fault is not None:
        raise result.fault
    await _follow_complaints(batch, now)
    await _store(actor, child, project, batch, now)
    return result

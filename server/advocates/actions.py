"""An advocate is invited, stays longer, ends; the child asks for one, and says what they may know.

The tie has the dates and gives the rights (`people/ties.py`); what ends it there ends it here.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.advocates import rules
from server.advocates.models import Advocacy
from server.advocates.reading import joined, task_of
from server.audit.actions import SYSTEM, Actor, note
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.actions import AddPerson, add_person
from server.people.events import Rights
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie, lock_children, prolong_tie
from server.storage.db import as_id, fetch, write
from server.storage.due_rows import DueRows
from server.tasks import actions as tasks
from server.tasks.models import Task
from server.tasks.rules import Kind, Setting, State
from server.web.live import RIGHTS, announce


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """`person_id`: an advocate the agency knows already; else `name` is a new one's. The id
    becomes that of the tie: the same again changes nothing."""

    id: UUID
    person_id: UUID | None
    name: str
    until_at: datetime
    words: str | None


async def invite(actor: Actor, child: Child, invitation: Invitation, now: datetime) -> Advocacy:
    """This person is the child's advocate from now on. Raises Refused."""
    async with write():
        made = await Advocacy.get_or_none(id=invitation.id, child_id=child.id)
        if made is not None:
            return made
        person_id = invitation.person_id or await _new(actor, child, invitation, now)
        await _has_room(child, now)
        tie = await add_tie(
            actor,
            child,
            AddTie(
                id=invitation.id,
                person_id=person_id,
                role=Role.ADVOCATE,
                until_at=invitation.until_at,
            ),
            now,
        )
        await _is_of_one_child(child, person_id, now)
        row = await Advocacy.create(
            id=tie.id,
            agency_id=child.agency_id,
            child_id=child.id,
            person_id=person_id,
            words=invitation.words,
            made_by=actor.id,
            made_at=now,
            next_action_at=tie.until_at,
        )
        await take_wish_back(actor, child, now)
        await _settle_ends(actor, child, now, but=await _standing(child, now))
        await _ask_before_the_end(actor, child, tie, now)
    return row


async def _new(actor: Actor, child: Child, invitation: Invitation, now: datetime) -> UUID:
    agency = await Agency.get(id=child.agency_id)
    adult = AddPerson(
        role=Role.ADVOCATE, name=invitation.name, language=agency.language, zone=agency.zone
    )
    return (await add_person(actor, agency.id, adult, now)).id


async def _has_room(child: Child, now: datetime) -> None:
    held = Tie.filter(Tie.ending_after(now), child_id=child.id, role=Role.ADVOCATE)
    if await held.count() >= rules.MOST:
        raise Refused(N_("This child has three advocates. One of them must end first."))


async def _is_of_one_child(child: Child, person_id: UUID, now: datetime) -> None:
    """Raises Refused where a link would also open another child: until an advocate has joined, who
    has the link is them."""
    others = Tie.filter(Tie.ending_after(now), person_id=person_id).exclude(child_id=child.id)
    if await others.exists() and person_id not in await joined([person_id]):
        raise Refused(
            N_(
                "This advocate is invited for another child too, and has not joined yet. They must"
                " first join with the link for that child."
            )
        )


async def prolong(
    actor: Actor, child: Child, tie_id: UUID, until_at: datetime, now: datetime
) -> None:
    """The advocate stays until another day. Raises NotFound where their time is over, Refused."""
    async with write():
        await _of(child, tie_id)
        tie = await prolong_tie(actor, child, tie_id, until_at, now)
        await Advocacy.filter(id=tie_id).update(next_action_at=tie.until_at)
        await _ask_before_the_end(actor, child, tie, now)


async def new_link(actor: Actor, child: Child, tie_id: UUID, now: datetime) -> Advocacy:
    """A link to join with; one made before no longer works. Raises Refused for an advocate who has
    joined, or who is also another child's; NotFound for one whose time is over."""
    async with write():
        row = await _of(child, tie_id)
        if not await Tie.exists(Tie.standing_at(now), id=tie_id):
            raise _gone()
        if row.person_id in await joined([row.person_id]):
            raise Refused(N_("This advocate can sign in already. They need no link."))
        await _is_of_one_child(child, row.person_id, now)
        # To the second: the link carries it so.
        row.link_at = now.replace(microsecond=0)
        await Advocacy.filter(id=row.id).update(link_at=row.link_at)
        about = ("person", row.person_id)
        await note(actor, "advocate:link", child_id=child.id, about=about, now=now)
    return row


async def end_by_child(actor: Actor, child: Child, tie_id: UUID, now: datetime) -> None:
    """The child does not want this advocate any more: from this moment on they see nothing."""
    async with write():
        await _end(actor, child, tie_id, now)
        await _settle_ends(actor, child, now, but=await _standing(child, now))


async def end_by_advocate(actor: Actor, child: Child, now: datetime) -> None:
    """The advocate cannot go on. The caseworker is asked to talk with the child about it."""
    async with write():
        ties = await Tie.filter(
            Tie.standing_at(now), child_id=child.id, person_id=actor.id, role=Role.ADVOCATE
        )
        for tie in ties:
            await _end(actor, child, tie.id, now)
        if ties:
            await tasks.set_task(actor, child, _ends(ties[0].id, now, await _zone(child)), now)


async def _end(actor: Actor, child: Child, tie_id: UUID, now: datetime) -> None:
    async with write():
        await _of(child, tie_id)
        await end_tie(actor, child, tie_id, now)


async def share(actor: Actor, child: Child, tie_id: UUID, *, alerts: bool, now: datetime) -> None:
    """Whether the advocate may know that adults have been called about the child. The child alone
    decides it."""
    async with write():
        row = await _of(child, tie_id)
        if row.tells_alerts != alerts:
            await Advocacy.filter(id=row.id).update(tells_alerts=alerts)
            names = ["told" if alerts else "not_told"]
            about = ("tie", row.id)
            await note(
                actor, "advocate:share", child_id=child.id, about=about, names=names, now=now
            )


async def wish(actor: Actor, child: Child, now: datetime) -> Task:
    """The child asks for an advocate. Twice is once."""
    async with write():
        await lock_children([child.id])
        if (open_task := await task_of(child.id, Kind.ADVOCATE_WISH)) is None:
            setting = Setting(
                kind=Kind.ADVOCATE_WISH,
                subject_id=child.id,
                owner_id=None,
                owner_role=Role.CASEWORKER,
                due_at=now + rules.WISH_WITHIN,
                zone=await _zone(child),
            )
            await tasks.set_task(actor, child, setting, now)
            open_task = await task_of(child.id, Kind.ADVOCATE_WISH)
        assert open_task is not None
    return open_task


async def take_wish_back(actor: Actor, child: Child, now: datetime) -> None:
    """The child wants no advocate after all."""
    if (task := await task_of(child.id, Kind.ADVOCATE_WISH)) is not None:
        await tasks.done(actor, task, now)


async def needs_none(actor: Actor, child: Child, now: datetime) -> None:
    """The caseworker has talked with the child: it ends as it is planned. A wish of the child stays
    until the child takes it back, or has an advocate."""
    await _settle_ends(actor, child, now)


async def _settle_ends(
    actor: Actor, child: Child, now: datetime, *, but: Collection[UUID] = ()
) -> None:
    asked = Task.filter(child_id=child.id, kind=Kind.ADVOCATE_ENDS, state=State.OPEN)
    for task in await asked:
        if task.subject_id not in but:
            await tasks.done(actor, task, now)


async def _standing(child: Child, now: datetime) -> set[UUID]:
    ties = Tie.filter(Tie.standing_at(now), child_id=child.id, role=Role.ADVOCATE)
    return {as_id(id_) for id_ in await ties.values_list("id", flat=True)}


async def _ask_before_the_end(actor: Actor, child: Child, tie: Tie, now: datetime) -> None:
    assert tie.until_at is not None
    at = rules.ask_at(tie.until_at, now)
    await tasks.set_task(actor, child, _ends(tie.id, at, await _zone(child)), now)


def _ends(tie_id: UUID, at: datetime, zone: str) -> Setting:
    return Setting(
        kind=Kind.ADVOCATE_ENDS,
        subject_id=tie_id,
        owner_id=None,
        owner_role=Role.CASEWORKER,
        due_at=at,
        zone=zone,
    )


async def _zone(child: Child) -> str:
    return (await Person.get(id=child.id)).zone


async def _of(child: Child, tie_id: UUID) -> Advocacy:
    row = await Advocacy.filter(id=tie_id, child_id=child.id).select_for_update().first()
    if row is None:
        raise _gone()
    return row


def _gone() -> NotFound:
    return NotFound(N_("This does not exist, or you do not have access to it."))


# --- the end of the time


async def hear(rights: Rights, now: datetime) -> None:
    """Rights have changed: nobody waits for the answer of an advocate who cannot read any more, and
    the caseworker talks with the child about it now."""
    if rights.child_id is not None:
        await _let_go(Q(child_id=rights.child_id), now)
        await _ask_now("child_id", rights.child_id, now)
    elif rights.person_id is not None:
        await _let_go(Q(owner_id=rights.person_id), now)
        await _ask_now("person_id", rights.person_id, now)


# Those who have ended before their time, as far as nobody has been asked about it.
_ENDED_EARLY = """
UPDATE advocacy SET next_action_at = NULL FROM tie
WHERE tie.id = advocacy.id AND advocacy.{whose} = $1
AND advocacy.next_action_at > $2 AND tie.until_at <= $2
RETURNING advocacy.id
"""


async def _ask_now(whose: Literal["child_id", "person_id"], id_: UUID, now: datetime) -> None:
    """Of those who have ended before their time: the question how it goes on is due now."""
    ended = [as_id(row["id"]) for row in await fetch(_ENDED_EARLY.format(whose=whose), [id_, now])]
    if not ended:
        return
    waiting = Task.filter(subject_id__in=ended, kind=Kind.ADVOCATE_ENDS, state=State.OPEN)
    for task in await waiting.filter(due_at__gt=now).order_by("child_id", "id"):
        child = await Child.get(id=task.child_id)
        setting = _ends(task.subject_id, now, await _zone(child))
        await tasks.set_task(SYSTEM, child, setting, now)


async def _let_go(which: Q, now: datetime) -> None:
    waiting = Task.filter(which, kind=Kind.REPLY, owner_role=Role.ADVOCATE, state=State.OPEN)
    for task in await waiting.limit(100):
        is_there = await Tie.exists(
            Tie.standing_at(now),
            child_id=task.child_id,
            person_id=task.owner_id,
            role=Role.ADVOCATE,
            person__disabled_at__isnull=True,
        )
        if not is_there:
            await tasks.drop(SYSTEM, task, "gone", now)


async def _go_on(rows: Sequence[Advocacy], now: datetime) -> None:
    """Their time is over by itself."""
    ties = {tie.id: tie for tie in await Tie.filter(id__in=[row.id for row in rows])}
    for row in rows:
        tie = ties[row.id]
        ends_at = tie.until_at if tie.until_at is not None and tie.until_at > now else None
        await Advocacy.filter(id=row.id).update(next_action_at=ends_at)
        if ends_at is None:
            await _let_go(Q(child_id=row.child_id), now)
            about = ("tie", row.id)
            await note(SYSTEM, "advocate:over", child_id=row.child_id, about=about, now=now)
            await announce(row.child_id, RIGHTS)


ADVOCACIES = DueRows("advocacy", Advocacy, _go_on, at_once=50)

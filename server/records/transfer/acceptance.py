"""Another agency accepts a child, in one transaction: at no moment does no agency, or do both, have
the child. History, clocks and grab pack go along. The child's phone stays signed in, and their
words always reach the agency that has them.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid5

import msgspec
from tortoise.expressions import F, Q

from server.alerts import actions as alerts
from server.approvals import actions as approvals
from server.audit.actions import Actor
from server.auth.pairing import end_invites
from server.auth.rules import InviteEnded
from server.errors import Refused
from server.i18n import N_, gettext
from server.notify.actions import withdraw
from server.notify.models import Message
from server.notify.rules import Kind
from server.people import ties
from server.people.events import Happening, happened
from server.people.finding.actions import index_child
from server.people.models import Child, Home, Person, Tie
from server.people.offboarding import end_all
from server.people.rules import PROFESSIONAL, Role
from server.people.ties import AddTie
from server.plan.actions import say_all_for
from server.plan.models import LifeProject
from server.plan.offboarding import reassigned
from server.plan.triggers import Utterance
from server.records.transfer import move_rows, open_search, package
from server.records.transfer.deciding import decide, locked, tell
from server.records.transfer.models import Transfer
from server.records.transfer.rules import (
    State,
    words_or_none,
)
from server.storage.db import as_id, write
from server.tasks.models import Task
from server.tasks.rules import State as DueState
from server.watch.carer.questions import end_questions
from server.watch.models import Pause, Watch
from server.watch.writing import lock
from server.web.live import announce
from server.witnesses.actions import end_all_of

HELLO = N_(
    "Hello. From now on, I'm here for you. What you wrote and what was agreed came with"
    " you. Nothing is lost. Write to me here any time."
)


class Acceptance(msgspec.Struct, frozen=True):
    """Who works with the child from now on, where they live, and the first words they read."""

    caseworker_id: UUID
    supervisor_id: UUID | None = None
    home_id: UUID | None = None
    hello: str | None = None


async def accept(
    actor: Actor, transfer_id: UUID, acceptance: Acceptance, now: datetime
) -> Transfer:
    """Accept: the child is with this agency from now on, with everything that is theirs. Twice
    counts once.

    Raises NotFound, Conflict `decided`, Refused for a caseworker who cannot take the child, and for
    a home of another agency.
    """
    hello = words_or_none(acceptance.hello, "hello")
    async with write():
        transfer = await locked(transfer_id, State.ACCEPTED)
        if transfer.decided_at is not None:
            return transfer
        new = {
            acceptance.caseworker_id,
            *([acceptance.supervisor_id] if acceptance.supervisor_id else []),
        }
        adults = await ties.lock_adults(transfer.to_agency_id, new)
        if any(Role(adult.role) not in PROFESSIONAL for adult in adults.values()):
            raise Refused(
                N_("This person cannot have this role for a child."), field="caseworker_id"
            )
        for child_id in sorted(
            {transfer.child_id, *await open_search.with_whom(transfer.child_id)}
        ):
            await lock(child_id)
        await ties.lock_children([transfer.child_id])
        await _check_home(acceptance.home_id, transfer.to_agency_id)
        await _go_over(actor, transfer, acceptance, hello, now)
    return await Transfer.get(id=transfer_id)


async def _check_home(home_id: UUID | None, agency_id: UUID) -> None:
    if home_id is not None and not await Home.exists(id=home_id, agency_id=agency_id):
        raise Refused(N_("This home does not belong to the agency."), field="home_id")


async def _go_over(
    actor: Actor, transfer: Transfer, acceptance: Acceptance, hello: str | None, now: datetime
) -> None:
    """In this order: write down what goes along while it is still there; move the rows; then call
    those who have the child now."""
    child = await Child.get(id=transfer.child_id)
    document = await package.build(transfer, child, now)
    manifest = package.manifest_of(transfer, document, now)
    # The people who were asked are of the former agency.
    await approvals.overtake(actor, child.id, "transfer", now)
    before = await end_all(actor, child, "transfer", now)
    await end_all_of(actor, child, now)
    await decide(
        actor,
        transfer,
        State.ACCEPTED,
        now,
        caseworker_id=acceptance.caseworker_id,
        package=document,
        manifest=manifest,
        signature=package.sign(manifest),
    )
    await end_invites(child.id, InviteEnded.REPLACED, now)
    child = await _moved(child.id, transfer.to_agency_id, acceptance.home_id)
    await open_search.part(actor, child, now)
    await _tie(actor, child, acceptance, now)
    await _hand_over_promises(actor, child, transfer, acceptance.caseworker_id, before, now)
    await _greet(actor, child, transfer, hello, now)
    # We stop asking the former carers about the child.
    await withdraw(await end_questions(child.id, now), "transfer", now)
    await alerts.hand_over_child(actor, child.id, child.agency_id, now)
    await _watch_anew(child.id, now)
    await happened(actor, child.id, Happening.TRANSFER, now, about=transfer.id)
    told = [tie.person_id for tie in before if tie.role in PROFESSIONAL]
    await tell(transfer, [transfer.offered_by, *told], transfer.agency_id, now)
    for agency_id in (transfer.agency_id, transfer.to_agency_id):
        await announce(agency_id, "watch")


async def _watch_anew(child_id: UUID, now: datetime) -> None:
    # The former rules decided the next check. A process that has read the watch before this writes
    # nothing over the new state.
    await Watch.filter(child_id=child_id).update(version=F("version") + 1)
    await Watch.filter(child_id=child_id, next_action_at__gt=now).update(next_action_at=now)
    # Of an absence that ends soon we remind those who have the child now.
    still_away = Pause.filter(child_id=child_id, until_at__gt=now, ended_at__isnull=True)
    await still_away.update(reminded_at=None, next_action_at=now)


async def _moved(child_id: UUID, agency_id: UUID, home_id: UUID | None) -> Child:
    await move_rows.move(child_id, agency_id)
    if home_id is not None:
        await Child.filter(id=child_id).update(home_id=home_id)
    await index_child(child_id)
    return await Child.get(id=child_id)


async def _tie(actor: Actor, child: Child, acceptance: Acceptance, now: datetime) -> None:
    await ties.add_tie(
        actor,
        child,
        AddTie(person_id=acceptance.caseworker_id, role=Role.CASEWORKER, from_at=now),
        now,
    )
    if acceptance.supervisor_id is not None:
        await ties.add_tie(
            actor,
            child,
            AddTie(person_id=acceptance.supervisor_id, role=Role.SUPERVISOR, from_at=now),
            now,
        )


async def _hand_over_promises(
    actor: Actor,
    child: Child,
    transfer: Transfer,
    taker: UUID,
    before: Collection[Tie],
    now: datetime,
) -> None:
    """Promises and tasks of the former staff go to the new caseworker."""
    if await LifeProject.exists(child_id=child.id):
        agencies = (str(transfer.agency_id), str(transfer.to_agency_id))
        await say_all_for(
            actor,
            child,
            lambda state: reassigned.to_another_agency(state, str(child.id), agencies, str(taker)),
            now,
        )
    open_tasks = Task.filter(child_id=child.id, state=DueState.OPEN)
    await open_tasks.filter(owner_id__in=[tie.person_id for tie in before]).update(owner_id=taker)
    # Reminders to the former people go out again to the new ones; the due time stays.
    await open_tasks.filter(told__gte=0).update(
        told=F("told") - 1, next_action_at=now, version=F("version") + 1
    )
    # A person without a tie to the child gets no further messages about them, not even queued ones.
    unsent = Message.filter(child_id=child.id, state__in=["waiting", "sending"])
    subjects = await unsent.filter(~Q(person_id=child.id)).values_list("subject_id", flat=True)
    await withdraw(
        [as_id(id_) for id_ in subjects],
        "transfer",
        now,
        kinds=set(Kind) - _OF_THE_CHILD - _SETTLED,
    )


_OF_THE_CHILD = {Kind.REMIND_CHILD, Kind.DUE_CHILD, Kind.NEWS_CHILD, Kind.THANKS, Kind.PAPER}
# That what they asked has been answered. It says nothing about the child.
_SETTLED = {Kind.ANSWERED}


async def _greet(
    actor: Actor, child: Child, transfer: Transfer, hello: str | None, now: datetime
) -> None:
    """Tell the child, in their language and where they read everything, who is there now."""
    language = (await Person.get(id=child.id)).language
    text = hello or gettext(language, HELLO)
    greeting = Utterance("message", str(uuid5(transfer.id, "hello")), "*", None, {"text": text})
    await say_all_for(actor, child, lambda _: [greeting], now)

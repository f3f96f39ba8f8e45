"""A child goes to another agency: offered, and accepted or refused.

Until a person there accepts, everything stays with the agency that offered it: its ties, its
clocks, its alerts. The acceptance is one transaction, so at no moment does no agency, or do both,
have the child. History, clocks and grab pack go along. The child's phone stays signed in, and their
words always reach the agency that has them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from tortoise.expressions import F, Q

from server.alerts import actions as alerts
from server.audit.actions import Actor, note
from server.auth.pairing import end_invites
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import RECEPTION_BY_PERSON, Door, InviteEnded
from server.errors import Conflict, IdReused, NotFound, Refused
from server.i18n import N_, gettext
from server.notify.actions import Saying, queue, withdraw
from server.notify.models import Message
from server.notify.rules import Kind
from server.people import actions as people
from server.people.events import Happening, happened
from server.people.models import Child, Home, Person, Tie
from server.people.offboarding import end_all
from server.people.rules import PROFESSIONAL, Role
from server.plan.actions import say_all_for
from server.plan.models import LifeProject
from server.plan.offboarding import reassigned
from server.plan.triggers import Utterance
from server.records.transfer import move_rows, open_search, package
from server.records.transfer.models import Reception, Transfer
from server.records.transfer.rules import (
    ANSWER_WHILE_MISSING,
    ANSWER_WITHIN,
    CODE_LASTS,
    CODE_LENGTH,
    State,
    Withheld,
    checked,
    words,
    words_or_none,
)
from server.security import encryption
from server.storage.db import as_id, write
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import Ending, Setting
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import State as DueState
from server.watch.carer.questions import end_questions
from server.watch.models import Watch
from server.watch.writing import lock
from server.web.live import announce

HELLO = N_(
    "Hello. From now on, I'm here for you. What you wrote and what was agreed came with"
    " you. Nothing is lost. Write to me here any time."
)
_NOT_THERE = N_("This does not exist, or you do not have access to it.")


# --- "we can take a child over"


async def receive(actor: Actor, id: UUID, now: datetime) -> Reception:
    """Make a code to tell by telephone; the one before ends. The same id again is the same code.
    Raises IdReused."""
    assert actor.id is not None
    assert actor.agency_id is not None
    async with write():
        # The same request may arrive twice at once.
        await people.lock_adults(actor.agency_id, [actor.id])
        reception = await Reception.get_or_none(id=id)
        if reception is not None:
            if reception.person_id != actor.id:
                raise IdReused(N_("This id belongs to something else."), field="id")
            return reception
        held = Reception.filter(person_id=actor.id, ended_at__isnull=True)
        await held.update(ended_at=now)
        code = encryption.new_code(CODE_LENGTH)
        made = await Reception.create(
            id=id,
            agency_id=actor.agency_id,
            person_id=actor.id,
            code=code,
            code_index=_index(code),
            made_at=now,
            expires_at=now + CODE_LASTS,
        )
        await note(actor, "reception:add", about=("reception", made.id), now=now)
    return made


async def find_reception(actor: Actor, code: str, now: datetime) -> Reception:
    """The person who made this code. Raises NotFound, code `code_wrong`, the same for every reason;
    Refused for one's own agency; TooMany."""
    guess = await count_guess(Door.RECEPTION, [(f"person {actor.id}", RECEPTION_BY_PERSON)], now)
    wanted = encryption.current().blinds(f"reception {encryption.normalise_code(code)}")
    held = Reception.filter(code_index__in=wanted, ended_at__isnull=True, expires_at__gt=now)
    row = await held.filter(person__disabled_at__isnull=True).first()
    if row is None:
        raise NotFound(
            N_("This code doesn't work. Check all 8 characters, or ask for a new one."),
            code="code_wrong",
            field="code",
        )
    async with write():
        await forget_guesses(guess)
    if row.agency_id == actor.agency_id:
        raise Refused(
            N_("This code belongs to your own agency. Assign other people to the child instead."),
            field="code",
        )
    return row


def _index(code: str) -> str:
    return encryption.blind(f"reception {code}")


# --- the offer


@dataclass(frozen=True, slots=True)
class Offer:
    """The words that go along with an offer."""

    why: str
    child_says: str | None = None
    withheld: Sequence[Withheld] = ()


async def offer(
    actor: Actor, child: Child, code: str, terms: Offer, *, id: UUID, now: datetime
) -> Transfer:
    """Ask another agency to take over. The same id again is the same offer.

    Raises what `find_reception` raises, Refused for words that are missing or too long, Conflict
    `offered` while another offer is open, IdReused.
    """
    assert actor.id is not None
    why, child_says = words(terms.why, "why"), words_or_none(terms.child_says, "child_says")
    withheld = checked(terms.withheld)
    if (existing := await _known(actor, child, id, why)) is not None:
        return existing
    try:
        reception = await find_reception(actor, code, now)
    except NotFound:
        # The code was used at this moment, perhaps by the same request.
        if (existing := await _known(actor, child, id, why)) is not None:
            return existing
        raise
    async with write():
        await lock(child.id)
        await people.lock_children([child.id])
        if (existing := await _known(actor, child, id, why)) is not None:
            return existing
        child = await Child.get(id=child.id)
        if await Transfer.exists(child_id=child.id, decided_at__isnull=True):
            raise Conflict(
                N_("You have already asked another agency. Take that back first."), code="offered"
            )
        # A faster request has used the same code.
        if not await Reception.filter(id=reception.id, ended_at__isnull=True).update(ended_at=now):
            raise Conflict(
                N_("This code has already been used. Ask for a new one."), code="code_used"
            )
        made = await Transfer.create(
            id=id,
            agency_id=child.agency_id,
            to_agency_id=reception.agency_id,
            child_id=child.id,
            reception_id=reception.id,
            offered_by=actor.id,
            offered_at=now,
            why=why,
            child_says=child_says,
            withheld=withheld,
        )
        watch = await Watch.get_or_none(child_id=child.id)
        is_missing = watch is not None and watch.is_missing
        setting = Setting(
            kind=DueKind.TRANSFER,
            subject_id=made.id,
            owner_id=actor.id,
            owner_role=Role.CASEWORKER.value,
            due_at=now + (ANSWER_WHILE_MISSING if is_missing else ANSWER_WITHIN),
            zone=(await Person.get(id=actor.id)).zone,
        )
        await dues.set_task(actor, child, setting, now)
        await _note(actor, made, "transfer:offer", now)
        asked = await Person.get(id=reception.person_id)
        to = [asked.id, *([asked.deputy_id] if asked.deputy_id else [])]
        await _tell(made, to, made.to_agency_id, now, urgent=is_missing)
    return made


async def _known(actor: Actor, child: Child, id: UUID, why: str) -> Transfer | None:
    """The offer under this id. Raises IdReused where that is a different offer."""
    transfer = await Transfer.get_or_none(id=id)
    if transfer is not None and (transfer.child_id, transfer.offered_by, transfer.why) != (
        child.id,
        actor.id,
        why,
    ):
        raise IdReused(N_("This id belongs to something else."), field="id")
    return transfer


async def take_back(actor: Actor, transfer_id: UUID, now: datetime) -> Transfer:
    """Withdraw the offer. Twice counts once. Raises NotFound, Conflict `decided`."""
    async with write():
        transfer = await _open(transfer_id, State.TAKEN_BACK)
        if transfer.decided_at is None:
            await _decide(actor, transfer, State.TAKEN_BACK, now)
            await withdraw([transfer.id], "taken_back", now)
    return await Transfer.get(id=transfer_id)


async def refuse(actor: Actor, transfer_id: UUID, why: str, now: datetime) -> Transfer:
    """Refuse: the child stays where they are. Twice counts once. Raises NotFound, Refused without a
    reason, Conflict `decided`."""
    reason = words(why, "why")
    async with write():
        transfer = await _open(transfer_id, State.REFUSED)
        if transfer.decided_at is None:
            await _decide(actor, transfer, State.REFUSED, now, decision=reason)
            told = [transfer.offered_by, *await _workers(transfer.child_id, now)]
            await _tell(transfer, told, transfer.agency_id, now, urgent=True)
    return await Transfer.get(id=transfer_id)


# --- the acceptance


@dataclass(frozen=True, slots=True)
class Acceptance:
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
        transfer = await _open(transfer_id, State.ACCEPTED)
        if transfer.decided_at is not None:
            return transfer
        new = {
            acceptance.caseworker_id,
            *([acceptance.supervisor_id] if acceptance.supervisor_id else []),
        }
        adults = await people.lock_adults(transfer.to_agency_id, new)
        if any(Role(adult.role) not in PROFESSIONAL for adult in adults.values()):
            raise Refused(
                N_("This person cannot have this role for a child."), field="caseworker_id"
            )
        for child_id in sorted(
            {transfer.child_id, *await open_search.with_whom(transfer.child_id)}
        ):
            await lock(child_id)
        await people.lock_children([transfer.child_id])
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
    before = await end_all(actor, child, "transfer", now)
    await _decide(
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
    await move_rows.move(child.id, transfer.to_agency_id)
    if acceptance.home_id is not None:
        await Child.filter(id=child.id).update(home_id=acceptance.home_id)
    child = await Child.get(id=child.id)
    await open_search.part(actor, child, now)
    await _tie(actor, child, acceptance, now)
    await _hand_over_promises(actor, child, transfer, acceptance.caseworker_id, before, now)
    await _greet(actor, child, transfer, hello, now)
    # The former carers get no more questions about the child.
    await withdraw(await end_questions(child.id, now), "transfer", now)
    await alerts.hand_over_child(actor, child.id, child.agency_id, now)
    # The former rules decided the next check. A process that has read the watch before this writes
    # nothing over the new state.
    await Watch.filter(child_id=child.id).update(version=F("version") + 1)
    await Watch.filter(child_id=child.id, next_action_at__gt=now).update(next_action_at=now)
    await happened(actor, child.id, Happening.TRANSFER, now, about=transfer.id)
    told = [tie.person_id for tie in before if tie.role in PROFESSIONAL]
    await _tell(transfer, [transfer.offered_by, *told], transfer.agency_id, now)
    for agency_id in (transfer.agency_id, transfer.to_agency_id):
        await announce(agency_id, "watch")


async def _tie(actor: Actor, child: Child, acceptance: Acceptance, now: datetime) -> None:
    await people.add_tie(
        actor, child, person_id=acceptance.caseworker_id, role=Role.CASEWORKER, from_at=now, now=now
    )
    if acceptance.supervisor_id is not None:
        await people.add_tie(
            actor,
            child,
            person_id=acceptance.supervisor_id,
            role=Role.SUPERVISOR,
            from_at=now,
            now=now,
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
    theirs = Task.filter(child_id=child.id, state=DueState.OPEN)
    await theirs.filter(owner_id__in=[tie.person_id for tie in before]).update(owner_id=taker)
    # Reminders to the former people go out again to the new ones; the due time stays.
    await theirs.filter(told__gte=0).update(
        told=F("told") - 1, next_action_at=now, version=F("version") + 1
    )
    # A person without a tie to the child gets no further messages about them, not even queued ones.
    unsent = Message.filter(child_id=child.id, state__in=["waiting", "sending"])
    subjects = await unsent.filter(~Q(person_id=child.id)).values_list("subject_id", flat=True)
    await withdraw(
        [as_id(id_) for id_ in subjects], "transfer", now, kinds=set(Kind) - _OF_THE_CHILD
    )


_OF_THE_CHILD = {Kind.REMIND_CHILD, Kind.DUE_CHILD, Kind.NEWS_CHILD, Kind.THANKS, Kind.PAPER}


async def _greet(
    actor: Actor, child: Child, transfer: Transfer, hello: str | None, now: datetime
) -> None:
    """Tell the child, in their language and where they read everything, who is there now."""
    language = (await Person.get(id=child.id)).language
    text = hello or gettext(language, HELLO)
    greeting = Utterance("message", str(uuid5(transfer.id, "hello")), "*", None, {"text": text})
    await say_all_for(actor, child, lambda _: [greeting], now)


# --- shared by the verbs


async def _open(transfer_id: UUID, wanted: State) -> Transfer:
    """The row, locked. A transfer that already ended as wanted is returned; otherwise Conflict."""
    row = await Transfer.filter(id=transfer_id).select_for_update().first()
    if row is None:
        raise NotFound(_NOT_THERE)
    if row.decided_at is not None and row.state != wanted:
        raise Conflict(
            N_("This has already been decided. Refresh the page."),
            code="decided",
            state=row.state,
        )
    return row


async def _decide(
    actor: Actor, transfer: Transfer, state: State, now: datetime, **fields: object
) -> None:
    transfer.update_from_dict(
        {"state": state.value, "decided_at": now, "decided_by": actor.id, **fields}
    )
    await transfer.save()
    held = Task.filter(kind=DueKind.TRANSFER, subject_id=transfer.id, state=DueState.OPEN)
    ending = Ending(DueState.DONE, state.value)
    await dues.settle(actor, [(due, ending) for due in await held], now)
    await _note(actor, transfer, f"transfer:{state.value}", now)
    # The other agency gets an entry in its own record too.
    other = transfer.agency_id if actor.agency_id == transfer.to_agency_id else None
    if other is not None:
        await _note(actor, transfer, f"transfer:{state.value}", now, agency_id=other)


async def _note(
    actor: Actor, transfer: Transfer, what: str, now: datetime, *, agency_id: UUID | None = None
) -> None:
    await note(
        actor,
        what,
        child_id=transfer.child_id,
        about=("transfer", transfer.id),
        agency_id=agency_id or actor.agency_id,
        now=now,
    )


async def _workers(child_id: UUID, now: datetime) -> list[UUID]:
    held = Tie.filter(Tie.standing_at(now), child_id=child_id, role__in=list(PROFESSIONAL))
    return [tie.person_id for tie in await held.order_by("from_at", "id")]


async def _tell(
    transfer: Transfer,
    whom: Sequence[UUID],
    agency_id: UUID,
    now: datetime,
    *,
    urgent: bool = False,
) -> None:
    sayings = [
        Saying(
            kind=Kind.TRANSFER,
            agency_id=agency_id,
            subject_kind="transfer",
            subject_id=transfer.id,
            person_id=person_id,
            turn=0 if transfer.decided_at is None else 1,
            urgency="high" if urgent else "normal",
            data={"path": f"/desk/transfers/{transfer.id}"},
        )
        for person_id in dict.fromkeys(whom)
    ]
    await queue(sayings, now)

""" "Ask this person first": a person the child trusts is asked when adults are called.

In parallel, never instead: nothing waits for them, and what they say ends nothing. They have no
account; a signed link leads to one question without a name. Their word is third-party evidence:
the alert shows it, and a person must confirm it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid5

import msgspec

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_, supported_language
from server.notify.actions import Saying, queue, withdraw
from server.notify.arrivals import was_read
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Agency, Child, Tie
from server.people.rules import Role, clean_name
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, write
from server.watch.trusted.models import Trusted, TrustedAsk
from server.web.live import announce

MOST = 3
LASTS = timedelta(hours=24)
# A caseworker may be away; the named person waits, and is on the child's page all the while.
VETTED_WITHIN = timedelta(days=7)
LONGEST_REACH, LONGEST_WHY = 120, 500
LINK = "trusted"
_ASKS = UUID("5f8c2a0e-6c65-4c37-9c8e-64a6a9d5c0b7")
LIVE = ("named", "yes")


class TrustedRequest(msgspec.Struct, frozen=True):
    """Ask this person first. The phone makes the id: the same one again changes nothing."""

    id: UUID
    name: Annotated[str, msgspec.Meta(max_length=120)]
    reach: Annotated[str, msgspec.Meta(max_length=120)]
    also_help: bool = False


class Contact(msgspec.Struct, frozen=True):
    """How a person is asked, and in which language."""

    channel: str
    address: str
    language: str


async def name_person(actor: Actor, child: Child, asked: TrustedRequest, now: datetime) -> Trusted:
    """The child names a person they trust; the caseworkers are asked to check. The same id again is
    the same.

    Raises Refused without a name or a way to reach the person, or over the limit; IdReused.
    """
    cleaned, way = clean_name(asked.name), " ".join(asked.reach.split())
    if cleaned is None:
        raise Refused(N_("Enter a name."), field="name")
    if not 0 < len(way) <= LONGEST_REACH or not way.isprintable():
        raise Refused(N_("Enter a phone number or an email address."), field="reach")
    async with write():
        before = await first_made(Trusted, asked.id, asked, child_id=child.id)
        if before is not None:
            return before
        await Child.filter(id=child.id).select_for_update().first()
        if await Trusted.filter(child_id=child.id, state__in=LIVE).count() >= MOST:
            raise Refused(N_("You've named 3 people. Take one back first."), field="name")
        row = {
            "id": asked.id,
            "agency_id": child.agency_id,
            "child_id": child.id,
            "name": cleaned,
            "reach": way,
            "also_help": asked.also_help,
            "named_at": now,
            "state": "named",
            "language": "en",
        }
        await bulk.insert(Trusted, [row])
        people = await _caseworkers(child.id, now)
        await queue(_to_look(child, asked.id, people, now), now)
        about = ("trusted", asked.id)
        await note(actor, "trusted:name", child_id=child.id, about=about, now=now)
        await announce(child.agency_id, "watch")
        return await Trusted.get(id=asked.id)


def _to_look(child: Child, about: UUID, people: Sequence[UUID], now: datetime) -> list[Saying]:
    return [
        Saying(
            kind=Kind.DUE,
            agency_id=child.agency_id,
            subject_kind="trusted",
            subject_id=about,
            person_id=person,
            child_id=child.id,
            expires_at=now + VETTED_WITHIN,
            data={"path": f"/desk/children/{child.id}/trusted"},
        )
        for person in people
    ]


async def _caseworkers(child_id: UUID, now: datetime) -> list[UUID]:
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id=child_id,
        role=Role.CASEWORKER,
        person__disabled_at__isnull=True,
    )
    return [as_id(id_) for id_ in await ties.values_list("person_id", flat=True)]


async def take_back(actor: Actor, child_id: UUID, trusted_id: UUID, now: datetime) -> None:
    """The child no longer wants this person asked. Twice is once. Raises NotFound."""
    async with write():
        row = await Trusted.get_or_none(id=trusted_id, child_id=child_id)
        if row is None:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        live = Trusted.filter(id=trusted_id, state__in=LIVE)
        if await live.update(state="withdrawn", channel=None, address=None):
            await _no_more(row, now)
            await note(
                actor, "trusted:back", child_id=child_id, about=("trusted", trusted_id), now=now
            )
            await announce(row.agency_id, "watch")


async def _no_more(row: Trusted, now: datetime) -> None:
    """Stop every message to this person, or about them, that has not gone out."""
    await withdraw([row.id], "withdrawn", now)
    open_ = TrustedAsk.filter(trusted_id=row.id, answered_at__isnull=True)
    alerts = [as_id(id_) for id_ in await open_.values_list("alert_id", flat=True)]
    await withdraw(alerts, "withdrawn", now, kinds=[Kind.ASK_TRUSTED])


async def say_yes(
    actor: Actor, child_id: UUID, trusted_id: UUID, contact: Contact, now: datetime
) -> None:
    """The caseworker has spoken with the person: from now on we ask them. Twice is once. Raises
    NotFound, and Conflict if the child has taken them back or another caseworker has decided
    otherwise."""
    async with write():
        row = await _to_decide(child_id, trusted_id, "yes")
        language = supported_language(contact.language)
        values = {"channel": contact.channel, "address": contact.address, "language": language}
        await _decide(actor, row, "yes", values, now)


async def say_no(actor: Actor, child_id: UUID, trusted_id: UUID, why: str, now: datetime) -> None:
    """The person is not to be asked, with a reason that the child reads; also after an earlier
    yes."""
    words = why.strip()
    if not 0 < len(words) <= LONGEST_WHY:
        raise Refused(N_("Say why, in words for the child."), field="why")
    async with write():
        row = await _to_decide(child_id, trusted_id, "no")
        await _decide(actor, row, "no", {"why": words, "channel": None, "address": None}, now)


async def _to_decide(child_id: UUID, trusted_id: UUID, wanted: str) -> Trusted:
    row = await Trusted.filter(id=trusted_id, child_id=child_id).select_for_update().first()
    if row is None:
        raise NotFound(N_("This does not exist, or you do not have access to it."))
    if row.state == "withdrawn" or (row.state == "no" and wanted == "yes"):
        raise Conflict(N_("This has already been decided, or the child has taken it back."))
    return row


async def _decide(
    actor: Actor, row: Trusted, state: str, values: Mapping[str, str | None], now: datetime
) -> None:
    if row.state == state == "no":
        return
    await Trusted.filter(id=row.id).update(
        state=state, decided_by=actor.id, decided_at=now, **values
    )
    await _no_more(row, now)
    await note(actor, f"trusted:{state}", child_id=row.child_id, about=("trusted", row.id), now=now)
    await announce(row.agency_id, "watch")


# --- the person is asked


async def ask(alerts: Sequence[Alert], now: datetime) -> None:
    """Adults are called about these children: also ask the people the children trust. Once for each
    alert. In the transaction that calls."""
    asked = await _to_ask(alerts)
    if not asked:
        return
    asks = [
        {
            "id": uuid5(_ASKS, f"{alert.id}:{row.id}"),
            "agency_id": row.agency_id,
            "trusted_id": row.id,
            "child_id": row.child_id,
            "alert_id": alert.id,
            "asked_at": now,
            "expires_at": now + LASTS,
        }
        for row, alert in asked
    ]
    made = {as_id(key) for key in await bulk.insert(TrustedAsk, asks, skip_known=True)}
    agencies = await Agency.filter(id__in=[row.agency_id for row, _ in asked])
    names = {agency.id: agency.display_name for agency in agencies}
    sayings = [
        _question(row, alert, as_id(question["id"]), names.get(row.agency_id), now)
        for (row, alert), question in zip(asked, asks, strict=True)
        if question["id"] in made
    ]
    await queue(sayings, now)


async def _to_ask(alerts: Sequence[Alert]) -> list[tuple[Trusted, Alert]]:
    """The people who are asked about an open alert for silence, or for help if they agreed to."""
    about = {
        alert.child_id: alert
        for alert in alerts
        if alert.cause in (Cause.SILENCE, Cause.HELP) and alert.closed_at is None
    }
    if not about:
        return []
    rows = await Trusted.filter(child_id__in=list(about), state="yes")
    return [
        (row, about[row.child_id])
        for row in rows
        if row.also_help or about[row.child_id].cause == Cause.SILENCE
    ]


def _question(row: Trusted, alert: Alert, id_: UUID, sender: str | None, now: datetime) -> Saying:
    token = encryption.sign(str(id_), LINK, until=now + LASTS)
    return Saying(
        kind=Kind.ASK_TRUSTED,
        agency_id=row.agency_id,
        subject_kind="alert",
        subject_id=alert.id,
        outsider_id=row.id,
        child_id=row.child_id,
        channel=row.channel,
        urgency="high",
        expires_at=now + LASTS,
        data={
            "path": f"/ask/{token}",
            "to": row.address,
            "language": row.language,
            "sender": sender,
        },
    )


async def read_ask(token: str, now: datetime) -> TrustedAsk:
    """The question of a link. Raises NotFound if the link is not ours or is over, or if we no
    longer want this person's answer."""
    try:
        questions = TrustedAsk.filter(id=UUID(encryption.unsign(token, LINK, now)))
        question = await questions.prefetch_related("trusted").first()
    except (encryption.Unreadable, ValueError):
        question = None
    if question is None or (question.answered_at is None and question.trusted.state != "yes"):
        raise NotFound(N_("This link no longer works."))
    return question


async def answer(token: str, reply: str, now: datetime) -> TrustedAsk:
    """The person's one tap. The first answer counts. After "spoke", the adult with the alert, or
    the caseworker, is asked to confirm; the alert itself goes on. Raises NotFound."""
    assert reply in ("spoke", "not")
    async with write():
        question = await read_ask(token, now)
        first = TrustedAsk.filter(id=question.id, answered_at__isnull=True)
        if not await first.update(answer=reply, answered_at=now):
            return await read_ask(token, now)
        sent = Message.filter(subject_id=question.alert_id, to_key=str(question.trusted_id))
        await was_read([message.id for message in await sent.only("id")], now)
        alert = await Alert.get(id=question.alert_id)
        if reply == "spoke" and alert.closed_at is None:
            await queue(await _to_confirm(question, alert, now), now)
        actor = Actor(None, "trusted", question.agency_id)
        await note(
            actor,
            f"trusted:{reply}",
            child_id=question.child_id,
            about=("alert", alert.id),
            now=now,
        )
        await announce(question.agency_id, "alert")
        return await read_ask(token, now)


async def _to_confirm(question: TrustedAsk, alert: Alert, now: datetime) -> list[Saying]:
    people = set(await _caseworkers(alert.child_id, now))
    if alert.acknowledged_by is not None:
        people.add(alert.acknowledged_by)
    return [
        Saying(
            kind=Kind.TRUSTED_SAYS,
            agency_id=alert.agency_id,
            subject_kind="alert",
            subject_id=alert.id,
            person_id=person,
            child_id=alert.child_id,
            urgency="high",
            expires_at=now + LASTS,
            data={"path": f"/desk/alerts/{alert.id}"},
        )
        for person in sorted(people)
    ]


async def asked_about(alert_id: UUID) -> list[TrustedAsk]:
    """The trusted people who were asked beside the adults of this alert."""
    rows = TrustedAsk.filter(alert_id=alert_id).order_by("asked_at", "id")
    return await rows.prefetch_related("trusted")


async def waiting(child_id: UUID) -> int:
    """How many wait for an answer of the caseworker."""
    return await Trusted.filter(child_id=child_id, state="named").count()

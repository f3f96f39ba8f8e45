"""The messages that a bed is empty, and that this was corrected, of one child and roll call: what
each person has heard last, and when the next may go out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from server.notify.actions import Recipient, Saying
from server.notify.models import Message
from server.notify.rules import NONE, Kind
from server.watch.models import Watch

# So long such a message is worth sending.
LASTS = timedelta(hours=12)
# An empty bed, its correction and one more of each go out at once: people do make mistakes. After
# that a home whose word goes back and forth is heard once in this time, and its last word always.
AT_ONCE, THEN_EVERY = 4, timedelta(minutes=10)

_TOGETHER = UUID("5c3f0d0e-90a1-4a6b-8a44-5d5d6e6f9d10")
_KINDS = (Kind.ROLL_CALL_AWAY, Kind.HOME_SAYS)


class SentSoFar(msgspec.Struct, frozen=True):
    """What went out about one child and roll call: the messages that each person may have got or
    will get, in their order; and when each was sent. `turn`: of the next one."""

    subject_id: UUID
    by_person: Mapping[Recipient, Sequence[Message]] = msgspec.field(default_factory=dict)
    moments: Mapping[int, datetime] = msgspec.field(default_factory=dict)
    turn: int = 0

    def may_believe(self) -> list[Recipient]:
        """Those who may have read that the child is not there, and no correction after it."""
        last = {to: messages[-1] for to, messages in self.by_person.items()}
        return [to for to, message in last.items() if message.kind == Kind.ROLL_CALL_AWAY]

    def has_told(self, to: Recipient) -> bool:
        """Whether that is what they have heard last, or will."""
        return any(
            message.kind == Kind.ROLL_CALL_AWAY and message.state not in ("failed", "withdrawn")
            for message in self.by_person.get(to, ())[-1:]
        )

    def next_at(self) -> datetime | None:
        """When the next message may go out; None: at once."""
        if len(self.moments) < AT_ONCE:
            return None
        return max(self.moments.values()) + THEN_EVERY


def subject_of(call_id: UUID, child_id: UUID) -> UUID:
    """What the messages about a child who was not there at a roll call are about."""
    return uuid5(call_id, f"away:{child_id}")


async def sent_about(calls: Mapping[UUID, UUID]) -> dict[UUID, SentSoFar]:
    """What went out about each of these children, at its roll call. What was withdrawn in the
    middle of an attempt may have arrived."""
    subjects = {subject_of(call_id, child_id): child_id for child_id, call_id in calls.items()}
    held = Message.filter(
        subject_id__in=list(subjects), kind__in=[kind.value for kind in _KINDS], turn__gte=0
    )
    rows: dict[UUID, list[Message]] = {subject: [] for subject in subjects}
    for row in await held.exclude(state="withheld"):
        rows[row.subject_id].append(row)
    return {child_id: _sent(subject, rows[subject]) for subject, child_id in subjects.items()}


def _sent(subject_id: UUID, rows: Sequence[Message]) -> SentSoFar:
    by_person: dict[Recipient, list[Message]] = {}
    moments: dict[int, datetime] = {}
    # Of two channels the one that took it is the last of its turn.
    for row in sorted(rows, key=lambda row: (row.turn, row.state != "failed", row.id)):
        if row.state == "withdrawn" and row.attempts == 0:
            continue
        moments[row.turn] = max(row.may_go_at, moments.get(row.turn, row.may_go_at))
        if row.channel != NONE:
            by_person.setdefault(_recipient(row), []).append(row)
    turn = max((row.turn + 1 for row in rows), default=0)
    return SentSoFar(subject_id, by_person, moments, turn)


def _recipient(row: Message) -> Recipient:
    return Recipient(
        person_id=row.person_id,
        last_resort=row.last_resort,
        resort_id=row.resort_id,
        channel=row.channel if row.resort_id is not None else None,
    )


def saying_of(
    kind: Kind, watch: Watch, sent: SentSoFar, to: Recipient, data: dict[str, str], now: datetime
) -> Saying:
    """The next message of this kind about this child. `data` as the message has it: those that name
    a page for several children go out as one if nothing holds them back."""
    at = max(now, sent.next_at() or now)
    several = data.get("several")
    return Saying(
        kind=kind,
        agency_id=watch.agency_id,
        subject_kind="roll_call_away",
        subject_id=sent.subject_id,
        turn=sent.turn,
        child_id=watch.child_id,
        urgency="high",
        not_before=at,
        expires_at=now + LASTS,
        data=data,
        together=uuid5(_TOGETHER, f"{several} {at.isoformat()}") if several else None,
        **to.as_fields(),
    )

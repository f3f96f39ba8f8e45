"""The only loop that sends: claim → decide → send → log → mark done last.

A message is marked done after the send and never before it. Where a process dies in between, its
claims are freed within seconds (dead_processes.py), at the latest when the lease runs out, and
another one sends again: a *delivery* that was in the air may be doubled, with the same tag and
Message-ID, so that a device shows it once; a message is never lost. The worker checks before each
send that a claim is still valid, so a process that was only paused sends nothing that another one
has taken over.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from server import logs
from server.clock import Clock, known_zone
from server.i18n import format_time
from server.notify.actions import (
    RECEIPT,
    Saying,
    again,
    last_resorts,
    lock,
    queue,
    tell_operators,
)
from server.notify.channel_counts import broken_channels
from server.notify.channels import Channel
from server.notify.contact_routes import NOWHERE, ways_of, wishes_of
from server.notify.models import Address, Delivery, Enclosure, Message, Preference
from server.notify.refused_addresses import judge
from server.notify.rules import (
    CAN_WAIT,
    PUSH,
    TO_ONE_ADDRESS,
    AddressSlice,
    Attachment,
    Envelope,
    Kind,
    MessageSlice,
    Next,
    Outcome,
    Reason,
    Result,
    is_a_way,
    put_off_to,
    what_next,
    worth_sending,
)
from server.notify.wording import word
from server.security import encryption
from server.storage import bulk
from server.storage.db import among, as_id, dialect, fetch, write
from server.storage.ids import uuid7

log = logs.get("notify")

AT_ONCE = 100
# Messages that go out as one are claimed together, beyond the batch, but only as many as a pass can
# finish well within its lease. The rest go out in the next pass, under the same tag.
MOST_AS_ONE = 5_000
LEASE = timedelta(seconds=60)
# How many network calls of one channel run in parallel. Each channel bounds its own time.
SIDE_BY_SIDE = 64
# How long a message waits for one of these places. Where it gets none, the channel hangs.
TURN = timedelta(seconds=30)
# More passes of one worker at once are of no use: each channel can block only one of them.
PASSES = 8
# Kinds that must arrive: where no way does, the last resort is told.
MUST_ARRIVE = frozenset({Kind.ALERT, Kind.ALERT_AGAIN, Kind.DECIDE})
# A device may have said that it showed a push before we wrote down that the push was accepted.
_IS_UNSEEN = f"channel = '{PUSH}' AND (last_seen_at IS NULL OR last_seen_at < $3)"
_ACCEPTED = f"""
UPDATE address SET last_accepted_at = $2,
  unseen = CASE WHEN {_IS_UNSEEN} THEN unseen + 1 ELSE unseen END,
  unseen_since = CASE WHEN {_IS_UNSEEN} THEN COALESCE(unseen_since, $3) ELSE unseen_since END,
  refused_at = NULL, refused_why = NULL
WHERE id {{any}} RETURNING id
"""  # noqa: S608 (names of our own alone)
# How long a push service keeps a message for a phone that is off.
LONGEST_TTL = timedelta(days=1)


@dataclass(slots=True)
class Attempt:
    """One message on its way to one address, and its result."""

    message: Message
    address: Address | None
    to: str
    delivery_id: UUID = field(default_factory=uuid7)
    started_at: datetime | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    put_off_to: datetime | None = None  # The end of the quiet hours of what can wait.
    is_called_back: bool = False  # Its line in the log says that it is being sent.
    is_kept: bool = False  # The answer was about the address, and we keep it anyway.

    @property
    def counts(self) -> bool:
        """Whether anyone has answered from there before. The last resort proves nothing."""
        to = self.address
        return to is None or is_a_way(to.channel, to.verified_at)


class Worker:
    """Sends the outbox. Any number of workers, in any number of processes."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        *,
        public_url: str,
        display_name: str,
        last_resort: Sequence[tuple[str, str]],
        clock: Clock,
        rand: random.Random | None = None,
    ) -> None:
        self._channels = channels
        self._public_url = public_url.rstrip("/")
        self._display_name = display_name
        self._last_resort = last_resort
        self._clock = clock
        self.name = str(uuid7())  # Under which it claims.
        self._rand = rand or random.Random()  # noqa: S311 (jitter, not a secret)
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._claiming = asyncio.Lock()
        self._busy: set[str] = set()

    def is_busy(self, channel: str) -> bool:
        """Whether a pass is busy with messages of this channel."""
        return channel in self._busy

    async def run_once(self) -> int:
        """One pass: claim a batch and finish it. Returns how many messages it had.

        Several may run at once. A channel is in one of them only, and each send is noted at once: a
        mail server that hangs delays mails, and no push.
        """
        now = self._clock()
        async with self._claiming:
            messages = await self._claim(now)
            channels = {message.channel for message in messages}
            self._busy |= channels
        try:
            attempts = await self._begin(messages, now) if messages else []
        except BaseException:
            self._busy -= channels
            raise
        await self._bring(messages, attempts)
        return len(messages)

    async def _begin(self, messages: Sequence[Message], now: datetime) -> list[Attempt]:
        attempts = await self._plan(messages, now)
        await self._go_around(attempts, now)
        await self._log_beginning(attempts, now)
        return attempts

    async def _bring(self, messages: Sequence[Message], attempts: Sequence[Attempt]) -> None:
        by_channel: dict[str, list[Message]] = {}
        for message in messages:
            by_channel.setdefault(message.channel, []).append(message)
        results = await asyncio.gather(
            *(self._by_one(several, attempts) for several in by_channel.values()),
            return_exceptions=True,
        )
        faults = [result for result in results if isinstance(result, BaseException)]
        if faults:
            raise faults[0]

    async def _by_one(self, messages: Sequence[Message], attempts: Sequence[Attempt]) -> None:
        """Everything that goes by one channel, from the first call to the last note."""
        channel = messages[0].channel
        mine = [attempt for attempt in attempts if attempt.message.channel == channel]
        try:
            await self._look_again(mine)
            await asyncio.gather(*(self._send(several) for several in as_one(mine)))
            await self._record(messages, mine)
        finally:
            self._busy.discard(channel)

    # --- claim

    async def _claim(self, now: datetime) -> list[Message]:
        async with write():
            # A call to an adult or a question to a carer never waits behind a reminder.
            rows = await self._claim_due(now, AT_ONCE, _URGENT)
            if len(rows) < AT_ONCE:
                rows += await self._claim_due(now, AT_ONCE - len(rows), "")
            rows += await self._claim_rest(rows, now)
        ids = [as_id(row["id"]) for row in rows]
        if not ids:
            return []
        return await Message.filter(id__in=ids, leased_by=self.name).prefetch_related(
            "person__agency"
        )

    async def _claim_due(self, now: datetime, most: int, only: str) -> list[Any]:
        parameters: list[Any] = [sorted(self._busy), now, now + LEASE, self.name]
        free, skip = f"{only} AND NOT (channel {among()})", ""
        if dialect() == "postgres":
            parameters.append(await _take_groups(now, only))
            free += " AND (together IS NULL OR together = ANY($5))"
            skip = "FOR UPDATE SKIP LOCKED"
        return await fetch(
            "UPDATE message SET state = 'sending', attempts = attempts + 1, next_action_at = $3,"  # noqa: S608
            " lease_until = $3, leased_by = $4 WHERE id IN (SELECT id FROM message"
            f" WHERE next_action_at <= $2 AND state IN ('waiting', 'sending') {free}"
            f" ORDER BY next_action_at LIMIT {most} {skip}) RETURNING id, together",
            parameters,
        )

    async def _claim_rest(self, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Any]:
        """The messages that go out as one with these, and had no room in the batch."""
        together = {as_id(row["together"]) for row in rows if row["together"] is not None}
        if not together or len(rows) < AT_ONCE:
            return []
        rest = (
            Message.filter(
                together__in=list(together),
                next_action_at__lte=now,
                state__in=["waiting", "sending"],
            )
            .exclude(channel__in=sorted(self._busy))
            .order_by("next_action_at")
            .limit(MOST_AS_ONE)
            .select_for_update(skip_locked=True)
        )
        message_ids = [message.id for message in await rest.only("id")]
        await Message.filter(id__in=message_ids).update(
            state="sending",
            attempts=F("attempts") + 1,
            next_action_at=now + LEASE,
            lease_until=now + LEASE,
            leased_by=self.name,
        )
        return [{"id": id_} for id_ in message_ids]

    # --- decide

    async def _plan(self, messages: Sequence[Message], now: datetime) -> list[Attempt]:
        people = {m.person_id for m in messages if m.person_id is not None}
        addresses: dict[tuple[UUID, str], list[Address]] = {}
        for address in await Address.filter(person_id__in=list(people), dropped_at__isnull=True):
            assert address.person_id is not None
            addresses.setdefault((address.person_id, address.channel), []).append(address)
        accepted = await self._accepted_before([m.id for m in messages if m.attempts > 1])
        waiting = {m.person_id for m in messages if m.kind in CAN_WAIT and m.person_id is not None}
        wishes = await wishes_of(waiting)
        attempts: list[Attempt] = []
        for message in messages:
            attempts += self._attempts(message, addresses)
        for attempt in attempts:
            wish = wishes.get(attempt.message.person_id) if attempt.message.person_id else None
            self._decide(attempt, wish, accepted, now)
        return attempts

    async def _accepted_before(self, ids: Sequence[UUID]) -> set[tuple[UUID, UUID | None]]:
        """Which (message, address) had been accepted: a second try goes to the others only."""
        if not ids:
            return set()
        # A pass that died left its lines saying "sending": nobody knows the result.
        await Delivery.filter(message_id__in=ids, result="sending").update(result="unknown")
        rows = await Delivery.filter(message_id__in=ids, result="accepted").values_list(
            "message_id", "address_id"
        )
        return {(message_id, address_id) for message_id, address_id in rows}

    def _attempts(
        self,
        message: Message,
        addresses: Mapping[tuple[UUID, str], list[Address]],
    ) -> list[Attempt]:
        outside = (message.data or {}).get("to")
        if message.person_id is None and outside is not None:
            return [Attempt(message, None, outside)]
        if message.person_id is None:
            index = message.last_resort
            if index is None or index >= len(self._last_resort):
                return []
            return [Attempt(message, None, self._last_resort[index][1])]
        own_addresses = addresses.get((message.person_id, message.channel), [])
        if message.kind in TO_ONE_ADDRESS:
            own_addresses = [
                address for address in own_addresses if address.id == message.subject_id
            ]
        return [Attempt(message, address, address.value) for address in own_addresses]

    def _decide(
        self,
        attempt: Attempt,
        wish: Preference | None,
        accepted: set[tuple[UUID, UUID | None]],
        now: datetime,
    ) -> None:
        """Whether this one is worth sending; where it can wait, until when."""
        message, person = attempt.message, _person(attempt.message)
        slice_ = AddressSlice(
            has_accepted=(message.id, attempt.address.id if attempt.address else None) in accepted,
            person_is_disabled=person is not None and person.disabled_at is not None,
            channel_is_open=self._channel_of(message) in self._channels,
            **_quiet(message, wish),
        )
        about = MessageSlice(
            kind=Kind(message.kind),
            expires_at=message.expires_at,
            is_urgent=message.urgency == "high",
        )
        attempt.reason = worth_sending(about, slice_, now)
        if attempt.reason is Reason.QUIET_HOURS and message.kind in CAN_WAIT:
            attempt.put_off_to = put_off_to(about, slice_, now)

    def _channel_of(self, message: Message) -> str:
        index: int | None = message.last_resort
        if index is not None and index < len(self._last_resort):
            return self._last_resort[index][0]
        return message.channel

    async def _go_around(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Messages for a channel that fails for many go by the next one as well, at once. The
        channel itself is tried all the same: so we notice when it works again."""
        trying = [a.message for a in attempts if a.reason is None]
        broken = await broken_channels({self._channel_of(message) for message in trying}, now)
        if not broken:
            return
        first = {m.id: m for m in trying if m.channel in broken and m.attempts == 1}
        async with write():
            await self._go_on(list(first.values()), now)
            for name in sorted(broken):
                await tell_operators(f"{name}:broken", now)

    # --- send

    async def _log_beginning(self, attempts: Sequence[Attempt], now: datetime) -> None:
        rows = []
        for attempt in attempts:
            attempt.started_at = now
            rows.append(
                {
                    "id": attempt.delivery_id,
                    "message_id": attempt.message.id,
                    "address_id": attempt.address.id if attempt.address else None,
                    "channel": self._channel_of(attempt.message),
                    "attempt": attempt.message.attempts,
                    "started_at": now,
                    "result": "withheld" if attempt.reason else "sending",
                    "why": attempt.reason.value if attempt.reason else None,
                }
            )
        async with write():
            await bulk.insert(Delivery, rows)

    async def _look_again(self, attempts: Sequence[Attempt]) -> None:
        """A person may have answered since these were claimed: then they are withdrawn, and not
        sent. Only what is in the air already cannot be stopped."""
        trying = [attempt for attempt in attempts if attempt.reason is None]
        ids = list({attempt.message.id for attempt in trying})
        held = Message.filter(id__in=ids, leased_by=self.name)
        ours = set(await held.values_list("id", flat=True)) if ids else set()
        for attempt in trying:
            if attempt.message.id not in ours:
                attempt.reason, attempt.is_called_back = Reason.WITHDRAWN, True

    async def _send(self, several: Sequence[Attempt]) -> None:
        """One envelope for all of these; its result is the result of each."""
        if several[0].reason is not None:
            return
        try:
            outcome = await self._in_turn(several)
        except Exception:
            # Channels turn what the other side does into outcomes, so this is a mistake of ours. It
            # must not delay the rest of the batch, and is tried again like a passing fault.
            log.exception("worker.send_failed", message_id=str(several[0].message.id))
            outcome = Outcome.again("our_mistake")
        for attempt in several:
            if attempt.reason is None:
                attempt.outcome = outcome

    async def _in_turn(self, several: Sequence[Attempt]) -> Outcome | None:
        """Wait for a place on this channel, and send what is still ours."""
        gate = self._gate(self._channel_of(several[0].message))
        try:
            await asyncio.wait_for(gate.acquire(), TURN.total_seconds())
        except TimeoutError:
            return Outcome.again("timeout")
        try:
            await self._look_again(several)
            ours = [attempt for attempt in several if attempt.reason is None]
            return await self._hand_over(ours) if ours else None
        finally:
            gate.release()

    def _gate(self, channel: str) -> asyncio.Semaphore:
        if channel not in self._gates:
            places = getattr(self._channels[channel], "side_by_side", SIDE_BY_SIDE)
            self._gates[channel] = asyncio.Semaphore(places)
        return self._gates[channel]

    async def _hand_over(self, several: Sequence[Attempt]) -> Outcome:
        envelope = self._envelope(several[0], is_of_several=len(several) > 1)
        if envelope.kind == Kind.PAPER:
            files = await _attachments(several[0].message.id)
            envelope = replace(envelope, attachments=files)
        return await self._channels[envelope.channel].send(envelope)

    def _envelope(self, attempt: Attempt, *, is_of_several: bool = False) -> Envelope:
        message, person, now = attempt.message, _person(attempt.message), self._clock()
        kind = Kind(message.kind)
        data = message.data or {}
        language = person.language if person is not None else data.get("language", "en")
        name = data.get("sender") or self._display_name
        if person is not None and person.agency.display_name:
            name = person.agency.display_name
        # A person outside has no sign-in here.
        url = None if kind is Kind.PAPER else self._public_url + _path(message)
        tag = message.subject_id.hex
        if is_of_several and message.together is not None and url is not None:
            url, tag = f"{url}/together", message.together.hex
        words = word(
            kind,
            language,
            display_name=name,
            url=url,
            fault=(message.data or {}).get("fault", ""),
            code=(message.data or {}).get("code", ""),
            unseen=_unseen(message, language),
            # Of several that go out as one, a reply could mean none in particular.
            reply_code="" if is_of_several else (message.data or {}).get("reply", ""),
            open_alerts=(message.data or {}).get("open_alerts"),
        )
        left = message.expires_at - now if message.expires_at is not None else LONGEST_TTL
        return Envelope(
            message_id=message.id,
            kind=kind,
            channel=self._channel_of(message),
            address=attempt.to,
            keys=attempt.address.keys if attempt.address else None,
            language=language,
            title=words.title,
            body=words.body,
            subject=words.subject,
            sender=name,
            url=url,
            tag=tag,
            topic=tag,
            ttl=max(min(left, LONGEST_TTL), timedelta(0)),
            urgency=message.urgency,  # type: ignore[arg-type]
            receipt=encryption.sign(attempt.delivery_id.hex, RECEIPT),
        )

    # --- log, and mark done last

    async def _record(self, messages: Sequence[Message], attempts: Sequence[Attempt]) -> None:
        now = self._clock()
        tries: dict[UUID, list[Attempt]] = {message.id: [] for message in messages}
        for attempt in attempts:
            tries[attempt.message.id].append(attempt)
        async with write():
            await self._log_ends([a for a in attempts if a.outcome is not None], now)
            back = [a.delivery_id for a in attempts if a.is_called_back]
            why = Reason.WITHDRAWN.value
            await bulk.update(
                Delivery, [{"id": id_, "result": "withheld", "why": why} for id_ in back]
            )
            free = await lock([m.id for m in messages], waits=False)
            await self._mark([m for m in messages if m.id in free], tries, now)
        for message in messages:
            # Another process is withdrawing this one in this moment, and may have locked more of
            # ours: while we wait for it, we hold no other lock.
            if message.id not in free:
                async with write():
                    await lock([message.id])
                    await self._mark([message], tries, now)

    async def _mark(
        self,
        messages: Sequence[Message],
        tries: Mapping[UUID, Sequence[Attempt]],
        now: datetime,
    ) -> None:
        ends = [(m, *self._end(m, tries[m.id], now)) for m in messages]
        always = {"lease_until": None, "leased_by": self.name}
        rows = [{"id": m.id, "ready_at": m.ready_at, **row, **always} for m, row, _, _ in ends]
        # Only what is still ours: what was withdrawn meanwhile, or taken over, stays as it is.
        ours = {as_id(key) for key in await bulk.update(Message, rows, same="leased_by")}
        # A message withdrawn while it was being sent must not go out by another way.
        await self._go_on([m for m, _, onward, _ in ends if onward and m.id in ours], now)
        for fault in sorted({fault for _, _, _, faults in ends for fault in faults}):
            await tell_operators(fault, now)

    async def _log_ends(self, attempts: Sequence[Attempt], now: datetime) -> None:
        await _lock_addresses([a.address.id for a in attempts if a.address is not None])
        await _judge(attempts, now)
        rows: list[dict[str, Any]] = []
        accepted: list[UUID] = []
        failed: list[UUID] = []
        for attempt in attempts:
            outcome = attempt.outcome
            assert outcome is not None
            rows.append(
                {
                    "id": attempt.delivery_id,
                    "ended_at": now,
                    "result": outcome.result.value,
                    "why": outcome.reason[:48],
                    "status": outcome.status,
                }
            )
            if attempt.address is not None:
                ok = outcome.result is Result.ACCEPTED
                (accepted if ok else failed).append(attempt.address.id)
        await bulk.update(Delivery, rows)
        if accepted:
            started = min(a.started_at for a in attempts if a.started_at is not None)
            sql = _ACCEPTED.format(any=among())
            await fetch(sql, [accepted, now, started])
        if failed:
            await Address.filter(id__in=failed).update(last_failed_at=now)

    def _end(
        self, message: Message, tries: Sequence[Attempt], now: datetime
    ) -> tuple[dict[str, Any], bool, set[str]]:
        """The new state of a message, whether to go on by another way, and faults of ours."""
        done = {"done_at": now, "next_action_at": None}
        # Where there are addresses that count, the result of the others is only an addition.
        counting = [a for a in tries if a.counts] or tries
        if any(a.reason is Reason.ALREADY_DONE for a in counting) or any(
            a.outcome is not None and a.outcome.result is Result.ACCEPTED for a in counting
        ):
            return {"state": "done", "why": None, **done}, False, set()
        nexts = [
            (a.outcome, self._next(a.outcome, message, now)) for a in tries if a.outcome is not None
        ]
        faults = {f"{message.channel}:{o.reason}" for o, n in nexts if n.tell_operators}
        # An address that nobody has proven may be mistyped: its person reads that in the settings.
        kept = [a.outcome for a in counting if a.counts and a.is_kept and a.outcome is not None]
        faults |= {f"{message.channel}:{outcome.reason}" for outcome in kept}
        onward = not nexts or any(n.next_channel_now for _, n in nexts)
        retries = [n.retry_at for _, n in nexts if n.retry_at is not None]
        if retries:
            row = {"state": "waiting", "why": None, "done_at": None, "next_action_at": min(retries)}
            return row, onward, faults
        reasons = [a.reason for a in tries if a.reason is not None]
        put_off = [a.put_off_to for a in tries if a.put_off_to is not None]
        if put_off:
            row = {"state": "waiting", "why": reasons[0].value, "done_at": None}
            until = min(put_off)
            return {**row, "next_action_at": until, "ready_at": until}, False, faults
        if reasons:
            row = {"state": "withheld", "why": reasons[0].value, **done}
            return row, reasons[0] is Reason.CHANNEL_CLOSED, faults
        why = nexts[0][0].reason[:32] if nexts else "no_address"
        return {"state": "failed", "why": why, **done}, onward, faults

    def _next(self, outcome: Outcome, message: Message, now: datetime) -> Next:
        return what_next(
            outcome, message.attempts, message.may_go_at, now, rand=self._drawn(message)
        )

    def _drawn(self, message: Message) -> float:
        """Messages that go out as one are retried at one moment, so that they stay one."""
        if message.together is None:
            return self._rand.random()
        return message.together.int % 997 / 997

    async def _go_on(self, messages: Sequence[Message], now: datetime) -> None:
        """The next channel, now; where there is none left for what must arrive, the last resort."""
        people = {m.person_id for m in messages if m.person_id is not None}
        ways = await ways_of(people, now)
        sayings: list[Saying] = []
        for message in messages:
            if message.person_id is None or message.kind in TO_ONE_ADDRESS:
                continue
            way = ways.get(message.person_id, NOWHERE)
            after = [name for name in way.after(message.channel) if name != message.channel]
            if after:
                sayings.append(again(message, channel=after[0]))
            # A way from which nobody has answered yet is no reason not to call the last resort.
            if Kind(message.kind) in MUST_ARRIVE and not set(after) & set(way.proven):
                sayings += [again(message, last_resort=n) for n in range(last_resorts())]
        await queue(sayings, now)


def as_one(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """The attempts that share an envelope, with the leading message first. Only messages to one
    address that are to be sent about several things at once do; every other is sent alone."""
    groups: dict[Any, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda candidate: candidate.message.subject_id):
        message = attempt.message
        key: Any = attempt.delivery_id
        if message.together is not None and attempt.reason is None:
            what = (message.together, message.kind, message.rung, message.turn)
            key = (*what, message.to_key, message.channel, attempt.to)
        groups.setdefault(key, []).append(attempt)
    return list(groups.values())


_URGENT = "AND urgency = 'high'"
_GROUPS = """
SELECT together FROM (
  SELECT DISTINCT together FROM (
    SELECT together FROM message
    WHERE next_action_at <= $1 AND state IN ('waiting', 'sending') {only}
    ORDER BY next_action_at LIMIT {most}
  ) AS due WHERE together IS NOT NULL
) AS groups WHERE pg_try_advisory_xact_lock(hashtextextended(together::text, 0))
"""


async def _take_groups(now: datetime, only: str) -> list[UUID]:
    """Lock the groups that go out as one and are due next, except those that another worker is
    claiming: two workers with a part each would send it twice. Until the end of the transaction."""
    sql = _GROUPS.format(only=only, most=AT_ONCE)
    return [as_id(row["together"]) for row in await fetch(sql, [now])]


async def _judge(attempts: Sequence[Attempt], now: datetime) -> None:
    """What the answers say about the addresses. Where several failed at once the addresses are not
    at fault: then it is written down as a fault of the channel."""
    tries = [(a.address, a.outcome) for a in attempts if a.address and a.outcome]
    if not tries:
        return
    judged = await judge(tries[0][0].channel, tries, now)
    for attempt in attempts:
        outcome = attempt.outcome
        if outcome is None or outcome.result is not Result.GONE or attempt.address is None:
            continue
        verdict = judged[attempt.address.id]
        attempt.is_kept = verdict.kept
        if verdict.of_many:
            attempt.outcome = Outcome.refused(outcome.reason, outcome.status)


async def _lock_addresses(ids: Sequence[UUID]) -> None:
    """In one order: two workers may each have the address that the other one is to note about."""
    if ids and dialect() == "postgres":
        sql = "SELECT id FROM address WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
        await fetch(sql, [list(ids)])


def _person(message: Message) -> Any:
    """The recipient: a row of a room above this one, known here by its columns alone."""
    return message.person


def _unseen(message: Message, language: str) -> tuple[str, str] | None:
    """The two ends of a time in which our server was down, as the reader's clock shows them."""
    ends = (message.data or {}).get("unseen")
    if not ends:
        return None
    person = _person(message)
    zone = known_zone(person.zone if person is not None else "UTC")
    begin, end = (format_time(language, datetime.fromisoformat(at), zone) for at in ends)
    return begin, end


def _quiet(message: Message, wish: Preference | None) -> dict[str, Any]:
    """The quiet hours of a message: those that it has for a child, or those that an adult chose for
    what can wait."""
    hours = (message.data or {}).get("quiet")
    zone, begin, end = (hours["zone"], hours["from"], hours["until"]) if hours else ("UTC", "", "")
    if wish is not None and wish.quiet_from and wish.quiet_until:
        zone, begin, end = _person(message).zone, wish.quiet_from, wish.quiet_until
    if not begin:
        return {}
    quiet = (time.fromisoformat(begin), time.fromisoformat(end))
    return {"zone": zone, "quiet_from": quiet[0], "quiet_until": quiet[1]}


async def _attachments(message_id: UUID) -> tuple[Attachment, ...]:
    rows = await Enclosure.filter(message_id=message_id).order_by("id")
    return tuple(Attachment(row.name, row.media_type, row.content) for row in rows)


def _path(message: Message) -> str:
    given = (message.data or {}).get("path")
    if given is not None:
        return str(given)
    if message.subject_kind == "alert":
        return f"/desk/alerts/{message.subject_id}"
    return "/"

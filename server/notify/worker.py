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
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from server import logs
from server.clock import Clock
from server.notify.actions import Saying, again, lock, queue, tell_operators
from server.notify.channel_counts import broken_channels
from server.notify.channels import Channel
from server.notify.child.hours import why_held
from server.notify.contact_routes import NOWHERE, no_way_left, ways_of, wishes_of
from server.notify.last_resort.reading import of_installation, resorts_of, told_lately
from server.notify.models import Address, Delivery, Message, Preference
from server.notify.rules import (
    HOURS,
    TO_ONE_ADDRESS,
    AddressSlice,
    Kind,
    Outcome,
    Reason,
    put_off_to,
    worth_sending,
)
from server.notify.sending.attempts import Attempt, accepted_before, as_one, hours_of, person_of
from server.notify.sending.claims import Claimer, claim
from server.notify.sending.envelopes import Sender, attachments, envelope_of
from server.notify.sending.last_look import LastLook
from server.notify.sending.log_lines import log_results
from server.notify.sending.reminders import has_wish, needless_of, slice_of
from server.notify.sending.results import end_of, log_ends
from server.notify.sending.waking import wake
from server.storage import bulk
from server.storage.db import among, as_id, write, write_once
from server.storage.ids import uuid7

log = logs.get("notify")

# How many network calls of one channel run in parallel. Each channel bounds its own time.
SIDE_BY_SIDE = 64
# How long a message waits for one of these places. Where it gets none, the channel hangs.
TURN = timedelta(seconds=30)
# More passes of one worker at once are of no use: each channel can block only one of them.
PASSES = 8
# Kinds that must arrive: where no way does, the last resort is told.
MUST_ARRIVE = frozenset(
    {
        Kind.ALERT,
        Kind.ALERT_AGAIN,
        Kind.CONFIRM_ANSWERED,
        Kind.DECIDE,
        Kind.GLASS,
        Kind.ROLL_CALL_AWAY,
    }
)


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
        self._sender = Sender(public_url.rstrip("/"), display_name)
        self._last_resort = last_resort
        self._clock = clock
        self.name = str(uuid7())  # Under which it claims.
        self._rand = rand or random.Random()  # noqa: S311 (jitter, not a secret)
        self._last_look = LastLook(self.name)
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
            sent = as_one([attempt for attempt in mine if attempt.reason is None])
            await asyncio.gather(*(self._send(several) for several in sent))
            await self._record(messages, mine)
        finally:
            self._busy.discard(channel)
            # What was queued for this channel while it was busy.
            wake()

    async def _claim(self, now: datetime) -> list[Message]:
        return await claim(Claimer(self.name, self._busy), now)

    # --- decide

    async def _plan(self, messages: Sequence[Message], now: datetime) -> list[Attempt]:
        people = {m.person_id for m in messages if m.person_id is not None}
        addresses: dict[tuple[UUID, str], list[Address]] = {}
        which = f"person_id {among()} AND dropped_at IS NULL"
        for address in await bulk.select(Address, which, [list(people)]):
            assert address.person_id is not None
            addresses.setdefault((address.person_id, address.channel), []).append(address)
        resorts = await self._resorts(messages)
        accepted = await accepted_before([m.id for m in messages if m.attempts > 1])
        wishes = await wishes_of({m.person_id for m in messages if m.person_id and has_wish(m)})
        needless = await needless_of(messages, now)
        attempts: list[Attempt] = []
        for message in messages:
            attempts += self._attempts(message, addresses, resorts)
        for attempt in attempts:
            wish = wishes.get(attempt.message.person_id) if attempt.message.person_id else None
            self._decide(attempt, wish, accepted, needless, now)
        return attempts

    async def _resorts(self, messages: Sequence[Message]) -> dict[UUID, Address]:
        """The agencies' own last resorts to which these messages go."""
        ids = {m.resort_id for m in messages if m.resort_id is not None}
        live = Address.filter(id__in=list(ids), dropped_at__isnull=True)
        return {address.id: address for address in await live} if ids else {}

    def _attempts(
        self,
        message: Message,
        addresses: Mapping[tuple[UUID, str], list[Address]],
        resorts: Mapping[UUID, Address],
    ) -> list[Attempt]:
        outside = (message.data or {}).get("to")
        if message.person_id is None and outside is not None:
            return [Attempt(message, None, outside)]
        if message.resort_id is not None:
            own = resorts.get(message.resort_id)
            return [Attempt(message, own, own.value)] if own is not None else []
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
        needless: Mapping[UUID, Reason],
        now: datetime,
    ) -> None:
        """Whether this one is worth sending; where it can wait, until when."""
        message, person = attempt.message, person_of(attempt.message)
        slice_ = AddressSlice(
            has_accepted=(message.id, attempt.address.id if attempt.address else None) in accepted,
            person_is_disabled=person is not None and person.disabled_at is not None,
            channel_is_open=self._channel_of(message) in self._channels,
            **hours_of(message, wish),
        )
        about = slice_of(message, needless.get(message.id))
        attempt.reason = worth_sending(about, slice_, now)
        if attempt.reason in HOURS:
            attempt.put_off_to = put_off_to(about, slice_, now)
        if wish is not None:
            attempt.shown = wish.lock_text or ""
        attempt.is_silent = about.gives_way and why_held(slice_.hours, now) is not None

    def _channel_of(self, message: Message) -> str:
        index: int | None = message.last_resort
        if index is not None and index < len(self._last_resort):
            return self._last_resort[index][0]
        return message.channel

    async def _go_around(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Messages for a channel that is broken (five failures in half an hour, at three
        addresses: channel_health.py) go by the next one as well, at once. The channel itself is
        tried all the same: so we notice when it works again."""
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
        async with write_once():
            await bulk.insert(Delivery, rows)

    async def _look_again(self, attempts: Sequence[Attempt]) -> None:
        """A person may have answered since these were claimed: then they are withdrawn, and not
        sent. Only what is in the air already cannot be stopped."""
        trying = [attempt for attempt in attempts if attempt.reason is None]
        ours = await self._last_look.ours({attempt.message.id for attempt in trying})
        for attempt in trying:
            if attempt.message.id not in ours:
                attempt.reason, attempt.is_called_back = Reason.WITHDRAWN, True

    async def _send(self, several: Sequence[Attempt]) -> None:
        """One envelope for all of these; its result is the result of each."""
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
            async with asyncio.timeout(TURN.total_seconds()):
                await gate.acquire()
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
        channel = self._channel_of(several[0].message)
        subjects = {attempt.message.subject_id for attempt in several}
        envelope = envelope_of(
            several[0], channel, self._sender, self._clock(), of_several=len(subjects)
        )
        if envelope.kind == Kind.PAPER:
            files = await attachments(several[0].message.id)
            envelope = replace(envelope, attachments=files)
        return await self._channels[channel].send(envelope)

    # --- log, and mark done last

    async def _record(self, messages: Sequence[Message], attempts: Sequence[Attempt]) -> None:
        now = self._clock()
        tries: dict[UUID, list[Attempt]] = {message.id: [] for message in messages}
        for attempt in attempts:
            tries[attempt.message.id].append(attempt)
        async with write():
            await log_ends([a for a in attempts if a.outcome is not None], now)
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
        log_results(messages, tries)

    async def _mark(
        self,
        messages: Sequence[Message],
        tries: Mapping[UUID, Sequence[Attempt]],
        now: datetime,
    ) -> None:
        ends = [(m, end_of(m, tries[m.id], now, self._rand)) for m in messages]
        always = {"lease_until": None, "leased_by": self.name}
        rows = [{"id": m.id, "ready_at": m.ready_at, **end.row, **always} for m, end in ends]
        # Only what is still ours: what was withdrawn meanwhile, or taken over, stays as it is.
        ours = {as_id(key) for key in await bulk.update(Message, rows, same="leased_by")}
        # A message withdrawn while it was being sent must not go out by another way.
        await self._go_on([m for m, end in ends if end.onward and m.id in ours], now)
        for fault in sorted({fault for _, end in ends for fault in end.faults}):
            await tell_operators(fault, now)

    async def _go_on(self, messages: Sequence[Message], now: datetime) -> None:
        """The next channel, now; where there is none left for what must arrive, the last resort. An
        agency's own falls back on the installation's."""
        people = {m.person_id for m in messages if m.person_id is not None}
        ways = await ways_of(people, now)
        sayings: list[Saying] = []
        lost: list[Message] = []
        for message in messages:
            if message.kind in TO_ONE_ADDRESS:
                continue
            if message.resort_id is not None:
                sayings += [again(message, to=resort) for resort in of_installation()]
            if message.person_id is None:
                continue
            way = ways.get(message.person_id, NOWHERE)
            after = [name for name in way.after(message.channel) if name != message.channel]
            if after:
                sayings.append(again(message, channel=after[0]))
            # A way from which nobody has answered yet is no reason not to call the last resort.
            if Kind(message.kind) in MUST_ARRIVE and not set(after) & set(way.proven):
                lost.append(message)
        await queue([*sayings, *await _instead(lost, now)], now)
        await no_way_left({message.subject_id for message in lost}, now)


async def _instead(lost: Sequence[Message], now: datetime) -> list[Saying]:
    """What the last resort hears in place of people who have no way left. Of rungs that are passed
    in one moment it hears once."""
    resorts = await resorts_of({m.agency_id for m in lost if m.agency_id is not None})
    told = await told_lately({message.subject_id for message in lost}, now)
    by_subject = {m.subject_id: m for m in lost if m.subject_id not in told}
    return [
        again(message, to=resort)
        for message in by_subject.values()
        for resort in (resorts[message.agency_id] if message.agency_id else of_installation())
    ]

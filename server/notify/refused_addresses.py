"""What answers about addresses mean for their rows: part of what the worker writes after a pass."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from tortoise.expressions import Q
from tortoise.functions import Count

from server import logs
from server.notify.models import Address, Delivery
from server.notify.refusals import AT_ONCE, BY_US, TIMES, Tried, gives_up, is_of_many
from server.notify.rules import PUSH, Outcome, Result, is_a_way
from server.storage.db import as_id, fetch

log = logs.get("notify")

# Enough to see whether an address fails alone.
MOST = 50
_LATELY = f"""
SELECT address_id, result, why FROM delivery
WHERE channel = $1 AND started_at > $2 AND address_id IS NOT NULL
AND result NOT IN ('sending', 'withheld', 'unknown')
ORDER BY started_at DESC LIMIT {MOST}
"""  # noqa: S608 (a number of our own)


class Judged(msgspec.Struct, frozen=True):
    """The result of an answer about an address. `of_many`: others failed as well, so that the fault
    may be ours; then, or where the address is kept for another reason, it is `kept`."""

    of_many: bool
    kept: bool


async def judge(
    channel: str, tries: Sequence[tuple[Address, Outcome]], now: datetime
) -> dict[UUID, Judged]:
    """Note what the answers of one pass say about its addresses, and give up addresses where
    needed.

    In the transaction of the caller, who has locked the rows of these addresses. Returns a line for
    each address that an answer was about.
    """
    refused = {to.id: (to, out) for to, out in tries if out.result is Result.GONE}
    if not refused:
        return {}
    tried = [Tried(to.id, _service(to), out.result) for to, out in tries]
    tried += await _lately(channel, now)
    judged = {}
    for to, outcome in refused.values():
        of_many = is_of_many(Tried(to.id, _service(to), outcome.result), tried)
        judged[to.id] = await _note(to, outcome.reason, of_many, now)
    _tell_log(channel, judged, {out.reason for _, out in refused.values()})
    return judged


async def _note(to: Address, reason: str, of_many: bool, now: datetime) -> Judged:
    # Read again: another worker may have noted something about it since this one claimed.
    row = await Address.filter(id=to.id).first().values("refused_at", "dropped_at")
    if row is None or row["dropped_at"] is not None:
        return Judged(of_many=of_many, kept=False)
    is_push, first_at = to.channel == PUSH, row["refused_at"]
    if not is_push and first_at is not None:
        of_many = of_many or await _is_blocked(to, first_at)
    is_over = gives_up(reason, first_at, now, is_push=is_push, of_many=of_many)
    live = Address.filter(id=to.id, dropped_at__isnull=True)
    await live.update(refused_at=first_at or now, refused_why=reason[:24])
    if is_over:
        await live.update(dropped_at=now, dropped_why=reason[:24])
    return Judged(of_many=of_many, kept=not is_over)


async def _is_blocked(to: Address, since: datetime) -> bool:
    """Whether others are refused too, and no mail was accepted since this one was: where a provider
    blocks us, calls that are hours apart fail one by one."""
    others = Address.filter(channel=to.channel, dropped_at__isnull=True, refused_at__isnull=False)
    if not await others.exclude(id=to.id).exists():
        return False
    taken = Delivery.filter(channel=to.channel, started_at__gte=since, result="accepted")
    return not await taken.exists()


async def _lately(channel: str, now: datetime) -> list[Tried]:
    """The latest attempts that are over, of any pass and process."""
    rows = await fetch(_LATELY, [channel, now - AT_ONCE])
    services = {}
    if channel == PUSH and rows:
        ids = list({as_id(row["address_id"]) for row in rows})  # Not more than MOST.
        services = {address.id: _service(address) for address in await Address.filter(id__in=ids)}
    return [
        Tried(
            as_id(row["address_id"]),
            services.get(as_id(row["address_id"]), ""),
            # One of many was written down as refused, and was about the address all the same.
            Result.GONE if row["why"] in TIMES else Result(row["result"]),
        )
        for row in rows
    ]


def _service(to: Address) -> str:
    """The service behind an answer: push services answer each for itself, a mail server for all."""
    return urlsplit(to.value).netloc if to.channel == PUSH else ""


def _tell_log(channel: str, judged: dict[UUID, Judged], reasons: set[str]) -> None:
    every = judged.values()
    log.warning(
        "worker.addresses_refused",
        channel=channel,
        reasons=sorted(reasons),
        refused=len(judged),
        given_up=sum(not verdict.kept for verdict in every),
        of_many=sum(verdict.of_many for verdict in every),
    )


# --- what its person is told

# A browser that is gone is told for so long: nobody can correct it. What a person typed is told
# until it is corrected or removed.
TOLD = timedelta(days=90)
MOST_TOLD = 5


async def given_up(person_id: UUID, now: datetime) -> list[Address]:
    """The addresses of this person that we gave up, and that nothing has taken the place of: those
    that a person typed first, then browsers, each the newest first."""
    rows = Address.filter(person_id=person_id, dropped_why__in=BY_US)
    live = Address.filter(person_id=person_id, dropped_at__isnull=True)
    same: list[str] = []
    newest: dict[str, datetime] = {}
    for other in await live:  # Not more than MOST_ADDRESSES.
        same.append(other.value_index)
        if is_a_way(other.channel, other.verified_at) and other.refused_at is None:
            newest[other.channel] = max(other.made_at, newest.get(other.channel, other.made_at))
    # What was entered again says under itself how it stands.
    rows = rows.exclude(value_index__in=same) if same else rows
    for channel, made_at in newest.items():
        rows = rows.filter(~Q(channel=channel, dropped_at__lt=made_at))
    rows = rows.order_by("-dropped_at", "id")
    typed = await rows.exclude(channel=PUSH).limit(MOST_TOLD)
    browsers = await rows.filter(channel=PUSH, dropped_at__gt=now - TOLD).limit(MOST_TOLD)
    return [*typed, *browsers]


class Counts(msgspec.Struct, frozen=True):
    """How many addresses of each channel are refused, and how many were given up in a day."""

    refused: dict[str, int]
    given_up: dict[str, int]


async def counts(now: datetime) -> Counts:
    """Counted over everyone; it names nobody."""
    refused = Address.filter(dropped_at__isnull=True, refused_at__isnull=False)
    lately = Address.filter(dropped_at__gt=now - timedelta(days=1), dropped_why__in=BY_US)
    return Counts(await _by_channel(refused), await _by_channel(lately))


async def _by_channel(rows: Any) -> dict[str, int]:
    grouped = rows.annotate(n=Count("id")).group_by("channel")
    return dict(await grouped.values_list("channel", "n"))

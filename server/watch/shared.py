"""What several silences have in common: one home, our own downtime, a push service.

Adults then get one message about them, and each child keeps their own alert. Reads rows, and writes
none.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import msgspec

from server.alerts.bundles import SLACK, Coming
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.opening import Shared
from server.notify.models import Address
from server.notify.rules import PUSH
from server.people.models import Child
from server.people.rules import Role
from server.policy.model import Policy, Tier, Together
from server.storage.db import among, as_id, fetch
from server.watch.machine.standing import State
from server.watch.models import Blind, Watch

HOME, OUTAGE, PROVIDER = "home", "outage", "provider"
_SHARED = UUID("3d0c2f0e-58a1-4be4-9f4d-6f0f6a0f1f3a")
# A push service that has taken nothing for a phone for this long fails it now.
LATELY = timedelta(days=1)


class Silent(msgspec.Struct, frozen=True):
    """A child with adults being called about them now, and since when that is true."""

    child_id: UUID
    agency_id: UUID
    at: datetime
    policy: Policy


async def causes_of(
    silent: Sequence[Silent], blind: Blind | None, now: datetime
) -> dict[UUID, Shared]:
    """The shared causes, by child. A child whose silence shares nothing is not in it."""
    causes: dict[UUID, Shared] = {}
    for agency_id in {silence.agency_id for silence in silent}:
        ours = [silence for silence in silent if silence.agency_id == agency_id]
        together = ours[0].policy.together
        causes |= await _of_outage(ours, blind, together, now)
        rest = [silence for silence in ours if silence.child_id not in causes]
        causes |= await _of_homes(rest, ours[0].policy, now)
        rest = [silence for silence in ours if silence.child_id not in causes]
        causes |= await _of_providers(rest, together, now)
    return causes


# --- our own outage


async def _of_outage(
    ours: Sequence[Silent], blind: Blind | None, together: Together, now: datetime
) -> dict[UUID, Shared]:
    if blind is None:
        return {}
    unseen = [silence.child_id for silence in ours if blind.from_at <= silence.at < blind.until_at]
    if not unseen:
        return {}
    # One tick goes through the silences in batches: some are still to come, and some have come
    # already.
    agency_id = ours[0].agency_id
    id_ = uuid5(_SHARED, f"{OUTAGE}:{blind.id}:{agency_id}")
    coming = await Watch.filter(agency_id=agency_id, next_action_at__lte=now).count()
    if len(unseen) + coming < together.children:
        before = Alert.filter(agency_id=agency_id, closed_at__isnull=True, noticed_at=now)
        if len(unseen) + coming + await before.count() < together.children:
            return {}
    until = now + SLACK if coming else None
    shared = Shared(id_, OUTAGE, together.window, until)
    return dict.fromkeys(unseen, shared)


# --- one home


async def _of_homes(ours: Sequence[Silent], policy: Policy, now: datetime) -> dict[UUID, Shared]:
    homes = await _homes([silence.child_id for silence in ours])
    if not homes:
        return {}
    together = policy.together
    living = await Child.filter(
        home_id__in=list(set(homes.values())), left_at__isnull=True
    ).values_list("id", "home_id")
    home_of: dict[UUID, UUID] = dict(living)
    late = await coming(set(home_of) - set(homes), policy, now)
    called = await _lately(set(home_of) - set(homes), now - together.window, now)
    causes: dict[UUID, Shared] = {}
    for home in set(homes.values()):
        here = [child for child, its in homes.items() if its == home]
        before = [alert for alert in called if home_of[alert.child_id] == home]
        after = [at for child, at in late.items() if home_of[child] == home]
        if len(here) + len(before) + len(after) < together.children:
            continue
        shared_ids = [id_ for id_ in map(_id, before) if id_ is not None]
        id_ = shared_ids[0] if shared_ids else uuid5(_SHARED, f"{HOME}:{home}:{now.isoformat()}")
        until = max(max(after, default=now), now) + SLACK if after else None
        causes |= dict.fromkeys(here, Shared(id_, HOME, together.window, until))
    return causes


async def _homes(children: Collection[UUID]) -> dict[UUID, UUID]:
    rows = await Child.filter(id__in=list(children), home_id__isnull=False).values_list(
        "id", "home_id"
    )
    return dict(rows)


async def coming(
    children: Collection[UUID],
    policy: Policy,
    now: datetime,
    states: Collection[State] = (State.DUE, State.LATE),
) -> dict[UUID, datetime]:
    """Which of these children are silent too, and when: those with a round due, who will be late,
    and those already late, who will raise an alert, within the window."""
    end = now + policy.together.window
    silent = Watch.filter(
        child_id__in=list(children),
        next_action_at__isnull=False,
        next_action_at__lte=end,
        is_alerted=False,
        standing__in=[state.value for state in states],
    )
    moment_by_child = {}
    for watch in await silent:
        at = watch.next_action_at
        if watch.standing == State.DUE and watch.due_at is not None:
            at = watch.due_at + policy.tiers[Tier(watch.tier)].steps.grace
        if at is not None and at <= end:
            moment_by_child[watch.child_id] = at
    return moment_by_child


async def _lately(children: Collection[UUID], since: datetime, now: datetime) -> list[Alert]:
    """The alerts about the silence of these children that were opened lately and are still open."""
    return await Alert.filter(
        child_id__in=list(children),
        closed_at__isnull=True,
        cause=Cause.SILENCE.value,
        noticed_at__gte=since,
        noticed_at__lte=now,
    )


# Of the children of each caseworker those whose silence has still to be looked at in this moment.
# It counts to $4 and stops: after an outage there may be any number, and each batch asks. It begins
# with the highest ids, since the batches take the lowest first.
_OF_PEOPLE = """
SELECT p.id AS id, (SELECT COUNT(*) FROM (
  SELECT 1 FROM tie t JOIN watch w ON w.child_id = t.child_id
  WHERE t.person_id = p.id AND {tied} AND w.next_action_at <= $2 AND {silent}
  ORDER BY t.child_id DESC LIMIT $4
) AS silent) AS n
FROM person p WHERE p.id {any}
AND (SELECT true FROM tie t WHERE t.person_id = p.id AND {tied} LIMIT 1)
"""
_TIED = "t.role = $3 AND t.from_at <= $2 AND (t.until_at IS NULL OR t.until_at > $2)"
_OF_AGENCIES = """
SELECT a.id AS id, (SELECT COUNT(*) FROM (
  SELECT 1 FROM watch w
  WHERE w.agency_id = a.id AND w.next_action_at <= $2 AND {silent} LIMIT $3
) AS silent) AS n
FROM agency a WHERE a.id {any}
"""
_SILENT = f"w.standing IN ('{State.DUE.value}', '{State.LATE.value}') AND NOT w.is_alerted"


async def still_coming(
    people: Collection[UUID], agencies: Collection[UUID], now: datetime, *, most: int
) -> Coming:
    """About how many more children these people may be called in this moment, or that it is `most`
    or more: a tick goes through the silences in batches. A caseworker: about their own; everyone
    else: about any."""
    words = {"any": among(), "silent": _SILENT, "tied": _TIED}
    own = [list(people), now, Role.CASEWORKER.value, most]
    of_people = await fetch(_OF_PEOPLE.format(**words), own)
    of_agencies = await fetch(_OF_AGENCIES.format(**words), [list(agencies), now, most])
    return Coming(
        {as_id(row["id"]): int(row["n"]) for row in of_people},
        {as_id(row["id"]): int(row["n"]) for row in of_agencies},
    )


async def others_of(alert: Alert) -> list[Alert]:
    """The other alerts that share the cause of this one, closed ones too."""
    shared = alert.facts.get("shared")
    if shared is None:
        return []
    near = timedelta(seconds=shared["window_s"]) + SLACK
    alerts = await Alert.filter(
        agency_id=alert.agency_id,
        noticed_at__gte=alert.noticed_at - near,
        noticed_at__lte=alert.noticed_at + near,
    ).exclude(id=alert.id)
    return [other for other in alerts if _id(other) == UUID(shared["id"])]


def _id(alert: Alert) -> UUID | None:
    shared: Mapping[str, str] | None = alert.facts.get("shared")
    return UUID(shared["id"]) if shared is not None else None


# --- one push service


async def _of_providers(
    ours: Sequence[Silent], together: Together, now: datetime
) -> dict[UUID, Shared]:
    if len(ours) < together.children:
        return {}
    hosts: dict[str, set[UUID]] = {}
    failing = Address.filter(
        person_id__in=[silence.child_id for silence in ours],
        channel=PUSH,
        dropped_at__isnull=True,
        last_failed_at__gt=now - LATELY,
    )
    for address in await failing:
        has_since_arrived = (
            address.last_accepted_at is not None
            and address.last_failed_at is not None
            and address.last_accepted_at > address.last_failed_at
        )
        if address.person_id is not None and not has_since_arrived:
            hosts.setdefault(urlsplit(address.value).netloc, set()).add(address.person_id)
    causes: dict[UUID, Shared] = {}
    for host, children in hosts.items():
        if len(children) >= together.children:
            name = f"{PROVIDER}:{host}:{ours[0].agency_id}:{now.isoformat()}"
            shared = Shared(uuid5(_SHARED, name), PROVIDER, together.window)
            causes |= dict.fromkeys(children, shared)
    return causes

"""The policies that an agency has adopted: versions are added, and never changed."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from server.audit.repeats import first_made
from server.errors import Conflict
from server.i18n import N_
from server.policy import learned
from server.policy.adapting import AS_WRITTEN, Factors, as_data, from_data, with_factors
from server.policy.model import SHIPPED
from server.policy.model import Policy as PolicyRules
from server.policy.models import BudgetWeek, Policy, WeekState
from server.policy.parser import filled, read
from server.storage import bulk
from server.storage.db import as_id


async def versions_of(agency_id: UUID) -> list[Policy]:
    """Every version of an agency, the newest first. Version 0, which ships, is no row."""
    return await Policy.filter(agency_id=agency_id).order_by("-version")


async def content_of(agency_id: UUID, version: int | None = None) -> tuple[dict[str, Any], int]:
    """The data of a version and its number; without one, or for one that is not known, of the
    newest."""
    rows = await versions_of(agency_id)
    if version == 0 or not rows:
        return deepcopy(SHIPPED), 0
    row = next((row for row in rows if row.version == version), rows[0])
    return filled(row.content), row.version


async def as_written(agency_id: UUID) -> tuple[PolicyRules, Policy | None]:
    """The newest policy of an agency as people wrote it, and its row; None: it is the one that
    ships. What holds is `alerts.recipients.policy_of`."""
    newest = "agency_id = $1 ORDER BY version DESC LIMIT 1"
    row = next(iter(await bulk.select(Policy, newest, [agency_id])), None)
    content = filled(row.content) if row is not None else SHIPPED
    return _read(msgspec.json.encode(content)), row


@lru_cache(maxsize=256)
def _read(content: bytes) -> PolicyRules:
    """The rules of a policy. Each tick and each batch of answers asks for the same few, and reading
    one takes milliseconds."""
    return read(msgspec.json.decode(content))


async def factors_of(rules: PolicyRules, row: Policy | None) -> Factors:
    """What the outcomes of the weeks have made of the line of each level since this version was
    adopted."""
    if row is None or not rules.budget.adapts:
        return AS_WRITTEN
    weeks = BudgetWeek.filter(
        agency_id=row.agency_id, version=row.version, state=WeekState.ADAPTED.value
    )
    last = await weeks.order_by("-ends_at").first()
    return from_data(last.after if last is not None else row.factors)


async def in_force(rules: PolicyRules, row: Policy | None) -> PolicyRules:
    """What holds now of a policy as written: what its agency's weeks made of its words and of its
    lines."""
    by_cell = await word_counts_of(row.agency_id) if row is not None and rules.budget.learns else {}
    return with_factors(learned.with_learned(rules, by_cell), await factors_of(rules, row))


async def word_counts_of(agency_id: UUID) -> learned.WordCounts:
    """All words of an agency whose truth is known, by the last week that was counted."""
    last = await BudgetWeek.filter(agency_id=agency_id).order_by("-ends_at").first()
    return learned.from_data(last.told if last is not None else None)


class NewVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version to come after `base`, with the words that say why. `factors`: with which its lines
    begin, if they are not as written."""

    id: UUID
    content: Mapping[str, Any]
    base: int
    words: str
    factors: Factors | None = None


async def add_version(
    agency_id: UUID, new: NewVersion, made_by: UUID | None, now: datetime
) -> tuple[Policy, bool]:
    """The stored version, and whether it is new: the same form sent twice makes one.

    Raises Conflict if another version came after `base` meanwhile, IdReused for a known id with
    other content. In the caller's transaction.
    """
    existing = await first_made(Policy, new.id, new, agency_id=agency_id)
    if existing is not None:
        return existing, False
    row = {
        "id": new.id,
        "agency_id": agency_id,
        "version": new.base + 1,
        "content": dict(new.content),
        "words": new.words,
        "made_by": made_by,
        "made_at": now,
        "factors": as_data(new.factors) if new.factors is not None else None,
    }
    newest = await Policy.filter(agency_id=agency_id).order_by("-version").first()
    is_behind = (newest.version if newest is not None else 0) != new.base
    # If two come in the same moment, the database lets only one be the next version.
    made = [] if is_behind else await bulk.insert(Policy, [row], skip_known=True)
    if not made:
        raise Conflict(_OVERTAKEN)
    return await Policy.get(id=as_id(made[0])), True


_OVERTAKEN = N_(
    "A colleague has adopted another policy in the meantime. Check again what it changes."
)

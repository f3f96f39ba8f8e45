"""The children a person may see on a board, as a part of a statement: for lists of thousands.

The rights are those of `children.shown` and `children.called`, and a test holds the two together.
To be counted is no look: ask `children_for` for the children whose rows are shown.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from server.people.access import broken_for, called_about, now_of, rota_of, visitor_of
from server.people.rules import Action, Role, may
from server.storage.db import dialect


@dataclass
class Statement:
    """The parameters of one statement, numbered as they are named."""

    params: list[object] = field(default_factory=list)

    def of(self, value: object) -> str:
        """The placeholder of this value."""
        self.params.append(value)
        return f"${len(self.params)}"

    def moment(self, value: datetime) -> str:
        """The placeholder of a moment, where nothing beside it says that it is one."""
        return f"{self.of(value)}::timestamptz"

    def among(self, ids: Collection[UUID]) -> str:
        """The end of a comparison with one of these ids."""
        place = self.of(list(ids))
        if dialect() == "postgres":
            return f"= ANY({place}::uuid[])"
        return f"IN (SELECT value FROM json_each({place}))"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Scope:
    """A person, and how they come to children at a moment, beside their own ties."""

    person_id: UUID
    agency_id: UUID
    now: datetime
    is_on_duty: bool
    covers: frozenset[UUID]
    called: frozenset[UUID]  # The open alerts to which they were called.
    broken: frozenset[UUID]  # The children whose glass they have broken.

    def cte(self, statement: Statement, roles: Collection[Role]) -> str:
        """`scope AS (…)`: `child_id`, and `is_full`, 0 where only a call opens the child.

        `roles`: the roles for a child that count. The rota makes a supervisor.
        """
        full = ", ".join(f"'{role.value}'" for role in sorted(roles))
        person, agency = statement.of(self.person_id), statement.of(self.agency_id)
        standing = _standing(statement.of(self.now))
        ways = [
            f"SELECT child_id, 1 AS is_full FROM tie WHERE person_id = {person}"  # noqa: S608
            f" AND agency_id = {agency} AND role IN ({full}) AND {standing}"
        ]
        if Role.SUPERVISOR in roles:
            ways += self._by_rota(statement, agency, standing)
        if self.called and Role.CALLED in roles:
            called = statement.among(self.called)
            ways.append(f"SELECT child_id, 0 FROM alert WHERE id {called}")  # noqa: S608
        if self.broken and Role.GLASS in roles:
            broken = statement.among(self.broken)
            ways.append(
                f"SELECT id, 1 FROM child WHERE agency_id = {agency} AND left_at IS NULL"  # noqa: S608
                f" AND id {broken}"
            )
        return (
            "scope AS (SELECT child_id, MAX(is_full) AS is_full FROM ("  # noqa: S608
            f"{' UNION ALL '.join(ways)}) AS ways GROUP BY child_id)"
        )

    def _by_rota(self, statement: Statement, agency: str, standing: str) -> list[str]:
        ways = []
        if self.covers:
            ways.append(
                f"SELECT child_id, 1 FROM tie WHERE person_id {statement.among(self.covers)}"  # noqa: S608
                f" AND role = 'caseworker' AND {standing}"
            )
        if self.is_on_duty:
            ways.append(
                f"SELECT id, 1 FROM child WHERE agency_id = {agency} AND (left_at IS NULL"  # noqa: S608
                f" OR id IN (SELECT child_id FROM alert WHERE agency_id = {agency}"
                " AND closed_at IS NULL))"
            )
        return ways


def _standing(now: str) -> str:
    return f"from_at <= {now} AND (until_at IS NULL OR until_at > {now})"


# Who sees a child's row on the board. A call shows the alert alone.
SEEING = frozenset(role for role in Role if may(frozenset({role}), Action.ALERT_SEE))


async def scope_of(request: Request) -> Scope:
    """How the visitor comes to children now."""
    visitor, now = await visitor_of(request), now_of(request)
    assert visitor.agency_id is not None
    rota, called = await rota_of(visitor, now), await called_about(request)
    return Scope(
        visitor.person_id,
        visitor.agency_id,
        now,
        rota.is_on_duty,
        rota.covers,
        frozenset(called),
        frozenset(await broken_for(request)),
    )

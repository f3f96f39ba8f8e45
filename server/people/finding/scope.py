"""The children that a person comes to, as a part of a statement: for lists of thousands.

The rights are those of `access` and `children_access`, and tests hold them together. To be counted
is no look: ask `children_for` for the children whose rows are shown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from starlette.requests import HTTPConnection

from server.people.access import broken_for, called_about, now_of, rota_of, visitor_of
from server.people.rules import IN_NEED, Action, Role, may
from server.storage.statement import Statement

# The ways to a child, the nearest first.
BY_TIE, BY_COVER, BY_DUTY, BY_CALL, BY_GLASS = range(5)


@dataclass(frozen=True, slots=True)
class Scope:
    """A person, and how they come to children at a moment, beside their own ties."""

    person_id: UUID
    agency_id: UUID
    now: datetime
    is_on_duty: bool = False
    covers: frozenset[UUID] = frozenset()
    called: Mapping[UUID, UUID] = field(default_factory=dict)  # Open alerts that called them.
    broken: frozenset[UUID] = frozenset()  # The children whose glass they have broken.

    def cte(self, statement: Statement, roles: Collection[Role]) -> str:
        """`scope AS (…)`: `child_id`, and `is_full`, 0 where only a call opens the child.

        `roles`: the roles for a child that count. The rota makes a supervisor.
        """
        ways = self.ways(statement, roles)
        if self.is_on_duty and Role.SUPERVISOR in roles:
            ways += (
                f" UNION ALL SELECT c.id, {BY_DUTY}, '{Role.SUPERVISOR}' FROM child c"  # noqa: S608
                f" WHERE {self.by_duty(statement)}"
            )
        return (
            f"scope AS (SELECT child_id, MAX(CASE way WHEN {BY_CALL} THEN 0 ELSE 1 END) AS is_full"  # noqa: S608
            f" FROM ({ways}) AS ways GROUP BY child_id)"
        )

    def ways(self, statement: Statement, roles: Collection[Role]) -> str:
        """`child_id`, `way` and `role` of each way by which they come to a child in one of these
        roles. Duty is not among them: that is every child of the agency (`by_duty`)."""
        agency, valid = statement.of(self.agency_id), _valid(statement.of(self.now))
        held = ", ".join(f"'{role}'" for role in sorted(roles))
        ways = [
            f"SELECT child_id, {BY_TIE} AS way, role FROM tie"  # noqa: S608
            f" WHERE person_id = {statement.of(self.person_id)} AND agency_id = {agency}"
            f" AND role IN ({held}) AND {valid}"
        ]
        if self.covers and Role.SUPERVISOR in roles:
            covers = statement.among(self.covers)
            ways.append(
                f"SELECT child_id, {BY_COVER}, '{Role.SUPERVISOR}' FROM tie"  # noqa: S608
                f" WHERE person_id {covers} AND agency_id = {agency}"
                f" AND role = '{Role.CASEWORKER}' AND {valid}"
            )
        if self.called and Role.CALLED in roles:
            called = statement.among(set(self.called.values()))
            ways.append(
                f"SELECT id, {BY_CALL}, '{Role.CALLED}' FROM child"  # noqa: S608
                f" WHERE agency_id = {agency} AND id {called}"
            )
        if self.broken and Role.GLASS in roles:
            broken = statement.among(self.broken)
            ways.append(
                f"SELECT id, {BY_GLASS}, '{Role.GLASS}' FROM child"  # noqa: S608
                f" WHERE agency_id = {agency} AND left_at IS NULL AND id {broken}"
            )
        return " UNION ALL ".join(ways)

    def by_duty(self, statement: Statement) -> str:
        """The condition for a row `c` of a child that they come to by duty: the placed children of
        the agency, and those who left while an alert about them is open."""
        if not self.is_on_duty:
            return "1 = 0"
        agency = statement.of(self.agency_id)
        return (
            f"(c.agency_id = {agency} AND (c.left_at IS NULL OR EXISTS (SELECT 1 FROM alert a"  # noqa: S608
            f" WHERE a.child_id = c.id AND a.agency_id = {agency} AND a.closed_at IS NULL)))"
        )


def _valid(now: str) -> str:
    return f"from_at <= {now} AND (until_at IS NULL OR until_at > {now})"


def who_may(action: Action) -> frozenset[Role]:
    """The roles that may do this about a child, without those that an emergency gives."""
    return frozenset(role for role in Role if may(frozenset({role}), action)) - IN_NEED


# Who sees a child's row on the board. A call shows the alert alone.
SEEING = frozenset(role for role in Role if may(frozenset({role}), Action.ALERT_SEE))


async def scope_of(request: HTTPConnection) -> Scope:
    """How the visitor comes to children now."""
    visitor, now = await visitor_of(request), now_of(request)
    assert visitor.agency_id is not None
    rota = await rota_of(request)
    return Scope(
        visitor.person_id,
        visitor.agency_id,
        now,
        rota.is_on_duty,
        rota.covers,
        await called_about(request),
        await broken_for(request),
    )

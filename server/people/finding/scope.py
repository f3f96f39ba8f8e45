"""The children that a person comes to, as a part of a statement: for lists of thousands.

The rights are those of `access` and `children_access`, and tests hold them together. To be counted
is no look: ask `children_for` for the children whose rows are shown.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection

from server.people.access import Visitor, broken_for, called_about, now_of, rota_of, visitor_of
from server.people.models import Child
from server.people.rules import IN_NEED, Action, Role, may
from server.storage.statement import Statement, each


async def why_none(visitor: Visitor) -> str:
    """Why a person without children comes to none: `hidden` (their role sees none), `first` (the
    agency never had any), `untied`."""
    if not may(frozenset({Role(visitor.role)}), Action.CHILD_SEE):
        return "hidden"
    return "untied" if await Child.filter(agency_id=visitor.agency_id).exists() else "first"


# The ways to a child, the nearest first.
BY_TIE, BY_COVER, BY_DUTY, BY_CALL, BY_GLASS = range(5)


class Scope(msgspec.Struct, frozen=True):
    """A person, and how they come to children at a moment, beside their own ties."""

    person_id: UUID
    agency_id: UUID
    now: datetime
    is_on_duty: bool = False
    covers: frozenset[UUID] = frozenset()
    # Open alerts that called them.
    called: Mapping[UUID, UUID] = msgspec.field(default_factory=dict)
    broken: frozenset[UUID] = frozenset()  # The children whose glass they have broken.

    def cte(self, statement: Statement, roles: Collection[Role]) -> str:
        """`scope AS (…)`: `child_id`, and `is_full`, 0 where only a call opens the child.

        `roles`: the roles for a child that count. The rota makes a supervisor.
        """
        ways = self.ways(statement, roles)
        on_duty = ""
        if self.is_on_duty and Role.SUPERVISOR in roles:
            # Those by duty are there once: a million rows need no grouping.
            by_duty = self.by_duty(statement)
            on_duty = (
                f"SELECT c.id AS child_id, 1 AS is_full FROM child c WHERE {by_duty} UNION ALL "  # noqa: S608
            )
            ways += f") AS ways JOIN child c ON c.id = ways.child_id WHERE NOT {by_duty}"
        else:
            ways += ") AS ways"
        return (
            f"scope AS ({on_duty}"  # noqa: S608
            f"SELECT child_id, MAX(CASE way WHEN {BY_CALL} THEN 0 ELSE 1 END) AS is_full"
            f" FROM ({ways} GROUP BY child_id)"
        )

    def is_full(self, statement: Statement, roles: Collection[Role]) -> str:
        """What `cte` says of one child, for a row `c` of a child: 1, 0, or null where they do not
        come to the child. It is looked up row by row, so it costs nothing for any other child."""
        agency, valid = statement.of(self.agency_id), _valid(statement.of(self.now))
        held = ", ".join(f"'{role}'" for role in sorted(roles))
        tie = f"SELECT 1 FROM tie WHERE child_id = c.id AND agency_id = {agency} AND {valid}"  # noqa: S608
        # LIMIT: without it PostgreSQL may go through all ties once instead.
        mine = f"person_id = {statement.of(self.person_id)} AND role IN ({held}) LIMIT 1"
        full = [f"({tie} AND {mine})"]
        if self.covers and Role.SUPERVISOR in roles:
            covers = statement.among(self.covers)
            cover = f"person_id {covers} AND role = '{Role.CASEWORKER}' LIMIT 1"
            full.append(f"({tie} AND {cover})")
        if self.is_on_duty and Role.SUPERVISOR in roles:
            full.insert(0, f"CASE WHEN {self.by_duty(statement)} THEN 1 END")
        for ids, role, level in (
            (self.broken, Role.GLASS, 1),
            (set(self.called.values()), Role.CALLED, 0),
        ):
            if ids and role in roles:
                is_here = " AND c.left_at IS NULL" if role is Role.GLASS else ""
                among = statement.among(ids)
                full.append(
                    f"CASE WHEN c.agency_id = {agency}{is_here} AND c.id {among} THEN {level} END"
                )
        return f"COALESCE({', '.join(full)})" if len(full) > 1 else full[0]

    def ways(self, statement: Statement, roles: Collection[Role], of: str = "") -> str:
        """`child_id`, `way` and `role` of each way by which they come to a child in one of these
        roles. Duty is not among them: that is every child of the agency (`by_duty`). `of`: a table
        with the `id` of the children that are asked about; of no other one a tie is read."""
        agency, valid = statement.of(self.agency_id), _valid(statement.of(self.now))
        held = ", ".join(f"'{role}'" for role in sorted(roles))

        def ties(of_person: str) -> str:
            if not of:
                return f"tie WHERE {of_person}"
            on = f"tie.child_id = asked_of.id AND tie.{of_person}"
            return f"{of} AS asked_of {each('tie', 'tie', on)} WHERE 1 = 1"

        own = ties(f"person_id = {statement.of(self.person_id)}")
        ways = [
            f"SELECT tie.child_id, {BY_TIE} AS way, role FROM {own}"  # noqa: S608
            f" AND agency_id = {agency} AND role IN ({held}) AND {valid}"
        ]
        if self.covers and Role.SUPERVISOR in roles:
            covered = ties(f"person_id {statement.among(self.covers)}")
            ways.append(
                f"SELECT tie.child_id, {BY_COVER}, '{Role.SUPERVISOR}' FROM {covered}"  # noqa: S608
                f" AND agency_id = {agency} AND role = '{Role.CASEWORKER}' AND {valid}"
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
    # By duty they come to each child of an alert that called them.
    called = {} if rota.is_on_duty else await called_about(request)
    return Scope(
        visitor.person_id,
        visitor.agency_id,
        now,
        rota.is_on_duty,
        rota.covers,
        called,
        await broken_for(request),
    )

"""The rows of an agency: its homes, its people, their ties, and by which words they are found."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from server.people.finding.actions import input_of, mark
from server.people.finding.models import SearchToken
from server.people.finding.rules import Term, terms_of_child, terms_of_home
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import Role
from server.security import encryption
from server.seeding.plan import DAY, Plan
from server.storage.copying import Table
from server.storage.ids import uuid7

_DIGITS = 32


def tables(plan: Plan) -> Iterator[Table]:
    """In the order in which they refer to each other."""
    since = plan.now - max(plan.days, 1) * DAY
    yield Table(
        Agency, ("id", "name", "made_at"), [(plan.agency, encryption.seal(plan.name), since)]
    )
    yield Table(
        Home,
        ("id", "agency_id", "name", "zone", "made_at", "indexed_by"),
        (
            (id_, plan.agency, encryption.seal(name), "UTC", since, mark())
            for id_, name in zip(plan.homes, plan.home_names, strict=True)
        ),
    )
    yield Table(
        Person,
        ("id", "agency_id", "role", "name", "language", "zone", "made_at"),
        ((id_, plan.agency, role, name, "en", "UTC", since) for id_, role, name in _people(plan)),
    )
    yield Table(
        Child,
        ("id", "agency_id", "person_id", "home_id", "placed_at", "indexed_by"),
        (
            (id_, plan.agency, id_, plan.home_of(place), since, mark())
            for place, id_ in enumerate(plan.children)
        ),
    )
    yield Table(
        Tie, ("id", "agency_id", "child_id", "person_id", "role", "from_at"), _ties(plan, since)
    )
    yield Table(SearchToken, ("digest", "about_id"), _tokens(plan))


def _people(plan: Plan) -> Iterator[tuple[UUID, str, str]]:
    yield plan.supervisor, Role.SUPERVISOR.value, encryption.seal("Supervisor")
    for number, id_ in enumerate(plan.workers):
        yield id_, Role.CASEWORKER.value, encryption.seal(f"Caseworker {number + 1}")
    for id_, name in zip(plan.children, plan.child_names, strict=True):
        yield id_, Role.CHILD.value, encryption.seal(name)


def _ties(plan: Plan, since: datetime) -> Iterator[tuple[Any, ...]]:
    for place, id_ in enumerate(plan.children):
        for adult, role in (
            (plan.supervisor, Role.SUPERVISOR),
            (plan.worker_of(place), Role.CASEWORKER),
        ):
            yield uuid7(), plan.agency, id_, adult, role.value, since


def _tokens(plan: Plan) -> Iterable[tuple[str, UUID]]:
    @lru_cache(maxsize=100_000)
    def digest(term: Term) -> str:
        return encryption.blind(input_of(plan.agency, term))[:_DIGITS]

    for id_, name in zip(plan.children, plan.child_names, strict=True):
        for term in terms_of_child(name, None):
            yield digest(term), id_
    for id_, name in zip(plan.homes, plan.home_names, strict=True):
        for term in terms_of_home(name):
            yield digest(term), id_

"""How the state machines of several rooms are run: over one world, which is closed after them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from server.storage.db import close_database
from tests.fixtures import Database

EXAMPLES = int(os.environ.get("WAYMARK_TEST_EXAMPLES", "8"))


class World(Protocol):
    """A database with people in it, and a loop of its own."""

    database: Database
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, Any]) -> Any: ...

    async def open(self) -> None: ...


W = TypeVar("W", bound=World)


def opened(made: W) -> Iterator[W]:
    """The world for a fixture: opened, and closed after the test."""
    made.do(made.open())
    yield made
    made.do(close_database())
    made.loop.close()


def run(machine: type[RuleBasedStateMachine], world: World, *, steps: int) -> None:
    """Runs of so many steps, each with a child of its own, in this world."""
    here = type("Here", (machine,), {"world": world})
    run_state_machine_as_test(
        here,
        settings=settings(
            # The same ones first: the other half is about rules, which know no database.
            max_examples=EXAMPLES if world.database.dialect == "sqlite" else -(-EXAMPLES // 2),
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

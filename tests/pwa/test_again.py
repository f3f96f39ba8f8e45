"""A step that comes again is due on the same day on the phone as on the server."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from server.plan.obligations import Held, Thing, owed
from server.plan.state import Row, State
from tests.pwa.test_merge import run_node

CHILD, GOAL, STEP = (str(uuid4()) for _ in range(3))
STORIES = 300


def tell(dice: random.Random) -> tuple[list[dict[str, Any]], str]:
    """A story of a step that comes again, and the day on which the server has it due."""
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    state, held = State(CHILD), dict[Thing, Held]()
    due_on = (now.date() + timedelta(days=dice.randint(-20, 20))).isoformat()
    made = {"goal_id": GOAL, "text": "Ask", "owner_id": CHILD, "due_on": due_on}
    made |= {"repeats": dice.choice(["weekly", "monthly"])}
    events, bases = [], dict[str, str]()
    said: list[tuple[str, Any]] = [("*", made)]
    for _ in range(dice.randint(0, 8)):
        name = dice.choice(["status", "status", "status", "due_on", "repeats"])
        said.append((name, None))
    for name, value in said:
        now += timedelta(days=dice.choice([0, 1, 2, 6, 7, 8, 30, 45]), seconds=1)
        if name == "status":
            value = dice.choice(["done", "not_done", "open"])
        elif name == "due_on":
            value = (now.date() + timedelta(days=dice.randint(-40, 40))).isoformat()
        elif name == "repeats":
            value = dice.choice(["weekly", "monthly"])
        id_, base = str(uuid4()), bases.get(name)
        role = "child" if name == "*" else None
        state.take(Row(id_, "step", STEP, name, base, value, now, now, CHILD, "child", role))
        fields = value if name == "*" else {name: value}
        for field in ("due_on", "repeats", "status"):
            if field in fields:
                bases[field] = id_
                day = now.date().isoformat()
                events.append({"field": field, "value": fields[field], "day": day})
        found = owed(state, held, {CHILD: "UTC"})
        held = {
            (one.kind, one.subject_id): Held(one.due_at, one.since_id) for one in found.settings
        }
    [stands] = held.values()
    return events, date.isoformat((stands.due_at - timedelta(days=1)).date())


def test_the_next_day_of_a_step_is_the_same_on_the_phone_as_on_the_server() -> None:
    dice = random.Random(20261125)  # noqa: S311 (the same stories each time)
    stories = [tell(dice) for _ in range(STORIES)]
    found = run_node("again.mjs", [events for events, _ in stories])
    for (events, wanted), day in zip(stories, found, strict=True):
        assert day == wanted, events

"""Whatever was said, in whatever order: what a project makes somebody's turn comes to rest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from server.plan.goals import moved
from server.plan.obligations import Held, Owed, Thing, owed
from server.plan.state import Row, State
from server.tasks.rules import State as DueState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHILD, TOM, GOAL, STEP = (str(uuid4()) for _ in range(4))
ZONES = {CHILD: "Europe/Paris", TOM: "America/Los_Angeles"}

values: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["open", "done", "not_done", None]),
    "due_on": st.none() | st.dates(date(2026, 2, 1), date(2026, 6, 1)).map(date.isoformat),
    "repeats": st.sampled_from(["none", "weekly", "monthly", None]),
    "owner_id": st.sampled_from([CHILD, TOM, None]),
    "text": st.sampled_from(["Ask", ""]),
}
changes = st.sampled_from(sorted(values)).flatmap(
    lambda name: st.tuples(st.just(name), values[name], st.timedeltas(timedelta(0), timedelta(30)))
)


def begun() -> State:
    state = State(CHILD)
    area = str(uuid4())
    for entity, id_, made in (
        ("area", area, {"kind": "own"}),
        ("goal", GOAL, {"area_id": area}),
        ("step", STEP, {"goal_id": GOAL, "text": "Ask"}),
    ):
        state.take(Row(str(uuid4()), entity, id_, "*", None, made, NOW, NOW, CHILD, "child"))
    return state


def stand(found: Owed) -> dict[Thing, Held]:
    """What is open after this, as the rows would have it."""
    return {(one.kind, one.subject_id): Held(one.due_at, one.since_id) for one in found.settings}


@given(st.lists(changes, max_size=12))
def test_looked_at_again_nothing_moves_and_what_stands_is_what_is_to_be_done(
    said: list[tuple[str, Any, timedelta]],
) -> None:
    state, held, now, bases = begun(), dict[Thing, Held](), NOW, dict[str, str]()
    for name, value, later in said:
        now += later
        id_, role = str(uuid4()), {CHILD: "child", TOM: "caseworker"}.get(value)
        state.take(
            Row(id_, "step", STEP, name, bases.get(name), value, now, now, CHILD, "child", role)
        )
        bases[name] = id_
        held = stand(owed(state, held, ZONES))
        again = owed(state, held, ZONES)
        assert stand(again) == held, "nothing moves by being looked at"
        assert not set(again.endings) & set(held), "what stands does not end by being looked at"
        check(state, held)


def check(state: State, held: dict[Thing, Held]) -> None:
    status, repeats, due_on, owner, text = (
        state.value("step", STEP, name)
        for name in ("status", "repeats", "due_on", "owner_id", "text")
    )
    comes_again = repeats in ("weekly", "monthly")
    is_owed = bool(due_on and owner and text) and (
        comes_again or status not in ("done", "not_done")
    )
    assert bool(held) == is_owed
    for one in held.values():
        assert one.due_at >= datetime.fromisoformat(f"{due_on}T00:00+00:00")
        if status not in ("done", "not_done") or not comes_again:
            continue
        stands = state.fields["step", STEP, "status"].stands
        assert stands is not None
        assert one.since_id == UUID(stands.id)
        assert one.due_at > stands.received_at, "what was done is due in the future again"


def test_a_step_that_is_not_to_be_done_is_dropped_and_one_that_is_done_is_done() -> None:
    for status, ends in (("done", DueState.DONE), ("not_done", DueState.DROPPED)):
        state = begun()
        for name, value, role in (
            ("owner_id", TOM, "caseworker"),
            ("due_on", "2026-03-05", None),
            ("status", status, None),
        ):
            id_ = str(uuid4())
            state.take(Row(id_, "step", STEP, name, None, value, NOW, NOW, TOM, "caseworker", role))
        [ending] = owed(state, {}, ZONES).endings.values()
        assert (ending.state, ending.why) == (ends, status)


def test_a_goal_moves_with_its_steps_and_one_that_rests_or_is_over_is_not_told() -> None:
    state = begun()

    def say(entity: str, id_: str, name: str, value: Any, minutes: int) -> None:
        at = NOW + timedelta(minutes=minutes)
        state.take(Row(str(uuid4()), entity, id_, name, None, value, at, at, CHILD, "child"))

    assert moved(state) == {UUID(GOAL): NOW}
    say("step", STEP, "status", "done", 5)
    assert moved(state) == {UUID(GOAL): NOW + timedelta(minutes=5)}
    other = str(uuid4())
    say("step", other, "*", {"goal_id": GOAL, "text": "Go"}, 7)
    say("goal", GOAL, "why", "So that I can", 6)
    assert moved(state) == {UUID(GOAL): NOW + timedelta(minutes=7)}
    say("goal", GOAL, "lifecycle", "on-hold", 8)
    assert moved(state) == {}


def test_of_a_project_that_is_over_no_goal_stands_still() -> None:
    state = begun()
    at = NOW + timedelta(minutes=1)
    row = Row(
        str(uuid4()), "life_project", CHILD, "closing", None, "moved", at, at, TOM, "caseworker"
    )
    state.take(row)
    assert moved(state) == {}

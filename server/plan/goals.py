"""Which goals of a life project people work on, and when each of them last moved. Pure."""

from datetime import datetime
from uuid import UUID

from server.plan.obligations import AT_REST
from server.plan.state import State, Status


def moved(state: State) -> dict[UUID, datetime]:
    """For every goal that is not paused: when anything was last said about it, or about a step of
    it. By the server's clock, since a phone's may be wrong."""
    if state.status() is Status.CLOSED:
        return {}
    moment_by_goal = {
        id_: state.made["goal", id_].received_at
        for id_ in state.things("goal")
        if state.value("goal", id_, "lifecycle") not in AT_REST
        and not state.value("goal", id_, "not_mine")
    }
    goals = {id_: state.value("step", id_, "goal_id") for id_ in state.things("step")}
    for id_, goal in goals.items():
        if goal in moment_by_goal:
            moment_by_goal[goal] = max(moment_by_goal[goal], state.made["step", id_].received_at)
    for (entity, id_, _), field in state.fields.items():
        goal = id_ if entity == "goal" else goals.get(id_) if entity == "step" else None
        if goal in moment_by_goal and field.stands is not None:
            moment_by_goal[goal] = max(moment_by_goal[goal], field.stands.received_at)
    return {UUID(id_): at for id_, at in moment_by_goal.items()}

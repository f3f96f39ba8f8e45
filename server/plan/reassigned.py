"""Steps of somebody who leaves, in the hands of another. Pure."""

from server.plan.merge import NOTHING
from server.plan.state import State, Status
from server.plan.triggers import Utterance

_ENDED = frozenset({"done", "not_done"})


def steps_of(state: State, owner: str) -> list[str]:
    """The steps of this owner that are still to be done. One whose owner two sides see differently
    stays: whoever decides between them decides about this as well."""
    if state.status() is Status.CLOSED:
        return []
    return [
        id_
        for id_ in state.things("step")
        if state.value("step", id_, "owner_id") == owner
        and not state.fields.get(("step", id_, "owner_id"), NOTHING).is_open
        and (
            state.value("step", id_, "status") not in _ENDED
            or state.value("step", id_, "repeats") in ("weekly", "monthly")
        )
    ]


def to_another_agency(
    state: State, child: str, agencies: tuple[str, str], taker: str
) -> list[Utterance]:
    """What is to be said when the child goes from the first of these agencies to the second: what
    people there still have to do is `taker`'s, and what the agency owed is the other one's. The
    child's own steps stay its own."""
    before, after = agencies
    owners = {state.value("step", id_, "owner_id") for id_ in state.things("step")}
    said: list[Utterance] = []
    for owner in sorted(owners - {None, child, taker, after}):
        said += to_another(state, owner, after if owner == before else taker)
    return said


def to_another(state: State, owner: str, taker: str) -> list[Utterance]:
    """What is to be said so that the open steps of this owner are the other one's."""
    said = []
    for id_ in steps_of(state, owner):
        stands = state.fields["step", id_, "owner_id"].stands
        base = stands.id if stands is not None else None
        said.append(Utterance("step", id_, "owner_id", base, taker))
    return said

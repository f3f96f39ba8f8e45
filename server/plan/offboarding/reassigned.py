"""Moving the steps of a person who leaves to another owner. Pure."""

from server.plan.merge import NOTHING
from server.plan.state import State, Status
from server.plan.triggers import Utterance

_ENDED = frozenset({"done", "not_done"})


def steps_of(state: State, owner: str) -> list[str]:
    """The steps of this owner that are still to be done. A step with two sides about its owner
    stays: the person who decides between them decides about this as well."""
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
    """The changes when the child goes from the first of these agencies to the second: open steps of
    people there become `taker`'s, and the first agency's steps the second's. The child's own steps
    stay theirs."""
    before, after = agencies
    owners = {state.value("step", id_, "owner_id") for id_ in state.things("step")}
    utterances: list[Utterance] = []
    for owner in sorted(owners - {None, child, taker, after}):
        utterances += to_another(state, owner, after if owner == before else taker)
    return utterances


def to_another(state: State, owner: str, taker: str) -> list[Utterance]:
    """The changes that give the open steps of this owner to another."""
    utterances = []
    for id_ in steps_of(state, owner):
        stands = state.fields["step", id_, "owner_id"].stands
        base = stands.id if stands is not None else None
        utterances.append(Utterance("step", id_, "owner_id", base, taker))
    return utterances

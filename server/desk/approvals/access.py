"""From a request to a second person to what the reader may do with it."""

import msgspec
from starlette.requests import Request

from server.approvals.models import Approval
from server.approvals.rights import may_decide
from server.approvals.rules import State, What
from server.errors import Denied, NotFound
from server.people.access import child_for, nothing_here, now_of, staff_of
from server.people.rules import Action


class Reading(msgspec.Struct, frozen=True):
    """A request and its reader. `sees_child`: they have a right to the child; a person who asked
    reads what has become of it all the same, without anything about the child."""

    approval: Approval
    is_asker: bool
    may_answer: bool
    sees_child: bool


async def approval_for(request: Request) -> Reading:
    """The request of the path, for the person who asked and those who may answer. Raises NotFound,
    Denied."""
    visitor, now = await staff_of(request), now_of(request)
    approval = await Approval.get_or_none(
        id=request.path_params["approval_id"], agency_id=visitor.agency_id
    )
    if approval is None:
        raise nothing_here()
    is_asker = approval.asked_by == visitor.person_id
    try:
        await child_for(request, approval.child_id, Action.APPROVAL_DECIDE)
    except (Denied, NotFound):
        if not is_asker:
            raise
        return Reading(approval, is_asker, False, await _is_called(request, approval))
    is_open = approval.state == State.WAITING
    may_answer = is_open and await may_decide(visitor.person_id, approval, now)
    return Reading(approval, is_asker, may_answer, True)


async def _is_called(request: Request, approval: Approval) -> bool:
    """Whether the alert that they asked to close has called them."""
    if approval.what != What.CLOSE:
        return False
    alert_id = approval.subject_id
    try:
        await child_for(
            request, approval.child_id, Action.ALERT_CLOSE, by_call=True, alert_id=alert_id
        )
    except (Denied, NotFound):
        return False
    return True

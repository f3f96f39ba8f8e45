"""When each kind of task speaks to which people. Pure: a table, and which row of it counts."""

from collections.abc import Mapping
from datetime import time, timedelta

from server.tasks.rules import (
    END_BEFORE,
    OF_AN_ABSENCE,
    REPLY_WITHIN,
    STRATEGY,
    Kind,
    Speech,
    Terms,
    To,
    goes_round,
)

_DAY = timedelta(days=1)
# How long a request waits for the supervisor until others are asked too.
ASK_OTHERS_AFTER = timedelta(hours=2)
_MORNING = time(9)
_ALL = (To.OWNER, To.SUPERVISOR)
# Before it could be due: so it speaks when it is set.
_AT_ONCE = timedelta(days=-36_500)

# Promises of adults who answer for the child: reminded first, then their supervisors are told.
AUTHORITY = frozenset({"caseworker", "supervisor", "administrator", "agency"})

# A child is reminded in the morning of the day, and then once a week. No adult hears of it.
_OF_A_CHILD = Terms((Speech(-_DAY, (To.OWNER,)), Speech(6 * _DAY, (To.OWNER,))), 7 * _DAY, _MORNING)
_OF_THE_AUTHORITY = Terms(
    (Speech(0 * _DAY, (To.OWNER,)), Speech(_DAY, (To.OWNER,)), Speech(2 * _DAY, _ALL)),
    _DAY,
    _MORNING,
)
# A guardian or a carer has no supervisor; the person who leads the plan hears of it.
_OF_OTHERS = Terms(
    (
        Speech(0 * _DAY, (To.OWNER,)),
        Speech(_DAY, (To.OWNER,)),
        Speech(2 * _DAY, (To.OWNER, To.CASEWORKER)),
    ),
    _DAY,
    _MORNING,
)
# At once, when the answer is late, and when nobody has looked at it for as long again.
_OF_WHOEVER_WAITS = Terms(
    (
        Speech(-REPLY_WITHIN, (To.OWNER,)),
        Speech(timedelta(0), (To.OWNER, To.DEPUTY)),
        Speech(REPLY_WITHIN, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    _DAY,
)
_QUARTER, _HOUR = timedelta(minutes=15), timedelta(hours=1)
# The alert that opened the episode has called everyone. So a clock of the night speaks some minutes
# after it is late: to its owner and the deputy, a quarter of an hour after that to their
# supervisors, and then every hour without end.
_OF_A_NIGHT = Terms(
    (
        Speech(timedelta(minutes=5), (To.OWNER, To.DEPUTY)),
        Speech(_QUARTER, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    _HOUR,
)
_OF_KEEPING_ON = Terms(
    (
        Speech(0 * _DAY, (To.OWNER,)),
        Speech(_QUARTER, (To.OWNER, To.DEPUTY)),
        Speech(_HOUR, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    _HOUR,
)
_OF_A_MEETING = Terms(
    (Speech(-2 * _HOUR, (To.OWNER,)), Speech(0 * _DAY, (To.OWNER, To.CASEWORKER))), _DAY, _MORNING
)
_OF_THE_SAME_DAY = Terms(
    (
        Speech(_AT_ONCE, (To.OWNER,)),
        Speech(0 * _DAY, (To.OWNER, To.DEPUTY)),
        Speech(_HOUR, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    12 * _HOUR,
)
# In the morning of its day; the next day a stand-in hears of it too, then the supervisor.
# Of a return, only the two tasks that cannot wait speak at once.
_OF_THE_DAYS_AFTER = Terms(
    (
        Speech(-_DAY, (To.OWNER,)),
        Speech(0 * _DAY, (To.OWNER, To.DEPUTY)),
        Speech(_DAY, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    _DAY,
    _MORNING,
)
_OF_A_DOCTOR = Terms(
    (
        Speech(-3 * _HOUR, (To.OWNER,)),
        Speech(0 * _DAY, (To.OWNER, To.DEPUTY)),
        Speech(_HOUR, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    12 * _HOUR,
)
# The review itself reminds both sides of its day; this is for a review that nobody has held.
_OF_A_REVIEW_AFTER = Terms(
    (Speech(0 * _DAY, (To.OWNER,)), Speech(_DAY, (To.OWNER, To.SUPERVISOR))), _DAY, _MORNING
)
# Asked at once; the supervisor hears of it where nobody has done it.
_OF_A_CHANGE_OF_SHIFT = Terms(
    (
        Speech(_AT_ONCE, (To.OWNER,)),
        Speech(0 * _DAY, (To.OWNER,)),
        Speech(_QUARTER, _ALL),
    ),
    _HOUR,
)
# The agency that asked telephones; the supervisor hears of it a day later.
_OF_ANOTHER_AGENCY = Terms((Speech(0 * _DAY, (To.OWNER,)), Speech(_DAY, _ALL)), _DAY, _MORNING)
# The person it is given to hears of it at once, and reads it again before its end. Undone at its
# end it stays: its owner hears of it, a day later the supervisor too.
_OF_A_FLAG = Terms(
    (
        Speech(_AT_ONCE, (To.OWNER,), at_any_hour=True),
        Speech(-_DAY, (To.OWNER,)),
        Speech(0 * _DAY, (To.OWNER, To.DEPUTY)),
        Speech(_DAY, _ALL),
    ),
    _DAY,
    _MORNING,
)
# It is due when it is asked. After these hours everyone who may answer hears of it.
_OF_A_SECOND_PERSON = Terms(
    (
        Speech(0 * _DAY, (To.OWNER,)),
        Speech(ASK_OTHERS_AFTER, (To.OWNER, To.CASEWORKER, To.SUPERVISOR)),
    ),
    12 * _HOUR,
)
# The wish may be about the caseworker: the supervisor hears of it at once.
_OF_A_WISH = Terms((Speech(_AT_ONCE, _ALL), Speech(0 * _DAY, _ALL)), 7 * _DAY, _MORNING)
# For the advocate alone: the agency does not learn that the child wrote to them.
_OF_AN_ADVOCATE = Terms((Speech(_AT_ONCE, (To.OWNER,)), Speech(timedelta(0), (To.OWNER,))), _DAY)
_TERMS: Mapping[Kind, Terms] = {
    Kind.FLAG: _OF_A_FLAG,
    Kind.APPROVAL: _OF_A_SECOND_PERSON,
    Kind.ADVOCATE_WISH: _OF_A_WISH,
    Kind.ADVOCATE_ENDS: _OF_ANOTHER_AGENCY,
    Kind.TRANSFER: _OF_ANOTHER_AGENCY,
    **dict.fromkeys(OF_AN_ABSENCE, _OF_THE_DAYS_AFTER),
    Kind.HANDOVER: _OF_A_CHANGE_OF_SHIFT,
    Kind.HANDOVER_READ: _OF_A_CHANGE_OF_SHIFT,
    Kind.DECISION: _OF_A_NIGHT,
    Kind.REPORT: _OF_A_NIGHT,
    Kind.BRING_BACK: _OF_A_NIGHT,
    Kind.KEEP_TRYING: _OF_KEEPING_ON,
    **dict.fromkeys(STRATEGY, _OF_A_MEETING),
    Kind.TELL_FOUND: _OF_THE_SAME_DAY,
    Kind.SAFE_AND_WELL: _OF_THE_SAME_DAY,
    Kind.MEDICAL: _OF_A_DOCTOR,
    Kind.RETURN_INTERVIEW: _OF_THE_DAYS_AFTER,
    Kind.RESCREEN: _OF_THE_DAYS_AFTER,
    Kind.PHONE_CHECK: _OF_THE_DAYS_AFTER,
    Kind.PACK_UPDATE: _OF_THE_DAYS_AFTER,
    Kind.PLAN_REVIEW: _OF_A_REVIEW_AFTER,
    Kind.STEP: _OF_THE_AUTHORITY,
    Kind.REPLY: _OF_WHOEVER_WAITS,
    Kind.RHYTHM: _OF_WHOEVER_WAITS,
    Kind.ABSENCE: _OF_WHOEVER_WAITS,
    Kind.END: Terms(
        (
            Speech(0 * _DAY, (To.OWNER,)),
            Speech(7 * _DAY, (To.OWNER,)),
            Speech(14 * _DAY, _ALL),
            Speech(END_BEFORE, _ALL),
        ),
        _DAY,
        _MORNING,
    ),
    # Only for the people it is addressed to: nobody else hears of a complaint.
    Kind.ANSWER: Terms(
        (Speech(_AT_ONCE, (To.OWNER,)), Speech(0 * _DAY, (To.OWNER,))), _DAY, _MORNING
    ),
    # Each week the supervisor hears of it too: an old pack is discovered at the worst moment.
    Kind.PACK: Terms(
        (
            Speech(-_DAY, (To.OWNER,)),
            Speech(2 * _DAY, (To.OWNER,)),
            Speech(7 * _DAY, _ALL),
        ),
        7 * _DAY,
        _MORNING,
    ),
    Kind.REVIEW: Terms(
        (
            # It is due at the end of its day: this is the morning three days before that day.
            Speech(-4 * _DAY, (To.OWNER, To.CHILD)),
            Speech(0 * _DAY, (To.OWNER,)),
            Speech(_DAY, (To.OWNER,)),
            Speech(2 * _DAY, _ALL),
        ),
        _DAY,
        _MORNING,
    ),
}


# At once, when the answer is late, and a day later the supervisor hears of it too.
_OF_A_QUESTION = Terms(
    (
        Speech(_AT_ONCE, (To.OWNER,)),
        Speech(0 * _DAY, (To.OWNER, To.DEPUTY)),
        Speech(_DAY, (To.OWNER, To.DEPUTY, To.SUPERVISOR)),
    ),
    _DAY,
    _MORNING,
)
# As a complaint: for the people it is addressed to, and the child; nobody else hears of it.
_REVIEW_OF_A_COMPLAINT = Terms(
    (Speech(-4 * _DAY, (To.OWNER, To.CHILD)), Speech(0 * _DAY, (To.OWNER,))), _DAY, _MORNING
)


def terms_of(kind: Kind, owner_role: str) -> Terms:
    """When a task of this kind speaks to which people; `owner_role`: the owner's for the child."""
    if kind is Kind.REVIEW and goes_round(kind, owner_role):
        return _REVIEW_OF_A_COMPLAINT
    if kind is Kind.QUESTION:
        return _TERMS[Kind.ANSWER] if goes_round(kind, owner_role) else _OF_A_QUESTION
    if kind is Kind.REPLY and goes_round(kind, owner_role):
        return _OF_AN_ADVOCATE
    if kind is not Kind.STEP or owner_role in AUTHORITY:
        return _TERMS[kind]
    return _OF_A_CHILD if owner_role == "child" else _OF_OTHERS

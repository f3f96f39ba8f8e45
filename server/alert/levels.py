"""How much each kind of evidence counts, as data. Pure.

Child confirmed > seen by a professional > seen by the carer or the school > device active. A policy
says for each tier what each of them does to a silence:

- **settles**: the open check-ins are settled, and the silence begins anew from here;
- **holds**: nothing is settled; the carer is asked again when the hold is over;
- **softens**: nothing is settled; adults are called a little later, once, and the carer is asked
  again before that;
- **nothing**: it is shown, and changes nothing.

What the child says itself settles in every policy, so there is no row for it. What does not settle
never moves the ceiling: the longest silence that anything may allow.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Evidence(StrEnum):
    """Who or what says that the child is there, the strongest first."""

    CHILD = "child"
    PROFESSIONAL = "professional"
    SCHOOL = "school"
    CARER = "carer"
    APP_SEEN = "app_seen"  # The app was open: somebody has the phone.


class Does(StrEnum):
    """What a kind of evidence does to a silence, the strongest first."""

    SETTLES = "settles"
    HOLDS = "holds"
    SOFTENS = "softens"
    NOTHING = "nothing"


# A phone in somebody's hand is no child that was seen: it may soften an alarm, and no more.
OF_A_PHONE = (Does.SOFTENS, Does.NOTHING)


@dataclass(frozen=True, slots=True)
class Levels:
    """What each kind of evidence does in one tier."""

    professional: Does
    school: Does
    carer: Does
    app_seen: Does
    holds_for: timedelta  # So long what holds puts off the next question to the carer.
    softens_for: timedelta  # At most so long after a round is late, what softens puts adults off.

    def does(self, evidence: Evidence) -> Does:
        """What this evidence does. The child's own word settles always."""
        return Does.SETTLES if evidence is Evidence.CHILD else Does(getattr(self, evidence.value))


def too_strong(levels: Levels) -> Evidence | None:
    """Evidence that does more than a stronger kind does, or than its kind may; None where all is
    in order."""
    if levels.app_seen not in OF_A_PHONE:
        return Evidence.APP_SEEN
    rank = list(Does).index
    for evidence in (Evidence.SCHOOL, Evidence.CARER):
        if rank(levels.does(evidence)) < rank(levels.professional):
            return evidence
        if rank(levels.app_seen) < rank(levels.does(evidence)):
            return Evidence.APP_SEEN
    return None

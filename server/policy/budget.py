"""How many false alarms an agency can bear, as a policy has it, and what follows by itself."""

from enum import StrEnum

import msgspec

CHILDREN_A_WORKER = 20


class Adapt(StrEnum):
    """What becomes of the numbers that the outcomes of a week call for."""

    NEVER = "never"
    PROPOSE = "propose"  # A supervisor adopts them, or does not.
    WITHIN_LIMITS = "within_limits"  # They hold from then on.


class Budget(msgspec.Struct, frozen=True):
    """False calls to adults in a worker-week that an agency can bear; a worker has twenty
    children."""

    pages: float = 4.0
    adapt: Adapt = Adapt.NEVER
    # Whether what witnesses said of children moves what their words weigh (learned.py).
    learns: bool = False

    @property
    def adapts(self) -> bool:
        """Whether the numbers of each week hold without a supervisor's word."""
        return self.adapt is Adapt.WITHIN_LIMITS


NO_BUDGET = Budget()

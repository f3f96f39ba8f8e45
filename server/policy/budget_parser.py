"""Reading the budget of alarms of a policy."""

from collections.abc import Mapping
from typing import Any

from server.errors import Refused
from server.policy.budget import NO_BUDGET, Adapt, Budget
from server.policy.values import known, yes_or_no

_BUDGET = ("pages", "adapt", "learns")
LEAST, MOST = 0.1, 100.0


def read(table: Mapping[str, Any]) -> Budget:
    """A budget from its table. Raises Refused, naming the field."""
    known(table, _BUDGET, "budget")
    own = {"pages": NO_BUDGET.pages, "adapt": Adapt.NEVER.value, **table}
    pages, adapt = own["pages"], own["adapt"]
    is_number = isinstance(pages, int | float) and not isinstance(pages, bool)
    if is_number and pages <= 0:
        raise Refused(
            "No policy finds a child without false alarms. Write how many a worker can bear in a"
            " week: 0.1 or more.",
            field="budget.pages",
        )
    if not is_number or not LEAST <= pages <= MOST:
        raise Refused(
            "Write how many false alarms a worker can bear in a week: 0.1 to 100.",
            field="budget.pages",
        )
    if not isinstance(adapt, str) or adapt not in set(Adapt):
        raise Refused(
            "A policy can adapt never, propose its numbers, or adapt within limits"
            " (in a file: never, propose, within_limits).",
            field="budget.adapt",
        )
    learns = yes_or_no({"learns": NO_BUDGET.learns, **table}, "learns", "budget")
    return Budget(float(pages), Adapt(adapt), learns)

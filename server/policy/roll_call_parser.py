"""Reading the roll calls of a policy."""

from collections.abc import Mapping
from typing import Any

from server.errors import Refused
from server.policy.roll_call import DAY, MOST_ROLL_CALLS, NIGHT, RollCall, Word
from server.policy.values import duration, known, odds, time_of_day, yes_or_no

_ROLL_CALL = ("at", "day", "night", "holds_for", "instead_of_carer")


def read(table: Mapping[str, Any]) -> RollCall:
    """Roll calls from their table. Raises Refused, naming the field."""
    known(table, _ROLL_CALL, "roll_call")
    given = table.get("at", [])
    if not isinstance(given, list) or len(given) > MOST_ROLL_CALLS:
        raise Refused("A home can have up to six roll calls a day.", field="roll_call.at")
    times = sorted({time_of_day({"at": text}, "at", "roll_call") for text in given})
    return RollCall(
        at=tuple(times),
        day={**DAY, **_words(table, "day")},
        night={**NIGHT, **_words(table, "night")},
        holds_for=duration({"holds_for": "14h", **table}, "holds_for", "roll_call"),
        instead_of_carer=yes_or_no(
            {"instead_of_carer": False, **table}, "instead_of_carer", "roll_call"
        ),
    )


def _words(table: Mapping[str, Any], part: str) -> Mapping[Word, float]:
    own, name = table.get(part, {}), f"roll_call.{part}"
    if not isinstance(own, Mapping):
        raise Refused("This policy is missing a table.", field=name)
    known(own, set(Word), name)
    return {Word(word): odds({word: own[word]}, word, name) for word in own}

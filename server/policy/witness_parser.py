"""Reading what the words of witnesses weigh from a policy."""

from collections.abc import Mapping
from typing import Any

from server.errors import Refused
from server.policy.roll_call import Word
from server.policy.values import duration, known, odds, time_of_day
from server.policy.witness import MOST_TIMES, WORDS, Witness

_WORDS = (Word.HERE, Word.NOT_HERE)
_WITNESS = ("at", *_WORDS, "holds_for")


def read(table: Mapping[str, Any]) -> Witness:
    """Witnesses from their table. Raises Refused, naming the field."""
    known(table, _WITNESS, "witness")
    given = table.get("at", [])
    if not isinstance(given, list) or len(given) > MOST_TIMES:
        raise Refused("A witness can be asked up to six times a day.", field="witness.at")
    times = sorted({time_of_day({"at": text}, "at", "witness") for text in given})
    own = {word: odds({word: table[word]}, word, "witness") for word in _WORDS if word in table}
    return Witness(
        at=tuple(times),
        words={**WORDS, **own},
        holds_for=duration({"holds_for": "4h", **table}, "holds_for", "witness"),
    )

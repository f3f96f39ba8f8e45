"""One value of a policy from its data, checked. Each raises Refused, naming the field."""

import re
from collections.abc import Collection, Mapping
from datetime import time, timedelta
from typing import Any

from server.errors import Refused
from server.policy.model import AT_ONCE, LONGEST

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,7}) ?(s|m|h|d)")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
MOST_MISSES = 30


def known(table: Mapping[str, Any], keys: Collection[str], name: str) -> None:
    unknown = set(table) - set(keys)
    if unknown:
        raise Refused("This policy has an unknown key.", field=f"{name}.{sorted(unknown)[0]}")


def table_of(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = data.get(key)
    if not isinstance(table, Mapping):
        raise Refused("This policy is missing a table.", field=key)
    return table


def perhaps(table: Mapping[str, Any], key: str, tier: str) -> timedelta | None:
    return None if table.get(key) in (None, "never") else duration(table, key, tier)


def misses(table: Mapping[str, Any], tier: str) -> int | None:
    """After how many misses in a row; None: however many."""
    value = table.get("after_misses")
    if value in (None, "never"):
        return None
    if type(value) is not int or not 1 <= value <= MOST_MISSES:
        raise Refused("Choose between 1 and 30 missed check-ins.", field=f"{tier}.after_misses")
    return value


def yes_or_no(table: Mapping[str, Any], key: str, tier: str) -> bool:
    value = table.get(key, True)
    if not isinstance(value, bool):
        raise Refused("This must be true or false.", field=f"{tier}.{key}")
    return value


def duration(table: Mapping[str, Any], key: str, tier: str) -> timedelta:
    match = _DURATION.fullmatch(str(table.get(key)))
    if match is None or match[1].strip("0") == "":
        raise Refused(
            "Write a duration as a number followed by s, m, h or d.", field=f"{tier}.{key}"
        )
    duration = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if duration > LONGEST:
        raise Refused("A duration in a policy can be up to 30 days.", field=f"{tier}.{key}")
    return duration


def time_of_day(table: Mapping[str, Any], key: str, tier: str) -> time:
    match = _TIME.fullmatch(str(table.get(key)))
    if match is None:
        raise Refused("Write a time like this: 08:00.", field=f"{tier}.{key}")
    return time(int(match[1]), int(match[2]))


def odds(table: Mapping[str, Any], key: str, name: str, most: float = AT_ONCE) -> float:
    """A share or a factor above nothing, up to `most`."""
    value = table.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1e-6 <= value <= most:  # type: ignore[operator]
        raise Refused("This value is not valid here.", field=f"{name}.{key}")
    return float(value)  # type: ignore[arg-type]


def times(table: Mapping[str, Any], key: str, name: str) -> float:
    """A factor of at least one: no evidence here makes it less likely that a child has gone."""
    value = odds(table, key, name)
    if value < 1:
        raise Refused("This value is not valid here.", field=f"{name}.{key}")
    return value

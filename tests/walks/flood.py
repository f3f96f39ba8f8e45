"""An agency of tens of thousands: every row about one child, once more for each of so many others.

Copied inside the database, so that forty thousand children take seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tortoise.models import Model

from server.alerts.models import Alert
from server.audit.models import Entry
from server.notify.models import Message
from server.people.models import Child, Person, Tie
from server.storage.db import dialect, fetch, write
from server.watch.models import Round, Watch

_NUMBERS = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT {0} UNION ALL SELECT n + 1 FROM s WHERE n < {1})"
    " SELECT n FROM s) AS s",
    "postgres": "generate_series({0}, {1}) AS s(n)",
}
# A statement has seconds, also on a machine that does much else.
AT_ONCE = 4_000
_KEY = {
    "sqlite": "printf('0f1f2f3f-0000-7000-{0:04x}-%012x', {1})",
    "postgres": "('0f1f2f3f-0000-7000-{0:04x}-' || lpad(to_hex({1}), 12, '0'))::uuid",
}
# The kinds of ids: the last but one group of theirs.
CHILD, TIE, ROUND, ALERT, MESSAGE = 0x8001, 0x8002, 0x8003, 0x8004, 0x8005


def child_number(n: int) -> UUID:
    """The id of the nth of them."""
    return UUID(f"0f1f2f3f-0000-7000-{CHILD:04x}-{n:012x}")


async def flood(child_id: UUID, how_many: int, *, together: UUID) -> None:
    """So many more children who are like this one, down to the messages that wait about them; these
    go out as one."""
    a_child, key = _key(CHILD), "k.number * 1000000 + s.n"
    about = {"child_id": a_child}
    person = {"id": a_child}
    child = {"id": a_child, "person_id": a_child, "home_id": "NULL"}
    async with write():
        await _copy(Person, {"id": child_id}, person, how_many)
        await _copy(Child, {"id": child_id}, child, how_many)
        await _copy(Tie, {"child_id": child_id}, about | {"id": _key(TIE, key)}, how_many)
        await _copy(Watch, {"child_id": child_id}, about, how_many)
        await _copy(Round, {"child_id": child_id}, about | {"id": _key(ROUND, key)}, how_many)
        await _copy(Alert, {"child_id": child_id}, about | {"id": _key(ALERT)}, how_many)
        of_alert = {"child_id": child_id, "subject_kind": "alert"}
        said = {"id": _key(MESSAGE, key), "subject_id": _key(ALERT), "together": "$2"}
        await _copy(Message, of_alert, about | said, how_many, together)
        await _copy(Entry, {"child_id": child_id, "what": "alert:open"}, about, how_many)
    await fetch("ANALYZE")


def _key(kind: int, number: str = "s.n") -> str:
    return _KEY[dialect()].format(kind, number)


async def _copy(
    model: type[Model],
    which: Mapping[str, object],
    new: Mapping[str, str],
    how_many: int,
    *params: object,
) -> None:
    table, key = model._meta.db_table, model._meta.db_pk_column
    columns = [name for name in model._meta.db_fields if name != key or name in new]
    values = ", ".join(new.get(name, f'k."{name}"') for name in columns)
    row = await model.filter(**which).order_by(key).values_list(key, flat=True)
    for number, id_ in enumerate(row):
        source = f'(SELECT *, {number} AS number FROM "{table}" WHERE "{key}" = $1) AS k'  # noqa: S608
        names = ", ".join(f'"{name}"' for name in columns)
        for first in range(1, how_many + 1, AT_ONCE):
            numbers = _NUMBERS[dialect()].format(first, min(first + AT_ONCE - 1, how_many))
            await fetch(
                f'INSERT INTO "{table}" ({names}) SELECT {values} FROM {source}, {numbers}',  # noqa: S608
                [id_, *params],
            )

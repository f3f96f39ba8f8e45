"""How a moment comes out of either database into a model.

Tortoise's own reader knows every spelling of ISO 8601, and takes a fifth of the time of an answer
that closes an alert. It also gives each moment a zone of its own make, which compares slowly with
the UTC of our clock.
"""

from datetime import UTC, datetime
from typing import Any

from tortoise.fields import DatetimeField

_as_tortoise_does = DatetimeField.to_python_value


def _read(field: Any, value: Any) -> datetime | None:
    """The moment, in UTC."""
    if value is None:
        return None
    if type(value) is str:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = _as_tortoise_does(field, value)
    elif type(value) is not datetime:
        value = _as_tortoise_does(field, value)
    if value.tzinfo is UTC:
        moment: datetime = value
        return moment
    # One without a zone is in UTC, as all that is stored.
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return moment


def read_quickly() -> None:
    """Let every model read its moments so, from now on."""
    field: Any = DatetimeField
    field.to_python_value = _read

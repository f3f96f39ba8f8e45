"""The life project in the API: each incoming change is checked alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from server.audit.epochs import EpochOut
from server.errors import Malformed, Refused, WaymarkError
from server.i18n import N_
from server.plan import feed
from server.plan.changes import batch
from server.plan.changes.batch import Result
from server.plan.rules import Said
from server.tasks.api import DueOut
from server.web.openapi import Problem
from server.web.requests import check_moments, clean_text
from server.web.responses import problem

DEEPEST = 4
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class ChangeIn(msgspec.Struct):
    """One change of one field of one thing; `field` "*" makes the thing."""

    id: UUID
    entity: str
    entity_id: UUID
    field: str
    said_at: Moment
    base: UUID | None = None
    value: Any = None


class SyncRequest(msgspec.Struct):
    """Changes in the order in which they were made, at most 500; each is checked alone."""

    cursor: str | None = None
    changes: list[dict[str, Any]] = []


class ResultOut(msgspec.Struct, omit_defaults=True):
    """The result of one change: applied, known, kept_beside, refused or quarantined. `received_at`:
    when it first arrived, if it is kept; it orders the caller's own rows. `revision`: of the
    project after it, as with the changes of others."""

    id: str | None
    status: str
    received_at: str | msgspec.UnsetType = msgspec.UNSET
    revision: int | msgspec.UnsetType = msgspec.UNSET
    problem: Problem | msgspec.UnsetType = msgspec.UNSET


class ChangeOut(msgspec.Struct):
    """A change as everyone gets it. `revision`: of the project after it, so that a reader with the
    changes up to a revision has the project as it was."""

    id: str
    entity: str
    entity_id: str
    field: str
    base: str | None
    value: Any
    said_at: str
    received_at: str
    who: dict[str, str]
    revision: int


class SyncOut(msgspec.Struct):
    """The results in the order of the changes; the others' changes; the cursor after them; and
    which history of the database this is."""

    results: list[ResultOut]
    changes: list[ChangeOut]
    cursor: str | None
    epoch: EpochOut | None


class HistoryOut(msgspec.Struct):
    """Changes, the oldest first; ask again from the cursor."""

    changes: list[ChangeOut]
    cursor: str


class ProjectOut(msgspec.Struct):
    """The life project: areas with goals with steps, agreements, reviews, open differences.
    `summary_by`: who said the summary that stands, since adults may write one; null where nothing
    stands, and not there in what was folded by an earlier release."""

    id: UUID
    child: dict[str, str]
    status: str
    revision: int
    signed_revision: int | None
    ends_on: str | None
    areas: list[dict[str, Any]]
    agreements: list[dict[str, Any]]
    reviews: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    houses: list[dict[str, Any]]
    complaints: list[dict[str, Any]]
    unsigned: list[dict[str, Any]]
    people: list[dict[str, Any]]
    summary_by: dict[str, str] | None = None


class WholeOut(msgspec.Struct):
    """The whole as a file: the current state, whose turn it is, and every change, the oldest first.

    `format` and `version` say how to read it.
    """

    format: str
    version: int
    made_at: datetime
    project: ProjectOut
    dues: list[DueOut]
    history: list[ChangeOut]


class KeptOut(msgspec.Struct):
    """A change sent over a tie that had ended. `said` is null where the reader decides without
    reading it: a house that is not shown, a complaint addressed to another role."""

    id: UUID
    who: dict[str, str]
    received_at: datetime
    said: dict[str, Any] | None


class QuarantineOut(msgspec.Struct):
    """What waits for a decision, the oldest first. `next`: what to give as `after` for the next
    part; null: this was the last."""

    changes: list[KeptOut]
    next: UUID | None


class DecisionIn(msgspec.Struct):
    """Whether a quarantined change is merged."""

    let_in: bool


def read_change(raw: dict[str, Any]) -> Said | Result:
    """One change of the batch, or why it is invalid."""
    id_ = raw.get("id")
    try:
        change = msgspec.convert(raw, ChangeIn)
        check_moments(change)
        _check_storable(change.entity, change.field, change.value)
    except msgspec.ValidationError as fault:
        return _refused(id_, _invalid(str(fault)))
    except UnicodeError:
        # Half of a surrogate pair instead of an id or a moment.
        return _refused(id_, _invalid(""))
    except WaymarkError as fault:
        return _refused(id_, fault)
    return Said(
        str(change.id),
        change.entity,
        str(change.entity_id),
        change.field,
        None if change.base is None else str(change.base),
        change.value,
        change.said_at,
    )


def _refused(id_: Any, fault: WaymarkError) -> Result:
    # An id that is no text, or that no answer can contain, is not repeated.
    is_plain = isinstance(id_, str) and id_.isascii() and id_.isprintable()
    return Result(id_ if is_plain else None, batch.REFUSED, fault)


def _invalid(says: str) -> Refused:
    _, _, place = says.partition("$.")
    return Refused(N_("“{field}” is not valid here."), field=place.rstrip("`") or "value")


def _check_storable(*values: Any, depth: int = 0) -> None:
    """Raises Refused for characters that no database stores, or that hide a sealed text, and for
    values that are nested deeper than any of ours."""
    if depth > DEEPEST:
        raise _invalid("")
    for value in values:
        if isinstance(value, str):
            try:
                clean_text(value)
            except Malformed as fault:
                raise Refused(fault.detail, field="value") from None
        elif isinstance(value, Mapping):
            _check_storable(*value.keys(), *value.values(), depth=depth + 1)
        elif isinstance(value, list):
            _check_storable(*value, depth=depth + 1)


def result_out(result: Result, language: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": result.id, "status": result.status}
    if result.received_at is not None:
        answer["received_at"] = feed.moment_text(result.received_at)
    if result.revision is not None:
        answer["revision"] = result.revision
    if result.fault is not None:
        answer["problem"] = msgspec.json.decode(problem(result.fault, language).body)
    return answer


def read_cursor(cursor: str | None, epoch: EpochOut | None) -> int:
    """The position of the caller. A cursor of another epoch counts as none: after a backup other
    changes got the same numbers, and a caller who went on from the old ones would miss those."""
    if cursor is None or cursor == "":
        return 0
    number, _, tag = cursor.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19) or len(tag) not in (0, 8):
        raise Refused(N_("“{field}” is not valid here."), field="cursor")
    return int(number) if tag == _tag(epoch) else 0


def cursor_of(number: int, epoch: EpochOut | None) -> str:
    """The position of the caller, as we tell it."""
    return f"{number}-{_tag(epoch)}" if epoch is not None else str(number)


def _tag(epoch: EpochOut | None) -> str:
    return "" if epoch is None else epoch.id.hex[-8:]

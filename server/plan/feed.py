"""The changes of others for one session: those it did not send and may see."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from server.people.rules import Role
from server.plan.rules import MOST_CHANGES, may_read_message
from server.plan.view import Document, hidden_from
from server.security import encryption
from server.storage.db import among, as_moment, fetch

# Of one answer, in characters of sealed text; a longer change goes alone.
MOST_CHARACTERS = 1_000_000

_COLUMNS = (
    "id, number, entity, entity_id, field, base, value, said_at, received_at, who_id, who_role,"
    " revision"
)


# No change has a higher number.
LAST = 2**62
# The next dates of a project, which a carer sees beside their own promises.
_DATES = {
    "review": frozenset({"*", "kind", "due_on", "held_on", "next_on"}),
    "life_project": frozenset({"ends_on"}),
}


def _is_date(change: Document) -> bool:
    entity, field = change["entity"], change["field"]
    if entity == "choice":
        entity, field = change["value"]["entity"], change["value"]["field"]
    return field in _DATES.get(entity, ())


def _takes_back(change: Document) -> bool:
    is_about_showing = (change["entity"], change["field"]) == ("house", "is_shown")
    return is_about_showing and change["value"] is not True


def _is_readdressed(change: Document) -> bool:
    return (change["entity"], change["field"]) == ("complaint", "to")


class Reader:
    """What one reader may see of a project's changes."""

    def __init__(self, person_id: UUID, roles: frozenset[Role], shown: Document) -> None:
        self._me = str(person_id)
        self._roles = roles
        self._hidden = hidden_from(shown, self._me, frozenset(role.value for role in roles))
        self._had: set[str] = set()
        self._own_steps: set[str] | None = None
        if roles <= {Role.CARER}:
            steps = (
                step for area in shown["areas"] for goal in area["goals"] for step in goal["steps"]
            )
            self._own_steps = {step["id"] for step in steps if step["owner_id"] == self._me}

    def may_see(self, change: Document) -> bool:
        """Whether the reader may see this change, as the project is now."""
        about = change["entity_id"]
        if change["entity"] == "choice":
            about = change["value"]["entity_id"]
        if change["entity"] == "message" and not self._is_to_me(change["value"]):
            return False
        if self._own_steps is not None:
            return about in self._own_steps or _is_date(change)
        # Those who were shown a house hear that it is their author's again, and those who had a
        # complaint that it goes to others: else their phone, which has the words, would go on
        # showing them.
        if _is_readdressed(change) and about in self._had:
            return True
        return about not in self._hidden or _takes_back(change)

    def taken_away(self, changes: Iterable[Document]) -> set[str]:
        """The complaints that go to others by these changes, and that the reader does not see."""
        return self._hidden & {each["entity_id"] for each in changes if _is_readdressed(each)}

    def recall(self, addressed: Iterable[Document]) -> None:
        """Complaints as they were made or addressed anew: keep those that were once for the reader.
        Who never had one learns nothing of it."""
        roles = {role.value for role in self._roles}
        for change in addressed:
            to = change["value"] if _is_readdressed(change) else change["value"].get("to")
            if to in roles:
                self._had.add(change["entity_id"])

    def _is_to_me(self, message: Document) -> bool:
        return may_read_message(message, self._me, self._roles)

    def seen(self, change: Document) -> Document:
        """The change as the reader may see it: of a meeting a carer sees only the date."""
        if self._own_steps is None or (change["entity"], change["field"]) != ("review", "*"):
            return change
        value = {
            name: content for name, content in change["value"].items() if name in _DATES["review"]
        }
        return change | {"value": value}

    def revealed(self, changes: Iterable[Document]) -> set[str]:
        """The things that one of these changes let the reader see, with their earlier changes."""
        revealed_ids = set()
        for change in changes:
            value = change["value"]
            is_house = (change["entity"], change["field"]) == ("house", "is_shown")
            is_readdressed = (change["entity"], change["field"]) == ("complaint", "to")
            if (
                (is_house and value is True)
                or is_readdressed
                or (
                    self._own_steps is not None
                    and change["field"] == "owner_id"
                    and value == self._me
                )
            ):
                revealed_ids.add(change["entity_id"])
        return revealed_ids


async def since(
    child_id: UUID, reader: Reader, session_id: UUID | None, *, after: int, upto: int
) -> tuple[list[Document], int]:
    """The changes numbered above `after`, up to `upto`, and the number of the last."""
    rows = await fetch(
        f"SELECT {_COLUMNS} FROM change WHERE child_id = $1 AND number > $2"  # noqa: S608 (ours)
        " AND number <= $3 AND (session_id IS NULL OR session_id <> $4)"
        " ORDER BY number LIMIT $5",
        [child_id, after, upto, session_id or UUID(int=0), MOST_CHANGES + 1],
    )
    page = _as_many_as_fit(rows)
    changes = [_change(row) for row in page]
    reached = page[-1]["number"] if len(page) < len(rows) else upto
    earlier = await _earlier(child_id, reader, changes, after, session_id)
    if taken := reader.taken_away(changes):
        reader.recall(await _addressed(child_id, taken, upto))
    return [
        reader.seen(change) for change in (*earlier, *changes) if reader.may_see(change)
    ], reached


async def history(
    child_id: UUID, reader: Reader, *, after: int, limit: int, upto: int = LAST
) -> tuple[list[Document], int]:
    """Every change ever made that the reader may see, oldest first, up to a number."""
    rows = await fetch(
        f"SELECT {_COLUMNS} FROM change WHERE child_id = $1 AND number > $2"  # noqa: S608 (ours)
        " AND number <= $3 ORDER BY number LIMIT $4",
        [child_id, after, upto, limit],
    )
    page = _as_many_as_fit(rows)
    changes = [_change(row) for row in page]
    reached = page[-1]["number"] if page else after
    return [reader.seen(change) for change in changes if reader.may_see(change)], reached


async def _earlier(
    child_id: UUID,
    reader: Reader,
    changes: list[Document],
    after: int,
    session_id: UUID | None,
) -> list[Document]:
    """Changes passed by while the reader could not see them, which they may see now."""
    revealed = reader.revealed(changes)
    if not revealed or after == 0:
        return []
    rows = await fetch(
        f"SELECT {_COLUMNS} FROM change WHERE child_id = $1 AND number <= $2"  # noqa: S608 (ours)
        " AND (session_id IS NULL OR session_id <> $3) ORDER BY number",
        [child_id, after, session_id or UUID(int=0)],
    )
    wanted = {UUID(id_) for id_ in revealed}
    return [_change(row) for row in rows if UUID(str(row["entity_id"])) in wanted]


async def _addressed(child_id: UUID, complaints: set[str], upto: int) -> list[Document]:
    """To which roles these complaints were ever addressed: few rows of few complaints."""
    ids = [UUID(id_) for id_ in complaints]
    rows = await fetch(
        f"SELECT {_COLUMNS} FROM change WHERE child_id = $1 AND number <= $2"  # noqa: S608 (ours)
        f" AND entity = 'complaint' AND field IN ('*', 'to') AND entity_id {among('$3')}",
        [child_id, upto, ids],
    )
    return [_change(row) for row in rows]


def _as_many_as_fit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    taken = 0
    for number, row in enumerate(rows[:MOST_CHANGES]):
        taken += len(row["value"] or "")
        if number and taken > MOST_CHARACTERS:
            return rows[:number]
    return rows[:MOST_CHANGES]


def _change(row: dict[str, Any]) -> Document:
    value = row["value"]
    return {
        "id": str(row["id"]),
        "entity": row["entity"],
        "entity_id": str(row["entity_id"]),
        "field": row["field"],
        "base": None if row["base"] is None else str(row["base"]),
        "value": None if value is None else json.loads(encryption.current().open(value)),
        "said_at": moment_text(as_moment(row["said_at"])),
        "received_at": moment_text(as_moment(row["received_at"])),
        "who": {"id": str(row["who_id"]), "role": row["who_role"]},
        "revision": row["revision"],
    }


def moment_text(moment: datetime) -> str:
    """A moment in its one spelling, so that phones may compare the text."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

"""Lists of witnesses on the board: those of today that nobody has filled in."""

from starlette.requests import Request

from server.clock import known_zone
from server.i18n import N_, gettext
from server.people.access import Visitor, now_of
from server.people.rules import Role
from server.watch.wording import when
from server.web.rendering import language_of
from server.witnesses import reading
from server.witnesses.rules import Kind, path_of

_READERS = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
_SCHOOL = N_("School list not filled in: {name}, {time}.")
_OTHER = N_("List not filled in: {name}, {time}.")


async def not_filled_in(request: Request, visitor: Visitor) -> list[tuple[str, str]]:
    """A sentence and a page for each; nobody was called about them."""
    if Role(visitor.role) not in _READERS or visitor.agency_id is None:
        return []
    language, now = language_of(request), now_of(request)
    rows = await reading.undone_for(visitor.agency_id, visitor.person_id, now)
    lines = []
    for row in rows:
        time = when(language, row.due_at, known_zone(row.zone), now)
        sentence = _SCHOOL if row.kind == Kind.SCHOOL else _OTHER
        line = gettext(language, sentence, name=row.name, time=time)
        lines.append((line, path_of(row.witness_id)))
    return lines

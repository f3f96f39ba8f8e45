"""Who opens the pages of a home's roll calls: the people who work there by their seat, and those
who answer for its children, who only read."""

from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request

from server.audit.actions import Actor
from server.clock import known_zone
from server.people.access import Roles, nothing_here, now_of, rota_of, staff_of
from server.people.children_access import children_for
from server.people.models import Home
from server.people.rules import PROFESSIONAL, Action, AgencyAction, Role, may_agency
from server.roll_calls.reading import living_in, works_in
from server.roll_calls.rules import path_of
from server.roll_calls.shifts.view import Shifts, shifts_of


class Entrance(msgspec.Struct, frozen=True):
    """A home, and who opens its page: signed in, or by a PIN at its front desk (`front_path`, where
    `template` draws the sheet). `ticket`: lets in what was said there and arrives too late."""

    visitor: Actor
    home: Home
    is_worker: bool
    shift: Shifts
    typed_at: str = ""  # An end of a shift that came back refused.
    front_path: str = ""
    template: str = "roll_calls/sheet.html"
    ticket: str = ""

    @property
    def worker_id(self) -> UUID:
        """Who opens it."""
        assert self.visitor.id is not None
        return self.visitor.id

    @property
    def zone(self) -> ZoneInfo:
        """The clock on the wall of the home."""
        return known_zone(self.home.zone)

    @property
    def path(self) -> str:
        """The page of its roll call."""
        return self.front_path or path_of(self.home.id)


async def entrance(request: Request) -> Entrance:
    """The home of the path, for a person of its agency. Raises NotFound."""
    visitor = await staff_of(request)
    home = await Home.get_or_none(id=request.path_params["home_id"], agency_id=visitor.agency_id)
    if home is None:
        raise nothing_here()
    now = now_of(request)
    is_worker = await works_in(visitor.person_id, home.id, now)
    return Entrance(visitor, home, is_worker, await shifts_of(home, visitor.person_id, now))


async def as_worker(request: Request) -> Entrance:
    """The same, for a person who works there. Raises NotFound for everyone else."""
    seat = await entrance(request)
    if not seat.is_worker:
        raise nothing_here()
    return seat


async def for_reading(request: Request, home: Home) -> dict[UUID, Roles]:
    """The children of the home whose words this visitor may read. For a visitor on duty each is a
    look. Raises NotFound for those who answer for no child there."""
    among = await living_in(home.id)
    roles = await children_for(request, Action.HISTORY_SEE, among=among)
    seen = {id_: held for id_, held in roles.items() if held & PROFESSIONAL}
    visitor = await staff_of(request)
    oversees = may_agency(Role(visitor.role), AgencyAction.ROLL_CALL_SEE)
    if not (seen or oversees or (await rota_of(request)).is_on_duty):
        raise nothing_here()
    return seen

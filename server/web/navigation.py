"""The places of the desk: what the bar shows each role, and to which place a page belongs.

Like the table of the Help it knows roles by their names alone: what each may open, the rooms say.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from server.i18n import N_, gettext


class Place(msgspec.Struct, frozen=True):
    """One place in the bar: where it is, its drawing and its name."""

    path: str
    icon: str
    name: str
    is_here: bool = False
    is_this_page: bool = False


_BOARD = Place("/desk/", "board", N_("Board"))
_CHILDREN = Place("/desk/children", "children", N_("Children"))
_ROTA = Place("/desk/rota", "rota", N_("Rota"))
_REPORTS = Place("/desk/reports", "reports", N_("Reports"))
_ADMIN = Place("/desk/admin", "admin", N_("Admin"))
_AREA = Place("/desk/areas", "reports", N_("Counts"))
_FRONT = Place("/desk/front", "front", N_("Front desk"))

# What a carer's phone shows tells nobody what it is for.
BARS: Final[Mapping[str, tuple[Place, ...]]] = {
    "caseworker": (_BOARD, _CHILDREN, _ROTA, _REPORTS, _ADMIN),
    "supervisor": (_BOARD, _CHILDREN, _ROTA, _REPORTS, _ADMIN),
    "guardian": (_BOARD, _CHILDREN),
    "carer": (_BOARD, _FRONT),
    "advocate": (_BOARD,),
    "administrator": (_ADMIN, _ROTA, _REPORTS, _BOARD),
    "oversight": (_AREA,),
}
ME: Final = "/desk/me"
# The first row that fits counts. What is in no row belongs to the board.
_BELONGS: Final = (
    (ME, (ME, "/desk/settings", "/desk/test", "/desk/help", "/desk/again")),
    ("/desk/front", ("/desk/front",)),
    ("/desk/areas", ("/desk/areas",)),
    ("/desk/admin", ("/desk/admin", "/desk/people", "/desk/templates", "/desk/transfers")),
    ("/desk/admin", ("/desk/drills", "/desk/front", "/desk/children/new")),
    ("/desk/reports", ("/desk/reports", "/desk/quality", "/desk/indicators", "/desk/patterns")),
    ("/desk/reports", ("/desk/policies/replay", "/desk/searches", "/desk/load")),
    ("/desk/reports", ("/desk/roll-calls", "/desk/texts")),
    ("/desk/admin", ("/desk/policies",)),
    ("/desk/rota", ("/desk/rota", "/desk/duty")),
    ("/desk/children", ("/desk/children", "/desk/find", "/desk/glass", "/desk/witnesses")),
)


def bar(path: str, role: str, language: str) -> list[Place]:
    """The places for this role in their language, and which of them this page belongs to."""
    places = BARS[role]
    here = place_of(path, role)
    return [
        Place(
            place.path,
            place.icon,
            gettext(language, place.name),
            is_here=place.path == here,
            is_this_page=place.path == path,
        )
        for place in places
    ]


def place_of(path: str, role: str) -> str:
    """The place that a page belongs to: one in the bar of this role, or the reader's own page."""
    shown = {ME, *(place.path for place in BARS[role])}
    fits = (place for place, begins in _BELONGS if place in shown and path.startswith(begins))
    # Without a board a page belongs to the first place that there is.
    return next(fits, "/desk/" if "/desk/" in shown else BARS[role][0].path)

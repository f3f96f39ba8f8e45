"""What opens to people of an area. Pure.

The other way round than for all other roles: they get 404 for every path that strangers do not open
and that is not listed here, so that one which is added later is closed to them.
"""

import re
from typing import Final

from server.web.outside import is_outside

HOME: Final = "/desk/areas"
# The counts of their area, what is about themselves, and the board, which leads on to the counts.
_OPEN: Final = re.compile(
    r"/api/v1/(areas|me|sessions)$|/desk/$|/desk/areas(\.csv)?$"
    r"|/desk/(me|help(/.*)?|again(/.*)?)$"
    r"|/desk/settings(/(language|(password|second-key|sessions|accounts)(/.*)?))?$"
)


def opens(path: str) -> bool:
    """Whether a person of an area may ask for this path at all."""
    return is_outside(path) or _OPEN.match(path) is not None

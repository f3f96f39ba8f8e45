"""What was texted, for those who read about a child. Reads rows, and writes none."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from server.inbound.models import Inbound


class Text(NamedTuple):
    """Words from an agreed number that were none of the agreed ones."""

    at: datetime
    words: str
    is_shared: bool  # Several children have the number: it may be another one's.


async def texts_of(child_id: UUID, most: int) -> list[Text]:
    """What came from the number of a child, the newest first."""
    rows = Inbound.filter(child_id=child_id, what="words").order_by("-at").limit(most)
    return [Text(one.at, one.text or "", one.is_shared) for one in await rows]


async def unknown_since(now: datetime) -> int:
    """How much came in a week from numbers that nobody knows: for operators."""
    return await Inbound.filter(what="unknown", at__gt=now - timedelta(days=7)).count()

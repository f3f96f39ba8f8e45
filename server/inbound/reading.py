"""Texts for the readers of a child's page. Reads rows, and writes none."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from server.inbound.models import Inbound, Texting
from server.inbound.rules import Meant
from server.watch.wording import BY_CARD


class Text(NamedTuple):
    """Words from an agreed number that were none of the agreed ones."""

    at: datetime
    words: str | None  # None: we could not read it.
    is_shared: bool  # Several children have the number: it may be another's.


async def texts_of(child_id: UUID, most: int) -> list[Text]:
    """What came from the number of a child, the newest first."""
    rows = Inbound.filter(child_id=child_id, what="words").order_by("-at").limit(most)
    return [Text(row.at, row.text, row.is_shared) for row in await rows]


async def calls_by_card(child_id: UUID, most: int) -> list[datetime]:
    """When help was asked for with a child's card and the PIN was not checked, the last first."""
    rows = Inbound.filter(child_id=child_id, channel=BY_CARD).order_by("-at").limit(most)
    return [row.at for row in await rows]


async def help_text_of(numbers: Mapping[str, str], child_id: UUID) -> tuple[str, str] | None:
    """The number to which a child texts for help, and the word; None without an agreement, or where
    our number is not set."""
    held = await Texting.get_or_none(child_id=child_id, ended_at__isnull=True)
    if held is None or held.channel not in numbers:
        return None
    return numbers[held.channel], held.words[Meant.HELP]


async def unknown_since(now: datetime) -> int:
    """How many messages came from unknown numbers in a week: for operators."""
    return await Inbound.filter(what="unknown", at__gt=now - timedelta(days=7)).count()

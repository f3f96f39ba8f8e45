"""The whole of a life project as one file of data, to keep and to read with any program: the
current state, whose turn it is, and every change that the reader may see."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.plan import feed
from server.plan.rules import MOST_CHANGES

# Tells a reader in ten years what the file is; the number rises when names change.
FORMAT = "waymark-life-project"
VERSION = 1


async def pieces(
    child_id: UUID,
    reader: feed.Reader,
    *,
    project: dict[str, Any],
    dues: Any,
    upto: int,
    now: datetime,
) -> AsyncIterator[bytes]:
    """The file in pieces, one page of the history after the other: so a long life needs little
    memory.

    `upto`: the number of the last change in `project`; later ones are not in the file.
    """
    head = {"format": FORMAT, "version": VERSION, "made_at": now, "project": project, "dues": dues}
    # Without the closing brace: the history follows.
    yield msgspec.json.encode(head)[:-1] + b',"history":['
    after, is_first = 0, True
    while after < upto:
        changes, reached = await feed.history(
            child_id, reader, after=after, limit=MOST_CHANGES, upto=upto
        )
        for change in changes:
            yield (b"" if is_first else b",") + msgspec.json.encode(change)
            is_first = False
        if reached == after:
            break
        after = reached
    yield b"]}\n"
